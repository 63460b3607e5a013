"""What moves elements and computes nothing: the gradient moves them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.primitive import Array, composition, constant, primitive, unchanged

Shape: TypeAlias = int | tuple[int, ...]

constant(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.full_like, np.empty_like, np.result_type)


@primitive(np.reshape)
def reshape(a: Array, /, shape: Shape) -> tuple[Any, ...]:
    """Give the elements another shape in the same (C) order; the gradient is reshaped back."""
    before = a.shape
    return np.reshape(a, shape), lambda g: np.reshape(g, before)


@primitive(np.transpose)
def transpose(a: Array, /, axes: Sequence[int] | None = None) -> tuple[Any, ...]:
    """Permute the axes (reverse them when `axes` is None); the gradient is permuted back."""
    back = None if axes is None else tuple(int(i) for i in np.argsort([axis % len(axes) for axis in axes]))
    return np.transpose(a, axes), lambda g: np.transpose(g, back)


@primitive(np.swapaxes)
def swapaxes(a: Array, /, axis1: int, axis2: int) -> tuple[Any, ...]:
    """Swap two axes; the gradient is swapped back."""
    return np.swapaxes(a, axis1, axis2), lambda g: np.swapaxes(g, axis1, axis2)


@primitive(np.broadcast_to)
def broadcast_to(array: Array, /, shape: Shape) -> tuple[Any, ...]:
    """Repeat along new axes and axes of length 1; the engine sums the gradient over them, as for every operation."""
    return np.broadcast_to(array, shape), unchanged


@primitive(np.expand_dims)
def expand_dims(a: Array, /, axis: Shape) -> tuple[Any, ...]:
    """Insert axes of length 1; the gradient loses them again."""
    before = a.shape
    return np.expand_dims(a, axis), lambda g: np.reshape(g, before)


@primitive(np.squeeze)
def squeeze(a: Array, /, axis: Shape | None = None) -> tuple[Any, ...]:
    """Remove axes of length 1; the gradient gets them back."""
    before = a.shape
    after = np.squeeze(a, axis).shape
    return np.reshape(a, after), lambda g: np.reshape(g, before)  # `squeeze` may return its operand itself


@primitive
def astype(a: Array, /, dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """Convert to another dtype; the engine converts the gradient back, as for every operation.

    >>> import numpy as np
    >>> astype(np.array([1.5]), dtype="float32").dtype
    dtype('float32')
    """
    return a.astype(dtype), unchanged


@primitive(np.concatenate)
def concatenate(*arrays: Array, axis: int | None = 0) -> tuple[Any, ...]:
    """Join arrays along `axis` (their raveled elements when None); each gets its part of the gradient."""
    out = np.concatenate(arrays, axis=axis)  # first, for NumPy tells best what does not fit
    shapes = [a.shape for a in arrays]
    sizes = [a.size if axis is None else a.shape[axis] for a in arrays]
    ends = np.cumsum(sizes).tolist()

    def part(index: int) -> Any:
        here = slice(ends[index] - sizes[index], ends[index])
        if axis is None:
            return lambda g: np.reshape(g[here], shapes[index])
        at = (slice(None),) * (axis % len(shapes[index])) + (here,)
        return lambda g: g[at]

    return out, *map(part, range(len(arrays)))


@composition(np.ravel)
def ravel(a: Array) -> Array:
    """Flatten to one axis, in C order."""
    return np.reshape(a, (-1,))


@composition(np.stack)
def stack(arrays: Sequence[Array], axis: int = 0) -> Array:
    """Join arrays of one shape along a new axis."""
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis=axis)
