"""The work itself: planned, answered, crashed."""

from typing import Final

from msgspec.structs import replace

from contracts.debts import settle
from contracts.errors import BadMessage
from contracts.events import Crashed, Planned
from contracts.job import DebtKind, Fault, Instant, Job, JobState, Part, Result, VariantRecord, VariantState
from contracts.limits import Timing
from contracts.messages import Answer, Done, Failed, Finished, Retryable, Undone
from contracts.places import ResultPlace, parse_result
from contracts.planning import Unplannable, plan
from contracts.rules.parts import Refusal, closed, concluded, dispatched, rejected, stale, variants_failed, with_record

_CRASHES_ALLOWED: Final = 2
"""Crashes of a variant that was alone in its part before it is given up."""


def planned(job: Job, event: Planned, now: Instant, timing: Timing) -> Job:
    job = settle(job, lambda debt: debt.kind is DebtKind.PROCESS)
    job = replace(job, started_at=now)
    pending = [record.spec for record in job.variants if record.state is VariantState.PENDING]
    cut = plan(job.source, pending)
    if isinstance(cut, Unplannable):
        job = variants_failed(job, {spec.name for spec in pending}, cut.fault)
        return rejected(job, cut.fault, now, timing) if cut.state is JobState.REJECTED else concluded(job, now, timing)
    for name, reason in cut.impossible:
        job = variants_failed(job, {name}, Fault(code="spec-invalid", detail=reason))
    for names in cut.parts:
        job = dispatched(job, names, now, timing)
    return concluded(replace(job, state=JobState.PROCESSING), now, timing)


def finished(job: Job, event: Finished, now: Instant, timing: Timing) -> Job | Refusal:
    part = job.open_part(event.token)
    if part is None:
        return stale(job, event.token)
    if not _fits(job, part, event):
        return crashed(job, Crashed(token=event.token), now, timing)
    job = closed(job, part, "finished" if event.undecodable is None else "undecodable", now, event)
    if event.facts is not None:
        source = replace(job.source, sha256=job.source.sha256 or event.facts.sha256)
        job = replace(job, facts=event.facts, source=source)
    if event.undecodable is not None:
        return _undecodable(job, part, Fault(code=event.undecodable, detail=event.detail), now, timing)
    closes_some = any(isinstance(answer, Done | Failed) for answer in event.answers)
    answers = {answer.name: answer for answer in event.answers}
    again: list[VariantRecord] = []
    records = []
    for record in job.variants:
        answer = answers.get(record.spec.name)
        if answer is not None:
            record = _answered(record, answer, event.engine, timing, spares_undone=closes_some)
            if record.state is VariantState.PENDING:
                again.append(record)
        records.append(record)
    job = replace(job, variants=tuple(records))
    if again:
        spent = any(isinstance(answers[record.spec.name], Retryable) for record in again) or not closes_some
        tries = max(record.tries for record in again) if spent else 0
        job = dispatched(job, tuple(record.spec.name for record in again), now, timing, tries=tries)
    return concluded(job, now, timing)


def crashed(job: Job, event: Crashed, now: Instant, timing: Timing) -> Job | Refusal:
    """The order killed every run: several variants are parted to find the culprit, a single one spends a try."""
    part = job.open_part(event.token)
    if part is None:
        return stale(job, event.token)
    job = closed(job, part, "crashed", now)
    if len(part.variants) > 1:
        half = (len(part.variants) + 1) // 2
        job = dispatched(job, part.variants[:half], now, timing)
        return dispatched(job, part.variants[half:], now, timing)
    (name,) = part.variants
    record = next(record for record in job.variants if record.spec.name == name)
    record = replace(record, tries=record.tries + 1, crashes=record.crashes + 1)
    given_up = record.crashes >= _CRASHES_ALLOWED or record.tries >= timing.variant_tries
    job = with_record(job, record)
    if given_up:
        job = variants_failed(
            job, {name}, Fault(code="resource-limit", detail="the function died on it", retryable=True)
        )
        return concluded(job, now, timing)
    return dispatched(job, part.variants, now, timing, tries=record.tries)


def _fits(job: Job, part: Part, event: Finished) -> bool:
    """Whether our function can have given this answer: the part's variants exactly, each result in its place."""
    if event.undecodable is not None:
        return not event.answers
    names = [answer.name for answer in event.answers]
    if sorted(names) != sorted(part.variants):
        return False
    specs = {record.spec.name: record.spec for record in job.variants}
    for answer in event.answers:
        if isinstance(answer, Done):
            wanted = ResultPlace(job.tenant, job.id, answer.name, answer.digest, specs[answer.name].output.format)
            try:
                if parse_result(answer.key) != wanted or answer.format is not wanted.format:
                    return False
            except BadMessage:
                return False
    return True


def _answered(
    record: VariantRecord, answer: Answer, engine: str, timing: Timing, *, spares_undone: bool
) -> VariantRecord:
    """The variant after its answer: completed, failed, or still pending with the try that it spent.

    One that only ran out of time spends none if the order got something done: it will go further next time.
    """
    if isinstance(answer, Done):
        result = Result(
            key=answer.key,
            digest=answer.digest,
            bytes=answer.bytes,
            width=answer.width,
            height=answer.height,
            format=answer.format,
            elapsed_ms=answer.elapsed_ms,
            warnings=answer.warnings,
            engine=engine,
        )
        return replace(record, state=VariantState.COMPLETED, result=result, error=None)
    if isinstance(answer, Failed):
        fault = Fault(code=answer.code, detail=answer.detail)
        return replace(record, state=VariantState.FAILED, error=fault)
    if isinstance(answer, Undone):
        if spares_undone:
            return record
        fault = Fault(code="resource-limit", detail="there was never time enough for it", retryable=True)
    else:
        fault = Fault(code=answer.code, detail=answer.detail, retryable=True)
    tries = record.tries + 1
    if tries >= timing.variant_tries:
        return replace(record, tries=tries, state=VariantState.FAILED, error=fault)
    return replace(record, tries=tries)


def _undecodable(job: Job, part: Part, fault: Fault, now: Instant, timing: Timing) -> Job:
    """The original cannot be read: the job is rejected, unless something was made of it."""
    if any(record.state is VariantState.COMPLETED for record in job.variants):
        return concluded(variants_failed(job, set(part.variants), fault), now, timing)
    pending = {record.spec.name for record in job.variants if record.state is VariantState.PENDING}
    return rejected(variants_failed(job, pending, fault), fault, now, timing)
