"""How the C library treats the memory of arrays, on which depends how fast a training step is that makes many."""

from __future__ import annotations

import numpy as np

_LARGEST = 2**25 - 2**16
"""Bytes: a little below the 32 MB at which glibc stops to learn from what is freed."""


def keep_freed_memory() -> None:
    """Let the memory of freed arrays serve the next arrays, rather than go back to the system and be fetched again.

    Under Linux the C library asks the system for each block above a threshold, and gives back what is free at the end
    of its heap, above twice as much. Each page that comes from the system then costs more than the arithmetic on it
    (`tests/benchmarks/allocation.py`). When a large block is freed, the threshold rises to its size (malloc(3), under
    M_MMAP_THRESHOLD): making one array and dropping it is all that it takes. It is never written to, so that no page of
    it is fetched. Some 64 MB may then stay with the process. On other systems nothing happens.

    *What lost:* ``mallopt`` through `ctypes`, which does the same and has to know the platform.
    """
    np.empty(_LARGEST, np.uint8)
