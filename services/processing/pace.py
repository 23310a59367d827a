"""When the completions reader receives next: at once while the function has room, in even steps while it has not.

Each receive costs four calls to AWS (receive, read, delete, and one write a job), so under load it should carry several
messages. While the function is full (`Backlog.is_full`) lingering costs no throughput: more orders wait than it can
take. Otherwise somebody waits for each answer, and a waiting person is worth more than a call.

    messages   |   | | | |  |  | | |        |
    receives   ^   ^     ^      ^    ^......^......   an idle reader sits in a long poll
                   |<---->| linger: gather / rate, at most `longest_seconds`

The jobs readers need none: being held back while the function is full gathers their messages as well.
Simulated (tests/support/closed_loop.py, 16 clients, two functions of 0.25 s): 1.0 messages a receive
without lingers, about 4 with them, and as many jobs a second.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from contracts.limits import QUEUE_BATCH

GATHER: Final = 4
"""Messages that a receive under load is worth waiting for."""
WORTH_WAITING: Final = 1.5
"""Fewer than this many within the longest linger: then nobody is made to wait."""
LONGEST_SECONDS: Final = 1.5
"""Gathers 3 to 4 messages at 2 to 8 jobs a second, what the embedded cloud carries on a busy and on an idle machine;
beyond 3 a second lingers get shorter by themselves. With 16 clients it costs no throughput, with 8 (which hardly fill
two functions) 7 %; 2 s would cost 12 %."""
WINDOW_SECONDS: Final = 4.0
"""Over which the rate is taken: longer than two lingers, short enough to forget a burst."""


class Pace:
    """The lingers of one reader, from what its receives brought. Pure: the caller brings the time, in seconds."""

    def __init__(
        self,
        is_full: Callable[[], bool],
        *,
        gather: int = GATHER,
        worth_waiting: float = WORTH_WAITING,
        longest_seconds: float = LONGEST_SECONDS,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        self._is_full = is_full
        self._gather, self._worth_waiting = gather, worth_waiting
        self._longest, self._window = longest_seconds, window_seconds
        self._receives: deque[tuple[float, int]] = deque()

    def received(self, at: float, messages: int) -> None:
        """A receive that ended at this moment brought so many (0 to 10)."""
        if messages:
            self._receives.append((at, messages))

    def next_at(self, now: float) -> float:
        """When to receive next; `now` or earlier means at once."""
        while self._receives and self._receives[0][0] <= now - self._window:
            self._receives.popleft()
        if not self._receives or not self._is_full():
            return now
        last_at, last = self._receives[-1]
        if last >= QUEUE_BATCH:  # a full batch: more is waiting already
            return now
        rate = sum(messages for _, messages in self._receives) / self._window
        if rate * self._longest < self._worth_waiting:
            return now
        return last_at + min(self._longest, self._gather / rate)
