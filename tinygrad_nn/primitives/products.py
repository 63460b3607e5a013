"""Products of vectors, matrices and stacks of matrices; `einsum` is in `contractions.py`."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.errors import ShapeError
from tinygrad_nn.primitive import Array, composition, primitive

Axes: TypeAlias = int | Sequence[Any]
"""What `tensordot` sums over: the last of one and the first of the other, or a pair of axes or lists of axes."""


@primitive(np.matmul, np.linalg.matmul)
def matmul(a: Array, b: Array) -> tuple[Any, ...]:
    """Multiply matrices, in all of `numpy.matmul`'s cases: vectors, matrices, stacks that broadcast.

    For matrices the gradients are ``g b^T`` and ``a^T g``. A vector is a matrix with one row (left) or one column
    (right) whose extra axis is dropped again.
    """
    out = a @ b
    ndim_a, ndim_b = a.ndim, b.ndim  # so that the closure for one operand does not keep that operand alive
    return out, lambda g: _left(g, ndim_a, b), lambda g: _right(g, a, ndim_b)


def _left(g: Array, ndim: int, b: Array) -> Array:
    """Carry the gradient `g` of ``a @ b`` to `a`, which has `ndim` axes."""
    if b.ndim == 1:
        return np.expand_dims(g, -1) * b
    if ndim == 1:
        return np.squeeze(np.expand_dims(g, -2) @ b.mT, -2)
    return g @ b.mT


def _right(g: Array, a: Array, ndim: int) -> Array:
    """Carry the gradient `g` of ``a @ b`` to `b`, which has `ndim` axes."""
    if a.ndim == 1:
        return a * np.expand_dims(g, -1) if ndim == 1 else np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if ndim == 1:
        return np.squeeze(a.mT @ np.expand_dims(g, -1), -1)
    if ndim == 2 < a.ndim:  # one product of tall matrices: a stack of products would only be summed afterwards
        rows = math.prod(a.shape[:-1])  # not -1, which nothing tells apart from 0 where the last axis is empty
        return a.reshape((rows, a.shape[-1])).T @ g.reshape((rows, g.shape[-1]))
    return a.mT @ g


@primitive(np.dot)
def dot(a: Array, b: Array) -> tuple[Any, ...]:
    """Sum products over the last axis of `a` and the last but one of `b`: for stacks, each matrix with each.

    A rule for speed: textbooks write layers with it. Its gradients are those of `matmul`, where both mean the same.
    """
    ndim_a, ndim_b = np.ndim(a), np.ndim(b)
    if ndim_a == 0 or ndim_b == 0:
        return a * b, lambda g: g * b, lambda g: g * a
    out = np.dot(a, b)
    if ndim_b <= 2:
        return out, lambda g: _left(g, ndim_a, b), lambda g: _right(g, a, ndim_b)
    rows = tuple(range(ndim_a - 1))
    columns = tuple(range(ndim_a - 1, out.ndim))
    return (
        out,
        lambda g: np.tensordot(g, np.moveaxis(b, -2, 0), (columns, range(1, ndim_b))),
        lambda g: np.moveaxis(np.tensordot(a, g, (rows, rows)), 0, -2),
    )


@composition(np.inner)
def inner(a: Array, b: Array) -> Array:
    """Sum products over the last axis of both: each vector with each."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return np.tensordot(a, b, (-1, -1))


@composition(np.vdot)
def vdot(a: Array, b: Array) -> Array:
    """Sum the products of all elements."""
    return np.matmul(np.ravel(a), np.ravel(b))


@composition(np.outer)
def outer(a: Array, b: Array) -> Array:
    """Multiply each element with each."""
    return np.expand_dims(np.ravel(a), 1) * np.ravel(b)


