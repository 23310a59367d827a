"""What a variant may carry of the original's own words, by policy: an EXIF block that is written anew.

Nothing is copied as it is: of three directories the entries that the policy names are read, and written into a block of
our own. So neither an embedded thumbnail nor what lies between entries comes along, and the orientation, which is
applied to the pixels, never does. Bounded; broken entries are left out. Source: EXIF 2.32, TIFF 6.0.
"""

import re
import struct
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from contracts.outputs import MetadataPolicy

MAX_EXIF_BYTES: Final = 60_000
"""What fits one segment of a JPEG, with room for its head."""
MAX_XMP_BYTES: Final = 60_000
_MAX_ENTRIES: Final = 512
_WIDTHS: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}
_UNITS: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 7: 1, 9: 4, 10: 4}
"""Bytes of a value of each type, and of the numbers that it is made of."""
_MAGIC: Final = b"Exif\0\0"
_HEAD: Final = b"II*\0"
_EXIF, _GPS = 0x8769, 0x8825
_ORIENTATION: Final = 0x0112

_COPYRIGHT: Final = frozenset({0x013B, 0x8298})
"""Artist, Copyright."""
_MAIN: Final = frozenset({0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132}) | _COPYRIGHT
"""Description, make, model, resolution, software, date."""
_TAKEN: Final = frozenset(
    {0x829A, 0x829D, 0x8822, 0x8827, 0x8830, 0x8831, 0x9000, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9201, 0x9202}
    | {0x9203, 0x9204, 0x9205, 0x9207, 0x9208, 0x9209, 0x920A, 0x9290, 0x9291, 0x9292, 0xA001, 0xA20E, 0xA20F, 0xA210}
    | {0xA217, 0xA300, 0xA301, 0xA401, 0xA402, 0xA403, 0xA404, 0xA405, 0xA406, 0xA407, 0xA408, 0xA409, 0xA40A, 0xA40C}
    | {0xA432, 0xA433, 0xA434}
)
"""How it was taken: exposure, lens, light, dates. Not serial numbers, owners, comments, unique ids or makers' notes."""
_DRAWN: Final = frozenset(range(0x00FE, 0x0108)) | {0x0111, 0x0115, 0x0116, 0x0117, 0x011C, 0x0129, 0x013D, 0x013F}
_STORAGE: Final = _DRAWN | set(range(0x0140, 0x0220)) | {_ORIENTATION, _EXIF, _GPS, 0x02BC, 0x83BB, 0x8649, 0x8773}
"""Of the main directory: how pixels are stored, thumbnails, and other containers (XMP, IPTC, profiles)."""
_POINTERS: Final = frozenset({0xA005, 0x927C})
"""Of the EXIF directory: what points elsewhere, and notes that do so in ways of their own."""
_TURNED: Final = re.compile(rb"(tiff:Orientation(?:=[\"']|>)\s*)[2-8]")


class _Entry(Struct, frozen=True):
    tag: int
    kind: int
    count: int
    raw: bytes


def inherited_exif(exif: bytes, policy: MetadataPolicy) -> bytes:
    """The block that a variant carries, as a TIFF without pixels; empty if there is nothing. Never raises."""
    data = exif.removeprefix(_MAGIC)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if policy is MetadataPolicy.NONE or order is None or len(data) < 8:
        return b""
    everything = policy is MetadataPolicy.ALL
    found = list(_entries(data, order, _whole(data, order, 4)))
    wanted = _COPYRIGHT if policy is MetadataPolicy.COPYRIGHT else _MAIN
    main = [entry for entry in found if (entry.tag not in _STORAGE if everything else entry.tag in wanted)]
    taken: list[_Entry] = []
    place: list[_Entry] = []
    if policy is not MetadataPolicy.COPYRIGHT:
        inner = _entries(data, order, _pointer(found, _EXIF))
        taken = [entry for entry in inner if (entry.tag not in _POINTERS if everything else entry.tag in _TAKEN)]
    if everything:
        place = list(_entries(data, order, _pointer(found, _GPS)))
    if not (main or taken or place):
        return b""
    block = _HEAD + struct.pack("<I", 8) + _laid_out(8, main, taken, place)
    return block if len(block) <= MAX_EXIF_BYTES else b""


