"""The header parsers against Pillow, which decodes what they only measure; and against files that nobody would make.

Whatever the bytes: an answer or one of two named errors, after bounded work.
"""

import io
import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from contracts.errors import FrameLimit, ImageCorrupt, PixelLimit, UnsupportedMediaType
from contracts.formats import Header, ImageFormat, check_limits, measure
from tests.support.headers import avif_file, avif_meta, tiff_file
from tests.support.pictures import (
    animated,
    cmyk_jpeg,
    encoded,
    exif_block,
    gif_frames,
    jpeg_with_exif,
    opened,
    sample,
)

MODES = {
    ImageFormat.JPEG: ["L", "RGB", "CMYK"],
    ImageFormat.PNG: ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    ImageFormat.WEBP: ["RGB", "RGBA", "L"],
    ImageFormat.GIF: ["1", "L", "P", "RGB", "RGBA"],
    ImageFormat.AVIF: ["L", "RGB", "RGBA"],
    ImageFormat.TIFF: ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"],
    ImageFormat.BMP: ["1", "L", "P", "RGB", "RGBA"],
    ImageFormat.ICO: ["RGBA", "RGB", "L"],
    ImageFormat.HEIC: ["RGB", "RGBA", "L", "LA"],
}
OPTIONS: dict[ImageFormat, list[dict[str, Any]]] = {
    ImageFormat.JPEG: [{}, {"progressive": True}, {"optimize": True, "quality": 30}, {"icc_profile": b"p" * 200_000}],
    ImageFormat.PNG: [{}, {"optimize": True}, {"icc_profile": b"p" * 70_000}, {"dpi": (300, 300)}],
    ImageFormat.WEBP: [
        {},
        {"lossless": True},
        {"exif": exif_block()},
        {"icc_profile": b"p" * 99},
    ],
    ImageFormat.GIF: [{}, {"comment": b"c" * 700}, {"interlace": 0}],
    ImageFormat.AVIF: [{"speed": 10}, {"speed": 10, "quality": 100}, {"speed": 10, "exif": exif_block()}],
    ImageFormat.TIFF: [{}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}],
    ImageFormat.BMP: [{}, {"dpi": (300, 300)}],
    ImageFormat.ICO: [{}, {"bitmap_format": "bmp"}],
    ImageFormat.HEIC: [
        {},
        {"tile_size": 64},
        {"icc_profile": b"p" * 99},
        {"exif": exif_block(1)},
    ],
}
ANIMATED = [ImageFormat.GIF, ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.AVIF]


def _measured(data: bytes) -> Header:
    return measure(io.BytesIO(data), len(data), frozenset(ImageFormat))


def _as_pillow_says(data: bytes) -> tuple[ImageFormat, int, int, int]:
    with Image.open(io.BytesIO(data)) as picture:
        form = (picture.format or "").lower()
        return ImageFormat({"heif": "heic"}.get(form, form)), *picture.size, getattr(picture, "n_frames", 1)


def _as_we_say(data: bytes) -> tuple[ImageFormat, int, int, int]:
    header = _measured(data)
    assert header.largest_pixels >= header.width * header.height
    assert header.longest_side >= max(header.width, header.height)
    return header.format, header.width, header.height, header.frames


# against Pillow ------------------------------------------------------------------------------------------------------


@given(st.sampled_from(ImageFormat), st.integers(1, 90), st.integers(1, 90), st.data())
def test_size_and_format_are_what_pillow_says(form: ImageFormat, width: int, height: int, data: st.DataObject) -> None:
    mode, options = data.draw(st.sampled_from(MODES[form])), data.draw(st.sampled_from(OPTIONS[form]))
    if form is ImageFormat.ICO:
        options = options | {"sizes": [(width, height)]}
    written = encoded(Image.linear_gradient("L").resize((width, height)).convert(mode), form, **options)
    assert _as_we_say(written) == _as_pillow_says(written) == (form, width, height, 1)


@given(st.sampled_from(ANIMATED), st.integers(2, 7), st.integers(1, 40), st.integers(1, 40))
def test_frames_are_counted_as_pillow_counts_them(form: ImageFormat, frames: int, width: int, height: int) -> None:
    written = animated(form, frames, width, height)
    assert _as_we_say(written) == _as_pillow_says(written)
    assert _measured(written).is_animated


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=6))
def test_the_pages_of_a_tiff_are_counted_and_the_largest_is_known(sizes: list[tuple[int, int]]) -> None:
    pages = [Image.new("L", size) for size in sizes]
    written = encoded(pages[0], ImageFormat.TIFF, save_all=True, append_images=pages[1:])
    header = _measured(written)
    assert _as_we_say(written) == _as_pillow_says(written) == (ImageFormat.TIFF, *sizes[0], len(sizes))
    assert header.largest_pixels == max(width * height for width, height in sizes)
    assert header.longest_side == max(max(size) for size in sizes)
    assert not header.is_animated


@given(st.lists(st.integers(1, 64), min_size=1, max_size=5, unique=True), st.sampled_from(["png", "bmp"]))
def test_the_largest_picture_of_an_icon_is_the_icon(sides: list[int], inside: str) -> None:
    picture = Image.new("RGBA", (64, 64))
    written = encoded(picture, ImageFormat.ICO, sizes=[(side, side) for side in sides], bitmap_format=inside)
    assert _as_we_say(written) == _as_pillow_says(written) == (ImageFormat.ICO, max(sides), max(sides), 1)


