"""AVIF: the boxes that give the primary item its size, and the tracks of a sequence.

Source: ISO/IEC 14496-12 (boxes, tracks), 23008-12 (items and their properties), AVIF 1.1. Which of the two a file's
picture is, follows libavif: the major brand says so, and otherwise a sequence is preferred.
"""

from typing import Final

from contracts.errors import ImageCorrupt
from contracts.headers.boxes import Box, associations, boxes, brands, inside, spatial_extent
from contracts.headers.reader import Extent, Reader

_IMAGE: Final = b"avif"
_SEQUENCE: Final = b"avis"
_MAJOR: Final = frozenset({_IMAGE, _SEQUENCE, b"mif1", b"msf1"})


def avif_brands(head: bytes) -> frozenset[bytes]:
    """The brands of a file's first bytes if a decoder here would take it for AVIF; none otherwise."""
    found = brands(head)
    if head[8:12] not in _MAJOR or not found & {_IMAGE, _SEQUENCE}:
        return frozenset()
    return found & _MAJOR


def avif_extent(reader: Reader) -> Extent:
    """Size of the picture before rotation, and its frames."""
    major = reader.at(8, 4)
    said = avif_brands(reader.around(0)[0])
    awaited = {kind for brand, kind in ((_IMAGE, b"meta"), (_SEQUENCE, b"moov")) if brand in said}
    found: dict[bytes, Box] = {}
    # nothing is read behind the boxes that are needed: trailing bytes are no reason to refuse
    for box in boxes(reader, 0, reader.length):
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


def _item(reader: Reader, meta: Box) -> Extent | None:
    """Extent of the primary item: its own `ispe`, which for a grid is that of the whole grid."""
    primary = None
    sizes: list[tuple[int, int] | None] = []
    links: list[Box] = []
    for box in boxes(reader, meta.start + 4, meta.end):
        if box.kind == b"pitm":
            wide = reader.int_at(box.start, 1) > 0
            primary = reader.int_at(box.start + 4, 4 if wide else 2)
        elif box.kind == b"iprp":
            for inner in boxes(reader, box.start, box.end):
                if inner.kind == b"ipco":
                    sizes = [spatial_extent(reader, property_) for property_ in boxes(reader, inner.start, inner.end)]
                elif inner.kind == b"ipma":
                    links.append(inner)
    if primary is None:
        return None
    found = [n for box in links for item, numbers in associations(reader, box) if item == primary for n in numbers]
    linked = [sizes[n - 1] for n in found if 1 <= n <= len(sizes)]
    own = [size for size in linked if size is not None]
    if not own:
        raise ImageCorrupt("the primary item has no size")
    every = [size for size in sizes if size is not None]
    largest, longest = max(width * height for width, height in every), max(max(size) for size in every)
    return Extent(*own[0], largest_pixels=largest, longest_side=longest)


def _tracks(reader: Reader, moov: Box) -> Extent | None:
    """Extent of the largest track that has a size; its alpha is a track of the same size."""
    extents = []
    for track in boxes(reader, moov.start, moov.end):
        if track.kind == b"trak":
            frames = size = None
            for box in inside(reader, track, (b"mdia", b"minf", b"stbl")):
                if box.kind == b"tkhd":
                    size = _track_size(reader, box)
                elif box.kind == b"stsz":
                    frames = reader.int_at(box.start + 8, 4)
            if frames and size:
                extents.append(Extent(*size, frames))
    return max(extents, key=lambda extent: extent.width * extent.height * extent.frames, default=None)


def _track_size(reader: Reader, header: Box) -> tuple[int, int]:
    at = header.start + (88 if reader.int_at(header.start, 1) else 76)
    # 16.16 fixed point
    return reader.int_at(at, 2), reader.int_at(at + 4, 2)
