"""The sweeper: looks at every job whose time has come, and does what is due.

    due debt     a message is sent again, or for the first time after a back-off; an erasure is carried out
    due alarm    nobody uploaded, an upload was not committed, or the job's life is over
    purge        the queues were emptied behind our back: everything owed on them is sent again at once

Every act is a conditional write through `step`, so several sweepers do no harm and none is a leader. Idle it costs one
query a shard and sweep.
"""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import structlog

from contracts.arrivals import arrived
from contracts.deliveries import emptied, keys_of
from contracts.errors import RevisionMoved, Unavailable
from contracts.events import Erased, Event, Expired, LapsedAlarm, LapsedDebt, Stored
from contracts.identifiers import JobId
from contracts.job import Debt, DebtKind, Instant, Job, JobState
from contracts.limits import Timing
from contracts.messages import Outgoing, Queue
from contracts.ports import Clock, Deliveries, Eraser, Ledger, OriginalRanges, Queues
from services.processing.changes import Change, advance, readable
from services.processing.purges import EmptySpells, Place, places_of, queue_of, waiting_in
from services.processing.story import told

READ_BATCH: Final = 100
"""Jobs of one read, and of one send after it."""
MOST_DUE: Final = 100
"""Jobs of a shard looked at in one sweep. More wait for the next one."""
MOST_PURGED: Final = 1_000
"""The same after a purge, when all that is owed goes out at once."""
_JITTER: Final = (1.0, 1.2)
_HAS_NO_ALARM: Final = frozenset({JobState.DELETING, JobState.DELETED})
"""What these have to do is a debt; `deleting` has the alarm of its erasure."""

_log: Final = structlog.get_logger()


def _never() -> bool:
    return False


