"""Which variants of a job go to the function together: light ones in one order, heavy ones apart.

A part costs one more decode of the original; what it buys is that a slow encode runs beside the others and not before
them. The estimates are of wall time on one core of the function and only have to be right in their order of size.
"""

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from contracts.encoding import codec_ms, effort_spent
from contracts.formats import ImageFormat
from contracts.framing import Fit, Resize, Unit
from contracts.identifiers import VariantName
from contracts.job import Fault, JobState, Source
from contracts.limits import MAX_OUTPUT_SIDE, MAX_PARTS, MAX_PIXELS, MAX_SIDE
from contracts.outputs import AUTO
from contracts.variants import Variant

_STEP_MS_PER_MEGAPIXEL: Final = {
    "rotate": 80,
    "background": 15,
    "adjust": 10,
    "filters": 80,
    "mask": 40,
    "overlays": 30,
}
"""Of the output, by fields of a variant, the dearest of each. Measured 2026-11 on a busy core, and brought to scale."""
_LINEAR_MS_PER_MEGAPIXEL: Final = 25
"""Of the original: nothing of it may be left out at decoding."""
_PLAIN: Final = Variant(name="plain")

_BUDGET_TRIES: Final = 4
_PROXY_MEGAPIXELS: Final = 5 * 512 * 512 / 1_000_000
_FRAME_MS_PER_MEGAPIXEL: Final = 40
_ANIMATED: Final = frozenset({ImageFormat.GIF, ImageFormat.WEBP})
HEAVY_MS: Final = 1_000
"""Estimated encoding time from which a variant is heavy: about ten times what decoding 12 MP again costs."""


class Unplannable(Struct, frozen=True, kw_only=True):
    """Nothing of the job can be made: limits broken (rejected) or no variant possible (failed)."""

    state: JobState
    fault: Fault


class Plan(Struct, frozen=True, kw_only=True):
    """Names of the variants of each part, in the order of dispatch, and the variants that cannot be made at all."""

    parts: tuple[tuple[VariantName, ...], ...]
    impossible: tuple[tuple[VariantName, str], ...] = ()


def plan(source: Source, variants: Sequence[Variant]) -> Plan | Unplannable:
    """Cut the variants into at most MAX_PARTS parts; every possible variant is in exactly one.

    Deterministic. A source whose size is not known yet is taken as the largest there may be.
    """
    width, height = source.width or MAX_SIDE, source.height or MAX_PIXELS // MAX_SIDE
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        fault = Fault(code="pixel-limit", detail=f"{width}x{height} pixels, limit {MAX_PIXELS}")
        return Unplannable(state=JobState.REJECTED, fault=fault)
    reasons = {variant.name: why_impossible(variant, width, height) for variant in variants}
    possible = [variant for variant in variants if reasons[variant.name] is None]
    impossible = tuple((name, why) for name, why in reasons.items() if why is not None)
    costs = {variant.name: encode_ms(variant, width, height, _frames_of(source, variant)) for variant in possible}
    heavy = sorted((name for name, ms in costs.items() if ms >= HEAVY_MS), key=lambda name: -costs[name])
    light = tuple(name for name, ms in costs.items() if ms < HEAVY_MS)
    rooms = MAX_PARTS - bool(light)
    bins: list[list[VariantName]] = [[] for _ in range(min(rooms, len(heavy)))]
    for name in heavy:  # the longest first, each where least waits
        min(bins, key=lambda names: sum(costs[other] for other in names)).append(name)
    parts = ((light,) if light else ()) + tuple(tuple(names) for names in bins)
    return Plan(parts=parts, impossible=impossible)


def why_impossible(variant: Variant, width: int, height: int) -> str | None:
    """Why no original of this size (before orientation) can give the variant; None if one can.

    The header does not say whether the picture lies on its side, so a variant that one of both ways allows is allowed.
    What is left of a trimmed picture only its pixels tell.
    """
    beyond = why_beyond(variant, width, height)
    if beyond is not None:
        return beyond
    sides = min(max(_largest_size(variant, *size)) for size in ((width, height), (height, width)))
    if sides > MAX_OUTPUT_SIDE and variant.trim is None:
        return (
            f"the longer side would be {round(sides)} pixels, limit {MAX_OUTPUT_SIDE}; give a smaller width or height"
        )
    return None


