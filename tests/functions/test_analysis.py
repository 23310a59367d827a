"""What pixels show: prints as the published code makes them, colours as they are, close prints for what is close."""

import base64
import math

import blurhash as published_blurhash
import pytest
import thumbhash as published_thumbhash
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from contracts.analysis import DEFAULT_TRAITS, EVERY_TRAIT, Seen, Trait, wanted
from contracts.framing import Resize
from contracts.variants import Variant
from functions.transform.analysis.colours import colours_of
from functions.transform.analysis.prints import blurhash, dhash, phash, preview, thumbhash
from functions.transform.analysis.sample import SAMPLE_PIXELS, sample_cut
from functions.transform.analysis.traits import seen
from tests.support import pictures
from tests.support.transform_room import Room, photo

PHOTO = pictures.photo(100, 67).convert("RGB")
OTHER = pictures.photo(100, 67, 7).convert("RGB")


def apart(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


@st.composite
def small_pictures(draw, mode: str = "RGB") -> Image.Image:
    width, height = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    dice = draw(st.randoms(use_true_random=False))
    return Image.frombytes(mode, (width, height), dice.randbytes(width * height * len(mode)))


@given(small_pictures())
@settings(max_examples=60)
def test_a_thumbhash_is_the_published_one(picture):
    # a half is rounded up in the published JavaScript, which decides, and to even in the Python made after it
    assume(14 * min(picture.size) % max(picture.size) or 14 * min(picture.size) // max(picture.size) % 2 == 0)
    expected = published_thumbhash.rgba_to_thumb_hash(*picture.size, list(picture.convert("RGBA").tobytes()))
    assert _nearly(base64.b64decode(thumbhash(picture)), bytes(expected))


def _nearly(one: bytes, other: bytes) -> bool:
    """Equal, but for a nibble or two that lie between two values: sums are made in another order."""
    nibbles = [abs((a >> shift & 15) - (b >> shift & 15)) for a, b in zip(one, other, strict=True) for shift in (0, 4)]
    return sum(nibble != 0 for nibble in nibbles) <= 2


def alpha_at(made: bytes, across: float, down: float) -> float:
    """The alpha that a thumbhash paints at a place, 0 to 1 each way; by the format's own description."""
    assert made[2] >> 7 == 1
    tail = made[3] | made[4] << 8
    longest, shorter, is_landscape = 5, max(3, tail & 7), tail >> 15
    luma = (longest, shorter) if is_landscape else (shorter, longest)

    def kept(nx: int, ny: int) -> list[tuple[int, int]]:
        return [(x, y) for y in range(ny) for x in range(0 if y else 1, nx) if x * ny < nx * (ny - y)]

    nibbles = [byte >> shift & 15 for byte in made[6:] for shift in (0, 4)][len(kept(*luma)) + 2 * len(kept(3, 3)) :]
    alpha, scale = (made[5] & 15) / 15, (made[5] >> 4) / 15
    for (x, y), nibble in zip(kept(5, 5), nibbles, strict=False):
        wave = math.cos(math.pi * x * across) * math.cos(math.pi * y * down)
        alpha += 2 * (nibble / 7.5 - 1) * scale * wave
    return alpha


@pytest.mark.parametrize("size", [(24, 24), (24, 12), (10, 20), (100, 67)])
def test_a_thumbhash_with_alpha_is_clear_where_the_picture_is(size):
    width, height = size
    picture = Image.new("RGBA", size, (200, 40, 40, 255))
    picture.paste((0, 0, 0, 0), (width // 2, 0, width, height))
    made = base64.b64decode(thumbhash(preview(picture)))
    assert alpha_at(made, 0.2, 0.5) > 0.8
    assert alpha_at(made, 0.8, 0.5) < 0.2


@given(small_pictures())
@settings(max_examples=60)
def test_a_blurhash_is_the_published_one(picture):
    rows = [[list(picture.getpixel((x, y))) for x in range(picture.width)] for y in range(picture.height)]
    assert blurhash(picture) == published_blurhash.encode(rows, components_x=4, components_y=3)


@pytest.mark.parametrize("hashed", [phash, dhash])
def test_hashes_stay_close_through_what_services_do_to_pictures_and_differ_between_pictures(hashed):
    large = pictures.photo(400, 268).convert("RGB")
    luma = large.resize((100, 67), Image.Resampling.LANCZOS).convert("L")
    alike = [
        large.resize((60, 40)),
        large.resize((100, 90)),
        large.filter(ImageFilter.GaussianBlur(1)),
        ImageEnhance.Brightness(large).enhance(1.15),
        pictures.opened(pictures.encoded(large, "jpeg", quality=40)),
    ]
    assert max(apart(hashed(luma), hashed(picture.convert("L"))) for picture in alike) <= 8
    assert apart(hashed(luma), hashed(OTHER.convert("L"))) >= 16
    assert apart(hashed(luma), hashed(luma.transpose(Image.Transpose.ROTATE_90))) >= 16


def disc(side):
    picture = Image.new("L", (4 * side, 4 * side), 255)
    ImageDraw.Draw(picture).ellipse((0.8 * side, 0.8 * side, 3.2 * side, 3.2 * side), fill=40)
    return picture.resize((side, side), Image.Resampling.LANCZOS)


@pytest.mark.parametrize("picture", [disc(120), Image.linear_gradient("L"), Image.new("L", (90, 60), 200)])
def test_a_hash_is_not_of_the_rounding_in_a_symmetric_picture(picture):
    """Most waves of such a picture are nothing at all."""
    width, height = picture.size
    alike = [
        *(picture.resize((width * part // 6, height * part // 6), Image.Resampling.LANCZOS) for part in (5, 4, 3)),
        pictures.opened(pictures.encoded(picture, "jpeg", quality=50)),
        picture.filter(ImageFilter.GaussianBlur(1)),
    ]
    assert max(apart(phash(picture), phash(other)) for other in alike) <= 4


def test_nothing_is_less_than_none_of_it():
    found = seen(Image.new("RGB", (30, 20), (250, 250, 250)), [Trait.ENTROPY, Trait.SHARPNESS])
    assert (str(found.entropy), str(found.sharpness)) == ("0.0", "0.0")


def test_the_palette_is_of_the_colours_that_are_there():
    picture = Image.new("RGB", (100, 50), (200, 30, 30))
    ImageDraw.Draw(picture).rectangle((0, 0, 24, 49), fill=(30, 30, 200))
    found = seen(picture, [Trait.PALETTE, Trait.DOMINANT])
    assert [swatch.hex for swatch in found.palette] == ["#c81e1e", "#1e1ec8"]
    assert [round(swatch.share, 1) for swatch in found.palette] == [0.8, 0.2] or found.palette[0].share == 0.75
    assert found.dominant == "#c81e1e"
    assert found.is_dark


@given(small_pictures())
def test_shares_are_of_one_whole_the_largest_first(picture):
    shares = [swatch.share for swatch in colours_of(picture).palette]
    assert 1 <= len(shares) <= 8
    assert shares == sorted(shares, reverse=True)
    assert abs(sum(shares) - 1) < 0.01


def test_what_is_clear_has_no_colour_and_does_not_count():
    assert seen(Image.new("RGBA", (50, 50), (255, 0, 0, 0)), EVERY_TRAIT).dominant is None
    picture = Image.new("RGBA", (50, 50), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (0, 0, 10, 10))
    assert colours_of(picture).palette[0].hex == "#0000ff"


@pytest.mark.parametrize(
    ("picture", "opaque", "blank"),
    [
        (PHOTO, True, False),
        (Image.new("RGB", (100, 60), (250, 250, 250)), True, True),
        (Image.new("L", (1, 1), 7), True, True),
        (Image.new("RGBA", (9, 9), (1, 2, 3, 0)), False, True),
        (pictures.gradient_alpha(60, 40), False, False),
    ],
)
def test_blank_and_opaque_are_told(picture, opaque, blank):
    found = seen(picture, [Trait.OPACITY])
    assert (found.is_opaque, found.looks_blank) == (opaque, blank)


def test_a_blurred_picture_is_less_sharp_and_a_plain_one_not_at_all():
    sharp, blurred, plain = (
        seen(picture, [Trait.SHARPNESS, Trait.ENTROPY])
        for picture in (PHOTO, PHOTO.filter(ImageFilter.GaussianBlur(2)), Image.new("RGB", (100, 67), "gray"))
    )
    assert plain.sharpness == plain.entropy == 0
    assert blurred.sharpness < 4 < sharp.sharpness
    assert 0 < sharp.entropy <= 8


@given(small_pictures(), st.sets(st.sampled_from(EVERY_TRAIT)))
def test_only_what_is_asked_for_is_found_out(picture, asked):
    found = seen(picture, asked)
    if not asked - {Trait.METADATA}:
        assert found is None
        return
    names = {"opacity": {"is_opaque", "looks_blank"}, "palette": {"palette", "average", "is_dark"}}
    promised = {name for trait in asked - {Trait.METADATA} for name in names.get(trait, {str(trait)})}
    empty = Seen()
    assert {name for name in Seen.__struct_fields__ if getattr(found, name) != getattr(empty, name)} == promised


@given(st.integers(1, 16_383), st.integers(1, 16_383))
def test_the_sample_is_small_has_the_pictures_shape_and_is_never_enlarged(width, height):
    cut = sample_cut((width, height))
    assert cut.is_whole
    assert max(cut.size) == min(SAMPLE_PIXELS, max(width, height))
    assert all(1 <= ours <= theirs for ours, theirs in zip(cut.size, (width, height), strict=True))


def test_names_of_traits_are_each_taken_once_and_all_is_every_one():
    assert wanted(None) == DEFAULT_TRAITS
    assert wanted(()) == ()
    assert wanted(("phash", "phash", "later", "dominant")) == (Trait.DOMINANT, Trait.PHASH)
    assert wanted(("all",)) == EVERY_TRAIT


@pytest.mark.parametrize(
    "variants",
    [
        (Variant(name="a", resize=Resize(width=300)), Variant(name="b", resize=Resize(width=120))),
        (Variant(name="a", resize=Resize(width=20)),),
        (Variant(name="a", resize=Resize(width=40, height=150, fit="cover")),),
    ],
)
def test_what_is_seen_does_not_hang_on_what_is_made(variants):
    """Levels differ by what is asked for; what is seen of them is the same to the eye."""
    upright = pictures.photo(800, 533).convert("RGB")
    room = Room(pictures.jpeg_with_exif(6, upright=upright))
    found = room.answer(*variants, analyse=("all",)).facts.seen
    alone = seen(upright.resize((100, 66), Image.Resampling.LANCZOS), EVERY_TRAIT)
    assert apart(found.phash, alone.phash) <= 4
    assert apart(found.dhash, alone.dhash) <= 4
    assert (found.is_opaque, found.looks_blank, found.is_dark) == (True, False, alone.is_dark)
    assert preview(PHOTO).size == (24, 16)


def test_a_bug_in_the_analysis_costs_facts_and_no_picture(monkeypatch):
    def broken(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr("functions.transform.analysis.study.seen", broken)
    room = Room(photo())
    answer = room.answer(Variant(name="a", resize=Resize(width=20)))
    assert [type(one).__name__ for one in answer.answers] == ["Done"]
    assert answer.facts.seen is None
    assert [name for name, _ in room.reported] == ["analysis"]
