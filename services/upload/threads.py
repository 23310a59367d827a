"""Where blocking calls run: a bounded pool of threads, so that no call to AWS or the disk stops the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class Threads:
    """`await threads.call(function, ...)` runs it elsewhere; beyond `most` at once, calls wait their turn."""

    def __init__(self, most: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=most, thread_name_prefix="blocking")

    async def call(self, function: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        """What the function answers or raises. Cancelling the wait does not stop the function."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Start nothing new; what runs may finish by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)
