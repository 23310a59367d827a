"""What a run tells at the terminal: one line a step, with the seconds since the command."""

import threading
import time
from typing import TextIO


class Story:
    """Lines on a stream; without one it keeps silent."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._started = time.monotonic()
        self._lock = threading.Lock()

    def step(self, text: str) -> None:
        """A line with the time."""
        self.line(f"{time.monotonic() - self._started:6.1f} s  {text}")

    def line(self, text: str = "") -> None:
        if self._stream is not None:
            with self._lock:
                print(text, file=self._stream, flush=True)
