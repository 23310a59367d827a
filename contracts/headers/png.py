"""PNG and APNG: the chunks up to the first image data. Source: PNG specification, third edition."""

from typing import Final

from contracts.errors import ImageCorrupt
from contracts.headers.reader import Extent, Reader

_FIRST_CHUNK: Final = 8
_IMAGE_DATA: Final = frozenset({b"IDAT", b"fdAT"})


def png_extent(reader: Reader) -> Extent:
    """Canvas and number of frames; a default image outside the animation counts as a frame, as decoders count it."""
    if reader.at(_FIRST_CHUNK, 8) != b"\x00\x00\x00\x0dIHDR":
        raise ImageCorrupt("the first chunk is not the image header")
    width, height = reader.int_at(_FIRST_CHUNK + 8, 4), reader.int_at(_FIRST_CHUNK + 12, 4)

    frames: int | None = None
    first_is_animated = False
    at = _FIRST_CHUNK + 8 + 13 + 4
    while True:
        reader.spend()
        size, kind = reader.int_at(at, 4), reader.at(at + 4, 4)
        if kind in _IMAGE_DATA:
            break
        if kind == b"IHDR" or (kind == b"acTL" and frames is not None):
            raise ImageCorrupt(f"there is more than one {kind.decode()} chunk")
        if kind == b"IEND":
            raise ImageCorrupt("there is no image data")
        if kind == b"acTL":
            frames = reader.int_at(at + 8, 4)
        first_is_animated |= kind == b"fcTL"
        at += 12 + size
    if not frames:
        return Extent(width, height)
    return Extent(width, height, frames if first_is_animated else frames + 1)
