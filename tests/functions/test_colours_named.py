"""Colours that are named are sRGB, whatever the picture's own are; and a profile goes with pixels that it is for."""

import io

import pytest
from PIL import Image, ImageCms

from contracts.compact import parse
from contracts.formats import ImageFormat
from contracts.outputs import OutputFormat
from functions.transform.making import Made
from functions.transform.pipeline import render
from tests.support import pictures

BRICK = (0xD2, 0x41, 0x41)
"""Within every space: what lies beyond one is cut to it, and would look like nothing was wrong."""
LINEAR = pictures.gray_profile(1.0)
GRAY = pictures.encoded(Image.new("L", (60, 40), 128), "png", icc_profile=LINEAR)
CLEAR = Image.new("LA", (60, 40), (128, 255))
CLEAR.paste((128, 0), (30, 0, 60, 40))
LIT = 188
"""128 of light, as sRGB has it."""
WIDE = {
    name: pictures.encoded(Image.new("RGB", (60, 40), (90, 120, 150)), "png", icc_profile=pictures.rgb_profile(name))
    for name in ("Display P3", "Adobe RGB (1998)")
}
COLOURING = [
    "tint:ff0000",
    "sepia",
    "duo:000000:ff0000",
    "pd:5:5:5:5",
    "pd:5:5:5:5/bg:ff0000",
    "rs:contain:60:60/bg:blur",
    "ra:10",
    "ro:30",
    "tx:Hi",
]


def made(data: bytes, line: str) -> Made:
    (outcome,) = render(data, parse(f"a={line}"), 2, form=ImageFormat.PNG).outcomes
    assert isinstance(outcome, Made), outcome
    return outcome


def seen(body: bytes, place: tuple[int, int]) -> tuple[int, ...]:
    """A pixel as it is shown, in sRGB."""
    picture = pictures.opened(body)
    profile = picture.info.get("icc_profile")
    if profile is not None:
        opened, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        picture = ImageCms.profileToProfile(picture, opened, srgb, outputMode="RGB")
    return picture.convert("RGB").getpixel(place)


def is_like(found: tuple[int, ...], expected: tuple[int, ...], within: int = 4) -> bool:
    return all(abs(one - other) <= within for one, other in zip(found, expected, strict=True))


def profile_space(body: bytes) -> str | None:
    profile = pictures.opened(body).info.get("icc_profile")
    return None if profile is None else ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip()


@pytest.mark.parametrize("form", [form for form in OutputFormat if form is not OutputFormat.GIF])
@pytest.mark.parametrize("line", [*COLOURING, "gray", "bl:3", "br:0.5"])
def test_a_file_has_no_profile_that_is_not_for_its_pixels(line: str, form: OutputFormat) -> None:
    """Readers refuse or ignore such a pair: libpng a gray profile beside colours, and the other way about."""
    for data in (GRAY, *WIDE.values()):
        file = made(data, f"{line}/cs:keep/f:{form}")
        mode = pictures.opened(file.body).mode
        assert profile_space(file.body) in (None, "GRAY" if mode in ("L", "LA") else "RGB")


@pytest.mark.parametrize("line", ["pd:5:5:5:5", "ra:1", "pd:5:5:5:5/bg:ff0000", "tx:Hi"])
def test_gray_is_as_light_as_it_was_where_colours_come_to_it(line: str) -> None:
    file = made(GRAY, f"{line}/cs:keep/f:png")
    assert is_like(seen(file.body, (20, 20)), (LIT, LIT, LIT))
    assert file.warnings == ("colour-not-kept",)


@pytest.mark.parametrize("width", [60, 40])
@pytest.mark.parametrize("space", ["srgb", "keep", "p3"])
def test_gray_with_alpha_is_converted_through_its_profile(space: str, width: int) -> None:
    data = pictures.encoded(CLEAR, "png", icc_profile=LINEAR)
    file = made(data, f"rs::{width}/cs:{space}/f:png")
    assert is_like(seen(file.body, (10, 10)), (LIT, LIT, LIT))
    picture = pictures.opened(file.body).convert("RGBA")
    assert (picture.getpixel((10, 10))[3], picture.getpixel((width - 5, 10))[3]) == (255, 0)
    assert file.warnings == (("colour-not-kept",) if space == "keep" else ())


@pytest.mark.parametrize("data", WIDE.values(), ids=WIDE)
@pytest.mark.parametrize("space", ["srgb", "keep", "p3"])
@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("pd:9:9:9:9/bg:d24141/f:webp/ll", (2, 2)),
        ("rs:contain:60:60/bg:d24141/f:png", (2, 2)),
        ("ro:45/bg:d24141/f:tiff", (1, 1)),
        ("ra:max/bg:d24141/f:jpeg/q:100", (1, 1)),
        ("duo:d24141:d24141/f:png", (30, 20)),
        ("tx:%E2%96%88%E2%96%88:center:100:100::::d24141/f:png", (15, 20)),
    ],
)
def test_a_named_colour_looks_the_same_whatever_the_colours_of_the_file(
    line: str, place: tuple[int, int], space: str, data: bytes
) -> None:
    file = made(data, f"{line}/cs:{space}")
    assert is_like(seen(file.body, place), BRICK, 8)


def test_what_has_lost_its_colours_is_the_same_gray_without_a_profile() -> None:
    data = pictures.encoded(Image.new("RGB", (9, 9), (77, 77, 77)), "png", icc_profile=pictures.rgb_profile("sRGB"))
    for space in ("srgb", "keep", "p3"):
        file = made(data, f"gray/cs:{space}/f:png")
        assert (pictures.opened(file.body).mode, profile_space(file.body)) == ("L", None)
        assert is_like(seen(file.body, (4, 4)), (77, 77, 77), 1)
