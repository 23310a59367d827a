"""Palettes by libimagequant, where a stack has it: nearer to the picture, told in the record, and never by chance.

It is a requirement of the tests alone, so nothing here is skipped: without it these tests fail.
"""

import io
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import msgspec
import pytest
from PIL import Image, ImageChops, ImageFilter, ImageStat

from contracts.environment import Formats
from contracts.formats import ImageFormat
from contracts.framing import Resize
from contracts.messages import Done
from contracts.outputs import Output, OutputFormat, Quantizer
from contracts.variants import Variant
from functions.transform.making import Made
from functions.transform.pipeline import render
from functions.transform.steps import fine_palette
from tests.support import pictures
from tests.support.transform_room import Room

TREE = Path(__file__).parents[2]
PHOTO = pictures.encoded(pictures.photo(240, 160), "png")
VEILED = pictures.encoded(pictures.gradient_alpha(240, 160), "png")


def made(data: bytes, palettes: Quantizer, form: ImageFormat = ImageFormat.PNG, **options) -> Made:
    output = Output(**{"format": OutputFormat.PNG} | options)
    (outcome,) = render(data, [Variant(name="one", output=output)], form=form, palettes=palettes).outcomes
    assert isinstance(outcome, Made)
    return outcome


def distance(body: bytes, data: bytes) -> float:
    """Mean square, on white, of what is left of dithering at arm's length."""
    one, other = (
        Image.alpha_composite(Image.new("RGBA", (240, 160), "white"), Image.open(io.BytesIO(file)).convert("RGBA"))
        .convert("RGB")
        .filter(ImageFilter.GaussianBlur(1))
        for file in (body, data)
    )
    return sum(value**2 for value in ImageStat.Stat(ImageChops.difference(one, other)).rms)


@pytest.mark.parametrize("data", [PHOTO, VEILED], ids=["opaque", "with alpha"])
@pytest.mark.parametrize("colors", [16, 64, 256])
def test_its_palettes_are_nearer_to_the_picture(data, colors):
    plain, fine = (made(data, by, colors=colors) for by in (Quantizer.PILLOW, Quantizer.IMAGEQUANT))
    assert (plain.palette, fine.palette) == (Quantizer.PILLOW, Quantizer.IMAGEQUANT)
    image = pictures.opened(fine.body)
    assert image.mode == "P"
    assert len(image.getcolors(256)) <= colors
    assert ("transparency" in image.info) == (data != PHOTO)
    assert distance(fine.body, data) < 0.7 * distance(plain.body, data)


def test_what_is_seen_through_stays_so():
    picture = pictures.photo(240, 160).convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 120, 160))
    image = pictures.opened(made(pictures.encoded(picture, "png"), Quantizer.IMAGEQUANT, colors=32).body).convert(
        "RGBA"
    )
    alpha = image.getchannel("A")
    assert alpha.crop((0, 0, 120, 160)).getextrema() == (0, 0)
    assert alpha.crop((120, 0, 240, 160)).getextrema() == (255, 255)


def test_the_same_order_gives_the_same_bytes():
    assert len({made(PHOTO, Quantizer.IMAGEQUANT, colors=64).body for _ in range(3)}) == 1


@pytest.mark.parametrize(
    ("options", "by"),
    [
        ({"colors": 64}, "imagequant"),
        ({"format": OutputFormat.GIF}, "imagequant"),
        ({"format": OutputFormat.GIF, "colors": 2}, "imagequant"),
        ({"colors": 64, "max_bytes": 9_000}, "imagequant"),
        ({"colors": 64, "effort": 0}, "pillow"),
        ({}, None),
        ({"format": OutputFormat.WEBP}, None),
    ],
    ids=["png", "gif", "gif of two", "within a budget", "in haste", "png without", "webp"],
)
def test_who_has_chosen_is_told(options, by):
    told, without = (made(PHOTO, palettes, **options) for palettes in (Quantizer.IMAGEQUANT, Quantizer.PILLOW))
    assert told.palette == by
    assert without.palette == (None if by is None else "pillow")
    assert (told.body == without.body) == (by != "imagequant")


