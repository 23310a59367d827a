"""What is done once for all variants of a size, and for those that are cut from it: resized, upright, in its colours.

Called by `pipeline`, for every level of the pyramid and for every frame of an animation.
"""

from collections.abc import Callable
from typing import Final

from contracts.outputs import ColorSpace
from functions.transform.geometry import Cut
from functions.transform.steps.colour import colour
from functions.transform.steps.orient import orient
from functions.transform.steps.picture import Picture
from functions.transform.steps.resize import resize

LEVEL: Final[tuple[Callable[[Picture, Cut], Picture], ...]] = (resize, lambda picture, _cut: orient(picture))
"""In this order, and then the colours: after the resize, when there are fewer pixels; the boxes allow for it."""


def levelled(picture: Picture, cut: Cut, space: ColorSpace) -> Picture:
    """The cut of the picture, in the space. What is levelled may be levelled again, to less."""
    for step in LEVEL:
        picture = step(picture, cut)
    return colour(picture, space)
