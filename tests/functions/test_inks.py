"""Inks that nobody described are those of a press that was measured; whoever describes theirs is believed."""

import io
import struct

import pytest
from PIL import Image, ImageCms

from benchmarks.conformance.pictures import ycck
from benchmarks.conformance.profiles import ink_in_srgb, ink_profile, lab_in_srgb
from benchmarks.inks.measured import ALL_INK, NO_INK, Patch, patches
from contracts.formats import ImageFormat
from contracts.framing import Resize
from contracts.outputs import ColorSpace, Output, OutputFormat
from contracts.variants import Variant
from functions.transform.making import Made
from functions.transform.pipeline import render
from functions.transform.steps.press import press_profile
from tests.support import pictures

ASSUMED = "inks-assumed-fogra39"
WITHIN = 6
"""Levels: a table of 8 bits for four inks, and a rounding on either side."""
IN_THE_DARK = 8
"""Levels near black, where a level is least light and a table of 17 steps is coarsest."""
NAMED = [patch for patch in patches().values() if all(float(5 * amount).is_integer() for amount in patch.amounts)]
"""Whose amounts are multiples of a fifth, and so of 51 levels: no rounding stands between them and a file."""


def made(data: bytes, form: ImageFormat, resize: Resize | None = None, **options) -> Made:
    output = Output(**{"format": OutputFormat.PNG} | options)
    (outcome,) = render(data, [Variant(name="one", resize=resize, output=output)], form=form).outcomes
    assert isinstance(outcome, Made)
    return outcome


def strip(of: list[Patch]) -> Image.Image:
    """A pixel of each patch."""
    return Image.frombytes("CMYK", (len(of), 1), bytes(round(255 * amount) for patch in of for amount in patch.amounts))


def full(*inks: int) -> Image.Image:
    return Image.new("CMYK", (64, 48), tuple(255 * ink for ink in inks))


def without_adobe(data: bytes) -> bytes:
    """A JPEG without the marker that says who wrote it."""
    at = data.index(b"Adobe") - 4
    return data[:at] + data[at + 2 + struct.unpack_from(">H", data, at + 2)[0] :]


def off(found: tuple[int, ...], wanted: tuple[int, ...]) -> int:
    return max(abs(one - other) for one, other in zip(found, wanted, strict=True))


def test_every_patch_looks_as_it_was_measured():
    assert len(NAMED) == 316
    file = made(pictures.encoded(strip(NAMED), "tiff"), ImageFormat.TIFF)
    image = pictures.opened(file.body)
    seen = [(patch.amounts, image.getpixel((x, 0)), lab_in_srgb(patch.shown)) for x, patch in enumerate(NAMED)]
    assert [each for each in seen if off(each[1], each[2]) > (WITHIN if min(each[2]) > 7 else IN_THE_DARK)] == []
    assert file.warnings == (ASSUMED,)


@pytest.mark.parametrize(
    ("inks", "seen"),
    [
        ((0, 0, 0, 0), (255, 255, 255)),
        ((1, 1, 1, 1), (0, 0, 0)),
        ((0, 0, 0, 1), (31, 30, 29)),
        ((1, 0, 0, 0), (0, 159, 227)),
        ((0, 1, 0, 0), (230, 0, 126)),
        ((0, 0, 1, 0), (255, 237, 0)),
        ((0, 1, 1, 0), (227, 9, 21)),
    ],
)
def test_full_inks_are_those_of_offset_on_coated_paper(inks, seen):
    """However they are written: as they are, inverted, or as brightness and differences; with a marker or without."""
    plain = pictures.encoded(full(*inks), "jpeg", quality=100, subsampling=0)
    for data, form in (
        (plain, ImageFormat.JPEG),
        (without_adobe(plain), ImageFormat.JPEG),
        (ycck(full(*inks)), ImageFormat.JPEG),
        (pictures.encoded(full(*inks), "tiff"), ImageFormat.TIFF),
        (pictures.encoded(full(*inks), "tiff", compression="tiff_lzw"), ImageFormat.TIFF),
    ):
        for resize in (None, Resize(width=20), Resize(width=20, linear=True)):
            file = made(data, form, resize)
            assert off(pictures.opened(file.body).getpixel((5, 5)), seen) <= WITHIN
            assert file.warnings == (ASSUMED,)


def test_more_black_is_darker_and_stays_neutral():
    ramp = Image.frombytes("CMYK", (256, 1), bytes(v for level in range(256) for v in (0, 0, 0, level)))
    image = pictures.opened(made(pictures.encoded(ramp, "tiff"), ImageFormat.TIFF).body)
    colours = [image.getpixel((x, 0)) for x in range(256)]
    greens = [colour[1] for colour in colours]
    assert greens == sorted(greens, reverse=True)
    assert max(max(colour) - min(colour) for colour in colours) <= 4


