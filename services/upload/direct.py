"""Taking in what a client posts straight to S3: a signed form, and then a look at what arrived.

    presign    Reserved: create the row ──▶ sign a form for its key ──▶ 201
    (client)   posts the file; S3 checks key, type, size, checksum and time, and tells the `ingest` queue
    complete   look at what is there ──▶ Stored or Refused: replace the row ──▶ 202 or the fault ──▶ announce
               and what was charged by the form's bounds is put right by that write

Whoever looks first commits: this, the reader of `ingest`, or the sweeper once the time to post is long over. The pinned
version is what counts from then on, whatever is posted over it.
"""

from collections.abc import Callable
from typing import Final

import structlog
from msgspec import Struct

from contracts.arrivals import arrived
from contracts.charges import Amounts, Charge
from contracts.direct import DirectUpload, direct_fingerprint
from contracts.errors import Gone, ImageCorrupt, RevisionMoved, StateConflict, Unavailable
from contracts.events import Reserved
from contracts.filenames import safe_filename
from contracts.formats import ImageFormat, declared_format
from contracts.identifiers import Tenant, derived_job_id, new_job_id
from contracts.job import Instant, Job, JobState, Source
from contracts.lifecycle import owed, step
from contracts.limits import MAX_FRAME_PIXELS, MAX_PIXELS, Timing
from contracts.places import DIRECT, OriginalPlace
from contracts.ports import Clock, Ledger, OriginalRanges, Post, PostSigner
from contracts.quotas import KeyLimits
from contracts.variants import Variant
from services import edge
from services.upload.charging import Charging, Free, charged_once, kept_if_done
from services.upload.intake import ROUNDS, Accepted, check_adoptable, gone, story
from services.upload.shares import Lanes, OneLane
from services.upload.watermarks import assets_once

_STILL: Final = frozenset({ImageFormat.JPEG, ImageFormat.BMP, ImageFormat.ICO, ImageFormat.HEIC})
"""Formats of one frame."""

LEAST_SECONDS: Final = 1
"""Left of the time to post, below which no form is signed any more."""

_log: Final = structlog.get_logger()


class Wish(Struct, frozen=True, kw_only=True):
    """A request to post a file straight to S3."""

    tenant: Tenant
    idempotency_key: str | None
    asked: DirectUpload
    variants: tuple[Variant, ...] | None = None
    """What to make; None: what the options alone say."""
    request_id: str
    limits: KeyLimits | None = None
    """Of the key that it came with."""


class Granted(Struct, frozen=True, kw_only=True):
    """The job that waits for the file, and the form to post it with; None: an earlier request's file is there."""

    job: Job
    post: Post | None
    replayed: bool = False


