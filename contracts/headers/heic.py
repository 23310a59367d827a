"""HEIC: the size of the primary picture, and that nothing else is in the file than what its decoder is meant to open.

The decoder behind it, libheif, knows many codecs and ways to put pictures together, and most of its errors of memory
were found in those that no phone uses (docs/decisions/0043). So a file is read here only if its pictures are coded by
HEVC, or are grids of such; whatever else could be decoded is refused by its name, wherever in the file it is.

Sources: ISO/IEC 23008-12 (6.6.2 grids, annex B brands), 14496-15 (8.3: parameter sets of `hvc1` are not among samples).
"""

from collections.abc import Mapping
from typing import Final

from contracts.errors import ImageCorrupt, PixelLimit, UnsupportedMediaType
from contracts.headers.boxes import Box, spatial_extent
from contracts.headers.hevc import PARAMETER_SETS, Coded, announced, begins_picture, length_bytes, unit_type
from contracts.headers.items import Item, Items, items_of
from contracts.headers.reader import Extent, Reader
from contracts.limits import MAX_FRAME_PIXELS

_CODED: Final = b"hvc1"
_GRID: Final = b"grid"
_SILENT: Final = frozenset({b"Exif", b"mime", b"uri ", b"it35", b"tmap"})
"""Kinds of items that no decoder makes the primary picture of: words, and how a gain map would be laid over it."""

_NAMES: Final = {
    b"av01": "AV1",
    b"avc1": "H.264",
    b"vvc1": "VVC",
    b"jpeg": "JPEG",
    b"j2k1": "JPEG 2000",
    b"unci": "uncompressed pictures",
    b"iden": "a derived picture",
    b"iovl": "pictures laid over each other",
    b"mski": "a mask",
}
_LENGTH_BYTES: Final = 4
_STEPS_OF_A_SIZE: Final = 20
_MAX_RECORD_BYTES: Final = 16 * 1024
"""Of a decoder's configuration; one has about 100."""
_MAX_TOLD_BYTES: Final = 256 * 1024 * 1024
"""Words times pictures that they may be about: the decoder copies them for each."""


def heic_extent(reader: Reader) -> Extent:
    """Size of the primary picture, cropped and before rotation; of a grid, that of the whole.

    Every other picture of the file counts for the largest one, and so does the size in which HEVC codes them.
    Raises UnsupportedMediaType for what is not HEVC, and for moving pictures.
    """
    items = items_of(reader)
    _check_kinds(items)
    primary = items.by_number[items.primary]
    if primary.kind not in (_CODED, _GRID):
        raise ImageCorrupt("the primary item is no picture")
    sizes = [size for box in items.properties if (size := spatial_extent(reader, box)) is not None]
    sizes += [_grid_size(reader, item, items) for item in items.by_number.values() if item.kind == _GRID]
    # tiles share theirs
    records = {_record(item) for item in items.by_number.values() if item.kind == _CODED}
    coded = {record: _coded(reader, record) for record in records}
    sizes += [(each.width, each.height) for found in coded.values() for each in found]
    areas = {record: max(each.width * each.height for each in found) for record, found in coded.items()}
    for item in items.by_number.values():
        # as many tiles as one likes may be the same large picture
        area = sum(areas[_record(items.by_number[tile])] for tile in item.parts if item.kind == _GRID)
        if area > MAX_FRAME_PIXELS:
            raise PixelLimit(
                f"all tiles together have {area} pixels, at most {MAX_FRAME_PIXELS}",
                limit=MAX_FRAME_PIXELS,
                actual=area,
            )
    _check_alike(reader, items, coded)
    own = _cropped(reader, primary, _size(reader, primary))
    largest, longest = max(width * height for width, height in sizes), max(max(size) for size in sizes)
    return Extent(*own, largest_pixels=largest, longest_side=longest)


def check_coded(reader: Reader) -> None:
    """Raises ImageCorrupt if what is coded is more than its header says. Reads the whole file.

    For whoever is about to decode it: parameter sets among the samples would replace those that were measured, and a
    moving picture could be there in the place of a still one.
    """
    for item in items_of(reader).by_number.values():
        if item.kind != _CODED:
            continue
        at, length = item.piece or (0, 0)
        end, pictures = at + length, 0
        while at < end:
            reader.spend()
            size = reader.int_at(at, _LENGTH_BYTES)
            at += _LENGTH_BYTES
            if at + size > end or size < 2:
                raise ImageCorrupt("a coded picture is shorter than it says")
            head = reader.at(at, min(size, 3))
            if unit_type(head) in PARAMETER_SETS:
                raise ImageCorrupt("a coded picture changes its own size")
            pictures += begins_picture(head)
            if pictures > 1:
                raise ImageCorrupt("a coded picture is a sequence of them")
            at += size


