"""Promises shown at full size, each by `make fault CASE=name`: too long for every run of the tests.

A case is a module of this package. Its first line says the promise, and its `main` keeps whoever waits informed with
`say`, returns the figure as one line, or raises `Broken`. The tests run the same promises in small.
"""

import sys
import time
from collections.abc import Callable
from typing import Final

STALLED_SECONDS: Final = 120.0
"""Without any progress, after which a case gives up. No promise is measured by it."""
TELL_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.5

_BEGUN: Final = time.monotonic()


class Broken(Exception):
    """The promise did not hold; the message is what was seen instead, in one line."""


def say(text: str) -> None:
    """Tell how far the case is, with the seconds since it began."""
    sys.stdout.write(f"{time.monotonic() - _BEGUN:7.1f} s  {text}\n")
    sys.stdout.flush()


def followed(done: Callable[[], int], of: int, what: str) -> None:
    """Wait until so many are done, and tell of it; raises Broken once nothing more is done for `STALLED_SECONDS`."""
    seen, at, told = -1, time.monotonic(), float("-inf")
    while (now_done := done()) < of:
        now = time.monotonic()
        if now_done != seen:
            seen, at = now_done, now
        hold(now - at < STALLED_SECONDS, f"{seen} of {of} {what}, and for {STALLED_SECONDS:.0f} s not one more")
        if now - told >= TELL_SECONDS:
            say(f"{seen} of {of} {what}")
            told = now
        time.sleep(LOOK_SECONDS)


def hold(promise: bool, seen: str | Callable[[], str]) -> None:
    """Raise Broken, with what was seen, unless the promise holds."""
    if not promise:
        raise Broken(seen if isinstance(seen, str) else seen())
