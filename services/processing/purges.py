"""Queues that were emptied behind our back: seen empty twice, a sweep apart, while messages on them are owed.

Only then is a debt sent before it is due. Orders need more: as long as `completions` or one of the dead letters holds
anything, the answer may be on its way.
"""

from collections.abc import Collection
from typing import Final

from contracts.job import Debt, DebtKind, Instant, Job, Lane
from contracts.messages import Queue

Place = tuple[Queue, bool]
"""A queue, or (True) its dead letters."""

_ON_THE_WAY: Final[dict[Queue, tuple[Place, ...]]] = {
    # a message of the normal lane may have been put aside (`sieve`)
    Queue.JOBS: ((Queue.JOBS, False), (Queue.JOBS_BULK, False)),
    Queue.JOBS_BULK: ((Queue.JOBS_BULK, False),),
    Queue.TRANSFORMS: (
        (Queue.TRANSFORMS, False),
        (Queue.COMPLETIONS, False),
        (Queue.TRANSFORMS, True),
        (Queue.COMPLETIONS, True),
    ),
    Queue.NOTIFICATIONS: ((Queue.NOTIFICATIONS, False),),
}


def places_of(queue: Queue) -> tuple[Place, ...]:
    """Everywhere that a message of this queue, or what follows from it, may be."""
    return _ON_THE_WAY[queue]


def waiting_in(queue: Queue) -> tuple[Queue, ...]:
    """Where a message of this queue waits for its turn."""
    return (Queue.JOBS, Queue.JOBS_BULK) if queue is Queue.JOBS else (queue,)


def queue_of(job: Job, debt: Debt) -> Queue | None:
    """The queue that a debt's message goes to; None if it is no message on a queue of ours."""
    if debt.kind is DebtKind.PROCESS:
        return Queue.JOBS_BULK if job.lane is Lane.BULK else Queue.JOBS
    if debt.kind is DebtKind.NOTIFY:
        return Queue.NOTIFICATIONS
    return Queue.TRANSFORMS if debt.kind is DebtKind.TRANSFORM else None


class EmptySpells:
    """Since when each place was seen empty every time. Pure: the caller brings sights and times."""

    def __init__(self, apart: Instant) -> None:
        """`apart` milliseconds make two sights of an empty place mean something."""
        self._apart = apart
        self._since: dict[Place, Instant] = {}

    def saw(self, place: Place, now: Instant, *, empty: bool) -> None:
        if not empty:
            self._since.pop(place, None)
        # a clock that went back begins the spell anew
        elif self._since.get(place, now) >= now:
            self._since[place] = now

    def was_purged(self, queue: Queue, now: Instant) -> bool:
        """Whether everywhere a message of this queue may be has been empty for long enough."""
        return all(now - self._since.get(place, now) >= self._apart for place in places_of(queue))

    def watch_only(self, queues: Collection[Queue]) -> None:
        """Forget what was seen of other places: an old sight of a place that nobody watched since means nothing."""
        kept = {place for queue in queues for place in places_of(queue)}
        self._since = {place: since for place, since in self._since.items() if place in kept}
