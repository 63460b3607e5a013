"""Arrays that are made from a few numbers, which may need a gradient: ranges, grids and filled arrays."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.primitive import Array, composition
from tinygrad_nn.primitives.shaping import Shape, as_part_of


@composition(np.linspace)
def linspace(
    start: Array, stop: Array, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0,
) -> Any:  # fmt: skip  # one parameter a line is a page of parameters
    """Return `num` numbers in even steps from `start` to `stop`, the last of which is `stop` itself if `endpoint`."""
    num = operator.index(num)
    if num < 0:
        message = f"linspace: expected num to be at least 0, got {num}. Ask for no samples with 0"
        raise ArgumentError(message)
    # Lists become arrays, but numbers stay Python's: NumPy's own would make float64 of float32.
    start, stop = (np.asarray(x) if isinstance(x, (list, tuple)) else x for x in (start, stop))
    difference = 1.0 * stop - start
    intervals = num - 1 if endpoint else num
    step = difference / max(intervals, 1)
    count = np.reshape(np.arange(num, dtype=step.dtype), (num,) + (1,) * np.ndim(step))
    samples = start + count * step
    if endpoint and num > 1:
        last = np.broadcast_to(stop, np.shape(step))
        samples = np.concatenate([samples[:-1], np.expand_dims(last, 0)], dtype=samples.dtype)
    samples = _of_dtype(np.moveaxis(samples, 0, axis), dtype)
    return (samples, step if intervals else np.nan) if retstep else samples


def _of_dtype(samples: Array, dtype: Any) -> Array:
    if dtype is None:
        return samples
    return (samples if np.dtype(dtype).kind == "f" else np.floor(samples)).astype(dtype)


@composition(np.logspace)
def logspace(
    start: Array, stop: Array, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Array:
    """Return the powers of `base` with the exponents of `linspace`."""
    if np.ndim(base):
        ndim = max(map(np.ndim, (start, stop, base)))
        start, stop, base = (np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x)) for x in (start, stop, base))
        base = np.expand_dims(base, axis)
    return _of_dtype(np.power(base, np.linspace(start, stop, num, endpoint, axis=axis)), dtype)


@composition(np.geomspace)
def geomspace(
    start: Array, stop: Array, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Array:
    """Return `num` numbers in even ratios from `start` to `stop`, which have the same sign; float64 as in NumPy."""
    sign = np.sign(start)
    if np.any(sign * np.sign(stop) != 1):
        message = (
            f"geomspace: expected start and stop of the same sign and not 0, got the signs {sign} and {np.sign(stop)}. "
            f"Use np.linspace for a range through 0"
        )
        raise ArgumentError(message)
    samples = sign * np.logspace(np.log10(sign * start), np.log10(sign * stop), num, endpoint)
    first, last = (np.expand_dims(end, 0) for end in np.broadcast_arrays(start, stop))
    parts = [first, samples[1:-1], last] if endpoint and num > 1 else [first, samples[1:]]
    samples = np.concatenate(parts, dtype=np.result_type(samples.dtype, np.float64))[:num]
    return _of_dtype(np.moveaxis(samples, 0, axis), dtype)


@composition(np.meshgrid)
def meshgrid(*xi: Array, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Array, ...]:  # noqa: ARG001 - no Tensor changes
    """Return the coordinates of a grid, one array for each of its axes, which the vectors `xi` divide.

    With `indexing` "xy" the first vector runs along the second axis, with "ij" along the first.
    """
    if indexing not in ("xy", "ij"):
        message = f"meshgrid: expected the indexing 'xy' or 'ij', got {indexing!r}. Choose one of the two"
        raise ArgumentError(message)
    axes = list(range(len(xi)))
    if indexing == "xy":
        axes[:2] = reversed(axes[:2])
    grid = tuple(
        np.reshape(x, tuple(np.size(x) if i == axis else 1 for i in range(len(xi))))
        for x, axis in zip(xi, axes, strict=True)
    )
    return grid if sparse else np.broadcast_arrays(*grid)


@composition(np.full_like)
def full_like(a: Array, fill_value: Array, dtype: Any = None, *, shape: Shape | None = None) -> Array:
    """Return an array of the shape of `a`, or of `shape`, filled with what may need a gradient; `a` gets none."""
    wanted = np.empty_like(a, dtype=dtype, shape=shape)
    return np.copy(np.broadcast_to(as_part_of(wanted, fill_value, "full_like"), wanted.shape))
