"""Resizing by light: levels are decoded to what they shine with, averaged, and coded again.

sRGB's numbers are perceptual: the mean of black and white by number is a gray that shines with a fifth of the light. A
fine pattern seen from afar therefore darkens when it is made smaller by number, and does not by light.
Source: IEC 61966-2-1. In 32-bit floats, a channel at a time, so that memory stays below that of the decoded picture.
"""

from collections.abc import Callable
from functools import cache

from PIL import Image, ImageMath

from functions.transform.steps.colour import colour
from functions.transform.steps.picture import Picture, straight

_FULL = 65_535


def as_light(picture: Picture, resample: Callable[[Image.Image], Image.Image]) -> tuple[Picture, Image.Image]:
    """The picture in sRGB, and its pixels resampled; premultiplied by alpha meanwhile, which is linear by itself."""
    picture = colour(picture)
    *bands, last = straight(picture.pixels).split()
    if picture.pixels.mode not in ("RGBA", "RGBa"):
        coded = [_coded(resample(_light(band))) for band in (*bands, last)]
        return picture, coded[0] if len(coded) == 1 else Image.merge("RGB", coded)
    alpha = last.convert("F")
    thin = resample(alpha)
    coded = []
    for band in bands:
        shine = resample(ImageMath.lambda_eval(lambda of: of["light"] * of["alpha"], light=_light(band), alpha=alpha))
        coded.append(
            _coded(ImageMath.lambda_eval(lambda of: of["shine"] / of["max"](of["alpha"], 1.0), shine=shine, alpha=thin))
        )
    covered = thin.point(lambda level: level * 1 + 0.5).convert("I").point(_clamp(), "L")
    return picture, Image.merge("RGBA", [*coded, covered])


@cache
def _table() -> list[float]:
    levels = (level / 255 for level in range(256))
    return [_FULL * (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4) for v in levels]


@cache
def _inverse() -> list[int]:
    """The level of each of 65,536 amounts of light."""
    lights = (light / _FULL for light in range(_FULL + 1))
    return [round(255 * (v * 12.92 if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055)) for v in lights]


@cache
def _clamp() -> list[int]:
    return [min(level, 255) for level in range(_FULL + 1)]


def _light(band: Image.Image) -> Image.Image:
    return band.point(_table(), "F")


def _coded(light: Image.Image) -> Image.Image:
    # a table has no numbers below 0 or above its end: what a kernel overshoots is cut there
    return light.point(lambda level: level * 1 + 0.5).convert("I").point(_inverse(), "L")
