"""How one part of a job is carried out, as the function planned it and did it. Shown in the status. Pure.

    decoded at 1/2 ──▶ 1600×1067 ──▶ 400×267        decoded at 1/4 ──▶ 800×533
                          │              │                                │
                        large          small                            medium

Short, for fifty variants have to fit the job's row: variants are places in the part's list of them.
"""

from typing import Annotated

from msgspec import Meta, Struct

from contracts.limits import MAX_VARIANTS

Place = Annotated[int, Meta(ge=0, lt=MAX_VARIANTS)]


class LevelPlan(Struct, frozen=True, array_like=True):
    """Pixels that are made once: `parent` is the place of the level they are cut from, None for the decoded picture.

    `variants` are encoded from it, the longest first; sizes in pixels, before any padding.
    """

    width: Annotated[int, Meta(ge=1)]
    height: Annotated[int, Meta(ge=1)]
    parent: Place | None
    variants: Annotated[tuple[Place, ...], Meta(max_length=MAX_VARIANTS)]


class BranchPlan(Struct, frozen=True, array_like=True):
    """One decode, at 1/scale of the picture's size, and what is made of it; parents stand before their children."""

    scale: Annotated[int, Meta(ge=1, le=8)]
    levels: Annotated[tuple[LevelPlan, ...], Meta(max_length=MAX_VARIANTS)]


class PartPlan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One part's plan: branches run beside each other on `threads`; both times in ms, the deadline from its begin."""

    branches: Annotated[tuple[BranchPlan, ...], Meta(max_length=2 * MAX_VARIANTS)]
    threads: Annotated[int, Meta(ge=1)]
    deadline_ms: Annotated[int, Meta(ge=0)]
    estimated_ms: Annotated[int, Meta(ge=0)] = 0


def is_of(plan: PartPlan, variants: int) -> bool:
    """Whether the plan is one of so many variants: each in one place at most, and parents before their children."""
    places = [place for branch in plan.branches for level in branch.levels for place in level.variants]
    parents = all(
        level.parent is None or level.parent < index
        for branch in plan.branches
        for index, level in enumerate(branch.levels)
    )
    return parents and len(places) == len(set(places)) and all(place < variants for place in places)
