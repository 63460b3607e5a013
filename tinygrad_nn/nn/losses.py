"""Losses: one number that says how far predictions are from their targets.

Every loss refuses predictions and targets of different shapes. Between ``(N, 1)`` and ``(N,)`` NumPy would broadcast
to ``(N, N)``, and a network trained on that learns the mean of all targets, without an error anywhere.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from tinygrad_nn.errors import ArgumentError, DtypeError, ShapeError
from tinygrad_nn.primitives import fused
from tinygrad_nn.recording import record
from tinygrad_nn.tensor import Operand, Tensor, raw

Reduction: TypeAlias = Literal["mean", "sum", "none"]


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
    p, t = _pair("squared_error", prediction, target)
    if reduction == "none":
        difference = p - t
        return difference * difference
    options = None if reduction == "sum" else {"count": _count("squared_error", p, reduction)}
    if isinstance(p, Tensor):  # at once, as in `Dense`: in a small network the call in between can be measured
        return record(fused.squared_error.primitive, (p, t), options)
    return fused.squared_error(p, t, **(options or {}))


def binary_cross_entropy(prediction: Operand, target: Operand, reduction: Reduction = "mean") -> Any:
    """Return ``-(t log p + (1 - t) log(1 - p))`` for probabilities `prediction`, finite also for 0 and 1.

    The logarithms are cut off at -100 and the slopes at 1e12, as in PyTorch, so that a wrong certainty is expensive and
    still learns. Where the probability comes from a sigmoid, `binary_cross_entropy_with_logits` is faster and exact.

    Args:
        prediction: probabilities, of any shape.
        target: 0 or 1, or probabilities, of the same shape.
        reduction: "mean", "sum" or "none".

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: an unknown reduction, or a prediction outside [0, 1].

    >>> import tinygrad_nn as tn
    >>> p = tn.Tensor([0.5, 1.0], requires_grad=True)
    >>> loss = tn.nn.binary_cross_entropy(p, [1.0, 0.0])
    >>> loss.backward()
    >>> round(loss.item(), 6), p.grad
    (50.346574, array([-1.e+00,  5.e+11]))

    """
    p, t = _pair("binary_cross_entropy", prediction, target)
    values = raw(p)
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        message = (
            f"binary_cross_entropy: expected probabilities between 0 and 1 in 'prediction', got {values.min():.6g} to "
            f"{values.max():.6g}. Apply a sigmoid first, or use binary_cross_entropy_with_logits"
        )
        raise ArgumentError(message)
    return _reduce("binary_cross_entropy", fused.binary_cross_entropy(p, t), reduction)


def binary_cross_entropy_with_logits(prediction: Operand, target: Operand, reduction: Reduction = "mean") -> Any:
    """Return the binary cross-entropy of ``sigmoid(z)`` for logits `prediction`: ``max(z, 0) - z t + log(1 + e^-|z|)``.

    Args:
        prediction: logits, of any shape.
        target: 0 or 1, or probabilities, of the same shape.
        reduction: "mean", "sum" or "none".

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: an unknown reduction.

    >>> import tinygrad_nn as tn
    >>> z = tn.Tensor([0.0, 1000.0], requires_grad=True)
    >>> loss = tn.nn.binary_cross_entropy_with_logits(z, [1.0, 0.0], reduction="sum")
    >>> loss.backward()
    >>> round(loss.item(), 6), z.grad
    (1000.693147, array([-0.5,  1. ]))

    """
    z, t = _pair("binary_cross_entropy_with_logits", prediction, target)
    return _reduce("binary_cross_entropy_with_logits", fused.binary_cross_entropy_with_logits(z, t), reduction)


def cross_entropy(prediction: Operand, target: Operand, reduction: Reduction = "mean") -> Any:
    """Return ``-log softmax(z)[t]`` for logits `prediction` and the classes `target`.

    Args:
        prediction: logits of shape (..., C), one for each class on the last axis.
        target: whole numbers from 0 to C - 1 of shape (...), or probabilities of shape (..., C).
        reduction: "mean" (over the samples), "sum" or "none".

    Raises:
        ShapeError: the target fits neither way.
        DtypeError: labels that are no whole numbers.
        ArgumentError: a label outside 0 to C - 1, or an unknown reduction.

    >>> import tinygrad_nn as tn
    >>> z = tn.Tensor([[0.0, 0.0], [1000.0, -1000.0]], requires_grad=True)
    >>> loss = tn.nn.cross_entropy(z, [0, 0])
    >>> loss.backward()
    >>> round(loss.item(), 6)
    0.346574
    >>> z.grad
    array([[-0.25,  0.25],
           [ 0.  ,  0.  ]])

    """
    z, t = _tensorlike(prediction), _tensorlike(target)
    if not z.ndim:
        message = "cross_entropy: expected logits with an axis of classes, got a single number. Reshape 'prediction'"
        raise ShapeError(message)
    logs = fused.log_softmax(z)
    if t.shape == z.shape and t.dtype.kind == "f":
        return _reduce("cross_entropy", -(t * logs).sum(axis=-1), reduction)
    labels = _labels(z, raw(t))
    return _reduce("cross_entropy", -logs[(*np.indices(labels.shape), labels)], reduction)


def _labels(prediction: Any, labels: Any) -> Any:
    """Return the labels of a cross-entropy, checked."""
    if labels.shape != prediction.shape[:-1]:
        message = (
            f"cross_entropy: expected a target of shape {prediction.shape[:-1]} (labels) or {prediction.shape} "
            f"(probabilities) for predictions of shape {prediction.shape}, got {labels.shape} of {labels.dtype}. "
            f"Use target.reshape({_lengths(prediction.shape[:-1])}) for labels in a column"
        )
        raise ShapeError(message)
    if labels.dtype.kind not in "iu":
        message = (
            f"cross_entropy: expected whole numbers as labels, got {labels.dtype}. Use target.astype(int), or "
            f"probabilities of shape {prediction.shape}"
        )
        raise DtypeError(message)
    classes = prediction.shape[-1]
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        message = (
            f"cross_entropy: expected labels from 0 to {classes - 1} for {classes} classes, got {labels.min()} to "
            f"{labels.max()}. Count classes from 0, or give the last layer more outputs"
        )
        raise ArgumentError(message)
    return labels


def _lengths(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


def _tensorlike(value: Operand) -> Any:
    """Return a Tensor or array, so that it has a shape."""
    return value if isinstance(value, (Tensor, np.ndarray)) else np.asarray(value)


def _pair(name: str, prediction: Any, target: Any) -> tuple[Any, Any]:
    """Return prediction and target, refused unless their shapes are equal."""
    prediction = prediction if isinstance(prediction, Tensor) else np.asarray(prediction)
    target = target if isinstance(target, Tensor) else np.asarray(target)
    if prediction.shape != target.shape:
        message = (
            f"{name}: expected 'prediction' and 'target' of one shape, got {prediction.shape} and {target.shape}, "
            f"which would broadcast or fail. Use target.reshape({_lengths(prediction.shape)}) if the elements match"
        )
        raise ShapeError(message)
    return prediction, target


def _count(name: str, values: Any, reduction: Reduction) -> int:
    """Return what a sum is divided by."""
    if reduction not in ("mean", "sum"):
        message = f"{name}: expected the reduction 'mean', 'sum' or 'none', got {reduction!r}"
        raise ArgumentError(message)
    return max(values.size, 1) if reduction == "mean" else 1


def _reduce(name: str, values: Any, reduction: Reduction) -> Any:
    """Average or sum elementwise losses."""
    return values if reduction == "none" else values.sum() / _count(name, values, reduction)
