"""Streams of a job's changes, as server-sent events: what a client gets that would rather listen than ask.

    retry: 1000                 a broken stream is taken up again after a second, by itself
    id: 7                       the revision; sent back as Last-Event-ID, it is what need not be said again
    event: status
    data: {"id":"...","run":1,"revision":7,"state":"processing","progress":{"done":1,"total":4},"variants":[...]}
    : still here                nothing has changed, and the connection is alive

It ends when the job does, when the process does, and after a while in any case, so that nobody listens on with a
revoked key. However many listen, the one watcher of the process reads.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Final

import msgspec

from contracts.errors import Overloaded
from contracts.job import Job, JobState
from services.upload.document import progress_of
from services.upload.watch import Watcher

MOST_STREAMS: Final = 500
"""Of one process. Each is a socket and a few kilobytes; the watcher has room for as many again who poll."""
HEARTBEAT_SECONDS: Final = 15.0
"""Below the idle time-out of every common proxy."""
LONGEST_SECONDS: Final = 15 * 60.0
RETRY_MS: Final = 1_000
_CROWDED_SECONDS: Final = 1.0
"""Between two looks while the watcher takes nobody more."""

_DEAD: Final = frozenset({JobState.DELETING, JobState.DELETED})


class Streams:
    """The streams of this process. To be used from the event loop's thread."""

    def __init__(self, watcher: Watcher, *, most: int = MOST_STREAMS, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._watcher, self._most, self._heartbeat = watcher, most, heartbeat
        self.open = 0

    def check_room(self) -> None:
        """Raises Overloaded if there are as many as there may be."""
        if self.open >= self._most:
            raise Overloaded("too many listen already; ask for the status, or listen again later", retry_after=5)

    async def of(self, job: Job, known: int | None) -> AsyncGenerator[bytes, None]:
        """The stream of a job, from after the revision that is `known`."""
        self.open += 1
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            loop = asyncio.get_running_loop()
            until = loop.time() + LONGEST_SECONDS
            current: Job | None = job
            while True:
                if current is None or current.state in _DEAD:
                    yield b"event: gone\ndata: {}\n\n"
                    return
                if current.revision != known:
                    known = current.revision
                    yield _event(current)
                if current.is_final or self._watcher.is_stopped or loop.time() >= until:
                    return
                current = await self._news(current)
                if current is not None and current.revision == known and not self._watcher.is_stopped:
                    yield b": still here\n\n"
        finally:
            self.open -= 1

    async def _news(self, job: Job) -> Job | None:
        """The job once it has changed, or after a heartbeat."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        seen = await self._watcher.until(
            job.id, lambda seen: seen is None or seen.revision != job.revision, self._heartbeat, job
        )
        crowded = loop.time() - begun < min(_CROWDED_SECONDS, self._heartbeat / 2)
        if seen is job and crowded and not self._watcher.is_stopped:
            await asyncio.sleep(_CROWDED_SECONDS)
            return await self._watcher.read(job.id)
        return seen


def _event(job: Job) -> bytes:
    """One line of data: links are not in it, because they would die while the stream lives."""
    said: dict[str, Any] = {
        "id": job.id,
        "run": job.run,
        "revision": job.revision,
        "state": job.state,
        "progress": progress_of(job),
        "variants": [{"name": record.spec.name, "state": record.state} for record in job.variants],
    }
    return b"id: %d\nevent: status\ndata: %s\n\n" % (job.revision, msgspec.json.encode(said))
