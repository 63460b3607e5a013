"""Losses of answers that are one of several classes, and of whole distributions. Classes lie on the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError, DtypeError, ShapeError
from tinygrad_nn.nn.losses.shared import Reduction, lengths, reduce, tensorlike, vectors
from tinygrad_nn.primitives import fused
from tinygrad_nn.primitives.special import xlogy
from tinygrad_nn.tensor import Operand, raw


def cross_entropy(
    prediction: Operand,
    target: Operand,
    reduction: Reduction = "mean",
    weight: Operand | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Any:
    """Return ``-log softmax(z)[t]`` for logits `prediction` and the classes `target`.

    In general it is ``-sum_c w_c q_c log softmax(z)_c``, with weights w (of 1) and the distribution
    ``q = (1 - s) t + s / C``, where a label t stands for a probability of 1 and s is `label_smoothing`.

    Args:
        prediction: logits of shape (..., C), one for each class on the last axis.
        target: whole numbers from 0 to C - 1 of shape (...), or probabilities of shape (..., C).
        reduction: "mean" (over the samples), "sum" or "none". With labels and weights the mean is weighted: it divides
            by the sum of ``w_t`` over the samples, as in PyTorch. It is 0 where there is nothing to divide by.
        weight: one number for each class, of shape (C,).
        ignore_index: the label of samples that do not count; None where all do.
        label_smoothing: the part of the target that is spread over all classes evenly, from 0 to 1. Source: Szegedy
            et al., "Rethinking the inception architecture", 2016, section 7.

    Raises:
        ShapeError: the target or the weights do not fit.
        DtypeError: labels that are no whole numbers.
        ArgumentError: a label outside 0 to C - 1, `ignore_index` without labels, or another argument out of its range.

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
    z = _with_classes("cross_entropy", tensorlike(prediction))
    if not 0 <= label_smoothing <= 1:
        message = f"cross_entropy: expected 'label_smoothing' from 0 to 1, got {label_smoothing}"
        raise ArgumentError(message)
    logs = fused.log_softmax(z)
    return _from_log_probabilities("cross_entropy", logs, target, reduction, weight, ignore_index, label_smoothing)


def nll(
    prediction: Operand,
    target: Operand,
    reduction: Reduction = "mean",
    weight: Operand | None = None,
    ignore_index: int | None = None,
) -> Any:
    """Return the negative log-likelihood ``-l[t]`` for log-probabilities `prediction` and the classes `target`.

    In general it is ``-sum_c w_c t_c l_c`` for a distribution t. It is `cross_entropy` without the softmax, for a model
    that ends in `log_softmax` or makes its probabilities in another way.

    Args:
        prediction: logarithms of probabilities of shape (..., C), one for each class on the last axis.
        target: whole numbers from 0 to C - 1 of shape (...), or probabilities of shape (..., C).
        reduction: "mean" (over the samples), "sum" or "none". With labels and weights the mean is weighted: it divides
            by the sum of ``w_t`` over the samples, as in PyTorch. It is 0 where there is nothing to divide by.
        weight: one number for each class, of shape (C,).
        ignore_index: the label of samples that do not count; None where all do.

    Raises:
        ShapeError: the target or the weights do not fit.
        DtypeError: labels that are no whole numbers.
        ArgumentError: a prediction above 0 (beyond rounding), a label outside 0 to C - 1, `ignore_index` without
            labels, or an unknown reduction.

    >>> import numpy as np, tinygrad_nn as tn
    >>> p = tn.Tensor(np.log([[0.5, 0.5], [0.75, 0.25]]), requires_grad=True)
    >>> loss = tn.nn.nll(p, [0, 1])
    >>> loss.backward()
    >>> round(loss.item(), 6), p.grad.tolist()
    (1.039721, [[-0.5, 0.0], [0.0, -0.5]])

    """
    logs = _with_classes("nll", tensorlike(prediction))
    highest = np.max(raw(logs), initial=-np.inf)
    if not highest <= 1e-3:  # which leaves room for the rounding of float32
        message = (
            f"nll: expected logarithms of probabilities, at most 0, in 'prediction', got {highest:.6g}. "
            f"Use nn.cross_entropy for logits, np.log(prediction) for probabilities"
        )
        raise ArgumentError(message)
    return _from_log_probabilities("nll", logs, target, reduction, weight, ignore_index)


