"""What an AVIF or HEIC file holds beside its pixels, as (kind, start, size): `containers` asks, and names the kinds.

A file is boxes in boxes; metadata are items, which the `meta` box describes and the `mdat` box holds. Bounded in boxes
and depth. Raises struct.error, IndexError or ValueError for what is not built so.
Source: ISO/IEC 14496-12 (boxes, iinf, iloc), ISO/IEC 23008-12 (items).
"""

import struct
from collections.abc import Iterator
from typing import Final

Found = tuple[str, int, int]
Box = tuple[bytes, int, int]

_MAX_ITEMS: Final = 1_024
_MAX_DEPTH: Final = 6
_NEEDED: Final = frozenset({b"ftyp", b"styp", b"meta", b"mdat", b"moov", b"free", b"skip"})
_PICTURE_ITEMS: Final = frozenset({b"av01", b"hvc1", b"grid", b"iovl", b"iden", b"tmap"})
_ALPHA: Final = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0", b"urn:mpeg:hevc:2015:auxid:1\0")
_PARENTS: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf"})
_IN_MOVIES: Final = frozenset({b"udta", b"uuid", b"meta"})


def boxed(data: bytes) -> Iterator[Found]:
    """Everything that the pixels do not need."""
    for name, start, end in _top(data):
        if name == b"meta":
            yield from _items(data, start + 4, end)
        elif name in (b"free", b"skip"):
            if data[start:end].strip(b"\0"):
                yield "unknown-data", start, end - start
        elif name == b"moov":
            yield from _movie(data, start, end, 0)
        elif name == b"":
            yield "trailing-bytes", start, end - start
        elif name not in _NEEDED:
            yield "unknown-data", start, end - start


def _top(data: bytes) -> Iterator[Box]:
    """The outermost boxes; what follows the pixels and is none is said to trail."""
    boxes, end, has_pixels = _boxes(data, 0, len(data)), 0, False
    while True:
        try:
            box = next(boxes)
        except StopIteration:
            return
        except (struct.error, ValueError):
            if not has_pixels:
                raise
            yield b"", end, len(data)
            return
        has_pixels |= box[0] == b"mdat"
        end = box[2]
        yield box


def _boxes(data: bytes, at: int, end: int) -> Iterator[Box]:
    """Name, and where the content begins and ends."""
    while at < end:
        size, name = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        size = size or end - at
        if at + size > end or start > at + size:
            raise ValueError("a box beyond the end")
        yield name, start, at + size
        at += size


def _movie(data: bytes, start: int, end: int, depth: int) -> Iterator[Found]:
    """Of an animation's tracks only what people write into them."""
    for name, inner, inner_end in _boxes(data, start, end):
        if name in _IN_MOVIES:
            yield "unknown-data", inner, inner_end - inner
        elif name in _PARENTS and depth < _MAX_DEPTH:
            yield from _movie(data, inner, inner_end, depth + 1)


def _items(data: bytes, start: int, end: int) -> Iterator[Found]:
    parts = {name: (inner, inner_end) for name, inner, inner_end in _boxes(data, start, end)}
    places = _places(data, *parts[b"iloc"]) if b"iloc" in parts else {}
    beside = _beside(data, parts)
    for number, kind in _described(data, *parts[b"iinf"]) if b"iinf" in parts else ():
        kind = kind or beside.get(number)
        if kind is not None:
            at, size = places.get(number, (end, 0))
            skipped = 4 if kind == "exif" and size > 4 else 0  # where in it the TIFF header is
            yield kind, at + skipped, max(0, min(size - skipped, len(data) - at - skipped))
    if b"iprp" in parts:
        for name, inner, inner_end in _boxes(data, *parts[b"iprp"]):
            if name == b"ipco":
                for kind, at, property_end in _boxes(data, inner, inner_end):
                    if kind == b"colr" and data[at : at + 4] in (b"prof", b"rICC"):
                        yield "icc", at + 4, property_end - at - 4
    for name in parts.keys() - {b"hdlr", b"pitm", b"iloc", b"iinf", b"iprp", b"iref", b"idat", b"dinf", b"grpl"}:
        yield "unknown-data", parts[name][0], parts[name][1] - parts[name][0]


