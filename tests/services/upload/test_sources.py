"""Whoever tries keys that are none is not answered for a while; good keys pass whatever their neighbours do."""

import asyncio
from typing import Any

import pytest
from litestar.connection import ASGIConnection

from contracts.errors import QuotaExceeded, Unauthenticated
from contracts.keys import CACHE_SECONDS, Scope
from services.upload.auth import KeyDoor
from services.upload.sources import MOST_SOURCES, SECONDS_A_TRY, TRIES, Sources, source_of
from tests.support.keys import PEPPER, MemoryKeys
from tests.support.memory import VirtualClock
from tests.support.upload_room import UploadRoom

BAD = "Bearer dk_zzzzzzzzzzzz_" + "0" * 43


def connection(peer: str, *forwarded: str) -> Any:
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    return ASGIConnection({"type": "http", "client": (peer, 1), "headers": headers})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("peer", "forwarded", "behind", "source"),
    [
        ("203.0.113.7", (), False, "203.0.113.7"),
        ("203.0.113.7", ("198.51.100.1",), False, "203.0.113.7"),
        ("10.0.0.5", ("198.51.100.1",), True, "198.51.100.1"),
        ("10.0.0.5", ("1.1.1.1, 2.2.2.2, 198.51.100.1",), True, "198.51.100.1"),
        ("10.0.0.5", ("1.1.1.1", "198.51.100.1"), True, "198.51.100.1"),
        ("10.0.0.5", (), True, "10.0.0.5"),
        ("10.0.0.5", ("1.1.1.1, <script>",), True, ""),
        ("2001:db8:1:2:3:4:5:6", (), False, "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", (), False, "203.0.113.7"),
        ("unix", (), False, ""),
    ],
)
def test_only_the_balancers_own_word_says_where_a_request_came_from(
    peer: str, forwarded: tuple[str, ...], behind: bool, source: str
) -> None:
    assert source_of(connection(peer, *forwarded), behind_balancer=behind) == source


def test_a_source_of_bad_keys_is_locked_out_without_a_look_at_the_registry_and_let_in_again() -> None:
    room, keys = UploadRoom(), MemoryKeys()
    good = keys.made("alice", Scope.JOBS_READ, now=room.clock.now())
    door = KeyDoor(keys, PEPPER, room.clock, room.threads)

    def comes(authorization: str | None, source: str = "198.51.100.1") -> str:
        try:
            asyncio.run(door.caller([] if authorization is None else [authorization], source))
        except (Unauthenticated, QuotaExceeded) as refused:
            return refused.code
        return "in"

    assert comes(f"Bearer {good}") == "in"
    for number in range(TRIES):
        # each of another prefix: none is remembered
        prefix = f"{number:012d}".translate(str.maketrans("0123456789", "abcdefghij"))
        assert comes(f"Bearer dk_{prefix}_{'0' * 43}") == "unauthenticated"
    reads = keys.reads
    assert comes(BAD) == "quota-exceeded"
    assert keys.reads == reads
    assert comes(None) == "unauthenticated"
    assert comes(BAD, "198.51.100.2") == "unauthenticated"
    assert comes(f"Bearer {good}") == "in"
    room.clock.advance(SECONDS_A_TRY)
    assert comes("Bearer dk_bbbbbbbbbbbb_" + "0" * 43) == "unauthenticated"
    room.clock.advance(max(CACHE_SECONDS, SECONDS_A_TRY * TRIES))
    assert comes(f"Bearer {good}") == "in"
    room.threads.close()


def test_no_more_sources_are_remembered_than_there_is_room_for() -> None:
    sources = Sources(VirtualClock())
    for _ in range(TRIES):
        sources.failed("old")
    with pytest.raises(QuotaExceeded):
        sources.check("old")
    for number in range(MOST_SOURCES):
        sources.failed(str(number))
    sources.check("old")
    assert len(sources._failing) == MOST_SOURCES


def test_a_source_has_a_try_again_soon_however_often_it_failed() -> None:
    """Malformed keys are counted without a look at the registry; a thousand of them once locked an address out for an
    hour, and all who came from it."""
    clock = VirtualClock()
    sources = Sources(clock)
    for _ in range(50 * TRIES):
        sources.failed("a")
    with pytest.raises(QuotaExceeded):
        sources.check("a")
    clock.advance(SECONDS_A_TRY)
    sources.check("a")
