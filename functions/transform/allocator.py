"""How the C library gives memory to pictures: kept between them instead of returned to the kernel and asked for again.

By default glibc maps each large block anew, so that every page of every picture is faulted in, cleared and unmapped
again, and each thread fragments an arena of its own. With the three settings here a warm process (2 cores, 2026-11):

    6 MP, web@1     82 -> 63 ms, 11,000 page faults -> 200      12 MP     79 -> 72 ms, peak 137 -> 88 MB
"""

import ctypes
from typing import Final

_MIB: Final = 1024 * 1024
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""From glibc's malloc.h."""

LARGEST_KEPT_BYTES: Final = 32 * _MIB
"""Larger blocks are mapped and returned as ever. Pillow takes pictures in blocks of 16 MiB."""
KEPT_BYTES: Final = 128 * _MIB
"""Free memory at the end of the heap beyond which it is returned after all."""


def keep_pages() -> bool:
    """For the process's whole life; whether the C library is one that can (glibc).

    For composition roots of processes that make pictures, before the first one.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    settings = ((_M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES), (_M_TRIM_THRESHOLD, KEPT_BYTES), (_M_ARENA_MAX, 1))
    return all([mallopt(name, value) == 1 for name, value in settings])
