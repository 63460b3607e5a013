"""What depends on the order of elements: sorting, medians, quantiles.

Equal elements share the gradient evenly, wherever a sort happens to put them. All else is made of `numpy.sort`, and so
inherits that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.primitive import Array, Axis, composition, constant, kernel, primitive, refuse
from tinygrad_nn.primitives.arguments import as_constant
from tinygrad_nn.primitives.reductions import joined, reduced_axes, same

constant(np.argsort, np.lexsort, np.argpartition, np.searchsorted)

refuse("its result is complex. Use np.sort", np.sort_complex)


@primitive(np.sort)
def sort(a: Array, /, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> tuple[Any, ...]:
    """Sort along `axis` (the raveled array when None); the gradient goes to where each element came from."""
    out = np.sort(a, axis=axis, kind=kind, stable=stable)
    return out, lambda g: _put_back(g, out, a, axis)


@primitive(np.partition)
def partition(a: Array, /, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> tuple[Any, ...]:
    """Move what is smaller than the `kth` element before it, and the rest behind; the gradient moves back."""
    out = np.partition(a, kth, axis=axis, kind=kind)
    return out, lambda g: _put_back(g, out, a, axis)


def _put_back(g: Array, out: Array, a: Array, axis: int | None) -> Array:
    """Carry the gradient of `out`, a rearrangement of `a` along `axis`, back to `a`."""
    shape = a.shape
    if axis is None:
        a, axis = np.reshape(a, (-1,)), -1
    g, out, a = (np.swapaxes(x, axis, -1) for x in (g, out, a))
    order = np.argsort(out)  # the gradient is sorted as well, shared, and handed out by rank
    values = np.take_along_axis(out, order, -1)
    begins = np.concatenate([np.ones_like(values[..., :1], bool), ~same(values[..., 1:], values[..., :-1])], axis=-1)
    shared = mean_of_runs(np.take_along_axis(g, order, -1), begins)
    ranks = np.argsort(np.argsort(a))
    return np.reshape(np.swapaxes(np.take_along_axis(shared, ranks, -1), axis, -1), shape)


@kernel
def mean_of_runs(values: Array, begins: Array) -> Array:
    """Replace the elements of each run along the last axis by their mean; `begins` marks the first of each run."""
    if np.all(begins):
        return +values
    runs = np.cumsum(begins) - 1  # no run goes on in the next row, for the first element of a row begins one
    means = np.bincount(runs, np.ravel(values)) / np.bincount(runs)
    return np.reshape(means[runs], values.shape).astype(values.dtype)


@primitive(mean_of_runs)
def mean_of_runs_rule(values: Array, /, begins: Array) -> tuple[Any, ...]:
    """Replace the elements of each run by their mean; the gradient likewise, for the matrix of it is symmetric."""
    return mean_of_runs(values, begins), lambda g: mean_of_runs(g, begins)


@composition(np.median)
def median(a: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Take the middle element along `axis`, or the mean of the two in the middle; ties share the gradient evenly."""
    if a.size == 0:  # NaN, where a quantile of nothing is an error
        return np.mean(a, axis=axis, keepdims=keepdims)
    return np.quantile(a, 0.5, axis=axis, keepdims=keepdims)


@composition(np.nanmedian)
def nanmedian(a: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Take the median of what is not NaN along `axis`; a NaN has gradient 0."""
    if a.size == 0:
        return np.mean(a, axis=axis, keepdims=keepdims)
    return np.nanquantile(a, 0.5, axis=axis, keepdims=keepdims)


@composition(np.quantile)
def quantile(a: Array, q: Any, axis: Axis = None, *, method: Any = "linear", keepdims: bool = False) -> Array:
    """Take the quantiles `q` along `axis` by any of NumPy's methods; the axes of `q` come first in the result.

    It is ``(1 - t) s_i + t s_{i+1}`` of the sorted elements, with ``i`` and ``t`` constant, and NaN where one is NaN.
    """
    rows = np.sort(joined(a, axis), axis=0)
    out = _interpolated(rows, np.full(rows.shape[1:], len(rows)), as_constant(q, "quantile", "q"), method)
    has_nan = np.isnan(rows[-1])  # NaN is sorted to the end
    if np.any(has_nan):
        out = np.where(has_nan, rows[-1], out)
    return _with_axes(out, np.shape(q), a.shape, axis) if keepdims else out


@composition(np.percentile)
def percentile(a: Array, q: Any, axis: Axis = None, *, method: Any = "linear", keepdims: bool = False) -> Array:
    """Take the percentiles `q` along `axis`: the quantiles ``q / 100``."""
    return np.quantile(a, as_constant(q, "percentile", "q") / 100, axis=axis, method=method, keepdims=keepdims)


@composition(np.nanquantile)
def nanquantile(a: Array, q: Any, axis: Axis = None, *, method: Any = "linear", keepdims: bool = False) -> Array:
    """Take the quantiles `q` of what is not NaN along `axis`; a NaN has gradient 0."""
    columns = joined(a, axis)
    is_nan = np.isnan(columns)
    rows = np.sort(np.where(is_nan, np.nan, columns), axis=0)  # the NaNs are constants now, and come last
    out = _interpolated(rows, np.sum(~is_nan, axis=0), as_constant(q, "nanquantile", "q"), method)
    return _with_axes(out, np.shape(q), a.shape, axis) if keepdims else out


@composition(np.nanpercentile)
def nanpercentile(a: Array, q: Any, axis: Axis = None, *, method: Any = "linear", keepdims: bool = False) -> Array:
    """Take the percentiles `q` of what is not NaN along `axis`: the quantiles ``q / 100``."""
    return np.nanquantile(a, as_constant(q, "nanpercentile", "q") / 100, axis=axis, method=method, keepdims=keepdims)


def _interpolated(rows: Array, counts: Array, q: Any, method: Any) -> Array:
    """Take the quantiles `q` of columns that are sorted along the first axis, of the first `counts` elements of each.

    Where a quantile lies, in all of its methods, NumPy is asked: in 0, 1, 2, ... it is its own position.
    """
    if not len(rows):
        message = (
            "quantile: expected at least one element along the axes that are reduced, got none. Look at the size "
            "first, or take the median, which is NaN then"
        )
        raise ArgumentError(message)
    positions = np.empty((np.size(q), *np.shape(counts)))
    for count in np.unique(counts):
        found = np.quantile(np.arange(max(count, 1), dtype=np.float64), q, method=method)
        positions[:, counts == count] = np.reshape(found, (-1, 1))
    below = np.floor(positions).astype(int)
    low, high = (np.take_along_axis(rows, at, 0) for at in (below, np.ceil(positions).astype(int)))
    weight = np.where(low == high, 0.5, positions - below)  # halves add up exactly, and 0 times infinity would be NaN
    weight = weight.astype(np.quantile(np.zeros(1, rows.dtype), q, method=method).dtype)
    return np.reshape((1 - weight) * low + weight * high, np.shape(q) + np.shape(counts))


def _with_axes(out: Array, leading: tuple[int, ...], shape: tuple[int, ...], axis: Axis) -> Array:
    """Return quantiles of an array of `shape` with the axes put back that were reduced; those of `q` are `leading`."""
    reduced = reduced_axes(axis, len(shape))
    return np.reshape(out, leading + tuple(1 if i in reduced else n for i, n in enumerate(shape)))
