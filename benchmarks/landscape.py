"""A landscape from code: sky, ridges, a lake, trees and grass, with the statistics of a photograph.

Deterministic for a seed. Painted at half size, then finished at full size with leaves, stones and the grain of a
sensor, so that a codec meets what it meets in photographs: soft gradients, sharp edges, texture at every scale.
"""

import math
import random
from collections.abc import Callable
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

Colour = tuple[int, int, int]

_HORIZON: Final = 0.60
"""Where the lake begins, as a share of the height."""
_HAZE: Final = (178, 198, 218)
_MARGIN: Final = 400
"""Pixels by which the field of noise is larger than the picture, so that each use takes another part of it."""


def landscape(width: int, height: int, seed: int = 7) -> Image.Image:
    """The picture, RGB; the same arguments give the same pixels."""
    rng = random.Random(seed)
    scenery = _Scenery((width // 2, height // 2), rng)
    picture = scenery.picture.resize((width, height), Image.Resampling.BICUBIC)
    picture = _textured(picture, scenery.roughness.resize((width, height)), rng)
    _trees(picture, rng)
    return _grainy(picture, rng)


def noise(size: tuple[int, int], octaves: int, rng: random.Random, *, first: int = 2) -> Image.Image:
    """Fractal noise (L): each octave twice as fine and half as strong; `first` cells across in the coarsest."""
    width, height = size
    result: Image.Image | None = None
    for octave in reversed(range(octaves)):
        cells = first * 2**octave
        grid = (min(width, cells + 1), min(height, cells * height // width + 2))
        layer = Image.frombytes("L", grid, rng.randbytes(grid[0] * grid[1])).resize(size, Image.Resampling.BICUBIC)
        result = layer if result is None else Image.blend(result, layer, 0.5)
    return ImageOps.autocontrast(result or Image.new("L", size))


class _Scenery:
    """The picture at half size, painted from back to front."""

    def __init__(self, size: tuple[int, int], rng: random.Random) -> None:
        self._rng = rng
        self._width, self._height = size
        self._shore = round(self._height * _HORIZON)
        self._field = noise((self._width + _MARGIN, self._height + _MARGIN), 9, rng, first=5)
        self.picture = Image.new("RGB", size)
        self.roughness = Image.new("L", size, 0)
        """How strong the finest texture is: none in the sky, all of it in the near bank."""
        self._sky()
        for far in (1.0, 0.72, 0.40, 0.12):
            self._ridge(far)
        self._lake()
        self._bank()

    def _relief(self, height: int, slope: tuple[int, int], contrast: float, middle: int) -> Image.Image:
        """A part of the field, lit from one side: bright where it falls towards the light."""
        x, y = self._rng.randrange(_MARGIN - 20), self._rng.randrange(_MARGIN - 20)
        box = (x, y, x + self._width, y + height)
        shifted = (x + slope[0], y + slope[1], x + slope[0] + self._width, y + slope[1] + height)
        return ImageChops.subtract(self._field.crop(box), self._field.crop(shifted), scale=1 / contrast, offset=middle)

    def _sky(self) -> None:
        size = (self._width, self._shore)
        stops = [(0.0, (34, 84, 158)), (0.5, (112, 162, 212)), (0.8, (206, 214, 214)), (1.0, (248, 216, 174))]
        sky = _gradient(size, stops)
        reach = round(self._width * 0.9)
        glow = Image.new("L", size)
        disc = (
            ImageOps.invert(Image.radial_gradient("L"))
            .resize((reach, reach))
            .point(_curve(lambda v: max(0, v - 75) ** 2 / 140))
        )
        glow.paste(disc, (round(self._width * 0.70) - reach // 2, round(self._shore * 0.9) - reach // 2))
        sky = Image.composite(Image.new("RGB", size, (255, 228, 184)), sky, glow)
        width, height = size
        billows = noise((width, height), 8, self._rng, first=3)
        billows = billows.resize((2 * width, height + 20), Image.Resampling.BICUBIC)
        wide, above = billows.crop((0, 20, width, height + 20)), billows.crop((10, 0, width + 10, height))
        cover = wide.point(_curve(lambda v: min(225, max(0, (v - 124) * 2.6))))
        lit = ImageChops.subtract(wide, above, 0.45, 160)
        clouds = ImageOps.colorize(lit, (150, 152, 170), (255, 252, 244), mid=(222, 220, 222))
        self.picture.paste(Image.composite(clouds, sky, cover))

    def _ridge(self, far: float) -> None:
        """A chain of hills before what is there; `far` is 1 at the horizon and 0 at the shore."""
        width, shore, near = self._width, self._shore, 1 - far
        top, reach = self._height * (0.17 + 0.34 * near), self._height * (0.30 * far + 0.05)
        line = _outline(width, 10, self._rng, roughness=0.54)
        mask = Image.new("L", (width, shore), 0)
        points = [(x, top + reach * (1 - line[x])) for x in range(width)]
        ImageDraw.Draw(mask).polygon([(0, shore), *points, (width, shore)], fill=255)
        lit = self._relief(shore, (3, 5), 5.5, 120)
        dark, light = _mixed((58, 66, 86), (16, 28, 18), near), _mixed((190, 182, 172), (126, 136, 78), near)
        slope = ImageOps.colorize(lit, dark, light)
        if far > 0.6:
            snow_line = (top + reach * 0.55) / shore
            fade = _gradient((1, shore), [(0, (255,) * 3), (snow_line, (220,) * 3), (snow_line + 0.16, (0,) * 3)])
            lying = lit.point(_curve(lambda v: min(255, max(0, (v - 84) * 4))))
            snow = ImageChops.multiply(fade.convert("L").resize((width, shore)), lying)
            slope = Image.composite(ImageOps.colorize(lit, (132, 156, 196), (255, 252, 246)), slope, snow)
        haze = Image.new("RGB", slope.size, _HAZE)
        self.picture.paste(Image.blend(slope, haze, 0.55 * far**1.3), mask=mask)
        self.roughness.paste(round(110 * near), mask=mask)

    def _lake(self) -> None:
        width, shore, depth = self._width, self._shore, self._height - self._shore
        seen = self.picture.crop((0, max(0, shore - round(depth * 1.3)), width, shore))
        mirrored = ImageOps.flip(seen).resize((width, depth)).filter(ImageFilter.BoxBlur((4, 1)))
        deep = _gradient((width, depth), [(0, (26, 52, 70)), (1, (8, 26, 36))])
        ripples = self._relief(depth, (0, 4), 3.0, 128).crop((0, 0, width // 3, depth)).resize((width, depth))
        water = ImageChops.overlay(Image.blend(mirrored, deep, 0.34), Image.merge("RGB", (ripples,) * 3))
        mist = Image.new("RGB", (width, depth), (214, 222, 226))
        veil = _gradient((1, depth), [(0, (120,) * 3), (0.06, (0,) * 3), (1, (0,) * 3)]).convert("L")
        self.picture.paste(Image.composite(mist, water, veil.resize((width, depth))), (0, shore))
        self.roughness.paste(_gradient((width, depth), [(0, (0,) * 3), (1, (44,) * 3)]).convert("L"), (0, shore))

    def _bank(self) -> None:
        """The near shore, rising to both sides."""
        width, height = self._width, self._height
        line = _outline(width, 9, self._rng, roughness=0.55)
        points = []
        for x in range(width):
            aside = abs(x / width - 0.46) * 2
            points.append((x, height * (0.985 - 0.20 * aside**1.6 - 0.06 * line[x])))
        mask = Image.new("L", (width, height), 0)
        ImageDraw.Draw(mask).polygon([(0, height), *points, (width, height)], fill=255)
        lit = self._relief(height, (2, 3), 7.0, 112)
        grass = ImageOps.colorize(lit, (12, 18, 8), (182, 176, 92), mid=(66, 84, 32))
        dry = ImageOps.colorize(lit, (34, 26, 18), (222, 200, 152), mid=(124, 104, 66))
        patches = self._field.crop((40, 40, 40 + width, 40 + height)).point(
            _curve(lambda v: min(255, max(0, (v - 132) * 6)))
        )
        self.picture.paste(Image.composite(dry, grass, patches), mask=mask)
        self.roughness.paste(210, mask=mask)


def _textured(picture: Image.Image, roughness: Image.Image, rng: random.Random) -> Image.Image:
    """Leaves and stones, a few pixels large."""
    width, height = picture.size
    grains = [
        Image.frombytes("L", (width // s, height // s), rng.randbytes((width // s) * (height // s))) for s in (2, 5)
    ]
    small, large = (grain.resize(picture.size, Image.Resampling.BILINEAR) for grain in grains)
    texture = Image.blend(small, large, 0.5)
    return Image.composite(ImageChops.overlay(picture, Image.merge("RGB", (texture,) * 3)), picture, roughness)


def _trees(picture: Image.Image, rng: random.Random) -> None:
    """Firs on both sides, drawn branch by branch, the small ones behind."""
    width, height = picture.size
    pen = ImageDraw.Draw(picture)
    places = [rng.uniform(0.0, 0.2) for _ in range(12)] + [rng.uniform(0.76, 1.0) for _ in range(15)]
    for x, size in sorted(((place, rng.uniform(0.45, 1)) for place in places), key=lambda fir: fir[1]):
        foot = height * (0.985 - 0.24 * abs(x - 0.46) ** 1.3 + rng.uniform(-0.01, 0.03))
        _fir(pen, x * width, foot, height * 0.34 * size * (0.5 + abs(x - 0.46)), rng)


def _fir(pen: ImageDraw.ImageDraw, x: float, foot: float, tall: float, rng: random.Random) -> None:
    pen.polygon([(x - tall * 0.012, foot), (x + tall * 0.012, foot), (x, foot - tall)], fill=(34, 26, 20))
    tiers = max(12, int(tall / 15))
    for tier in range(tiers):
        share = tier / tiers
        y, reach = foot - tall * (0.05 + 0.95 * share), tall * 0.19 * (1 - share) ** 0.85
        for _ in range(12):
            side = rng.choice((-1, 1))
            length = reach * rng.uniform(0.3, 1)
            light = rng.uniform(0.45, 1.15) * (1.3 if side > 0 else 0.8)
            tip = (x + side * length, y + length * rng.uniform(0.1, 0.55))
            pen.line(
                [(x, y - rng.uniform(0, 10)), tip],
                (round(34 * light), round(52 * light), round(28 * light)),
                round(tall / 200) + 1,
            )


def _grainy(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Sensor noise, alike in all channels and soft, as a camera's own processing leaves it."""
    size = (picture.size[0] * 2 // 3, picture.size[1] * 2 // 3)
    grain = Image.frombytes("L", size, rng.randbytes(size[0] * size[1])).point(_curve(lambda v: 128 + (v - 128) / 12))
    grain = grain.resize(picture.size, Image.Resampling.BILINEAR)
    return ImageChops.add(picture, Image.merge("RGB", (grain,) * 3), offset=-128)


def _outline(length: int, octaves: int, rng: random.Random, *, roughness: float) -> list[float]:
    """A line of heights, 0 to 1."""
    heights = [0.0] * length
    for octave in range(octaves):
        cells = 2**octave + 2
        values = [rng.random() * roughness**octave for _ in range(cells + 2)]
        for x in range(length):
            at = x / length * cells
            index = int(at)
            part = (1 - math.cos((at - index) * math.pi)) / 2
            heights[x] += values[index] + (values[index + 1] - values[index]) * part
    low, high = min(heights), max(heights)
    return [(value - low) / (high - low) for value in heights]


def _curve(tone: Callable[[int], float]) -> list[int]:
    """A table for `Image.point`."""
    return [round(min(255, max(0, tone(value)))) for value in range(256)]


def _gradient(size: tuple[int, int], stops: list[tuple[float, Colour]]) -> Image.Image:
    """A vertical gradient through colours at shares of the height."""
    column = Image.new("RGB", (1, size[1]))
    for y in range(size[1]):
        share = y / max(1, size[1] - 1)
        after = next((index for index, (at, _) in enumerate(stops) if at >= share), len(stops) - 1)
        (start, above), (end, below) = stops[max(0, after - 1)], stops[after]
        column.putpixel((0, y), _mixed(above, below, 0 if end == start else min(1, (share - start) / (end - start))))
    return column.resize(size)


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
