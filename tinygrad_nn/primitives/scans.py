"""Running sums, products and extremes, differences of neighbours, and the calculus of sampled functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.primitive import Array, Axis, composition, kernel, primitive
from tinygrad_nn.primitives.arguments import as_array, refuse_whole_numbers
from tinygrad_nn.primitives.reductions import product_before, same
from tinygrad_nn.primitives.shaping import astype


@primitive(np.cumsum)
def cumsum(a: Array, /, axis: int | None = None, dtype: npt.DTypeLike | None = None) -> tuple[Any, ...]:
    """Sum up to each element along `axis` (of the raveled array when None); the gradient is summed from the end."""
    if dtype is not None:
        refuse_whole_numbers("cumsum", a, dtype)
    shape = a.shape

    def closure(g: Array) -> Array:
        g = np.swapaxes(g, 0, axis or 0)
        return np.reshape(np.swapaxes(np.cumsum(g[::-1], axis=0)[::-1], 0, axis or 0), shape)

    return np.cumsum(a, axis=axis, dtype=dtype), closure


@primitive(np.cumprod)
def cumprod(a: Array, /, axis: int | None = None, dtype: npt.DTypeLike | None = None) -> tuple[Any, ...]:
    """Multiply up to each element along `axis` (of the raveled array when None).

    With ``s_i = g_i + a_{i+1} s_{i+1}``, from the end, the gradient is ``s_i`` times the product of those before ``i``.
    So nothing is divided by, and zeros are exact.
    """
    if dtype is not None:
        refuse_whole_numbers("cumprod", a, dtype)

    def closure(g: Array) -> Array:
        factors = a if dtype is None else astype(a, dtype)
        factors = np.reshape(factors, (-1,)) if axis is None else np.swapaxes(factors, 0, axis)
        gradient = product_before(factors) * _recurrence_from_the_end(factors, np.swapaxes(g, 0, axis or 0))
        return np.reshape(np.swapaxes(gradient, 0, axis or 0), a.shape)

    return np.cumprod(a, axis=axis, dtype=dtype), closure


@primitive
def cumulative_max(a: Array, /, axis: int = 0) -> tuple[Any, ...]:
    """Take the largest element up to each one along `axis`; those that tie share its gradient evenly, as in `max`.

    >>> import numpy as np
    >>> cumulative_max(np.array([1.0, 3.0, 2.0]))
    array([1., 3., 3.])
    """
    return _cumulative_extreme(np.maximum, a, axis)


@primitive
def cumulative_min(a: Array, /, axis: int = 0) -> tuple[Any, ...]:
    """Take the smallest element up to each one along `axis`; those that tie share its gradient evenly, as in `min`.

    >>> import numpy as np
    >>> cumulative_min(np.array([2.0, 3.0, 1.0]))
    array([2., 2., 1.])
    """
    return _cumulative_extreme(np.minimum, a, axis)


def _cumulative_extreme(ufunc: np.ufunc, a: Array, axis: int) -> tuple[Any, ...]:
    out = ufunc.accumulate(a, axis)

    def closure(g: Array) -> Array:
        extremes, elements = np.swapaxes(out, 0, axis), np.swapaxes(a, 0, axis)
        stays = np.concatenate([np.zeros_like(elements[:1]), same(extremes[1:], extremes[:-1])], dtype=a.dtype)
        ties = same(elements, extremes).astype(a.dtype)
        share = np.swapaxes(g, 0, axis) / linear_recurrence(stays, ties)  # by the number of ties so far
        return np.swapaxes(ties * _recurrence_from_the_end(stays, share), 0, axis)

    return out, closure


@kernel
def linear_recurrence(factors: Array, terms: Array) -> Array:
    """Solve ``s_i = factors_i s_{i-1} + terms_i`` along the first axis, from ``s_{-1} = 0``."""
    out = np.array(terms)
    for i in range(1, len(out)):
        out[i] += factors[i] * out[i - 1]
    return out


@primitive(linear_recurrence)
def linear_recurrence_rule(factors: Array, terms: Array) -> tuple[Any, ...]:
    """Solve ``s_i = factors_i s_{i-1} + terms_i``.

    The gradient of the terms is ``t_i = g_i + factors_{i+1} t_{i+1}``, and that of the factors ``t_i s_{i-1}``.
    """
    out = linear_recurrence(factors, terms)

    def to_factors(g: Array) -> Array:
        before = np.concatenate([np.zeros_like(out[:1]), out[:-1]])
        return _recurrence_from_the_end(factors, g) * before

    return out, to_factors, lambda g: _recurrence_from_the_end(factors, g)


def _recurrence_from_the_end(factors: Array, terms: Array) -> Array:
    """Solve ``s_i = terms_i + factors_{i+1} s_{i+1}`` along the first axis, from the end."""
    shifted = np.concatenate([factors[:1], factors[:0:-1]])  # backwards; the first meets s = 0
    return linear_recurrence(shifted, terms[::-1])[::-1]


@composition(np.cumulative_sum)
def cumulative_sum(
    x: Array, *, axis: int | None = None, dtype: npt.DTypeLike | None = None, include_initial: bool = False
) -> Array:
    """Sum up to each element along `axis`, after an initial 0 if wanted."""
    return _cumulative("cumulative_sum", np.cumsum, 0, x, axis, dtype, include_initial)


@composition(np.cumulative_prod)
def cumulative_prod(
    x: Array, *, axis: int | None = None, dtype: npt.DTypeLike | None = None, include_initial: bool = False
) -> Array:
    """Multiply up to each element along `axis`, after an initial 1 if wanted."""
    return _cumulative("cumulative_prod", np.cumprod, 1, x, axis, dtype, include_initial)


def _cumulative(
    name: str, function: Any, start: int, x: Array, axis: int | None, dtype: npt.DTypeLike | None, include_initial: bool
) -> Array:
    if axis is None and x.ndim != 1:
        message = (
            f"{name}: expected 'axis' for an array that has not exactly one, got None for the shape "
            f"{x.shape}. Name the axis"
        )
        raise ArgumentError(message)
    axis = normalize_axis_index(axis or 0, x.ndim)
    out = function(x, axis=axis, dtype=dtype)
    if not include_initial:
        return out
    first = np.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), start, out.dtype)
    return np.concatenate([first, out], axis=axis)


@composition(np.diff)
def diff(a: Array, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Array:
    """Subtract neighbours along `axis`, `n` times: ``a[1:] - a[:-1]``."""
    if n < 0:
        message = f"diff: expected an order 'n' of at least 0, got {n}. Write n=1 for the differences of neighbours"
        raise ArgumentError(message)
    a = as_array(a)
    axis = normalize_axis_index(axis, a.ndim)
    parts = [_end(prepend, a.shape, axis), a, _end(append, a.shape, axis)]
    if n and (prepend is not None or append is not None):
        a = np.concatenate([part for part in parts if part is not None], axis=axis)
    a = np.swapaxes(a, -1, axis)
    for _ in range(n):
        a = a[..., 1:] - a[..., :-1]
    return np.swapaxes(a, -1, axis)


def _end(end: Any, shape: tuple[int, ...], axis: int) -> Any:
    """Return what is put before or after an array of `shape`; a number counts for each row."""
    return (
        np.broadcast_to(end, (*shape[:axis], 1, *shape[axis + 1 :])) if end is not None and np.ndim(end) == 0 else end
    )


@composition(np.ediff1d)
def ediff1d(ary: Array, to_end: Any = None, to_begin: Any = None) -> Array:
    """Subtract neighbours of the raveled array, with numbers put before and after the differences."""
    flat = np.ravel(as_array(ary))
    differences = flat[1:] - flat[:-1]
    parts = [np.ravel(as_array(end)) for end in (to_begin, to_end) if end is not None]
    if not parts:
        return differences
    at = 0 if to_begin is None else 1
    return astype(np.concatenate([*parts[:at], differences, *parts[at:]]), flat.dtype)


@composition(np.trapezoid)
def trapezoid(y: Array, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """Integrate samples by the trapezoidal rule: ``sum (x_{i+1} - x_i) (y_i + y_{i+1}) / 2`` along `axis`."""
    y = np.swapaxes(as_array(y), -1, axis)
    if x is not None:
        x = as_array(x)
        dx = np.diff(x if x.ndim == 1 else np.swapaxes(x, -1, axis))
    return np.sum(dx * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)


@composition(np.gradient)
def gradient(f: Array, *varargs: Any, axis: Axis = None, edge_order: int = 1) -> Any:
    """Estimate the slope of samples along each axis; `varargs` are spacings, or the coordinates along an axis.

    Inside, the two slopes to the neighbours are averaged, each weighted with the distance on the other side; at the
    edges the one slope is taken, or with ``edge_order=2`` extrapolated.
    """
    f = as_array(f)
    axes = tuple(range(f.ndim)) if axis is None else normalize_axis_tuple(axis, f.ndim)
    spacings = list(varargs) or [1.0]
    if len(spacings) == 1 and np.ndim(spacings[0]) == 0:
        spacings *= len(axes)
    if len(spacings) != len(axes):
        message = (
            f"gradient: expected no spacing, one number, or one number or array for each of the axes {axes}, got "
            f"{len(spacings)}. Give one for each axis"
        )
        raise ArgumentError(message)
    if edge_order not in (1, 2):
        message = f"gradient: expected edge_order 1 or 2, got {edge_order}. Choose one of the two"
        raise ArgumentError(message)
    results = [_slopes(f, x, i, edge_order) for i, x in zip(axes, spacings, strict=True)]
    return results[0] if len(axes) == 1 else tuple(results)


def _slopes(f: Array, x: Any, axis: int, edge_order: int) -> Array:
    """Estimate the slope along an axis, where `x` is one distance for all or the coordinates."""
    dtype = f.dtype
    f = np.swapaxes(f, -1, axis)
    count = f.shape[-1]
    if count < edge_order + 1 or np.shape(x) not in ((), (count,)):
        message = (
            f"gradient: expected at least edge_order + 1 = {edge_order + 1} samples along an axis, and as many "
            f"coordinates as samples, got {count} samples and spacing of shape {np.shape(x)}. Take more samples, or "
            f"a lower edge_order"
        )
        raise ShapeError(message)
    steps = np.diff(x) if np.ndim(x) else x * np.ones(count - 1, dtype)
    slopes = (f[..., 1:] - f[..., :-1]) / steps
    left, right = steps[:-1], steps[1:]
    inside = (right * slopes[..., :-1] + left * slopes[..., 1:]) / (left + right)
    first, last = slopes[..., :1], slopes[..., -1:]
    if edge_order == 2:
        first = first + (first - slopes[..., 1:2]) * (steps[0] / (steps[0] + steps[1]))
        last = last + (last - slopes[..., -2:-1]) * (steps[-1] / (steps[-1] + steps[-2]))
    out = np.swapaxes(np.concatenate([first, inside, last], axis=-1), -1, axis)
    return astype(out, dtype) if dtype.kind == "f" else out  # as NumPy: coordinates of float64 promote no float32
