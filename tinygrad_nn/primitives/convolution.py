"""Convolution over any number of axes, as networks mean it, and NumPy's of one axis.

For a cotangent g the number ``<g, conv(x, w)>`` is linear in each of g, x and w. Its gradients for the three are
`conv`, `conv_input` and `conv_weight`; each is linear in its own two operands, and has the other two as its gradients.
So these three are all that convolution, transposed convolution and their derivatives of every order need.

Each is one product of matrices: the filters, as rows, with the windows of the input, as columns (im2col: Chellapilla,
Puri and Simard 2006, High performance convolutional neural networks for document processing). A column holds every
element of a window, so all columns together take as many times the memory of the input as a window has elements. They
are not kept from the forward pass, which would save an eighth of a training step, but made anew for the gradient; and
they are made in blocks of samples that the processor's cache holds, which takes up to a quarter off large inputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import numpy as np

from tinygrad_nn.primitive import Array, Closure, composition, kernel, primitive
from tinygrad_nn.primitives.windows import Lengths, at, count

Padding: TypeAlias = tuple[tuple[int, int], ...]
"""How many zeros stand before and behind each axis."""

Mode: TypeAlias = Literal["full", "same", "valid"]
"""Whether vectors slide along one another as long as they meet, as long as the longer one is, or while one covers."""

BLOCK = 4 << 20
"""How many bytes of columns are made at a time, unless a single sample has more."""


@kernel
def _conv(x: Array, weight: Array, stride: Lengths, padding: Padding, dilation: Lengths, groups: int) -> Array:
    window = weight.shape[2:]
    counts = tuple(map(count, _padded(x.shape[2:], padding), window, stride, dilation))
    out = np.empty((len(x), len(weight), *counts), np.result_type(x, weight))
    filters = _filters(weight, groups)
    for block in _blocks(out, weight, groups):
        product = filters @ _columns(x[block], window, stride, padding, dilation, groups)
        out[block] = product.reshape((len(weight), -1, *counts)).swapaxes(0, 1)
    return out


@kernel
def _conv_input(
    g: Array,
    weight: Array,
    shape: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
    groups: int,
) -> Array:
    channels, window = weight.shape[1] * groups, weight.shape[2:]
    lengths, inside = _padded(shape, padding), _inside(shape, padding)
    out = np.empty((len(g), channels, *shape), np.result_type(g, weight))
    filters = _filters(weight, groups)
    for block in _blocks(g, weight, groups):
        columns = filters.mT @ _rows(g[block], groups)
        windows = columns.reshape((channels, *window, -1, *g.shape[2:]))
        out[block] = _fold(windows, lengths, stride, dilation)[inside].swapaxes(0, 1)
    return out


@kernel
def _conv_weight(
    g: Array,
    x: Array,
    window: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
    groups: int,
) -> Array:
    out = np.zeros((g.shape[1], x.shape[1] // groups, *window), np.result_type(g, x))
    filters = _filters(out, groups)
    for block in _blocks(g, out, groups):
        filters += _rows(g[block], groups) @ _columns(x[block], window, stride, padding, dilation, groups).mT
    return out


@primitive(_conv)
def conv(
    x: Array, weight: Array, /, stride: Lengths, padding: Padding, dilation: Lengths, groups: int
) -> tuple[Any, ...]:
    """Correlate `x` (N, C, *lengths) with the filters `weight` (O, C / groups, *window): the convolution of networks.

    ``y[n, o, p] = sum_c,k w[o, c, k] x[n, c, stride p + dilation k - padding]``, with gradients `conv_input` for x and
    `conv_weight` for w. A group of the outputs sees only the same group of the channels.

    >>> import numpy as np
    >>> x, weight = np.array([[[1.0, 2.0, 3.0]]]), np.array([[[1.0, 10.0]]])
    >>> conv(x, weight, stride=(1,), padding=((0, 0),), dilation=(1,), groups=1)
    array([[[21., 32.]]])
    """
    geometry = stride, padding, dilation, groups
    shape, window = x.shape[2:], weight.shape[2:]
    return (
        _conv(x, weight, *geometry),
        lambda g: _conv_input(g, weight, shape, *geometry),
        lambda g: _conv_weight(g, x, window, *geometry),
    )


@primitive(_conv_input)
def conv_input(
    g: Array,
    weight: Array,
    /,
    shape: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
    groups: int,
) -> tuple[Any, ...]:
    """Carry the gradient `g` of a `conv` back to its input, whose axes behind the channels have `shape`.

    Its own gradients are `conv` for g and `conv_weight` for the filters. Used forward it is the transposed convolution.

    >>> import numpy as np
    >>> g, weight = np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0]]])
    >>> conv_input(g, weight, shape=(3,), stride=(1,), padding=((0, 0),), dilation=(1,), groups=1)
    array([[[ 1., 12., 20.]]])
    """
    geometry = stride, padding, dilation, groups
    window = weight.shape[2:]
    return (
        _conv_input(g, weight, shape, *geometry),
        lambda h: _conv(h, weight, *geometry),
        lambda h: _conv_weight(g, h, window, *geometry),
    )


@primitive(_conv_weight)
def conv_weight(
    g: Array,
    x: Array,
    /,
    window: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
    groups: int,
) -> tuple[Any, ...]:
    """Carry the gradient `g` of a `conv` back to its filters, which have the lengths `window`.

    Its own gradients are `conv` for g and `conv_input` for x.

    >>> import numpy as np
    >>> g, x = np.array([[[1.0, 10.0]]]), np.array([[[1.0, 2.0, 3.0]]])
    >>> conv_weight(g, x, window=(2,), stride=(1,), padding=((0, 0),), dilation=(1,), groups=1)
    array([[[21., 32.]]])
    """
    geometry = stride, padding, dilation, groups
    shape = x.shape[2:]
    return (
        _conv_weight(g, x, window, *geometry),
        lambda h: _conv(x, h, *geometry),
        lambda h: _conv_input(g, h, shape, *geometry),
    )


def _filters(weight: Array, groups: int) -> Array:
    """Show a weight as a matrix for each group, with a filter in each row."""
    return weight.reshape((groups, len(weight) // groups, math.prod(weight.shape[1:])))


def _rows(g: Array, groups: int) -> Array:
    """Return an output as a matrix for each group, with a channel in each row and a position in each column.

    The positions of all samples side by side make one large product. A stack of products, one for each sample, needs
    no such copy of the output; it is no faster for images of 28 x 28, and takes two to four times as long for 4 x 4.
    """
    samples, channels, *counts = g.shape
    return g.swapaxes(0, 1).reshape((groups, channels // groups, samples * math.prod(counts)))


def _columns(x: Array, window: Lengths, stride: Lengths, padding: Padding, dilation: Lengths, groups: int) -> Array:
    """Return a matrix for each group, with a window in each column."""
    samples, channels = x.shape[:2]
    if any(map(any, padding)):
        padded = np.zeros((samples, channels, *_padded(x.shape[2:], padding)), x.dtype)
        padded[_inside(x.shape[2:], padding)] = x
        x = padded
    windows = _unfold(x.swapaxes(0, 1), window, stride, dilation)
    return windows.reshape((groups, channels // groups * math.prod(window), -1))


def _padded(lengths: Lengths, padding: Padding) -> Lengths:
    """Return what the padding makes of each length."""
    return tuple(n + before + behind for n, (before, behind) in zip(lengths, padding, strict=True))


def _inside(lengths: Lengths, padding: Padding) -> tuple[Any, ...]:
    """Return the index of what the padding surrounds."""
    return (..., *(slice(before, before + n) for n, (before, _) in zip(lengths, padding, strict=True)))


def _unfold(x: Array, window: Lengths, stride: Lengths, dilation: Lengths) -> Array:
    """Turn the lengths at the end of `x` (C, N, *lengths) into windows and their offsets: (C, *window, N, *counts).

    One axis after another, the last one first: each is a handful of copies in long runs. Copied from a view with all
    axes at once (`sliding_window_view`) it takes up to twice as long.
    """
    for axis in range(-1, -1 - len(window), -1):
        size, step, spread = window[axis], stride[axis], dilation[axis]
        shape = list(x.shape)
        shape[axis] = windows = count(shape[axis], size, step, spread)
        shape.insert(1, size)
        unfolded = np.empty(shape, x.dtype)
        for offset in range(size):
            unfolded[:, offset] = x[_along(axis, at(offset, windows, step, spread))]
        x = unfolded
    return x


def _fold(windows: Array, lengths: Lengths, stride: Lengths, dilation: Lengths) -> Array:
    """Add windows (C, *window, N, *counts) up where they overlap: the transpose of `_unfold`."""
    for axis in range(-len(lengths), 0):
        channels, size, *shape = windows.shape
        places = shape[axis]
        shape[axis] = lengths[axis]
        folded = np.zeros((channels, *shape), windows.dtype)
        for offset in range(size):
            folded[_along(axis, at(offset, places, stride[axis], dilation[axis]))] += windows[:, offset]
        windows = folded
    return windows


def _along(axis: int, index: slice) -> tuple[Any, ...]:
    """Return an index that selects along one axis, counted from the end, and all along the others."""
    return (..., index, *[slice(None)] * (-1 - axis))


def _blocks(out: Array, weight: Array, groups: int) -> Iterator[slice]:
    """Divide the samples so that the columns for a block of them take `BLOCK` bytes."""
    columns = math.prod(out.shape[2:]) * groups * math.prod(weight.shape[1:]) * out.itemsize  # of one sample
    samples = max(1, BLOCK // max(1, columns))
    return (slice(start, start + samples) for start in range(0, len(out), samples))


@primitive(np.correlate)
def correlate(a: Array, v: Array, /, mode: Mode = "valid") -> tuple[Any, ...]:
    """Slide the shorter of two vectors along the longer: ``c[k] = sum_n a[n + k] v[n]``.

    The gradients are the convolution of g with v, and the correlation of a with g.
    """
    out = np.correlate(a, v, mode)
    if len(a) < len(v):  # NumPy swaps the two and reverses the result
        to_v, to_a = _gradients(v, a, len(out))
        return out, lambda g: to_a(g[::-1]), lambda g: to_v(g[::-1])
    return out, *_gradients(a, v, len(out))


def _gradients(long: Array, short: Array, length: int) -> tuple[Closure, Closure]:
    """Return the closures of a correlation whose result has `length`, which tells its mode."""
    n, m = len(long), len(short)
    if length == n - m + 1:  # "valid": the other formula would take n m products here, where there are length m
        return lambda g: np.convolve(g, short), lambda g: np.correlate(long, g)
    missing = n + m - 1 - length  # from the mode "full"
    widths = missing // 2, missing - missing // 2
    return (
        lambda g: np.convolve(np.pad(g, widths), short, "valid"),
        lambda g: np.correlate(np.pad(g, widths), long)[::-1],
    )


@composition(np.convolve)
def convolve(a: Array, v: Array, mode: Mode = "full") -> Array:
    """Correlate with the second vector reversed: ``c[k] = sum_n a[n] v[k - n]``."""
    a, v = np.atleast_1d(a), np.atleast_1d(v)
    return np.correlate(v, a[::-1], mode) if len(v) > len(a) else np.correlate(a, v[::-1], mode)
