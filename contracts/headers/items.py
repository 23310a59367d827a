"""What a HEIF file says of its items: their kinds, properties, relations and places, of files that hold pictures alone.

Stricter than the standard where a file could say a thing twice: whoever decodes it must not believe the other one.
Source: ISO/IEC 14496-12 (8.11: iinf, iloc, iref, idat, pitm, iprp), 23008-12.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from msgspec import Struct

from contracts.errors import ImageCorrupt, UnsupportedMediaType
from contracts.headers.boxes import Box, associations, box_at, boxes
from contracts.headers.reader import Reader

_SINGLE: Final = frozenset({b"pitm", b"iinf", b"iloc", b"iref", b"iprp", b"idat"})
_HIDDEN: Final = 1
_MAX_WORDS_BYTES: Final = 4_096
_ELSEWHERE: Final = "an item is stored in a way that is not read here"


class Item(Struct, frozen=True):
    """`parts` are what it is made of, in their order (`dimg`), `beside` what belongs to it (`auxl`): alpha, depth, ...

    `piece` is where its bytes lie in the file.
    """

    kind: bytes
    is_hidden: bool
    parts: tuple[int, ...] = ()
    beside: tuple[int, ...] = ()
    properties: tuple[Box, ...] = ()
    piece: tuple[int, int] | None = None
    """Offset and length; None for one that has no bytes of its own."""


class Items(Struct, frozen=True):
    """All of a file, by number; the primary one is among them. `properties` are all that there are."""

    primary: int
    by_number: Mapping[int, Item]
    properties: tuple[Box, ...]


def items_of(reader: Reader) -> Items:
    """The items of the file's only `meta` box. Raises ImageCorrupt, and UnsupportedMediaType if it holds tracks too."""
    meta = _meta(reader)
    parts: dict[bytes, Box] = {}
    for box in boxes(reader, meta.start + 4, meta.end):
        if box.kind in _SINGLE and parts.setdefault(box.kind, box) is not box:
            raise ImageCorrupt("a table of the picture's items is there twice")
    missing = {b"pitm", b"iinf", b"iloc", b"iprp"} - parts.keys()
    if missing:
        raise ImageCorrupt("the boxes that describe the picture are not there")
    properties, linked = _properties(reader, parts[b"iprp"])
    pieces = _pieces(reader, parts[b"iloc"], parts.get(b"idat"))
    links = _links(reader, parts[b"iref"]) if b"iref" in parts else _Links({}, {})
    found = {
        number: Item(
            kind,
            is_hidden,
            links.made_of.get(number, ()),
            tuple(links.beside.get(number, ())),
            linked.get(number, ()),
            pieces.get(number),
        )
        for number, kind, is_hidden in _kinds(reader, parts[b"iinf"])
    }
    wide = reader.int_at(parts[b"pitm"].start, 1) > 0
    primary = reader.int_at(parts[b"pitm"].start + 4, 4 if wide else 2)
    if primary not in found:
        raise ImageCorrupt("there is no primary item")
    return Items(primary, found, properties)


def _meta(reader: Reader) -> Box:
    """The one box that says what is in the file: every outermost box is looked at, for so does whoever decodes it."""
    found = None
    at = 0
    while at + 8 <= reader.length:
        box = box_at(reader, at, reader.length)
        if box.kind == b"moov":
            raise UnsupportedMediaType("the file is a HEIC with tracks, a moving picture; send it as a still one")
        if box.kind == b"meta":
            if found is not None or box.end > reader.length:
                raise ImageCorrupt("the box that describes the picture is there twice, or not whole")
            found = box
        at = box.end
    if found is None:
        raise ImageCorrupt("the box that describes the picture is not there")
    return found


def _properties(reader: Reader, iprp: Box) -> tuple[tuple[Box, ...], dict[int, tuple[Box, ...]]]:
    """All properties, and those of each item."""
    every: tuple[Box, ...] | None = None
    tables = []
    for box in boxes(reader, iprp.start, iprp.end):
        if box.kind == b"ipco":
            if every is not None:
                raise ImageCorrupt("the properties are there twice")
            every = tuple(boxes(reader, box.start, box.end))
        elif box.kind == b"ipma":
            tables.append(box)
    every = every or ()
    linked: dict[int, tuple[Box, ...]] = {}
    for table in tables:
        for item, numbers in associations(reader, table):
            if item in linked:
                raise ImageCorrupt("an item has two lists of properties")
            linked[item] = tuple(every[number - 1] for number in numbers if 1 <= number <= len(every))
    return every, linked


