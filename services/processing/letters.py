"""Dead letters as an operator sees them: listed without being changed, and sent to their queues again.

    receive ──▶ read the jobs ──▶ step says what each letter still means ──▶ send ──▶ delete
                                                    └─ nothing any more: delete, and say so

Sending comes before deleting, so whoever dies in between leaves a letter that is sent twice: harmless, as every second
delivery is. What is only looked at goes back at once. A call holds letters for less than their visibility time-out, so
it meets none of them twice; what it did not get to is left for the next call.

The dead letters of `transforms` have a reader of their own: what lies there in its hands is counted, not listed.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Final

import structlog
from msgspec import Meta, Struct

from contracts.errors import BadMessage, Unavailable
from contracts.identifiers import JobId
from contracts.job import Instant, Job
from contracts.lifecycle import Verdict, step
from contracts.limits import QUEUE_BATCH, Timing
from contracts.messages import Message, Queue, decode
from contracts.notices import decode_notices
from contracts.ports import Clock, Ledger, Queues, Received
from services.processing.batches import Seen, answer_seen, crash_seen, process_seen
from services.processing.changes import readable
from services.processing.notifications import notify_seen

MOST_LETTERS: Final = 1_000
LONGEST_SECONDS: Final = 15.0
"""Of one call: inside the idle time-out of what may stand between, and soon over when the service is to end."""
WAIT_SECONDS: Final = 1
"""For the last letter: a receive that does not wait asks some of SQS's servers, not all."""

READ_HERE: Final[Mapping[Queue, Seen]] = {
    Queue.JOBS: process_seen,
    Queue.JOBS_BULK: process_seen,
    Queue.TRANSFORMS: crash_seen,
    Queue.COMPLETIONS: answer_seen,
    Queue.NOTIFICATIONS: notify_seen,
}
"""How a letter of each queue is read. One of any other queue is sent again as it stands: its reader will judge it."""

_log: Final = structlog.get_logger()


class Fate(StrEnum):
    """What becomes of a letter."""

    SENT = "sent"
    """To its queue again."""
    DROPPED = "dropped"
    """Deleted: its job needs it no more, or nobody can read it and that was asked for."""
    LEFT = "left"
    """Where it is: nobody can read it."""


_TOLD: Final = {Fate.SENT: "letter.sent_again", Fate.DROPPED: "letter.dropped"}


class Letter(Struct, frozen=True, kw_only=True):
    """A dead letter. `reason` is what it was parked with; None: it was received too often."""

    queue: Queue
    kind: str | None
    """Type of the message; None if it cannot be read."""
    job_id: JobId | None
    reason: str | None
    sent_at: Instant
    receives: int
    fate: Fate
    why: str


