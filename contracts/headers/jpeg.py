"""JPEG: the markers up to the first scan. Source: ITU-T T.81, annex B."""

from typing import Final

from contracts.errors import ImageCorrupt, UnsupportedMediaType
from contracts.headers.reader import Extent, Reader

_FRAME_MARKERS: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""SOF0 to SOF15; the three others between them define tables."""
_DECODABLE: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA})
"""Baseline, extended, progressive, lossless, and the first two's arithmetic forms: what libjpeg-turbo reads."""
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length: TEM, RST0 to RST7, SOI."""
_END: Final = 0xD9
_SCAN: Final = 0xDA


def jpeg_extent(reader: Reader) -> Extent:
    """Size of the one frame. Raises UnsupportedMediaType for the processes that no decoder here reads."""
    extent = None
    at = 2
    while True:
        marker, at = _next_marker(reader, at)
        if marker == _SCAN and extent is not None:
            return extent
        if marker in (_SCAN, _END):
            raise ImageCorrupt("no frame header stands before the first scan")
        if marker in _BARE:
            continue
        size = reader.int_at(at, 2)
        if size < 2:
            raise ImageCorrupt("a segment is shorter than its own length")
        if marker in _FRAME_MARKERS:
            if extent is not None:
                raise ImageCorrupt("there is more than one frame header")
            extent = _frame(reader, at + 2, marker)
        at += size


def _next_marker(reader: Reader, at: int) -> tuple[int, int]:
    # decoders skip what is not a marker, and any number of fill bytes before one
    while True:
        reader.spend()
        found = reader.at(at, 2)
        if found[0] == 0xFF and found[1] not in (0x00, 0xFF):
            return found[1], at + 2
        if found[0] == 0xFF:
            at += 1
            continue
        at = reader.find(b"\xff", at)


def _frame(reader: Reader, at: int, marker: int) -> Extent:
    precision = reader.int_at(at, 1)
    height, width, components = reader.int_at(at + 1, 2), reader.int_at(at + 3, 2), reader.int_at(at + 5, 1)
    if marker not in _DECODABLE or precision != 8 or components not in (1, 3, 4):
        raise UnsupportedMediaType(
            f"JPEG of process SOF{marker - 0xC0}, {precision} bits and {components} components is not read here"
        )
    return Extent(width, height)
