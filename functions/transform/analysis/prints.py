"""Short prints of a picture: two to compare pictures by, two to paint a preview from.

All of them are cosine transforms of a small picture, whose two directions are summed one after the other: 300 sums of
32 products each, 0.3 ms (2026-11), where the published code takes every pixel for every wave.
Sources: https://evanw.github.io/thumbhash/, https://blurha.sh (Algorithm.md), and for the hashes
https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
"""

import base64
import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import mul
from typing import Final

from PIL import Image

from functions.transform.geometry import Size

Row = Sequence[float]

HASH_SIDE: Final = 8
"""Bits a side of both hashes."""
PHASH_PIXELS: Final = 32
_STEP: Final = 64
"""Of a wave: a sixteenth of a level on average. What is fainter is rounding, of which symmetric pictures and gradients
have nothing else in most waves: compared as it is, it made 18 bits of 64 differ between two sizes of one gradient."""
PREVIEW_PIXELS: Final = 24
"""Longer side of what previews are computed from; they hold at most seven waves."""
BLUR_WAVES: Final = (4, 3)

_WHITE: Final = 255
_BASE83: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"


def phash(luma: Image.Image) -> str:
    """Of a picture in mode L: which of the lowest 63 waves (and the mean) are above their median, in hex."""
    rows = _rows(luma.resize((PHASH_PIXELS, PHASH_PIXELS), Image.Resampling.BILINEAR), 0)
    waves = [round(value / _STEP) for row in _transformed(rows, (HASH_SIDE, HASH_SIDE)) for value in row]
    middle = sorted(waves[1:])[(len(waves) - 1) // 2]
    return _bits(value > middle for value in waves)


def dhash(luma: Image.Image) -> str:
    """Of a picture in mode L: whether each of 8 × 8 places is brighter than its neighbour to the left, in hex."""
    width = HASH_SIDE + 1
    data = luma.resize((width, HASH_SIDE), Image.Resampling.BOX).tobytes()
    return _bits(data[at + 1] > data[at] for at in range(width * HASH_SIDE) if at % width != HASH_SIDE)


def thumbhash(pixels: Image.Image) -> str:
    """Of a picture in RGB or RGBA, not premultiplied: base64 of at most 25 bytes."""
    width, height = pixels.size
    has_alpha = pixels.mode == "RGBA"
    colours: list[Sequence[Row]] = [_rows(pixels, channel) for channel in range(3)]
    alpha = _rows(pixels, 3) if has_alpha else []
    if has_alpha:
        colours = _on_average(colours, alpha)
    # in levels, of which the sums are divided once: no pixel is made a fraction first
    pairs = list(zip(*colours, strict=True))
    luma = [[r + g + b for r, g, b in zip(*row, strict=True)] for row in pairs]
    yellow = [[r + g - 2 * b for r, g, b in zip(*row, strict=True)] for row in pairs]
    magenta = [[r - g for r, g, _ in zip(*row, strict=True)] for row in pairs]
    longest = max(width, height)
    most = 5 if has_alpha else 7
    across, down = (max(1, _half_up(most * side / longest)) for side in (width, height))
    l_mean, l_waves, l_scale = _channel(luma, max(3, across), max(3, down), 3 * _WHITE)
    p_mean, p_waves, p_scale = _channel(yellow, 3, 3, 2 * _WHITE)
    q_mean, q_waves, q_scale = _channel(magenta, 3, 3, _WHITE)
    is_landscape = width > height
    head = (
        _half_up(63 * l_mean)
        | _half_up(31.5 + 31.5 * p_mean) << 6
        | _half_up(31.5 + 31.5 * q_mean) << 12
        | _half_up(31 * l_scale) << 18
        | has_alpha << 23
    )
    tail = (
        (down if is_landscape else across)
        | _half_up(63 * p_scale) << 3
        | _half_up(63 * q_scale) << 9
        | is_landscape << 15
    )
    found = bytearray(head.to_bytes(3, "little") + tail.to_bytes(2, "little"))
    waves = [*l_waves, *p_waves, *q_waves]
    if has_alpha:
        a_mean, a_waves, a_scale = _channel(alpha, 5, 5, _WHITE)
        found.append(_half_up(15 * a_mean) | _half_up(15 * a_scale) << 4)
        waves += a_waves
    nibbles = [_half_up(15 * wave) for wave in waves] + [0] * (len(waves) % 2)
    found += bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return base64.b64encode(found).decode()


def blurhash(pixels: Image.Image) -> str:
    """Of a picture in RGB: 28 characters, four waves across and three down."""
    width, height = pixels.size
    linear = _linear()
    channels = []
    for channel in range(3):
        rows = [[linear[level] for level in row] for row in _rows(pixels, channel)]
        channels.append([value for row in _transformed(rows, BLUR_WAVES, phase=0) for value in row])
    count = width * height
    factors = [tuple(channel[at] * (2 if at else 1) / count for channel in channels) for at in range(12)]
    largest = max(abs(value) for factor in factors[1:] for value in factor)
    step = max(0, min(82, math.floor(largest * 166 - 0.5)))
    scale = (step + 1) / 166
    text = _base83((BLUR_WAVES[0] - 1) + (BLUR_WAVES[1] - 1) * 9, 1) + _base83(step, 1)
    red, green, blue = (_to_srgb(value) for value in factors[0])
    text += _base83(red << 16 | green << 8 | blue, 4)
    for factor in factors[1:]:
        r, g, b = (max(0, min(18, math.floor(_signed_root(value / scale) * 9 + 9.5))) for value in factor)
        text += _base83(r * 361 + g * 19 + b, 2)
    return text


def preview(pixels: Image.Image) -> Image.Image:
    """What previews are computed from: the picture at 24 pixels, or itself if it is as small."""
    width, height = pixels.size
    longest = max(width, height)
    if longest <= PREVIEW_PIXELS:
        return pixels
    size: Size = (max(1, width * PREVIEW_PIXELS // longest), max(1, height * PREVIEW_PIXELS // longest))
    return pixels.resize(size, Image.Resampling.BOX)


def _transformed(rows: Sequence[Row], waves: Size, phase: float = 0.5) -> list[list[float]]:
    """Sums over all pixels of value × cos × cos, by wave: down first, then across. Not scaled.

    `phase` is where in a pixel the wave is taken; BlurHash alone takes its left end.
    """
    across, down = _cosines(len(rows[0]), waves[0], phase), _cosines(len(rows), waves[1], phase)
    # summing along the rows first leaves little for the other direction; products of floats take half of mixed ones
    floats = [[*map(float, row)] for row in rows]
    columns = list(zip(*([sum(map(mul, row, wave)) for wave in across] for row in floats), strict=True))
    return [[sum(map(mul, column, wave)) for column in columns] for wave in down]


@lru_cache(maxsize=32)
def _cosines(length: int, waves: int, phase: float) -> tuple[tuple[float, ...], ...]:
    return tuple(
        tuple(math.cos(math.pi / length * wave * (at + phase)) for at in range(length)) for wave in range(waves)
    )


def _channel(rows: Sequence[Row], across: int, down: int, most: int) -> tuple[float, list[float], float]:
    """ThumbHash's channel: its mean, its waves between 0 and 1 (half of a rectangle of them), and their scale.

    `most` is what stands for 1 in the rows.
    """
    count = len(rows) * len(rows[0]) * most
    sums = _transformed(rows, (across, down))
    kept = [sums[y][x] / count for y in range(down) for x in range(across) if x or y if x * down < across * (down - y)]
    scale = max((abs(wave) for wave in kept), default=0.0)
    if scale:
        kept = [0.5 + 0.5 / scale * wave for wave in kept]
    return sums[0][0] / count, kept, scale


def _rows(pixels: Image.Image, channel: int) -> list[bytes]:
    """The levels of one channel."""
    data, width = pixels.getchannel(channel).tobytes(), pixels.width
    return [data[at : at + width] for at in range(0, len(data), width)]


def _on_average(colours: Sequence[Sequence[Row]], alpha: Sequence[Row]) -> list[Sequence[Row]]:
    """Each colour over the average of what is visible of it; all in levels."""
    alpha = [[level / _WHITE for level in row] for row in alpha]
    visible = sum(map(sum, alpha))
    over: list[Sequence[Row]] = []
    for colour in colours:
        weighted = [[value * a for value, a in zip(*pair, strict=True)] for pair in zip(colour, alpha, strict=True)]
        mean = sum(map(sum, weighted)) / visible if visible else 0.0
        over.append(
            [
                [value + mean * (1 - a) for value, a in zip(*pair, strict=True)]
                for pair in zip(weighted, alpha, strict=True)
            ]
        )
    return over


@lru_cache(maxsize=1)
def _linear() -> tuple[float, ...]:
    """Light by sRGB value. Source: IEC 61966-2-1."""
    values = [value / 255 for value in range(256)]
    return tuple(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values)


def _to_srgb(light: float) -> int:
    light = max(0.0, min(1.0, light))
    return int((light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055) * 255 + 0.5)


def _signed_root(value: float) -> float:
    return math.copysign(math.sqrt(abs(value)), value)


def _base83(value: int, length: int) -> str:
    return "".join(_BASE83[value // 83**place % 83] for place in range(length - 1, -1, -1))


def _half_up(value: float) -> int:
    return math.floor(value + 0.5)


def _bits(answers: Iterable[bool]) -> str:
    number = 0
    for answer in answers:
        number = number << 1 | answer
    return f"{number:016x}"
