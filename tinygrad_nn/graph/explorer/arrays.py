"""What the page is told of an array: all of its numbers if they are few, else statistics and a small picture.

A page holds three arrays for every operation, so what one of them costs decides whether a graph of 100,000 operations
opens. Arrays that say the same are written once.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array

CELLS = 600_000
"""Cells of all pictures of a page together: at about four characters each, they stay well below three megabytes."""

LARGEST_SIDE = 28
"""Cells along a side of a picture, at most: as many as a handwritten digit has, and as fit beside a graph."""


TABLE = 400
"""Numbers of a table on the page, at most: of a longer array it writes the first ones, and draws a picture of all."""


class Arrays:
    """The arrays of a page, numbered.

    Attributes:
        summaries: what the page is told, by number.

    """

    def __init__(self, max_values: int, expected: int) -> None:
        """Make room for about `expected` arrays, writing out in full those of at most `max_values` elements."""
        self.max_values = max_values
        self.side = min(LARGEST_SIDE, math.isqrt(CELLS // max(expected, 1)))
        self.summaries: list[dict[str, Any]] = []
        self._numbers: dict[Any, int] = {}

    def add(self, array: Array | None) -> int | None:
        """Return the number of an array, and None for none."""
        if array is None:
            return None
        key = array.shape, array.dtype, hash(array.tobytes())
        place = self._numbers.setdefault(key, len(self.summaries))
        if place == len(self.summaries):
            self.summaries.append(self._summary(np.asarray(array)))
        return place

    def _summary(self, array: Array) -> dict[str, Any]:
        """Return what is told; of a short array that is written out the page finds the statistics itself."""
        found: dict[str, Any] = {"shape": list(array.shape), "dtype": dtype_name(array.dtype)}
        if array.size <= self.max_values:
            found["values"] = [number(x) for x in array.ravel().tolist()]
            if array.size <= TABLE:
                return found
        values = array.astype(float, copy=False)
        return found | statistics(values) | ({"picture": thumbnail(values, self.side)} if self.side >= 2 else {})


dtype_name = functools.cache(str)
"""The name of a dtype, which NumPy puts together anew each time."""


def statistics(values: Array) -> dict[str, Any]:
    """Return what is said of an array in a line; of numbers that are finite, and how many are not.

    >>> import numpy as np
    >>> statistics(np.array([3.0, 0.0, -4.0, np.nan]))
    {'norm': 'NaN', 'low': -4.0, 'mean': -0.333333, 'high': 3.0, 'zeros': 1, 'odd': 1}

    """
    finite = values[np.isfinite(values)]
    largest = _largest(finite)  # taken out first: squares overflow long before the norm
    with np.errstate(all="ignore"):  # an overflow is what the reader came to see
        found: dict[str, Any] = {"norm": number(largest * np.sqrt(np.square(values / largest).sum()))}
        if finite.size:
            mean = largest * (finite / largest).mean()
            found |= {"low": number(finite.min()), "mean": number(mean), "high": number(finite.max())}
    found["zeros"] = int(values.size - np.count_nonzero(values))
    if finite.size < values.size:
        found["odd"] = int(values.size - finite.size)
    return found


def _largest(finite: Array) -> float:
    """Return the largest number by magnitude, and 1 where there is none but zeros."""
    return float(np.abs(finite).max(initial=0.0)) or 1.0


def thumbnail(values: Array, side: int) -> dict[str, Any]:
    """Return a matrix of at most `side` by `side` cells, each the mean of a block of elements.

    The last axis runs to the right, all others down. The cells are whole numbers of hundredths of the largest, which is
    as fine as a colour can be told.

    >>> import numpy as np
    >>> thumbnail(np.arange(8.0).reshape(2, 4), 2)
    {'rows': 2, 'columns': 2, 'block': [1, 2], 'scale': 6.5, 'cells': [8, 38, 69, 100]}

    """
    largest = _largest(values[np.isfinite(values)])  # taken out first: sums overflow before their means
    matrix = values.reshape(-1, values.shape[-1] if values.ndim else 1) / largest
    block = [math.ceil(n / side) for n in matrix.shape]
    with np.errstate(all="ignore"):
        for axis, (length, step) in enumerate(zip(matrix.shape, block, strict=True)):
            starts = np.arange(0, length, step)
            counts = np.diff(np.append(starts, length))
            sums = np.add.reduceat(matrix, starts, axis=axis)
            matrix = sums / (counts[:, None] if axis == 0 else counts)
        finite = np.abs(matrix[np.isfinite(matrix)])
        scale = float(finite.max(initial=0.0))
        cells = np.nan_to_num(matrix / (scale or 1.0) * 100, nan=0.0, posinf=100.0, neginf=-100.0)
    return {
        "rows": matrix.shape[0],
        "columns": matrix.shape[1],
        "block": block,
        "scale": number(scale * largest),
        "cells": np.rint(cells).astype(int).ravel().tolist(),
    }


def number(value: Any) -> float | str:
    """Return a number with six digits, a whole one as it is; JSON has no word for those that are not finite.

    >>> number(1 / 3), number(123456789), number(float("-inf"))
    (0.333333, 123456789, '-Infinity')

    """
    if isinstance(value, int):
        return int(value)
    value = float(value)
    if math.isfinite(value):
        return float(f"{value:.6g}")
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
