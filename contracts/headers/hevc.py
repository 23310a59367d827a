"""HEVC: how large and how deep the pictures are that a decoder's configuration announces.

Source: ITU-T H.265 (7.3.1.2 units, 7.3.2.2 sequence parameter sets), ISO/IEC 14496-15 (the `hvcC` record).
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from contracts.errors import ImageCorrupt

SEQUENCE_PARAMETERS: Final = 33
PARAMETER_SETS: Final = frozenset({32, SEQUENCE_PARAMETERS, 34})
"""Types of units that say how others are to be decoded."""

_NO_PICTURE: Final = 32
"""The first type of units that hold no part of a picture."""
_CHROMA_AT: Final = 16
_ARRAYS_AT: Final = 22
_PROFILE_BITS: Final = 88
_LEVEL_BITS: Final = 8
_MOST_ZEROES: Final = 32
"""Before the first one of an Exp-Golomb code; a longer code is no number of 32 bits."""


class Coded(Struct, frozen=True):
    """Pixels before any cropping; `chroma` is 0 for gray, 1 for 4:2:0, 2 for 4:2:2, 3 for 4:4:4; depths are in bits."""

    width: int
    height: int
    chroma: int
    depth: int
    chroma_depth: int


def unit_type(unit: bytes) -> int:
    """What a unit that begins with these bytes is."""
    return unit[0] >> 1 & 63


def begins_picture(unit: bytes) -> bool:
    """Whether a unit is the first slice of a picture, by its first three bytes."""
    return unit_type(unit) < _NO_PICTURE and len(unit) > 2 and unit[2] >= 0x80


def announced(record: bytes) -> list[Coded]:
    """What each sequence is that a record announces. Raises ImageCorrupt, also if the record says otherwise itself."""
    found = [_coded(unit) for unit in _units(record) if len(unit) > 2 and unit_type(unit) == SEQUENCE_PARAMETERS]
    said = record[_CHROMA_AT] & 3, 8 + (record[_CHROMA_AT + 1] & 7), 8 + (record[_CHROMA_AT + 2] & 7)
    if any((each.chroma, each.depth, each.chroma_depth) != said for each in found):
        # bindings reserve memory by the record, and are given what the sequence holds
        raise ImageCorrupt("the configuration of a decoder contradicts itself")
    return found


def length_bytes(record: bytes) -> int:
    """How many bytes before each unit of the picture say how long it is."""
    if len(record) <= _ARRAYS_AT:
        raise ImageCorrupt("the decoder's configuration is too short")
    return (record[_ARRAYS_AT - 1] & 3) + 1


def _units(record: bytes) -> Iterator[bytes]:
    if len(record) <= _ARRAYS_AT:
        raise ImageCorrupt("the decoder's configuration is too short")
    at = _ARRAYS_AT + 1
    for _ in range(record[_ARRAYS_AT]):
        count = int.from_bytes(record[at + 1 : at + 3])
        at += 3
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2])
            unit = record[at + 2 : at + 2 + size]
            if at + 2 > len(record) or len(unit) != size:
                raise ImageCorrupt("the decoder's configuration is shorter than it says")
            yield unit
            at += 2 + size


def _coded(unit: bytes) -> Coded:
    bits = _Bits(unit[2:].replace(b"\0\0\3", b"\0\0"))
    bits.take(4)
    deeper = bits.take(3)
    bits.take(1 + _PROFILE_BITS + _LEVEL_BITS)
    layers = [(bits.take(1), bits.take(1)) for _ in range(deeper)]
    if deeper:
        bits.take(2 * (8 - deeper))
    for has_profile, has_level in layers:
        bits.take(_PROFILE_BITS * has_profile + _LEVEL_BITS * has_level)
    bits.golomb()
    chroma = bits.golomb()
    if chroma == 3:
        # three colours at full resolution: whether each is coded as a picture of its own
        bits.take(1)
    width, height = bits.golomb(), bits.golomb()
    if bits.take(1):
        # what is cropped from its four sides
        for _ in range(4):
            bits.golomb()
    return Coded(width, height, chroma, 8 + bits.golomb(), 8 + bits.golomb())


class _Bits:
    """Bits from the left. Raises ImageCorrupt where there are no more."""

    def __init__(self, data: bytes) -> None:
        # what follows the size is of no interest here
        data = data[:256]
        self._value, self._left = int.from_bytes(data), 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ImageCorrupt("the size of the coded pictures is not there")
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        zeroes = 0
        while not self.take(1):
            zeroes += 1
            if zeroes > _MOST_ZEROES:
                raise ImageCorrupt("the size of the coded pictures is no number")
        return (1 << zeroes) - 1 + self.take(zeroes)
