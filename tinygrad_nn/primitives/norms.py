"""Norms of vectors and matrices, and the condition number. Where a norm is 0, its gradient is 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError, LinearAlgebraError, ShapeError
from tinygrad_nn.primitive import Array, Axis, composition, primitive
from tinygrad_nn.primitives.reductions import joined, kept


@primitive
def euclidean_norm(x: Array, /, axis: Axis = None, keepdims: bool = False) -> tuple[Any, ...]:
    """Take ``|x|``, the root of the sum of squares, with gradient ``g x / |x|``, and 0 where ``|x|`` is 0.

    >>> import numpy as np
    >>> euclidean_norm(np.array([3.0, 4.0]))
    array(5.)
    """
    out = np.linalg.norm(x, axis=axis, keepdims=True)

    def closure(g: Array) -> Array:
        is_zero = np.equal(out, 0)
        return x * (kept(g, x.shape, axis) * np.where(is_zero, 0.0, 1.0 / np.where(is_zero, 1.0, out)))

    return out if keepdims else np.squeeze(out, axis=axis), closure


@composition(np.linalg.norm)
def norm(x: Array, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Array:  # noqa: A002 - NumPy's name
    """Take the norm of vectors, or of matrices where `axis` is a pair; of all elements without `ord` and `axis`."""
    if np.result_type(x).kind != "f":
        x = np.multiply(x, 1.0)
    if axis is None and ord is None:
        return euclidean_norm(x, axis=None, keepdims=keepdims)
    axes = tuple(range(np.ndim(x))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return _norm_of_vectors(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _norm_of_matrices(x, ord, axes, keepdims)
    message = f"linalg.norm: expected one axis for vectors or two for matrices, got {axes}. Pass 'axis'"
    raise ShapeError(message)


@composition(np.linalg.vector_norm)
def vector_norm(x: Array, /, *, axis: Axis = None, keepdims: bool = False, ord: Any = 2) -> Array:  # noqa: A002
    """Take the norm of vectors, whose elements lie along all axes of `axis` together."""
    out = np.linalg.norm(joined(x, axis), ord, axis=0)
    return kept(out, np.shape(x), axis) if keepdims else out


@composition(np.linalg.matrix_norm)
def matrix_norm(x: Array, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:  # noqa: A002 - NumPy's name
    """Take the norm of matrices, along the last two axes."""
    return np.linalg.norm(x, ord, axis=(-2, -1), keepdims=keepdims)


def _norm_of_vectors(x: Array, order: Any, axis: int, keepdims: bool) -> Array:
    """Return ``(sum |x|^order)^(1 / order)``, and what that tends to where `order` is 0 or infinite."""
    if order is None or order == 2:
        return euclidean_norm(x, axis=axis, keepdims=keepdims)
    if isinstance(order, str):
        message = f"linalg.norm: expected 'ord' to be a number for vectors, got {order!r}. Pass a pair as 'axis'"
        raise ArgumentError(message)
    sizes = np.abs(x)
    if order == math.inf:
        return np.max(sizes, axis=axis, keepdims=keepdims, initial=0)
    if order == -math.inf:
        return np.min(sizes, axis=axis, keepdims=keepdims)
    if order == 0:
        return np.sum(np.abs(np.sign(x)), axis=axis, keepdims=keepdims)
    if order == 1:
        return np.sum(sizes, axis=axis, keepdims=keepdims)
    powers = _power(sizes, order)
    return _power(np.sum(powers, axis=axis, keepdims=keepdims), 1 / order)


def _power(sizes: Array, exponent: float) -> Array:
    """Raise what is not negative to a power, with slope 0 at 0 in all orders: the plain one may be ``0 * inf``."""
    is_zero = np.equal(sizes, 0)
    return np.where(is_zero, 0.0 if exponent > 0 else math.inf, np.where(is_zero, 1.0, sizes) ** exponent)


def _norm_of_matrices(x: Array, order: Any, axes: tuple[int, ...], keepdims: bool) -> Array:
    """Return the norm of the matrices along two axes: of their elements, rows, columns or singular values."""
    if order in {None, "fro", "f"}:
        return euclidean_norm(x, axis=axes, keepdims=keepdims)
    matrices = np.moveaxis(x, axes, (-2, -1))
    if order in {2, -2, "nuc"}:
        values = np.linalg.svdvals(matrices)
    elif order in {1, -1, math.inf, -math.inf}:
        values = np.sum(np.abs(matrices), axis=-2 if abs(order) == 1 else -1)
    else:
        message = (
            f"linalg.norm: expected 'ord' to be one of None, 'fro', 'nuc', 1, -1, 2, -2, inf, -inf for matrices, "
            f"got {order!r}"
        )
        raise ArgumentError(message)
    if order == "nuc":
        out = np.sum(values, axis=-1)
    else:
        out = np.max(values, axis=-1, initial=0) if order > 0 else np.min(values, axis=-1)
    return kept(out, np.shape(x), axes) if keepdims else out


@composition(np.linalg.cond)
def cond(x: Array, p: Any = None) -> Array:
    """Take the condition number: the largest singular value by the smallest, or ``|x| |x^-1|`` in the norm `p`."""
    if np.size(x) == 0:
        message = f"linalg.cond: expected matrices that are not empty, got shape {np.shape(x)}"
        raise LinearAlgebraError(message)
    if p is None or p in {2, -2}:
        values = np.linalg.svdvals(x)
        with np.errstate(divide="ignore"):  # of a singular matrix it is infinite
            return values[..., -1] / values[..., 0] if p == -2 else values[..., 0] / values[..., -1]
    return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))
