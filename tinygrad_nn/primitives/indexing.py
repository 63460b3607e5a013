"""Indexing with all that NumPy allows: integers, slices, ellipsis, new axes, integer arrays with repeats, masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array, kernel, primitive


@primitive
def getitem(a: Array, /, index: Any) -> tuple[Any, ...]:
    """Select ``a[index]``; the gradient is added into zeros at the same places.

    >>> import numpy as np
    >>> getitem(np.array([1.0, 2.0, 3.0]), [0, 0, 2])
    array([1., 1., 3.])
    """
    shape = a.shape
    return a[index], lambda g: scatter_add(g, index, shape)


@kernel
def scatter_add(values: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Add `values` into zeros of `shape` at `index`: the transpose of indexing."""
    out = np.zeros(shape, values.dtype)
    if _is_basic(index):
        out[index] = values  # no element is named twice, and numpy.add.at is some ten times slower
    else:
        np.add.at(out, index, values)
    return out


@primitive(scatter_add)
def scatter_add_rule(values: Array, /, index: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Add `values` into zeros of `shape` at `index`, with gradient ``g[index]``."""
    return scatter_add(values, index, shape), lambda g: g[index]


def _is_basic(index: Any) -> bool:
    """Tell whether `index` holds no array, so that it names each element at most once."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or isinstance(part, (int, np.integer, slice)) for part in parts)
