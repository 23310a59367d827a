"""Keeps processes up: starts them, waits for their ends, and starts them again. What they are is the caller's to know.

    main thread    starts processes, and waits for what happens to them
    one thread a process    waits for its end

Processes are started by the thread that calls: on Linux "the parent ended" means the thread that started them.
"""

import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from local.problems import CannotRun

Start = Callable[[], "subprocess.Popen[bytes]"]

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 5.0
"""Seconds before a process that ended is started again; doubles while it keeps ending."""
_STEADY_SECONDS: Final = 10.0
"""A process that lived this long is well again."""


class Ended(Struct, frozen=True):
    """A process ended by itself."""

    name: str
    pid: int
    status: int


class Due(Struct, frozen=True):
    """It is time to start a process again."""

    name: str


class Stopped(Struct, frozen=True):
    """Somebody wants this to end; with a failure, it ends with that."""

    failure: CannotRun | None = None


class Kept:
    """A process that is kept up; `process` is its present life."""

    def __init__(self, name: str, port: int, start: Start) -> None:
        self.name = name
        self.port = port
        self.start = start
        self.process = start()
        self.started = time.monotonic()
        self.wait = _FIRST_WAIT


class Keeper:
    """All processes of a run, by name. `changed` is called after each start."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._kept: dict[str, Kept] = {}
        self._events: queue.SimpleQueue[Ended | Due | Stopped] = queue.SimpleQueue()
        self._timers: list[threading.Timer] = []
        self._leaving = False

    def __getitem__(self, name: str) -> Kept:
        return self._kept[name]

    def __iter__(self) -> Iterator[Kept]:
        return iter(tuple(self._kept.values()))

    def keep(self, name: str, port: int, start: Start) -> None:
        """Start a process, and keep it up from now on."""
        kept = self._kept[name] = Kept(name, port, start)
        self._watch(kept)

    def supervise(self, tell: Callable[[Ended | Due], None]) -> CannotRun | None:
        """Start again what ends, telling of each end and each start, until `stop_soon`; the failure it was given."""
        while True:
            event = self._events.get()
            if isinstance(event, Stopped):
                return event.failure
            kept = self._kept[event.name]
            if isinstance(event, Due):
                kept.process, kept.started = kept.start(), time.monotonic()
                self._watch(kept)
                tell(event)
            elif kept.process.pid == event.pid:
                tell(event)
                self._start_later(kept)

    def stop_soon(self, failure: CannotRun | None = None) -> None:
        """Let `supervise` return. From any thread."""
        self._events.put(Stopped(failure))

    def leave(self) -> None:
        """Start nothing any more: the caller ends the processes."""
        self._leaving = True
        for timer in self._timers:
            timer.cancel()

    def _watch(self, kept: Kept) -> None:
        threading.Thread(target=self._await_end, args=(kept.name, kept.process), daemon=True, name=kept.name).start()
        self._changed()

    def _await_end(self, name: str, process: "subprocess.Popen[bytes]") -> None:
        status = process.wait()
        if not self._leaving:
            self._events.put(Ended(name, process.pid, status))

    def _start_later(self, kept: Kept) -> None:
        lived = time.monotonic() - kept.started
        kept.wait = _FIRST_WAIT if lived >= _STEADY_SECONDS else min(kept.wait * 2, _LONGEST_WAIT)
        timer = threading.Timer(kept.wait, self._events.put, (Due(kept.name),))
        timer.daemon = True
        self._timers = [one for one in self._timers if one.is_alive()] + [timer]
        timer.start()
