"""Clouds for the adapters: moto in this process, MiniStack beside it."""

import threading
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
    """What this test would have slept; it does not. Whoever runs beside it in this process sleeps as ever."""
    slept: list[float] = []
    sleep, own = time.sleep, threading.current_thread()
    monkeypatch.setattr(
        time, "sleep", lambda seconds: (slept.append if threading.current_thread() is own else sleep)(seconds)
    )
    return slept