def grafted(file: bytes, block: bytes) -> bytes:
    """A little-endian TIFF of one directory, with what `inherited_exif` gave in it: libtiff itself writes no EXIF."""
    start = struct.unpack_from("<I", file, 4)[0]
    own = []
    for index in range(struct.unpack_from("<H", file, start)[0]):
        tag, kind, count = struct.unpack_from("<HHI", file, start + 2 + 12 * index)
        # its value or its place in the file: neither changes
        own.append(_Entry(tag, kind, count, file[start + 10 + 12 * index : start + 14 + 12 * index]))
    found = list(_entries(block, "<", 8))
    kept = {entry.tag for entry in own} | {_EXIF, _GPS}
    main = own + [entry for entry in found if entry.tag not in kept]
    taken, place = (list(_entries(block, "<", _pointer(found, tag))) for tag in (_EXIF, _GPS))
    at = len(file) + len(file) % 2
    return file[:4] + struct.pack("<I", at) + file[8:].ljust(at - 8, b"\0") + _laid_out(at, main, taken, place)


def inherited_xmp(xmp: bytes, policy: MetadataPolicy) -> bytes:
    """The packet that a variant carries: under `all`, turned upright; else none, for it may hold anything."""
    if policy is not MetadataPolicy.ALL or len(xmp) > MAX_XMP_BYTES:
        return b""
    return _TURNED.sub(rb"\g<1>1", xmp)


def _entries(data: bytes, order: str, start: int | None) -> Iterator[_Entry]:
    """Whole entries of a directory, each tag once, their numbers in little-endian order."""
    if start is None or start + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, start)
    seen: set[int] = set()
    for index in range(min(count, _MAX_ENTRIES)):
        at = start + 2 + 12 * index
        if at + 12 > len(data):
            return
        tag, kind, length = struct.unpack_from(order + "HHI", data, at)
        width = length * _WIDTHS.get(kind, 0)
        if not 0 < width <= MAX_EXIF_BYTES or tag in seen:
            continue
        where = at + 8 if width <= 4 else _whole(data, order, at + 8)
        if where is None or where + width > len(data):
            continue
        seen.add(tag)
        raw = data[where : where + width]
        yield _Entry(tag, kind, length, raw if order == "<" else _swapped(raw, _UNITS[kind]))


def _swapped(raw: bytes, unit: int) -> bytes:
    """Numbers of so many bytes in the other order."""
    return b"".join(raw[at : at + unit][::-1] for at in range(0, len(raw), unit))


def _pointer(entries: list[_Entry], tag: int) -> int | None:
    return next((_whole(entry.raw, "<", 0) for entry in entries if entry.tag == tag), None)


def _whole(data: bytes, order: str, at: int) -> int | None:
    return struct.unpack_from(order + "I", data, at)[0] if at >= 0 and at + 4 <= len(data) else None


def _laid_out(at: int, main: list[_Entry], taken: list[_Entry], place: list[_Entry]) -> bytes:
    """The directories as they stand at this offset of a file, the main one first."""
    deeper = [(tag, entries) for tag, entries in ((_EXIF, taken), (_GPS, place)) if entries]
    beyond = at + _size(main, len(deeper))
    parts: list[bytes] = []
    for tag, entries in deeper:
        main = [*main, _Entry(tag, 4, 1, struct.pack("<I", beyond))]
        parts.append(_directory(entries, beyond))
        beyond += len(parts[-1])
    return b"".join([_directory(main, at), *parts])


def _size(entries: list[_Entry], pointers: int = 0) -> int:
    outside = sum(len(entry.raw) + len(entry.raw) % 2 for entry in entries if len(entry.raw) > 4)
    return 6 + 12 * (len(entries) + pointers) + outside


def _directory(entries: list[_Entry], at: int) -> bytes:
    table, outside = struct.pack("<H", len(entries)), b""
    beyond = at + 6 + 12 * len(entries)
    for entry in sorted(entries, key=lambda entry: entry.tag):
        table += struct.pack("<HHI", entry.tag, entry.kind, entry.count)
        if len(entry.raw) <= 4:
            table += entry.raw.ljust(4, b"\0")
        else:
            table += struct.pack("<I", beyond + len(outside))
            outside += entry.raw + b"\0" * (len(entry.raw) % 2)
    return table + b"\0\0\0\0" + outside
