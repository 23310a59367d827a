"""Whose turn it is: eight receives of `jobs` to one of `jobs-bulk`, and bulk at any time while `jobs` is idle.

Each lane has a reader of its own, so that neither waits in the other's long poll. The normal lane never waits for bulk;
bulk waits until the normal lane found nothing, or was read eight times since bulk last was.
"""

import threading
from typing import Final

SHARE: Final = 8
"""Receives of `jobs` for one of `jobs-bulk` while both hold work."""


class Lanes:
    """The turns of two readers; safe to use from both their threads."""

    def __init__(self, share: int = SHARE) -> None:
        self._share = share
        self._lock = threading.Lock()
        self._normal_idle = True
        self._since_bulk = 0

    def normal_received(self, messages: int) -> None:
        """A receive of `jobs` brought so many."""
        with self._lock:
            self._normal_idle = messages == 0
            self._since_bulk += 1

    def is_bulks_turn(self) -> bool:
        with self._lock:
            return self._normal_idle or self._since_bulk >= self._share

    def bulk_received(self, messages: int) -> None:
        """A receive of `jobs-bulk` brought so many; an empty one was no turn."""
        if messages:
            with self._lock:
                self._since_bulk = 0
