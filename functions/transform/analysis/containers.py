"""What a picture's file holds beside its pixels: a parser of containers of our own, which decodes nothing.

It shares no code with the decoders and encoders, so that what it says of our own files is a second opinion. Known
blocks that pixels need are passed over; everything else is named, what nobody knows too. It reads whatever bytes there
are: where they make no sense, the rest is one block, UNREADABLE. Never raises.

Sources: ITU-T T.81 annex B; PNG (Third Edition); RFC 9649 (WebP); GIF89a; TIFF 6.0; ISO/IEC 14496-12 and 23008-12.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from contracts.formats import ImageFormat
from functions.transform.analysis.boxes import boxed
from functions.transform.analysis.inner import icon_parts, strange_chunks

EXIF, XMP, IPTC, ICC, PHOTOSHOP = "exif", "xmp", "iptc", "icc", "photoshop"
COMMENT, TEXT, TIME = "comment", "text", "time"
THUMBNAIL, PICTURES, PROVENANCE = "thumbnail", "more-pictures", "provenance"
UNKNOWN, TRAILING, UNREADABLE = "unknown-data", "trailing-bytes", "unreadable"

MAX_BLOCKS: Final = 4_096
"""Blocks that are told apart; the frames of the longest animation are fewer."""


class Block(Struct, frozen=True):
    """`size` bytes at `start`, the payload without the container's own marks."""

    kind: str
    start: int
    size: int

    def of(self, data: bytes) -> bytes:
        return data[self.start : self.start + self.size]


def blocks(data: bytes, form: ImageFormat) -> tuple[Block, ...]:
    """Everything in the file that its pixels do not need, in its order."""
    parse = _PARSERS.get(form)
    found: list[Block] = []
    if parse is None:
        return ()
    at = 0
    try:
        for block in parse(data):
            at = block.start + block.size
            found.append(block)
            if len(found) >= MAX_BLOCKS:
                break
        else:
            return tuple(found)
    except (struct.error, IndexError, ValueError, OverflowError):
        # beyond the end, or against the container's own rules
        pass
    return (*found, Block(UNREADABLE, min(at, len(data)), max(0, len(data) - at)))


_JPEG_APPS: Final[dict[int, tuple[tuple[bytes, str], ...]]] = {
    0xE0: ((b"JFXX\0", THUMBNAIL),),
    0xE1: (
        (b"Exif\0\0", EXIF),
        (b"http://ns.adobe.com/xap/1.0/\0", XMP),
        (b"http://ns.adobe.com/xmp/extension/\0", XMP),
    ),
    0xE2: ((b"ICC_PROFILE\0", ICC), (b"MPF\0", PICTURES)),
    0xEB: ((b"JP", PROVENANCE),),
    0xED: ((b"Photoshop 3.0\0", PHOTOSHOP),),
}
_JPEG_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_JPEG_NEEDED: Final = frozenset(
    {0xDB, 0xC4, 0xDD, 0xDC, 0xCC, *range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC)}
)


def _jpeg(data: bytes) -> Iterator[Block]:
    if data[:2] != b"\xff\xd8":
        raise ValueError("no JPEG")
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker")
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        at += 1
        if marker == 0xD9:
            yield from _trailing(data, at)
            return
        if marker in _JPEG_ALONE:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        start, end = at + 2, at + length
        if length < 2 or end > len(data):
            raise ValueError("a segment beyond the end")
        at = end
        if marker == 0xDA:
            at = _entropy_end(data, end)
        elif marker == 0xFE:
            yield Block(COMMENT, start, end - start)
        elif marker == 0xEE and data[start : start + 5] == b"Adobe" and end - start == 12:
            continue
        elif marker == 0xE0 and data[start : start + 5] == b"JFIF\0" and end - start >= 14:
            if end - start > 14:
                yield Block(THUMBNAIL, start + 14, end - start - 14)
        elif marker not in _JPEG_NEEDED:
            for mark, kind in _JPEG_APPS.get(marker, ()):
                if data.startswith(mark, start, end):
                    yield Block(kind, start + len(mark), end - start - len(mark))
                    break
            else:
                yield Block(UNKNOWN, start, end - start)


