"""The work itself: planned, answered, crashed."""

from typing import Final

import msgspec
from msgspec.structs import replace

from contracts.debts import settle
from contracts.errors import BadMessage
from contracts.events import Crashed, Planned
from contracts.job import DebtKind, Fault, Instant, Job, JobState, Part, Result, VariantRecord, VariantState
from contracts.limits import Timing
from contracts.messages import Answer, Done, Failed, Finished, Retryable, Undone
from contracts.places import ResultPlace, parse_analysis, parse_result
from contracts.planning import Unplannable, plan
from contracts.quality import Choice
from contracts.rules.parts import Refusal, closed, concluded, dispatched, rejected, stale, variants_failed, with_record

_CRASHES_ALLOWED: Final = 2
"""Crashes of a variant that was alone in its part before it is given up."""

_MAX_DETAIL_BYTES: Final = 160
_MAX_WORD_CHARS: Final = 100
_MAX_WARNINGS: Final = 4
_MAX_WARNING_CHARS: Final = 30
_MAX_CARRIED: Final = 2
"""Kinds of what one variant carries that are told apart; each is a word of `_MAX_WARNING_CHARS` at most."""
_MOST_PROBES: Final = 300
"""Tries of qualities, of all variants together."""
_MAX_FACTS_BYTES: Final = 6 * 1024
"""Of what a job keeps of an answer, so that fifty variants and their story fit its row."""


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
        # every part looks at the picture: what was seen first stays, so that it does not flicker while others come
        facts = event.facts if job.facts is None or job.facts.carried is None else job.facts
        job = replace(job, facts=facts, source=source)
    if event.undecodable is not None:
        return _undecodable(job, part, _fault(event.undecodable, event.detail), now, timing)
    answers = {answer.name: answer for answer in event.answers}
    records = {record.spec.name: record for record in job.variants}
    # whether the order got something done is known before what it had no time for is judged
    for name, answer in answers.items():
        if not isinstance(answer, Undone):
            records[name] = _answered(records[name], answer, event.engine, timing, _MOST_PROBES // len(records))
    closes_some = any(records[name].state is not VariantState.PENDING for name in answers)
    for name, answer in answers.items():
        if isinstance(answer, Undone) and not closes_some:
            records[name] = _answered(records[name], answer, event.engine, timing, _MOST_PROBES // len(records))
    job = replace(job, variants=tuple(records.values()))
    again = [record for name, record in records.items() if name in answers and record.state is VariantState.PENDING]
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
    """Whether our function can have given this answer: short, the part's variants exactly, each result in its place."""
    if not _is_short(event):
        return False
    if event.undecodable is not None:
        return not event.answers
    names = [answer.name for answer in event.answers]
    if sorted(names) != sorted(part.variants):
        return False
    if event.facts is not None and event.facts.more is not None and not _is_of(event.facts.more, job):
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


def _is_of(more: str, job: Job) -> bool:
    """Whether this is the place of an analysis of this very job: links are signed for it."""
    try:
        place = parse_analysis(more)
    except BadMessage:
        return False
    return (place.tenant, place.job_id) == (job.tenant, job.id)


def _answered(record: VariantRecord, answer: Answer, engine: str, timing: Timing, most_probes: int) -> VariantRecord:
    """The variant after its answer: completed, failed, or still pending with the try that it spent.

    Not for one that only ran out of time while the order got something done: it spends none, and goes further next
    time.
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
            warnings=tuple(warning for warning in answer.warnings if len(warning) <= _MAX_WARNING_CHARS)[
                :_MAX_WARNINGS
            ],
            engine=engine,
            frames=answer.frames,
            kept_source=answer.kept_source,
            choice=_told(answer.choice, most_probes),
            palette=answer.palette,
            carries=None if answer.carries is None else answer.carries[:_MAX_CARRIED],
        )
        return replace(record, state=VariantState.COMPLETED, result=result, error=None)
    if isinstance(answer, Failed):
        return replace(record, state=VariantState.FAILED, error=_fault(answer.code, answer.detail))
    if isinstance(answer, Undone):
        fault = Fault(code="resource-limit", detail="there was never time enough for it", retryable=True)
    else:
        fault = _fault(answer.code, answer.detail, retryable=True)
    tries = record.tries + 1
    if tries >= timing.variant_tries:
        return replace(record, tries=tries, state=VariantState.FAILED, error=fault)
    return replace(record, tries=tries)


def _told(choice: Choice | None, most: int) -> Choice | None:
    """Why the quality was chosen, with as many of the tries as the row has room for: the last, which decided."""
    return None if choice is None else replace(choice, probes=choice.probes[-most:])


def _is_short(event: Finished) -> bool:
    """Whether what is kept of the answer leaves the job its row; details and warnings are cut, the rest is not.

    The function works on what strangers sent: an answer as long as a message may be would fill the row for good.
    """
    words = [event.function_request_id, event.engine, event.undecodable or ""]
    for answer in event.answers:
        if isinstance(answer, Failed | Retryable):
            words.append(answer.code)
        if isinstance(answer, Done) and any(len(word) > _MAX_WARNING_CHARS for word in answer.carries or ()):
            return False
    facts = 0 if event.facts is None else len(msgspec.json.encode(event.facts))
    return facts <= _MAX_FACTS_BYTES and all(len(word) <= _MAX_WORD_CHARS and word.isascii() for word in words)


def _fault(code: str, detail: str, *, retryable: bool = False) -> Fault:
    """With as much of the detail as each of fifty variants may have, and of that only what can be read."""
    short = detail.encode(errors="replace")[:_MAX_DETAIL_BYTES].decode(errors="ignore")
    plain = "".join(char if char.isprintable() else "?" for char in short)
    return Fault(code=code, detail=plain, retryable=retryable)


def _undecodable(job: Job, part: Part, fault: Fault, now: Instant, timing: Timing) -> Job:
    """The original cannot be read: the job is rejected, unless something was made of it."""
    if any(record.state is VariantState.COMPLETED for record in job.variants):
        return concluded(variants_failed(job, set(part.variants), fault), now, timing)
    pending = {record.spec.name for record in job.variants if record.state is VariantState.PENDING}
    return rejected(variants_failed(job, pending, fault), fault, now, timing)
