"""Reductions over axes: sums, products, extremes, and the compositions made of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_nn.primitive import Array, Axis, Closure, composition, constant, primitive
from tinygrad_nn.primitives.arguments import refuse_whole_numbers
from tinygrad_nn.primitives.shaping import astype

constant(np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.any, np.all, np.count_nonzero)


def kept(g: Array, shape: tuple[int, ...], axis: Axis) -> Array:
    """Return a gradient with the axes that a reduction of `shape` dropped put back as axes of length 1."""
    if axis is None or not shape:
        return np.reshape(g, (1,) * len(shape))
    axes = {a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))}
    return np.reshape(g, tuple(1 if i in axes else n for i, n in enumerate(shape)))


def reduced_axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return the numbers of the axes that a reduction drops."""
    return tuple(range(ndim)) if axis is None or not ndim else normalize_axis_tuple(axis, ndim)


def joined(a: Array, axis: Axis) -> Array:
    """Return `a` with the axes of a reduction joined to one, which stands first; the others follow in their order."""
    order, count = _reduced_first(axis, a.ndim)
    shape = [a.shape[i] for i in order]
    return np.reshape(np.transpose(a, order), (math.prod(shape[:count]), *shape[count:]))


def _unjoined(a: Array, axis: Axis, shape: tuple[int, ...]) -> Array:
    """Return to its `shape` what `joined` made of an array."""
    order, _ = _reduced_first(axis, len(shape))
    return np.transpose(np.reshape(a, tuple(shape[i] for i in order)), np.argsort(order).tolist())


def _reduced_first(axis: Axis, ndim: int) -> tuple[tuple[int, ...], int]:
    """Return the numbers of all axes, those that are reduced before the others, and how many these are."""
    reduced = reduced_axes(axis, ndim)
    return (*reduced, *(i for i in range(ndim) if i not in reduced)), len(reduced)


def _masked(g: Array, where: Any) -> Array:
    """Return a gradient with 0 for the elements that a reduction passed over."""
    return g if where is True else np.where(where, g, 0)  # ``g * where`` would be NaN where `g` is infinite


@primitive(np.sum)
def sum(
    a: Array,
    /,
    axis: Axis = None,
    dtype: npt.DTypeLike | None = None,
    *,
    keepdims: bool = False,
    initial: Any = 0,
    where: Any = True,
) -> tuple[Any, ...]:
    """Sum over `axis` (all axes when None), with gradient ``g`` for each element that was summed."""
    if dtype is not None:
        refuse_whole_numbers("sum", a, dtype)
    shape = a.shape  # taken here, so that the closure does not keep `a` alive
    return (  # the method, here and below, which takes a third of the time of the function where arrays are small
        a.sum(axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where),
        lambda g: np.broadcast_to(_masked(kept(g, shape, axis), where), shape),
    )


@primitive(np.prod)
def prod(
    a: Array,
    /,
    axis: Axis = None,
    dtype: npt.DTypeLike | None = None,
    *,
    keepdims: bool = False,
    initial: Any = 1,
    where: Any = True,
) -> tuple[Any, ...]:
    """Multiply over `axis`; the gradient of each element is ``g`` times the product of all others.

    That product is the one of all before times the one of all after. ``out / a`` would be NaN where elements are 0.
    """
    if dtype is not None:
        refuse_whole_numbers("prod", a, dtype)

    def closure(g: Array) -> Array:
        factors = a if where is True else np.where(where, a, 1)
        rows = joined(factors if dtype is None else astype(factors, dtype), axis)
        others = initial * product_before(rows) * product_before(rows[::-1])[::-1]
        return _masked(kept(g, a.shape, axis) * _unjoined(others, axis, a.shape), where)

    return a.prod(axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where), closure


def product_before(a: Array) -> Array:
    """Return for each element along the first axis the product of those before it."""
    return np.concatenate([np.ones_like(a[:1]), np.cumprod(a[:-1], axis=0)])