@composition(np.linalg.outer)
def linalg_outer(x1: Array, x2: Array, /) -> Array:
    """Multiply each element of a vector with each of another."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        message = (
            f"linalg.outer: expected two vectors, got shapes {np.shape(x1)} and {np.shape(x2)}. "
            f"Use np.outer, which flattens them"
        )
        raise ShapeError(message)
    return np.outer(x1, x2)


@composition(np.tensordot, np.linalg.tensordot)
def tensordot(a: Array, b: Array, axes: Axes = 2) -> Array:
    """Sum products over some axes of both: a product of matrices, whose columns and rows these axes are."""
    if isinstance(axes, (int, np.integer)):
        axes = range(-axes, 0), range(axes)
    shape_a, shape_b = np.shape(a), np.shape(b)
    summed_a, summed_b = (
        [axis % len(shape) for axis in ([given] if isinstance(given, (int, np.integer)) else given)]
        for given, shape in zip(axes, (shape_a, shape_b), strict=True)
    )
    if [shape_a[i] for i in summed_a] != [shape_b[i] for i in summed_b]:
        message = (
            f"tensordot: expected the axes {summed_a} of 'a' and {summed_b} of 'b' to be of the same lengths, "
            f"got shapes {shape_a} and {shape_b}"
        )
        raise ShapeError(message)
    rows = [i for i in range(len(shape_a)) if i not in summed_a]
    columns = [i for i in range(len(shape_b)) if i not in summed_b]
    rows_shape, columns_shape = [shape_a[i] for i in rows], [shape_b[i] for i in columns]
    length = math.prod(shape_a[i] for i in summed_a)
    left = np.reshape(np.transpose(a, [*rows, *summed_a]), (math.prod(rows_shape), length))
    right = np.reshape(np.transpose(b, [*summed_b, *columns]), (length, math.prod(columns_shape)))
    return np.reshape(np.matmul(left, right), (*rows_shape, *columns_shape))


@composition(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Array, x2: Array, axis: int = -1) -> Array:
    """Sum products over one axis: each vector of a stack with the one at its place."""
    x1, x2 = np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1)
    return np.squeeze(np.matmul(np.expand_dims(x1, -2), np.expand_dims(x2, -1)), (-2, -1))


@composition(np.matvec)
def matvec(x1: Array, x2: Array) -> Array:
    """Multiply matrices by vectors: each matrix of a stack by the vector at its place."""
    return np.squeeze(np.matmul(x1, np.expand_dims(x2, -1)), -1)


@composition(np.vecmat)
def vecmat(x1: Array, x2: Array) -> Array:
    """Multiply vectors by matrices: each vector of a stack by the matrix at its place."""
    return np.squeeze(np.matmul(np.expand_dims(x1, -2), x2), -2)


@composition(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Array]) -> Array:
    """Multiply a chain of matrices in the cheapest order; the first and the last may be vectors.

    The order is that of the textbook's dynamic program: ``cost(i, k) = min over j of cost(i, j) + cost(j, k) + n_i n_j
    n_k`` (T. Cormen et al., "Introduction to Algorithms", matrix-chain multiplication).
    """
    if len(arrays) < 2:
        message = f"linalg.multi_dot: expected at least two arrays, got {len(arrays)}"
        raise ShapeError(message)
    head, *_, tail = shapes = [np.shape(a) for a in arrays]
    sizes = [1 if len(head) == 1 else head[0], *(shape[0] for shape in shapes[1:]), 1 if len(tail) == 1 else tail[-1]]

    @functools.cache
    def cheapest(first: int, last: int) -> tuple[int, int]:
        """Return the least cost of multiplying the matrices from `first` up to `last`, and where to split them."""
        if last - first == 1:
            return 0, first
        costs = {
            middle: cheapest(first, middle)[0] + cheapest(middle, last)[0] + sizes[first] * sizes[middle] * sizes[last]
            for middle in range(first + 1, last)
        }
        split = min(costs, key=costs.__getitem__)
        return costs[split], split

    def product(first: int, last: int) -> Array:
        if last - first == 1:
            return arrays[first]
        middle = cheapest(first, last)[1]
        return np.matmul(product(first, middle), product(middle, last))

    return product(0, len(arrays))


@composition(np.kron)
def kron(a: Array, b: Array) -> Array:
    """Put in the place of each element of `a` its product with all of `b`."""
    ndim = max(np.ndim(a), np.ndim(b))
    shape_a, shape_b = ((1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b))
    spread_a = np.reshape(a, [n for length in shape_a for n in (length, 1)])
    spread_b = np.reshape(b, [n for length in shape_b for n in (1, length)])
    return np.reshape(spread_a * spread_b, [m * n for m, n in zip(shape_a, shape_b, strict=True)])


@composition(np.cross)
def cross(a: Array, b: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Array:
    """Take the vector product; a vector of two components has 0 as its third, and two of these give a number each."""
    if axis is not None:
        axisa = axisb = axisc = axis
    vectors_a, vectors_b = np.moveaxis(a, axisa, 0), np.moveaxis(b, axisb, 0)
    if not {len(vectors_a), len(vectors_b)} <= {2, 3}:
        message = f"cross: expected vectors of 2 or 3 components, got {len(vectors_a)} and {len(vectors_b)}"
        raise ShapeError(message)
    (a0, a1), (b0, b1) = vectors_a[:2], vectors_b[:2]
    if len(vectors_a) == len(vectors_b) == 2:
        return a0 * b1 - a1 * b0
    a2, b2 = (v[2] if len(v) == 3 else 0 for v in (vectors_a, vectors_b))
    return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axis=axisc)


@composition(np.linalg.cross)
def linalg_cross(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """Take the vector product of vectors with three components."""
    if np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        message = (
            f"linalg.cross: expected vectors of 3 components along axis {axis}, got shapes {np.shape(x1)} and "
            f"{np.shape(x2)}. Append a component of 0"
        )
        raise ShapeError(message)
    return np.cross(x1, x2, axis=axis)