def kl_divergence(prediction: Operand, target: Operand, reduction: Reduction = "mean", log_target: bool = False) -> Any:
    """Return the Kullback-Leibler divergence ``sum_c t_c (log t_c - p_c)`` of distributions from log-probabilities p.

    The sum is over the last axis, so that "mean" is the mean over distributions: the "batchmean" of PyTorch, whose
    "mean" divides by the number of classes too. What has the probability 0 counts as 0, with slope 0.

    Args:
        prediction: logarithms of probabilities, such as ``nn.log_softmax(logits)``, of shape (..., C).
        target: probabilities, of the same shape.
        reduction: "mean" (over the distributions), "sum" or "none", which leaves (...).
        log_target: whether `target` holds logarithms of probabilities.

    Raises:
        ShapeError: the shapes differ, or are those of single numbers.
        ArgumentError: a probability below 0, or an unknown reduction.

    >>> import numpy as np, tinygrad_nn as tn
    >>> p = tn.Tensor(np.log([[0.5, 0.5]]), requires_grad=True)
    >>> loss = tn.nn.kl_divergence(p, [[1.0, 0.0]])
    >>> loss.backward()
    >>> round(loss.item(), 6), p.grad
    (0.693147, array([[-1., 0.]]))

    """
    p, t = vectors("kl_divergence", prediction, target)
    values = raw(t)
    if not log_target and values.size and not values.min() >= 0:
        message = (
            f"kl_divergence: expected probabilities of at least 0 in 'target', got {values.min():.6g}. "
            f"Pass log_target=True if they are logarithms"
        )
        raise ArgumentError(message)
    # 0 times an infinite logarithm would be NaN, in the loss or in its gradient.
    is_zero = values == (-np.inf if log_target else 0)
    p = np.where(is_zero, 0, p)
    if log_target:
        t = np.where(is_zero, 0, t)
        each = np.where(is_zero, 0, np.exp(t)) * (t - p)
    else:
        each = xlogy(t, t) - t * p
    return reduce("kl_divergence", each.sum(axis=-1), reduction)


def _with_classes(name: str, prediction: Any) -> Any:
    if not prediction.ndim:
        message = f"{name}: expected 'prediction' to have an axis of classes, got a single number. Reshape it"
        raise ShapeError(message)
    return prediction


def _from_log_probabilities(
    name: str,
    logs: Any,
    target: Operand,
    reduction: Reduction,
    weight: Operand | None,
    ignore_index: int | None,
    label_smoothing: float = 0.0,
) -> Any:
    """Return ``-sum_c w_c q_c l_c`` for logarithms of probabilities l, reduced; `cross_entropy` says what q is."""
    t = tensorlike(target)
    scale = None if weight is None else _class_weights(name, weight, logs)
    weighted = logs if scale is None else logs * scale
    if t.shape == logs.shape and t.dtype.kind == "f":
        if ignore_index is not None:
            message = f"{name}: expected labels with 'ignore_index', got probabilities. Leave one of the two out"
            raise ArgumentError(message)
        smooth = (1 - label_smoothing) * t + label_smoothing / logs.shape[-1] if label_smoothing else t
        is_excluded = np.isneginf(raw(weighted)) & (raw(smooth) == 0)  # by a logit of -inf; 0 times infinity is NaN
        if is_excluded.any():
            weighted = np.where(is_excluded, 0, weighted)
        return reduce(name, -(smooth * weighted).sum(axis=-1), reduction)
    labels, is_kept = _labels(name, logs, raw(t), ignore_index)
    losses = -weighted[(*np.indices(labels.shape), labels)]
    if label_smoothing:
        losses = (1 - label_smoothing) * losses - label_smoothing * weighted.mean(axis=-1)
    if is_kept is not None:
        losses = np.where(is_kept, losses, 0)
    if reduction != "mean" or (scale is None and is_kept is None):
        return reduce(name, losses, reduction)
    total = np.ones(labels.shape, logs.dtype) if scale is None else scale[labels]
    total = (total if is_kept is None else np.where(is_kept, total, 0)).sum()
    return losses.sum() / np.where(total, total, 1)


def _labels(name: str, prediction: Any, labels: Any, ignore_index: int | None) -> tuple[Any, Any]:
    """Return checked labels, 0 where they are ignored, and where they are not: None if all count."""
    if labels.shape != prediction.shape[:-1]:
        message = (
            f"{name}: expected a target of shape {prediction.shape[:-1]} (labels) or {prediction.shape} "
            f"(probabilities) for predictions of shape {prediction.shape}, got {labels.shape} of {labels.dtype}. "
            f"Use target.reshape({lengths(prediction.shape[:-1])}) for labels in a column"
        )
        raise ShapeError(message)
    if labels.dtype.kind not in "iu":
        message = (
            f"{name}: expected whole numbers as labels, got {labels.dtype}. Use target.astype(int), or "
            f"probabilities of shape {prediction.shape}"
        )
        raise DtypeError(message)
    is_kept = None
    if ignore_index is not None:
        is_kept = labels != ignore_index
        labels = np.where(is_kept, labels, 0)
    classes = prediction.shape[-1]
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        message = (
            f"{name}: expected labels from 0 to {classes - 1} for {classes} classes, got {labels.min()} to "
            f"{labels.max()}. Count classes from 0, give the last layer more outputs, or pass ignore_index"
        )
        raise ArgumentError(message)
    return labels, is_kept


def _class_weights(name: str, weight: Operand, prediction: Any) -> Any:
    """Return one weight for each class, as constants in the dtype of the prediction."""
    found = np.asarray(raw(weight))
    if found.shape != prediction.shape[-1:]:
        message = (
            f"{name}: expected 'weight' of shape {prediction.shape[-1:]}, one number for each class, "
            f"got {found.shape}. For a weight for each sample multiply what reduction='none' returns"
        )
        raise ShapeError(message)
    return found.astype(prediction.dtype if prediction.dtype.kind == "f" else float)
