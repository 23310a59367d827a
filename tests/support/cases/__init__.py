"""Promises shown at full size, each by `make fault CASE=name`: too long for every run of the tests.

A case is a module of this package. Its first line says the promise, and its `main` keeps whoever waits informed with
`say`, returns the figure as one line, or raises `Broken`. The tests run the same promises in small.
"""

import sys
import time
from collections.abc import Callable
from typing import Final

_BEGUN: Final = time.monotonic()


class Broken(Exception):
    """The promise did not hold; the message is what was seen instead, in one line."""


def say(text: str) -> None:
    """Tell how far the case is, with the seconds since it began."""
    sys.stdout.write(f"{time.monotonic() - _BEGUN:7.1f} s  {text}\n")
    sys.stdout.flush()


def hold(promise: bool, seen: str | Callable[[], str]) -> None:
    """Raise Broken, with what was seen, unless the promise holds."""
    if not promise:
        raise Broken(seen if isinstance(seen, str) else seen())
