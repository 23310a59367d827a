"""Rounded corners: what lies outside is transparent, or background where the format has no alpha."""

from typing import Final

from PIL import Image, ImageChops, ImageDraw

from contracts.outputs import OutputFormat
from contracts.variants import Variant
from functions.transform.geometry import Frame
from functions.transform.steps.ground import ground
from functions.transform.steps.picture import Picture, straight

_FINE: Final = 8
"""Samples a pixel along each side, at most: 64 levels of an edge."""
_DRAWN: Final = 2_048
"""Samples along the side of a corner, at most: the larger it is, the less one level of one pixel is seen."""


def apply(picture: Picture, variant: Variant, frame: Frame) -> Picture:
    if variant.mask is None:
        return picture
    pixels = straight(picture.pixels)
    width, height = pixels.size
    dpr = 1.0 if variant.resize is None else variant.resize.dpr
    half = min(width, height) / 2
    radius = half if variant.mask.radius == "max" else min(variant.mask.radius * dpr, half)
    shape = _rounded((width, height), radius)
    rounded = pixels.convert("RGBA")
    alpha = rounded.getchannel("A")
    rounded.putalpha(ImageChops.multiply(alpha, shape) if pixels.mode == "RGBA" else shape)
    if variant.output.format is OutputFormat.JPEG:
        behind = ground(pixels, variant.background, pixels.size, picture.profile)
        behind.alpha_composite(rounded)
        white = ground(pixels, None, pixels.size, picture.profile)
        white.alpha_composite(behind)
        rounded = white.convert("RGB")
    return picture.of(rounded)


def _rounded(size: tuple[int, int], radius: float) -> Image.Image:
    """How much of each pixel lies within."""
    side = int(radius) + 1
    fine = max(1, min(_FINE, _DRAWN // side))
    corner = Image.new("L", (side * fine, side * fine), 0)
    ImageDraw.Draw(corner).ellipse((0, 0, 2 * radius * fine - 1, 2 * radius * fine - 1), fill=255)
    # beyond the centre of the circle all is within
    edge = round(radius * fine)
    corner.paste(255, (edge, 0, side * fine, side * fine))
    corner.paste(255, (0, edge, side * fine, side * fine))
    corner = corner.reduce(fine) if fine > 1 else corner
    shape = Image.new("L", size, 255)
    width, height = size
    for turn, place in (
        (None, (0, 0)),
        (Image.Transpose.FLIP_LEFT_RIGHT, (width - side, 0)),
        (Image.Transpose.FLIP_TOP_BOTTOM, (0, height - side)),
        (Image.Transpose.ROTATE_180, (width - side, height - side)),
    ):
        piece = corner if turn is None else corner.transpose(turn)
        box = (place[0], place[1], place[0] + side, place[1] + side)
        # they may meet in the middle: what one leaves, the next takes from
        shape.paste(ImageChops.multiply(shape.crop(box), piece), place)
    return shape
