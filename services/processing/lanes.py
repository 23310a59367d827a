"""Whose turn it is: eight receives of `jobs` to one of `jobs-bulk`, and bulk at any time while `jobs` is idle.

Each lane has a reader of its own, so that neither waits in the other's long poll. The normal lane never waits for bulk;
bulk waits until the normal lane found nothing, or was read eight times since bulk last was. A normal lane whose poll is
still waiting has nothing: otherwise a picture every second would keep bulk waiting for ever with the function idle.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

SHARE: Final = 8
"""Receives of `jobs` for one of `jobs-bulk` while both hold work."""
QUIET_SECONDS: Final = 0.3
"""Since the last receive of `jobs`, after which it would have brought something had there been anything: a poll finds
waiting messages within a tenth of that, and settling a batch takes less."""


class Lanes:
    """The turns of two readers; safe to use from both their threads."""

    def __init__(self, share: int = SHARE, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._share, self._monotonic = share, monotonic
        self._lock = threading.Lock()
        self._normal_idle = True
        self._normal_at = float("-inf")
        self._since_bulk = 0

    def normal_received(self, messages: int) -> None:
        """A receive of `jobs` brought so many."""
        with self._lock:
            self._normal_idle = messages == 0
            self._normal_at = self._monotonic()
            self._since_bulk += 1

    def is_bulks_turn(self) -> bool:
        with self._lock:
            quiet = self._normal_idle or self._monotonic() - self._normal_at > QUIET_SECONDS
            return quiet or self._since_bulk >= self._share

    def bulk_received(self, messages: int) -> None:
        """A receive of `jobs-bulk` brought so many; an empty one was no turn."""
        if messages:
            with self._lock:
                self._since_bulk = 0
