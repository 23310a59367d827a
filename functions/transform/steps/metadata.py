"""EXIF to typed facts: a reader of ours that knows only what may be told.

It follows the main directory and the EXIF one, never GPS, maker notes, thumbnails or serial numbers: what is not in
the table cannot come out. Bounded in entries and bytes; what it cannot read it leaves out, so it never raises.
Source: EXIF 2.32 (JEITA CP-3451), TIFF 6.0 section 2.
"""

import math
import re
import struct
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

Value = str | int | float

MAX_ENTRIES: Final = 512
"""Directory entries that are looked at; cameras write about 60."""
MAX_TEXT_CHARS: Final = 64
"""Of one string, so that all of them together stay far below the 4 KB that facts may have."""

_MAGIC: Final = b"Exif\0\0"
_EXIF_DIRECTORY: Final = 0x8769
_ORIENTATION: Final = 0x0112
_ASCII, _SHORT, _LONG, _RATIONAL, _SIGNED_RATIONAL = 2, 3, 4, 5, 10
_WIDTHS: Final = {_ASCII: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8, _SIGNED_RATIONAL: 8}
_DATE: Final = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")
_OFFSET: Final = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")


def metadata(exif: bytes) -> dict[str, Value]:
    """What the camera tells of how the picture was taken; sizes in mm, times in seconds, `taken_at` as ISO 8601."""
    tags = _tags(exif)
    facts: dict[str, Value] = {}
    for tag, (name, convert) in _TOLD.items():
        value = convert(tags[tag]) if tag in tags else None
        if value is not None:
            facts[name] = value
    taken = _moment(tags.get(0x9003), tags.get(0x9011))
    if taken is not None:
        facts["taken_at"] = taken
    return facts


def orientation_of(exif: bytes) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it makes no sense."""
    value = _tags(exif, only_main=True).get(_ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _tags(exif: bytes, *, only_main: bool = False) -> dict[int, Value]:
    data = exif.removeprefix(_MAGIC)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return {}
    tags: dict[int, Value] = {}
    for tag, value in _entries(data, order, _whole(data, order, 4)):
        tags.setdefault(tag, value)
    deeper = tags.pop(_EXIF_DIRECTORY, None)
    if isinstance(deeper, int) and not only_main:
        for tag, value in _entries(data, order, deeper):
            tags.setdefault(tag, value)
    return tags


def _entries(data: bytes, order: str, start: int | None) -> Iterator[tuple[int, Value]]:
    """Entries of one directory that the tables name; broken ones are left out."""
    if start is None or start + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, start)
    for index in range(min(count, MAX_ENTRIES)):
        at = start + 2 + 12 * index
        if at + 12 > len(data):
            return
        tag, kind, length = struct.unpack_from(order + "HHI", data, at)
        if tag in _READ and kind in _WIDTHS and length >= 1:
            value = _value(data, order, at + 8, kind, length)
            if value is not None:
                yield tag, value


def _value(data: bytes, order: str, at: int, kind: int, length: int) -> Value | None:
    """The first number of an entry, or its text."""
    length = min(length, 4 * MAX_TEXT_CHARS) if kind == _ASCII else 1
    if length * _WIDTHS[kind] > 4:
        found = _whole(data, order, at)
        if found is None:
            return None
        at = found
    raw = data[at : at + length * _WIDTHS[kind]]
    if len(raw) < _WIDTHS[kind]:
        return None
    match kind:
        case 2:
            return raw.partition(b"\0")[0].decode("utf-8", "replace")
        case 3:
            return int.from_bytes(raw, "little" if order == "<" else "big")
        case 4:
            return int.from_bytes(raw, "little" if order == "<" else "big")
        case _:
            above, below = struct.unpack(order + ("ii" if kind == _SIGNED_RATIONAL else "II"), raw)
            return above / below if below else None


def _whole(data: bytes, order: str, at: int) -> int | None:
    return struct.unpack_from(order + "I", data, at)[0] if at + 4 <= len(data) else None


def readable(value: Value | None, most_chars: int = MAX_TEXT_CHARS) -> str | None:
    """Printable text of one line: no control, format (bidi) or unassigned characters."""
    if not isinstance(value, str):
        return None
    kept = "".join(
        char
        for char in value[: 4 * most_chars]
        if unicodedata.category(char)[0] != "C" and char != "\N{REPLACEMENT CHARACTER}"
    )
    return kept.strip()[:most_chars].strip() or None


def rounded(value: Value) -> Value | None:
    if isinstance(value, str) or not math.isfinite(value):
        return None
    return value if isinstance(value, int) else float(f"{value:.6g}")


def _positive(value: Value) -> Value | None:
    number = rounded(value)
    return number if isinstance(number, int | float) and number > 0 else None


def _flash(value: Value) -> Value | None:
    return value & 1 if isinstance(value, int) else None


def _moment(taken: Value | None, offset: Value | None) -> str | None:
    match = _DATE.match(taken) if isinstance(taken, str) else None
    if match is None:
        return None
    zone = offset if isinstance(offset, str) and _OFFSET.fullmatch(offset) else ""
    text = f"{match[1]}-{match[2]}-{match[3]}T{match[4]}{zone}"
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    return text


_TOLD: Final[dict[int, tuple[str, Callable[[Value], Value | None]]]] = {
    0x010F: ("camera_make", readable),
    0x0110: ("camera_model", readable),
    0x0112: ("orientation", _positive),
    0x0131: ("software", readable),
    0x829A: ("exposure_seconds", _positive),
    0x829D: ("f_number", _positive),
    0x8827: ("iso", _positive),
    0x9204: ("exposure_bias_ev", rounded),
    0x9209: ("flash_fired", _flash),
    0x920A: ("focal_length_mm", _positive),
    0xA405: ("focal_length_35mm", _positive),
    0xA433: ("lens_make", readable),
    0xA434: ("lens_model", readable),
}
"""Everything that may be told, besides `taken_at`."""
_READ: Final = frozenset(_TOLD) | {_EXIF_DIRECTORY, 0x9003, 0x9011}
