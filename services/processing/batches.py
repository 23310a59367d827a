"""What is done with the messages of one receive, from decoding to deletion.

    decode ─▶ read all jobs (one call) ─▶ per job: step, write ─▶ send what is owed (one call) ─▶ delete (one call)

Deletion is last, always: a crash anywhere before it brings the messages back, and `step` says superseded for what was
done. A message ends in one of three ways: acknowledged, left (its visibility brings it back, and once its receives are
used up it goes to the dead letters by itself), or parked in the dead letters with the reason.
"""

import re
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final

import structlog
from msgspec import Struct

from contracts.errors import BadMessage, Unavailable
from contracts.events import Crashed, Event, Planned
from contracts.identifiers import JobId
from contracts.job import Job
from contracts.lifecycle import Verdict
from contracts.limits import Timing
from contracts.messages import Finished, Message, Outgoing, Process, Queue, Transform, decode
from contracts.ports import Clock, Ledger, Queues, Received
from services.processing.changes import advance, readable
from services.processing.story import told

Seen = Callable[[Message, Job], Event]
"""What a message of a queue says about its job; raises BadMessage for one that this queue cannot carry."""

_MAX_REASON_CHARS: Final = 200
_QUOTED: Final = re.compile("'[^']*'?")
"""Values, as decoders quote them; names of fields, which are ours, stand in backquotes."""
_MOST_REMEMBERED: Final = 1_000
"""Messages of the dead letters that were told of; then some are told of again."""
_log: Final = structlog.get_logger()


class End(Enum):
    """How a message of a batch ended."""

    ACKNOWLEDGED = "acknowledged"
    LEFT = "left"
    PARKED = "parked"


class Settled(Struct, frozen=True, kw_only=True):
    """What became of a batch: one end a message, and how many orders went to the function."""

    ends: tuple[End, ...]
    dispatched: int

    @property
    def all_left(self) -> bool:
        """Nothing could be done: asking again at once would only wear the messages out."""
        return all(end is End.LEFT for end in self.ends)


def process_seen(message: Message, job: Job) -> Event:
    """Of `jobs` and `jobs-bulk`: somebody wants the job planned."""
    if not isinstance(message, Process):
        raise BadMessage("only Process belongs here")
    return Planned()


def answer_seen(message: Message, job: Job) -> Event:
    """Of `completions`: the function's answer is an event as it stands."""
    if not isinstance(message, Finished):
        raise BadMessage("only Finished belongs here")
    return message


def crash_seen(message: Message, job: Job) -> Event:
    """Of the dead letters of `transforms`: received as often as allowed, never answered."""
    if not isinstance(message, Transform):
        raise BadMessage("only Transform belongs here")
    if message.tenant != job.tenant:
        raise BadMessage("the order names another tenant than its job")
    return Crashed(token=message.token)


class Clerk:
    """What the desks of all queues share: how a message ends, and how what is owed goes out."""

    def __init__(
        self,
        *,
        queue: Queue,
        queues: Queues,
        ledger: Ledger,
        clock: Clock,
        timing: Timing,
        dead_letters: bool = False,
    ) -> None:
        """With `dead_letters` the batches come from the queue's dead letters: what is bad stays parked there."""
        self._queue, self._dead_letters = queue, dead_letters
        self._queues, self._ledger, self._clock, self._timing = queues, ledger, clock, timing
        self._told: set[int] = set()

    def _wait_for_job(self, received: Received, job_id: JobId) -> End:
        """Its row may be written in a moment; if not, the receives of the message run out."""
        if self._dead_letters:
            return self._refuse(received, "there is no such job", job_id=job_id)
        _log.warning("message.left", queue=self._queue, job_id=job_id, reason="there is no such job")
        return End.LEFT

    def _refuse(self, received: Received, reason: str, **who: Any) -> End:
        """Park it; where it lies in the dead letters already, or cannot be parked now, leave it."""
        reason = _printable(reason)
        if self._dead_letters:
            self._tell_once(received, _unquoted(reason), who)
            return End.LEFT
        try:
            self._queues.park(received, reason)
        except Unavailable as error:
            _log.warning("message.left", queue=self._queue, reason=error.detail, **who)
            return End.LEFT
        except Exception:
            # a body that cannot even be sent on: the queue itself gives it up, and the others of the batch go on
            _log.exception("message.not_parked", queue=self._queue, **who)
            return End.LEFT
        told = _unquoted(reason)
        _log.warning("message.parked", queue=self._queue, reason=told, receives=received.receives, **who)
        return End.PARKED

    def _tell_once(self, received: Received, reason: str, who: dict[str, Any]) -> None:
        """A message that stays in the dead letters comes again with every visibility time-out, for days."""
        mark = hash(received.body)
        if mark in self._told:
            return
        if len(self._told) >= _MOST_REMEMBERED:
            self._told.clear()
        self._told.add(mark)
        _log.warning("message.stays_parked", queue=self._queue, reason=reason, **who)

    def _send(self, outgoing: list[Outgoing]) -> bool:
        """Whether all of it went out; what did not stays owed in the table."""
        if not outgoing:
            return True
        try:
            self._queues.send(outgoing)
        except Unavailable as error:
            _log.warning("messages.not_sent", queue=self._queue, messages=len(outgoing), reason=error.detail)
            return False
        return True

    def _delete(self, messages: list[Received]) -> None:
        if not messages:
            return
        try:
            self._queues.delete(messages, dead_letters=self._dead_letters)
        except Unavailable as error:
            _log.warning("messages.not_deleted", queue=self._queue, messages=len(messages), reason=error.detail)


