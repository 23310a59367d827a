"""What a file is and claims to be: sniffing, declarations and limits. The parsers have tests of their own."""

from io import BytesIO
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import FrameLimit, Malformed, PixelLimit, TypeMismatch, UnsupportedMediaType
from contracts.formats import (
    SNIFF_BYTES,
    Header,
    ImageFormat,
    check_declared,
    check_limits,
    declared_format,
    measure,
    sniff,
)
from contracts.limits import MAX_FRAME_PIXELS, MAX_FRAMES, MAX_PIXELS, MAX_SIDE
from contracts.unread import name_of
from tests.support.pictures import sample

EVERY = frozenset(ImageFormat)
SAMPLES = {form: sample(form, 40, 30) for form in ImageFormat}

FOREIGN = {
    "nothing": b"",
    "one byte (B32)": b"\xff",
    "text (B33)": b"This is no picture, whatever its name says.\n",
    "text that begins like a bitmap": b"BMW builds motor cars in Munich, and has done so for years.",
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "SVG with a file in it (B47)": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg/>',
    "MVG (B47)": b"push graphic-context\nviewbox 0 0 640 480\nfill 'url(|ls)'\n",
    "PSD (B46)": b"8BPS\0\1" + b"\0" * 30,
    "EPS (B46)": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "FITS (B46)": b"SIMPLE  =                    T",
    "JPEG 2000 (B46)": b"\0\0\0\x0cjP  \r\n\x87\n",
    "ICNS (B46)": b"icns\0\0\1\0",
    "PCD (B46)": b"PCD_OPA" + b"\0" * 40,
    "WMF (B46)": b"\xd7\xcd\xc6\x9a" + b"\0" * 30,
    "HDF5 (B46)": b"\x89HDF\r\n\x1a\n",
    "JPEG XL": b"\xff\x0a" + b"\0" * 30,
    "HEIC of moving pictures": b"\0\0\0\x18ftyphevc\0\0\0\0msf1hevc",
    "MP4": b"\0\0\0\x18ftypisom\0\0\0\0isomavc1",
    "WAV": b"RIFF\x24\0\0\0WAVEfmt ",
    "BigTIFF": b"II\x2b\0\x08\0\0\0" + b"\0" * 20,
    "cursor": b"\0\0\2\0\1\0" + b"\0" * 20,
    "MNG": b"\x8aMNG\r\n\x1a\n",
    "GIF of no version": b"GIF88a" + b"\0" * 20,
    "ZIP": b"PK\3\4" + b"\0" * 30,
    "ELF": b"\x7fELF\2\1\1",
}


@pytest.mark.parametrize("form", ImageFormat)
def test_every_format_is_known_by_its_first_bytes(form: ImageFormat) -> None:
    assert sniff(SAMPLES[form]) is sniff(SAMPLES[form][:SNIFF_BYTES]) is form


@pytest.mark.parametrize("name", FOREIGN)
def test_nothing_else_is_a_picture(name: str) -> None:
    assert sniff(FOREIGN[name]) is None


@given(st.binary(max_size=300))
def test_sniffing_never_raises(head: bytes) -> None:
    assert sniff(head) in {None, *ImageFormat}


MISSING = [None, "", "application/octet-stream", "Binary/Octet-Stream", "image/*", "text/plain; charset=utf-8"]
TYPES = {
    ImageFormat.JPEG: ["image/jpeg", "image/jpg", "image/pjpeg", "IMAGE/JPEG", " image/jpeg ; q=1"],
    ImageFormat.PNG: ["image/png", "image/x-png", "image/apng", "image/vnd.mozilla.apng"],
    ImageFormat.WEBP: ["image/webp"],
    ImageFormat.GIF: ["image/gif"],
    ImageFormat.AVIF: ["image/avif", "image/avif-sequence"],
    ImageFormat.TIFF: ["image/tiff", "image/tif", "image/x-tiff"],
    ImageFormat.BMP: ["image/bmp", "image/x-bmp", "image/x-ms-bmp", "image/x-windows-bmp"],
    ImageFormat.ICO: ["image/vnd.microsoft.icon", "image/x-icon", "image/ico"],
    ImageFormat.HEIC: ["image/heic", "image/heif"],
}
NAMES = {
    ImageFormat.JPEG: [
        "a.jpg",
        "a.JPEG",
        "a.jpe",
        "a.jfif",
        "a.jif",
        "a.pjpeg",
        "a.pjp",
        "png.jpg",
        "a.png.jpg",
        ".jpg",
    ],
    ImageFormat.PNG: ["a.png", "a.apng", "a.Png "],
    ImageFormat.WEBP: ["a.webp"],
    ImageFormat.GIF: ["a.gif"],
    ImageFormat.AVIF: ["a.avif", "a.avifs"],
    ImageFormat.TIFF: ["a.tif", "a.tiff"],
    ImageFormat.BMP: ["a.bmp", "a.dib"],
    ImageFormat.ICO: ["a.ico"],
    ImageFormat.HEIC: ["a.heic", "IMG_0001.HEIC", "a.heif", "a.hif"],
}
SILENT_NAMES = [None, "", "jpg", "photo", "photo.", "a.jpg.bak", "a.heics", "a.txt", "a.jpgx", "image.j\u0440g"]