def _entropy_end(data: bytes, at: int) -> int:
    """Where the next marker is that ends a scan."""
    while True:
        at = data.index(b"\xff", at)
        after = data[at + 1]
        if after != 0 and not 0xD0 <= after <= 0xD7:
            return at
        at += 2


_PNG_MARK: Final = b"\x89PNG\r\n\x1a\n"
_PNG_NEEDED: Final = frozenset(
    b"IHDR PLTE IDAT tRNS cHRM gAMA sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT acTL fcTL fdAT".split()
)
_PNG_KINDS: Final = {b"iCCP": ICC, b"eXIf": EXIF, b"tIME": TIME, b"caBX": PROVENANCE}
_PNG_XMP: Final = b"XML:com.adobe.xmp\0"


def _png(data: bytes) -> Iterator[Block]:
    if not data.startswith(_PNG_MARK):
        raise ValueError("no PNG")
    at = 8
    while True:
        size, name = struct.unpack_from(">I4s", data, at)
        start, end = at + 8, at + 8 + size
        if end + 4 > len(data):
            raise ValueError("a chunk beyond the end")
        at = end + 4
        if name == b"IEND":
            yield from _trailing(data, at)
            return
        if name in (b"tEXt", b"zTXt", b"iTXt"):
            # of a packet that is not compressed (two zero bytes) the keyword and two empty strings come before it
            is_xmp = name == b"iTXt" and data.startswith(_PNG_XMP + b"\0\0\0\0", start, end)
            skipped = len(_PNG_XMP) + 4 if is_xmp else 0
            yield Block(XMP if is_xmp else TEXT, start + skipped, size - skipped)
        elif name not in _PNG_NEEDED:
            yield Block(_PNG_KINDS.get(name, UNKNOWN), start, size)


_WEBP_NEEDED: Final = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"})
_WEBP_KINDS: Final = {b"ICCP": ICC, b"EXIF": EXIF, b"XMP ": XMP, b"C2PA": PROVENANCE}


def _webp(data: bytes) -> Iterator[Block]:
    riff, size, webp = struct.unpack_from("<4sI4s", data)
    end = 8 + size
    if riff != b"RIFF" or webp != b"WEBP" or end > len(data):
        raise ValueError("no WebP")
    at = 12
    while at + 8 <= end:
        name, size = struct.unpack_from("<4sI", data, at)
        if at + 8 + size > end:
            raise ValueError("a chunk beyond the end")
        if name not in _WEBP_NEEDED:
            yield Block(_WEBP_KINDS.get(name, UNKNOWN), at + 8, size)
        elif name == b"ANMF":
            yield from (Block(UNKNOWN, *place) for place in strange_chunks(data, at + 8, at + 8 + size))
        at += 8 + size + size % 2
    yield from _trailing(data, max(end, at) if size % 2 else end)


_GIF_APPS: Final = {b"XMP DataXMP": XMP, b"ICCRGBG1012": ICC}
_GIF_LOOPS: Final = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0"})


def _gif(data: bytes) -> Iterator[Block]:
    if data[:6] not in (b"GIF87a", b"GIF89a"):
        raise ValueError("no GIF")
    at = 13 + _gif_table(data[10])
    while True:
        what = data[at]
        if what == 0x3B:
            yield from _trailing(data, at + 1)
            return
        if what == 0x2C:
            at = _gif_data_end(data, at + 11 + _gif_table(data[at + 9]))
        elif what == 0x21:
            label, start = data[at + 1], at + 2
            end = _gif_data_end(data, start)
            if label == 0xFE:
                yield Block(COMMENT, start, end - start)
            elif label == 0x01:
                yield Block(TEXT, start, end - start)
            elif label == 0xFF:
                name = data[start + 1 : start + 12]
                if name not in _GIF_LOOPS:
                    skipped = 12 if name in _GIF_APPS else 0
                    yield Block(_GIF_APPS.get(name, UNKNOWN), start + skipped, end - start - skipped)
            elif label != 0xF9:
                yield Block(UNKNOWN, start, end - start)
            at = end
        else:
            raise ValueError("no block")


