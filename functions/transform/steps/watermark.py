"""Watermarks: a line of text, or another picture, over a picture; once, or in rows and columns all over it.

A text is as large as its share of the width allows, outlined so as to be read on any ground. A picture is laid over in
the colours of what is below. Where they lie is in `marking`, the pictures come from `marks`.

The font is DejaVu Sans (`functions/transform/fonts`, with its licence): Latin, Greek, Cyrillic, Arabic, Hebrew and many
signs. What it has no glyph for is told of in a warning. Letters are put in their order by `script`, and laid out by
Pillow's own means: its other ones hang on a library of the system, and the same order would not be the same picture.
"""

import io
import math
from functools import cache, lru_cache
from importlib import resources
from typing import Final

from msgspec import structs
from PIL import Image, ImageChops, ImageDraw, ImageFont

from contracts.looks import Overlay
from contracts.variants import Variant
from functions.transform.fitting import half_up
from functions.transform.geometry import Frame, Size
from functions.transform.marking import Corner, corner_of, mark_size, room_of, tiled
from functions.transform.marks import Marks
from functions.transform.steps.colour import named
from functions.transform.steps.picture import Picture, straight
from functions.transform.steps.script import drawn

NO_GLYPH: Final = "watermark-without-glyph"
"""Warning: the font lacks a character of the text, and a box stands for it."""

_MEASURED: Final = 64
"""Size at which a text is measured first."""
_SMALLEST: Final = 4
_OUTLINE: Final = 1 / 24
"""Of the size of the letters."""
_NO_CHARACTER: Final = "\U0010ffff"


def apply(picture: Picture, variant: Variant, frame: Frame, marks: Marks) -> Picture:
    """Raises WatermarkMissing, and what else `Marks` raises."""
    dpr = 1.0 if variant.resize is None else variant.resize.dpr
    pixels = straight(picture.pixels)
    is_opaque = pixels.mode != "RGBA"
    canvas = pixels.convert("RGBA")
    warnings = picture.warnings
    for overlay in variant.overlays:
        mark = _veiled(_mark(overlay, room_of(canvas.size, overlay), picture.profile, marks), overlay.opacity)
        corner = corner_of(canvas.size, mark.size, overlay, dpr)
        if overlay.tile is None:
            canvas.alpha_composite(mark, corner)
        else:
            canvas.alpha_composite(_tiles(mark, canvas.size, corner, half_up(overlay.tile * dpr)))
        if overlay.text is not None and NO_GLYPH not in warnings and not _has_glyphs(drawn(overlay.text)):
            warnings = (*warnings, NO_GLYPH)
    marked = picture.of(canvas.convert("RGB") if is_opaque else canvas)
    return structs.replace(marked, warnings=warnings)


def _mark(overlay: Overlay, room: Size, profile: bytes | None, marks: Marks) -> Image.Image:
    """RGBA, not premultiplied, at most as large as the room. Not to be changed in place."""
    if overlay.text is not None:
        return _written(drawn(overlay.text), overlay.colour, room, profile)
    assert overlay.asset is not None  # contracts.variants.objections
    return marks.sized(overlay.asset, mark_size(marks.size_of(overlay.asset), room), profile)


def _veiled(mark: Image.Image, opacity: int) -> Image.Image:
    if opacity == 100:
        return mark
    veiled = mark.copy()
    veiled.putalpha(mark.getchannel("A").point([round(level * opacity / 100) for level in range(256)]))
    return veiled


def _tiles(mark: Image.Image, canvas: Size, corner: Corner, gap: int) -> Image.Image:
    """The canvas full of marks. A row is made once: there may be thousands of marks in either direction."""
    row = Image.new("RGBA", (canvas[0], mark.height))
    for left in tiled(canvas[0], mark.width, corner[0], gap):
        row.paste(mark, (left, 0))
    layer = Image.new("RGBA", canvas)
    for top in tiled(canvas[1], mark.height, corner[1], gap):
        layer.paste(row, (0, top))
    return layer


def _written(text: str, colour: str, room: Size, profile: bytes | None) -> Image.Image:
    """The text in its box, RGBA, at most as large as the room, in the colours of pixels under this profile."""
    size = float(_MEASURED)
    for _ in range(3):
        # outlines and hinting do not grow in exact proportion: a second look, and a third
        width, height = _extent(text, size)
        size = max(_SMALLEST, size * min(room[0] / width, room[1] / height))
    box = _box(text, size)
    mark = Image.new("L", (math.ceil(box[2] - box[0]), math.ceil(box[3] - box[1])), 0)
    inner = mark.copy()
    at = (-box[0], -box[1])
    ImageDraw.Draw(mark).text(at, text, 255, font(size), stroke_width=_stroke(size))
    ImageDraw.Draw(inner).text(at, text, 255, font(size))
    red, green, blue, _ = named(colour, profile)
    is_light = 0.299 * red + 0.587 * green + 0.114 * blue > 127
    found = Image.new("RGB", mark.size, (0, 0, 0) if is_light else (255, 255, 255))
    found.paste((red, green, blue), mask=inner)
    found.putalpha(ImageChops.lighter(mark, inner))
    return found.crop((0, 0, min(found.width, room[0]), min(found.height, room[1])))


def _extent(text: str, size: float) -> tuple[float, float]:
    box = _box(text, size)
    return max(1.0, box[2] - box[0]), max(1.0, box[3] - box[1])


def _box(text: str, size: float) -> tuple[float, float, float, float]:
    return font(size).getbbox(text, stroke_width=_stroke(size))


def _stroke(size: float) -> int:
    return max(1, round(size * _OUTLINE))


@lru_cache(maxsize=8)
def font(size: float) -> ImageFont.FreeTypeFont:
    """The font at this size, in pixels."""
    return ImageFont.truetype(io.BytesIO(_file()), size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _file() -> bytes:
    """From beside the code, or out of the zip that the code is run from."""
    return resources.files("functions.transform").joinpath("fonts", "DejaVuSans.ttf").read_bytes()


def _has_glyphs(text: str) -> bool:
    none = _drawn(_NO_CHARACTER)
    return all(char.isspace() or _drawn(char) != none for char in set(text))


def _drawn(char: str) -> bytes:
    picture = Image.new("L", (2 * _MEASURED, 2 * _MEASURED))
    ImageDraw.Draw(picture).text((0, 0), char, 255, font(_MEASURED))
    return picture.tobytes()
