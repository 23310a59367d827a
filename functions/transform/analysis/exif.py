"""What EXIF holds that is nobody else's business: where, whose, which camera; and the thumbnail in it.

Apart from `steps.metadata`, which tells what may be told: what is read here is shown under a scope of its own, or only
said to be there. Bounded in directories, entries and bytes; never raises.
Sources: EXIF 2.32 (JEITA CP-3451), sections 4.6.4 to 4.6.6; TIFF 6.0, section 2.
"""

import math
import struct
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from functions.transform.steps.metadata import MAX_ENTRIES, Value, readable

_MAGIC: Final = b"Exif\0\0"
_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}
_WIDTHS: Final = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8)
_ASCII, _SHORT, _LONG, _RATIONAL = 2, 3, 4, 5
_MAX_TEXT_BYTES: Final = 256

_EXIF, _GPS, _MAKER_NOTE = 0x8769, 0x8825, 0x927C
_THUMB_AT, _THUMB_SIZE = 0x0201, 0x0202
_SOFTWARE: Final = 0x0131
_WORDS: Final = {
    0x013B: "artist",
    0xA430: "owner_name",
    0xA431: "camera_serial",
    0xA435: "lens_serial",
    0xA420: "image_unique_id",
    0x013C: "host_computer",
    0xFDE8: "owner_name",
    0xFDE9: "camera_serial",
    0xC62F: "camera_serial",
}
"""Texts that name a person or a thing; the last three as raw converters write them."""
SERIALS: Final = frozenset({"camera_serial", "lens_serial", "image_unique_id"})
OWNERS: Final = frozenset({"artist", "owner_name", "host_computer"})


class Entry(Struct, frozen=True):
    """One entry's type and its bytes, as the file has them."""

    kind: int
    raw: bytes


class Carried(Struct, frozen=True, kw_only=True):
    """What an EXIF block holds beside harmless facts."""

    private: dict[str, Value]
    """Texts, `latitude` and `longitude` in degrees (north and east positive), `altitude_m`, `gps_at`."""
    has_place: bool = False
    has_software: bool = False
    maker_note_bytes: int = 0
    thumbnail: bytes = b""


NOTHING: Final = Carried(private={})


def carried(exif: bytes) -> Carried:
    """Of a whole TIFF file too; NOTHING for what is no EXIF."""
    data = exif.removeprefix(_MAGIC)
    order = _ORDERS.get(data[:4])
    if order is None:
        return NOTHING
    first = _pointer(data, order, 4)
    main, second = _directory(data, order, first)
    inner = _linked(data, order, main, _EXIF)
    place = _linked(data, order, main, _GPS)
    private: dict[str, Value] = {}
    for tag, name in _WORDS.items():
        entry = inner.get(tag) or main.get(tag)
        text = readable(_string(entry)) if entry is not None else None
        if text is not None:
            private.setdefault(name, text)
    private |= _place(place, order)
    note = inner.get(_MAKER_NOTE)
    return Carried(
        private=private,
        has_place=any(tag in place for tag in (1, 2, 3, 4)),
        has_software=_SOFTWARE in main,
        maker_note_bytes=len(note.raw) if note else 0,
        thumbnail=_thumbnail(data, order, _directory(data, order, second)[0] if second else {}),
    )


def _directory(data: bytes, order: str, start: int) -> tuple[dict[int, Entry], int]:
    """The entries of the directory at `start`, and where the next one is (0: nowhere)."""
    found: dict[int, Entry] = {}
    if not 8 <= start <= len(data) - 2:
        return found, 0
    (count,) = struct.unpack_from(order + "H", data, start)
    for index in range(min(count, MAX_ENTRIES)):
        at = start + 2 + 12 * index
        if at + 12 > len(data):
            return found, 0
        tag, kind, length = struct.unpack_from(order + "HHI", data, at)
        size = length * _WIDTHS[kind] if kind < len(_WIDTHS) else 0
        where = _pointer(data, order, at + 8) if size > 4 else at + 8
        raw = data[where : where + size] if size else b""
        if len(raw) == size and size:
            found.setdefault(tag, Entry(kind, raw))
    return found, _pointer(data, order, start + 2 + 12 * count)


def _linked(data: bytes, order: str, main: Mapping[int, Entry], tag: int) -> dict[int, Entry]:
    entry = main.get(tag)
    return _directory(data, order, _whole(entry, order))[0] if entry else {}


def _pointer(data: bytes, order: str, at: int) -> int:
    return struct.unpack_from(order + "I", data, at)[0] if at + 4 <= len(data) else 0


def _whole(entry: Entry | None, order: str) -> int:
    if entry is None or entry.kind not in (_SHORT, _LONG):
        return 0
    return int.from_bytes(entry.raw[: _WIDTHS[entry.kind]], "little" if order == "<" else "big")


def _string(entry: Entry | None) -> str:
    if entry is None or entry.kind != _ASCII:
        return ""
    return entry.raw[:_MAX_TEXT_BYTES].partition(b"\0")[0].decode("utf-8", "replace")


def _numbers(entry: Entry | None, order: str) -> list[float]:
    """The rationals of an entry; one over nothing is not a number."""
    if entry is None or entry.kind != _RATIONAL:
        return []
    pairs = struct.iter_unpack(order + "II", entry.raw[: 8 * min(3, len(entry.raw) // 8)])
    return [above / below if below else math.nan for above, below in pairs]


def _place(place: Mapping[int, Entry], order: str) -> dict[str, Value]:
    facts: dict[str, Value] = {}
    for name, side_tag, tag, negative, most in (("latitude", 1, 2, "S", 90), ("longitude", 3, 4, "W", 180)):
        parts = _numbers(place.get(tag), order)
        if parts and all(map(math.isfinite, parts)):
            degrees = sum(part / 60**power for power, part in enumerate(parts))
            if degrees <= most:
                facts[name] = round(-degrees if _string(place.get(side_tag)).upper() == negative else degrees, 7)
    heights = _numbers(place.get(6), order)
    if heights and math.isfinite(heights[0]):
        below = place.get(5)
        facts["altitude_m"] = round(-heights[0] if below and below.raw[:1] == b"\1" else heights[0], 2)
    moment = _moment(_string(place.get(29)), _numbers(place.get(7), order))
    return facts | ({"gps_at": moment} if moment else {})


def _moment(day: str, time: list[float]) -> str | None:
    """UTC, as satellites have it."""
    parts = day.split(":")
    if len(parts) != 3 or len(time) != 3 or not all(map(math.isfinite, time)):
        return None
    if not all(part.isascii() and part.isdigit() for part in parts):
        return None
    year, month, date = map(int, parts)
    hour, minute, second = (int(part) for part in time)
    if not (1 <= year <= 9999 and 1 <= month <= 12 and 1 <= date <= 31 and hour < 24 and minute < 60 and second < 61):
        return None
    return f"{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z"


def _thumbnail(data: bytes, order: str, second: Mapping[int, Entry]) -> bytes:
    at, size = _whole(second.get(_THUMB_AT), order), _whole(second.get(_THUMB_SIZE), order)
    found = data[at : at + size] if at else b""
    return found if found.startswith(b"\xff\xd8") else b""
