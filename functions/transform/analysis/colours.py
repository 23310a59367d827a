"""The colours of a small picture: the one that most of it has, up to eight of them, and their average."""

from typing import Final

from msgspec import Struct
from PIL import Image

from contracts.analysis import MAX_SWATCHES, Swatch

_LOOKED_AT: Final = 16
"""Longer side of the picture whose colours are counted: at 24 pixels the colour that it names is no nearer to that of
the whole sample (twelve pictures, 2026-11), and costs five times as much."""
_DARK: Final = 50.0
"""CIE L* of the middle gray."""
_NEAR: Final = 24
"""Of a channel, in all directions together: colours as near as this are one to the eye in a palette."""


class Colours(Struct, frozen=True, kw_only=True):
    """What `colours_of` found; `dominant` is the palette's first."""

    palette: tuple[Swatch, ...]
    average: str
    is_dark: bool

    @property
    def dominant(self) -> str:
        return self.palette[0].hex


def colours_of(pixels: Image.Image) -> Colours | None:
    """Of a small picture in L, RGB or RGBA (not premultiplied); what shows through counts by what is seen of it.

    None if nothing is seen at all. Deterministic.
    """
    counted = _seen(_small(pixels))
    if counted is None:
        return None
    area = counted.size[0] * counted.size[1]
    paletted = counted.quantize(MAX_SWATCHES, Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
    table = paletted.getpalette() or []
    shares: list[tuple[int, tuple[int, int, int]]] = []
    for count, index in sorted(paletted.getcolors() or (), reverse=True):
        assert isinstance(index, int)  # of a picture with a palette
        shares.append((count, (table[3 * index], table[3 * index + 1], table[3 * index + 2])))
    swatches = tuple(Swatch(hex=_hex(colour), share=round(count / area, 3)) for count, colour in _joined(shares))
    data = counted.tobytes()
    red, green, blue = (round(sum(data[channel::3]) / area) for channel in range(3))
    return Colours(palette=swatches, average=_hex((red, green, blue)), is_dark=lightness(red, green, blue) < _DARK)


def lightness(red: int, green: int, blue: int) -> float:
    """CIE L* of an sRGB colour, 0 to 100."""
    light = 0.2126 * _light(red) + 0.7152 * _light(green) + 0.0722 * _light(blue)
    return 116 * light ** (1 / 3) - 16 if light > 216 / 24389 else light * 24389 / 27


def _small(pixels: Image.Image) -> Image.Image:
    width, height = pixels.size
    longest = max(width, height)
    if longest <= _LOOKED_AT:
        return pixels
    size = (max(1, width * _LOOKED_AT // longest), max(1, height * _LOOKED_AT // longest))
    return pixels.resize(size, Image.Resampling.BOX)


def _seen(pixels: Image.Image) -> Image.Image | None:
    """The picture in RGB; of one with alpha what is more seen than not, in a row; None if nothing is."""
    if pixels.mode != "RGBA":
        return pixels.convert("RGB")
    data = pixels.tobytes()
    kept = b"".join(data[at : at + 3] for at in range(0, len(data), 4) if data[at + 3] >= 128)
    return Image.frombytes("RGB", (len(kept) // 3, 1), kept) if kept else None


def _joined(shares: list[tuple[int, tuple[int, int, int]]]) -> list[tuple[int, tuple[int, int, int]]]:
    """Largest first, with colours that look the same counted together, as the most frequent of them."""
    kept: list[tuple[int, tuple[int, int, int]]] = []
    for count, colour in shares:
        for at, (other_count, other) in enumerate(kept):
            if sum(abs(a - b) for a, b in zip(colour, other, strict=True)) <= _NEAR:
                kept[at] = other_count + count, other
                break
        else:
            kept.append((count, colour))
    return sorted(kept, key=lambda one: -one[0])


def _hex(colour: tuple[int, int, int]) -> str:
    return f"#{bytes(colour).hex()}"


def _light(value: int) -> float:
    part = value / 255
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
