"""Losses of real numbers, of their distributions, and of directions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.nn.losses.shared import Reduction, count, pair, reduce, vectors, weights
from tinygrad_nn.primitives import fused
from tinygrad_nn.recording import record
from tinygrad_nn.tensor import Operand, Tensor, raw


def squared_error(prediction: Operand, target: Operand, reduction: Reduction = "mean") -> Any:
    """Return ``(p - t)^2``, averaged over all elements, summed, or one by one.

    Args:
        prediction: of any shape.
        target: of the same shape.
        reduction: "mean", "sum" or "none".

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: an unknown reduction.

    >>> import tinygrad_nn as tn
    >>> p = tn.Tensor([1.0, 3.0], requires_grad=True)
    >>> loss = tn.nn.squared_error(p, [0.0, 1.0])
    >>> loss.backward()
    >>> loss.item(), p.grad
    (2.5, array([1., 2.]))

    """
    p, t = pair("squared_error", prediction, target)
    if reduction == "none":
        difference = p - t
        return difference * difference
    options = None if reduction == "sum" else {"count": count("squared_error", p, reduction)}
    if isinstance(p, Tensor):  # at once, as in `Dense`: in a small network the call in between can be measured
        return record(fused.squared_error.primitive, (p, t), options)
    return fused.squared_error(p, t, **(options or {}))


def absolute_error(prediction: Operand, target: Operand, reduction: Reduction = "mean") -> Any:
    """Return ``|p - t|``, averaged over all elements, summed, or one by one; the slope is 0 where they are equal.

    Args:
        prediction: of any shape.
        target: of the same shape.
        reduction: "mean", "sum" or "none".

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: an unknown reduction.

    >>> import tinygrad_nn as tn
    >>> p = tn.Tensor([1.0, 3.0], requires_grad=True)
    >>> loss = tn.nn.absolute_error(p, [2.0, 3.0])
    >>> loss.backward()
    >>> loss.item(), p.grad
    (0.5, array([-0.5,  0. ]))

    """
    p, t = pair("absolute_error", prediction, target)
    return reduce("absolute_error", np.absolute(p - t), reduction)


def huber(prediction: Operand, target: Operand, reduction: Reduction = "mean", delta: float = 1.0) -> Any:
    """Return ``d^2 / 2`` for ``d = p - t`` within `delta` of 0, and ``delta (|d| - delta / 2)`` beyond.

    Outliers pull with the slope `delta` at most. The two pieces meet with equal slopes, so only the second derivative
    jumps; at ``|d| = delta`` it is 1, that of the inner piece.

    Source: Huber, "Robust estimation of a location parameter", 1964.

    Args:
        prediction: of any shape.
        target: of the same shape.
        reduction: "mean", "sum" or "none".
        delta: where the parabola goes over into lines, above 0.

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: `delta` is not above 0, or an unknown reduction.

    >>> import tinygrad_nn as tn
    >>> p = tn.Tensor([0.5, 100.0], requires_grad=True)
    >>> loss = tn.nn.huber(p, [0.0, 0.0], reduction="sum")
    >>> loss.backward()
    >>> loss.item(), p.grad
    (99.625, array([0.5, 1. ]))

    """
    if not delta > 0:
        message = f"huber: expected 'delta' above 0, got {delta}. Use absolute_error for a loss without a parabola"
        raise ArgumentError(message)
    p, t = pair("huber", prediction, target)
    difference = p - t
    # One formula for both pieces. `where(|d| <= delta, d * d / 2, ...)` would square what is far out, and overflow.
    near = np.clip(difference, -delta, delta)
    return reduce("huber", near * (difference - near / 2), reduction)


def gaussian_nll(
    prediction: Operand, target: Operand, variance: Operand, reduction: Reduction = "mean", full: bool = False
) -> Any:
    """Return the negative log-likelihood of `target` under normal distributions: ``(log v + (p - t)^2 / v) / 2``.

    Minimised over p and v it gives the mean and the variance of what is likely at each input. PyTorch raises variances
    below 1e-6 to that, which is blind to the unit of the targets; here all above 0 count as they are. Let the model
    keep its distance from 0, as with ``nn.softplus(z) + floor``: around a single target, the loss falls without end.

    Source: Nix and Weigend, "Estimating the mean and variance of the target probability distribution", 1994.

    Args:
        prediction: the means, of any shape.
        target: of the same shape.
        variance: above 0, of the same shape or that of its last axes. It is differentiated as well.
        reduction: "mean", "sum" or "none".
        full: whether to add the constant ``log(2 pi) / 2``, which makes it the logarithm of the density.

    Raises:
        ShapeError: the shapes of prediction and target differ, or the variance does not fit.
        ArgumentError: a variance that is not above 0, or an unknown reduction.

    >>> import tinygrad_nn as tn
    >>> p, v = tn.Tensor([1.0, 3.0], requires_grad=True), tn.Tensor([1.0, 4.0], requires_grad=True)
    >>> loss = tn.nn.gaussian_nll(p, [0.0, 1.0], v, reduction="sum")
    >>> loss.backward()
    >>> round(loss.item(), 6), p.grad, v.grad
    (1.693147, array([1. , 0.5]), array([0., 0.]))

    """
    p, t = pair("gaussian_nll", prediction, target)
    v = weights("gaussian_nll", "variance", variance, p)
    lowest = np.min(raw(v), initial=np.inf)
    if not lowest > 0:
        message = (
            f"gaussian_nll: expected 'variance' above 0, got {lowest:.6g}. Use nn.softplus(z) + 1e-6 or np.exp(z) for "
            f"outputs z of any sign"
        )
        raise ArgumentError(message)
    z = (p - t) / np.sqrt(v)  # before it is squared: the square of a small difference would underflow
    constant = math.log(2 * math.pi) if full else 0.0
    return reduce("gaussian_nll", (np.log(v) + z * z + constant) / 2, reduction)


def cosine_distance(prediction: Operand, target: Operand, reduction: Reduction = "mean") -> Any:
    """Return ``1 - cos(p, t) = 1 - p . t / (|p| |t|)`` for vectors along the last axis: 0 to 2, whatever their lengths.

    A vector of zeros has no direction: its distance from everything is 1, with slope 0.

    Args:
        prediction: vectors, of shape (..., n).
        target: of the same shape.
        reduction: "mean" (over the vectors), "sum" or "none", which leaves (...).

    Raises:
        ShapeError: the shapes differ, or are those of single numbers.
        ArgumentError: an unknown reduction.

    >>> import tinygrad_nn as tn
    >>> p = tn.Tensor([[2.0, 0.0]], requires_grad=True)
    >>> loss = tn.nn.cosine_distance(p, [[0.0, 3.0]])
    >>> loss.backward()
    >>> loss.item(), p.grad
    (1.0, array([[ 0. , -0.5]]))

    """
    p, t = vectors("cosine_distance", prediction, target)
    cosine = (_direction(p) * _direction(t)).sum(axis=-1)
    return reduce("cosine_distance", 1 - cosine, reduction)


def _direction(a: Any) -> Any:
    """Return vectors divided by their lengths; zeros stay zeros.

    Each is first divided by its largest element, a constant that cancels, so that no square overflows or underflows.
    """
    largest = np.max(np.absolute(raw(a)), axis=-1, keepdims=True, initial=0)
    is_zero = largest == 0
    scaled = a / np.where(is_zero, np.inf, largest)  # dividing by infinity makes the slope 0 as well
    return scaled / np.sqrt((scaled * scaled).sum(axis=-1, keepdims=True) + is_zero)
