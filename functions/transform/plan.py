"""The plan that is carried out, in the words of the contracts: what the status shows is what was done.

Arithmetic without a picture. `pipeline` has the branches that it runs told here, so that nothing else can be shown.
"""

from collections.abc import Sequence

from contracts.plans import BranchPlan, LevelPlan, PartPlan
from contracts.variants import Variant
from functions.transform.geometry import Size
from functions.transform.pyramid import Branch, decode_ns, encode_ns

Strand = tuple[Sequence[Variant], Sequence[Branch]]
"""Variants, and the branches whose levels name them by their places."""


def part_plan(
    asked: Sequence[Variant], strands: Sequence[Strand], upright: Size, *, threads: int, seconds: float
) -> PartPlan:
    """The plan of the variants that were asked for; those that are in no branch are not in it."""
    places = {variant.name: place for place, variant in enumerate(asked)}
    branches: list[BranchPlan] = []
    total = longest = 0.0
    for variants, grown in strands:
        for branch in grown:
            levels = tuple(
                LevelPlan(*level.cut.size, level.parent, tuple(places[variants[one].name] for one in level.variants))
                for level in branch.levels
            )
            branches.append(BranchPlan(branch.scale, levels))
            decode = decode_ns(upright, branch.scale)
            encodes = [encode_ns(level.cut.size, variants[one]) for level in branch.levels for one in level.variants]
            total += decode + sum(encodes)
            longest = max(longest, decode + max(encodes, default=0.0))
    return PartPlan(
        branches=tuple(branches),
        threads=threads,
        deadline_ms=max(0, round(1_000 * seconds)),
        # no less than the longest chain, no less than everything shared out
        estimated_ms=round(max(longest, total / threads) / 1_000_000),
    )