class Redrive(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which letters to send again, and how."""

    queue: Queue | None = None
    """Of this one alone."""
    job: JobId | None = None
    """Of this one alone."""
    reason: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    """Those whose reason has this text in it."""
    rate: Annotated[float, Meta(ge=0.1, le=1_000)] = 50
    """Letters a second, so that a backlog does not come back all at once."""
    limit: Annotated[int, Meta(ge=1, le=MOST_LETTERS)] = MOST_LETTERS
    """Letters to look at."""
    dry_run: bool = False
    """Say what would become of them, and do nothing."""
    discard: bool = False
    """Delete what nobody can read, too."""


class Looked(Struct, frozen=True, kw_only=True):
    """Letters that were looked at; `more`: the call ended before the queue did."""

    letters: tuple[Letter, ...]
    more: bool


class _Call:
    """How far a call has come: letters that it may still look at, and what it has to tell."""

    def __init__(self, wish: Redrive, ends_at: float) -> None:
        self.wish = wish
        self.ends_at = ends_at
        self.left = wish.limit
        self.letters: list[Letter] = []


class DeadLetters:
    """The use case. Blocks on its ports: to be called from a thread."""

    def __init__(
        self,
        *,
        queues: Queues,
        ledger: Ledger,
        clock: Clock,
        timing: Timing,
        originals_bucket: str,
        stopped: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """`stopped` ends a call early, because the process is to end; `pause` returns early then."""
        self._queues, self._ledger, self._clock, self._timing = queues, ledger, clock, timing
        self._originals_bucket = originals_bucket
        self._stopped, self._monotonic, self._pause = stopped, monotonic, pause
        self._seconds = min(LONGEST_SECONDS, timing.queue_visibility_seconds / 2)

    def redriven(self, wish: Redrive) -> Looked:
        """Carry the wish out, queue by queue.

        Raises Unavailable: then some letters may have been sent again and not deleted, and none is lost.
        """
        call = _Call(wish, self._monotonic() + self._seconds)
        for queue in [wish.queue] if wish.queue is not None else Queue:
            if call.left > 0 and self._queues.depth(queue, dead_letters=True).total:
                self._redrive(queue, call)
        return Looked(letters=tuple(call.letters), more=call.left <= 0)

    def _redrive(self, queue: Queue, call: "_Call") -> None:
        kept: list[Received] = []
        try:
            while call.left > 0:
                most = min(call.left, QUEUE_BATCH, max(1, int(call.wish.rate)))
                batch = self._queues.receive(queue, most=most, wait_seconds=WAIT_SECONDS, dead_letters=True)
                if not batch:
                    return
                # before anything can fail: whatever is not deleted is given back
                kept += batch
                gone = self._settle([letter for letter in batch if _fits(letter, call.wish)], call)
                kept = [letter for letter in kept if letter not in gone]
                call.left -= len(batch)
                if self._stopped() or self._monotonic() >= call.ends_at:
                    call.left = 0
        finally:
            self._give_back(kept)

    def _settle(self, letters: Sequence[Received], call: "_Call") -> list[Received]:
        """Judge these, and unless it is only to be said, carry it out; those that are gone from the queue."""
        told = self._judged(letters, discard=call.wish.discard)
        pairs = list(zip(letters, told, strict=True))
        gone = [] if call.wish.dry_run else [received for received, letter in pairs if letter.fate is not Fate.LEFT]
        if gone:
            self._carry_out(pairs, call.wish.rate)
        call.letters += told
        return gone

    def _give_back(self, letters: list[Received]) -> None:
        try:
            self._queues.release(letters, dead_letters=True)
        except Unavailable as error:
            # they come back by themselves when their time is over
            _log.warning("letters.not_given_back", letters=len(letters), reason=error.detail)

    def _carry_out(self, pairs: Sequence[tuple[Received, Letter]], rate: float) -> None:
        sent = [received for received, letter in pairs if letter.fate is Fate.SENT]
        dropped = [received for received, letter in pairs if letter.fate is Fate.DROPPED]
        if sent:
            self._queues.redrive(sent)
        # what was sent is on its way: only now may the letter go
        self._queues.delete([*sent, *dropped], dead_letters=True)
        for _, letter in pairs:
            if letter.fate is not Fate.LEFT:
                _log.info(_TOLD[letter.fate], queue=letter.queue, job_id=letter.job_id, reason=letter.why)
        self._pause(len(sent) / rate)

    def _judged(self, letters: Sequence[Received], *, discard: bool) -> list[Letter]:
        messages: dict[int, Message] = {}
        faults: dict[int, str] = {}
        for place, letter in enumerate(letters):
            try:
                if letter.queue in READ_HERE:
                    messages[place] = decode(letter.body)
                elif letter.queue is Queue.INGEST:
                    decode_notices(letter.body, self._originals_bucket)
            except BadMessage as error:
                faults[place] = error.detail
        ids = sorted({message.job_id for message in messages.values()})
        jobs = readable(self._ledger, ids) if ids else {}
        return [
            self._letter(letter, messages.get(place), faults.get(place), jobs, discard=discard)
            for place, letter in enumerate(letters)
        ]

    def _letter(
        self, letter: Received, message: Message | None, fault: str | None, jobs: Mapping[JobId, Job], *, discard: bool
    ) -> Letter:
        if message is not None:
            fate, why = self._fate(letter.queue, message, jobs.get(message.job_id))
        elif fault is not None:
            fate, why = Fate.LEFT, _printable(fault)
        else:
            fate, why = Fate.SENT, "its reader will judge it"
        if fate is Fate.LEFT and discard:
            fate = Fate.DROPPED
        return Letter(
            queue=letter.queue,
            kind=None if message is None else type(message).__name__.lower(),
            job_id=None if message is None else message.job_id,
            reason=letter.reason,
            sent_at=letter.sent_at,
            receives=letter.receives,
            fate=fate,
            why=why,
        )

    def _fate(self, queue: Queue, message: Message, job: Job | None) -> tuple[Fate, str]:
        """What the letter still means to its job, by the table of transitions itself."""
        if job is None:
            return Fate.LEFT, "there is no such job"
        try:
            event = READ_HERE[queue](message, job)
        except BadMessage as error:
            return Fate.LEFT, error.detail
        outcome = step(job, [event], self._clock.now(), self._timing)
        [verdict], [reason] = outcome.verdicts, outcome.reasons
        if verdict is Verdict.APPLIED:
            return Fate.SENT, f"the job is {job.state} and waits for it"
        return (Fate.DROPPED if verdict is Verdict.SUPERSEDED else Fate.LEFT), reason


def _fits(letter: Received, wish: Redrive) -> bool:
    if wish.reason is not None and wish.reason not in (letter.reason or ""):
        return False
    if wish.job is None:
        return True
    try:
        return decode(letter.body).job_id == wish.job
    except BadMessage:
        return False


def _printable(text: str) -> str:
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in text[:200])
