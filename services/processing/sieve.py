"""Fairness in the normal lane: of a crowd that one tenant sent, most steps aside for others' single pictures.

Without it whoever asks for one picture waits behind everybody's earlier ones. Where `jobs` is found crowded, a few of
each tenant are planned, also over the backlog's limit, and the rest of them is sent on to `jobs-bulk`, ten in three
calls, without a look at the table. So the lane is soon empty again, however many were sent at once, and what comes next
is planned at once.

    a short queue     its batches are planned as they come, while there is room
    a crowd, room     of each tenant as many are planned as there is room for; the others go to `jobs-bulk`
    a crowd, no room  of each tenant PASSES since there last was room; the others go to `jobs-bulk`

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

CROWD: Final = 2 * QUEUE_BATCH
"""Messages in `jobs` that are a crowd. Fewer are soon done, and moving them would cost more calls than it is worth: 16
clients, each waiting for its picture, are none."""
PASSES: Final = 2
"""Jobs of a tenant planned over the limit until there is room again: a person's next picture too."""
LOOK_SECONDS: Final = 0.5
"""Between two looks at how long `jobs` is, while there is no room."""

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
        self._crowded = False
        self._next_look = float("-inf")

    def may_receive(self) -> bool:
        """Whether there is room, or a crowd that may keep somebody waiting."""
        if self._backlog.has_room():
            self._passed.clear()
            return True
        if not self._crowded and self._monotonic() >= self._next_look:
            self._next_look = self._monotonic() + LOOK_SECONDS
            self._crowded = self._waiting() >= CROWD
        return self._crowded

    def received(self, messages: int) -> None:
        """A receive that brought so many is settled."""
        if messages < QUEUE_BATCH:
            self._crowded = False

    def settle(self, batch: Sequence[Received]) -> Settled:
        """As `Desk`: the ends are in the batch's order."""
        if not self._crowded and len(batch) >= QUEUE_BATCH:
            self._crowded = self._waiting() + len(batch) >= CROWD
        if not self._crowded:
            return self._desk.settle(batch)
        passes = PASSES if self._backlog.is_full else max(PASSES, self._backlog.room)
        aside = {place for place, received in enumerate(batch) if self._is_too_many(received, passes)}
        ends = [End.LEFT] * len(batch)
        if aside and self._moved([batch[place] for place in sorted(aside)]):
            for place in aside:
                ends[place] = End.ACKNOWLEDGED
        planned = [place for place in range(len(batch)) if place not in aside]
        if not planned:
            return Settled(ends=tuple(ends), dispatched=0)
        settled = self._desk.settle([batch[place] for place in planned])
        for place, end in zip(planned, settled.ends, strict=True):
            ends[place] = end
        return Settled(ends=tuple(ends), dispatched=settled.dispatched)

    def _waiting(self) -> int:
        """Messages in `jobs` that nobody has received; none if it does not say."""
        try:
            return self._queues.depth(Queue.JOBS).visible
        except Unavailable as error:
            _log.warning("depth.unknown", queue=Queue.JOBS, dead_letters=False, reason=error.detail)
            return 0

    def _is_too_many(self, received: Received, passes: int) -> bool:
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
        return self._passed[message.tenant] > passes

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