silent_types, silent_names = st.sampled_from(MISSING), st.sampled_from(SILENT_NAMES)
forms = st.sampled_from(ImageFormat)


def _types_of(form: ImageFormat) -> st.SearchStrategy[str | None]:
    return st.sampled_from(TYPES[form]) | silent_types


def _names_of(form: ImageFormat) -> st.SearchStrategy[str | None]:
    return st.sampled_from(NAMES[form]) | silent_names


@given(forms, st.data())
def test_a_file_that_is_what_it_was_declared_to_be_is_taken(form: ImageFormat, data: st.DataObject) -> None:
    said, name = data.draw(_types_of(form)), data.draw(_names_of(form))
    assert check_declared(SAMPLES[form][:SNIFF_BYTES], said, name, EVERY) is form
    assert declared_format(said, name) in {None, form}


@given(forms, forms, st.data())
def test_a_content_type_that_disagrees_is_a_mismatch(real: ImageFormat, said: ImageFormat, data: st.DataObject) -> None:
    if real is said:
        return
    declared, name = data.draw(st.sampled_from(TYPES[said])), data.draw(_names_of(real) | _names_of(said))
    with pytest.raises(TypeMismatch, match=real.value.upper()):
        check_declared(SAMPLES[real], declared, name, EVERY)
    assert declared_format(declared, name) is said


@given(forms, forms, st.data())
def test_an_extension_that_disagrees_is_a_mismatch(real: ImageFormat, said: ImageFormat, data: st.DataObject) -> None:
    if real is said:
        return
    declared, name = data.draw(_types_of(real)), data.draw(st.sampled_from(NAMES[said]))
    with pytest.raises(TypeMismatch, match=real.value.upper()):
        check_declared(SAMPLES[real], declared, name, EVERY)


@pytest.mark.parametrize(
    "declared", ["image/heic", "image/svg+xml", "application/pdf", "text/html", "video/mp4", "jpeg"]
)
def test_a_type_that_is_not_read_here_disagrees_with_every_picture(declared: str) -> None:
    with pytest.raises(TypeMismatch):
        check_declared(SAMPLES[ImageFormat.JPEG], declared, "a.jpg")


@given(silent_types, silent_names)
def test_what_declares_nothing_declares_nothing(declared: str | None, name: str | None) -> None:
    assert declared_format(declared, name) is None


@pytest.mark.parametrize("name", [name for name in FOREIGN if name != "nothing"])
@pytest.mark.parametrize("declared", ["image/jpeg", None])
def test_what_is_no_picture_is_unsupported_whatever_it_is_called(name: str, declared: str | None) -> None:
    with pytest.raises(UnsupportedMediaType):
        check_declared(FOREIGN[name], declared, "a.jpg")


@pytest.mark.parametrize("declared", ["image/jpeg", None])
def test_an_empty_file_is_malformed(declared: str | None) -> None:
    with pytest.raises(Malformed):
        check_declared(b"", declared, "a.jpg")


@pytest.mark.parametrize("form", ImageFormat)
def test_every_format_has_a_media_type_that_declares_it(form: ImageFormat) -> None:
    assert declared_format(form.media_type, None) is form


# limits --------------------------------------------------------------------------------------------------------------


def _header(width: int, height: int, frames: int = 1, **more: Any) -> Header:
    plain = Header(
        format=ImageFormat.PNG,
        width=width,
        height=height,
        frames=frames,
        largest_pixels=width * height,
        longest_side=max(width, height),
    )
    return msgspec.structs.replace(plain, **more)


@pytest.mark.parametrize(
    "header",
    [
        _header(1, 1),
        _header(10_000, 5_000),
        _header(MAX_SIDE, 3_000),
        _header(3_000, MAX_SIDE),
        _header(100, 100, MAX_FRAMES),
        _header(10_000, 5_000, 4),
    ],
)
def test_a_picture_just_within_the_limits_is_taken(header: Header) -> None:
    check_limits(header)


