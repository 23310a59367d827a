"""Taking pictures that somebody owns already: copied within S3 into the originals, and worked on like any upload.

    list ──▶ sort out ──▶ (what it costs; yes) ──▶ look ──▶ Reserved: create the row ──▶ copy ──▶ Stored ──▶ announce

Rows are made by the same `step` as everybody's, in the same order of effects: wherever this breaks off, a row owns
what was copied, and the sweeper goes on with it or gives it up. A job's id is derived from the picture's address and
ETag, so a second run knows what the first one did: what is there is left alone, what was begun is finished, and what
was given up before anything was stored is begun anew. The source is read and never changed.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from adapters.errors import code_of
from adapters.objects import S3Originals
from contracts.errors import PipelineError, Rejected, RevisionMoved, SourceMissing, Unavailable
from contracts.events import Reserved, Stored
from contracts.filenames import safe_filename
from contracts.identifiers import JobId, Tenant, derived_job_id
from contracts.job import Job, JobState
from contracts.lifecycle import step
from contracts.limits import MAX_DIRECT_BYTES, MIB
from contracts.messages import Outgoing
from contracts.options import Options, fingerprint
from contracts.places import INLINE, OriginalPlace
from contracts.ports import Clock
from contracts.source import Source, measured
from contracts.variants import Variant
from operations.import_ends import End, Fate, Waiting
from operations.sources import Picture, Pictures, Seen
from operations.standing import Standing

AT_ONCE: Final = 8
"""Pictures that are copied side by side."""
_ATTEMPTS: Final = 8
"""Times that a picture may be given up before anything was stored, and begun anew."""
_ROUNDS: Final = 8
_DOMAIN: Final = "\0import\0"
"""Before a picture's address where an id is derived: no Idempotency-Key of a request begins so."""
_GIVEN_UP: Final = frozenset({JobState.ABANDONED})


