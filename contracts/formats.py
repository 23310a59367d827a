"""What a file is by its first bytes, what it was declared to be, and how large its header says it is.

The upload service decides with this and nothing else: it never decodes, so it never imports Pillow. The parsers are in
`contracts.headers`. Order of use: `check_declared`, `measure`, `check_limits`.
"""

from collections.abc import Callable, Set
from enum import StrEnum
from typing import Final

from msgspec import Struct

from contracts.errors import FrameLimit, ImageCorrupt, Malformed, PixelLimit, TypeMismatch, UnsupportedMediaType
from contracts.headers.avif import avif_brands, avif_extent
from contracts.headers.boxes import brands
from contracts.headers.gif import gif_extent
from contracts.headers.jpeg import jpeg_extent
from contracts.headers.png import png_extent
from contracts.headers.reader import Extent, Reader, Seekable
from contracts.headers.tiff import tiff_extent
from contracts.headers.webp import webp_extent
from contracts.headers.windows import BMP_HEADER_SIZES, bmp_extent, ico_extent
from contracts.limits import MAX_FRAME_PIXELS, MAX_FRAMES, MAX_PIXELS, MAX_SIDE
from contracts.unread import HEIC_BRANDS, name_of

SNIFF_BYTES: Final = 256
"""How much of a file's beginning `sniff` looks at; fewer are enough for a file that has fewer."""


class ImageFormat(StrEnum):
    """Formats an original can have; nothing else is ever opened."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    GIF = "gif"
    AVIF = "avif"
    TIFF = "tiff"
    BMP = "bmp"
    ICO = "ico"
    HEIC = "heic"
    """Read only where a deployment has chosen it."""

    @property
    def media_type(self) -> str:
        return {"bmp": "image/bmp", "ico": "image/vnd.microsoft.icon"}.get(self.value, f"image/{self.value}")


BY_CHOICE: Final = frozenset({ImageFormat.HEIC})
"""Formats whose decoder is no part of what everybody deploys: docs/decisions/0043."""
READ: Final = frozenset(ImageFormat) - BY_CHOICE
"""What is read everywhere."""


class Header(Struct, frozen=True, kw_only=True):
    """What a header says. Pixels are before orientation; every side is at least 1.

    `frames` counts pages of a TIFF too, and stops one above the limit where it takes a walk to count. `largest_pixels`
    and `longest_side` are over all frames: they are what the limits are about.
    """

    format: ImageFormat
    width: int
    height: int
    frames: int
    largest_pixels: int
    longest_side: int

    @property
    def is_animated(self) -> bool:
        return self.frames > 1 and self.format is not ImageFormat.TIFF


_MEDIA_TYPES: Final[dict[str, ImageFormat]] = {
    **{fmt.media_type: fmt for fmt in ImageFormat},
    "image/jpg": ImageFormat.JPEG,
    "image/pjpeg": ImageFormat.JPEG,
    "image/x-png": ImageFormat.PNG,
    "image/apng": ImageFormat.PNG,
    "image/vnd.mozilla.apng": ImageFormat.PNG,
    "image/avif-sequence": ImageFormat.AVIF,
    "image/tif": ImageFormat.TIFF,
    "image/x-tiff": ImageFormat.TIFF,
    "image/x-bmp": ImageFormat.BMP,
    "image/x-ms-bmp": ImageFormat.BMP,
    "image/x-windows-bmp": ImageFormat.BMP,
    "image/x-icon": ImageFormat.ICO,
    "image/ico": ImageFormat.ICO,
    "image/heif": ImageFormat.HEIC,
}

_SILENT_TYPES: Final = frozenset({"", "application/octet-stream", "binary/octet-stream", "image/*", "text/plain"})
"""Types that declare nothing. `text/plain` is what a part of a form has that names none (RFC 7578, section 4.4)."""

_EXTENSIONS: Final[dict[str, ImageFormat]] = {
    **{fmt.value: fmt for fmt in ImageFormat},
    **dict.fromkeys(("jpg", "jpe", "jfif", "jif", "pjpeg", "pjp"), ImageFormat.JPEG),
    "apng": ImageFormat.PNG,
    "avifs": ImageFormat.AVIF,
    "tif": ImageFormat.TIFF,
    "dib": ImageFormat.BMP,
    **dict.fromkeys(("heif", "hif"), ImageFormat.HEIC),
}


def _heic_extent(reader: Reader) -> Extent:
    from contracts.headers.heic import heic_extent  # not at module level: few deployments read it

    return heic_extent(reader)


_EXTENT_OF: Final[dict[ImageFormat, Callable[[Reader], Extent]]] = {
    ImageFormat.JPEG: jpeg_extent,
    ImageFormat.PNG: png_extent,
    ImageFormat.WEBP: webp_extent,
    ImageFormat.GIF: gif_extent,
    ImageFormat.AVIF: avif_extent,
    ImageFormat.TIFF: tiff_extent,
    ImageFormat.BMP: bmp_extent,
    ImageFormat.ICO: ico_extent,
    ImageFormat.HEIC: _heic_extent,
}


def sniff(head: bytes) -> ImageFormat | None:
    """The format that a file beginning with these bytes has, if it is one that may be read here. Never raises."""
    if head.startswith(b"\xff\xd8\xff"):
        return ImageFormat.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageFormat.PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return ImageFormat.WEBP
    if head.startswith((b"GIF87a", b"GIF89a")):
        return ImageFormat.GIF
    if avif_brands(head):
        return ImageFormat.AVIF
    if brands(head) & HEIC_BRANDS:
        return ImageFormat.HEIC
    if head.startswith((b"II\x2a\x00", b"MM\x00\x2a")):
        return ImageFormat.TIFF
    # two letters alone would make pictures of many a text
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in BMP_HEADER_SIZES:
        return ImageFormat.BMP
    if head.startswith(b"\x00\x00\x01\x00") and head[4:6] not in (b"", b"\x00\x00") and head[9:10] == b"\x00":
        return ImageFormat.ICO
    return None


def declared_format(content_type: str | None, filename: str | None) -> ImageFormat | None:
    """What the sender says the file is: by its Content-Type, else by its name's extension, else nothing known."""
    return _MEDIA_TYPES.get(_essence(content_type)) or _EXTENSIONS.get(_extension(filename))


