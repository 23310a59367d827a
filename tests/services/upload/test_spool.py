"""Where an upload waits: bounded memory, then a file without a name, and nothing left behind."""

import asyncio
import errno
import hashlib
import os
import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Overloaded, PayloadTooLarge
from contracts.formats import ImageFormat
from services.upload import spool as spools
from services.upload.application import application
from services.upload.spool import MEMORY_BYTES, WRITE_BYTES, Spool, Spooled, SpoolRoom
from services.upload.threads import Threads
from tests.support.pictures import sample
from tests.support.upload_room import Spoken, UploadRoom, file_part, in_pieces, multipart


@pytest.fixture(scope="module")
def threads() -> Iterator[Threads]:
    made = Threads(2)
    yield made
    made.close()


def spooled(spool: Spool, chunks: list[bytes]) -> Spooled:
    async def filled() -> Spooled:
        for chunk in chunks:
            await spool.write(chunk)
        return await spool.whole()

    return asyncio.run(filled())


@given(st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 40_000)), max_size=8))
def test_what_went_in_comes_out_with_its_digest(threads: Threads, shapes: list[tuple[bytes, int]]) -> None:
    chunks = [piece * times for piece, times in shapes]
    spool, content = Spool(None, threads), b"".join(chunks)
    try:
        whole = spooled(spool, chunks)
        assert whole.file.read() == content
        assert (whole.length, whole.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert whole.head == content[:256]
    finally:
        spool.close()


@pytest.mark.parametrize("length", [0, 1, MEMORY_BYTES, MEMORY_BYTES + 1, 3 * MEMORY_BYTES])
def test_memory_is_bounded_and_the_file_has_no_name(length: int, threads: Threads, tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), threads)
    whole = spooled(spool, [b"x" * 65_536] * (length // 65_536) + [b"x" * (length % 65_536)])
    assert isinstance(whole.file, BytesIO) == (length <= MEMORY_BYTES)
    assert list(tmp_path.iterdir()) == []
    assert not spool._waiting
    spool.close()
    assert whole.file.closed


def test_tiny_pieces_take_no_more_memory_than_their_bytes(threads: Threads) -> None:
    """A list of two-byte pieces would hold thirty times what was sent."""
    spool = Spool(None, threads)

    async def peak() -> int:
        tracemalloc.start()
        try:
            for number in range(100_000):
                await spool.write((number % 65_536).to_bytes(2))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # other threads of this process are counted too
    assert asyncio.run(peak()) < 10 * 200_000
    spool.close()


def test_what_is_on_the_disk_waits_in_small_portions(threads: Threads) -> None:
    spool = Spool(None, threads)

    async def held() -> list[int]:
        sizes = []
        for _ in range(2 * MEMORY_BYTES // 65_536):
            await spool.write(bytes(65_536))
            sizes.append(len(spool._waiting))
        return sizes

    sizes = asyncio.run(held())
    on_disk = sizes.index(0)
    assert max(sizes) <= MEMORY_BYTES
    assert max(sizes[on_disk:]) <= WRITE_BYTES
    spool.close()


def test_one_byte_beyond_the_limit_is_refused(threads: Threads) -> None:
    spool = Spool(None, threads, most=10)
    with pytest.raises(PayloadTooLarge) as refusal:
        spooled(spool, [b"x" * 10, b"x"])
    assert refusal.value.facts == {"max_bytes": 10}


@pytest.mark.parametrize("when", ["no room to begin", "no room on the way"])
def test_a_full_disk_is_overload_and_not_a_fault(when: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """F34. Nothing is written anywhere, the place is free again, and the sender is told when to come back."""
    if when == "no room to begin":
        nothing_left = os.statvfs_result((4096, 4096, 100, 0, 0, 0, 0, 0, 0, 255))
        monkeypatch.setattr(spools.os, "statvfs", lambda path: nothing_left)
    else:
        monkeypatch.setattr(spools.tempfile, "TemporaryFile", _FullFile)
    room = UploadRoom(spool_directory=str(tmp_path))
    body, headers = multipart([file_part(sample(ImageFormat.JPEG) + b"\0" * 3 * MEMORY_BYTES)])
    spoken = asyncio.run(Spoken("POST", "/uploads", headers, in_pieces(body, 1 << 16)).to(application(room.desk)))
    assert (spoken.status, b'"overloaded"' in spoken.body) == (503, True)
    assert int(spoken.headers["retry-after"]) >= 1
    assert room.is_untouched
    assert room.desk.room.inside == 0
    room.threads.close()


class _FullFile(BytesIO):
    def __init__(self, **_: Any) -> None:
        super().__init__()

    def write(self, _: Any) -> int:
        raise OSError(errno.ENOSPC, "no space left on device")


def test_beyond_the_last_place_is_overload_at_once() -> None:
    """The second of two places is taken by an upload that does not come to an end; the third is sent away."""

    async def crowded() -> tuple[Spoken, Spoken]:
        room = UploadRoom(places=1)
        app = application(room.desk)
        body, headers = multipart([file_part(sample(ImageFormat.JPEG))])
        halves = in_pieces(body, len(body) // 2 + 1)
        lasting = Spoken("POST", "/uploads", headers, halves[:1])
        first = asyncio.create_task(lasting.to(app))
        while not room.desk.room.inside:
            await asyncio.sleep(0)
        second = await Spoken("POST", "/uploads", headers, in_pieces(body, 1 << 16)).to(app)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert (room.is_untouched, room.desk.room.inside) == (True, 0)
        third = await Spoken("POST", "/uploads", headers, in_pieces(body, 1 << 16)).to(app)
        room.threads.close()
        return second, third

    second, third = asyncio.run(crowded())
    assert (second.status, third.status) == (503, 202)
    assert second.headers["retry-after"] == "1"


def test_a_place_is_given_back_whatever_happens() -> None:
    room = SpoolRoom(1)
    with pytest.raises(ZeroDivisionError), room.place("alice"):
        raise ZeroDivisionError
    with room.place("alice"), pytest.raises(Overloaded), room.place("alice"):
        pass
    assert room.inside == 0
