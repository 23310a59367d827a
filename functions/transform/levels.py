"""What is done once for all variants of a size, and for those that are cut from it: resized, upright, in its colours.

Called by `pipeline`, for every level of the pyramid and for every frame of an animation.
"""

from collections.abc import Callable
from typing import Final

from msgspec import structs

from contracts.outputs import ColorSpace
from functions.transform.geometry import Cut
from functions.transform.steps.colour import NOT_KEPT, colour, is_srgb
from functions.transform.steps.orient import orient
from functions.transform.steps.picture import Picture
from functions.transform.steps.resize import resize

LEVEL: Final[tuple[Callable[[Picture, Cut], Picture], ...]] = (resize, lambda picture, _cut: orient(picture))
"""In this order, and then the colours: after the resize, when there are fewer pixels; the boxes allow for it."""


def levelled(picture: Picture, cut: Cut, space: ColorSpace) -> Picture:
    """The cut of the picture, in the space. What is levelled may be levelled again, to less."""
    profile, has_inks = picture.profile, picture.pixels.mode == "CMYK"
    for step in LEVEL:
        picture = step(picture, cut)
    is_left = picture.profile is None and (has_inks or not is_srgb(profile))
    if space is ColorSpace.KEEP and is_left and NOT_KEPT not in picture.warnings:
        # light is that of sRGB: whoever averages it has left the original's own colours
        picture = structs.replace(picture, warnings=(*picture.warnings, NOT_KEPT))
    return colour(picture, space)