def _coded(reader: Reader, record: Box) -> list[Coded]:
    """What a decoder of this configuration would decode; there is one at least."""
    content = _content(reader, record)
    found = announced(content)
    reader.spend(_STEPS_OF_A_SIZE * len(found))
    if not found:
        raise ImageCorrupt("the configuration of a decoder announces no picture")
    if length_bytes(content) != _LENGTH_BYTES:
        # which its decoder takes for granted: it would find other units than we do
        raise ImageCorrupt(f"coded units are not measured in {_LENGTH_BYTES} bytes")
    return found


def _check_alike(reader: Reader, items: Items, coded: Mapping[Box, list[Coded]]) -> None:
    """Tiles are of one depth; the alpha of a gray picture is of its depth and size: bindings take that for granted."""

    def depths(item: Item) -> set[tuple[bool, int]]:
        parts = (items.by_number[part] for part in item.parts) if item.kind == _GRID else (item,)
        return {(each.chroma == 0, each.depth) for part in parts for each in coded[_record(part)]}

    primary = items.by_number[items.primary]
    own = depths(primary)
    beside = [items.by_number[number] for number in primary.beside if number in items.by_number]
    is_gray = any(gray for gray, _ in own)
    unlike = any(depths(item) != own or _size(reader, item) != _size(reader, primary) for item in beside if is_gray)
    if len(own) != 1 or unlike:
        raise ImageCorrupt("the parts of a picture are of different depths or sizes")


def _check_kinds(items: Items) -> None:
    shown = told = 0
    for item in items.by_number.values():
        if item.kind in (_CODED, _GRID):
            shown += not item.is_hidden
        elif item.kind in _SILENT:
            told += 0 if item.piece is None else item.piece[1]
        else:
            name = _NAMES.get(item.kind, "data of an unknown kind")
            raise UnsupportedMediaType(f"the file is a HEIC that holds {name}; only HEVC and grids of it are read here")
    if shown * told > _MAX_TOLD_BYTES:
        raise ImageCorrupt("too much is said of too many pictures")


def _size(reader: Reader, item: Item) -> tuple[int, int]:
    for box in item.properties:
        size = spatial_extent(reader, box)
        if size is not None:
            return size
    raise ImageCorrupt("a picture has no size")


def _cropped(reader: Reader, item: Item, size: tuple[int, int]) -> tuple[int, int]:
    """What its clean aperture leaves of a picture: coded sizes are even, pictures need not be."""
    for box in item.properties:
        if box.kind == b"clap":
            width, across, height, down = (reader.int_at(box.start + 4 * index, 4) for index in range(4))
            if not (across and down):
                raise ImageCorrupt("the part of the picture that is shown has no size")
            seen = (2 * width + across) // (2 * across), (2 * height + down) // (2 * down)
            return min(size[0], seen[0]), min(size[1], seen[1])
    return size


def _grid_size(reader: Reader, item: Item, items: Items) -> tuple[int, int]:
    """What a grid's own bytes say, which has to be what its properties say: decoders believe the one or the other."""
    if item.piece is None:
        raise ImageCorrupt("a grid of pictures is not described")
    at = item.piece[0]
    wide = 4 if reader.int_at(at + 1, 1) & 1 else 2
    tiles = (reader.int_at(at + 2, 1) + 1) * (reader.int_at(at + 3, 1) + 1)
    size = reader.int_at(at + 4, wide), reader.int_at(at + 4 + wide, wide)
    are_coded = all(number in items.by_number and items.by_number[number].kind == _CODED for number in item.parts)
    if tiles != len(item.parts) or not are_coded or size != _size(reader, item):
        raise ImageCorrupt("a grid of pictures contradicts itself")
    return size


def _record(item: Item) -> Box:
    """The configuration of a coded item's decoder."""
    found = [box for box in item.properties if box.kind == b"hvcC"]
    if len(found) != 1 or found[0].end - found[0].start > _MAX_RECORD_BYTES:
        raise ImageCorrupt("a coded picture has no configuration of its decoder, or several")
    return found[0]


def _content(reader: Reader, box: Box) -> bytes:
    return reader.at(box.start, box.end - box.start)
