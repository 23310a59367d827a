"""Which variants of a job go to the function together: light ones in one order, heavy ones apart.

A part costs one more decode of the original; what it buys is that a slow encode runs beside the others and not before
them. The estimates are of wall time on one core of the function and only have to be right in their order of size.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from contracts.framing import Fit, Resize
from contracts.identifiers import VariantName
from contracts.job import Fault, JobState, Source
from contracts.limits import MAX_OUTPUT_SIDE, MAX_PARTS, MAX_PIXELS, MAX_SIDE
from contracts.outputs import OutputFormat
from contracts.variants import Variant

# Measured 2026-11 with Pillow 13 on one core: encoding one megapixel of a photograph with our settings.
_ENCODE_MS_PER_MEGAPIXEL: Final = {
    OutputFormat.JPEG: 12,
    OutputFormat.WEBP: 110,
    OutputFormat.PNG: 120,
    OutputFormat.AVIF: 250,
    OutputFormat.GIF: 150,
    OutputFormat.TIFF: 120,
}
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
    costs = {variant.name: encode_ms(variant, width, height) for variant in possible}
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
    """
    sides = min(max(_largest_size(variant.resize, *size)) for size in ((width, height), (height, width)))
    if sides > MAX_OUTPUT_SIDE:
        return (
            f"the longer side would be {round(sides)} pixels, limit {MAX_OUTPUT_SIDE}; give a smaller width or height"
        )
    return None


def encode_ms(variant: Variant, width: int, height: int) -> float:
    """Estimated milliseconds to encode the variant of an original of this size."""
    out_width, out_height = _largest_size(variant.resize, width, height)
    return out_width * out_height / 1_000_000 * _ENCODE_MS_PER_MEGAPIXEL[variant.output.format]


def _largest_size(resize: Resize | None, width: int, height: int) -> tuple[float, float]:
    """Upper bound of the output's size in pixels, not rounded; the exact law is the function's geometry."""
    if resize is None:
        return width, height
    across = resize.width / width if resize.width else None
    down = resize.height / height if resize.height else None
    if across is None or down is None or resize.fit is Fit.INSIDE:
        scale = min(side for side in (across, down) if side is not None)
    elif resize.fit is Fit.OUTSIDE:
        scale = max(across, down)
    else:
        return float(resize.width or width), float(resize.height or height)
    if not resize.enlarge:
        scale = min(scale, 1.0)
    return width * scale, height * scale