def why_beyond(variant: Variant, width: int, height: int) -> str | None:
    """Why the variant's crop lies beyond every picture of this size (before orientation); None if it may not."""
    crop = variant.crop
    if crop is None or crop.unit is Unit.FRACTION:
        return None
    right, bottom = crop.x + crop.width, crop.y + crop.height
    for size in ((width, height), (height, width)):
        across, down = _oriented(variant.rotate, *size)
        # a slanted picture's size is rounded
        if right <= across + 1 and bottom <= down + 1 if variant.rotate % 90 else right <= across and bottom <= down:
            return None
    return f"the crop reaches to {right:g}×{bottom:g}; the picture has {width}×{height} pixels"


def encode_ms(variant: Variant, width: int, height: int, frames: int = 1) -> float:
    """Estimated milliseconds to make and encode the variant of an original of this size, once that is decoded.

    Of an animation every frame is decoded and resized for the variant alone. A quality that is to be found takes the
    tries that find it: of a proxy, or of the whole.
    """
    output = variant.output
    out_width, out_height = _largest_size(variant, width, height)
    steps = sum(ms for name, ms in _STEP_MS_PER_MEGAPIXEL.items() if getattr(variant, name) != getattr(_PLAIN, name))
    codec = codec_ms(output, effort_spent(output, out_width * out_height * frames))
    each = out_width * out_height * (steps + codec * (_BUDGET_TRIES if output.max_bytes else 1))
    if variant.resize and variant.resize.linear:
        each += _LINEAR_MS_PER_MEGAPIXEL * width * height
    if frames > 1:
        each = frames * (each + _FRAME_MS_PER_MEGAPIXEL * width * height)
    return each / 1_000_000 + (_PROXY_MEGAPIXELS * codec if output.quality == AUTO else 0)


def _frames_of(source: Source, variant: Variant) -> int:
    return variant.output.frames_of(source.frames) if source.format in _ANIMATED else 1


def _oriented(rotate: float, width: float, height: float) -> tuple[float, float]:
    """Size of the box that holds the picture once it is turned."""
    if rotate % 180 == 0:
        return width, height
    if rotate % 90 == 0:
        return height, width
    across, down = abs(math.cos(math.radians(rotate))), abs(math.sin(math.radians(rotate)))
    return width * across + height * down, width * down + height * across


def _largest_size(variant: Variant, width: int, height: int) -> tuple[float, float]:
    """Upper bound of the output's size in pixels, not rounded; the exact law is the function's geometry."""
    across, down = _oriented(variant.rotate, width, height)
    crop, resize, pad = variant.crop, variant.resize, variant.pad
    if crop is not None:
        is_share = crop.unit is Unit.FRACTION
        across, down = (crop.width * across, crop.height * down) if is_share else (crop.width, crop.height)
        across, down = max(across, 1.0), max(down, 1.0)
    dpr = 1.0
    if resize is not None:
        dpr = resize.dpr
        across, down = _resized(resize, across, down)
    return across + (pad.left + pad.right) * dpr, down + (pad.top + pad.bottom) * dpr


def _resized(resize: Resize, width: float, height: float) -> tuple[float, float]:
    across = resize.width * resize.dpr / width if resize.width else None
    down = resize.height * resize.dpr / height if resize.height else None
    if across is None or down is None or resize.fit is Fit.INSIDE:
        scale = min(side for side in (across, down) if side is not None)
    elif resize.fit is Fit.OUTSIDE:
        scale = max(across, down)
    else:
        return (resize.width or width) * resize.dpr, (resize.height or height) * resize.dpr
    if not resize.enlarge:
        scale = min(scale, 1.0)
    return width * scale, height * scale
