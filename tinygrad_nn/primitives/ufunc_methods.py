"""The methods of ufuncs: `reduce`, `accumulate`, `reduceat` and `outer`, for all ufuncs at once.

Those that have a reduction of their own, such as `numpy.sum` for `numpy.add`, hand over to it. All others do what the
words say: they combine what there is so far with the next element, one after the other. NumPy's own method is asked
first, on ones, for it tells best which arguments do not fit, and what the shape of the result is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_nn.primitive import Axis, ufunc_method
from tinygrad_nn.primitives.arguments import as_array, refuse_whole_numbers
from tinygrad_nn.primitives.reductions import joined
from tinygrad_nn.primitives.scans import cumulative_max, cumulative_min
from tinygrad_nn.primitives.special import logsumexp

_REDUCTIONS: dict[np.ufunc, Any] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.fmax: np.nanmax,
    np.fmin: np.nanmin,
}

_SCANS: dict[np.ufunc, Any] = {
    np.add: np.cumsum,
    np.multiply: np.cumprod,
    np.maximum: cumulative_max,
    np.minimum: cumulative_min,
}


def _converted(ufunc: np.ufunc, array: Any, dtype: npt.DTypeLike | None) -> Any:
    array = as_array(array)
    if dtype is None:
        return array
    refuse_whole_numbers(ufunc.__name__, array, dtype)
    return array.astype(dtype)


@ufunc_method("reduce")
def reduce(ufunc: np.ufunc, array: Any, axis: Axis = 0, dtype: npt.DTypeLike | None = None, **options: Any) -> Any:
    """Combine all elements along `axis`; `options` are `keepdims`, `initial` and `where`."""
    array = _converted(ufunc, array, dtype)
    if ufunc in _REDUCTIONS:
        return _REDUCTIONS[ufunc](array, axis=axis, **options)
    like = ufunc.reduce(np.ones(array.shape, array.dtype), axis=axis, **options)
    if array.size == 0:
        return like + np.sum(array, axis=axis, keepdims=options.get("keepdims", False))  # a Tensor, as ever
    where, start = options.get("where", True), options.get("initial", ufunc.identity)
    if ufunc is np.logaddexp and where is True and start == -np.inf:
        return logsumexp(array, axis=axis, keepdims=options.get("keepdims", False))
    rows = list(joined(array, axis))
    masks = [True] * len(rows) if where is True else joined(np.broadcast_to(where, array.shape), axis)
    out = start
    for row, mask in zip(rows, masks, strict=True):
        combined = row if out is None else ufunc(out, row)
        out = combined if mask is True else np.where(mask, combined, out)
    return np.reshape(out, np.shape(like))


@ufunc_method("accumulate")
def accumulate(ufunc: np.ufunc, array: Any, axis: int = 0, dtype: npt.DTypeLike | None = None) -> Any:
    """Combine the elements up to each one along `axis`."""
    array = _converted(ufunc, array, dtype)
    if ufunc in _SCANS:
        return _SCANS[ufunc](array, axis=normalize_axis_index(axis, array.ndim))
    ufunc.accumulate(np.ones(array.shape, array.dtype), axis=axis)
    rows = list(np.swapaxes(array, 0, axis))
    for i in range(1, len(rows)):
        rows[i] = ufunc(rows[i - 1], rows[i])
    return np.swapaxes(np.stack(rows), 0, axis) if rows else np.positive(array)


@ufunc_method("reduceat")
def reduceat(ufunc: np.ufunc, array: Any, indices: Any, axis: int = 0, dtype: npt.DTypeLike | None = None) -> Any:
    """Combine the elements from each index up to the next, or take the one element if the next index is no larger."""
    array = _converted(ufunc, array, dtype)
    ufunc.reduceat(np.ones(array.shape, array.dtype), indices, axis=axis)
    rows = np.swapaxes(array, 0, axis)
    begins = np.asarray(indices)
    ends = [*begins[1:], len(rows)]
    parts = [ufunc.reduce(rows[i : max(i + 1, j)]) for i, j in zip(begins, ends, strict=True)]
    return np.swapaxes(np.stack(parts), 0, axis)


@ufunc_method("outer")
def outer(ufunc: np.ufunc, a: Any, b: Any, **options: Any) -> Any:
    """Combine each element of `a` with each of `b`: the shape of the result is the one of `a`, then that of `b`."""
    a = as_array(a)
    ufunc.outer(*(np.ones((), as_array(x).dtype) for x in (a, b)))
    return ufunc(np.reshape(a, a.shape + (1,) * np.ndim(b)), b, **options)
