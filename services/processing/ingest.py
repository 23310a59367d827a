"""What is done with S3's notices: whatever was posted straight to it is looked at, and its job goes on or is rejected.

    decode ─▶ read the job ─▶ look at the object ─▶ step, write ─▶ send what is owed ─▶ delete

A notice may come late, twice, or after the client said the same: then the job has its original, and nothing happens. It
may also be of bytes that nobody waits for any more, which the job then owes the erasure of.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from contracts.arrivals import arrived
from contracts.errors import BadMessage, Unavailable
from contracts.events import Event, Stored
from contracts.job import Job, JobState, Source
from contracts.messages import Outgoing, Queue
from contracts.notices import Notice, decode_notices
from contracts.ports import OriginalRanges, Received
from services.processing.batches import Clerk, End, Settled
from services.processing.changes import advance, readable
from services.processing.story import told

_log: Final = structlog.get_logger()


class IngestDesk(Clerk):
    """Settles the batches of `ingest`, of this bucket. `originals` is called when there is something to look at."""

    def __init__(self, *, bucket: str, originals: Callable[[], OriginalRanges], **ports: Any) -> None:
        super().__init__(queue=Queue.INGEST, **ports)
        self._bucket, self._originals = bucket, originals

    def settle(self, batch: Sequence[Received]) -> Settled:
        """Everything that this batch asks for."""
        ends, outgoing = [], []
        for received in batch:
            end, owed = self._taken(received)
            ends.append(end)
            outgoing += owed
        if not self._send(outgoing):
            ends = [End.LEFT if end is End.ACKNOWLEDGED else end for end in ends]
        self._delete([received for received, end in zip(batch, ends, strict=True) if end is not End.LEFT])
        return Settled(ends=tuple(ends), dispatched=0)

    def _taken(self, received: Received) -> tuple[End, list[Outgoing]]:
        """How a message ends, and what is to be sent before it does: it is done when all of its notices are."""
        outgoing: list[Outgoing] = []
        try:
            ends = []
            for notice in decode_notices(received.body, self._bucket):
                end, owed = self._noticed(notice, received)
                ends.append(end)
                outgoing += owed
        except BadMessage as error:
            return self._refuse(received, error.detail), outgoing
        except Unavailable as error:
            _log.warning("message.left", queue=Queue.INGEST, reason=error.detail)
            return End.LEFT, outgoing
        except Exception:
            # a bug, or a document that no version of ours wrote: the others of the batch go on
            _log.exception("message.failed", queue=Queue.INGEST)
            return End.LEFT, outgoing
        return (End.LEFT if End.LEFT in ends else End.ACKNOWLEDGED), outgoing

    def _noticed(self, notice: Notice, received: Received) -> tuple[End, Sequence[Outgoing]]:
        job_id = notice.place.job_id
        job = readable(self._ledger, [job_id]).get(job_id)
        if job is None:
            return self._wait_for_job(received, job_id), ()
        if job.key != notice.place.key:
            raise BadMessage("the key is not that of its job")
        event = self._event(notice, job)
        if event is None:
            # erased meanwhile, or the sweeper will say what became of it
            return End.ACKNOWLEDGED, ()
        change = advance(self._ledger, self._clock, self._timing, job, [event])
        if change.changed:
            for name, fields in told(change.before, change.job):
                _log.info(name, **fields)
        return End.ACKNOWLEDGED, change.messages([received.receives > 1], self._clock.now())

    def _event(self, notice: Notice, job: Job) -> Event | None:
        """What is there for a job that waits for it; for any other, that something is."""
        if job.state is JobState.AWAITING_UPLOAD:
            return arrived(job, self._originals())
        return Stored(version_id=notice.version_id or "", etag="", source=Source())
