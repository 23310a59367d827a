"""Files within files: chunks in the frames of an animated WebP, pictures in an ICO. `containers` names them.

Sources: RFC 9649, section 2.7.1.1. Of ICO there is no standard; what Windows reads is told at
https://learn.microsoft.com/previous-versions/ms997538(v=msdn.10).
"""

import struct
from collections.abc import Iterator
from typing import Final

_FRAME_HEAD_BYTES: Final = 16
"""Of what a frame says of itself before its own chunks: place, size, time, how it is laid over."""
_FRAME_NEEDED: Final = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_ICON_ENTRY: Final = struct.Struct("<8xII")


def strange_chunks(data: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Start and size of what lies in a frame beside its pixels, where no viewer looks.

    `at` and `end` are those of the frame's payload. Raises ValueError for a frame that is none.
    """
    at += _FRAME_HEAD_BYTES
    if at > end:
        raise ValueError("a frame without its head")
    while at < end:
        if end - at < 8:
            yield at, end - at
            return
        name, size = struct.unpack_from("<4sI", data, at)
        if at + 8 + size > end:
            raise ValueError("a chunk beyond its frame")
        if name not in _FRAME_NEEDED:
            yield at + 8, size
        at += 8 + size + size % 2


def icon_parts(data: bytes) -> Iterator[tuple[bool, int, int]]:
    """Start and size of everything after an ICO's list, in their order; first whether it is a picture or a gap.

    Raises ValueError for what is no ICO and for a picture beyond the end, struct.error for a list that breaks off.
    """
    reserved, kind, count = struct.unpack_from("<3H", data)
    if (reserved, kind) != (0, 1) or not count:
        raise ValueError("no ICO")
    places = {_ICON_ENTRY.unpack_from(data, 6 + _ICON_ENTRY.size * number) for number in range(count)}
    at = 6 + _ICON_ENTRY.size * count
    for start, size in sorted((start, size) for size, start in places):
        if start + size > len(data):
            raise ValueError("a picture beyond the end")
        if start > at:
            yield False, at, start - at
        yield True, start, size
        at = max(at, start + size)