class Pace:
    """At most so many a second, over all threads."""

    def __init__(
        self,
        rate: float,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gap, self._sleep, self._monotonic = 1 / rate, sleep, monotonic
        self._next = monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Until it is the caller's turn."""
        with self._lock:
            now = self._monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
        if turn > now:
            self._sleep(turn - now)


class Importer:
    """Brings the pictures of one source to one tenant of a stack, with one set of options."""

    def __init__(
        self,
        stack: Standing,
        pictures: Pictures,
        *,
        tenant: Tenant,
        options: Options,
        variants: tuple[Variant, ...],
        clock: Clock,
        pace: Pace,
        assets: Mapping[str, str],
    ) -> None:
        """`variants` are what the options come to for this tenant, `assets` the keys of their watermarks."""
        self._assets = dict(assets)
        self._stack, self._pictures = stack, pictures
        self._originals = S3Originals(stack.s3, stack.originals)
        self._tenant, self._options, self._variants = tenant, options, variants
        self._clock, self._pace = clock, pace
        self._timing = stack.settings.timing

    def sorted_out(self) -> Iterator[Waiting | End]:
        """Every object of the source: to be taken, or why not. Reads lists and rows, and no object."""
        for page in self._pictures.pages():
            fit: list[Picture] = []
            for picture in page:
                reason = _unfit(picture)
                if reason:
                    yield End(picture=picture, fate=Fate.SKIPPED, reason=reason)
                else:
                    fit.append(picture)
            yield from self._known(fit)

    def looked_at(self, waiting: Waiting) -> End:
        """What taking it would come to, by its header. Changes nothing."""

        def look() -> None:
            self._pictures.seen(waiting.picture)

        return self._end(waiting, look)

    def take(self, waiting: Iterable[Waiting]) -> Iterator[End]:
        """Take them, several at a time; the ends as they come. May be broken off at any moment, and run again."""
        return self._each(waiting, lambda one: self._end(one, lambda: self._taken(one)))

    def look(self, waiting: Iterable[Waiting]) -> Iterator[End]:
        """As `take`, without taking any."""
        return self._each(waiting, self.looked_at)

    def _each(self, waiting: Iterable[Waiting], act: Callable[[Waiting], End]) -> Iterator[End]:
        def paced(one: Waiting) -> End:
            self._pace.wait()
            return act(one)

        with ThreadPoolExecutor(AT_ONCE, "importing") as threads:
            # a list that goes on is not read ahead of those who work on it
            for batch in _batches(waiting, 8 * AT_ONCE):
                yield from threads.map(paced, batch)

    def _known(self, pictures: Sequence[Picture]) -> Iterator[Waiting | End]:
        """By the rows that earlier runs made."""
        asked = [(picture, 0) for picture in pictures]
        while asked:
            ids = {picture.key: self._job_id(picture, attempt) for picture, attempt in asked}
            rows = self._stack.jobs(ids.values())
            again = []
            for picture, attempt in asked:
                job_id = ids[picture.key]
                job = rows.get(job_id)
                if job is not None and job.state in _GIVEN_UP and attempt + 1 < _ATTEMPTS:
                    again.append((picture, attempt + 1))
                elif job is not None and (end := _before(picture, job)) is not None:
                    yield end
                else:
                    yield Waiting(picture=picture, job_id=job_id)
            asked = again

    def _job_id(self, picture: Picture, attempt: int) -> JobId:
        return derived_job_id(self._tenant, f"{_DOMAIN}{self._address(picture)}#{picture.etag}#{attempt}")

    def _address(self, picture: Picture) -> str:
        return f"s3://{self._pictures.source.bucket}/{picture.key}"

    def _end(self, waiting: Waiting, act: Callable[[], End | None]) -> End:
        """What `act` came to: its own end, taken, or what went wrong, by who must do what about it."""
        fate, reason = Fate.TAKEN, ""
        try:
            end = act()
            if end is not None:
                return end
        except SourceMissing:
            fate, reason = Fate.FAILED, "it was changed or removed since it was listed"
        except Rejected as error:
            fate, reason = Fate.SKIPPED, f"{error.code}: {error.detail}"
        except PipelineError as error:
            fate, reason = Fate.FAILED, error.detail
        except ClientError as error:
            fate, reason = Fate.FAILED, f"{error.operation_name} was answered {code_of(error)}"
        except BotoCoreError as error:
            fate, reason = Fate.FAILED, " ".join(str(error).split())
        return End(picture=waiting.picture, fate=fate, reason=reason, job_id=waiting.job_id)

    def _taken(self, waiting: Waiting) -> End | None:
        picture = waiting.picture
        seen = self._pictures.seen(picture)
        now = self._clock.now()
        fresh = step(None, [self._reservation(waiting, seen, now)], now, self._timing).job
        assert fresh is not None
        existing = self._stack.ledger.create(fresh)
        job = existing or fresh
        if existing is not None:
            if (end := _before(picture, existing)) is not None:
                return end
            if existing.fingerprint != fresh.fingerprint:
                raise Unavailable("an import with other options has begun with it; run that one to its end")
        copied = self._originals.copy_original(
            job.key,
            bucket=self._pictures.source.bucket,
            source=picture.key,
            etag=picture.etag,
            media_type=seen.header.format.media_type,
            hops=seen.hops,
        )
        source, pinned = _source(picture, seen, copied.sha256), copied.pinned
        self._announce(self._stored(job, Stored(version_id=pinned.version_id, etag=pinned.etag, source=source)))
        return None

    def _reservation(self, waiting: Waiting, seen: Seen, now: int) -> Reserved:
        options = self._options
        return Reserved(
            id=waiting.job_id,
            tenant=self._tenant,
            key=OriginalPlace(INLINE, self._tenant, waiting.job_id).key,
            upload_until=now + self._timing.upload_deadline_seconds * 1_000,
            fingerprint=fingerprint(options),
            variants=self._variants,
            assets=self._assets,
            analyse=options.analyse,
            life_seconds=options.expires_in or self._timing.default_life_seconds,
            source=_source(waiting.picture, seen, None),
            lane=options.priority,
            preset=options.effective_preset,
            meta=options.meta,
        )

    def _stored(self, job: Job, event: Stored) -> Sequence[Outgoing]:
        """What is owed newly, once the row says that the original is there."""
        for _ in range(_ROUNDS):
            outcome = step(job, [event], self._clock.now(), self._timing)
            if not outcome.changed or outcome.job is None:
                # the sweeper was quicker, and has announced it
                return ()
            try:
                self._stack.ledger.replace(outcome.job, job.revision)
            except RevisionMoved:
                found = self._stack.ledger.read([job.id]).get(job.id)
                if found is None:
                    return ()
                job = found
                continue
            return outcome.send if outcome.job.state is JobState.QUEUED else ()
        raise Unavailable("the job is being changed by too many at once")

    def _announce(self, messages: Sequence[Outgoing]) -> None:
        """Best effort, as everywhere: it is owed in the row."""
        try:
            self._stack.queues.send(messages)
        except Unavailable:
            return


def _unfit(picture: Picture) -> str:
    """Why an object is not even looked at."""
    if picture.bytes == 0:
        return "it is empty"
    if picture.bytes > MAX_DIRECT_BYTES:
        return f"it has more than {MAX_DIRECT_BYTES // MIB} MiB"
    if picture.is_archived:
        return "it is archived; restore it first"
    return ""


def _before(picture: Picture, job: Job) -> End | None:
    """What an earlier run made of it; None if there is something left to do."""
    if job.state in (JobState.DELETING, JobState.DELETED):
        return End(picture=picture, fate=Fate.GONE, job_id=job.id)
    if job.original is not None or job.state is not JobState.AWAITING_UPLOAD:
        return End(picture=picture, fate=Fate.THERE, job_id=job.id)
    return None


def _source(picture: Picture, seen: Seen, sha256: str | None) -> Source:
    name = safe_filename(picture.name)
    return measured(seen.header, filename=name, bytes=picture.bytes, sha256=sha256, hops=seen.hops)


def _batches(items: Iterable[Waiting], most: int) -> Iterator[list[Waiting]]:
    batch: list[Waiting] = []
    for item in items:
        batch.append(item)
        if len(batch) == most:
            yield batch
            batch = []
    if batch:
        yield batch
