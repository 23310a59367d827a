"""BMP and ICO: the headers that Windows wrote. Source: BITMAPINFOHEADER and its relatives, Microsoft Learn."""

from typing import Final

from contracts.errors import ImageCorrupt
from contracts.headers.reader import Extent, Reader

BMP_HEADER_SIZES: Final = frozenset({12, 40, 52, 56, 64, 108, 124})
"""What the length of the information header can be; it names the header's version."""
_CORE_HEADER: Final = 12
_MAX_ICONS: Final = 256
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def bmp_extent(reader: Reader) -> Extent:
    """Size of the bitmap; a negative height means that its rows go down."""
    return _bitmap(reader, 14)


def ico_extent(reader: Reader) -> Extent:
    """Size of the largest icon. The directory's own size is a byte and not to be believed: each picture is asked."""
    count = reader.int_at(4, 2, "little")
    if not 1 <= count <= _MAX_ICONS:
        raise ImageCorrupt(f"an icon holds 1 to {_MAX_ICONS} pictures")
    largest = Extent(0, 0)
    longest_side = 0
    for number in range(count):
        reader.spend()
        extent = _icon(reader, reader.int_at(6 + 16 * number + 12, 4, "little"))
        longest_side = max(longest_side, extent.width, extent.height)
        if extent.width * extent.height >= largest.width * largest.height:
            largest = extent
    return Extent(largest.width, largest.height, longest_side=longest_side)


def _icon(reader: Reader, at: int) -> Extent:
    if reader.at(at, 8) == _PNG:
        return Extent(reader.int_at(at + 16, 4), reader.int_at(at + 20, 4))
    stacked = _bitmap(reader, at)
    # the colours and the mask stand one above the other
    return Extent(stacked.width, stacked.height // 2)


def _bitmap(reader: Reader, at: int) -> Extent:
    size = reader.int_at(at, 4, "little")
    if size not in BMP_HEADER_SIZES:
        raise ImageCorrupt("the bitmap has no header of a known length")
    if size == _CORE_HEADER:
        return Extent(reader.int_at(at + 4, 2, "little"), reader.int_at(at + 6, 2, "little"))
    height = int.from_bytes(reader.at(at + 8, 4), "little", signed=True)
    return Extent(reader.int_at(at + 4, 4, "little"), abs(height))