@primitive(np.max, np.amax)
def max(
    a: Array, /, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> tuple[Any, ...]:
    """Take the largest element along `axis`; elements that tie for it share the gradient evenly.

    An `initial` that ties takes its share like an element. A maximum that is NaN has its gradient from the NaNs.
    """
    out = a.max(axis=axis, keepdims=keepdims, initial=initial, where=where)
    return out, _shared_by_ties(a, out, axis, initial, where)


@primitive(np.min, np.amin)
def min(
    a: Array, /, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> tuple[Any, ...]:
    """Take the smallest element along `axis`; elements that tie for it share the gradient evenly, as in `max`."""
    out = a.min(axis=axis, keepdims=keepdims, initial=initial, where=where)
    return out, _shared_by_ties(a, out, axis, initial, where)


@primitive(np.nanmax)
def nanmax(
    a: Array, /, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> tuple[Any, ...]:
    """Take the largest element that is not NaN; ties share the gradient evenly, and a NaN has 0."""
    out = np.nanmax(a, axis=axis, keepdims=keepdims, initial=initial, where=where)
    return out, _shared_by_ties(a, out, axis, initial, where, np.equal)


@primitive(np.nanmin)
def nanmin(
    a: Array, /, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> tuple[Any, ...]:
    """Take the smallest element that is not NaN; ties share the gradient evenly, and a NaN has 0."""
    out = np.nanmin(a, axis=axis, keepdims=keepdims, initial=initial, where=where)
    return out, _shared_by_ties(a, out, axis, initial, where, np.equal)


def same(a: Array, b: Array) -> Array:
    """Tell where elements are equal, or both NaN."""
    equal = a == b
    return equal | (np.isnan(a) & np.isnan(b)) if np.any(np.isnan(b)) else equal


def _shared_by_ties(
    a: Array, out: Array, axis: Axis, initial: Any, where: Any, equal: Callable[[Array, Array], Array] = same
) -> Closure:
    """Return the closure of an extreme `out` of `a`: the gradient in equal parts for all elements that are `equal`."""

    def closure(g: Array) -> Array:
        extreme = kept(out, a.shape, axis)
        ties = equal(a, extreme) & where
        count = np.sum(ties, axis=axis, keepdims=True, dtype=a.dtype)
        if initial is not None:
            count = count + equal(initial, extreme)
        return ties * (kept(g, a.shape, axis) / np.maximum(count, 1))  # none ties where all are NaN

    return closure


@composition(np.ptp)
def ptp(a: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Take the range along `axis`: the largest element less the smallest."""
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@composition(np.mean)
def mean(
    a: Array, axis: Axis = None, dtype: npt.DTypeLike | None = None, *, keepdims: bool = False, where: Any = True
) -> Array:
    """Average over `axis`: the sum divided by the number of its terms, NaN where `where` leaves none."""
    if dtype is None and a.dtype == np.float16:  # summed as NumPy sums it: 70000 ones are infinite in float16
        return astype(np.mean(a, axis, np.float32, keepdims=keepdims, where=where), np.dtype(np.float16))
    if dtype is None and where is True:
        total = a.sum(axis, keepdims=keepdims)
    else:
        total = np.sum(a, axis=axis, dtype=dtype, keepdims=keepdims, where=where)
    return divided_by_count(total, a, axis, keepdims=keepdims, where=where)


def divided_by_count(total: Array, a: Array, axis: Axis, *, keepdims: bool, where: Any, less: float = 0) -> Array:
    """Divide a sum over `axis` of `a` by the number of its terms `less` a number.

    Where a mask leaves none, the result is NaN, without a warning, and so is what comes back: `_masked` makes it 0.
    """
    if where is True:
        count = a.size // total.size if total.size else 1
        return total / (count - less if count > less else 0)
    counts = np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=keepdims, dtype=total.dtype) - less
    return total / np.where(counts > 0, counts, np.nan)