@pytest.mark.parametrize("default_image", [False, True])
def test_a_default_image_outside_the_animation_counts_as_pillow_counts_it(default_image: bool) -> None:
    frames = [Image.new("L", (8, 8), 40 * number) for number in range(4)]
    written = encoded(frames[0], ImageFormat.PNG, save_all=True, append_images=frames[1:], default_image=default_image)
    assert _as_we_say(written) == _as_pillow_says(written) == (ImageFormat.PNG, 8, 8, 4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["H", "I"])
def test_a_tiff_of_either_byte_order_is_read(order: str, kind: str) -> None:
    written = tiff_file(order, [(31, 17)], kind=kind)
    assert _as_we_say(written) == (ImageFormat.TIFF, 31, 17, 1)
    assert _as_pillow_says(written) == (ImageFormat.TIFF, 31, 17, 1)


@pytest.mark.parametrize("written", [jpeg_with_exif(6), jpeg_with_exif(1), cmyk_jpeg(), jpeg_with_exif(None)])
def test_a_cameras_jpeg_is_measured_before_rotation(written: bytes) -> None:
    assert _as_we_say(written) == _as_pillow_says(written)


@pytest.mark.parametrize("form", ImageFormat)
def test_trailing_bytes_change_nothing(form: ImageFormat) -> None:
    """Polyglots (B48) are what their first bytes say; outputs are encoded anew in any case."""
    written = sample(form)
    # of a HEIC, two descriptions would be two truths
    twice = () if form is ImageFormat.HEIC else (written,)
    for tail in (b"PK\3\4", b"MZ" + b"\0" * 99, b"<script>alert(1)</script>", *twice):
        assert _measured(written + tail) == _measured(written)


def test_fill_bytes_and_junk_between_markers_are_stepped_over() -> None:
    written = sample(ImageFormat.JPEG)
    for filling in (b"\xff" * 9, b"junk", b"\xff\x00", b"\0" * 70_000):
        assert _measured(written[:2] + b"\xff\xfe\0\x04hi" + filling + written[2:]) == _measured(written)


def test_a_gif_without_its_trailer_is_still_a_gif() -> None:
    written = animated(ImageFormat.GIF, 3)
    assert written.endswith(b";")
    assert _measured(written[:-1]) == _measured(written)


def test_a_gif_of_blocks_of_one_byte_is_counted() -> None:
    frame = b"\x2c" + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\x02" + b"\x01\x00" * 200_000 + b"\0"
    assert _measured(gif_frames(2)[:-1] + frame + b";").frames == 3


# whatever the bytes --------------------------------------------------------------------------------------------------

FILES = [sample(form, 24, 18) for form in ImageFormat] + [animated(form, 3, 12, 9) for form in ANIMATED]
FILES += [jpeg_with_exif(6, width=24, height=18), tiff_file(">", [(8, 8)] * 3), avif_file(avif_meta((8, 8), (4, 4)))]
NAMED = (ImageCorrupt, UnsupportedMediaType)


@pytest.mark.parametrize("data", FILES, ids=[f"{number}-{_measured(data).format}" for number, data in enumerate(FILES)])
def test_a_file_cut_at_any_byte_is_measured_or_refused_by_name(data: bytes) -> None:
    whole = _measured(data)
    for cut in range(len(data)):
        with suppress(*NAMED):
            part = _measured(data[:cut])
            assert (part.format, part.width, part.height) == (whole.format, whole.width, whole.height)


@given(st.sampled_from(FILES), st.data())
def test_a_file_with_bytes_changed_is_measured_or_refused_by_name(file: bytes, data: st.DataObject) -> None:
    changed = bytearray(file)
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, min(len(file), 400) - 1))] = data.draw(st.integers(0, 255))
    with suppress(*NAMED):
        header = _measured(bytes(changed))
        assert min(header.width, header.height, header.frames) >= 1


@given(st.sampled_from([file[:16] for file in FILES]), st.binary(max_size=400))
@example(b"", b"")
def test_noise_behind_a_good_beginning_is_measured_or_refused_by_name(beginning: bytes, noise: bytes) -> None:
    with suppress(*NAMED):
        _measured(beginning + noise)


@given(st.sampled_from([file for file in FILES if len(file) < 1_200]), st.data())
def test_what_pillow_still_opens_is_never_larger_than_we_say(file: bytes, data: st.DataObject) -> None:
    """The point of reading headers: nothing hides from the limits that the decoder will then believe."""
    changed = bytearray(file)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, min(len(file), 200) - 1))] = data.draw(st.integers(0, 255))
    try:
        check_limits(header := _measured(bytes(changed)))
    except (*NAMED, PixelLimit, FrameLimit):
        return
    with suppress(Exception, Warning):
        picture = opened(bytes(changed))
        frames = getattr(picture, "n_frames", 1)
        if picture.width * picture.height > header.largest_pixels or frames > header.frames:
            pytest.fail(f"{header} hides {frames} frames of {picture.size}", pytrace=False)