def test_inks_that_are_described_are_what_their_profile_says():
    strange = ((0.9, 0.1, 0.1), (0.1, 0.9, 0.1), (0.1, 0.1, 0.9), (0.5, 0.5, 0.5))
    data = pictures.encoded(full(1, 0, 0, 0), "tiff", icc_profile=ink_profile(strange))
    file = made(data, ImageFormat.TIFF)
    assert off(pictures.opened(file.body).getpixel((5, 5)), ink_in_srgb(strange, (1, 0, 0, 0))) <= WITHIN
    assert file.warnings == ()


@pytest.mark.parametrize("profile", [b"not a profile", pictures.rgb_profile("Display P3")], ids=["text", "for screens"])
def test_of_a_profile_that_cannot_be_used_both_is_said(profile):
    file = made(pictures.encoded(full(1, 0, 0, 0), "tiff", icc_profile=profile), ImageFormat.TIFF)
    assert off(pictures.opened(file.body).getpixel((5, 5)), (0, 159, 227)) <= WITHIN
    assert file.warnings == ("colour-profile-ignored", ASSUMED)


def test_a_wide_space_has_the_same_colour_by_other_numbers():
    data = pictures.encoded(full(0, 1, 1, 0), "tiff")
    narrow, wide = (made(data, ImageFormat.TIFF, color=space) for space in (ColorSpace.SRGB, ColorSpace.P3))
    image = pictures.opened(wide.body)
    embedded = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert (narrow.warnings, wide.warnings) == ((ASSUMED,), (ASSUMED,))
    assert embedded.profile.profile_description == "Display P3"
    assert off(image.getpixel((5, 5)), pictures.opened(narrow.body).getpixel((5, 5))) > 20
    back = ImageCms.profileToProfile(image, embedded, ImageCms.createProfile("sRGB"))
    assert off(back.getpixel((5, 5)), (227, 9, 21)) <= WITHIN


@pytest.mark.parametrize("linear", [False, True])
def test_inks_are_never_kept(linear):
    file = made(
        pictures.encoded(full(0, 1, 0, 0), "tiff"),
        ImageFormat.TIFF,
        Resize(width=20, linear=linear),
        color=ColorSpace.KEEP,
    )
    assert (pictures.opened(file.body).mode, set(file.warnings)) == ("RGB", {ASSUMED, "colour-not-kept"})


def test_the_profile_holds_what_was_measured():
    """Its table at the corners, where every amount is none or full; and nothing but that table."""
    profile = press_profile()
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
    assert (opened.device_class, opened.xcolor_space.strip(), opened.connection_space.strip()) == (
        "scnr",
        "CMYK",
        "Lab",
    )
    tags = {
        name: (at, size)
        for name, at, size in (struct.unpack_from(">4sII", profile, 132 + 12 * index) for index in range(6))
    }
    assert set(tags) == {b"desc", b"cprt", b"wtpt", b"A2B0", b"A2B1", b"A2B2"}
    assert tags[b"A2B0"] == tags[b"A2B1"] == tags[b"A2B2"]
    at, side = tags[b"A2B0"][0], 9
    assert profile[at + 8 : at + 11] == bytes((4, 3, side))
    cells = at + 52 + 4 * 4
    corners = [patch for patch in patches().values() if set(patch.amounts) <= {0, 1}]
    assert len(corners) == 16
    for patch in corners:
        cyan, magenta, yellow, black = (round(amount) * (side - 1) for amount in patch.amounts)
        index = ((cyan * side + magenta) * side + yellow) * side + black
        lightness, a, b = struct.unpack_from(">3H", profile, cells + 6 * index)
        lab = (lightness / 652.8, a / 256 - 128, b / 256 - 128)
        assert max(abs(one - other) for one, other in zip(lab, patch.relative, strict=True)) < 0.01


def test_the_measurements_are_read_as_they_stand():
    """Single lines of the file, and what follows from them by definition."""
    found = patches()
    assert len(found) == 1588
    assert found[NO_INK].absolute == (95.0, 0.0, -2.0)
    assert found[(1, 0, 1, 0.1)].absolute == (46.87, -61.12, 25.46)
    assert found[(0, 0, 0, 1)].absolute == (16.0, 0.0, 0.0)  # printed twice
    assert [round(value, 9) for value in found[NO_INK].relative] == [100, 0, 0]
    assert [round(value, 9) for value in found[NO_INK].shown] == [100, 0, 0]
    assert abs(found[ALL_INK].shown[0]) < 1e-9