def _kinds(reader: Reader, iinf: Box) -> Iterator[tuple[int, bytes, bool]]:
    """Number and kind of each item, and whether it is hidden."""
    at = iinf.start + (8 if reader.int_at(iinf.start, 1) else 6)
    seen: set[int] = set()
    for box in boxes(reader, at, iinf.end):
        version = reader.int_at(box.start, 1)
        if box.kind != b"infe" or version not in (2, 3):
            raise ImageCorrupt("an item of the picture is not described")
        wide = 2 if version == 2 else 4
        number = reader.int_at(box.start + 4, wide)
        if number in seen:
            raise ImageCorrupt("an item is described twice")
        seen.add(number)
        kind_at = box.start + 6 + wide
        _check_words(reader, kind_at + 4, box.end)
        yield number, reader.at(kind_at, 4), bool(reader.int_at(box.start + 3, 1) & _HIDDEN)


def _check_words(reader: Reader, start: int, end: int) -> None:
    """An item's name and types are text: the decoder's binding to Python crashes over a media type that is none."""
    if end - start > _MAX_WORDS_BYTES:
        raise ImageCorrupt("the description of an item is too long")
    try:
        reader.at(start, max(0, end - start)).decode()
    except UnicodeDecodeError as error:
        raise ImageCorrupt("the description of an item is no text") from error


class _Links(NamedTuple):
    made_of: dict[int, tuple[int, ...]]
    beside: dict[int, list[int]]


def _links(reader: Reader, iref: Box) -> _Links:
    """What each derived item is made of, and what belongs to each."""
    wide = 4 if reader.int_at(iref.start, 1) else 2
    found, beside = _Links({}, {})
    for box in boxes(reader, iref.start + 4, iref.end):
        if box.kind not in (b"dimg", b"auxl"):
            continue
        number, count = reader.int_at(box.start, wide), reader.int_at(box.start + wide, 2)
        reader.spend(count)
        first = box.start + wide + 2
        if first + count * wide > box.end:
            raise ImageCorrupt("what belongs to an item is not said wholly")
        named = tuple(reader.int_at(first + wide * index, wide) for index in range(count))
        if box.kind == b"auxl":
            for owner in named:
                beside.setdefault(owner, []).append(number)
        elif number in found:
            raise ImageCorrupt("what an item is made of is said twice")
        else:
            found[number] = named
    return _Links(found, beside)


def _pieces(reader: Reader, iloc: Box, idat: Box | None) -> dict[int, tuple[int, int]]:
    """Where each item's bytes are: in one piece, of this file."""
    version = reader.int_at(iloc.start, 1)
    sizes, more = reader.int_at(iloc.start + 4, 1), reader.int_at(iloc.start + 5, 1)
    fields = sizes >> 4, sizes & 15, more >> 4
    index_bytes = more & 15 if version in (1, 2) else 0
    at = iloc.start + 6

    def number(size: int) -> int:
        nonlocal at
        value = reader.int_at(at, size)
        at += size
        if at > iloc.end:
            raise ImageCorrupt("the table of places is shorter than it says")
        return value

    wide = 4 if version == 2 else 2
    found: dict[int, tuple[int, int]] = {}
    for _ in range(number(wide)):
        reader.spend(4)
        item = number(wide)
        way = number(2) & 15 if version in (1, 2) else 0
        elsewhere, base, extents = number(2), number(fields[2]), number(2)
        if item in found:
            raise ImageCorrupt("an item has two places")
        if extents == 0:
            continue
        if elsewhere or way > 1 or extents > 1 or (way == 1 and idat is None):
            raise ImageCorrupt(_ELSEWHERE)
        number(index_bytes)
        offset, length = base + number(fields[0]), number(fields[1])
        start, end = (0, reader.length) if idat is None or way == 0 else (idat.start, idat.end)
        if length == 0 or start + offset + length > end:
            raise ImageCorrupt("an item lies beyond the end")
        found[item] = start + offset, length
    return found