class Sweeper:
    """Sweeps all shards. Use from one thread."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        queues: Queues,
        originals: OriginalRanges,
        eraser: Eraser,
        deliveries: Deliveries,
        clock: Clock,
        timing: Timing,
        shards: int,
    ) -> None:
        self._ledger, self._queues, self._originals, self._eraser = ledger, queues, originals, eraser
        self._deliveries = deliveries
        self._clock, self._timing, self._shards = clock, timing, shards
        self._spells = EmptySpells(round(timing.sweep_seconds * 1_000))
        self._watched: set[Queue] = set()
        self._looked_ahead_at: Instant | None = None

    def run(self, stop: threading.Event) -> None:
        """Sweep until `stop` is set; a job in hand is finished first."""
        while not stop.is_set():
            self.sweep(stop.is_set)
            stop.wait(self._timing.sweep_seconds * random.uniform(*_JITTER))  # noqa: S311 - spreads hosts

    def sweep(self, stopped: Callable[[], bool] = _never) -> None:
        """One look at every shard, in random order. What fails is logged and left for the next sweep."""
        now = self._clock.now()
        depths = _Depths(self._queues)
        purged = self._purged(depths, now)
        ahead = self._looks_ahead(now)
        if ahead or purged:
            self._watched.clear()
        until = now + round(self._timing.last_gap_seconds * 1_000) if ahead or purged else now
        job_ids = list(self._due(until, MOST_PURGED if purged else MOST_DUE, stopped))
        for start in range(0, len(job_ids), READ_BATCH):
            if stopped():
                return
            try:
                self._sweep_jobs(job_ids[start : start + READ_BATCH], now, depths, purged, stopped)
            except Unavailable as error:
                _log.warning("jobs.left", reason=error.detail)
            except Exception:
                _log.exception("jobs.failed_to_sweep")

    def _due(self, until: Instant, most: int, stopped: Callable[[], bool]) -> Iterator[JobId]:
        """Of every shard, in random order, so that several sweepers do not follow each other."""
        shards = list(range(self._shards))
        random.shuffle(shards)
        for shard in shards:
            if stopped():
                return
            try:
                yield from self._ledger.due(shard, until, most=most)
            except Unavailable as error:
                _log.warning("shard.left", shard=shard, reason=error.detail)

    def _looks_ahead(self, now: Instant) -> bool:
        """Every now and then all that is owed is looked at, due or not: are there debts that a purge would delay?

        Those sent within the first gap are sent again soon enough anyway, so once a gap is often enough.
        """
        last = self._looked_ahead_at
        gap = round(self._timing.first_gap_seconds * 1_000)
        if last is not None and last <= now < last + gap:
            return False
        self._looked_ahead_at = now
        return True

    def _purged(self, depths: "_Depths", now: Instant) -> frozenset[Queue]:
        """Watched queues that were emptied; they are watched while a debt on them waits for a long gap."""
        self._spells.watch_only(self._watched)
        for place in {place for queue in self._watched for place in places_of(queue)}:
            self._spells.saw(place, now, empty=depths.is_empty(*place) is True)
        purged = frozenset(queue for queue in self._watched if self._spells.was_purged(queue, now))
        if purged:
            _log.warning("queues.found_empty", queues=sorted(purged))
            self._spells.watch_only(())  # what is sent again needs time to arrive
        return purged

    def _sweep_jobs(
        self,
        job_ids: Sequence[JobId],
        now: Instant,
        depths: "_Depths",
        purged: frozenset[Queue],
        stopped: Callable[[], bool],
    ) -> None:
        """One read, a write for each job that something is due of, and one send."""
        jobs = readable(self._ledger, job_ids)
        outgoing: list[Outgoing] = []
        for job_id in job_ids:
            if job_id in jobs and not stopped():
                outgoing += self._swept(jobs[job_id], now, depths, purged)
        self._send(outgoing)

    def _swept(self, job: Job, now: Instant, depths: "_Depths", purged: frozenset[Queue]) -> Sequence[Outgoing]:
        """One job: see what is due, do it, write it; gives what is to be sent."""
        try:
            events = [*self._alarm(job, now), *self._debts(job, now, depths, purged)]
            if not events:
                return ()
            change = advance(self._ledger, self._clock, self._timing, job, events)
        except Unavailable as error:
            _log.warning("job.left", job_id=job.id, reason=error.detail)
            return ()
        except Exception:
            _log.exception("job.failed_to_sweep", job_id=job.id)
            return ()
        _tell(change, events)
        return change.messages([False] * len(events), self._clock.now())

    def _alarm(self, job: Job, now: Instant) -> Iterator[Event]:
        """What a due alarm means in the job's state."""
        if job.alarm_at is None or now < job.alarm_at or job.state in _HAS_NO_ALARM:
            return
        if job.state is not JobState.AWAITING_UPLOAD:
            yield Expired()
            return
        if job.direct:
            # nobody said that it was posted: neither the client nor S3
            yield arrived(job, self._originals) or LapsedAlarm()
            return
        head = self._originals.head_original(job.key)
        if head is not None and head.sha256 is not None and head.sha256 == job.content_sha256:
            # stored by an upload that died before it could say so: the row has known these bytes since before the put
            yield Stored(version_id=head.version_id, etag=head.etag, source=job.source)
        else:
            yield LapsedAlarm()

    def _debts(self, job: Job, now: Instant, depths: "_Depths", purged: frozenset[Queue]) -> Iterator[Event]:
        """What each debt asks for whose time has come."""
        if any(debt.kind is DebtKind.ERASE and debt.due_at <= now for debt in job.debts):
            yield from self._erase(job, now)
        for debt in job.debts:
            queue = queue_of(job, debt)
            if debt.kind is DebtKind.ERASE:
                continue
            if debt.due_at <= now:
                waits = (
                    debt.sent_at is not None
                    and queue is not None
                    and any(depths.is_empty(one) is False for one in waiting_in(queue))
                )
                yield LapsedDebt(debt=debt.id, queue_empty=not waits)
            elif queue is not None and self._has_long_gap(debt, now):
                if queue in purged:
                    yield LapsedDebt(debt=debt.id, purged=True)
                else:
                    self._watched.add(queue)

    def _has_long_gap(self, debt: Debt, now: Instant) -> bool:
        """Sent a while ago and not due for a while: what a purged queue would delay."""
        return debt.sent_at is not None and now - debt.sent_at > self._timing.first_gap_seconds * 1_000

    def _erase(self, job: Job, now: Instant) -> Iterator[Event]:
        due = [debt for debt in job.debts if debt.kind is DebtKind.ERASE and debt.due_at <= now]
        try:
            objects = self._eraser.erase(job.tenant, job.id)
            if job.state is JobState.DELETING:
                self._empty_deliveries(job, now)
        except Unavailable as error:
            _log.warning("job.not_erased", job_id=job.id, reason=error.detail)
        except Exception:
            _log.exception("job.not_erased", job_id=job.id)
        else:
            _log.info("objects.erased", job_id=job.id, request_id=job.request_id, objects=objects)
            for debt in due:
                yield Erased(debt=debt.id)
            return
        for debt in due:  # later and later, so that it does not stand in the way of others
            yield LapsedDebt(debt=debt.id)

    def _empty_deliveries(self, job: Job, now: Instant) -> None:
        """Of what its endpoint was told, only that it was told stays. None is born any more: all debts are dropped."""
        for delivery in self._deliveries.read(keys_of(job)).values():
            if delivery.body:
                try:
                    self._deliveries.replace(emptied(delivery, now), delivery.revision)
                except RevisionMoved as error:
                    raise Unavailable("a delivery is being made") from error

    def _send(self, outgoing: list[Outgoing]) -> None:
        """Best effort: what does not go out now is due again."""
        if not outgoing:
            return
        try:
            self._queues.send(outgoing)
        except Unavailable as error:
            _log.warning("messages.not_sent", messages=len(outgoing), reason=error.detail)


class _Depths:
    """Whether queues are empty, each asked once a sweep and only if somebody wants to know."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._known: dict[Place, bool | None] = {}

    def is_empty(self, queue: Queue, dead_letters: bool = False) -> bool | None:
        """Visible, delayed and in flight all 0; None if the queue does not say."""
        place = (queue, dead_letters)
        if place not in self._known:
            try:
                self._known[place] = self._queues.depth(queue, dead_letters=dead_letters).total == 0
            except Unavailable as error:
                _log.warning("depth.unknown", queue=queue, dead_letters=dead_letters, reason=error.detail)
                self._known[place] = None
        return self._known[place]


def _tell(change: Change, events: Sequence[Event]) -> None:
    if not change.changed:
        return
    who = {"job_id": change.job.id, "request_id": change.job.request_id}
    lapses = {event.debt: event for event in events if isinstance(event, LapsedDebt)}
    before = {debt.id: debt for debt in change.before.debts}
    for debt in change.job.debts:
        if debt.id in lapses and debt != before.get(debt.id) and debt.sent_at is not None:
            _log.info("debt.sent", kind=debt.kind, lapses=debt.lapses, purged=lapses[debt.id].purged, **who)
    for name, fields in told(change.before, change.job):
        _log.info(name, **fields)