class Desk(Clerk):
    """Settles the batches of one queue. Safe to use from one thread at a time."""

    def __init__(self, *, seen: Seen, **ports: Any) -> None:
        """`ports` as of every clerk."""
        super().__init__(**ports)
        self._seen = seen

    def settle(self, batch: Sequence[Received]) -> Settled:
        """Everything that this batch asks for. Raises Unavailable if the jobs could not be read: all are left."""
        ends: list[End] = [End.LEFT] * len(batch)
        decoded: dict[int, Message] = {}
        for place, received in enumerate(batch):
            try:
                decoded[place] = decode(received.body)
            except BadMessage as error:
                ends[place] = self._refuse(received, error.detail)
        jobs = readable(self._ledger, sorted({message.job_id for message in decoded.values()})) if decoded else {}
        outgoing: list[Outgoing] = []
        for job_id, places in _by_job(decoded).items():
            job = jobs.get(job_id)
            if job is None:
                for place in places:
                    ends[place] = self._wait_for_job(batch[place], job_id)
                continue
            try:
                outgoing += self._settle_job(job, {place: decoded[place] for place in places}, batch, ends)
            except Unavailable as error:
                _log.warning("message.left", queue=self._queue, job_id=job_id, reason=error.detail)
            except Exception:
                # a bug, or a document that no version of ours wrote: the others of the batch go on
                _log.exception("message.failed", queue=self._queue, job_id=job_id)
        if not self._send(outgoing):
            # they come again, and what they still owe then goes out: sooner than the sweeper would send it
            ends = [End.LEFT if end is End.ACKNOWLEDGED else end for end in ends]
            outgoing = []
        self._delete([received for received, end in zip(batch, ends, strict=True) if end is not End.LEFT])
        dispatched = sum(message.queue is Queue.TRANSFORMS for message in outgoing)
        return Settled(ends=tuple(ends), dispatched=dispatched)

    def _settle_job(
        self, job: Job, messages: dict[int, Message], batch: Sequence[Received], ends: list[End]
    ) -> tuple[Outgoing, ...]:
        """One write for all messages of one job; marks how each ended, and gives what is to be sent."""
        events: dict[int, Event] = {}
        for place, message in messages.items():
            try:
                events[place] = self._seen(message, job)
            except BadMessage as error:
                ends[place] = self._refuse(batch[place], error.detail, job_id=job.id)
        if not events:
            return ()
        change = advance(self._ledger, self._clock, self._timing, job, list(events.values()))
        if change.changed:
            for name, fields in told(change.before, change.job):
                _log.info(name, **fields)
        for place, verdict, reason in zip(events, change.verdicts, change.reasons, strict=True):
            if verdict is Verdict.ILLEGAL:
                ends[place] = self._refuse(batch[place], reason, job_id=job.id)
            else:
                ends[place] = End.ACKNOWLEDGED
        return change.messages([batch[place].receives > 1 for place in events], self._clock.now())


def _by_job(decoded: dict[int, Message]) -> dict[JobId, list[int]]:
    """Places of each job's messages, both in order of arrival."""
    places: dict[JobId, list[int]] = {}
    for place, message in decoded.items():
        places.setdefault(message.job_id, []).append(place)
    return places


def _printable(reason: str) -> str:
    """A reason that may travel as an attribute and be logged: decoders quote what they were given."""
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in reason[:_MAX_REASON_CHARS])


def _unquoted(reason: str) -> str:
    """A reason that may be logged: the letter keeps the value that it quotes."""
    return _QUOTED.sub("'...'", reason)
