"""What is still to be done to one variant once its level is made: the steps that it asks for, and no others.

    turn ─▶ slant ─▶ ground (background, padding) ─▶ tone ─▶ effects ─▶ corners ─▶ watermark

A step that nothing asks for costs nothing, not even its import. Called by `pipeline`; `geometry` says where, the steps
say how.
"""

from importlib import import_module

from contracts.framing import Gravity
from contracts.looks import Adjust, Filters
from contracts.variants import Variant
from functions.transform.geometry import Frame
from functions.transform.marks import Marks
from functions.transform.steps.picture import Picture


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
    for name in asked(variant, frame):
        step = import_module(f"functions.transform.steps.{name}")
        further = (marks,) if name == "watermark" else ()
        picture = step.apply(picture, variant, frame, *further)
    return picture


def needs_sight(variant: Variant) -> bool:
    """Whether the variant's geometry depends on what the picture shows (`steps.sight`)."""
    return variant.trim is not None or variant.gravity is Gravity.SMART
