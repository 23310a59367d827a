"""HEIC by its boxes: the size is never below what is decoded, and what is not HEVC is not let near a decoder."""

import contextlib
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.errors import ImageCorrupt, PixelLimit, Rejected, UnsupportedMediaType
from contracts.formats import SNIFF_BYTES, Header, ImageFormat, check_declared, check_limits, measure, sniff
from contracts.headers.heic import check_coded
from contracts.headers.hevc import announced
from contracts.headers.reader import Reader
from tests.support import heics, pictures

EVERY = frozenset(ImageFormat)
SIZES = {
    "turned": (80, 120),
    "mirrored": (80, 120),
    "grid": (300, 200),
    "grid of odd sides": (301, 203),
    "odd sides": (97, 63),
    "thumbnail": (200, 160),
}
"""Before rotation; all others have 96 x 64."""


def measured(data: bytes) -> Header:
    return measure(io.BytesIO(data), len(data), EVERY)


@pytest.mark.parametrize("name", heics.everything())
def test_the_size_is_the_primary_pictures_before_rotation(name: str) -> None:
    data = heics.everything()[name]
    header = measured(data)
    assert (header.format, header.frames) == (ImageFormat.HEIC, 1)
    assert (header.width, header.height) == SIZES.get(name, (96, 64))
    check_limits(header)
    check_coded(Reader(io.BytesIO(data), len(data)))


def test_other_pictures_of_the_file_count_for_the_limits_alone() -> None:
    header = measured(heics.everything()["two pictures"])
    assert (header.width, header.height, header.longest_side) == (96, 64, 200)
    assert header.largest_pixels == 200 * 104, "as it is coded: in whole blocks"


REFUSED = {
    "uncompressed": (UnsupportedMediaType, "uncompressed pictures"),
    "AV1": (UnsupportedMediaType, "AV1"),
    "overlay": (UnsupportedMediaType, "laid over each other"),
    "derived": (UnsupportedMediaType, "a derived picture"),
    "unheard of": (UnsupportedMediaType, "an unknown kind"),
    "tracks": (UnsupportedMediaType, "moving picture"),
    "described twice": (ImageCorrupt, "twice"),
    "grid smaller than its own word": (ImageCorrupt, "contradicts itself"),
    "deeper than coded": (ImageCorrupt, "contradicts itself"),
    "alpha of another size": (ImageCorrupt, "different depths or sizes"),
    "no configuration": (ImageCorrupt, "no configuration"),
    "no size": (ImageCorrupt, "no size"),
    "no items": (ImageCorrupt, "not there"),
    "no places": (ImageCorrupt, "not there"),
    "a media type that is no text": (ImageCorrupt, "no text"),
    "a tile is a grid": (ImageCorrupt, "grid"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_lies_or_holds_anything_else_is_refused_by_its_header(name: str) -> None:
    refusal, words = REFUSED[name]
    with pytest.raises(refusal, match=words):
        measured(heics.lies()[name])


def test_a_size_below_the_coded_one_does_not_lower_what_the_limits_see() -> None:
    header = measured(heics.lies()["smaller than coded"])
    assert (header.width, header.height, header.largest_pixels) == (16, 16, 96 * 64)


def test_a_size_above_the_limit_is_refused_with_the_numbers() -> None:
    with pytest.raises(PixelLimit):
        check_limits(measured(heics.with_size(heics.everything()["plain"], (60_000, 60_000))))


@pytest.mark.parametrize(("name", "words"), [("parameters among samples", "its own size"), ("a film", "a sequence")])
def test_what_is_coded_is_looked_through_before_decoding(name: str, words: str) -> None:
    """Other parameters would replace those that were measured; more pictures would all be decoded."""
    data = heics.lies()[name]
    measured(data)
    with pytest.raises(ImageCorrupt, match=words):
        check_coded(Reader(io.BytesIO(data), len(data)))


def test_a_gray_picture_may_have_an_alpha_of_its_size() -> None:
    assert measured(heics.gray_with_alpha((96, 64), (96, 64))).width == 96


def test_a_grid_costs_what_all_of_its_tiles_cost() -> None:
    """Its own size says nothing of that: each tile may be decoded from a picture as large as one may be."""
    small = heics.made((40, 30), (20, 30), tiles=2, coded=(24, 32))
    assert (measured(small).width, measured(small).largest_pixels) == (40, 1_200)
    many = heics.made((40, 30), (1, 1), tiles=200, coded=(2_048, 1_024))
    with pytest.raises(PixelLimit, match="all tiles together have 419430400 pixels"):
        measured(many)


@pytest.mark.parametrize("size", [(96, 64), (97, 63), (640, 480)])
def test_a_configuration_announces_the_coded_size(size: tuple[int, int]) -> None:
    data = heics.heic(pictures.corners(*size))
    at = data.index(b"hvcC")
    record = data[at + 4 : at - 4 + int.from_bytes(data[at - 4 : at])]
    [found] = announced(record)
    assert size[0] <= found.width < size[0] + 16
    assert size[1] <= found.height < size[1] + 16
    assert (found.chroma, found.depth, found.chroma_depth) == (1, 8, 8)


@given(st.binary(max_size=80))
def test_whatever_a_configuration_holds_it_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ImageCorrupt):
        found = announced(b"\1" * 22 + b"\1\xa1\0\1\0" + bytes([len(data)]) + data)
        assert all(min(each.width, each.height) >= 0 for each in found)


@pytest.mark.parametrize("name", ["plain", "grid", "alpha", "turned"])
def test_a_file_cut_at_any_byte_is_whole_enough_or_refused(name: str) -> None:
    data = heics.everything()[name]
    whole = measured(data)
    for cut in range(0, len(data), 3):
        with contextlib.suppress(Rejected):
            part = measured(data[:cut])
            assert (part.width, part.height) == (whole.width, whole.height)


def test_it_is_known_by_its_brands_wherever_they_stand() -> None:
    plain = heics.everything()["plain"]
    assert sniff(plain[:SNIFF_BYTES]) is ImageFormat.HEIC
    general = heics.replaced(plain, b"ftypheic", b"ftypmif1")
    assert sniff(general[:SNIFF_BYTES]) is ImageFormat.HEIC
    assert measured(general) == measured(plain)
    assert sniff(heics.replaced(plain, b"heic", b"hevc", -1)[:SNIFF_BYTES]) is None


@pytest.mark.parametrize("said", ["image/heic", "image/heif", None])
def test_by_default_it_is_refused_by_its_name_and_the_operator_is_told_what_to_do(said: str | None) -> None:
    data = heics.everything()["plain"]
    for refuse in (
        lambda: check_declared(data[:SNIFF_BYTES], said, "IMG_0001.HEIC"),
        lambda: measure(io.BytesIO(data), len(data)),
    ):
        with pytest.raises(UnsupportedMediaType, match=r"the file is HEIC, which is not read here; .* formats\.heic"):
            refuse()
    assert check_declared(data[:SNIFF_BYTES], said, "IMG_0001.HEIC", EVERY) is ImageFormat.HEIC


@given(
    st.sampled_from(sorted(heics.everything())),
    st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 255)), max_size=6),
)
@example("grid", [])
def test_changed_bytes_are_measured_within_their_budget_or_refused(name: str, changes: list[tuple[int, int]]) -> None:
    data = bytearray(heics.everything()[name])
    for at, value in changes:
        data[at % len(data)] = value
    with contextlib.suppress(Rejected):
        header = measure(io.BytesIO(data), len(data), EVERY)
        assert 1 <= header.width * header.height <= max(header.largest_pixels, 1)
        check_coded(Reader(io.BytesIO(data), len(data)))
