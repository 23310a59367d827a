"""Clouds for the adapters: moto in this process, MiniStack beside it."""

import time
from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.support import ministack
from tests.support.agreement_cloud import CloudWorld, maker


@pytest.fixture
def moto() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def cloud(moto: None) -> CloudWorld:
    """Adapters on a fresh moto, with clients of its own."""
    return CloudWorld(maker(None), shards=2)


@pytest.fixture(scope="session")
def ministack_url() -> Iterator[str]:
    with ministack.running() as url:
        yield url


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What anybody would have slept; nobody does."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept
