"""Looking again, commands, and the end of a job."""

from typing import Any, Final

from msgspec.structs import replace

from contracts import debts
from contracts.debts import open_later, open_sent, owe_notify, seconds, settle
from contracts.events import Cancelled, Deleted, Erased, Expired, LapsedDebt, Notified, Retried
from contracts.job import Command, DebtKind, Instant, Job, JobState, Source, VariantRecord, VariantState
from contracts.limits import MAX_COMMANDS, Timing
from contracts.rules.parts import Refusal, without_work

_KEPT_IN_TOMBSTONE: Final = (
    *("schema", "id", "tenant", "run", "revision", "created_at", "updated_at", "queued_at", "started_at"),
    *("finished_at", "expires_at", "key", "upload_until", "direct", "fingerprint", "request_id", "lane"),
    *("public", "original", "commands", "last_token", "last_debt", "last_part"),
)
"""What is kept is named, not what is dropped: a field that comes later is gone unless somebody thought of it."""


def lapsed_debt(job: Job, event: LapsedDebt, now: Instant, timing: Timing) -> Job | Refusal:
    debt = debts.find(job, event.debt)
    if debt is None:
        return Refusal(reason="the debt is settled")
    if not debts.may_lapse(debt, now, timing, purged=event.purged):
        return Refusal(reason="the debt is not due")
    later = debts.lapsed(debt, now, timing, queue_empty=event.queue_empty)
    return replace(job, debts=tuple(later if other.id == debt.id else other for other in job.debts))


def notified(job: Job, event: Notified, now: Instant, timing: Timing) -> Job | Refusal:
    debt = debts.find(job, event.debt)
    if debt is None or debt.kind is not DebtKind.NOTIFY:
        return Refusal(reason="the debt is settled")
    return settle(job, lambda other: other.id == debt.id)


def cancelled(job: Job, event: Cancelled, now: Instant, timing: Timing) -> Job:
    records = tuple(
        replace(record, state=VariantState.CANCELLED) if record.state is VariantState.PENDING else record
        for record in job.variants
    )
    job = _remembered(job, event.command, "cancel")
    job = without_work(replace(job, state=JobState.CANCELLED, variants=records, finished_at=now), "cancelled", now)
    return owe_notify(job, now, timing)


def retried(job: Job, event: Retried, now: Instant, timing: Timing) -> Job | Refusal:
    if event.revision != job.revision:
        return Refusal(reason=f"the job is at revision {job.revision}, not {event.revision}", illegal=True)
    records = tuple(
        VariantRecord(spec=record.spec) if record.state is VariantState.FAILED else record for record in job.variants
    )
    job = replace(
        _remembered(job, event.command, "retry"),
        state=JobState.QUEUED,
        run=job.run + 1,
        variants=records,
        error=None,
        queued_at=now,
        started_at=None,
        finished_at=None,
    )
    return open_sent(job, DebtKind.PROCESS, now, timing)


def deleted(job: Job, event: Deleted, now: Instant, timing: Timing) -> Job:
    return _deleting(_remembered(job, event.command, "delete"), now)


def expired(job: Job, event: Expired, now: Instant, timing: Timing) -> Job | Refusal:
    if now < job.expires_at:
        return Refusal(reason="its life is not over")
    return _deleting(job, now)


def _deleting(job: Job, now: Instant) -> Job:
    """Everything stops; the bytes go now, and once more when nobody can be writing any more."""
    job = without_work(replace(job, state=JobState.DELETING), "dropped", now)
    job = settle(job, lambda debt: True)
    return open_later(job, DebtKind.ERASE, now, round=1)


def erased(job: Job, event: Erased, now: Instant, timing: Timing) -> Job | Refusal:
    debt = debts.find(job, event.debt)
    if debt is None or debt.kind is not DebtKind.ERASE:
        return Refusal(reason="the debt is settled, or another took its place")
    job = settle(job, lambda other: other.id == debt.id)
    if job.state is not JobState.DELETING:
        return job
    if debt.round == 1:
        return open_later(job, DebtKind.ERASE, _last_writes_end(job, now, timing), round=2)
    return _tombstone(job, now, timing)


def _last_writes_end(job: Job, now: Instant, timing: Timing) -> Instant:
    """When no function and no upload that was under way at the first erasure can write any more."""
    slowest = max(timing.function_timeout_seconds, timing.upload_deadline_seconds) + timing.grace_seconds
    last_post = job.upload_until + seconds(timing.late_post_seconds) if job.direct else 0
    return max(last_post, now + seconds(slowest))


def _tombstone(job: Job, now: Instant, timing: Timing) -> Job:
    """What is left: that the job was, and when. No file name, no metadata, no digest, nothing of the picture."""
    kept: dict[str, Any] = {name: getattr(job, name) for name in _KEPT_IN_TOMBSTONE}
    return Job(**kept, state=JobState.DELETED, forget_at=now + seconds(timing.tombstone_seconds), source=Source())


def _remembered(job: Job, command: str, kind: str) -> Job:
    """With the command among the last ones; `revision` is the one its write will have."""
    done = Command(id=command, kind=kind, revision=job.revision + 1)
    return replace(job, commands=(*job.commands, done)[-MAX_COMMANDS:])