def test_few_colours_are_kept_exactly_whoever_is_asked():
    few = pictures.photo(64, 48).quantize(8, dither=Image.Dither.NONE).convert("RGB")
    data = pictures.encoded(few, "png")
    fine, plain = (made(data, by, colors=8) for by in (Quantizer.IMAGEQUANT, Quantizer.PILLOW))
    assert fine.body == plain.body
    assert pictures.opened(fine.body).convert("RGB").tobytes() == few.tobytes()


def test_frames_of_an_animation_are_left_to_pillow():
    """Whose palettes are quick; a fine one for each of 300 frames would take minutes."""
    moving = pictures.animated(ImageFormat.GIF, 4)
    told = made(moving, Quantizer.IMAGEQUANT, ImageFormat.GIF, format=OutputFormat.GIF, colors=8)
    assert (told.frames, told.palette, told.kept_source) == (4, "pillow", False)


def test_the_originals_own_palette_was_chosen_by_nobody_here():
    still = pictures.encoded(pictures.photo(64, 48).quantize(16), "gif")
    told = made(still, Quantizer.IMAGEQUANT, ImageFormat.GIF, format=OutputFormat.GIF)
    assert (told.kept_source, told.palette) == (True, None)


def test_a_picture_that_would_take_too_long_gets_pillows(monkeypatch):
    monkeypatch.setattr(fine_palette, "_MOST_PIXELS", 240 * 160 - 1)
    late, plain = (made(PHOTO, by, colors=64) for by in Quantizer)
    assert late.palette == plain.palette == "pillow"
    assert late.body == plain.body


def test_where_it_is_missing_the_record_says_whose_the_palette_is(monkeypatch):
    monkeypatch.setattr(fine_palette, "_library", lambda: None)
    asked, plain = made(PHOTO, Quantizer.IMAGEQUANT, colors=64), made(PHOTO, Quantizer.PILLOW, colors=64)
    assert asked.palette == "pillow"
    assert asked.body == plain.body


def test_an_answer_tells_it():
    variants = (
        Variant(name="icon", resize=Resize(width=60), output=Output(format=OutputFormat.PNG, colors=32)),
        Variant(name="hero", resize=Resize(width=60)),
    )
    room = Room(PHOTO, ImageFormat.PNG)
    found = {each.name: each for each in room.answer(*variants, palettes=Quantizer.IMAGEQUANT).answers}
    assert {name: (type(each), each.palette) for name, each in found.items()} == {
        "icon": (Done, "imagequant"),
        "hero": (Done, None),
    }
    assert room.reported == []


def test_a_stack_asks_for_it_by_a_field_of_its_own():
    assert Formats().palettes is Quantizer.PILLOW
    assert "imagequant" not in Formats().plugins
    chosen = msgspec.convert({"imagequant": True}, Formats)
    assert (chosen.palettes, chosen.plugins) == (Quantizer.IMAGEQUANT, ("imagequant",))


def test_nobody_loads_it_who_has_not_asked():
    assert import_module("imagequant")
    script = (
        "import sys\n"
        "from functions.transform.pipeline import render\n"
        "from contracts.formats import ImageFormat\n"
        "from contracts.outputs import Output, OutputFormat\n"
        "from contracts.variants import Variant\n"
        "variant = Variant(name='one', output=Output(format=OutputFormat.PNG, colors=16))\n"
        "assert render(sys.stdin.buffer.read(), [variant], form=ImageFormat.PNG).outcomes[0].palette == 'pillow'\n"
        "print({'imagequant', '_cffi_backend', 'functions.transform.steps.fine_palette'} & sys.modules.keys())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], input=PHOTO, capture_output=True, cwd=TREE, check=True)
    assert done.stdout.decode().strip() == "set()"
