"""Boxes of ISO files, and the tables in them that AVIF and HEIC share: sizes, and which item has which property.

Source: ISO/IEC 14496-12 (boxes), 23008-12 (items and their properties).
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from contracts.errors import ImageCorrupt
from contracts.headers.reader import Reader

_MAX_TABLE_BYTES: Final = 32 * 1024
"""Of one table that is read whole: thousands of items."""


class Box(Struct, frozen=True):
    kind: bytes
    start: int
    """Of what follows the box's own header."""
    end: int


def brands(head: bytes) -> frozenset[bytes]:
    """What a file of boxes says that it is, by its first bytes, the major brand included; none for any other file."""
    if head[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(head[:4]), len(head))
    return frozenset({head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))})


def boxes(reader: Reader, start: int, end: int) -> Iterator[Box]:
    """The boxes between two places, one after the other. Raises ImageCorrupt for one that does not fit."""
    while start < end:
        box = box_at(reader, start, end)
        if box.end > end:
            raise ImageCorrupt("a box is longer than what it stands in")
        yield box
        start = box.end


def box_at(reader: Reader, start: int, end: int) -> Box:
    """The box that begins here; what it says of its end is not checked, but that it lies behind its header."""
    reader.spend()
    size, kind, header = reader.int_at(start, 4), reader.at(start + 4, 4), 8
    if size == 1:
        size, header = reader.int_at(start + 8, 8), 16
    elif size == 0:
        size = end - start
    if size < header:
        raise ImageCorrupt("a box is shorter than its header")
    return Box(kind, start + header, start + size)


def inside(reader: Reader, outer: Box, through: tuple[bytes, ...]) -> Iterator[Box]:
    """The boxes of a box, and of those on the way that `through` names."""
    for box in boxes(reader, outer.start, outer.end):
        yield box
        if through and box.kind == through[0]:
            yield from inside(reader, box, through[1:])


def spatial_extent(reader: Reader, box: Box) -> tuple[int, int] | None:
    """Width and height that an `ispe` says; None for any other property."""
    if box.kind != b"ispe":
        return None
    return reader.int_at(box.start + 4, 4), reader.int_at(box.start + 8, 4)


def associations(reader: Reader, table: Box) -> Iterator[tuple[int, list[int]]]:
    """Of an `ipma`: each item with the numbers of its properties, which count from 1. Raises ImageCorrupt."""
    if table.end - table.start > _MAX_TABLE_BYTES:
        raise ImageCorrupt("the table of properties is too large")
    id_bytes = 4 if reader.int_at(table.start, 1) else 2
    index_bytes = 2 if reader.int_at(table.start + 3, 1) & 1 else 1
    essential = 1 << (8 * index_bytes - 1)
    at = table.start + 8
    for _ in range(reader.int_at(table.start + 4, 4)):
        reader.spend()
        if at >= table.end:
            raise ImageCorrupt("the table of properties is shorter than it says")
        item, count = reader.int_at(at, id_bytes), reader.int_at(at + id_bytes, 1)
        at += id_bytes + 1
        yield item, [reader.int_at(at + n * index_bytes, index_bytes) & ~essential for n in range(count)]
        at += count * index_bytes
