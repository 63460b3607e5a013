"""Reductions over axes: sums, extremes and the compositions made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array, Axis, composition, constant, primitive

constant(np.argmax, np.argmin, np.argsort, np.any, np.all, np.count_nonzero)


def _kept(g: Array, shape: tuple[int, ...], axis: Axis) -> Array:
    """Return a gradient with the axes that a reduction of `shape` dropped put back as axes of length 1."""
    if axis is None:
        return np.reshape(g, (1,) * len(shape))
    axes = {a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))}
    return np.reshape(g, tuple(1 if i in axes else n for i, n in enumerate(shape)))


@primitive(np.sum)
def sum(a: Array, /, axis: Axis = None, *, keepdims: bool = False) -> tuple[Any, ...]:
    """Sum over `axis` (all axes when None), with gradient ``g`` for each element that was summed."""
    shape = a.shape  # taken here, so that the closure does not keep `a` alive
    return np.sum(a, axis=axis, keepdims=keepdims), lambda g: np.broadcast_to(_kept(g, shape, axis), shape)


@primitive(np.max, np.amax)
def max(a: Array, /, axis: Axis = None, *, keepdims: bool = False) -> tuple[Any, ...]:
    """Take the largest element along `axis`; elements that tie for it share the gradient evenly."""
    return _extreme(np.max, a, axis, keepdims)


@primitive(np.min, np.amin)
def min(a: Array, /, axis: Axis = None, *, keepdims: bool = False) -> tuple[Any, ...]:
    """Take the smallest element along `axis`; elements that tie for it share the gradient evenly."""
    return _extreme(np.min, a, axis, keepdims)


def _extreme(function: Any, a: Array, axis: Axis, keepdims: bool) -> tuple[Any, ...]:
    out = function(a, axis=axis, keepdims=keepdims)

    def closure(g: Array) -> Array:
        ties = a == _kept(out, a.shape, axis)
        return _kept(g, a.shape, axis) * ties / np.sum(ties, axis=axis, keepdims=True, dtype=a.dtype)

    return out, closure


@composition(np.mean)
def mean(a: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Average over `axis`: the sum divided by the number of its terms."""
    total = np.sum(a, axis=axis, keepdims=keepdims)
    return total / (a.size // total.size if total.size else 1)
