"""Headers that lie, loop and lead on: each is refused by name, after bounded work."""

import io

import pytest

from contracts.errors import FrameLimit, ImageCorrupt, PixelLimit, UnsupportedMediaType
from contracts.formats import Header, ImageFormat, check_limits, measure
from contracts.limits import MAX_FRAMES
from tests.support.headers import (
    BOMBS,
    CORRUPT,
    ENDLESS,
    JPEG_SCAN,
    PNG_DATA,
    TOO_MANY_FRAMES,
    UNSUPPORTED,
    avif_file,
    avif_meta,
    avif_track,
    bmp_file,
    endless,
    gif_file,
    gif_frame,
    jpeg_file,
    jpeg_frame,
    png_file,
    tiff_file,
    webp_file,
    webp_frame,
    webp_lossless,
)
from tests.support.pictures import encoded, photo


def _measured(data: bytes) -> Header:
    return measure(io.BytesIO(data), len(data))


def _as_we_say(data: bytes) -> tuple[ImageFormat, int, int, int]:
    header = _measured(data)
    return header.format, header.width, header.height, header.frames


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_seen_in_its_header(name: str) -> None:
    with pytest.raises(PixelLimit) as raised:
        check_limits(_measured(BOMBS[name]))
    assert raised.value.facts["actual"] > raised.value.facts["limit"]


@pytest.mark.parametrize("name", TOO_MANY_FRAMES)
def test_too_many_frames_are_seen_in_the_header(name: str) -> None:
    with pytest.raises(FrameLimit) as raised:
        check_limits(_measured(TOO_MANY_FRAMES[name]))
    assert raised.value.facts["actual"] > raised.value.facts["limit"] == MAX_FRAMES


@pytest.mark.parametrize("name", CORRUPT)
def test_a_broken_header_is_named(name: str) -> None:
    with pytest.raises(ImageCorrupt):
        _measured(CORRUPT[name])


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_no_decoder_here_reads_is_unsupported(name: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        _measured(UNSUPPORTED[name])


@pytest.mark.parametrize("data", [b"", b"\xff", b"just text", b"BM", b"RIFF\0\0\0\0WAVE"])
def test_what_is_no_picture_is_not_measured(data: bytes) -> None:
    with pytest.raises(UnsupportedMediaType):
        _measured(data)


def test_the_builders_of_these_files_build_good_ones_too() -> None:
    """A refusal proves nothing if the same builder could not have made a file that is taken."""
    assert _as_we_say(jpeg_file(jpeg_frame(8, 9), JPEG_SCAN)) == (ImageFormat.JPEG, 8, 9, 1)
    assert _as_we_say(png_file(PNG_DATA, width=8, height=9)) == (ImageFormat.PNG, 8, 9, 1)
    assert _as_we_say(gif_file(gif_frame(8, 9))) == (ImageFormat.GIF, 8, 9, 1)
    assert _as_we_say(webp_file(webp_lossless(8, 9), canvas=(8, 9), flags=0)) == (ImageFormat.WEBP, 8, 9, 1)
    assert _as_we_say(webp_file(webp_frame(6, 8, x=2), canvas=(8, 9))) == (ImageFormat.WEBP, 8, 9, 1)
    assert _as_we_say(avif_file(avif_meta((8, 9)))) == (ImageFormat.AVIF, 8, 9, 1)
    assert _as_we_say(avif_file(avif_track(8, 9, 3), major=b"avis", brands=b"avis")) == (ImageFormat.AVIF, 8, 9, 3)
    assert _as_we_say(tiff_file("<", [(8, 9), (3, 3)])) == (ImageFormat.TIFF, 8, 9, 2)
    assert _as_we_say(bmp_file(8, -9)) == (ImageFormat.BMP, 8, 9, 1)


def test_a_sequence_and_an_item_in_one_file_are_chosen_between_as_libavif_does() -> None:
    both = (avif_meta((8, 9)), avif_track(4, 5, 3))
    assert _as_we_say(avif_file(*both, major=b"avif", brands=b"avifavis")) == (ImageFormat.AVIF, 8, 9, 1)
    assert _as_we_say(avif_file(*both, major=b"avis", brands=b"avifavis")) == (ImageFormat.AVIF, 4, 5, 3)
    assert _as_we_say(avif_file(*both, major=b"mif1", brands=b"avifavis")) == (ImageFormat.AVIF, 4, 5, 3)


# bounded work --------------------------------------------------------------------------------------------------------


class _Counted(io.BytesIO):
    """A file that counts how often and how much it is read."""

    reads = 0
    bytes_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self.reads += 1
        self.bytes_read += len(piece)
        return piece


@pytest.mark.parametrize("name", ENDLESS)
def test_the_largest_file_is_given_up_after_bounded_work(name: str) -> None:
    data = endless(name)
    file = _Counted(data)
    with pytest.raises(ImageCorrupt):
        measure(file, len(data))
    assert file.reads <= 1_000
    assert file.bytes_read <= 2 * len(data)


@pytest.mark.parametrize("form", ImageFormat)
def test_a_large_good_file_is_hardly_read(form: ImageFormat) -> None:
    written = encoded(
        photo(250, 200).convert("RGBA" if form is ImageFormat.ICO else "P" if form is ImageFormat.GIF else "RGB"), form
    )
    file = _Counted(written + b"\0" * (4 * 1024 * 1024))
    measure(file, len(written), frozenset(ImageFormat))
    assert file.bytes_read <= len(written) + 64 * 1024
    assert file.reads <= 8
