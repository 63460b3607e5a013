"""What moves, repeats or blanks out elements within an array: flips, rolls, tiles, triangles, diagonals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_nn.errors import ShapeError
from tinygrad_nn.primitive import Array, Axis, composition, constant, primitive
from tinygrad_nn.primitives.indexing import scatter_add
from tinygrad_nn.primitives.shaping import Shape

constant(np.tril_indices_from, np.triu_indices_from, np.diag_indices_from)


@primitive(np.flip)
def flip(m: Array, /, axis: Axis = None) -> tuple[Any, ...]:
    """Reverse the order along `axis` (all axes when None); the gradient is reversed too."""
    return np.flip(m, axis), lambda g: np.flip(g, axis)


@composition(np.fliplr)
def fliplr(m: Array) -> Array:
    """Reverse the columns."""
    return np.flip(m, 1)


@composition(np.flipud)
def flipud(m: Array) -> Array:
    """Reverse the rows."""
    return np.flip(m, 0)


@primitive(np.rot90)
def rot90(m: Array, /, k: int = 1, axes: tuple[int, int] = (0, 1)) -> tuple[Any, ...]:
    """Turn by 90 degrees `k` times, from the first of two axes towards the second; the gradient is turned back."""
    return np.rot90(m, k, axes), lambda g: np.rot90(g, -k, axes)


@primitive(np.roll)
def roll(a: Array, /, shift: Shape, axis: Axis = None) -> tuple[Any, ...]:
    """Shift elements along `axis`, those that leave at one end entering at the other; the gradient is shifted back."""
    return np.roll(a, shift, axis), lambda g: np.roll(g, np.negative(shift), axis)


@composition(np.repeat)
def repeat(a: Array, repeats: Any, axis: int | None = None) -> Array:
    """Repeat each element along `axis`, all of them equally often or each its own number of times."""
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    counts = np.asarray(repeats)
    if counts.size != 1:
        return np.take(a, np.repeat(np.arange(a.shape[axis]), counts), axis)
    shape = list(np.shape(a))
    after = axis % len(shape) + 1
    shape.insert(after, int(counts.reshape(())))
    repeated = np.broadcast_to(np.expand_dims(a, after), tuple(shape))
    return np.reshape(repeated, (*shape[: after - 1], shape[after - 1] * shape[after], *shape[after + 1 :]))


@composition(np.tile)
def tile(A: Array, reps: Shape) -> Array:  # noqa: N803 - NumPy's name
    """Lay copies of an array side by side, `reps` of them along each axis."""
    counts = np.atleast_1d(reps).tolist()
    shape = np.shape(A)
    ndim = max(len(counts), len(shape))
    counts = [1] * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - len(shape)) + shape
    apart = np.reshape(A, [n for length in shape for n in (1, length)])
    laid = np.broadcast_to(apart, [n for pair in zip(counts, shape, strict=True) for n in pair])
    return np.reshape(laid, tuple(np.multiply(counts, shape).tolist()))


@composition(np.resize)
def resize(a: Array, new_shape: Shape) -> Array:
    """Fill another shape with the elements, over and over in C order as often as it takes; with zeros if none."""
    shape = np.broadcast_shapes(new_shape)
    size = math.prod(shape)
    flat = np.ravel(a) if np.size(a) else np.concatenate([np.ravel(a), np.zeros(1, a.dtype)])
    return np.reshape(np.tile(flat, -(-size // np.size(flat)))[:size], shape)


@primitive(np.tril)
def tril(m: Array, /, k: int = 0) -> tuple[Any, ...]:
    """Keep the triangle below the diagonal `k`; the gradient is 0 above it."""
    return np.tril(m, k), lambda g: np.tril(g, k)


@primitive(np.triu)
def triu(m: Array, /, k: int = 0) -> tuple[Any, ...]:
    """Keep the triangle above the diagonal `k`; the gradient is 0 below it."""
    return np.triu(m, k), lambda g: np.triu(g, k)


@composition(np.diagonal)
def diagonal(a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Take the diagonal of the planes that two axes span; it becomes the last axis."""
    planes = np.moveaxis(a, (axis1, axis2), (-2, -1))
    *stack, rows, columns = planes.shape
    return np.reshape(planes, (*stack, rows * columns))[..., _diagonal(rows, columns, offset)]


def _diagonal(rows: int, columns: int, offset: int) -> slice:
    """Return where a diagonal lies in a matrix laid out row by row: a slice, which costs less than indices."""
    length = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    start = max(offset, 0) - min(offset, 0) * columns
    return slice(start, start + length * (columns + 1), columns + 1)


@composition(np.diagflat)
def diagflat(v: Array, k: int = 0) -> Array:
    """Make a square matrix with the raveled elements on the diagonal `k`."""
    flat = np.ravel(v)
    n = flat.shape[0] + abs(k)
    return np.reshape(scatter_add(flat, _diagonal(n, n, k), (n * n,)), (n, n))


@composition(np.diag)
def diag(v: Array, k: int = 0) -> Array:
    """Take the diagonal of a matrix, or make a matrix of a vector with it on the diagonal."""
    if np.ndim(v) not in (1, 2):
        message = (
            f"diag: expected a vector or a matrix, got shape {np.shape(v)}. Use np.diagonal for stacks of matrices"
        )
        raise ShapeError(message)
    return np.diagflat(v, k) if np.ndim(v) == 1 else np.diagonal(v, k)
