"""How a variant is encoded: its format and what may be said of it, as data with its ranges on the types.

What is asked of the pixels before is in `variants.py`; the encoders are in `functions/transform/steps/encode.py`. What
makes no sense together is told by `objections`, so that no wish is silently passed over; what a quality was chosen by
is in `quality.py`.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from contracts.limits import MAX_DIRECT_BYTES, MAX_FRAMES


class OutputFormat(StrEnum):
    """Formats a variant can be encoded in."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    GIF = "gif"
    TIFF = "tiff"

    @property
    def media_type(self) -> str:
        return f"image/{self.value}"

    @property
    def extension(self) -> str:
        return "jpg" if self is OutputFormat.JPEG else self.value


class Quantizer(StrEnum):
    """Who chooses the colours of a palette where there are more than it has room for."""

    PILLOW = "pillow"
    """Medians of a sample; of colours with alpha, an octree."""
    IMAGEQUANT = "imagequant"
    """libimagequant: nearer to the picture, slower, and under the GPL; where a stack has `formats.imagequant`."""


class Profile(StrEnum):
    """Named efforts, for those who would rather not choose a number."""

    BEST = "best"
    """The smallest files for their quality, at several times the price."""
    BALANCED = "balanced"
    """What is done when nothing is said."""
    FAST = "fast"
    """The quickest, for files that are up to a sixth larger."""


class MetadataPolicy(StrEnum):
    """What a variant carries of what the original told about itself. Orientation is never among it: it is applied."""

    NONE = "none"
    COPYRIGHT = "copyright"
    """Artist and copyright notice."""
    ALL_BUT_PRIVATE = "all-but-private"
    """How and with what it was taken, and the notice; never a place, a serial number, an owner or a maker's note."""
    ALL = "all"
    """EXIF with its place and XMP; without embedded thumbnails, which show what was cropped away."""


class ColorSpace(StrEnum):
    """In which colours a variant is stored."""

    SRGB = "srgb"
    """Converted to sRGB, without a profile: right everywhere."""
    KEEP = "keep"
    """The original's, with its profile embedded."""
    P3 = "p3"
    """Converted to Display P3, with its profile embedded."""


Quality = Annotated[int, Meta(ge=1, le=100)]
Effort = Annotated[int, Meta(ge=0, le=9)]
Colors = Annotated[int, Meta(ge=2, le=256)]
FrameCount = Annotated[int, Meta(ge=1, le=MAX_FRAMES)]
ByteBudget = Annotated[int, Meta(ge=100, le=MAX_DIRECT_BYTES)]

AUTO: Final = "auto"

DEFAULT_QUALITY: Final = {OutputFormat.JPEG: 80, OutputFormat.WEBP: 78, OutputFormat.AVIF: 43}
"""Quality of a format whose variant names none. The others have none: they are lossless, but for a palette."""

EFFORT_OF: Final = {Profile.BEST: 8, Profile.BALANCED: 5, Profile.FAST: 2}

_LOSSY: Final = frozenset(DEFAULT_QUALITY)
MOVING: Final = frozenset({OutputFormat.GIF, OutputFormat.WEBP})
"""Formats in which an animation stays one."""
_WITHOUT_GIF: Final = frozenset(OutputFormat) - {OutputFormat.GIF}

TAKERS: Final[dict[str, frozenset[OutputFormat]]] = {
    "lossless": frozenset({OutputFormat.PNG, OutputFormat.WEBP}),
    "progressive": frozenset({OutputFormat.JPEG}),
    "colors": frozenset({OutputFormat.PNG, OutputFormat.GIF}),
    "metadata": _WITHOUT_GIF,
    "color": _WITHOUT_GIF,
}
"""Fields that only some formats have a meaning for; whichever is not here, all have."""


class Output(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the pixels are encoded.

    `quality` is in the codec's own scale, or chosen by likeness to the picture (`auto`); PNG passes a number over.
    `max_bytes` bounds the file: quality falls first, and then the size. `colors` makes a palette. `effort` (0 to 9, the
    same for all codecs) or `profile` trade time for bytes. `frames` of an animation: all, unless fewer are asked for.
    """

    format: OutputFormat = OutputFormat.JPEG
    quality: Quality | Literal["auto"] | None = None
    max_bytes: ByteBudget | None = None
    lossless: bool = False
    progressive: bool = False
    colors: Colors | None = None
    effort: Effort | None = None
    profile: Profile | None = None
    metadata: MetadataPolicy = MetadataPolicy.NONE
    color: ColorSpace = ColorSpace.SRGB
    frames: FrameCount | Literal["all", "first"] | None = None

    @property
    def effective_quality(self) -> int | None:
        """The quality that is used where none is to be found out; None for what has none."""
        if self.lossless or self.format not in _LOSSY:
            return None
        return self.quality if isinstance(self.quality, int) else DEFAULT_QUALITY[self.format]

    @property
    def effective_effort(self) -> int:
        """0 to 9."""
        return EFFORT_OF[self.profile or Profile.BALANCED] if self.effort is None else self.effort

    @property
    def wants_motion(self) -> bool:
        """More than one frame was asked for in so many words."""
        return self.frames == "all" or (isinstance(self.frames, int) and self.frames > 1)

    def frames_of(self, available: int) -> int:
        """How many frames of so many the variant has."""
        if self.format not in MOVING or self.frames == "first":
            return 1
        return min(available, self.frames) if isinstance(self.frames, int) else available


def objections(output: Output) -> Iterator[tuple[str, str]]:
    """What is wrong with an output of which every value is in its range: JSON Pointers within it, and why."""
    for field, formats in TAKERS.items():
        if getattr(output, field) != getattr(_PLAIN, field) and output.format not in formats:
            those = ", ".join(form for form in OutputFormat if form in formats)
            yield f"/{field}", f"{output.format} has no {field}: that is for {those}"
    if output.lossless and output.quality is not None:
        yield "/quality", "what is lossless has no quality"
    elif output.format not in _LOSSY and (output.quality == AUTO or (output.quality and output.format in _NEW)):
        yield "/quality", f"{output.format} has no quality"
    if output.lossless and output.colors is not None:
        yield "/colors", "a palette is not lossless"
    if output.effort is not None and output.profile is not None:
        yield "/profile", "effort and profile say the same: give one of them"
    if output.wants_motion and output.format not in MOVING:
        yield "/frames", f"{output.format} holds one picture: frames are for gif, webp"


_PLAIN: Final = Output()
_NEW: Final = frozenset({OutputFormat.GIF, OutputFormat.TIFF})
"""Of the formats without quality, those that refuse a number: PNG has always passed it over."""
