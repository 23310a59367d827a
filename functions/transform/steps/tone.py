"""Brightness, contrast, saturation and gamma: tables of 256 levels, and one matrix for saturation.

Source: brightness(), contrast() and saturate() of Filter Effects Module Level 1, each at 1 + n/100, in this order.
"""

from collections.abc import Callable
from typing import Final

from PIL import Image

from contracts.variants import Variant
from functions.transform.geometry import Frame
from functions.transform.steps.picture import Picture, coloured

_LUMA: Final = (0.213, 0.715, 0.072)
"""Weights of red, green and blue in the matrix of saturate()."""


def apply(picture: Picture, variant: Variant, frame: Frame) -> Picture:
    adjust = variant.adjust
    bright, steep = 1 + adjust.brightness / 100, 1 + adjust.contrast / 100

    def light(level: float) -> float:
        return (level * bright - 0.5) * steep + 0.5

    def curved(level: float) -> float:
        return max(level, 0.0) ** (1 / adjust.gamma)

    def change(pixels: Image.Image) -> Image.Image:
        if adjust.saturation == 0 or pixels.mode == "L":
            return _mapped(pixels, lambda level: curved(min(light(level), 1.0)))
        pixels = _saturated(_mapped(pixels, light), 1 + adjust.saturation / 100)
        return pixels if adjust.gamma == 1 else _mapped(pixels, curved)

    return picture.of(coloured(picture.pixels, change))


def table(law: Callable[[float], float]) -> list[int]:
    """The 256 levels that a law of 0 to 1 gives, rounded and kept in range."""
    return [min(max(round(law(level / 255) * 255), 0), 255) for level in range(256)]


def _mapped(pixels: Image.Image, law: Callable[[float], float]) -> Image.Image:
    return pixels.point(table(law) * len(pixels.getbands()))


def _saturated(pixels: Image.Image, amount: float) -> Image.Image:
    rows = []
    for own in range(3):
        rows += [_LUMA[other] * (1 - amount) + (amount if own == other else 0.0) for other in range(3)] + [0.0]
    return pixels.convert("RGB", tuple(rows))
