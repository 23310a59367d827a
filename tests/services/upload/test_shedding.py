"""Before memory or disk run out somebody is sent away: at once, with a time to come back, and never the wrong one."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from contracts.errors import Overloaded
from services import edge
from services.upload.application import application
from services.upload.spool import GREED, SpoolRoom
from services.upload.threads import Threads
from tests.support.upload_room import Spoken, UploadRoom, in_pieces


@given(st.integers(1, 64), st.lists(st.sampled_from(["alice", "bob", "carol"]), max_size=200))
def test_whoever_holds_no_place_gets_one_unless_all_are_taken(most: int, comers: list[str]) -> None:
    room, held = SpoolRoom(most, shared=True), dict.fromkeys(("alice", "bob", "carol"), 0)
    with ExitStack() as places:
        for tenant in comers:
            free = most - room.inside
            try:
                places.enter_context(room.place(tenant))
            except Overloaded:
                assert held[tenant] > 0 or free == 0
            else:
                held[tenant] += 1
                assert held[tenant] <= GREED * free
    assert room.inside == 0


def test_a_tenant_alone_gets_three_quarters_and_where_nobody_shares_all() -> None:
    for shared, most in ((True, 24), (False, 32)):
        room = SpoolRoom(32, shared=shared)
        with ExitStack() as places:
            for _ in range(most):
                places.enter_context(room.place("alice"))
            with pytest.raises(Overloaded):
                places.enter_context(room.place("alice"))
            if shared:
                places.enter_context(room.place("bob"))


def test_slow_bodies_of_one_tenant_leave_places_for_others() -> None:
    """Thirty-two connections that send a byte now and then hold what one tenant may hold, and no more."""
    room = SpoolRoom(32, shared=True)
    with ExitStack() as slow:
        refused = 0
        for _ in range(32):
            try:
                slow.enter_context(room.place("slow"))
            except Overloaded:
                refused += 1
        assert refused == 8
        for number in range(3):
            with room.place(f"quick{number}"):
                pass


def test_calls_that_wait_for_a_thread_are_bounded() -> None:
    async def scenario() -> None:
        threads, go = Threads(1, most_waiting=2), threading.Event()
        waiting = [asyncio.ensure_future(threads.call(go.wait)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await threads.call(int)
        # one that gives up waiting leaves its place
        waiting[1].cancel()
        await asyncio.sleep(0)
        go.set()
        assert await waiting[0] is await waiting[2] is True
        while threads.waiting:
            await asyncio.sleep(0)
        assert await threads.call(int) == 0
        threads.close()

    asyncio.run(scenario())


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Any]]:
    monkeypatch.setattr(edge, "MOST_REQUESTS", 0)
    room = UploadRoom()
    with TestClient(application(room.desk)) as client:
        room.readiness.begin()
        yield client


def test_a_process_with_too_much_in_hand_answers_so_and_its_health_still(full: TestClient[Any]) -> None:
    refused = full.post("/uploads", content=b"x", headers={"Content-Type": "image/jpeg"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["x-content-type-options"] == "nosniff"
    assert (refused.json()["code"], refused.json()["retryable"]) == ("overloaded", True)
    assert full.get("/healthz").status_code == full.get("/readyz").status_code == 200


def test_a_disk_that_is_full_is_told_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `statvfs` and `write` tell it; what a file without a name took goes with it."""
    import errno

    from services.upload import spool

    class Full:
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "no space left on device")

        def close(self) -> None:
            closed.append(True)

    closed: list[bool] = []
    monkeypatch.setattr(spool, "_nameless_file", lambda _: Full())
    room = UploadRoom()
    app = application(room.desk)
    headers = {"Content-Type": "image/jpeg"}
    body = b"\xff\xd8\xff" + bytes(2 * spool.MEMORY_BYTES)
    spoken = asyncio.run(Spoken("POST", "/uploads", headers, in_pieces(body, 1 << 16)).to(app))
    assert (spoken.status, spoken.headers["retry-after"]) == (503, "5")
    assert closed
    assert room.is_untouched
    assert room.desk.room.inside == 0
    room.threads.close()
