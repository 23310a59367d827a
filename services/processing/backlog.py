"""How full `transforms` is, as one host knows it: what the jobs reader holds back by.

Waiting work stays in `jobs`, where it can be cancelled, reordered and counted. The depth is read at most once a second,
and only while work moves; in between it is estimated from what this host sent and saw answered.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from contracts.errors import Unavailable
from contracts.ports import Depth

READ_SECONDS: Final = 1.0
"""Between two reads of the depth."""

_log: Final = structlog.get_logger()


class Backlog:
    """Shared by all readers of a host; safe to use from several threads."""

    def __init__(self, depth: Callable[[], Depth], most: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`most` orders in the queue, in hand included, still leave room for another batch."""
        self._depth, self._most, self._monotonic = depth, most, monotonic
        self._lock = threading.Lock()
        self._estimate = 0
        self._moved = True
        self._read_at = float("-inf")

    def sent(self, orders: int) -> None:
        """This host sent so many orders."""
        if orders:
            with self._lock:
                self._estimate += orders
                self._moved = True

    def answered(self, orders: int) -> None:
        """This host saw so many answers."""
        with self._lock:
            self._estimate = max(0, self._estimate - orders)

    @property
    def is_full(self) -> bool:
        """Whether the function has more than enough to do, as far as is known without asking."""
        with self._lock:
            return self._estimate > self._most

    @property
    def room(self) -> int:
        """Orders that are missing from the most, as far as is known without asking; 0 or more."""
        with self._lock:
            return max(0, self._most - self._estimate)

    def has_room(self) -> bool:
        """Whether the function would not be kept waiting by more work, nor work by the function.

        A queue that does not say how deep it is keeps its last estimate: a backlog too deep is no danger, only later.
        """
        with self._lock:
            now = self._monotonic()
            stale = now - self._read_at >= READ_SECONDS and (self._moved or self._estimate > self._most)
            if stale:
                self._read_at = now
                try:
                    self._estimate = self._depth().total
                    self._moved = False
                except Unavailable as error:
                    _log.warning("backlog.unknown", reason=error.detail)
            return self._estimate <= self._most
