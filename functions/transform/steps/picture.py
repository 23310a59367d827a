"""A picture on its way through the steps: pixels, and what is still to be done to them."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct, structs
from PIL import Image

from functions.transform.geometry import Extent, upright_size

PLAIN_MODES: Final = frozenset({"L", "RGB", "RGBA", "RGBa", "CMYK"})
"""Modes that steps pass to each other: 8 bits a channel. `RGBa` is premultiplied."""


class Picture(Struct, frozen=True):
    """Pixels of one of PLAIN_MODES in stored orientation; they are never changed in place.

    `extent` is where the picture's far corner lies, in fractions of a pixel: decoding at a reduced scale rounds the
    pixels up but not the picture. `orientation` and `profile` are still to be applied (1 and None: nothing to do).
    """

    pixels: Image.Image
    extent: Extent
    orientation: int = 1
    profile: bytes | None = None
    warnings: tuple[str, ...] = ()

    @property
    def upright_extent(self) -> Extent:
        """`extent` as it is seen."""
        across, down = self.extent
        return (down, across) if upright_size((1, 2), self.orientation) == (2, 1) else (across, down)

    def of(self, pixels: Image.Image) -> "Picture":
        """The same picture with other pixels, upright and whole."""
        return structs.replace(self, pixels=pixels, extent=pixels.size)


def straight(pixels: Image.Image) -> Image.Image:
    """Colours as they are seen, not premultiplied."""
    return pixels.convert("RGBA") if pixels.mode == "RGBa" else pixels


def coloured(pixels: Image.Image, change: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """A change of colours, given and giving L or RGB; transparency is kept beside it."""
    if pixels.mode in ("L", "RGB"):
        return change(pixels)
    seen = straight(pixels)
    changed = change(seen.convert("RGB"))
    if seen.mode == "RGBA":
        changed = changed.convert("RGB")
        changed.putalpha(seen.getchannel("A"))
    return changed
