"""What a job owes: opening, settling and repeating debts, and the messages that carry them.

Pure; called by `lifecycle` alone, but for `owed`, `ordered` and `message_of`. A debt is dated when it is opened:
`sent_at` = now means that its message goes out right after the write; without it the debt is backing off (or is an
erasure, which the sweeper carries out itself) and is looked at when it is due.
"""

import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

from msgspec.structs import replace

from contracts.identifiers import VariantName
from contracts.job import Debt, DebtKind, Instant, Job, Lane
from contracts.limits import Timing
from contracts.messages import Message, Notify, Outgoing, Process, Queue, Transform
from contracts.variants import Variant, asset_names, told

_JITTER: Final = (0.75, 1.25)
"""Back-off is stretched by a factor in this range, so that jobs which failed together do not come back together."""


def open_sent(job: Job, kind: DebtKind, now: Instant, timing: Timing, **details: Any) -> Job:
    """A new debt whose message is sent after this write."""
    return _opened(job, kind, due_at=now + seconds(timing.first_gap_seconds), sent_at=now, **details)


def open_later(job: Job, kind: DebtKind, due_at: Instant, **details: Any) -> Job:
    """A new debt that waits for its time: a back-off, or an erasure."""
    return _opened(job, kind, due_at=due_at, sent_at=None, **details)


def settle(job: Job, settled: Callable[[Debt], bool]) -> Job:
    """Without the debts that `settled` names."""
    return replace(job, debts=tuple(debt for debt in job.debts if not settled(debt)))


def find(job: Job, debt_id: int) -> Debt | None:
    return next((debt for debt in job.debts if debt.id == debt_id), None)


def owe_erase(job: Job, now: Instant) -> Job:
    """One erasure under a new id, in the place of any open one.

    The new id is the point: an erasure that was begun before (it may have listed the bucket already) names the old one
    and settles nothing. Round and date of the open one are kept, because they wait for somebody else's deadline.
    """
    before = next((debt for debt in job.debts if debt.kind is DebtKind.ERASE), None)
    cleared = settle(job, lambda debt: debt.kind is DebtKind.ERASE)
    if before is None:
        return open_later(cleared, DebtKind.ERASE, now)
    return open_later(cleared, DebtKind.ERASE, before.due_at, round=before.round)


def owe_notify(job: Job, now: Instant, timing: Timing) -> Job:
    """The final event of this run, if anybody asked for it."""
    if job.webhook is None:
        return job
    return open_sent(job, DebtKind.NOTIFY, now, timing, run=job.run, state=job.state)


def lapsed(debt: Debt, now: Instant, timing: Timing, *, queue_empty: bool) -> Debt:
    """The debt after it was looked at: sent (again), and dated anew.

    The gap doubles up to the longest, and is the longest at once while the queue is not empty: then the message waits
    its turn, or is in hand. An order is then not even sent again: its copy would be carried out as well, and a lost
    send of it heals by the redelivery of the message that was answered with it. The first send of a debt that backed
    off is no lapse.
    """
    first = debt.sent_at is None and debt.kind is not DebtKind.ERASE
    lapses = debt.lapses if first else debt.lapses + 1
    gap = min(timing.first_gap_seconds * 2**lapses, timing.last_gap_seconds)
    waits = not first and not queue_empty
    if waits:
        gap = timing.last_gap_seconds
    sent_at = None if debt.kind is DebtKind.ERASE else now
    if waits and debt.kind is DebtKind.TRANSFORM:
        sent_at = debt.sent_at
    return replace(debt, lapses=lapses, due_at=now + seconds(gap), sent_at=sent_at)


def may_lapse(debt: Debt, now: Instant, timing: Timing, *, purged: bool) -> bool:
    """Whether it is time: the debt is due, or its queue was purged and it was sent long enough ago."""
    if now >= debt.due_at:
        return True
    return purged and debt.sent_at is not None and now - debt.sent_at > seconds(timing.first_gap_seconds)


def back_off(job: Job, tries: int, timing: Timing) -> Instant:
    """Milliseconds before the try after `tries` spent ones (1 or more)."""
    low, high = _JITTER
    dice = zlib.crc32(f"{job.id}/{job.last_debt}".encode()) / 0xFFFF_FFFF
    return seconds(timing.back_off_seconds * 4 ** (tries - 1) * (low + (high - low) * dice))


def owed(job: Job, now: Instant) -> tuple[Outgoing, ...]:
    """Messages of all open debts that are not backing off.

    What a reader sends before it deletes a message that was received before, or after its own write was refused.
    """
    return tuple(out for debt in job.debts if not debt.is_backing_off(now) and (out := message_of(job, debt)))


def ordered(job: Job, names: Iterable[VariantName]) -> tuple[Variant, ...]:
    """These variants of a job as the function is to make them: what their texts name is filled in."""
    specs = {record.spec.name: record.spec for record in job.variants}
    date = f"{datetime.fromtimestamp(job.created_at // 1_000, UTC):%Y-%m-%d}"
    return tuple(told(specs[name], job.id, date) for name in names)


def message_of(job: Job, debt: Debt) -> Outgoing | None:
    """The message that carries a debt: always the same one, with the same token. None if the debt is no message."""
    if debt.kind is DebtKind.PROCESS:
        message: Message = Process(job_id=job.id, request_id=job.request_id, run=job.run, tenant=job.tenant)
        return Outgoing(Queue.JOBS_BULK if job.lane is Lane.BULK else Queue.JOBS, message)
    if debt.kind is DebtKind.NOTIFY:
        return Outgoing(Queue.NOTIFICATIONS, Notify(job_id=job.id, request_id=job.request_id, debt=debt.id))
    if debt.kind is DebtKind.TRANSFORM and debt.token is not None:
        part, original, source = job.open_part(debt.token), job.original, job.source
        if part is not None and original is not None and source.format is not None:
            variants = ordered(job, part.variants)
            return Outgoing(
                Queue.TRANSFORMS,
                Transform(
                    job_id=job.id,
                    request_id=job.request_id,
                    tenant=job.tenant,
                    part=part.number,
                    token=part.token,
                    key=original.key,
                    version_id=original.version_id,
                    bytes=source.bytes or 0,
                    format=source.format,
                    variants=variants,
                    analyse=job.analyse,
                    assets={name: job.assets[name] for name in asset_names(variants) if name in job.assets},
                    hops=source.hops,
                ),
            )
    return None


def seconds(count: float) -> Instant:
    """Seconds as milliseconds."""
    return round(count * 1_000)


def _opened(job: Job, kind: DebtKind, *, due_at: Instant, sent_at: Instant | None, **details: Any) -> Job:
    debt = Debt(id=job.last_debt + 1, kind=kind, due_at=due_at, sent_at=sent_at, **details)
    return replace(job, debts=(*job.debts, debt), last_debt=debt.id)
