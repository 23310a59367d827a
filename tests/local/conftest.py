"""An embedded cloud for the tests of this room, and roles with exactly the rights that a test names."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws import Clients
from local.cloud import Cloud
from tests.support.embedded import REGION, Session, session_of, started


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with started(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def clients(cloud: Cloud) -> Clients:
    return Clients(cloud.endpoint, REGION)


@pytest.fixture
def role(clients: Clients, request: pytest.FixtureRequest) -> Callable[..., Session]:
    """Make a role with these statements, and take it."""
    made = 0

    def make(*statements: dict[str, Any], name: str | None = None) -> Session:
        nonlocal made
        made += 1
        role_name = name or f"{request.node.name[:50]}-{made}"
        return session_of(clients, role_name, *statements)

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"
