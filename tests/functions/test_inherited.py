"""What a variant carries beside its pixels: by policy, written anew, upright, and never a thumbnail."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from contracts.formats import ImageFormat
from contracts.outputs import ColorSpace, MetadataPolicy, Output, OutputFormat
from contracts.variants import Resize, Variant
from functions.transform.making import Made
from functions.transform.pipeline import render
from functions.transform.steps.display_p3 import display_p3
from functions.transform.steps.inherited import inherited_exif, inherited_xmp
from tests.support import pictures

CARRYING = [form for form in OutputFormat if form is not OutputFormat.GIF]
GPS, EXIF = 0x8825, 0x8769


def made(data: bytes, form: ImageFormat = ImageFormat.JPEG, *, resize: Resize | None = None, **output: object) -> Made:
    (only,) = render(data, [Variant(name="a", resize=resize, output=Output(**output))], 1, form=form).outcomes
    assert isinstance(only, Made), only
    return only


def exif_of(body: bytes) -> Image.Exif:
    return pictures.opened(body).getexif()


# metadata ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", CARRYING)
def test_the_notice_alone(form: OutputFormat) -> None:
    file = made(pictures.jpeg_with_exif(6), format=form, metadata=MetadataPolicy.COPYRIGHT)
    exif, owner = exif_of(file.body), pictures.MARKS["owner"].decode()
    assert (exif[0x013B], exif[0x8298]) == (owner, owner)
    assert not {0x010F, 0x0110, 0x0112, GPS, EXIF} & set(exif)
    for mark in ("serial", "gps", "xmp", "comment", "thumbnail"):
        assert pictures.MARKS[mark] not in file.body


@pytest.mark.parametrize("form", CARRYING)
def test_all_but_what_is_private(form: OutputFormat) -> None:
    file = made(pictures.jpeg_with_exif(6), format=form, metadata=MetadataPolicy.ALL_BUT_PRIVATE)
    exif = exif_of(file.body)
    taken = exif.get_ifd(EXIF)
    assert exif[0x0110] == "Model One"
    assert (taken[0x8827], taken[0x9003], float(taken[0x829D])) == (400, "2024:05:06 07:08:09", 2.8)
    assert not {0x0112, GPS} & set(exif)
    assert not {0xA430, 0xA431, 0x927C} & set(taken)
    for mark in ("serial", "gps", "xmp", "comment", "thumbnail"):
        assert pictures.MARKS[mark] not in file.body


@pytest.mark.parametrize("form", CARRYING)
def test_all_of_it_upright(form: OutputFormat) -> None:
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/>' + pictures.MARKS["xmp"] + b"</x:xmpmeta>"
    stored = pictures.stored_as(pictures.corners(120, 80), 6)
    data = pictures.encoded(stored, "jpeg", exif=pictures.exif_block(6), xmp=packet)
    file = made(data, format=form, metadata=MetadataPolicy.ALL)
    picture, exif = pictures.opened(file.body), exif_of(file.body)
    assert picture.size == (120, 80)
    assert exif.get(0x0112, 1) == 1
    assert exif.get_ifd(GPS)[2] == (48.0, 8.0, 14.0)
    assert exif.get_ifd(EXIF)[0xA431] == pictures.MARKS["serial"].decode()
    assert b'tiff:Orientation="1"' in file.body
    assert pictures.MARKS["xmp"] in file.body


@pytest.mark.parametrize("source", [ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.TIFF])
def test_whatever_the_original_is(source: ImageFormat) -> None:
    options = {"speed": 10} if source is ImageFormat.AVIF else {}
    data = pictures.encoded(pictures.corners(40, 30), source, exif=pictures.exif_block(1), **options)
    exif = exif_of(made(data, source, metadata=MetadataPolicy.ALL_BUT_PRIVATE).body)
    assert exif[0x010F] == "Darkroom Optics"
    assert exif.get_ifd(EXIF)[0x8827] == 400
    assert GPS not in exif


def test_an_embedded_thumbnail_never_comes_along() -> None:
    thumbnail = pictures.encoded(pictures.photo(40, 30), "jpeg")
    exif = pictures.exif_block(1, private=False).removeprefix(b"Exif\0\0")
    assert b"Exif" not in exif
    block = inherited_exif(exif + thumbnail, MetadataPolicy.ALL)
    assert block
    assert thumbnail[:20] not in block


@settings(max_examples=150)
@given(st.sampled_from(MetadataPolicy), st.data())
def test_broken_blocks_are_left_out(policy: MetadataPolicy, data: st.DataObject) -> None:
    block = bytearray(pictures.exif_block(6).removeprefix(b"Exif\0\0"))
    for _ in range(data.draw(st.integers(0, 12))):
        block[data.draw(st.integers(0, len(block) - 1))] = data.draw(st.integers(0, 255))
    carried = inherited_exif(bytes(block[: data.draw(st.integers(0, len(block)))]), policy)
    assert len(carried) <= 60_000
    assert inherited_exif(carried, policy) == carried  # what was written is read, and says the same
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + carried)
    assert exif.get(0x0112) is None


def test_a_packet_is_carried_under_all_alone() -> None:
    for policy in MetadataPolicy:
        assert bool(inherited_xmp(b"<x:xmpmeta/>", policy)) == (policy is MetadataPolicy.ALL)
    assert inherited_xmp(b"<tiff:Orientation>8</tiff:Orientation>", MetadataPolicy.ALL).count(b">1<") == 1


# colour --------------------------------------------------------------------------------------------------------------


def in_srgb(body: bytes) -> tuple[int, ...]:
    """The first pixel as a viewer that knows profiles shows it."""
    picture = pictures.opened(body)
    profile = picture.info.get("icc_profile")
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else ImageCms.createProfile("sRGB")
    shown = ImageCms.profileToProfile(picture.convert("RGB"), source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return shown.getpixel((5, 5))


@pytest.mark.parametrize("form", CARRYING)
@pytest.mark.parametrize("space", ["Display P3", "Adobe RGB (1998)"])
@pytest.mark.parametrize("resize", [None, Resize(width=20)])
def test_kept_colours_keep_their_profile(form: OutputFormat, space: str, resize: Resize | None) -> None:
    profile = pictures.rgb_profile(space)
    data = pictures.encoded(Image.new("RGB", (40, 30), (100, 150, 200)), "png", icc_profile=profile)
    wishes = {"lossless": True} if form is OutputFormat.WEBP else {}
    file = made(data, ImageFormat.PNG, resize=resize, format=form, color=ColorSpace.KEEP, **wishes)
    picture = pictures.opened(file.body)
    assert picture.info["icc_profile"] == profile
    assert all(abs(a - b) <= 4 for a, b in zip(picture.getpixel((5, 5)), (100, 150, 200), strict=True))
    assert file.warnings == ()


@pytest.mark.parametrize("form", CARRYING)
@pytest.mark.parametrize("space", [None, "Adobe RGB (1998)", "Display P3"])
def test_display_p3_looks_the_same(form: OutputFormat, space: str | None) -> None:
    options = {"icc_profile": pictures.rgb_profile(space)} if space else {}
    data = pictures.encoded(Image.new("RGB", (40, 30), (140, 120, 90)), "png", **options)
    plain = made(data, ImageFormat.PNG, format=OutputFormat.PNG)
    file = made(data, ImageFormat.PNG, format=form, color=ColorSpace.P3)
    assert pictures.opened(file.body).info["icc_profile"] == display_p3()
    assert all(abs(a - b) <= 5 for a, b in zip(in_srgb(file.body), in_srgb(plain.body), strict=True))


def test_display_p3_holds_what_srgb_cannot() -> None:
    """The most saturated red of P3 survives, which sRGB would have cut."""
    data = pictures.encoded(
        Image.new("RGB", (9, 9), (255, 0, 0)), "png", icc_profile=pictures.rgb_profile("Display P3")
    )
    file = made(data, ImageFormat.PNG, format=OutputFormat.PNG, color=ColorSpace.P3)
    assert all(abs(a - b) <= 2 for a, b in zip(pictures.opened(file.body).getpixel((5, 5)), (255, 0, 0), strict=True))


def test_our_profile_is_display_p3() -> None:
    """Colours by the published matrices of the space, computed outside of littleCMS."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(display_p3()))
    assert ImageCms.getProfileDescription(profile).strip() == "Display P3"
    for colour, expected in (((100, 150, 200), (83, 152, 205)), ((200, 100, 100), (214, 94, 97))):
        patch = Image.new("RGB", (1, 1), colour)
        shown = ImageCms.profileToProfile(patch, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        assert all(abs(a - b) <= 2 for a, b in zip(shown.getpixel((0, 0)), expected, strict=True))


def test_variants_of_different_colours_are_made_of_the_same_original() -> None:
    data = pictures.encoded(
        Image.new("RGB", (80, 60), (100, 150, 200)), "jpeg", quality=95, icc_profile=pictures.rgb_profile("Display P3")
    )
    variants = [
        Variant(
            name=f"{space.value}-{width}",
            resize=Resize(width=width),
            output=Output(format=OutputFormat.PNG, color=space),
        )
        for space in ColorSpace
        for width in (60, 20)
    ]
    outcomes = {one.name: one for one in render(data, variants, 2).outcomes}
    assert len(outcomes) == 6
    for name, one in outcomes.items():
        assert ("icc_profile" in pictures.opened(one.body).info) == (not name.startswith("srgb"))
        assert all(abs(a - b) <= 4 for a, b in zip(in_srgb(one.body), (83, 152, 205), strict=True))


@pytest.mark.parametrize("form", CARRYING)
def test_a_gray_profile_goes_with_gray_pixels_alone(form: OutputFormat) -> None:
    data = pictures.encoded(Image.new("L", (20, 20), 128), "png", icc_profile=pictures.gray_profile(1.0))
    file = made(data, ImageFormat.PNG, format=form, color=ColorSpace.KEEP)
    picture = pictures.opened(file.body)
    if form in (OutputFormat.WEBP, OutputFormat.AVIF):
        assert "icc_profile" not in picture.info
        assert file.warnings == ("colour-not-kept",)
        assert abs(picture.convert("L").getpixel((5, 5)) - 188) <= 3
    else:
        assert (picture.mode, picture.info["icc_profile"]) == ("L", pictures.gray_profile(1.0))


def test_inks_are_not_kept() -> None:
    file = made(pictures.cmyk_jpeg(), color=ColorSpace.KEEP)
    assert (pictures.opened(file.body).mode, file.warnings) == ("RGB", ("colour-not-kept", "inks-assumed-fogra39"))


def test_a_profile_that_cannot_be_read_is_not_kept() -> None:
    data = pictures.encoded(Image.new("RGB", (9, 9), (1, 2, 3)), "png", icc_profile=b"not a profile")
    for space in (ColorSpace.KEEP, ColorSpace.P3):
        file = made(data, ImageFormat.PNG, format=OutputFormat.PNG, color=space)
        assert "colour-profile-ignored" in file.warnings
