"""The size of a gradient as one number, also where its squares would overflow or vanish."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_nn.primitive import Array

_SMALLEST = 1e-140
"""A norm below which its square is no longer exact to the last digits."""


def norm(array: Array) -> float:
    """Return the Euclidean norm, ``sqrt(sum a^2)``, in double precision and without squares out of its range.

    >>> import numpy as np
    >>> norm(np.array([3e-200, 4e-200])), norm(np.zeros(3)), norm(np.array([np.nan, 1.0]))
    (5e-200, 0.0, nan)

    """
    flat = np.asarray(array, np.float64).reshape(-1)
    size = math.sqrt(np.vdot(flat, flat))  # not `dot`: that one warns of an overflow
    if _SMALLEST < size < math.inf or (size == 0 and not flat.any()):
        return size
    largest = float(np.max(np.absolute(flat)))  # squares were out of range, or something was no number
    return largest * norm(flat / largest) if 0 < largest < math.inf else largest
