"""Windows that slide over an array, and the sum of windows back into one: what pooling and convolution rest on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.primitive import Array, Axis, constant, kernel, primitive

Lengths: TypeAlias = tuple[int, ...]
"""A whole number for each axis that windows slide along."""

Places: TypeAlias = tuple[tuple[Any, ...], ...]
"""Indices into one array, each of which selects what all windows hold at one of their offsets."""

constant(np.hamming, np.hanning, np.blackman, np.bartlett, np.kaiser)


def count(length: int, window: int, stride: int, dilation: int) -> int:
    """Return how many windows fit along an axis of `length`."""
    return (length - (window - 1) * dilation - 1) // stride + 1


def at(offset: int, windows: int, stride: int, dilation: int) -> slice:
    """Select, along one axis, the element at `offset` of each of so many windows; nothing where none fits."""
    first = offset * dilation
    return slice(first, first + max((windows - 1) * stride + 1, 0), stride)  # a negative end would count from the back


def places(shape: Lengths, window: Lengths, stride: Lengths, dilation: Lengths) -> Places:
    """Return the index of each offset of a window that slides along the last axes of an array of `shape`."""
    axes = zip(shape[len(shape) - len(window) :], window, stride, dilation, strict=True)
    slices = [[at(i, count(n, k, s, d), s, d) for i in range(k)] for n, k, s, d in axes]
    return tuple((..., *index) for index in itertools.product(*slices))


@kernel
def overlap_add(values: Array, index: Places, shape: Lengths) -> Array:
    """Add each of `values` into zeros of `shape` at its place.

    A loop over the offsets of a window, each of them added for all windows at once. Places of one offset are apart from
    one another, so that ``+=`` counts each; `scatter_add` with the index of every element takes seven times as long.
    """
    out = np.zeros(shape, values.dtype)
    for value, place in zip(values, index, strict=True):
        out[place] += value
    return out


@primitive(overlap_add)
def overlap_add_rule(values: Array, /, index: Places, shape: Lengths) -> tuple[Any, ...]:
    """Add each of `values` into zeros of `shape` at its place, with gradient ``g`` at each of these places."""
    return overlap_add(values, index, shape), lambda g: np.stack([g[place] for place in index])


@primitive(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(x: Array, /, window_shape: int | Sequence[int], axis: Axis = None) -> tuple[Any, ...]:
    """Show all windows of an array, each along new last axes; the gradient adds them up where they overlap."""
    out = np.lib.stride_tricks.sliding_window_view(x, window_shape, axis)
    shape = x.shape
    window = out.shape[len(shape) :]
    axes = range(len(shape)) if axis is None else np.atleast_1d(axis).tolist()

    def closure(g: Array) -> Array:
        index = []
        for offsets in np.ndindex(window):
            first = [0] * len(shape)
            for a, offset in zip(axes, offsets, strict=True):  # an axis named twice has windows of windows
                first[a] += offset
            index.append(tuple(slice(i, i + n) for i, n in zip(first, g.shape, strict=False)))
        leading = np.moveaxis(g, range(len(shape), g.ndim), range(len(window)))
        return overlap_add(np.reshape(leading, (len(index), *g.shape[: len(shape)])), tuple(index), shape)

    return out, closure
