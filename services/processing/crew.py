"""The threads of a host: started together, told to stop together, and a loud end for all if one dies.

A host with a dead reader looks healthy and does nothing, so a thread that ends with an error takes the process with it:
its supervisor starts a whole one.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog

_log: Final = structlog.get_logger()

Member = Callable[[threading.Event], None]
"""Works until the event is set; what it has in hand then, it finishes."""


class Crew:
    """Threads by name. Not to be started twice."""

    def __init__(self, members: Mapping[str, Member], *, on_death: Callable[[], None]) -> None:
        """`on_death` is called, in the thread that dies, after its error was logged."""
        self._on_death = on_death
        self._stop = threading.Event()
        self._lost = threading.Event()
        # daemons: one that hangs in a call beyond the drain must not keep the process; its messages come back
        self._threads = [
            threading.Thread(target=self._work, args=(name, member), name=name, daemon=True)
            for name, member in members.items()
        ]

    @property
    def lost_a_member(self) -> bool:
        return self._lost.is_set()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more work; returns at once."""
        self._stop.set()

    def join(self, seconds: float) -> bool:
        """Wait for what is in hand; whether everyone is done in time."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self, name: str, member: Member) -> None:
        try:
            member(self._stop)
            if self._stop.is_set():
                return
            _log.error("thread.ended", thread=name)
        except BaseException:
            _log.exception("thread.died", thread=name)
        self._lost.set()
        self._stop.set()
        self._on_death()
