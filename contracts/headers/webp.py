"""WebP: the three kinds of first chunk, and the frames of an animation. Source: RFC 9649."""

from typing import Final

from contracts.errors import ImageCorrupt
from contracts.headers.reader import Extent, Reader
from contracts.limits import MAX_FRAMES

_FIRST_CHUNK: Final = 12
_ANIMATED: Final = 0x02


def webp_extent(reader: Reader) -> Extent:
    """Canvas and number of frames. A file shorter than its container says is corrupt: no decoder opens it."""
    end = 8 + reader.int_at(4, 4, "little")
    if end > reader.length:
        raise ImageCorrupt("the file is shorter than its container says")
    kind = reader.at(_FIRST_CHUNK, 4)
    if kind in (b"VP8 ", b"VP8L"):
        return _bitstream(reader, kind, _FIRST_CHUNK + 8)
    if kind != b"VP8X":
        raise ImageCorrupt("the first chunk is none that a WebP begins with")
    flags = reader.int_at(_FIRST_CHUNK + 8, 1)
    width, height = _minus_one(reader, _FIRST_CHUNK + 12), _minus_one(reader, _FIRST_CHUNK + 15)
    animated = bool(flags & _ANIMATED)

    frames = 0
    at = _FIRST_CHUNK
    while at < end and frames <= MAX_FRAMES:
        reader.spend()
        kind, size = reader.at(at, 4), reader.int_at(at + 4, 4, "little")
        if at + 8 + size > end:
            raise ImageCorrupt("a chunk is longer than the file")
        if kind == b"ANMF" and animated:
            _check_inside(reader, at + 8, width, height)
            frames += 1
        elif kind in (b"VP8 ", b"VP8L") and not animated:
            inner = _bitstream(reader, kind, at + 8)
            if (inner.width, inner.height) != (width, height):
                raise ImageCorrupt("the picture is not of the size of its canvas")
            frames += 1
            break
        at += 8 + size + size % 2
    if not frames:
        raise ImageCorrupt("there is no image data")
    return Extent(width, height, frames)


def _bitstream(reader: Reader, kind: bytes, at: int) -> Extent:
    if kind == b"VP8L":
        if reader.at(at, 1) != b"\x2f":
            raise ImageCorrupt("the lossless picture does not begin with its signature")
        bits = reader.int_at(at + 1, 4, "little")
        return Extent((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if reader.at(at + 3, 3) != b"\x9d\x01\x2a":
        raise ImageCorrupt("the picture does not begin with its start code")
    # the upper two bits of each side are a scaling that decoders ignore
    return Extent(reader.int_at(at + 6, 2, "little") & 0x3FFF, reader.int_at(at + 8, 2, "little") & 0x3FFF)


def _check_inside(reader: Reader, at: int, width: int, height: int) -> None:
    x, y = 2 * reader.int_at(at, 3, "little"), 2 * reader.int_at(at + 3, 3, "little")
    if x + _minus_one(reader, at + 6) > width or y + _minus_one(reader, at + 9) > height:
        raise ImageCorrupt("a frame reaches beyond the canvas")


def _minus_one(reader: Reader, at: int) -> int:
    return reader.int_at(at, 3, "little") + 1
