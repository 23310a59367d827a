"""Palettes by libimagequant, where a stack has chosen to carry it: nearer to the picture, slower, and under the GPL.

Of a photograph with 256 colours, 20 points of SSIMULACRA2 above Pillow's at 5 % fewer bytes (2026-11;
docs/decisions/0044). Loaded with the first palette that it makes. Called by `encode` and `palette`.
"""

from functools import cache
from importlib import import_module
from typing import Any, Final

from PIL import Image

_MOST_PIXELS: Final = 2_000_000
"""Of a picture that it is asked about: a megapixel takes half a second, with alpha a whole one, and a file within a
budget is made up to six times. A larger picture gets its palette by Pillow."""


@cache
def _library() -> Any | None:
    """Its module (60 ms); None where nobody has put it."""
    try:
        return import_module("imagequant")
    except ImportError:
        return None


def can_cut(pixels: int) -> bool:
    """Whether it makes the palette of so many pixels: it is here, and has the time."""
    return pixels <= _MOST_PIXELS and _library() is not None


def finely_cut(pixels: Image.Image, colors: int) -> Image.Image:
    """The picture (L, RGB or RGBA) in mode P; an RGBA palette if it has alpha. On one thread, the same every time."""
    library = _library()
    assert library is not None  # `can_cut` was asked
    seen = pixels.convert("RGBA")
    indices, palette = library.quantize_raw_rgba_bytes(seen.tobytes(), *seen.size, max_colors=colors)
    result = Image.frombytes("P", seen.size, indices)
    if pixels.mode == "RGBA":
        result.putpalette(bytes(palette), "RGBA")
    else:
        # without alpha, so that no table of it is written
        result.putpalette(bytes(value for at, value in enumerate(palette) if at % 4 != 3), "RGB")
    return result
