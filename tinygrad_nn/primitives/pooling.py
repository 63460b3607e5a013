"""Pooling: one number for each window."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array, kernel, primitive
from tinygrad_nn.primitives.reductions import same
from tinygrad_nn.primitives.windows import Lengths, overlap_add, places


@kernel
def _max_pool(x: Array, window: Lengths, stride: Lengths, dilation: Lengths) -> Array:
    """Take the maximum over the offsets of a window, each for all windows at once.

    `numpy.max` over a view of the windows takes almost twenty times as long: its inner loop is as long as a window.
    """
    first, *others = places(x.shape, window, stride, dilation)
    out = x[first].copy()
    for place in others:
        np.maximum(out, x[place], out=out)
    return out


@primitive(_max_pool)
def max_pool(x: Array, /, window: Lengths, stride: Lengths, dilation: Lengths) -> tuple[Any, ...]:
    """Take the largest element of each window along the last axes; elements that tie for it share the gradient evenly.

    >>> import numpy as np
    >>> max_pool(np.array([1.0, 3.0, 2.0, 5.0]), window=(2,), stride=(2,), dilation=(1,))
    array([3., 5.])
    """
    out = _max_pool(x, window, stride, dilation)

    def closure(g: Array) -> Array:
        index = places(x.shape, window, stride, dilation)
        ties = np.stack([same(x[place], out) for place in index])
        return overlap_add(g / np.sum(ties, axis=0, dtype=x.dtype) * ties, index, x.shape)

    return out, closure


@primitive
def avg_pool(x: Array, /, window: Lengths, stride: Lengths) -> tuple[Any, ...]:
    """Average the elements of each window along the last axes; each of them gets an equal part of the gradient.

    A rule for speed: `numpy.mean` over a view of the windows takes three to four times as long.

    >>> import numpy as np
    >>> avg_pool(np.array([1.0, 3.0, 2.0, 5.0]), window=(2,), stride=(2,))
    array([2. , 3.5])
    """
    shape, size = x.shape, math.prod(window)
    index = places(shape, window, stride, (1,) * len(window))
    total = x[index[0]]
    for place in index[1:]:
        total = total + x[place]
    return total / size, lambda g: overlap_add(np.broadcast_to(g / size, (size, *g.shape)), index, shape)
