"""A turn by any other angle: bicubic, with corners of nothing and edges that fade into it."""

from typing import Final

from PIL import Image, ImageChops

from contracts.variants import Variant
from functions.transform.geometry import Frame
from functions.transform.steps.picture import Picture, straight

_MARGIN: Final = 2
"""Pixels about the picture that go on as it ends, so that its edge mixes with nothing else; how much of an edge's pixel
is picture is reckoned apart."""


def apply(picture: Picture, variant: Variant, frame: Frame) -> Picture:
    if frame.slant is None:
        return picture
    pixels = picture.pixels
    pixels = pixels.convert("RGBa") if pixels.mode == "RGBA" else pixels
    wide = (pixels.width + 2 * _MARGIN, pixels.height + 2 * _MARGIN)
    ground = pixels.resize(wide, Image.Resampling.NEAREST)
    ground.paste(pixels, (_MARGIN, _MARGIN))
    cover = Image.new("L", wide)
    cover.paste(255, (_MARGIN, _MARGIN, _MARGIN + pixels.width, _MARGIN + pixels.height))
    a, b, c, d, e, f = frame.slant
    affine = (a, b, c + _MARGIN, d, e, f + _MARGIN)
    slanted = straight(ground.transform(frame.size, Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC))
    alpha = cover.transform(frame.size, Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
    if slanted.mode == "RGBA":
        alpha = ImageChops.multiply(alpha, slanted.getchannel("A"))
    slanted = slanted.convert("RGBA")
    slanted.putalpha(alpha)
    return picture.of(slanted)
