"""How the C library hands out memory: what a call freed is kept for the next one.

A call of a thousand records takes and frees blocks of hundreds of kilobytes. Left to itself, glibc
gives such blocks back to the kernel at once, and every page of the next call's is a fault: on a
virtual machine microseconds each.
"""

import ctypes
from typing import Final

__all__ = ["keep_freed"]

_KEPT_BYTES: Final = 32 << 20  # at the most, of each arena
_MAPPED_FROM_BYTES: Final = 8 << 20  # a block as long as this is a mapping of its own
# mallopt(3) and malloc.h of glibc.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3


def keep_freed() -> bool:
    """Ask for it, for this process; tell whether it is done.

    It is not where the C library is not glibc: there is no mallopt to ask.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM_BYTES) and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
    )
