"""What an upload says of its owner, and that no answer repeats it."""

import struct
from collections.abc import Iterator
from typing import Final

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from benchmarks.conformance.case import Case
from benchmarks.conformance.checks import Bare, Coloured, Sized
from benchmarks.conformance.pictures import quarter_areas, quarters, saved
from benchmarks.conformance.profiles import SRGB, matrix_profile
from benchmarks.conformance.tolerances import Tolerance
from contracts.formats import ImageFormat

_MARKS: Final = {
    place: f"SECRET-{place}".encode() for place in ("EXIF", "XMP", "IPTC", "COMMENT", "TRAIL", "NAME", "ICC")
}
"""A word in each place that a file has for words."""


def cases() -> Iterator[Case]:
    told = {"jpeg": _jpeg(), "png": _png(), "webp": _webp(), "tiff": _tiff()}
    for kind, source in told.items():
        for form in ("jpeg", "png", "webp", "avif"):
            yield Case(
                name=f"bare-{kind}-to-{form}",
                group="metadata",
                promise=f"nothing of what a {kind.upper()} says beside its pixels is in the {form.upper()}",
                source=source,
                format=ImageFormat(kind),
                request={
                    "resize": {"width": 64},
                    "output": {"format": form, "quality": 90} if form != "png" else {"format": form},
                },
                checks=(
                    Sized(64, 64),
                    Coloured(quarter_areas(), Tolerance.SMALL),
                    Bare(tuple(mark for mark in _MARKS.values() if mark in source or mark == _MARKS["NAME"])),
                ),
            )
    yield Case(
        name="bare-same-size",
        group="metadata",
        promise="a picture that is not even resized is stripped as well",
        source=told["jpeg"],
        format=ImageFormat.JPEG,
        request={"output": {"format": "jpeg", "quality": 90}},
        checks=(Bare(tuple(_MARKS.values())),),
    )


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = _MARKS["EXIF"].decode()  # maker
    exif[0x8298] = _MARKS["EXIF"].decode()  # copyright
    exif[0x9C9D] = _MARKS["NAME"].decode()  # author, as Windows writes it
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "N", (47.0, 33.0, 12.96)
    place[3], place[4] = "E", (12.0, 58.0, 21.84)
    return exif


def _xmp() -> bytes:
    return b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + _MARKS["XMP"] + b"</x:xmpmeta>"


def _jpeg() -> bytes:
    """Every segment that programs write into, and something after the end."""
    profile = matrix_profile(SRGB, name=_MARKS["ICC"].decode())
    data = saved(
        quarters(128, 128), "JPEG", quality=95, subsampling=0, exif=_exif(), xmp=_xmp(), icc_profile=profile,
        comment=_MARKS["COMMENT"],
    )  # fmt: skip
    caption = b"\x1c\x02\x78" + struct.pack(">H", len(_MARKS["IPTC"])) + _MARKS["IPTC"]
    resource = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(caption)) + caption + b"\0"
    segment = b"\xff\xed" + struct.pack(">H", len(resource) + 2) + resource
    return data[:2] + segment + data[2:] + _MARKS["TRAIL"]


def _png() -> bytes:
    info = PngInfo()
    info.add_text("Comment", _MARKS["COMMENT"].decode())
    info.add_itxt("XML:com.adobe.xmp", _xmp().decode())
    profile = matrix_profile(SRGB, name=_MARKS["ICC"].decode())
    return saved(quarters(128, 128), "PNG", pnginfo=info, exif=_exif(), icc_profile=profile) + _MARKS["TRAIL"]


def _webp() -> bytes:
    profile = matrix_profile(SRGB, name=_MARKS["ICC"].decode())
    return saved(quarters(128, 128), "WEBP", lossless=True, exif=_exif(), xmp=_xmp(), icc_profile=profile)


def _tiff() -> bytes:
    return saved(quarters(128, 128), "TIFF", tiffinfo={270: _MARKS["COMMENT"].decode(), 315: _MARKS["NAME"].decode()})
