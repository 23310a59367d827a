"""The reader of a queue: one thread that receives, settles and receives again, until it is told to stop.

An idle reader sits in a long poll, so a single message is not delayed; under load messages gather while the jobs
readers are held back (`Backlog`) and the completions reader lingers (`Pace`). What is done with a batch is in
`batches`; which readers a host runs, and what each is held back by, is `house_readers`.
"""

import random
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import structlog

from contracts.errors import Unavailable
from contracts.limits import QUEUE_BATCH, Timing
from contracts.messages import Queue
from contracts.ports import Clock, Ledger, OriginalRanges, Queues, Received
from services.processing.backlog import Backlog
from services.processing.batches import Desk, Seen, Settled, answer_seen, crash_seen, process_seen
from services.processing.courier import Courier
from services.processing.ingest import IngestDesk
from services.processing.lanes import Lanes
from services.processing.notifications import NotifyDesk
from services.processing.pace import Pace
from services.processing.sieve import Settler, Sieve

POLL_SECONDS: Final = 3
"""Of a long poll. A drain waits for it, because breaking it off could lose a receive that nobody saw for a whole
visibility time-out; 20 s would save 3 million empty receives a month and host, about a dollar."""
HELD_SECONDS: Final = 0.1
"""Between two looks at what holds a reader back; the looks themselves are no calls."""
_FIRST_REST_SECONDS: Final = 0.5
_LAST_REST_SECONDS: Final = 15.0

_log: Final = structlog.get_logger()


def _always() -> bool:
    return True


def _a_batch() -> int:
    return QUEUE_BATCH


def _ignored(batch: list[Received], settled: Settled | None) -> None:
    """Nobody wants to know."""


class Reader:
    """Reads one queue. `turn` is one receive and what follows from it; `run` is turns until `stop`."""

    def __init__(
        self,
        *,
        name: str,
        queue: Queue,
        queues: Queues,
        desk: Settler,
        dead_letters: bool = False,
        may_receive: Callable[[], bool] = _always,
        most: Callable[[], int] = _a_batch,
        pace: Pace | None = None,
        heard: Callable[[list[Received], Settled | None], None] = _ignored,
    ) -> None:
        """`may_receive` holds it back while False, `pace` makes it linger, and it receives `most` at once.

        `heard` is told of each batch, also an empty one, and what became of it.
        """
        self.name = name
        self._queue, self._queues, self._desk, self._dead_letters = queue, queues, desk, dead_letters
        self._may_receive, self._most, self._heard = may_receive, most, heard
        self._pace = pace
        self._rest = 0.0

    def run(self, stop: threading.Event) -> None:
        """Turns until `stop` is set; a batch in hand is finished first. An error without a name ends it."""
        while not stop.is_set():
            if not self._may_receive() or self._lingers():
                stop.wait(HELD_SECONDS)
                continue
            if self._rest and stop.wait(self._rest):
                return
            self.turn(POLL_SECONDS)

    def turn(self, wait_seconds: int) -> Settled | None:
        """One receive, and its batch settled; None if there was none, or it had to be left."""
        try:
            batch = self._queues.receive(
                self._queue, most=self._most(), wait_seconds=wait_seconds, dead_letters=self._dead_letters
            )
        except Unavailable as error:
            _log.warning("queue.not_received", reader=self.name, reason=error.detail)
            self._rest_longer()
            return None
        if self._pace is not None:
            self._pace.received(time.monotonic(), len(batch))
        if batch:
            settled = self._settle(batch)
        else:  # whatever made us rest is hidden for a while
            settled, self._rest = None, 0.0
        self._heard(batch, settled)
        return settled

    def _settle(self, batch: list[Received]) -> Settled | None:
        try:
            settled = self._desk.settle(batch)
        except Unavailable as error:
            _log.warning("batch.left", reader=self.name, messages=len(batch), reason=error.detail)
            self._rest_longer()
            return None
        except Exception:
            _log.exception("batch.failed", reader=self.name, messages=len(batch))
            self._rest_longer()
            return None
        if settled.all_left:
            self._rest_longer()
        else:
            self._rest = 0.0
        return settled

    def _lingers(self) -> bool:
        now = time.monotonic()
        return self._pace is not None and self._pace.next_at(now) > now

    def _rest_longer(self) -> None:
        """While nothing can be done, asking again wears out the receives of good messages, and spins on bad ones."""
        longer = min(max(_FIRST_REST_SECONDS, self._rest * 2), _LAST_REST_SECONDS)
        self._rest = longer * random.uniform(0.75, 1.0)  # noqa: S311 - spreads hosts, guards nothing


