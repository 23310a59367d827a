"""What is done to a picture's colours and edges once it has its size, and what is laid over it, with the ranges.

Where a picture is cut and how large it becomes is in `framing.py`.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from contracts.framing import Colour, Gravity, Length, Unit
from contracts.limits import MAX_OUTPUT_SIDE

MAX_OVERLAYS: Final = 4
MAX_TEXT: Final = 200
"""Characters, with everything filled in."""
ASSET_PATTERN: Final = (
    "^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\\.[a-z0-9_-]{1,40}(?!\\n)$"
)

TEXT_COLOUR: Final = "#ffffff"

Percent = Annotated[float, Meta(ge=-100, le=100)]


class Adjust(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Changes of tone, in this order; 0 (of gamma 1) changes nothing.

    Source: brightness(), contrast() and saturate() of Filter Effects Module Level 1, at 1 + n/100.
    """

    brightness: Percent = 0.0
    """-100 is black, 100 twice as bright."""
    contrast: Percent = 0.0
    """-100 is middle gray."""
    saturation: Percent = 0.0
    """-100 is gray."""
    gamma: Annotated[float, Meta(ge=0.1, le=10)] = 1.0
    """Above 1 the middle tones become lighter."""


class Sharpen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Unsharp masking."""

    radius: Annotated[float, Meta(ge=0.1, le=20)]
    """Standard deviation of the mask's blur, in pixels."""
    percent: Annotated[int, Meta(ge=1, le=500)] = 100
    threshold: Annotated[int, Meta(ge=0, le=255)] = 0
    """Differences up to this many levels are left as they are: noise is not sharpened."""


class Duotone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Two colours for black and white; what lies between becomes what lies between them."""

    shadow: Colour
    highlight: Colour


class Filters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Effects, in this order. At most one of the last four: each replaces the colours."""

    blur: Annotated[float, Meta(ge=0.1, le=100)] | None = None
    """Standard deviation of a Gaussian, in pixels."""
    pixelate: Annotated[int, Meta(ge=2, le=512)] | None = None
    """Side of a block, in pixels."""
    sharpen: Sharpen | None = None
    greyscale: bool = False
    sepia: bool = False
    tint: Colour | None = None
    """One hue, and the picture's own lightness."""
    duotone: Duotone | None = None


class Mask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Rounded corners; outside of them there is nothing, or background where the format has no alpha."""

    radius: Annotated[int, Meta(ge=1, le=MAX_OUTPUT_SIDE)] | Literal["max"]
    """In pixels, or `max`: half of the shorter side, which makes a square a disc."""


def filled_in(text: str, job_id: str, date: str) -> str:
    """A text with what its fields name; braces around anything else are braces."""
    return text.replace("{job_id}", job_id).replace("{date}", date)


class Overlay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A watermark: a text, or a variant of another job of the same tenant. Lengths are relative to the output."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)] | None = None
    """One line. `{job_id}` and `{date}` (of the job's making, in UTC, as 2026-11-30) stand for what they name."""
    asset: Annotated[str, Meta(pattern=ASSET_PATTERN)] | None = None
    """`<job id>.<variant>`: a completed variant."""
    anchor: Gravity = Gravity.SOUTH_EAST
    x: Length = 0.0
    y: Length = 0.0
    unit: Unit = Unit.PX
    opacity: Annotated[int, Meta(ge=1, le=100)] = 100
    """Percent."""
    scale: Annotated[int, Meta(ge=1, le=100)] = 25
    """Percent of the output's width that it takes, less where it would be higher than the output; never out of it."""
    colour: Colour = TEXT_COLOUR
    """Of a text, whose outline is black or white, whichever is farther."""
    tile: Annotated[int, Meta(ge=0, le=MAX_OUTPUT_SIDE)] | None = None
    """Pixels between two of many that cover the output in rows and columns, one of them where a single one would be."""
