"""A line of text over a picture, as large as its share of the width allows, outlined so as to be read on any ground.

The font is DejaVu Sans (`functions/transform/fonts`, with its licence): Latin, Greek, Cyrillic, Arabic, Hebrew and many
signs. What it has no glyph for is told of in a warning.
"""

import io
import math
from functools import cache, lru_cache
from importlib import resources
from typing import Final

from msgspec import structs
from PIL import Image, ImageChops, ImageDraw, ImageFont

from contracts.framing import Unit
from contracts.looks import Overlay
from contracts.variants import Variant
from functions.transform.fitting import placed, share_before
from functions.transform.geometry import Frame, Size
from functions.transform.steps.ground import rgba
from functions.transform.steps.picture import Picture, straight

NO_GLYPH: Final = "watermark-without-glyph"
"""Warning: the font lacks a character of the text, and a box stands for it."""

_MEASURED: Final = 64
"""Size at which a text is measured first."""
_SMALLEST: Final = 4
_OUTLINE: Final = 1 / 24
"""Of the size of the letters."""
_NO_CHARACTER: Final = "\U0010ffff"


def apply(picture: Picture, variant: Variant, frame: Frame) -> Picture:
    dpr = 1.0 if variant.resize is None else variant.resize.dpr
    pixels = straight(picture.pixels)
    is_opaque = pixels.mode != "RGBA"
    canvas = pixels.convert("RGBA")
    warnings = picture.warnings
    for overlay in variant.overlays:
        if overlay.text is None:
            continue
        mark = _written(overlay.text, overlay.colour, _room(canvas.size, overlay))
        alpha = mark.getchannel("A").point([round(level * overlay.opacity / 100) for level in range(256)])
        mark.putalpha(alpha)
        canvas.alpha_composite(mark, _corner(canvas.size, mark.size, overlay, dpr))
        if NO_GLYPH not in warnings and not _has_glyphs(overlay.text):
            warnings = (*warnings, NO_GLYPH)
    marked = picture.of(canvas.convert("RGB") if is_opaque else canvas)
    return structs.replace(marked, warnings=warnings)


def _room(size: Size, overlay: Overlay) -> Size:
    return max(1, round(size[0] * overlay.scale / 100)), size[1]


def _corner(canvas: Size, mark: Size, overlay: Overlay, dpr: float) -> tuple[int, int]:
    step = (overlay.x, overlay.y)
    across, down = (
        math.floor(
            placed(
                canvas[axis] - mark[axis],
                share_before(overlay.anchor, axis),
                step[axis] * (canvas[axis] if overlay.unit is Unit.FRACTION else dpr),
            )
        )
        for axis in (0, 1)
    )
    return across, down


def _written(text: str, colour: str, room: Size) -> Image.Image:
    """The text in its box, RGBA, at most as large as the room."""
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
    red, green, blue, _ = rgba(colour)
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
    return ImageFont.truetype(io.BytesIO(_file()), size)


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
