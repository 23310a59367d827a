"""A picture on its way through the steps: pixels, and what is still to be done to them."""

from typing import Final

from msgspec import Struct
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
