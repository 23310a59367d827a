"""What is still to be done to one variant once its level is made: the steps that it asks for, and no others.

    turn ─▶ slant ─▶ ground (background, padding) ─▶ tone ─▶ effects ─▶ corners ─▶ watermark

A step that nothing asks for costs nothing, not even its import. Called by `pipeline`; `geometry` says where, the steps
say how.
"""

from importlib import import_module
from typing import Final

from contracts.framing import Gravity
from contracts.looks import Adjust, Filters
from contracts.variants import Variant
from functions.transform.geometry import Frame
from functions.transform.marks import Marks
from functions.transform.steps.colour import unkept
from functions.transform.steps.picture import Picture

_COLOURING: Final = frozenset({"slant", "ground", "corners", "watermark"})
"""Steps that lay something beside gray pixels, or nothing."""


def asked(variant: Variant, frame: Frame) -> list[str]:
    """Names of the steps to take, in their order: modules of `steps`."""
    wanted = {
        "turn": frame.turn != 1,
        "slant": frame.slant is not None,
        "ground": frame.canvas != frame.size or variant.background is not None,
        "tone": variant.adjust != Adjust(),
        "effects": variant.filters != Filters(),
        "corners": variant.mask is not None,
        "watermark": bool(variant.overlays),
    }
    return [name for name, is_wanted in wanted.items() if is_wanted]


def finish(picture: Picture, variant: Variant, frame: Frame, marks: Marks) -> Picture:
    """The variant's picture, all but its encoding; the level's own where nothing more is asked for.

    Raises WatermarkMissing, and what else `Marks` raises.
    """
    names = asked(variant, frame)
    if picture.pixels.mode == "L" and picture.profile is not None and _colours(names, variant.filters):
        # a profile for gray says nothing of colours, and goes with no pixels that could have some
        picture = unkept(picture)
    for name in names:
        step = import_module(f"functions.transform.steps.{name}")
        further = (marks,) if name == "watermark" else ()
        picture = step.apply(picture, variant, frame, *further)
    return picture


def _colours(names: list[str], filters: Filters) -> bool:
    """Whether what was gray has colours or an alpha channel after these steps."""
    return bool(filters.sepia or filters.tint or filters.duotone or not _COLOURING.isdisjoint(names))


def needs_sight(variant: Variant) -> bool:
    """Whether the variant's geometry depends on what the picture shows (`steps.sight`)."""
    return variant.trim is not None or variant.gravity is Gravity.SMART