class DirectIntake:
    """The use case. Every method blocks on its ports: to be called from a thread."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        originals: OriginalRanges,
        posts: PostSigner,
        clock: Clock,
        timing: Timing,
        randomness: Callable[[int], bytes],
        lanes: Lanes | None = None,
        charging: Charging | None = None,
    ) -> None:
        """Without `lanes` every job waits where it asks to; without `charging` nobody counts."""
        self._lanes: Lanes = lanes or OneLane()
        self._charging: Charging = charging or Free()
        self._ledger, self._originals, self._posts = ledger, originals, posts
        self._clock, self._timing, self._randomness = clock, timing, randomness

    def presign(self, wish: Wish) -> Granted:
        """A form for exactly this file. Repeated under its key it is signed anew, to the row's first expiry.

        Raises SpecInvalid for a watermark that is not to be had, KeyReused if the key belongs to another request, Gone
        if its job is over without an original or the time to post is, QuotaExceeded if its tenant may not send it now,
        Unavailable if a port did not answer. It costs the most that may come of it until it is seen what came
        (`charges`). A row that may have been made, or not, keeps its charge.
        """
        variants = wish.asked.resolved() if wish.variants is None else wish.variants
        assets = assets_once(self._ledger, wish.tenant, variants, len(wish.asked.variants), wish.idempotency_key)
        cost = most_of(wish.asked)
        taken = charged_once(self._charging, wish.tenant, cost, self._ledger, wish.idempotency_key, wish.limits)
        with kept_if_done(taken):
            now = self._clock.now()
            fresh = step(None, [self._reservation(wish, variants, assets, now, taken.charge)], now, self._timing).job
            assert fresh is not None
        existing = self._ledger.create(fresh)
        replayed = existing is not None and existing != fresh
        if replayed:
            taken.refund()
        return self._granted(wish, fresh, existing or fresh, now, replayed=replayed)

    def _granted(self, wish: Wish, fresh: Job, job: Job, now: Instant, *, replayed: bool) -> Granted:
        if replayed:
            check_adoptable(job, fresh)
            if job.original is not None:
                return Granted(job=job, post=None, replayed=True)
        if job.upload_until - now < LEAST_SECONDS * 1_000:
            raise Gone("the time to post the file is over; ask again under a new key", state=str(job.state))
        least, most = wish.asked.bounds
        post = self._posts.post(
            job.key,
            media_type=wish.asked.media_type,
            least_bytes=least,
            most_bytes=most,
            sha256=job.content_sha256,
            until=job.upload_until,
        )
        if not replayed:
            _log.info("job.reserved", job_id=job.id, request_id=job.request_id, most_bytes=most)
        return Granted(job=job, post=post, replayed=replayed)

    def complete(self, job: Job) -> Accepted:
        """The job with its original pinned; `job` is as it was read.

        Raises StateConflict if nothing was posted yet or nothing was to be, Gone if nobody waits for it any more, what
        an upload is refused with if that is what arrived, and Unavailable.
        """
        for attempt in range(ROUNDS):
            if job.original is not None and job.state not in (JobState.DELETING, JobState.DELETED):
                heals = attempt > 0 and job.state is JobState.QUEUED
                return Accepted(job=job, messages=owed(job, self._clock.now()) if heals else ())
            if job.state is JobState.REJECTED:
                raise _fault(job)
            if job.state is not JobState.AWAITING_UPLOAD:
                raise gone(job)
            if not job.direct:
                raise StateConflict("this job's file comes with its own request", state=str(job.state))
            event = arrived(job, self._originals)
            if event is None:
                found = self._ledger.read([job.id]).get(job.id)
                if found is not None and found.revision != job.revision:
                    # S3 said it first: what was no good is refused and erased by now
                    job = found
                    continue
                raise StateConflict("nothing was posted yet: post the file with its form first", state=str(job.state))
            outcome = step(job, [event], self._clock.now(), self._timing)
            current = outcome.job
            assert current is not None
            try:
                self._ledger.replace(current, job.revision)
            except RevisionMoved:
                found = self._ledger.read([job.id]).get(job.id)
                if found is None:
                    raise gone(job) from None
                job = found
                continue
            if current.state is JobState.REJECTED:
                raise _fault(current)
            _log.info("job.queued", **story(current))
            return Accepted(job=current, messages=outcome.send)
        raise Unavailable("the job is being changed by too many at once")

    def _reservation(
        self, wish: Wish, variants: tuple[Variant, ...], assets: dict[str, str], now: Instant, charge: Charge | None
    ) -> Reserved:
        key, asked, timing = wish.idempotency_key, wish.asked, self._timing
        job_id = new_job_id(now, self._randomness(10)) if key is None else derived_job_id(wish.tenant, key)
        sha256 = asked.content_sha256()
        return Reserved(
            id=job_id,
            tenant=wish.tenant,
            key=OriginalPlace(DIRECT, wish.tenant, job_id).key,
            upload_until=now + timing.post_seconds * 1_000,
            direct=True,
            fingerprint=direct_fingerprint(asked),
            variants=variants,
            assets=assets,
            life_seconds=asked.expires_in or timing.default_life_seconds,
            content_sha256=sha256,
            source=Source(filename=safe_filename(asked.filename), bytes=asked.bytes, sha256=sha256),
            lane=self._lanes.lane(wish.tenant, asked.priority),
            preset=asked.effective_preset,
            meta=asked.meta,
            analyse=asked.analyse,
            webhook=asked.webhook,
            public=asked.public,
            request_id=wish.request_id,
            charge=charge,
        )


def most_of(asked: DirectUpload) -> Amounts:
    """What a file that this form takes costs at most. Few bytes say nothing of pixels: a flat picture has millions."""
    is_still = declared_format(asked.content_type, None) in _STILL
    return Amounts(jobs=1, bytes=asked.bounds[1], pixels=MAX_PIXELS if is_still else MAX_FRAME_PIXELS)


def _fault(job: Job) -> Exception:
    """Why the job was rejected, as a request with that file would have been."""
    fault = job.error
    kind = edge.error_types().get(fault.code, ImageCorrupt) if fault is not None else ImageCorrupt
    return kind(fault.detail if fault is not None else "the file was rejected")
