"""An ICC profile of four inks from a table of Lab: for reading pictures alone, there is no way back.

Version 2.4, class `scnr`: an input profile has one table for every intent, and littleCMS finds its black by asking what
all inks together look like. Of a `prtr` without tables back to inks it would take black for what is printed, and black
point compensation would do nothing. The table has 16 bits (ICC.1:2001-04, 6.5.8), its inks are taken as they are.
"""

import struct
from collections.abc import Sequence
from typing import Final

from benchmarks.conformance.profiles import D50, Vector

_VERSION: Final = 0x02400000
_DATE: Final = (2026, 11, 30, 0, 0, 0)
_RELATIVE: Final = 1
_SIGNATURE: Final = 36
_WORDS: Final = 67
"""Bytes of a name in Macintosh's script, which nobody has used since."""


def table_profile(table: Sequence[Vector], side: int, *, white: Vector, name: str, copyright_: str) -> bytes:
    """`table` has side**4 colours, of which the first ink changes slowest; `white` is the paper's XYZ."""
    bodies = [
        ((b"desc",), _description(name)),
        ((b"cprt",), b"text\0\0\0\0" + copyright_.encode("ascii") + b"\0"),
        ((b"wtpt",), b"XYZ \0\0\0\0" + _fixed(*white)),
        ((b"A2B0", b"A2B1", b"A2B2"), _table(table, side)),
    ]
    count = sum(len(names) for names, _ in bodies)
    at = 128 + 4 + 12 * count
    tags, data = struct.pack(">I", count), b""
    for names, body in bodies:
        for tag in names:
            tags += tag + struct.pack(">II", at + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = struct.pack(">I4xI4s4s4s6H", at + len(data), _VERSION, b"scnr", b"CMYK", b"Lab ", *_DATE)
    assert len(head) == _SIGNATURE
    head += b"acsp" + bytes(24) + struct.pack(">I", _RELATIVE) + _fixed(*D50)
    return head.ljust(128, b"\0") + tags + data


def _table(table: Sequence[Vector], side: int) -> bytes:
    assert len(table) == side**4
    straight = struct.pack(">HH", 0, 0xFFFF)
    cells = struct.pack(f">{3 * len(table)}H", *(value for lab in table for value in _coded(lab)))
    shape = bytes((4, 3, side, 0)) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + struct.pack(">HH", 2, 2)
    return b"mft2\0\0\0\0" + shape + straight * 4 + cells + straight * 3


def _coded(lab: Vector) -> tuple[int, int, int]:
    """Lab as version 2 has it in 16 bits: 0xFF00 is a lightness of 100, 0x8000 is neither red nor green."""
    lightness, a, b = lab
    first, second, third = (round(value) for value in (lightness * 652.8, (a + 128) * 256, (b + 128) * 256))
    return _kept(first), _kept(second), _kept(third)


def _kept(value: int) -> int:
    return min(0xFFFF, max(0, value))


def _description(name: str) -> bytes:
    return b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name.encode("ascii") + bytes(1 + 8 + 3 + _WORDS)


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)
