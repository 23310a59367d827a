"""Parts and ends of a job's work: what several rules do to the document. Pure."""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.debts import back_off, open_later, open_sent, owe_erase, owe_notify, settle
from contracts.job import DebtKind, Fault, Instant, Job, JobState, Part, VariantRecord, VariantState
from contracts.limits import Timing
from contracts.messages import Finished
from contracts.plans import is_of

_CLOSED_PARTS_KEPT: Final = 24
_CLOSED_NAMES_KEPT: Final = 60
"""Of closed parts, and of variants in them: both are for people to read and must not fill the document. The tokens of
forgotten ones are fenced off by `last_token`."""


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a rule did nothing: superseded, or (`illegal`) impossible."""

    reason: str
    illegal: bool = False


def dispatched(job: Job, names: tuple[str, ...], now: Instant, timing: Timing, *, tries: int = 0) -> Job:
    """A new part under a new token; after a spent try it waits before it is sent."""
    token, number = job.last_token + 1, job.last_part + 1
    part = Part(number=number, token=token, run=job.run, variants=names, opened_at=now)
    job = replace(job, parts=(*job.parts, part), last_token=token, last_part=number)
    if tries:
        return open_later(job, DebtKind.TRANSFORM, now + back_off(job, tries, timing), token=token)
    return open_sent(job, DebtKind.TRANSFORM, now, timing, token=token)


def closed(job: Job, part: Part, outcome: str, now: Instant, event: Finished | None = None) -> Job:
    """With this part closed and its debt settled."""
    after = replace(part, closed_at=now, outcome=outcome)
    if event is not None:
        plan = event.plan if event.plan is not None and is_of(event.plan, len(part.variants)) else None
        after = replace(after, timings=event.timings, plan=plan, function_request_id=event.function_request_id)
    parts = tuple(after if other.token == part.token else other for other in job.parts)
    job = replace(job, parts=pruned(parts))
    return settle(job, lambda debt: debt.kind is DebtKind.TRANSFORM and debt.token == part.token)


def without_work(job: Job, outcome: str, now: Instant) -> Job:
    """With every part closed and nothing owed to the work."""
    for part in job.parts:
        if part.is_open:
            job = closed(job, part, outcome, now)
    return settle(job, lambda debt: debt.kind in {DebtKind.PROCESS, DebtKind.TRANSFORM})


def stale(job: Job, token: int) -> Refusal:
    if not 1 <= token <= job.last_token:
        return Refusal(reason="no order of this job had that token", illegal=True)
    return Refusal(reason="the part is closed")


def variants_failed(job: Job, names: set[str], fault: Fault) -> Job:
    records = tuple(
        replace(record, state=VariantState.FAILED, error=fault) if record.spec.name in names else record
        for record in job.variants
    )
    return replace(job, variants=records)


def with_record(job: Job, record: VariantRecord) -> Job:
    records = tuple(record if other.spec.name == record.spec.name else other for other in job.variants)
    return replace(job, variants=records)


def pruned(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Without the oldest closed parts, so that the document stays small however often parts were split."""
    kept: list[Part] = []
    closed_parts = names = 0
    for part in reversed(parts):
        if not part.is_open:
            closed_parts += 1
            names += len(part.variants)
            if closed_parts > _CLOSED_PARTS_KEPT or names > _CLOSED_NAMES_KEPT:
                continue
        kept.append(part)
    return tuple(reversed(kept))


def rejected(job: Job, fault: Fault, now: Instant, timing: Timing) -> Job:
    """The original is at fault: nothing of it is kept but the row."""
    job = without_work(replace(job, state=JobState.REJECTED, error=fault, finished_at=now), "dropped", now)
    return owe_notify(owe_erase(job, now), now, timing)


def concluded(job: Job, now: Instant, timing: Timing) -> Job:
    """Final, if no part is open any more: completed, failed, or some of each."""
    if any(part.is_open for part in job.parts):
        return job
    states = {record.state for record in job.variants}
    if states == {VariantState.COMPLETED}:
        state = JobState.COMPLETED
    elif VariantState.COMPLETED in states:
        state = JobState.PARTIALLY_COMPLETED
    else:
        state = JobState.FAILED
    return owe_notify(replace(job, state=state, finished_at=now), now, timing)
