"""Promises as they are held: each time that one was put to the proof is counted, so that none can be proven by nothing.

The walk, and the judges of the simulation, say `hold(promise, is it kept, when=does it apply here)`. A promise begins
with the numbers of the invariants that it is of: "8, 20: ...".
"""

from collections import Counter
from typing import Final

from contracts.job import DebtKind, Job, JobState, Source, VariantState

HELD: Final[Counter[str]] = Counter()
"""How often each promise applied, and was kept."""

MOVES: Final = frozenset(
    (JobState(before), JobState(after))
    for before, afters in {
        "awaiting_upload": "queued rejected abandoned cancelled deleting",
        "queued": "processing failed rejected partially_completed cancelled deleting",
        "processing": "completed partially_completed failed rejected cancelled deleting",
        "completed": "deleting",
        "partially_completed": "queued deleting",
        "failed": "queued deleting",
        "rejected": "deleting",
        "cancelled": "deleting",
        "abandoned": "deleting",
        "deleting": "deleted",
        "deleted": "",
    }.items()
    for after in afters.split()
)
"""Every move between different states that the protocol allows, written down apart from the table of `lifecycle`."""

_RANK: Final = {
    JobState.AWAITING_UPLOAD: 0,
    JobState.QUEUED: 1,
    JobState.PROCESSING: 2,
    JobState.DELETING: 4,
    JobState.DELETED: 5,
}


class Broken(AssertionError):
    """An invariant does not hold; the message carries its number, and whoever knows it adds the trace."""

    def __init__(self, promise: str) -> None:
        super().__init__(promise)
        BROKEN.append(self)


BROKEN: Final[list[Broken]] = []
"""Found so far. A sweeper or a reader lives through any exception, also through one that a judge raised beneath it: who
drives them looks here after each step, and begins with none."""


def hold(promise: str, kept: bool, *, when: bool = True) -> None:
    """Raises Broken for a promise that applies and is not kept."""
    if when:
        if not kept:
            raise Broken(promise)
        HELD[promise] += 1


def rank(state: JobState) -> int:
    """How far a client has seen a job come within one run; every end is alike."""
    return _RANK.get(state, 3)


def judge_document(job: Job) -> None:
    """What one document shows by itself."""
    state, kinds = job.state, {debt.kind for debt in job.debts}
    pending = sorted(record.spec.name for record in job.variants if record.state is VariantState.PENDING)
    variants = {record.state for record in job.variants}
    tokens = sorted(part.token for part in job.parts if part.is_open)
    dispatched = sorted(name for part in job.parts if part.is_open for name in part.variants)
    owed = sorted(debt.token or 0 for debt in job.debts if debt.kind is DebtKind.TRANSFORM)
    leaving = state in {JobState.DELETING, JobState.DELETED}
    looked_at = job.alarm_at is not None and job.due_at is not None
    hold("12: every row but a tombstone has an alarm, and a date", looked_at, when=state is not JobState.DELETED)
    hold("12: every open part is owed, and nothing else is", owed == tokens)
    hold("12: a queued job owes its planning", DebtKind.PROCESS in kinds, when=state is JobState.QUEUED)
    hold("19: a pending variant is in one open part", dispatched == pending, when=state is JobState.PROCESSING)
    worked = tokens or kinds & {DebtKind.PROCESS, DebtKind.TRANSFORM}
    hold("5: a final job owes no work", not worked, when=job.is_final)
    hold("5: a job on its way out owes erasures only", not kinds - {DebtKind.ERASE}, when=leaving)
    known = job.source != Source() or job.variants or job.meta
    hold("15: a tombstone knows nothing", not known, when=state is JobState.DELETED)
    made = {VariantState.COMPLETED}
    hold("7: completed means all of it", variants == made, when=state is JobState.COMPLETED)
    some = variants == made | {VariantState.FAILED}
    hold("7: partially completed means some of each", some, when=state is JobState.PARTIALLY_COMPLETED)
    lost = state in {JobState.FAILED, JobState.REJECTED}
    hold("7: what was made is not lost to a failure", not variants & made, when=lost)
    hold("3: a debt's id is given out once", len({debt.id for debt in job.debts}) == len(job.debts))
    hold("3: a token is given out once", len({part.token for part in job.parts}) == len(job.parts))


def judge_change(before: Job, after: Job) -> None:
    """What two successive documents of a job show."""
    hold("3: a write raises the revision by one", after.revision == before.revision + 1)
    fallen = [name for name in _COUNTERS if getattr(after, name) < getattr(before, name)]
    hold("3: run, tokens, parts and debts never fall", not fallen)
    moved, same_run = after.state is not before.state, after.run == before.run
    hold("2: a job moves along the table", (before.state, after.state) in MOVES, when=moved)
    hold("9: within a run no client sees the state go back", rank(after.state) >= rank(before.state), when=same_run)
    if before.is_final and not moved:
        hold("5: what a final job came to stays", all(getattr(before, n) == getattr(after, n) for n in _KEPT))
    made = {record.spec.name: record.result for record in before.variants if record.result is not None}
    now = {record.spec.name: record.result for record in after.variants if record.spec.name in made}
    hold("4: a completed variant keeps its result", now == made, when=bool(now))
    answered = {part.token for part in before.parts if part.is_open} - {p.token for p in after.parts if p.is_open}
    if not answered and same_run and after.variants:
        spent = [(record.tries, record.crashes) for record in after.variants]
        hold("24: waiting costs no try", spent == [(record.tries, record.crashes) for record in before.variants])


_COUNTERS: Final = ("run", "last_token", "last_debt", "last_part")
_KEPT: Final = ("variants", "parts", "original", "facts", "error", "last_token", "run")
