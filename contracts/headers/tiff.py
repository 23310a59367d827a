"""TIFF: the chain of directories, one a page, in either byte order. Source: TIFF 6.0. BigTIFF is not read."""

import struct
from typing import Final

from contracts.errors import ImageCorrupt
from contracts.headers.reader import Extent, Reader
from contracts.limits import MAX_FRAMES

_MAX_TAGS: Final = 512
"""Entries of one directory; cameras and scanners write fewer than a hundred."""
_ENTRIES_A_STEP: Final = 8
_WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 322, 323
_SIZES: Final = frozenset({_WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT})
_VALUE_BYTES: Final = {1: 1, 3: 2, 4: 4}
"""Bytes of the types that a size may have: BYTE, SHORT, LONG."""


def tiff_extent(reader: Reader) -> Extent:
    """Size of the first page, and how many pages there are. A tile counts as a frame: decoders hold one whole."""
    order = "little" if reader.at(0, 2) == b"II" else "big"
    extents: list[tuple[int, int]] = []
    largest_pixels = longest_side = 0
    seen: set[int] = set()
    at = reader.int_at(4, 4, order)
    while at and len(extents) <= MAX_FRAMES:
        if at in seen:
            raise ImageCorrupt("the chain of directories is a loop")
        seen.add(at)
        sizes, at = _directory(reader, at, order)
        width, height = sizes.get(_WIDTH, 0), sizes.get(_HEIGHT, 0)
        if not width or not height:
            raise ImageCorrupt("a page has no size")
        extents.append((width, height))
        longest_side = max(longest_side, width, height)
        largest_pixels = max(largest_pixels, width * height, sizes.get(_TILE_WIDTH, 0) * sizes.get(_TILE_HEIGHT, 0))
    if not extents:
        raise ImageCorrupt("there is no page")
    return Extent(*extents[0], len(extents), largest_pixels, longest_side)


def _directory(reader: Reader, at: int, order: str) -> tuple[dict[int, int], int]:
    count = reader.int_at(at, 2, order)
    if count > _MAX_TAGS:
        raise ImageCorrupt(f"a directory has more than {_MAX_TAGS} entries")
    reader.spend(count // _ENTRIES_A_STEP + 1)
    entries = reader.at(at + 2, 12 * count)
    sizes: dict[int, int] = {}
    for tag, kind, values, value in struct.iter_unpack("<HHI4s" if order == "little" else ">HHI4s", entries):
        if tag not in _SIZES:
            continue
        if values != 1 or kind not in _VALUE_BYTES or tag in sizes:
            raise ImageCorrupt("a size is not one whole number")
        sizes[tag] = int.from_bytes(value[: _VALUE_BYTES[kind]], "little" if order == "little" else "big")
    return sizes, reader.int_at(at + 2 + 12 * count, 4, order)
