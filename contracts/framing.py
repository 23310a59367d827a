"""Which part of a picture is wanted, which way up, how large and on what ground: the words for it, with their ranges.

What is asked of colours is in `looks.py`; `variants.py` puts a variant together. Lengths are pixels of the output
before its `dpr`, unless their unit says otherwise.
"""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

from contracts.limits import MAX_OUTPUT_SIDE, MAX_SIDE

COLOUR_PATTERN: Final = "^#[0-9a-f]{6}(?!\\n)$"
BACKGROUND_PATTERN: Final = "^(#[0-9a-f]{6}([0-9a-f]{2})?|dominant|blur)(?!\\n)$"

Colour = Annotated[str, Meta(pattern=COLOUR_PATTERN)]
"""`#rrggbb` in sRGB, lower case."""
Background = Annotated[str, Meta(pattern=BACKGROUND_PATTERN)]
"""`#rrggbb`, `#rrggbbaa`, `dominant` (the picture's most frequent colour) or `blur` (the picture itself, blurred)."""

Side = Annotated[int, Meta(ge=1, le=MAX_OUTPUT_SIDE)]
Length = Annotated[float, Meta(ge=-MAX_SIDE, le=MAX_SIDE)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Unit(StrEnum):
    """What a length is counted in."""

    PX = "px"
    FRACTION = "fraction"
    """Of the side along which it lies, 0 to 1."""


class Crop(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The part of the upright original that is used; the rest is as if it had never been. It must lie within."""

    x: Annotated[float, Meta(ge=0, le=MAX_SIDE)]
    y: Annotated[float, Meta(ge=0, le=MAX_SIDE)]
    width: Annotated[float, Meta(gt=0, le=MAX_SIDE)]
    height: Annotated[float, Meta(gt=0, le=MAX_SIDE)]
    unit: Unit = Unit.PX
    """Of the original: whole pixels, or fractions of its sides."""


class Trim(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Border of one colour to take away: whatever differs from it by no more than `tolerance`, from the outside in."""

    tolerance: Annotated[int, Meta(ge=0, le=128)]
    """Levels of 255, in the channel that differs most."""
    colour: Colour | None = None
    """Of the border; that of the top left pixel if absent."""
    most: Annotated[int, Meta(ge=1, le=99)] = 40
    """Percent of width or height that may go. Where more would, nothing goes: the picture may be all border."""


class Fit(StrEnum):
    """How the picture meets the box it is asked to fill. Source: object-fit, CSS Images Level 3; names as in sharp."""

    COVER = "cover"
    """Fills the box and is cropped to its shape."""
    CONTAIN = "contain"
    """Fits inside the box; the rest of the box is background."""
    FILL = "fill"
    """Exactly the box; the shape is not kept."""
    INSIDE = "inside"
    """The largest of the picture's shape inside the box."""
    OUTSIDE = "outside"
    """The smallest of the picture's shape that covers the box; not cropped."""


class Kernel(StrEnum):
    """How pixels are weighed when their number changes."""

    LANCZOS3 = "lanczos3"
    BICUBIC = "bicubic"
    """Catmull-Rom: a little softer, with less ringing."""
    BILINEAR = "bilinear"
    BOX = "box"
    """Plain averages: no ringing at all."""
    NEAREST = "nearest"
    """No new colours: for pixel art, masks and codes."""


class Resize(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The box, in pixels after orientation, crop and trim. One side alone leaves the other free; one is needed.

    `fit` needs both sides to matter. Without `enlarge` no pixel is invented: the asked size is a cap.
    """

    width: Side | None = None
    height: Side | None = None
    fit: Fit = Fit.INSIDE
    enlarge: bool = False
    dpr: Annotated[float, Meta(ge=1, le=4)] = 1.0
    """Pixels of the output for one that is asked for: scales sides, padding, offsets, radii and overlays alike."""
    filter: Kernel = Kernel.LANCZOS3
    linear: bool = False
    """Averages light and not its gamma-coded numbers: slower, and right where fine bright and dark detail meet."""

    def __post_init__(self) -> None:
        if self.width is None and self.height is None:
            raise ValueError("resize needs a width or a height")


class Gravity(StrEnum):
    """Which end is kept where a fit cuts, and where the picture lies where it pads."""

    CENTER = "center"
    NORTH = "north"
    NORTH_EAST = "north-east"
    EAST = "east"
    SOUTH_EAST = "south-east"
    SOUTH = "south"
    SOUTH_WEST = "south-west"
    WEST = "west"
    NORTH_WEST = "north-west"
    SMART = "smart"
    """Where the most detail and colour is; of `cover` only."""


class Offset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A step away from where gravity leads: from an edge inwards, from the middle to the right and down.

    It never leads beyond the picture (cover) or its box (contain).
    """

    x: Length = 0.0
    y: Length = 0.0
    unit: Unit = Unit.PX


class Point(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A place on the upright original, in fractions of its width and height: what is cut stays around it."""

    x: Share
    y: Share


class Flip(StrEnum):
    """A mirroring, before the turn."""

    HORIZONTAL = "h"
    """Left and right change places."""
    VERTICAL = "v"
    BOTH = "hv"


Padding = Annotated[int, Meta(ge=0, le=4_096)]


class Pad(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Background added around what the resize gave."""

    top: Padding = 0
    right: Padding = 0
    bottom: Padding = 0
    left: Padding = 0
