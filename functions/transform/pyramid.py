"""Which variant is cut from which: the plan of one picture's variants, as arithmetic without a picture.

A variant is made from the smallest one that is enough larger and has the whole picture, else from the decoded pixels:

    decoded ──▶ 1600w ──▶ 800w ─┬─▶ 400w ──▶ webp
                  │         │   └─▶ 150×150 cover ──▶ jpeg
                 jpeg      webp

With two threads a JPEG may be decoded twice, at two scales: the second branch need not wait for the first.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from contracts.framing import Kernel
from contracts.outputs import OutputFormat
from contracts.variants import Variant
from functions.transform.geometry import UNSEEN, Cut, Extent, Sight, Size, draft_scale, frame

NOTHING_SEEN: Final[Mapping[str, Sight]] = {}

LEAST_STEP: Final = 1.5
"""How much larger than a variant the one must be that it is cut from: resizing twice by little blurs."""
SMALL_PIXELS: Final = 256
SMALL_STEP: Final = 3.0
"""The same for a variant whose sides are at most SMALL_PIXELS: what was resized four times shows there most, and a
larger parent costs least (150 pixels from 800 instead of 400: a quarter of a point of SSIMULACRA2, mean of six)."""
_WORTH: Final = 0.95
"""Of the estimated time of one branch: a second one has to beat it by this, for it costs a decode."""

_NS_PER_SOURCE_PIXEL: Final = 2.5
_NS_PER_DECODED_PIXEL: Final = 2.0
_NS_PER_ENCODED_PIXEL: Final = {
    OutputFormat.JPEG: 8.0,
    OutputFormat.WEBP: 60.0,
    OutputFormat.AVIF: 650.0,
    OutputFormat.PNG: 290.0,
    OutputFormat.GIF: 150.0,
    OutputFormat.TIFF: 120.0,
}
"""Measured on one core of x86-64 with AVX2 (2026-11). They only choose between one branch and two."""


class Level(Struct, frozen=True):
    """A picture to be made: `parent` is the index of the level it is cut from, None for the decoded pixels.

    `variants` are indices of those that are encoded from it, the longest encode first.
    """

    cut: Cut
    parent: int | None
    variants: tuple[int, ...]


class Branch(Struct, frozen=True):
    """One decode, at 1/scale, and the levels made from it; parents stand before their children, large before small."""

    scale: int
    levels: tuple[Level, ...]


class _Wanted(Struct, frozen=True):
    cut: Cut
    variants: tuple[int, ...]
    encode_ns: float


def planned(
    upright: Size,
    variants: Sequence[Variant],
    *,
    threads: int = 1,
    scales: bool = False,
    sights: Mapping[str, Sight] = NOTHING_SEEN,
) -> tuple[Branch, ...]:
    """The branches in which all variants of a picture of this size are made: one, or two that run beside each other.

    `scales` says that decoding at a reduced scale is cheaper, and so may be done twice. `sights` has by name what was
    seen in the picture for variants that depend on it.
    """
    wanted = _wanted(upright, variants, sights)
    one = _branch(upright, wanted, scales=scales)
    if not scales or threads < 2:
        return (one,)
    best: tuple[Branch, ...] = (one,)
    least = _WORTH * _estimate(upright, [(one, wanted)])
    for split in range(1, len(wanted)):
        parts = [wanted[:split], wanted[split:]]
        branches = [_branch(upright, part, scales=True) for part in parts]
        if branches[1].scale > branches[0].scale:
            time = _estimate(upright, list(zip(branches, parts, strict=True)))
            if time < least:
                best, least = tuple(branches), time
    return best


def _wanted(upright: Size, variants: Sequence[Variant], sights: Mapping[str, Sight]) -> list[_Wanted]:
    """The distinct cuts, the largest first; variants of the same cut share its pixels."""
    frames = [frame(upright, variant, sights.get(variant.name, UNSEEN)) for variant in variants]
    by_cut: dict[Cut, list[int]] = {}
    for index, each in enumerate(frames):
        by_cut.setdefault(each.cut, []).append(index)
    wanted = []
    for each, indices in by_cut.items():
        costs = {index: encode_ns(frames[index].canvas, variants[index]) for index in indices}
        longest_first = tuple(sorted(indices, key=lambda index, costs=costs: -costs[index]))
        wanted.append(_Wanted(each, longest_first, sum(costs.values())))
    return sorted(wanted, key=lambda one: (-_area(one.cut.whole), -_area(one.cut.size), one.variants))


def _branch(upright: Size, wanted: Sequence[_Wanted], *, scales: bool) -> Branch:
    levels: list[Level] = []
    for one in wanted:
        parent = _parent(levels, one.cut)
        levels.append(Level(one.cut, parent, one.variants))
    may_scale = scales and not any(one.cut.is_exact for one in wanted)
    return Branch(draft_scale(upright, [one.cut.whole for one in wanted]) if may_scale else 1, tuple(levels))


def _parent(levels: Sequence[Level], child: Cut) -> int | None:
    """The smallest level that has the whole picture, sufficiently larger than the child in both directions."""
    across, down = child.whole
    step = LEAST_STEP if max(child.size) > SMALL_PIXELS else SMALL_STEP
    for index in range(len(levels) - 1, -1, -1):
        width, height = levels[index].cut.size
        is_larger = width >= step * across and height >= step * down
        if is_larger and _may_be_parent(levels[index].cut, child):
            return index
    return None


def _may_be_parent(parent: Cut, child: Cut) -> bool:
    """Whether the child made from it has the pixels that it would have had of the original, but for rounding."""
    same_way = (parent.kernel, parent.linear) == (child.kernel, child.linear)
    return parent.is_whole and same_way and child.kernel is not Kernel.NEAREST and not _enlarges(parent)


def _enlarges(cut: Cut) -> bool:
    return cut.size[0] > cut.source[0] or cut.size[1] > cut.source[1]


def _estimate(upright: Size, branches: Sequence[tuple[Branch, Sequence[_Wanted]]]) -> float:
    """Nanoseconds on two threads: no less than the longest chain, no less than half of all work."""
    everything, longest = 0.0, 0.0
    for branch, wanted in branches:
        decode = decode_ns(upright, branch.scale)
        everything += decode + sum(one.encode_ns for one in wanted)
        longest = max(longest, decode + max(one.encode_ns / len(one.variants) for one in wanted))
    # of one branch the second thread can use nothing but the encodes
    alone = decode_ns(upright, branches[0][0].scale) if len(branches) == 1 else 0.0
    return max(longest, alone + (everything - alone) / 2)


def decode_ns(upright: Size, scale: int) -> float:
    """Nanoseconds of one core, estimated, to decode at 1/scale."""
    pixels = _area(upright)
    return _NS_PER_SOURCE_PIXEL * pixels + _NS_PER_DECODED_PIXEL * pixels / (scale * scale)


def encode_ns(canvas: Size, variant: Variant) -> float:
    """Nanoseconds of one core, estimated, to encode the variant."""
    return _NS_PER_ENCODED_PIXEL[variant.output.format] * _area(canvas)


def _area(size: Extent) -> float:
    return size[0] * size[1]