@pytest.mark.parametrize(
    ("header", "limit", "actual"),
    [
        (_header(10_000, 5_001), MAX_PIXELS, 50_010_000),
        (_header(50_000, 50_000), MAX_PIXELS, 2_500_000_000),
        (_header(2**31, 2**31), MAX_PIXELS, 2**62),
        (_header(MAX_SIDE + 1, 1), MAX_SIDE, MAX_SIDE + 1),
        (_header(1, 65_535), MAX_SIDE, 65_535),
        (_header(10_000, 5_000, 5), MAX_FRAME_PIXELS, 250_000_000),
        (_header(1_000, 1_000, 201), MAX_FRAME_PIXELS, 201_000_000),
        (_header(10, 10, largest_pixels=MAX_PIXELS + 1), MAX_PIXELS, MAX_PIXELS + 1),
        (_header(10, 10, longest_side=MAX_SIDE + 1), MAX_SIDE, MAX_SIDE + 1),
    ],
)
def test_a_picture_of_too_many_pixels_is_refused_with_the_numbers(header: Header, limit: int, actual: int) -> None:
    with pytest.raises(PixelLimit) as raised:
        check_limits(header)
    assert raised.value.facts == {"limit": limit, "actual": actual}


def test_an_animation_of_too_many_frames_is_refused_with_the_numbers() -> None:
    with pytest.raises(FrameLimit) as raised:
        check_limits(_header(1, 1, MAX_FRAMES + 1))
    assert raised.value.facts == {"limit": MAX_FRAMES, "actual": MAX_FRAMES + 1}


@given(st.integers(1, 2**32), st.integers(1, 2**32), st.integers(1, 2**32))
def test_what_is_taken_is_within_every_limit(width: int, height: int, frames: int) -> None:
    header = _header(width, height, frames)
    try:
        check_limits(header)
    except (PixelLimit, FrameLimit) as refused:
        assert refused.facts["actual"] > refused.facts["limit"]  # noqa: PT017 - both branches say something
    else:
        assert width * height <= MAX_PIXELS
        assert max(width, height) <= MAX_SIDE
        assert frames <= MAX_FRAMES
        assert frames * width * height <= MAX_FRAME_PIXELS


@pytest.mark.parametrize(
    ("form", "frames", "animated"),
    [(ImageFormat.GIF, 2, True), (ImageFormat.GIF, 1, False), (ImageFormat.TIFF, 2, False), (ImageFormat.PNG, 3, True)],
)
def test_pages_are_no_animation(form: ImageFormat, frames: int, animated: bool) -> None:
    assert _header(1, 1, frames, format=form).is_animated is animated


UNREAD = {
    "HEIC": [
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"\0\0\0\x18ftypmif1\0\0\0\0mif1heix",
    ],
    "HEIC of more than one picture": [b"\0\0\0\x14ftyphevc\0\0\0\0msf1"],
    "HEIF": [b"\0\0\0\x14ftypmif1\0\0\0\0miaf"],
    "JPEG XL": [b"\xff\x0a\xfa\x7f", b"\0\0\0\x0cJXL \r\n\x87\n"],
    "JPEG 2000": [b"\0\0\0\x0cjP  \r\n\x87\n"],
    "PDF": [b"%PDF-1.7\n"],
    "SVG": [b"<svg xmlns=", b"\xef\xbb\xbf <?xml version='1.0'?>\n<!-- a --><SVG>"],
    "a video": [b"\0\0\0\x18ftypisom\0\0\0\0isommp42", b"\x1a\x45\xdf\xa3\x01"],
}


@pytest.mark.parametrize(("name", "head"), [(name, head) for name, heads in UNREAD.items() for head in heads])
def test_a_format_that_people_send_and_that_is_not_read_is_refused_by_its_name(name: str, head: bytes) -> None:
    body = head + bytes(300)
    for refuse in (lambda: check_declared(body[:256], None, None), lambda: measure(BytesIO(body), len(body))):
        with pytest.raises(UnsupportedMediaType) as raised:
            refuse()
        assert raised.value.detail.startswith(f"the file is {name}, which is not read here; send it as one of JPEG")


@given(st.binary(max_size=300))
def test_whatever_else_comes_is_refused_without_a_word_of_its_own(body: bytes) -> None:
    name = name_of(body)
    assert name is None or name.isascii()
