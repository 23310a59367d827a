"""What a run tells at the terminal: one line a step, with the seconds since the command."""

import os
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
        with self._lock:
            if self._stream is None:
                return
            try:
                print(text, file=self._stream, flush=True)
            except BrokenPipeError:
                # nobody reads any more (`| head`), which is no reason to end
                silence(self._stream)
                self._stream = None


def silence(stream: TextIO) -> None:
    """Let what is still in the stream go nowhere; its end would complain otherwise."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
