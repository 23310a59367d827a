"""The upload service over ports in memory, and a client that asks it over ASGI."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from services.upload.application import application
from tests.support.upload_room import UploadRoom


@pytest.fixture
def room() -> Iterator[UploadRoom]:
    made = UploadRoom()
    yield made
    made.threads.close()


@pytest.fixture
def client(room: UploadRoom) -> Iterator[TestClient[Litestar]]:
    room.readiness.begin()
    with TestClient[Any](application(room.desk), raise_server_exceptions=False) as made:
        yield made
