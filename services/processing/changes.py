"""The one way a job is read and changes here: step, write under the revision, and again where somebody was quicker.

Used by the readers (through `batches`) and the sweeper. No messages are sent here: the caller gathers them.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from contracts.deliveries import Delivery
from contracts.errors import RevisionMoved, Unavailable
from contracts.events import Event
from contracts.identifiers import JobId
from contracts.job import Job
from contracts.lifecycle import Verdict, owed, step
from contracts.limits import Timing
from contracts.messages import Outgoing
from contracts.ports import Clock, Ledger

ATTEMPTS: Final = 5
"""Writes tried before the messages are left for later: each refusal means that another process got one through."""

_log: Final = structlog.get_logger()


def readable(ledger: Ledger, job_ids: Sequence[JobId]) -> dict[JobId, Job]:
    """The jobs of these ids, in one read; a row that no version of ours wrote is told of, and missing.

    It must not keep its neighbours: one such row in the index would stop the sweeper for a hundred others.
    """
    try:
        return ledger.read(job_ids)
    except msgspec.MsgspecError:
        if len(job_ids) > 1:
            return {found.id: found for job_id in job_ids for found in readable(ledger, [job_id]).values()}
        _log.exception("job.unreadable", job_id=job_ids[0])
        return {}


class Change(Struct, frozen=True, kw_only=True):
    """What became of some events of one job.

    `contested` says that a write of ours was refused or unanswered on the way. `job` is the document as it stands in
    the table as far as we know, `before` the one that the last step was given.
    """

    before: Job
    job: Job
    changed: bool
    verdicts: tuple[Verdict, ...]
    reasons: tuple[str, ...]
    send: tuple[Outgoing, ...]
    contested: bool

    def messages(self, received_before: Sequence[bool], now: int) -> tuple[Outgoing, ...]:
        """What to send before anything is acknowledged; `received_before` has one entry an event.

        Beside what the change newly owes: where an event was superseded, and either its message came before or our own
        write was refused or unanswered, whoever made the change may have died before sending, so everything owed that
        is not backing off goes out again. A superseded event at its first receipt is a copy and sends nothing: whoever
        holds the original sends, otherwise copies breed copies.
        """
        heals = any(
            verdict is Verdict.SUPERSEDED and (self.contested or before)
            for verdict, before in zip(self.verdicts, received_before, strict=True)
        )
        if not heals:
            return self.send
        return self.send + tuple(message for message in owed(self.job, now) if message not in self.send)


def advance(
    ledger: Ledger,
    clock: Clock,
    timing: Timing,
    job: Job,
    events: Sequence[Event],
    born: Callable[[Job], Sequence[Delivery]] = lambda before: (),
) -> Change:
    """Apply the events to the job and write what comes of it; `job` is as it was last read.

    `born` gives, for the job before the change, the deliveries that are written with it or not at all.

    A write whose reply was lost needs nothing special: read again, `step` says superseded. Raises Unavailable if the
    table does not answer, the row is gone, or others were quicker every time.
    """
    contested = False
    for _ in range(ATTEMPTS):
        outcome = step(job, events, clock.now(), timing)
        change = Change(
            before=job,
            job=outcome.job or job,
            changed=outcome.changed,
            verdicts=outcome.verdicts,
            reasons=outcome.reasons,
            send=outcome.send,
            contested=contested,
        )
        if not change.changed:
            return change
        try:
            ledger.replace(change.job, job.revision, born(job))
        except (RevisionMoved, Unavailable):
            contested = True
        else:
            return change
        found = ledger.read([job.id]).get(job.id)
        if found is None:
            raise Unavailable("the job's row is gone")
        job = found
    raise Unavailable("others changed the job each time")