def house_readers(
    *,
    queues: Queues,
    ledger: Ledger,
    originals: Callable[[], OriginalRanges],
    originals_bucket: str,
    clock: Clock,
    timing: Timing,
    backlog: Backlog,
    lanes: Lanes,
    courier: Courier,
    base: str,
) -> list[Reader]:
    """The readers that a host runs, one a queue. `originals` is called when something was posted straight to S3.

    `courier` calls endpoints; `base` is the API's public address that they are told, or empty.
    """

    ports: dict[str, Any] = {"queues": queues, "ledger": ledger, "clock": clock, "timing": timing}

    def desk(queue: Queue, seen: Seen, *, dead_letters: bool = False) -> Desk:
        return Desk(queue=queue, seen=seen, dead_letters=dead_letters, **ports)

    def dispatched(settled: Settled | None) -> None:
        if settled is not None:
            backlog.sent(settled.dispatched)

    def normal_heard(batch: list[Received], settled: Settled | None) -> None:
        lanes.normal_received(0 if settled is None or settled.all_left else len(batch))
        sieve.received(len(batch))
        dispatched(settled)

    def bulk_heard(batch: list[Received], settled: Settled | None) -> None:
        lanes.bulk_received(len(batch))
        dispatched(settled)

    def answers_heard(batch: list[Received], settled: Settled | None) -> None:
        backlog.answered(len(batch))
        dispatched(settled)

    def crashes_heard(batch: list[Received], settled: Settled | None) -> None:
        dispatched(settled)

    sieve = Sieve(desk(Queue.JOBS, process_seen), queues, backlog)
    return [
        Reader(
            name="jobs",
            queue=Queue.JOBS,
            queues=queues,
            desk=sieve,
            may_receive=sieve.may_receive,
            heard=normal_heard,
        ),
        Reader(
            name="jobs-bulk",
            queue=Queue.JOBS_BULK,
            queues=queues,
            desk=desk(Queue.JOBS_BULK, process_seen),
            may_receive=lambda: lanes.is_bulks_turn() and backlog.has_room(),
            # the normal lane waits behind what is sent of this one, so that is no more than there is room for
            most=lambda: min(QUEUE_BATCH, max(1, backlog.room)),
            heard=bulk_heard,
        ),
        Reader(
            name="completions",
            queue=Queue.COMPLETIONS,
            queues=queues,
            desk=desk(Queue.COMPLETIONS, answer_seen),
            pace=Pace(lambda: backlog.is_full),
            heard=answers_heard,
        ),
        Reader(
            name="transforms-dead-letters",
            queue=Queue.TRANSFORMS,
            queues=queues,
            desk=desk(Queue.TRANSFORMS, crash_seen, dead_letters=True),
            dead_letters=True,
            heard=crashes_heard,
        ),
        Reader(
            name="ingest",
            queue=Queue.INGEST,
            queues=queues,
            desk=IngestDesk(bucket=originals_bucket, originals=originals, **ports),
        ),
        Reader(
            name="notifications",
            queue=Queue.NOTIFICATIONS,
            queues=queues,
            desk=NotifyDesk(courier=courier, base=base, **ports),
        ),
    ]
