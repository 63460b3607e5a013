"""Indexing with all that NumPy allows: integers, slices, ellipsis, new axes, integer arrays with repeats, masks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.primitive import Array, composition, constant, kernel, primitive, refuse

constant(np.nonzero, np.flatnonzero, np.argwhere, np.isin, np.ix_, np.unravel_index, np.ravel_multi_index)

refuse(
    "it writes in place, and a recorded operation may need the array as it is. Write t = t.at[index].set(values), with "
    "t = tn.Tensor(array) first if it is the values that need a gradient; np.broadcast_to(t, shape) fills an array",
    np.put, np.place, np.putmask, np.put_along_axis, np.copyto, np.fill_diagonal,
)  # fmt: skip


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
    """Add `values`, of the shape that `index` selects, into zeros of `shape`: the transpose of indexing."""
    out = np.zeros(shape, values.dtype)
    if names_once(index):
        out[index] = values  # numpy.add.at is some ten times slower
    elif values.ndim > 1 and 8 * values.size > out.size:
        # numpy.add.at is fast in one dimension only. With few values, to number all the places would take longer.
        np.add.at(out.reshape(-1), places(index, shape).reshape(-1), values.reshape(-1))
    else:
        np.add.at(out, index, values)
    return out


@primitive(scatter_add)
def scatter_add_rule(values: Array, /, index: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Add `values` into zeros of `shape` at `index`, with gradient ``g[index]``."""
    return scatter_add(values, index, shape), lambda g: g[index]


def places(index: Any, shape: tuple[int, ...]) -> Array:
    """Return which elements `index` selects from an array of `shape`, numbered in C order."""
    return np.arange(math.prod(shape)).reshape(shape)[index]


def names_once(index: Any) -> bool:
    """Tell whether `index` holds no arrays but masks, so that it names each element at most once."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None or part is Ellipsis or isinstance(part, (int, slice)) or np.asarray(part).dtype == bool
        or np.ndim(part) == 0
        for part in parts
    )  # fmt: skip


@composition(np.take)
def take(a: Array, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Array:
    """Select elements along `axis` (of the raveled array when None); `mode` says what to do with those out of range."""
    a, axis = (np.ravel(a), 0) if axis is None else (a, normalize_axis_index(axis, np.ndim(a)))
    length = a.shape[axis]
    indices = np.asarray(indices)
    if mode == "wrap":
        indices = indices % length
    elif mode == "clip":
        indices = np.clip(indices, 0, length - 1)
    elif mode != "raise":
        message = f"take: expected the mode 'raise', 'wrap' or 'clip', got {mode!r}. Choose one of the three"
        raise ArgumentError(message)
    return a[(slice(None),) * axis + (indices,)]


@composition(np.take_along_axis)
def take_along_axis(arr: Array, indices: Any, axis: int | None = -1) -> Array:
    """Select along `axis` with indices of their own for each place on the other axes."""
    arr, axis = (np.ravel(arr), 0) if axis is None else (arr, normalize_axis_index(axis, np.ndim(arr)))
    index: list[Any] = list(np.ix_(*map(np.arange, arr.shape)))
    index[axis] = np.asarray(indices)
    return arr[tuple(index)]


@composition(np.compress)
def compress(condition: Any, a: Array, axis: int | None = None) -> Array:
    """Select along `axis` (of the raveled array when None) where `condition` holds; beyond its end, nothing."""
    return np.take(a, np.flatnonzero(condition), axis)


@composition(np.extract)
def extract(condition: Any, arr: Array) -> Array:
    """Select the raveled elements where the raveled `condition` holds."""
    return np.take(arr, np.flatnonzero(condition))


@composition(np.trim_zeros)
def trim_zeros(filt: Array, trim: str = "fb", axis: Any = None) -> Array:
    """Cut off what is 0 at the front ("f") and at the back ("b") along `axis` (each axis when None)."""
    sides = trim.lower()
    if sides not in ("f", "b", "fb", "bf"):
        message = f"trim_zeros: expected trim to be 'f', 'b' or 'fb', got {trim!r}. Choose one of the three"
        raise ArgumentError(message)
    axes = range(filt.ndim) if axis is None else normalize_axis_tuple(axis, filt.ndim)
    index = [slice(None)] * filt.ndim
    for i, found in enumerate(np.nonzero(filt)):
        if i in axes and not found.size:
            index[i] = slice(0)
        elif i in axes:
            index[i] = slice(found.min() if "f" in sides else None, found.max() + 1 if "b" in sides else None)
    return filt[tuple(index)]


@composition(np.apply_along_axis)
def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Array, *args: Any, **kwargs: Any) -> Array:
    """Apply a function of one vector to each vector along `axis`; the axes of its results take the place of `axis`."""
    axis = normalize_axis_index(axis, np.ndim(arr))
    last = np.moveaxis(arr, axis, -1)
    *stack, length = last.shape
    vectors = np.reshape(last, (math.prod(stack), length))
    results = np.stack([func1d(vector, *args, **kwargs) for vector in vectors])
    results = np.reshape(results, (*stack, *results.shape[1:]))
    new = range(results.ndim - len(stack))
    return np.moveaxis(results, [len(stack) + i for i in new], [axis + i for i in new])


@composition(np.apply_over_axes)
def apply_over_axes(func: Callable[..., Any], a: Array, axes: Any) -> Array:
    """Apply a function of an array and an axis for one axis after another; each stays, with length 1."""
    for axis in np.atleast_1d(axes).tolist():
        axis = normalize_axis_index(axis, np.ndim(a))  # noqa: PLW2901 - the same axis
        result = func(a, axis)
        a = result if np.ndim(result) == np.ndim(a) else np.expand_dims(result, axis)
    return a
