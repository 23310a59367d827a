"""Blur, pixelate, sharpen, and the looks that replace colours: greyscale, sepia, tint, duotone; in this order.

Lengths are pixels of the output times its `dpr`, so that a doubled variant looks the same.
"""

import math
from collections.abc import Callable
from typing import Final

from PIL import Image, ImageFilter

from contracts.looks import Filters, Sharpen
from contracts.variants import Variant
from functions.transform.geometry import Frame
from functions.transform.steps.colour import colour, named
from functions.transform.steps.picture import Picture, coloured
from functions.transform.steps.tone import table

_SEPIA: Final = (0.393, 0.769, 0.189, 0, 0.349, 0.686, 0.168, 0, 0.272, 0.534, 0.131, 0)
"""Source: sepia(100%), Filter Effects Module Level 1."""


def apply(picture: Picture, variant: Variant, frame: Frame) -> Picture:
    filters, dpr = variant.filters, 1.0 if variant.resize is None else variant.resize.dpr
    pixels = picture.pixels
    if filters.blur is not None:
        pixels = _blurred(pixels, filters.blur * dpr)
    if filters.pixelate is not None:
        pixels = _pixelated(pixels, max(2, math.floor(filters.pixelate * dpr + 0.5)))
    if filters.sharpen is not None:
        pixels = coloured(pixels, _sharpener(filters.sharpen, dpr))
    look = _look(filters, picture.profile)
    picture = picture.of(pixels if look is None else coloured(pixels, look))
    # what has lost its colours is the same gray in sRGB, and a profile for colours does not go with it
    return colour(picture) if filters.greyscale and picture.pixels.mode == "L" and pixels.mode != "L" else picture


def _blurred(pixels: Image.Image, sigma: float) -> Image.Image:
    """Premultiplied, so that the colours of what is transparent stay there."""
    pixels = pixels.convert("RGBa") if pixels.mode == "RGBA" else pixels
    return pixels.filter(ImageFilter.GaussianBlur(sigma))


def _pixelated(pixels: Image.Image, side: int) -> Image.Image:
    """Blocks of one colour each, from the top left corner; those at the end are cut."""
    has_alpha = pixels.mode == "RGBA"
    small = (pixels.convert("RGBa") if has_alpha else pixels).reduce(side)
    blocks = small.resize((small.width * side, small.height * side), Image.Resampling.NEAREST)
    return blocks.crop((0, 0, *pixels.size))


def _sharpener(sharpen: Sharpen, dpr: float) -> Callable[[Image.Image], Image.Image]:
    mask = ImageFilter.UnsharpMask(sharpen.radius * dpr, sharpen.percent, sharpen.threshold)
    return lambda pixels: pixels.filter(mask)


def _look(filters: Filters, profile: bytes | None) -> Callable[[Image.Image], Image.Image] | None:
    if filters.greyscale:
        return lambda pixels: pixels.convert("L")
    if filters.sepia:
        return lambda pixels: pixels.convert("RGB").convert("RGB", _SEPIA)
    if filters.tint is not None:
        return _tinted(named(filters.tint, profile)[:3])
    if filters.duotone is not None:
        shadow, highlight = (named(one, profile)[:3] for one in (filters.duotone.shadow, filters.duotone.highlight))
        return _toned(shadow, highlight)
    return None


def _tinted(tint: tuple[int, ...]) -> Callable[[Image.Image], Image.Image]:
    """Black to the tint, where the picture is as light as it, and on to white."""
    middle = Image.new("RGB", (1, 1), tint).convert("L").getpixel((0, 0))
    assert isinstance(middle, int)  # of one band

    def channel(level: int) -> Callable[[float], float]:
        share, value = middle / 255, level / 255

        def law(grey: float) -> float:
            if grey <= share:
                return value * grey / share if share else value
            return value + (1 - value) * (grey - share) / (1 - share)

        return law

    return lambda pixels: _mapped(pixels, [table(channel(level)) for level in tint])


def _toned(shadow: tuple[int, ...], highlight: tuple[int, ...]) -> Callable[[Image.Image], Image.Image]:
    def channel(dark: int, light: int) -> Callable[[float], float]:
        return lambda grey: (dark + (light - dark) * grey) / 255

    return lambda pixels: _mapped(
        pixels, [table(channel(dark, light)) for dark, light in zip(shadow, highlight, strict=True)]
    )


def _mapped(pixels: Image.Image, tables: list[list[int]]) -> Image.Image:
    """Lightness through a table for each of red, green and blue."""
    grey = pixels.convert("L")
    return Image.merge("RGB", [grey.point(each) for each in tables])