def check_declared(
    head: bytes, content_type: str | None, filename: str | None, read: Set[ImageFormat] = READ
) -> ImageFormat:
    """The format of a file that begins with `head` (SNIFF_BYTES of it), if nothing that was said of it disagrees.

    Raises Malformed if there is not one byte, UnsupportedMediaType if it is nothing that is read here (`read`),
    TypeMismatch if the Content-Type or the extension names another format.
    """
    if not head:
        raise Malformed("the file is empty")
    found = sniff(head)
    if found is None or found not in read:
        raise _unread(head, read)
    essence = _essence(content_type)
    if essence not in _SILENT_TYPES and _MEDIA_TYPES.get(essence) is not found:
        raise TypeMismatch(f"the file is {found.value.upper()}, but its Content-Type is another")
    by_name = _EXTENSIONS.get(_extension(filename), found)
    if by_name is not found:
        raise TypeMismatch(f"the file is {found.value.upper()}, but its name ends like one of {by_name.value.upper()}")
    return found


def measure(file: Seekable, length: int, read: Set[ImageFormat] = READ) -> Header:
    """What the header of a file of `length` bytes says. Reads little of it, and leaves its position anywhere.

    Raises UnsupportedMediaType if it is nothing that is read here, ImageCorrupt if the header is broken, ends too soon
    or names a side of zero. Limits are `check_limits`' business.
    """
    reader = Reader(file, length)
    head = reader.around(0)[0][:SNIFF_BYTES]
    found = sniff(head)
    if found is None or found not in read:
        raise _unread(head, read)
    extent = _EXTENT_OF[found](reader)
    if extent.width < 1 or extent.height < 1:
        raise ImageCorrupt(f"the header says {extent.width}×{extent.height} pixels")
    return Header(
        format=found,
        width=extent.width,
        height=extent.height,
        frames=extent.frames,
        largest_pixels=max(extent.largest_pixels, extent.width * extent.height),
        longest_side=max(extent.longest_side, extent.width, extent.height),
    )


def check_limits(header: Header) -> None:
    """Raises PixelLimit or FrameLimit, with `limit` and `actual` among the facts, for a picture that is not taken."""
    size = f"{header.width}×{header.height}"
    if header.largest_pixels > MAX_PIXELS:
        raise PixelLimit(
            f"{size}: {header.largest_pixels} pixels, at most {MAX_PIXELS}",
            limit=MAX_PIXELS,
            actual=header.largest_pixels,
        )
    if header.longest_side > MAX_SIDE:
        raise PixelLimit(f"{size}: a side has at most {MAX_SIDE} pixels", limit=MAX_SIDE, actual=header.longest_side)
    if header.frames > MAX_FRAMES:
        raise FrameLimit(f"more than {MAX_FRAMES} frames", limit=MAX_FRAMES, actual=header.frames)
    if header.frames > 1 and header.frames * header.largest_pixels > MAX_FRAME_PIXELS:
        raise PixelLimit(
            f"{header.frames} frames of {size}: all frames together have at most {MAX_FRAME_PIXELS} pixels",
            limit=MAX_FRAME_PIXELS,
            actual=header.frames * header.largest_pixels,
        )


def spelled(read: Set[ImageFormat]) -> str:
    """These formats, for people."""
    return ", ".join(fmt.value.upper() for fmt in ImageFormat if fmt in read)


def _unread(head: bytes, read: Set[ImageFormat]) -> UnsupportedMediaType:
    formats, name = spelled(read), name_of(head)
    if name is None:
        return UnsupportedMediaType(f"the file is none of {formats}")
    choice = sniff(head)
    way = f"; whoever runs this service can have it read, by formats.{choice.value}" if choice is not None else ""
    return UnsupportedMediaType(f"the file is {name}, which is not read here; send it as one of {formats}{way}")


def _essence(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def _extension(filename: str | None) -> str:
    _, dot, extension = (filename or "").strip().rpartition(".")
    return extension.lower() if dot else ""
