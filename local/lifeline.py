"""A child that ends when its parent does, however the parent ends. Called by our own entry points, in the child."""

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1


def follow_parent(parent: int, number: signal.Signals) -> None:
    """Have this process sent `number` when `parent` ends; at once if it has ended already.

    On Linux the kernel does it; elsewhere a thread looks every half second.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number)
    else:
        threading.Thread(target=_watch, args=(parent, number), daemon=True, name="lifeline").start()
    # the parent may have ended before the kernel was told
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def _watch(parent: int, number: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), number)