def _gif_table(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _gif_data_end(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1


_TIFF_KINDS: Final = {
    0x02BC: XMP,
    0x83BB: IPTC,
    0x8649: PHOTOSHOP,
    0x8769: EXIF,
    0x8773: ICC,
    0x8825: EXIF,
    **dict.fromkeys((0x010D, 0x010E, 0x010F, 0x0110, 0x011D, 0x0131, 0x013B, 0x013C, 0x8298), TEXT),
    0x0132: TIME,
}
_TIFF_NEEDED: Final = frozenset(
    {
        *(0x00FE, 0x00FF, *range(0x0100, 0x0104), 0x0106, 0x0107, *range(0x010A, 0x010B), 0x0111, 0x0112),
        *(*range(0x0115, 0x011D), *range(0x011E, 0x0126), 0x0128, 0x0129, 0x012D, 0x013D, *range(0x013E, 0x0147)),
        *(0x0152, 0x0153, 0x0154, 0x0155, 0x015B, 0x0200, 0x0201, 0x0202, *range(0x0211, 0x0215)),
    }
)
_TIFF_WIDTHS: Final = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)


def _tiff(data: bytes) -> Iterator[Block]:
    order = {b"II*\0": "<", b"MM\0*": ">"}[data[:4]] if data[:4] in (b"II*\0", b"MM\0*") else ""
    if not order:
        raise ValueError("no TIFF that we read")
    (at,) = struct.unpack_from(order + "I", data, 4)
    visited: set[int] = set()
    while at and at not in visited:
        visited.add(at)
        (count,) = struct.unpack_from(order + "H", data, at)
        if len(visited) == 2:
            yield Block(PICTURES, at, 0)
        for index in range(count):
            entry = at + 2 + 12 * index
            tag, kind, length = struct.unpack_from(order + "HHI", data, entry)
            if tag in _TIFF_NEEDED:
                continue
            size = length * (_TIFF_WIDTHS[kind] if kind < len(_TIFF_WIDTHS) else 1)
            (start,) = struct.unpack_from(order + "I", data, entry + 8) if size > 4 else (entry + 8,)
            yield Block(_TIFF_KINDS.get(tag, UNKNOWN), start, max(0, min(size, len(data) - start)))
        (at,) = struct.unpack_from(order + "I", data, at + 2 + 12 * count)


def _bmp(data: bytes) -> Iterator[Block]:
    if data[:2] != b"BM":
        raise ValueError("no BMP")
    (size,) = struct.unpack_from("<I", data, 2)
    if 54 <= size < len(data):
        yield from _trailing(data, size)


def _ico(data: bytes) -> Iterator[Block]:
    end = 0
    for is_picture, start, size in icon_parts(data):
        end = max(end, start + size)
        if not is_picture:
            yield Block(UNKNOWN, start, size)
        elif data.startswith(_PNG_MARK, start):
            yield from (Block(one.kind, start + one.start, one.size) for one in _png(data[start : start + size]))
    yield from _trailing(data, end)


def _trailing(data: bytes, at: int) -> Iterator[Block]:
    """What comes after the end; zeroes that fill up a sector hide nothing, but are no part of the picture either."""
    if at < len(data):
        yield Block(TRAILING, at, len(data) - at)


_PARSERS: Final[dict[ImageFormat, Callable[[bytes], Iterator[Block]]]] = {
    ImageFormat.JPEG: _jpeg,
    ImageFormat.PNG: _png,
    ImageFormat.WEBP: _webp,
    ImageFormat.GIF: _gif,
    ImageFormat.TIFF: _tiff,
    ImageFormat.AVIF: lambda data: (Block(*each) for each in boxed(data)),
    ImageFormat.HEIC: lambda data: (Block(*each) for each in boxed(data)),
    ImageFormat.BMP: _bmp,
    ImageFormat.ICO: _ico,
}
