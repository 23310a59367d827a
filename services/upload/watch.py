"""Waiting for jobs to change: one watcher a process reads all waited-for jobs together.

However many clients wait, each look is one BatchGetItem a hundred jobs. It looks every tenth of a second while somebody
began to wait within the last two seconds (most jobs are over by then), then less and less often.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from contracts.errors import Unavailable
from contracts.identifiers import JobId
from contracts.job import Job
from contracts.ports import Ledger
from services.upload.threads import Threads

MOST_WAITING: Final = 1_000
"""Beyond it nobody waits: the answer is what is known now."""

PACE: Final = ((2.0, 0.1), (8.0, 0.25), (float("inf"), 1.0))
"""(waited up to, seconds between two looks) of whoever came last."""

_log: Final = structlog.get_logger()


class _Waiter:
    def __init__(self, job_id: JobId, since: float, is_enough: Callable[[Job | None], bool], known: Job | None) -> None:
        self.job_id = job_id
        self.since = since
        self.seen = known
        self.is_enough = is_enough
        self.answer: asyncio.Future[Job | None] = asyncio.get_running_loop().create_future()


class Watcher:
    """`until` waits; `read` looks once. To be used from the event loop's thread."""

    def __init__(self, ledger: Ledger, threads: Threads) -> None:
        self._ledger = ledger
        self._threads = threads
        self._waiters: set[_Waiter] = set()
        self._looking: asyncio.Task[None] | None = None
        self._stopped = False
        self.looks = 0
        """Reads made for waiters, for whoever counts calls."""

    @property
    def is_stopped(self) -> bool:
        """Nobody waits any more: the process is about to end."""
        return self._stopped

    async def read(self, job_id: JobId) -> Job | None:
        """The job as it is now; None if there is none."""
        found = await self._threads.call(self._ledger.read, [job_id])
        return found.get(job_id)

    async def until(
        self, job_id: JobId, is_enough: Callable[[Job | None], bool], seconds: float, known: Job | None
    ) -> Job | None:
        """The job as soon as `is_enough` of it, else the last that was seen when the time is up or we are draining."""
        if is_enough(known) or self._stopped or len(self._waiters) >= MOST_WAITING:
            return known
        waiter = _Waiter(job_id, asyncio.get_running_loop().time(), is_enough, known)
        self._waiters.add(waiter)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(seconds):
                return await waiter.answer
        except TimeoutError:
            return waiter.seen
        finally:
            self._waiters.discard(waiter)

    def stop(self) -> None:
        """Send everyone away with what they know: the process is about to end."""
        self._stopped = True
        for waiter in self._waiters:
            if not waiter.answer.done():
                waiter.answer.set_exception(TimeoutError())

    async def _look(self) -> None:
        try:
            while self._waiters and not self._stopped:
                await asyncio.sleep(self._gap())
                asked = list(self._waiters)
                if not asked:
                    # whoever waited has been told meanwhile, or has left: nobody is read for
                    return
                try:
                    self._tell(asked, await self._seen(asked))
                except Unavailable as error:
                    _log.warning("watch.unread", jobs=len(asked), detail=error.detail)
        finally:
            self._looking = None

    async def _seen(self, asked: Sequence[_Waiter]) -> dict[JobId, Job]:
        self.looks += 1
        return await self._threads.call(self._ledger.read, list(dict.fromkeys(waiter.job_id for waiter in asked)))

    def _gap(self) -> float:
        waited = asyncio.get_running_loop().time() - max(waiter.since for waiter in self._waiters)
        return next(gap for until, gap in PACE if waited < until)

    @staticmethod
    def _tell(asked: Sequence[_Waiter], seen: dict[JobId, Job]) -> None:
        for waiter in asked:
            waiter.seen = seen.get(waiter.job_id)
            if not waiter.answer.done() and waiter.is_enough(waiter.seen):
                waiter.answer.set_result(waiter.seen)
