"""What may be asked for: one variant of a picture, as data with its ranges on the types.

The order of work is fixed whatever the order of keys: orient, resize, encode. Presets are named sets of these
(`presets.py`); the picture work itself is in `functions/transform`.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from contracts.identifiers import VariantName
from contracts.limits import MAX_OUTPUT_SIDE
from contracts.outputs import Output


class Fit(StrEnum):
    """How the picture meets the box it is asked to fill. Source: object-fit, CSS Images Level 3; names as in sharp."""

    COVER = "cover"
    """Fills the box and is cropped to its shape about the centre."""
    CONTAIN = "contain"
    """Fits inside the box; the rest of the box is padded (transparent, or white where the format has no alpha)."""
    FILL = "fill"
    """Exactly the box; the shape is not kept."""
    INSIDE = "inside"
    """The largest of the picture's shape inside the box."""
    OUTSIDE = "outside"
    """The smallest of the picture's shape that covers the box; not cropped."""


Side = Annotated[int, Meta(ge=1, le=MAX_OUTPUT_SIDE)]


class Resize(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The box, in pixels after orientation. One side alone leaves the other free; at least one side is needed.

    `fit` needs both sides to matter. Without `enlarge` no pixel is invented: the asked size is a cap.
    """

    width: Side | None = None
    height: Side | None = None
    fit: Fit = Fit.INSIDE
    enlarge: bool = False

    def __post_init__(self) -> None:
        if self.width is None and self.height is None:
            raise ValueError("resize needs a width or a height")


class Variant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One picture asked for. `name` is unique within its job. Without `resize` the size is the original's."""

    name: VariantName
    resize: Resize | None = None
    output: Output = Output()
