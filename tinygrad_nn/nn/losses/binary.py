"""Losses of answers that are yes or no."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.nn.losses.shared import Reduction, pair, reduce, weights
from tinygrad_nn.primitives import fused
from tinygrad_nn.primitives.selection import relu
from tinygrad_nn.tensor import Operand, raw


def binary_cross_entropy(
    prediction: Operand, target: Operand, reduction: Reduction = "mean", weight: Operand | None = None
) -> Any:
    """Return ``-(t log p + (1 - t) log(1 - p))`` for probabilities `prediction`, finite also for 0 and 1.

    The logarithms are cut off at -100 and the slopes at 1e12, as in PyTorch, so that a wrong certainty is expensive and
    still learns. Where the probability comes from a sigmoid, `binary_cross_entropy_with_logits` is faster and exact.

    Args:
        prediction: probabilities, of any shape.
        target: 0 or 1, or probabilities, of the same shape.
        reduction: "mean", "sum" or "none". The mean divides by the number of elements, whatever their weights.
        weight: what the losses are multiplied by, of the same shape or that of its last axes.

    Raises:
        ShapeError: the shapes differ, or the weights do not fit.
        ArgumentError: an unknown reduction, or a prediction outside [0, 1].

    >>> import tinygrad_nn as tn
    >>> p = tn.Tensor([0.5, 1.0], requires_grad=True)
    >>> loss = tn.nn.binary_cross_entropy(p, [1.0, 0.0])
    >>> loss.backward()
    >>> round(loss.item(), 6), p.grad
    (50.346574, array([-1.e+00,  5.e+11]))

    """
    p, t = pair("binary_cross_entropy", prediction, target)
    values = raw(p)
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        message = (
            f"binary_cross_entropy: expected probabilities between 0 and 1 in 'prediction', got {values.min():.6g} to "
            f"{values.max():.6g}. Apply a sigmoid first, or use binary_cross_entropy_with_logits"
        )
        raise ArgumentError(message)
    losses = fused.binary_cross_entropy(p, t)
    if weight is not None:
        losses = losses * weights("binary_cross_entropy", "weight", weight, p)
    return reduce("binary_cross_entropy", losses, reduction)


def binary_cross_entropy_with_logits(
    prediction: Operand,
    target: Operand,
    reduction: Reduction = "mean",
    weight: Operand | None = None,
    pos_weight: Operand | None = None,
) -> Any:
    """Return the binary cross-entropy of ``sigmoid(z)`` for logits `prediction`: ``max(z, 0) - z t + log(1 + e^-|z|)``.

    Args:
        prediction: logits, of any shape.
        target: 0 or 1, or probabilities, of the same shape.
        reduction: "mean", "sum" or "none". The mean divides by the number of elements, whatever their weights.
        weight: what the losses are multiplied by, of the same shape or that of its last axes.
        pos_weight: how much more a missed 1 costs than a missed 0, such as the number of zeros for each 1 in the data;
            of the same shape or that of its last axes.

    Raises:
        ShapeError: the shapes differ, or weights do not fit.
        ArgumentError: an unknown reduction.

    >>> import tinygrad_nn as tn
    >>> z = tn.Tensor([0.0, 1000.0], requires_grad=True)
    >>> loss = tn.nn.binary_cross_entropy_with_logits(z, [1.0, 0.0], reduction="sum")
    >>> loss.backward()
    >>> round(loss.item(), 6), z.grad
    (1000.693147, array([-0.5,  1. ]))

    """
    name = "binary_cross_entropy_with_logits"
    z, t = pair(name, prediction, target)
    if pos_weight is None:
        losses = fused.binary_cross_entropy_with_logits(z, t)
    else:  # -(w t log sigmoid(z) + (1 - t) log sigmoid(-z)), with log sigmoid(-z) = log sigmoid(z) - z
        positive = weights(name, "pos_weight", pos_weight, z)
        losses = (1 - t) * z + (1 + (positive - 1) * t) * np.logaddexp(0, -z)
    if weight is not None:
        losses = losses * weights(name, "weight", weight, z)
    return reduce(name, losses, reduction)


def hinge(prediction: Operand, target: Operand, reduction: Reduction = "mean", margin: float = 1.0) -> Any:
    """Return ``max(0, margin - t s)`` for scores `prediction`: the loss of support vector machines.

    The slope is 0 where ``t s`` is exactly the margin.

    Source: Cortes and Vapnik, "Support-vector networks", 1995.

    Args:
        prediction: scores, of any shape; their sign is the answer.
        target: -1 or 1, of the same shape.
        reduction: "mean", "sum" or "none".
        margin: up to where a right answer still costs something.

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: a target other than -1 and 1, or an unknown reduction.

    >>> import tinygrad_nn as tn
    >>> s = tn.Tensor([0.5, 0.0, 3.0], requires_grad=True)
    >>> loss = tn.nn.hinge(s, [1.0, 1.0, -1.0], reduction="sum")
    >>> loss.backward()
    >>> loss.item(), s.grad
    (5.5, array([-1., -1.,  1.]))

    """
    s, t = pair("hinge", prediction, target)
    values = raw(t)
    is_sign = (values == -1) | (values == 1)
    if not is_sign.all():
        wrong = values[~is_sign].flat[0]
        message = f"hinge: expected targets of -1 and 1, got {wrong:g}. Use 2 * target - 1 where they are 0 and 1"
        raise ArgumentError(message)
    return reduce("hinge", relu(margin - t * s), reduction)
