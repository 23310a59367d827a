"""How a job's work is done, as the status shows it: parts, decodes, and which variant is cut from which."""

from msgspec import Struct

from contracts.job import Job, Part
from contracts.plans import BranchPlan


class PlannedLevel(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Pixels that are made once, of the decoded picture or `of` the level in that place, and what is made of them."""

    width: int
    height: int
    of: int | None = None
    variants: tuple[str, ...] = ()


class PlannedDecode(Struct, frozen=True, kw_only=True):
    """One decode, at that share of the picture's size, and the levels that are made of it, the largest first."""

    scale: str
    levels: tuple[PlannedLevel, ...]


class PlannedPart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Variants that are made together, in one run of the function. What it planned is known once it has answered."""

    variants: tuple[str, ...]
    outcome: str | None = None
    decodes: tuple[PlannedDecode, ...] = ()
    threads: int | None = None
    deadline_ms: int | None = None
    estimated_ms: int | None = None
    measured_ms: float | None = None
    """Of decoding, resizing and encoding, which the estimate is of."""


def planned_parts(job: Job) -> tuple[PlannedPart, ...]:
    """The parts of the current run, in the order of their dispatch, as far as the job remembers them."""
    return tuple(_part(part) for part in job.parts if part.run == job.run)


def _part(part: Part) -> PlannedPart:
    plan, timings = part.plan, part.timings
    if plan is None:
        return PlannedPart(variants=part.variants, outcome=part.outcome)
    return PlannedPart(
        variants=part.variants,
        outcome=part.outcome,
        decodes=tuple(_decode(branch, part) for branch in plan.branches),
        threads=plan.threads,
        deadline_ms=plan.deadline_ms,
        estimated_ms=plan.estimated_ms,
        measured_ms=None if timings is None else round(timings.decode_ms + timings.transform_ms, 1),
    )


def _decode(branch: BranchPlan, part: Part) -> PlannedDecode:
    levels = tuple(
        PlannedLevel(
            width=level.width,
            height=level.height,
            of=level.parent,
            variants=tuple(part.variants[place] for place in level.variants),
        )
        for level in branch.levels
    )
    return PlannedDecode(scale="1" if branch.scale == 1 else f"1/{branch.scale}", levels=levels)
