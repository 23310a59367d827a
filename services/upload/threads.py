"""Where blocking calls run: a bounded pool of threads, so that no call to AWS or the disk stops the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, ParamSpec, TypeVar

from contracts.errors import Overloaded

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


MOST_WAITING: Final = 512
"""Calls that wait for a thread: a second or two of work, and nothing that a client should wait longer for."""


class Threads:
    """`await threads.call(function, ...)` runs it elsewhere; beyond `most` at once, calls wait their turn.

    To be used from the event loop's thread.
    """

    def __init__(self, most: int, most_waiting: int = MOST_WAITING) -> None:
        self._most_inside, self._inside = most + most_waiting, 0
        self._closed = False
        self._pool = ThreadPoolExecutor(max_workers=most, thread_name_prefix="blocking")

    async def call(self, function: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        """What the function answers or raises. Cancelling the wait does not stop the function.

        Raises Overloaded, and does not call it, if too many are waiting.
        """
        if self._inside >= self._most_inside:
            raise Overloaded("too many requests wait for their turn", retry_after=1)
        loop = asyncio.get_running_loop()
        work = self._pool.submit(lambda: function(*args, **kwargs))
        self._inside += 1
        # a wait that is cancelled leaves its function running, which takes its thread still
        work.add_done_callback(lambda _: self._ended(loop))
        return await asyncio.wrap_future(work)

    def _ended(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the loop is over: nobody counts any more
            loop.call_soon_threadsafe(self._left)

    def _left(self) -> None:
        self._inside -= 1

    @property
    def waiting(self) -> int:
        """Calls that have not ended."""
        return self._inside

    @property
    def is_open(self) -> bool:
        return not self._closed

    def close(self) -> None:
        """Start nothing new; what runs may finish by itself."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
