"""Deliveries: the final event of one run of a job on its way to one endpoint, and how that goes on. Pure.

    pending ── 2xx ─────────────────────────────────▶ delivered
       │ ├──── anything else: due again, later and later ─▶ pending
       │ └──── 410, the last try, endpoint gone ────▶ exhausted, with a reason
       └────── the job is deleted ──────────────────▶ exhausted (`deleted`), and emptied

The record is born in the transaction that settles the job's `notify`, so none is lost and none is born after the job's
end. Whoever is to send it takes it first: dates it ahead, under its revision, so that of two hosts one sends. If that
one dies, the date passes and the event is sent again, with the same id: at least once.
"""

import zlib
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from contracts.identifiers import JobId, Tenant, event_id
from contracts.job import Instant, Job, JobState
from contracts.limits import MAX_DELIVERY_ATTEMPTS, Timing
from contracts.webhooks import WebhookId

SCHEMA: Final = 1
EVENT_PATTERN: Final = "^[0-9a-f]{32}(?!\\n)$"
TOLD: Final = (
    JobState.COMPLETED,
    JobState.PARTIALLY_COMPLETED,
    JobState.FAILED,
    JobState.REJECTED,
    JobState.CANCELLED,
)
"""States that an endpoint is told of."""
_JITTER: Final = 0.2
"""A gap is stretched by up to this part of it, so that what failed together does not come back together."""


class DeliveryState(StrEnum):
    PENDING = "pending"
    """It is to be sent, now or later."""
    DELIVERED = "delivered"
    """The endpoint answered 2xx."""
    EXHAUSTED = "exhausted"
    """It will not be sent any more; `reason` says why."""


class Attempt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try: what the endpoint answered, or (`error`, a code of `contracts.errors`) why there was no answer."""

    at: Instant
    elapsed_ms: int = 0
    status: int | None = None
    error: str | None = None


class Delivery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event to one endpoint. `body` is the very text that is sent and signed at each try; empty once erased."""

    schema: Annotated[int, Meta(ge=1)]
    """Always written: it must never be guessed from the reader's own default."""
    event: Annotated[str, Meta(pattern=EVENT_PATTERN)]
    webhook: WebhookId
    tenant: Tenant
    job_id: JobId
    run: int
    type: str
    body: str
    state: DeliveryState = DeliveryState.PENDING
    revision: int = 1
    created_at: Instant
    due_at: Instant | None = None
    """When to look again; None once it is over."""
    tries: int = 0
    """Of the schedule that it is in."""
    attempts: Annotated[tuple[Attempt, ...], Meta(max_length=MAX_DELIVERY_ATTEMPTS)] = ()
    """The last ones, of all schedules."""
    ended_at: Instant | None = None
    reason: str | None = None

    @property
    def key(self) -> tuple[str, WebhookId]:
        """What it is kept under."""
        return self.event, self.webhook


def keys_of(job: Job) -> list[tuple[str, WebhookId]]:
    """Keys of every delivery that this job may have: its final events, one a run, each in one of few states."""
    if job.webhook is None:
        return []
    return [(event_id(job.id, run, state), job.webhook) for run in range(1, job.run + 1) for state in TOLD]


def taken(delivery: Delivery, now: Instant, timing: Timing) -> Delivery:
    """In the hands of whoever writes this: nobody else looks at it while a try may take."""
    return _changed(delivery, due_at=now + lease(timing))


def lease(timing: Timing) -> Instant:
    """Milliseconds that one try may take, and a grace."""
    return round((timing.webhook_seconds + timing.grace_seconds) * 1000)


def postponed(delivery: Delivery, now: Instant, timing: Timing) -> Delivery:
    """Not now, and no try is spent: too much is on its way to its endpoint."""
    return _changed(delivery, due_at=now + round(timing.first_gap_seconds * 1000 * _stretch(delivery)))


def attempted(delivery: Delivery, attempt: Attempt, retry_after: str | None, now: Instant, timing: Timing) -> Delivery:
    """After a try. `retry_after` is what the endpoint answered in that header, if anything."""
    attempts = (*delivery.attempts, attempt)[-MAX_DELIVERY_ATTEMPTS:]
    tried = replace(delivery, tries=delivery.tries + 1, attempts=attempts)
    if attempt.status is not None and 200 <= attempt.status < 300:
        return _changed(tried, state=DeliveryState.DELIVERED, due_at=None, ended_at=now, reason=None)
    if attempt.status == 410:
        return exhausted(tried, "endpoint-gone", now)
    gaps = timing.webhook_gaps_seconds
    if delivery.tries >= len(gaps):
        return exhausted(tried, "tries-spent", now)
    gap = round(gaps[delivery.tries] * 1000 * _stretch(tried))
    return _changed(tried, due_at=now + max(gap, min(_asked_for(retry_after, now), round(max(gaps) * 1000))))


def exhausted(delivery: Delivery, reason: str, now: Instant) -> Delivery:
    return _changed(delivery, state=DeliveryState.EXHAUSTED, due_at=None, ended_at=now, reason=reason)


def again(delivery: Delivery, now: Instant) -> Delivery:
    """Sent once more because somebody asked for it, and from the beginning of the schedule."""
    return _changed(delivery, state=DeliveryState.PENDING, due_at=now, tries=0, ended_at=None, reason=None)


def emptied(delivery: Delivery, now: Instant) -> Delivery:
    """Nothing of the job is left in it; what was not delivered never will be."""
    over = delivery if delivery.state is DeliveryState.DELIVERED else exhausted(delivery, "deleted", now)
    return replace(over, body="", revision=delivery.revision + 1)


def _changed(delivery: Delivery, **fields: object) -> Delivery:
    return replace(delivery, revision=delivery.revision + 1, **fields)


def _stretch(delivery: Delivery) -> float:
    dice = zlib.crc32(f"{delivery.event}/{delivery.revision}".encode()) / 0xFFFF_FFFF
    return 1 + _JITTER * dice


def _asked_for(retry_after: str | None, now: Instant) -> Instant:
    """Milliseconds from now that a Retry-After means; 0 for what means nothing (RFC 9110, section 10.2.3)."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text) * 1000
    try:
        return max(0, round(parsedate_to_datetime(text).timestamp() * 1000) - now)
    except (ValueError, OverflowError):
        return 0


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Delivery)


def encode_delivery(delivery: Delivery) -> bytes:
    return _ENCODER.encode(delivery)


def decode_delivery(document: bytes) -> Delivery:
    """Inverse of `encode_delivery`; raises msgspec.ValidationError for what no version wrote, or a later did."""
    delivery = _DECODER.decode(document)
    if delivery.schema > SCHEMA:
        raise msgspec.ValidationError(f"schema {delivery.schema} of a delivery is not known here")
    return delivery
