"""One variant's file from its finished pixels, or from its frames: encoded as its output says, or the original's own.

What is found out about a quality, what is carried of the original's words, and what a still picture leaves of an
animation are brought together here. Called by `pipeline`, which knows the steps before and the threads.
"""

import io
from collections.abc import Callable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.formats import ImageFormat, measure
from contracts.outputs import AUTO, MetadataPolicy, Output, OutputFormat, Quantizer
from contracts.quality import Choice
from contracts.variants import Variant
from functions.transform.geometry import Frame, Size
from functions.transform.steps.colour import storable
from functions.transform.steps.decode import Source, frames
from functions.transform.steps.encode import NOTHING, Carried, effort_of, encode, quantizer, shrunk
from functions.transform.steps.picture import Picture, straight

FIRST_FRAME: Final = "first-frame-only"
"""Warning of a variant that shows one picture of several, though nobody said that it should."""
LESS_EFFORT: Final = "effort-lowered"
"""Warning of a variant so large that the effort which was asked for would have taken too long."""
_FIRST: Final = ("first", 1)
_MOVING: Final = frozenset({ImageFormat.GIF, ImageFormat.WEBP})


class Made(Struct, frozen=True, kw_only=True):
    """A variant's file; `size` in pixels, `elapsed_ms` of its own steps and its encode."""

    name: str
    body: bytes
    size: Size
    format: OutputFormat
    elapsed_ms: float = 0
    warnings: tuple[str, ...] = ()
    frames: int = 1
    kept_source: bool = False
    choice: Choice | None = None
    palette: Quantizer | None = None


class Unmade(Struct, frozen=True):
    """A variant that could not be made, and why."""

    name: str
    error: Exception


Outcome = Made | Unmade


class Rendering(Struct, frozen=True, kw_only=True):
    """All that came of one picture, in the order in which it was ready; times in milliseconds."""

    source: Source
    outcomes: tuple[Outcome, ...]
    decode_ms: float
    transform_ms: float


Witness = Callable[[Variant, Picture], None]
"""Shown a variant's pixels right before they are encoded; those of an animation's frames one after the other, perhaps
several times."""


def nobody(_variant: Variant, _picture: Picture) -> None:
    """Where there is no witness."""


def moves(source: Source, output: Output) -> bool:
    """Whether this output of that original is an animation."""
    return source.format in _MOVING and source.frames > 1 and output.frames_of(source.frames) > 1


def _is_wished(output: Output) -> bool:
    """Whether an effort was asked for in so many words."""
    return output.effort is not None or output.profile is not None


def still(
    source: Source, picture: Picture, framed: Frame, variant: Variant, palettes: Quantizer = Quantizer.PILLOW
) -> Made:
    """The file of one picture; a palette by this one, if it can. Raises BudgetUnreachable, and what Pillow raises."""
    output = variant.output
    picture = storable(picture, output.format)
    carried = _carried(source, picture, output)
    warnings = picture.warnings
    if source.frames > 1 and output.frames not in _FIRST:
        warnings += (FIRST_FRAME,)

    if _is_wished(output) and effort_of(picture.pixels, output) < output.effective_effort:
        warnings += (LESS_EFFORT,)

    def file(quality: int | None, scale: float) -> tuple[bytes, Size]:
        pixels = shrunk(picture.pixels, scale)
        return encode(pixels, output, quality, carried, palettes), pixels.size

    made = _made(variant, lambda: picture, file, lambda: warnings)
    return _kept(source, framed, variant, replace(made, palette=quantizer(output, made.size, palettes)))


def moving(
    source: Source, steps: Callable[[Picture], Picture], framed: Frame, variant: Variant, stopped: Callable[[], bool]
) -> Made:
    """The file of an animation, each frame of which goes through `steps`. Raises ImageCorrupt, BudgetUnreachable, and
    OutOfTime once `stopped` says so."""
    from functions.transform.animation import animated  # not at module level: most originals are one picture

    output = variant.output

    def finished(frame: Picture) -> Picture:
        return storable(steps(frame), output.format)

    warnings: dict[str, None] = {}

    def file(quality: int | None, scale: float) -> tuple[bytes, Size]:
        body, size, told = animated(
            source, output, quality, scale, finished, lambda last: _carried(source, last, output), stopped
        )
        warnings.update(dict.fromkeys(told))
        return body, size

    made = _made(variant, lambda: finished(next(frames(source))[0]), file, lambda: tuple(warnings))
    # frames that show the same may have become one
    shown = measure(io.BytesIO(made.body), len(made.body)).frames
    made = replace(made, frames=max(1, shown), palette=quantizer(output, made.size, Quantizer.PILLOW))
    return _kept(source, framed, variant, made)


def _made(
    variant: Variant,
    first: Callable[[], Picture],
    file: Callable[[int | None, float], tuple[bytes, Size]],
    warnings: Callable[[], tuple[str, ...]],
) -> Made:
    """The file at the quality that is named, or at the one that is found."""
    output = variant.output
    if output.quality != AUTO and output.max_bytes is None:
        body, size = file(output.effective_quality, 1.0)
        return Made(name=variant.name, body=body, size=size, format=output.format, warnings=warnings())
    from functions.transform.quality import found  # not at module level: most variants name a quality

    best = found(output, lambda: straight(first().pixels), file)
    return Made(
        name=variant.name,
        body=best.body,
        size=best.size,
        format=output.format,
        warnings=warnings() + best.warnings,
        choice=best.choice,
    )


def _kept(source: Source, framed: Frame, variant: Variant, made: Made) -> Made:
    """The original's own bytes, where those are the better answer."""
    if source.format.value != variant.output.format.value or not framed.cut.is_whole:
        return made
    from functions.transform.keeping import kept  # not at module level: few originals are asked for as they are

    body = kept(source, variant, framed, below=len(made.body), frames=made.frames)
    if body is None:
        return made
    return replace(made, body=body, size=source.upright, frames=source.frames, kept_source=True, palette=None)


def _carried(source: Source, picture: Picture, output: Output) -> Carried:
    """What the file holds beside its pixels."""
    if output.metadata is MetadataPolicy.NONE:
        return NOTHING if picture.profile is None else Carried(picture.profile)
    from functions.transform.steps.inherited import (
        inherited_exif,
        inherited_xmp,
    )  # not at module level: few variants ask

    exif, xmp = inherited_exif(source.exif, output.metadata), inherited_xmp(source.xmp, output.metadata)
    return Carried(picture.profile or b"", exif, xmp)
