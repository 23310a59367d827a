"""The upload service over ports in memory, and a client that asks it over ASGI."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from services.upload.application import application
from services.upload.auth import KeyDoor
from services.upload.desk import Desk
from tests.support.keys import PEPPER, MemoryKeys
from tests.support.upload_room import UploadRoom


@pytest.fixture
def room() -> Iterator[UploadRoom]:
    made = UploadRoom()
    yield made
    made.threads.close()


@pytest.fixture
def keys() -> MemoryKeys:
    return MemoryKeys()


@pytest.fixture
def keyed_desk(room: UploadRoom, keys: MemoryKeys) -> Desk:
    """The room's desk behind a door that asks for keys: whose tests want it, have `desk` give it."""
    return msgspec.structs.replace(room.desk, door=KeyDoor(keys, PEPPER, room.clock, room.threads))


@pytest.fixture
def desk(room: UploadRoom) -> Desk:
    return room.desk


@pytest.fixture
def client(room: UploadRoom, desk: Desk) -> Iterator[TestClient[Litestar]]:
    room.readiness.begin()
    with TestClient[Any](application(desk), raise_server_exceptions=False) as made:
        yield made