def _beside(data: bytes, parts: dict[bytes, tuple[int, int]]) -> dict[int, str]:
    """Pictures that are not what the file shows: smaller copies, depth and gain maps. Alpha is part of a picture."""
    if b"iref" not in parts:
        return {}
    start, end = parts[b"iref"]
    wide = 4 if data[start] else 2
    found = {}
    for name, inner, _ in _boxes(data, start + 4, end):
        if name in (b"thmb", b"auxl"):
            number = int.from_bytes(data[inner : inner + wide])
            found[number] = "thumbnail" if name == b"thmb" else "more-pictures"
    alphas = _alphas(data, *parts[b"iprp"]) if found and b"iprp" in parts else set()
    return {number: kind for number, kind in found.items() if number not in alphas}


def _alphas(data: bytes, start: int, end: int) -> set[int]:
    """Items with the property that makes them somebody's alpha."""
    parts = {name: (inner, inner_end) for name, inner, inner_end in _boxes(data, start, end)}
    if not {b"ipco", b"ipma"} <= parts.keys():
        return set()
    alpha = {
        index
        for index, (name, at, property_end) in enumerate(_boxes(data, *parts[b"ipco"]), start=1)
        if name == b"auxC" and data[at + 4 : property_end].startswith(_ALPHA)
    }
    at, end = parts[b"ipma"]
    id_bytes, index_bytes = 4 if data[at] else 2, 2 if data[at + 3] & 1 else 1
    (count,) = struct.unpack_from(">I", data, at + 4)
    at += 8
    found = set()
    for _ in range(min(_MAX_ITEMS, count)):
        if at >= end:
            raise ValueError("properties beyond the end")
        number, indices = int.from_bytes(data[at : at + id_bytes]), data[at + id_bytes]
        at += id_bytes + 1
        for place in range(at, at + indices * index_bytes, index_bytes):
            if int.from_bytes(data[place : place + index_bytes]) & ((1 << 8 * index_bytes - 1) - 1) in alpha:
                found.add(number)
        at += indices * index_bytes
    return found


def _described(data: bytes, start: int, end: int) -> Iterator[tuple[int, str | None]]:
    """Every item's number, and what it is: None for a part of the picture."""
    version = data[start]
    for name, inner, inner_end in _boxes(data, start + (6 if version == 0 else 8), end):
        if name != b"infe":
            raise ValueError("no item")
        version = data[inner]
        number, kind_at = (
            (struct.unpack_from(">I", data, inner + 4)[0], inner + 10)
            if version == 3
            else (struct.unpack_from(">H", data, inner + 4)[0], inner + 8)
        )
        kind = data[kind_at : kind_at + 4]
        if kind in _PICTURE_ITEMS:
            yield number, None
        elif kind == b"Exif":
            yield number, "exif"
        else:
            is_xmp = kind == b"mime" and b"application/rdf+xml" in data[kind_at:inner_end]
            yield number, "xmp" if is_xmp else "unknown-data"


def _places(data: bytes, start: int, end: int) -> dict[int, tuple[int, int]]:
    """Where each item's first piece lies in the file; of one that lies elsewhere nothing."""
    version, sizes, more = data[start], data[start + 4], data[start + 5]
    offset_size, length_size, base_size = sizes >> 4, sizes & 15, more >> 4
    index_size = more & 15 if version in (1, 2) else 0
    at = start + 6

    def number(size: int) -> int:
        nonlocal at
        value = int.from_bytes(data[at : at + size])
        at += size
        return value

    found: dict[int, tuple[int, int]] = {}
    for _ in range(min(_MAX_ITEMS, number(4 if version == 2 else 2))):
        if at >= end:
            raise ValueError("items beyond the end")
        item = number(4 if version == 2 else 2)
        way = number(2) & 15 if version in (1, 2) else 0
        at += 2
        base = number(base_size)
        for extent in range(min(_MAX_ITEMS, number(2))):
            number(index_size)
            offset, length = number(offset_size), number(length_size)
            if extent == 0 and way == 0:
                found[item] = base + offset, length
    return found
