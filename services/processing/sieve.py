"""Fairness in the normal lane: while the function has more than enough to do, a tenant's crowd steps aside.

Without it whoever asks for one picture waits behind everybody's earlier ones. The reader of `jobs` looks into its queue
even then: the first few of each tenant are planned over the backlog's limit, and the rest of them is sent on to
`jobs-bulk`, ten in three calls, without a look at the table. So the lane is soon empty again, however many were sent at
once, and what comes next is planned at once.

    room         the batch is planned as it is
    no room      of each tenant PASSES messages since there last was room are planned; the others go to `jobs-bulk`

A job does not know that its message went aside: its lane is what it was accepted in, and both queues are looked at
before a message counts as lost (`purges`).
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from contracts.errors import BadMessage, Unavailable
from contracts.limits import QUEUE_BATCH
from contracts.messages import Outgoing, Process, Queue, decode
from contracts.ports import Queues, Received
from services.processing.backlog import Backlog
from services.processing.batches import End, Settled

PASSES: Final = 2
"""Jobs of a tenant planned over the limit until there is room again: a person's next picture too."""
LOOK_SECONDS: Final = 0.5
"""Between two looks into a queue that was soon empty; one that was not is looked into again at once."""

_log: Final = structlog.get_logger()


class Settler(Protocol):
    """Settles batches, as `batches.Desk` does."""

    def settle(self, batch: Sequence[Received]) -> Settled: ...


class Sieve:
    """Stands before the desk of `jobs`. Safe to use from one thread."""

    def __init__(
        self, desk: Settler, queues: Queues, backlog: Backlog, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._desk, self._queues, self._backlog, self._monotonic = desk, queues, backlog, monotonic
        self._passed: Counter[str] = Counter()
        self._next_look = float("-inf")

    def may_receive(self) -> bool:
        """Whether there is room, or it is time to look whom the crowd is keeping."""
        if self._backlog.has_room():
            self._passed.clear()
            return True
        return self._monotonic() >= self._next_look

    def settle(self, batch: Sequence[Received]) -> Settled:
        """As `Desk`: the ends are in the batch's order."""
        if not self._backlog.is_full:
            return self._desk.settle(batch)
        aside = {place for place, received in enumerate(batch) if self._is_too_many(received)}
        ends = [End.LEFT] * len(batch)
        if aside and self._moved([batch[place] for place in sorted(aside)]):
            for place in aside:
                ends[place] = End.ACKNOWLEDGED
        self._look_again(soon=len(batch) >= QUEUE_BATCH and bool(aside))
        planned = [place for place in range(len(batch)) if place not in aside]
        if not planned:
            return Settled(ends=tuple(ends), dispatched=0)
        settled = self._desk.settle([batch[place] for place in planned])
        for place, end in zip(planned, settled.ends, strict=True):
            ends[place] = end
        return Settled(ends=tuple(ends), dispatched=settled.dispatched)

    def _look_again(self, *, soon: bool) -> None:
        self._next_look = float("-inf") if soon else self._monotonic() + LOOK_SECONDS

    def _is_too_many(self, received: Received) -> bool:
        if received.receives > 1:
            # what came before may have to be healed, which a copy would not do
            return False
        try:
            message = decode(received.body)
        except BadMessage:
            return False
        if not isinstance(message, Process) or not message.tenant:
            return False
        self._passed[message.tenant] += 1
        return self._passed[message.tenant] > PASSES

    def _moved(self, crowd: Sequence[Received]) -> bool:
        """Sent on, and only then deleted: broken off between, a message is there twice, which does no harm."""
        try:
            self._queues.send([Outgoing(Queue.JOBS_BULK, decode(received.body)) for received in crowd])
            self._queues.delete(crowd)
        except Unavailable as error:
            _log.warning("crowd.not_moved", messages=len(crowd), reason=error.detail)
            return False
        _log.info("crowd.moved", messages=len(crowd))
        return True
