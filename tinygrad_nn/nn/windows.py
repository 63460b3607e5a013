"""Convolution and pooling, as functions: windows that slide along the last axes of samples with channels.

All take samples of shape (samples, channels, *lengths) with any number of lengths, as PyTorch's functions of 1, 2 and 3
dimensions do, and mean the same by their options. An option is one whole number, or one for each of the lengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.primitives import convolution, pooling
from tinygrad_nn.primitives.convolution import Padding
from tinygrad_nn.primitives.windows import Lengths, count
from tinygrad_nn.tensor import Operand, Tensor

__all__ = ["avg_pool", "conv", "conv_transpose", "max_pool"]

PerAxis: TypeAlias = int | Sequence[int]
"""A whole number for all axes that windows slide along, or one for each."""


def conv(
    x: Operand,
    weight: Operand,
    bias: Operand | None = None,
    stride: PerAxis = 1,
    padding: PerAxis | Literal["same", "valid"] = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Any:
    """Slide filters along the last axes: the convolution of networks, which is a cross-correlation.

    ``y[n, o, p] = b[o] + sum_c,k w[o, c, k] x[n, c, stride p + dilation k - padding]``, with x read as 0 outside of its
    lengths. For a cotangent g the gradients are those of each of these products: of w, the same sum over n and p with g
    in the place of w; of x, `conv_transpose` of g; of b, the sum of g over n and p.

    Args:
        x: samples of shape (N, C, *lengths).
        weight: O filters, of shape (O, C / groups, *window). Its number of axes says how many lengths there are.
        bias: one number for each filter, of shape (O,), or None.
        stride: how far a window is from the next.
        padding: how many zeros stand before and behind each length; "valid" for none, "same" for as many as give y the
            lengths of x (at stride 1; where their number is odd, the last one stands behind).
        dilation: how far the elements of a window are apart.
        groups: into how many groups the channels are divided. Those of a group make O / groups outputs on their own.

    Returns:
        y of shape (N, O, *counts), with ``count = (length + 2 padding - dilation (window - 1) - 1) // stride + 1``.

    Raises:
        ShapeError: the shapes do not fit one another, or the window is larger than the padded lengths.
        ArgumentError: an option outside of its range, or not one number for each length.

    >>> import tinygrad_nn as tn
    >>> x, w = tn.Tensor([[[1.0, 2.0, 3.0]]], requires_grad=True), tn.Tensor([[[1.0, 10.0]]], requires_grad=True)
    >>> y = tn.nn.conv(x, w, bias=[0.5])
    >>> y.sum().backward()
    >>> y.numpy(), x.grad, w.grad
    (array([[[21.5, 32.5]]]), array([[[ 1., 11., 10.]]]), array([[[3., 5.]]]))

    """
    samples, filters = _tensorlike(x), _tensorlike(weight)
    window = _window("conv", samples, filters)
    groups = _groups("conv", samples, filters, groups)
    steps = per_axis("conv", "stride", stride, len(window), 1)
    spread = per_axis("conv", "dilation", dilation, len(window), 1)
    zeros = _padding(padding, window, steps, spread)
    _check_fit("conv", samples, window, zeros, spread)
    out = convolution.conv(samples, filters, stride=steps, padding=zeros, dilation=spread, groups=groups)
    return _biased("conv", out, bias)


def conv_transpose(
    x: Operand,
    weight: Operand,
    bias: Operand | None = None,
    *,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Any:
    """Carry samples the way back through a `conv`, as if they were its gradient: the transposed convolution.

    ``y[n, c, stride p + dilation k - padding] = b[c] + sum_o w[o, c, k] x[n, o, p]``: each element of x adds a filter
    to y. It enlarges where `conv` with the same options reduces; it does not undo the values. For a cotangent g the
    gradient of x is ``conv(g, w)`` with the same options, that of w is what it is in `conv` with g and x in each
    other's place. (Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning.)

    Args:
        x: samples of shape (N, O, *counts).
        weight: O filters, of shape (O, C / groups, *window), as of the `conv` that this is the way back through.
        bias: one number for each channel of the result, of shape (C,), or None.
        stride: how far the windows are apart in y.
        padding: how many elements are cut off at both ends of y.
        output_padding: how many more elements y has behind each length; less than `stride`. Several lengths of a `conv`
            with a stride give the same number of windows, and this chooses among them.
        dilation: how far the elements of a window are apart.
        groups: into how many groups the channels are divided.

    Returns:
        y of shape (N, C, *lengths), with
        ``length = (count - 1) stride - 2 padding + dilation (window - 1) + 1 + output_padding``.

    Raises:
        ShapeError: the shapes do not fit one another, or the padding cuts off all there is.
        ArgumentError: an option outside of its range, or not one number for each length.

    >>> import tinygrad_nn as tn
    >>> x, w = tn.Tensor([[[1.0, 2.0]]], requires_grad=True), tn.Tensor([[[1.0, 10.0]]], requires_grad=True)
    >>> y = tn.nn.conv_transpose(x, w, stride=2)
    >>> y.sum().backward()
    >>> y.numpy(), x.grad, w.grad
    (array([[[ 1., 10.,  2., 20.]]]), array([[[11., 11.]]]), array([[[3., 3.]]]))

    """
    name, samples, filters = "conv_transpose", _tensorlike(x), _tensorlike(weight)
    window = _window(name, samples, filters)
    groups = _groups(name, samples, filters, groups)
    steps = per_axis(name, "stride", stride, len(window), 1)
    spread = per_axis(name, "dilation", dilation, len(window), 1)
    cut = per_axis(name, "padding", padding, len(window), 0)
    more = per_axis(name, "output_padding", output_padding, len(window), 0)
    if any(m >= s for m, s in zip(more, steps, strict=True)):
        message = (
            f"{name}: expected 'output_padding' to be less than the stride {steps}, got {more}. For zeros at the end "
            f"write numpy.pad"
        )
        raise ArgumentError(message)
    lengths = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + m
        for n, s, p, d, k, m in zip(samples.shape[2:], steps, cut, spread, window, more, strict=True)
    )
    if min(lengths) < 1:
        message = (
            f"{name}: expected a result with lengths of at least 1, got {lengths} from 'x' of shape {samples.shape} "
            f"and a window of {window}. Reduce the padding {cut}"
        )
        raise ShapeError(message)
    options = {"stride": steps, "padding": tuple((p, p) for p in cut), "dilation": spread, "groups": groups}
    return _biased(name, convolution.conv_input(samples, filters, shape=lengths, **options), bias)


def max_pool(
    x: Operand, window: PerAxis, stride: PerAxis | None = None, padding: PerAxis = 0, dilation: PerAxis = 1
) -> Any:
    """Take the largest element of each window.

    ``y[n, c, p] = max_k x[n, c, stride p + dilation k - padding]``, with x read as -infinity outside of its lengths.
    The gradient goes to the element that is the maximum; elements that tie for it share it evenly, as they do in
    `numpy.max`. (PyTorch gives all of it to the first of them.)

    Args:
        x: samples of shape (N, C, *lengths).
        window: how many elements a window has along each length.
        stride: how far a window is from the next; by default the length of the window, so that none overlap.
        padding: how far windows reach beyond each length at both ends; at most half of a window.
        dilation: how far the elements of a window are apart.

    Returns:
        y of shape (N, C, *counts), with ``count = (length + 2 padding - dilation (window - 1) - 1) // stride + 1``.

    Raises:
        ShapeError: `x` has no lengths, or the window is larger than the padded lengths.
        ArgumentError: an option outside of its range, or not one number for each length.

    >>> import tinygrad_nn as tn
    >>> x = tn.Tensor([[[1.0, 3.0, 2.0, 2.0]]], requires_grad=True)
    >>> y = tn.nn.max_pool(x, 2)
    >>> y.sum().backward()
    >>> y.numpy(), x.grad
    (array([[[3., 2.]]]), array([[[0. , 1. , 0.5, 0.5]]]))

    """
    samples, sizes, steps, zeros, spread = _pooled("max_pool", x, window, stride, padding, dilation)
    lowest = -np.inf if samples.dtype.kind == "f" else np.iinfo(samples.dtype).min
    return pooling.max_pool(_padded(samples, zeros, lowest), window=sizes, stride=steps, dilation=spread)


def avg_pool(
    x: Operand,
    window: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    count_include_pad: bool = True,
) -> Any:
    """Average the elements of each window.

    ``y[n, c, p] = sum_k x[n, c, stride p + k - padding] / K``, with x read as 0 outside of its lengths, and K elements
    in a window. Each element of a window gets ``g / K`` of its gradient g.

    Args:
        x: samples of shape (N, C, *lengths).
        window: how many elements a window has along each length.
        stride: how far a window is from the next; by default the length of the window, so that none overlap.
        padding: how far windows reach beyond each length at both ends; at most half of a window.
        count_include_pad: whether K counts what is outside of x as well.

    Returns:
        y of shape (N, C, *counts), with ``count = (length + 2 padding - window) // stride + 1``.

    Raises:
        ShapeError: `x` has no lengths, or the window is larger than the padded lengths.
        ArgumentError: an option outside of its range, or not one number for each length.

    >>> import tinygrad_nn as tn
    >>> x = tn.Tensor([[[1.0, 3.0, 2.0, 2.0]]], requires_grad=True)
    >>> y = tn.nn.avg_pool(x, 2)
    >>> y.sum().backward()
    >>> y.numpy(), x.grad
    (array([[[2., 2.]]]), array([[[0.5, 0.5, 0.5, 0.5]]]))

    """
    samples, sizes, steps, zeros, _ = _pooled("avg_pool", x, window, stride, padding, 1)
    out = pooling.avg_pool(_padded(samples, zeros, 0), window=sizes, stride=steps)
    if count_include_pad or not any(map(any, zeros)):
        return out
    inside = _padded(np.ones((1, 1, *samples.shape[2:]), samples.dtype), zeros, 0)
    return out / pooling.avg_pool(inside, window=sizes, stride=steps)


def _tensorlike(value: Operand) -> Any:
    """Return a Tensor or array, so that it has a shape."""
    return value if isinstance(value, (Tensor, np.ndarray)) else np.asarray(value)


def _biased(name: str, out: Any, bias: Operand | None) -> Any:
    """Add a number to each channel."""
    if bias is None:
        return out
    if np.shape(bias) != out.shape[1:2]:
        message = (
            f"{name}: expected 'bias' of shape ({out.shape[1]},), one number for each channel of the result, got shape "
            f"{np.shape(bias)}. Write bias.reshape(-1) if it only has axes of length 1 besides"
        )
        raise ShapeError(message)
    return out + np.reshape(_tensorlike(bias), (-1,) + (1,) * (out.ndim - 2))


def _window(name: str, x: Any, weight: Any) -> Lengths:
    """Return the lengths of the window; refuse a weight without one, and samples that do not have as many axes."""
    if weight.ndim < 3 or 0 in weight.shape:
        message = (
            f"{name}: expected 'weight' of shape (filters, channels, *window) with at least one axis of a window and "
            f"none of length 0, got shape {weight.shape}. For windows of one element write weight[..., None]"
        )
        raise ShapeError(message)
    if x.ndim != weight.ndim:
        message = (
            f"{name}: expected 'x' of shape (samples, channels, *lengths) with {weight.ndim} axes, as 'weight' of "
            f"shape {weight.shape} has, got shape {x.shape}. Write x[None] for a single sample, x[:, None] for a "
            f"single channel"
        )
        raise ShapeError(message)
    window: Lengths = weight.shape[2:]
    return window


def _groups(name: str, x: Any, weight: Any, groups: int) -> int:
    """Return the number of groups; refuse channels that do not fit it and the filters."""
    (groups,) = per_axis(name, "groups", groups, 1, 1)
    filters, channels = weight.shape[:2]
    if filters % groups:
        message = (
            f"{name}: expected 'groups' to divide the {filters} filters of 'weight' of shape {weight.shape}, got "
            f"{groups}. Choose a divisor of {filters}"
        )
        raise ShapeError(message)
    expected = filters if name == "conv_transpose" else channels * groups
    if x.shape[1] != expected:
        shared = f" times {groups} groups" if groups > 1 and name == "conv" else ""
        message = (
            f"{name}: expected 'x' with {expected} channels, the axis {int(name == 'conv')} of 'weight' of shape "
            f"{weight.shape}{shared}, got 'x' of shape {x.shape}. The channels are axis 1 of x: if they are its last "
            f"axis, write np.moveaxis(x, -1, 1)"
        )
        raise ShapeError(message)
    return groups


def _check_fit(name: str, x: Any, window: Lengths, padding: Padding, dilation: Lengths) -> None:
    """Refuse windows that fit nowhere."""
    lengths = [n + sum(zeros) for n, zeros in zip(x.shape[2:], padding, strict=True)]
    if any(count(n, k, 1, d) < 1 for n, k, d in zip(lengths, window, dilation, strict=True)):
        spans = tuple((k - 1) * d + 1 for k, d in zip(window, dilation, strict=True))
        message = (
            f"{name}: expected a window that fits into the padded lengths {tuple(lengths)} of 'x' of shape {x.shape}, "
            f"got one of {window} that spans {spans}. Use a smaller window or dilation, or more padding"
        )
        raise ShapeError(message)


def per_axis(name: str, option: str, value: Any, axes: int, least: int) -> Lengths:
    """Return an option as one whole number for each axis."""
    numbers = (value,) * axes if np.ndim(value) == 0 else tuple(value)
    if len(numbers) != axes or not all(isinstance(n, (int, np.integer)) and n >= least for n in numbers):
        each = f", or {axes} of them, one for each length" if axes > 1 else ""
        message = f"{name}: expected '{option}' to be a whole number of at least {least}{each}, got {value!r}"
        raise ArgumentError(message)
    return tuple(map(int, numbers))


def _padding(padding: Any, window: Lengths, stride: Lengths, dilation: Lengths) -> Padding:
    """Return the padding of a `conv` before and behind each length."""
    if padding == "valid":
        return ((0, 0),) * len(window)
    if padding == "same":
        if any(s != 1 for s in stride):
            message = (
                f"conv: expected a stride of 1 with padding='same', which keeps the lengths, got {stride}. Write the "
                f"padding in numbers"
            )
            raise ArgumentError(message)
        totals = [d * (k - 1) for k, d in zip(window, dilation, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    if isinstance(padding, str):
        message = f"conv: expected 'padding' to be 'same', 'valid' or whole numbers, got {padding!r}"
        raise ArgumentError(message)
    return tuple((p, p) for p in per_axis("conv", "padding", padding, len(window), 0))


def _pooled(
    name: str, x: Operand, window: PerAxis, stride: PerAxis | None, padding: PerAxis, dilation: PerAxis
) -> tuple[Any, Lengths, Lengths, Padding, Lengths]:
    """Return what both kinds of pooling start from: samples, window, stride, padding and dilation."""
    samples = _tensorlike(x)
    axes = np.size(window) if np.ndim(window) else max(samples.ndim - 2, 1)
    if samples.ndim != axes + 2:
        message = (
            f"{name}: expected 'x' of shape (samples, channels, *lengths) with {axes + 2} axes for a window of "
            f"{window}, got shape {samples.shape}. Write x[None] for a single sample, x[:, None] for a single channel"
        )
        raise ShapeError(message)
    sizes = per_axis(name, "window", window, axes, 1)
    steps = sizes if stride is None else per_axis(name, "stride", stride, axes, 1)
    beyond = per_axis(name, "padding", padding, axes, 0)
    spread = per_axis(name, "dilation", dilation, axes, 1)
    if any(2 * p > (k - 1) * d + 1 for p, k, d in zip(beyond, sizes, spread, strict=True)):
        message = (
            f"{name}: expected 'padding' of at most half of what the window {sizes} spans, got {beyond}: there would "
            f"be windows that hold nothing of x. Reduce the padding, or write numpy.pad first"
        )
        raise ArgumentError(message)
    zeros = tuple((p, p) for p in beyond)
    _check_fit(name, samples, sizes, zeros, spread)
    return samples, sizes, steps, zeros, spread


def _padded(x: Any, padding: Padding, value: float) -> Any:
    """Return samples with `value` around their lengths."""
    return np.pad(x, ((0, 0), (0, 0), *padding), constant_values=value) if any(map(any, padding)) else x
