"""Taking an upload in: from bytes that are spooled and checked to a queued job, over ports and without HTTP.

    examined ──▶ Reserved: create the row ──▶ put the original ──▶ Stored: replace the row ──▶ 202 ──▶ announce
                   │ a row is there                │ the key is there      │ the revision moved
                   └─ adopt it, or 422, 410        └─ same bytes, or 422   └─ read again, step again

An original never exists without a row that owns it, and the reply never goes out before the write that owns the work.
Wherever this breaks off, what is left behind is a row with an alarm: the sweeper finds the object and goes on, or gives
the job up. Announcing is best effort: the message is owed in the row.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import structlog
from msgspec import Struct

from contracts.errors import AlreadyStored, Gone, KeyReused, RevisionMoved, Unavailable
from contracts.events import Reserved, Stored
from contracts.identifiers import Tenant, derived_job_id, new_job_id
from contracts.job import Instant, Job, JobState, Source
from contracts.lifecycle import owed, step
from contracts.limits import Timing
from contracts.messages import Outgoing
from contracts.options import Options, fingerprint, invalid
from contracts.places import INLINE, OriginalPlace
from contracts.planning import why_beyond
from contracts.ports import Clock, Ledger, OriginalStore, Pinned
from contracts.quotas import KeyLimits, cost_of
from contracts.variants import Variant
from services.upload.charging import Charging, Free, charged_once, kept_if_done
from services.upload.shares import Lanes, OneLane
from services.upload.spool import Spooled
from services.upload.watermarks import assets_once

ROUNDS: Final = 8
"""Times that a write whose revision moved is tried again: a fresh job has few who would change it."""

_log: Final = structlog.get_logger()


class Arrival(Struct, frozen=True, kw_only=True):
    """One request: whole, checked, and nothing of it written anywhere."""

    tenant: Tenant
    idempotency_key: str | None
    options: Options
    source: Source
    body: Spooled
    request_id: str
    limits: KeyLimits | None = None
    """Of the key that it came with."""
    variants: tuple[Variant, ...] | None = None
    """What to make; None: what the options alone say."""
    fingerprint: str | None = None
    """Of all that makes it the same request; None: that of the options."""


class Accepted(Struct, frozen=True, kw_only=True):
    """The job that owns the upload. `replayed`: an earlier request with the same key had been accepted already.

    `messages` are what the job newly owes: for `Intake.announce`, after the reply.
    """

    job: Job
    replayed: bool = False
    messages: tuple[Outgoing, ...] = ()


class Intake:
    """The use case. Every method blocks on its ports: to be called from a thread."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        originals: OriginalStore,
        send: Callable[[Sequence[Outgoing]], None],
        clock: Clock,
        timing: Timing,
        randomness: Callable[[int], bytes],
        lanes: Lanes | None = None,
        charging: Charging | None = None,
    ) -> None:
        """Without `lanes` every job waits where it asks to; without `charging` nobody counts."""
        self._lanes: Lanes = lanes or OneLane()
        self._charging: Charging = charging or Free()
        self._ledger = ledger
        self._originals = originals
        self._send = send
        self._clock = clock
        self._timing = timing
        self._randomness = randomness
        self._accepting = 0
        self._counting = threading.Lock()

    @property
    def accepting(self) -> int:
        """Uploads that are being accepted right now: each is about to announce something."""
        return self._accepting

    def accept(self, arrival: Arrival) -> Accepted:
        """Own the upload.

        Raises SpecInvalid for a crop that lies beyond the picture and a watermark that is not to be had, KeyReused if
        the key belongs to another request, Gone if its job is over without an original or deleted, QuotaExceeded if its
        tenant may not send it now, Unavailable if a port did not answer: the same request may simply be sent again,
        under its key. What is refused and what is repeated costs nothing.
        """
        for number, variant in enumerate(arrival.options.variants):
            width, height = arrival.source.width, arrival.source.height
            beyond = why_beyond(variant, width, height) if width and height else None
            if beyond is not None:
                raise invalid(f"#/variants/{number}/crop", beyond)
        variants = arrival.options.resolved() if arrival.variants is None else arrival.variants
        own = len(arrival.options.variants)
        assets = assets_once(self._ledger, arrival.tenant, variants, own, arrival.idempotency_key)
        with self._counted():
            cost = cost_of(arrival.source)
            charge = charged_once(
                self._charging, arrival.tenant, cost, self._ledger, arrival.idempotency_key, arrival.limits
            )
            with kept_if_done(charge):
                accepted = self._accept(arrival, variants, assets)
            if accepted.replayed:
                charge.refund()
            return accepted

    def answered(self, tenant: Tenant, key: str, fingerprint: str) -> Accepted | None:
        """What an earlier request under this Idempotency-Key was answered, if its original is here; None: go on.

        For who would have to fetch the file again, and might find another. Raises KeyReused, Gone, Unavailable.
        """
        job_id = derived_job_id(tenant, key)
        job = self._ledger.read([job_id]).get(job_id)
        if job is None:
            return None
        if job.direct or job.fingerprint != fingerprint:
            raise _reused()
        _check_alive(job)
        return None if job.original is None else Accepted(job=job, replayed=True)

    def _accept(self, arrival: Arrival, variants: tuple[Variant, ...], assets: dict[str, str]) -> Accepted:
        now = self._clock.now()
        fresh = step(None, [self._reservation(arrival, variants, assets, now)], now, self._timing).job
        assert fresh is not None
        existing = self._ledger.create(fresh)
        # a create whose reply was lost finds its own row
        adopted = existing is not None and existing != fresh
        job = existing or fresh
        if adopted:
            check_adoptable(job, fresh)
            if job.original is not None:
                return Accepted(job=job, replayed=True)
        return self._committed(job, self._stored(job, arrival.body, arrival.source), arrival.source)

    def announce(self, messages: Sequence[Outgoing]) -> None:
        """Send what was promised; if that fails it stays owed, and the sweeper sends it."""
        if not messages:
            return
        try:
            self._send(messages)
        except Unavailable as error:
            job_id = messages[0].message.job_id
            _log.warning("upload.unannounced", job_id=job_id, messages=len(messages), detail=error.detail)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._counting:
            self._accepting += 1
        try:
            yield
        finally:
            with self._counting:
                self._accepting -= 1

    def _reservation(
        self, arrival: Arrival, variants: tuple[Variant, ...], assets: dict[str, str], now: Instant
    ) -> Reserved:
        key, options, timing = arrival.idempotency_key, arrival.options, self._timing
        job_id = new_job_id(now, self._randomness(10)) if key is None else derived_job_id(arrival.tenant, key)
        return Reserved(
            id=job_id,
            tenant=arrival.tenant,
            key=OriginalPlace(INLINE, arrival.tenant, job_id).key,
            upload_until=now + timing.upload_deadline_seconds * 1000,
            fingerprint=arrival.fingerprint or fingerprint(options),
            variants=variants,
            assets=assets,
            life_seconds=options.expires_in or timing.default_life_seconds,
            content_sha256=arrival.body.sha256,
            source=arrival.source,
            lane=self._lanes.lane(arrival.tenant, options.priority),
            preset=options.effective_preset,
            meta=options.meta,
            analyse=options.analyse,
            webhook=options.webhook,
            public=options.public,
            request_id=arrival.request_id,
        )

    def _stored(self, job: Job, body: Spooled, source: Source) -> Pinned:
        """The version of the original that is in the bucket, put by us or by an earlier request with these bytes."""
        assert source.format is not None
        try:
            return self._originals.put_original(
                job.key,
                body.file,
                length=body.length,
                sha256=body.sha256,
                media_type=source.format.media_type,
                hops=source.hops,
            )
        except AlreadyStored:
            head = self._originals.head_original(job.key)
        if head is None:
            # stored and erased again between two calls: the row knows why
            raise Unavailable("the original was there and is not any more")
        if head.sha256 != body.sha256:
            raise _reused()
        return Pinned(version_id=head.version_id, etag=head.etag)

    def _committed(self, job: Job, pinned: Pinned, source: Source) -> Accepted:
        event = Stored(version_id=pinned.version_id, etag=pinned.etag, source=source)
        for attempt in range(ROUNDS):
            now = self._clock.now()
            outcome = step(job, [event], now, self._timing)
            current = outcome.job
            assert current is not None
            if not outcome.changed:
                return _as_it_stands(current, pinned, owed(current, now) if attempt else ())
            try:
                self._ledger.replace(current, job.revision)
            except RevisionMoved:
                job = self._read(job)
                continue
            if current.state is not JobState.QUEUED:
                # nobody waited for the bytes any more; the write that was just made owes their erasure
                raise gone(current)
            _log.info("job.queued", **story(current))
            return Accepted(job=current, messages=outcome.send)
        raise Unavailable("the job is being changed by too many at once")

    def _read(self, job: Job) -> Job:
        found = self._ledger.read([job.id]).get(job.id)
        if found is None:
            raise gone(job)
        return found


