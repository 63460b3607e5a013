"""Shapes, axes, dtypes: what gives the same elements another form, so that the gradient gets the old form back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_nn.errors import ArgumentError, DtypeError
from tinygrad_nn.primitive import Array, composition, constant, primitive, refuse, unchanged

Shape: TypeAlias = int | tuple[int, ...]

Order: TypeAlias = Literal["C", "F"]
"""Which axis runs fastest when elements are read one after the other: the last (C) or the first (F)."""

constant(
    np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like,
    np.result_type, np.can_cast, np.common_type, np.min_scalar_type, np.iscomplexobj, np.isrealobj,
    np.may_share_memory, np.shares_memory,
)  # fmt: skip  # a table reads better than one name a line

refuse(
    "'like' asks for another library's array, and there is no need: arrays and Tensors work together. Leave it out",
    np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.require,
    np.zeros, np.ones, np.empty, np.full, np.eye, np.identity, np.tri, np.arange,
    np.fromfunction, np.fromiter, np.frombuffer, np.fromfile, np.fromstring, np.loadtxt, np.genfromtxt,
)  # fmt: skip  # these hand over to a Tensor for nothing but ``like=t``


@primitive(np.reshape)
def reshape(a: Array, /, shape: Shape, order: Order = "C", *, copy: bool | None = None) -> tuple[Any, ...]:
    """Give the elements another shape, read and written in `order`; the gradient is reshaped back."""
    _check_order("reshape", order)
    before = a.shape
    # The method, which takes half the time of the function.
    return a.reshape(shape, order=order, copy=copy), lambda g: g.reshape(before, order=order)


def _check_order(name: str, order: str) -> None:
    if order not in ("C", "F"):
        message = (
            f"{name}: expected order 'C' (the last axis runs fastest) or 'F' (the first one does), got {order!r}, "
            f"which goes by how an array happens to lie in memory. Choose one of the two"
        )
        raise ArgumentError(message)


@composition(np.ravel)
def ravel(a: Array, order: Order = "C") -> Array:
    """Flatten to one axis, in `order`."""
    _check_order("ravel", order)
    return np.reshape(a, (-1,), order=order)


@primitive(np.transpose)
def transpose(a: Array, /, axes: Sequence[int] | None = None) -> tuple[Any, ...]:
    """Permute the axes (reverse them when `axes` is None); the gradient is permuted back."""
    back = None if axes is None else tuple(int(i) for i in np.argsort([axis % len(axes) for axis in axes]))
    return np.transpose(a, axes), lambda g: np.transpose(g, back)


@primitive(np.swapaxes)
def swapaxes(a: Array, /, axis1: int, axis2: int) -> tuple[Any, ...]:
    """Swap two axes; the gradient is swapped back."""
    return np.swapaxes(a, axis1, axis2), lambda g: np.swapaxes(g, axis1, axis2)


@composition(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Array, /) -> Array:
    """Swap the last two axes: each matrix of a stack transposed."""
    return np.swapaxes(x, -1, -2)


@primitive(np.moveaxis)
def moveaxis(a: Array, /, source: int | Sequence[int], destination: int | Sequence[int]) -> tuple[Any, ...]:
    """Move axes from `source` to `destination`; the gradient is moved back."""
    return np.moveaxis(a, source, destination), lambda g: np.moveaxis(g, destination, source)


@composition(np.rollaxis)
def rollaxis(a: Array, axis: int, start: int = 0) -> Array:
    """Move one axis in front of the one at `start`, which counts before the move; `moveaxis` counts after it."""
    ndim = np.ndim(a)
    axis = normalize_axis_index(axis, ndim)
    start = start + ndim if start < 0 else start
    return np.moveaxis(a, axis, start - 1 if start > axis else start)


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


@primitive(np.broadcast_to)
def broadcast_to(array: Array, /, shape: Shape) -> tuple[Any, ...]:
    """Repeat along new axes and axes of length 1; the engine sums the gradient over them, as for every operation."""
    return np.broadcast_to(array, shape), unchanged


@composition(np.broadcast_arrays)
def broadcast_arrays(*args: Array) -> tuple[Array, ...]:
    """Broadcast arrays against one another."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(a, shape) for a in args)


def _with_axes(arrays: tuple[Array, ...], count: int, after: int = 0) -> Any:
    """Give arrays at least `count` axes, new ones in front and up to `after` behind; a single array comes alone."""
    shaped = []
    for a in arrays:
        shape = np.shape(a)
        behind = after if 0 < len(shape) < count else 0
        shape = (1,) * (count - behind - len(shape)) + shape
        shaped.append(np.reshape(a, shape + (1,) * (count - len(shape))))
    return shaped[0] if len(shaped) == 1 else tuple(shaped)


@composition(np.atleast_1d)
def atleast_1d(*arys: Array) -> Any:
    """Make single numbers arrays of one element."""
    return _with_axes(arys, 1)


@composition(np.atleast_2d)
def atleast_2d(*arys: Array) -> Any:
    """Make vectors rows."""
    return _with_axes(arys, 2)


@composition(np.atleast_3d)
def atleast_3d(*arys: Array) -> Any:
    """Make vectors of length n into (1, n, 1), and matrices (m, n) into (m, n, 1)."""
    return _with_axes(arys, 3, after=1)


@primitive
def astype(a: Array, /, dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """Convert to another dtype; the engine converts the gradient back, as for every operation.

    >>> import numpy as np
    >>> astype(np.array([1.5]), dtype="float32").dtype
    dtype('float32')
    """
    return a.astype(dtype), unchanged


@composition(np.astype)
def converted(x: Array, dtype: np.dtype[Any], /, *, copy: bool = True) -> Array:  # noqa: ARG001 - no Tensor changes
    """Convert to another dtype: a Tensor's method knows that whole numbers are constants."""
    return x.astype(dtype)


def as_part_of(array: Array, values: Any, name: str) -> Array:
    """Convert `values` that are put into an `array` to its dtype, and refuse to lose their fractions and gradients."""
    values = values if hasattr(values, "shape") else np.asarray(values)
    if values.dtype.kind == "f" and array.dtype.kind != "f":
        message = (
            f"{name}: expected values to put into whole numbers to be whole, got {values.dtype} for {array.dtype}: "
            f"their fractions, and their gradient, would be lost. Convert the array with astype(float) first"
        )
        raise DtypeError(message)
    return values if values.dtype == array.dtype else values.astype(array.dtype)


@primitive(np.copy)
def copy(a: Array, /, order: Literal["K", "A", "C", "F"] = "K") -> tuple[Any, ...]:
    """Copy; the gradient passes through."""
    return np.copy(a, order), unchanged
