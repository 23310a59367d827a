"""Python's cyclic garbage collector, which rests while the function starts.

What modules make stays: to look through it again and again finds nothing, and takes 6 of the 43 ms that the handler's
import takes beyond Pillow's (2026-11-30). The composition root imports this before anything else, and lets the
collector go on when it has everything.
"""

import gc

_is_wanted = gc.isenabled()
"""Whoever has turned it off for the whole process keeps it off."""


def rest() -> None:
    gc.disable()


def resume() -> None:
    if _is_wanted:
        gc.enable()


rest()
