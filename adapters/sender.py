"""Sends of many threads in shared batches: what arrives within a short window goes out as one call.

Nobody is told of another's failure. There is no thread of its own and nothing to stop: the first caller of a batch
leads it.

    caller 1   joins, leads: waits for the window or for ten ── sends ──▶ told
    caller 2        joins ......................................... told
    caller 3                                        joins, leads the next batch: waits ...
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from contracts.errors import PipelineError
from contracts.limits import QUEUE_BATCH
from contracts.messages import Outgoing

WINDOW_SECONDS: Final = 0.010
"""The longest that a lone caller waits for company."""
COMPANY_SECONDS: Final = 0.150
"""The longest that a caller waits while others are known to be on their way. With 16 uploads at a time this halves the
calls; no reply waits for it, only the start of the work."""
_LOOK_SECONDS: Final = 0.010

Deliver = Callable[[Sequence[Outgoing]], list[PipelineError | None]]
"""`SqsQueues.deliver`: what became of each message, in order."""


class _Batch:
    def __init__(self) -> None:
        self.messages: list[Outgoing] = []
        self.outcomes: list[PipelineError | None] = []
        self.crash: BaseException | None = None
        """A bug in delivery: everyone's."""
        self.full = threading.Event()
        self.done = threading.Event()


class CoalescingSender:
    """`send` is that of the port `Queues`, shared by many threads."""

    def __init__(
        self,
        deliver: Deliver,
        *,
        window_seconds: float = WINDOW_SECONDS,
        most: int = QUEUE_BATCH,
        others_come: Callable[[], bool] = lambda: False,
        company_seconds: float = COMPANY_SECONDS,
    ) -> None:
        """`others_come` says whether somebody will probably call soon: then the window is longer."""
        self._deliver = deliver
        self._window_seconds = window_seconds
        self._others_come = others_come
        self._company_seconds = company_seconds
        self._most = most
        self._joining = threading.Lock()
        self._open: _Batch | None = None

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Send all, perhaps together with others'. Raises Unavailable if any of these could not be sent."""
        if not messages:
            return
        with self._joining:
            leads = self._open is None
            batch = self._open = self._open or _Batch()
            start = len(batch.messages)
            batch.messages.extend(messages)
            if len(batch.messages) >= self._most:
                self._open = None
                batch.full.set()
        if leads:
            self._lead(batch)
        else:
            batch.done.wait()
        if batch.crash is not None:
            raise batch.crash
        for failure in batch.outcomes[start : start + len(messages)]:
            if failure is not None:
                raise failure

    def _lead(self, batch: _Batch) -> None:
        try:
            self._wait_for_company(batch)
            with self._joining:
                if self._open is batch:
                    self._open = None
            batch.outcomes = self._deliver(batch.messages)
        except BaseException as crash:
            batch.crash = crash
        finally:
            batch.done.set()

    def _wait_for_company(self, batch: _Batch) -> None:
        if batch.full.wait(self._window_seconds):
            return
        until = time.monotonic() + self._company_seconds - self._window_seconds
        while self._others_come() and time.monotonic() < until:
            if batch.full.wait(_LOOK_SECONDS):
                return