def check_adoptable(job: Job, fresh: Job) -> None:
    """Whether a request may go on with a row that an earlier one made: the same request, and a row that still waits."""
    same_bytes = job.content_sha256 in (None, fresh.content_sha256)
    if job.direct is not fresh.direct or job.fingerprint != fresh.fingerprint or not same_bytes:
        raise _reused()
    _check_alive(job)


def _check_alive(job: Job) -> None:
    dead = job.state in (JobState.DELETING, JobState.DELETED)
    never_stored = job.original is None and job.state is not JobState.AWAITING_UPLOAD
    if dead or never_stored:
        raise gone(job)


def _as_it_stands(job: Job, pinned: Pinned, messages: tuple[Outgoing, ...]) -> Accepted:
    """The job had its original before our Stored: ours after all (a write whose reply was lost), or a rival's."""
    if job.state in (JobState.DELETING, JobState.DELETED) or job.original is None:
        raise gone(job)
    if job.original.version_id != pinned.version_id:
        raise _reused()
    return Accepted(job=job, messages=messages if job.state is JobState.QUEUED else ())


def _reused() -> KeyReused:
    return KeyReused("an earlier request with this Idempotency-Key had other options or another file")


def gone(job: Job) -> Gone:
    return Gone(f"the job of this request is {job.state}; send the picture again under a new key", state=str(job.state))


def story(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "request_id": job.request_id,
        "bytes": job.source.bytes,
        "format": job.source.format,
        "variants": len(job.variants),
    }
