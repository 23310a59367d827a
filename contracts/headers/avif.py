"""AVIF: the boxes that give the primary item its size, and the tracks of a sequence.

Source: ISO/IEC 14496-12 (boxes, tracks), 23008-12 (items and their properties), AVIF 1.1. Which of the two a file's
picture is, follows libavif: the major brand says so, and otherwise a sequence is preferred.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from contracts.errors import ImageCorrupt
from contracts.headers.reader import Extent, Reader

_IMAGE: Final = b"avif"
_SEQUENCE: Final = b"avis"
_MAJOR: Final = frozenset({_IMAGE, _SEQUENCE, b"mif1", b"msf1"})
_MAX_TABLE_BYTES: Final = 32 * 1024
"""Of one table that is read whole: thousands of items."""


class _Box(Struct, frozen=True):
    kind: bytes
    start: int
    """Of what follows the box's own header."""
    end: int


def avif_brands(head: bytes) -> frozenset[bytes]:
    """The brands of a file's first bytes if a decoder here would take it for AVIF; none otherwise."""
    if head[4:8] != b"ftyp" or head[8:12] not in _MAJOR:
        return frozenset()
    end = min(int.from_bytes(head[:4]), len(head))
    brands = {head[8:12]} | {head[at : at + 4] for at in range(16, end - 3, 4)}
    return frozenset(brands & _MAJOR) if brands & {_IMAGE, _SEQUENCE} else frozenset()


def avif_extent(reader: Reader) -> Extent:
    """Size of the picture before rotation, and its frames."""
    major = reader.at(8, 4)
    brands = avif_brands(reader.around(0)[0])
    awaited = {kind for brand, kind in ((_IMAGE, b"meta"), (_SEQUENCE, b"moov")) if brand in brands}
    found: dict[bytes, _Box] = {}
    # nothing is read behind the boxes that are needed: trailing bytes are no reason to refuse
    for box in _boxes(reader, 0, reader.length):
        if box.kind in (b"meta", b"moov"):
            found.setdefault(box.kind, box)
        if awaited <= found.keys():
            break
    if not awaited <= found.keys():
        raise ImageCorrupt("the boxes that describe the picture are not there")
    item = _item(reader, found[b"meta"]) if b"meta" in found and major != _SEQUENCE else None
    track = _tracks(reader, found[b"moov"]) if b"moov" in found and major != _IMAGE else None
    extent = track or item
    if extent is None:
        raise ImageCorrupt("no item and no track holds a picture")
    return extent


def _item(reader: Reader, meta: _Box) -> Extent | None:
    """Extent of the primary item: its own `ispe`, which for a grid is that of the whole grid."""
    primary = None
    sizes: list[tuple[int, int] | None] = []
    links: list[_Box] = []
    for box in _boxes(reader, meta.start + 4, meta.end):
        if box.kind == b"pitm":
            wide = reader.int_at(box.start, 1) > 0
            primary = reader.int_at(box.start + 4, 4 if wide else 2)
        elif box.kind == b"iprp":
            for inner in _boxes(reader, box.start, box.end):
                if inner.kind == b"ipco":
                    sizes = [_spatial_extent(reader, property_) for property_ in _boxes(reader, inner.start, inner.end)]
                elif inner.kind == b"ipma":
                    links.append(inner)
    if primary is None:
        return None
    # properties are numbered from 1
    linked = [sizes[n - 1] for box in links for n in _properties_of(reader, box, primary) if 1 <= n <= len(sizes)]
    own = [size for size in linked if size is not None]
    if not own:
        raise ImageCorrupt("the primary item has no size")
    every = [size for size in sizes if size is not None]
    largest, longest = max(width * height for width, height in every), max(max(size) for size in every)
    return Extent(*own[0], largest_pixels=largest, longest_side=longest)


def _spatial_extent(reader: Reader, box: _Box) -> tuple[int, int] | None:
    if box.kind != b"ispe":
        return None
    return reader.int_at(box.start + 4, 4), reader.int_at(box.start + 8, 4)


def _properties_of(reader: Reader, table: _Box, item: int) -> list[int]:
    if table.end - table.start > _MAX_TABLE_BYTES:
        raise ImageCorrupt("the table of properties is too large")
    id_bytes = 4 if reader.int_at(table.start, 1) else 2
    index_bytes = 2 if reader.int_at(table.start + 3, 1) & 1 else 1
    essential = 1 << (8 * index_bytes - 1)
    at = table.start + 8
    found: list[int] = []
    for _ in range(reader.int_at(table.start + 4, 4)):
        reader.spend()
        if at >= table.end:
            raise ImageCorrupt("the table of properties is shorter than it says")
        item_id, count = reader.int_at(at, id_bytes), reader.int_at(at + id_bytes, 1)
        at += id_bytes + 1
        if item_id == item:
            found += [reader.int_at(at + n * index_bytes, index_bytes) & ~essential for n in range(count)]
        at += count * index_bytes
    return found


def _tracks(reader: Reader, moov: _Box) -> Extent | None:
    """Extent of the largest track that has a size; its alpha is a track of the same size."""
    extents = []
    for track in _boxes(reader, moov.start, moov.end):
        if track.kind == b"trak":
            frames = size = None
            for box in _inside(reader, track, (b"mdia", b"minf", b"stbl")):
                if box.kind == b"tkhd":
                    size = _track_size(reader, box)
                elif box.kind == b"stsz":
                    frames = reader.int_at(box.start + 8, 4)
            if frames and size:
                extents.append(Extent(*size, frames))
    return max(extents, key=lambda extent: extent.width * extent.height * extent.frames, default=None)


def _track_size(reader: Reader, header: _Box) -> tuple[int, int]:
    at = header.start + (88 if reader.int_at(header.start, 1) else 76)
    # 16.16 fixed point
    return reader.int_at(at, 2), reader.int_at(at + 4, 2)


def _inside(reader: Reader, outer: _Box, through: tuple[bytes, ...]) -> Iterator[_Box]:
    for box in _boxes(reader, outer.start, outer.end):
        yield box
        if through and box.kind == through[0]:
            yield from _inside(reader, box, through[1:])


def _boxes(reader: Reader, start: int, end: int) -> Iterator[_Box]:
    while start < end:
        reader.spend()
        size, kind, header = reader.int_at(start, 4), reader.at(start + 4, 4), 8
        if size == 1:
            size, header = reader.int_at(start + 8, 8), 16
        elif size == 0:
            size = end - start
        if size < header or start + size > end:
            raise ImageCorrupt("a box is longer than what it stands in")
        yield _Box(kind, start + header, start + size)
        start += size
