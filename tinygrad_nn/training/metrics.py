"""Metrics: what a person wants to know of a model, besides the loss that it minimises.

A metric is a plain function of two arrays, prediction and target, so any function of NumPy or scikit-learn that takes
them can be handed to `fit`; it goes by its ``__name__``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.primitive import Array

Metric: TypeAlias = Callable[[Array, Array], float]


def accuracy(prediction: Array, target: Array) -> float:
    """Return the share of right answers.

    With labels as `target`, of shape (...) for predictions (..., C), the answer is the class with the largest output;
    with targets of the predictions' own shape it is 1 where the output is above one half, or, where there are several
    outputs, the largest of them.

    Args:
        prediction: outputs of shape (..., C), or single outputs of shape (...) or (..., 1).
        target: whole numbers of shape (...), or values of the shape of `prediction`.

    Raises:
        ArgumentError: a `target` of another shape.

    >>> import numpy as np
    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    >>> accuracy(np.array([[0.3], [0.8]]), np.array([[0.0], [1.0]]))
    1.0

    """
    if prediction.shape == target.shape and (prediction.ndim < 2 or prediction.shape[-1] == 1):
        return float(np.mean((prediction > 0.5) == (target > 0.5)))
    return float(np.mean(prediction.argmax(axis=-1) == _labels("accuracy", prediction, target)))


def top_k(k: int) -> Metric:
    """Return the metric "top_k": the share of samples whose class is among the `k` largest outputs.

    Args:
        k: how many guesses a sample has, at least 1.

    Raises:
        ArgumentError: `k` below 1, or, on a call, above the number of classes.

    >>> import numpy as np
    >>> scores = np.array([[0.1, 0.3, 0.6], [0.5, 0.4, 0.1]])
    >>> top_k(1)(scores, np.array([1, 0])), top_k(2)(scores, np.array([1, 0]))
    (0.5, 1.0)

    """
    if k < 1:
        message = f"top_k: expected 'k' to be at least 1, got {k}"
        raise ArgumentError(message)

    def metric(prediction: Array, target: Array) -> float:
        labels = _labels(metric.__name__, prediction, target)
        if k > prediction.shape[-1]:
            message = f"{metric.__name__}: expected at least {k} classes, got predictions of shape {prediction.shape}"
            raise ArgumentError(message)
        best = np.argsort(-prediction, axis=-1, kind="stable")[..., :k]  # stable: of equal outputs the first, as argmax
        return float(np.mean((best == labels[..., None]).any(axis=-1)))

    metric.__name__ = f"top_{k}"
    return metric


def mae(prediction: Array, target: Array) -> float:
    """Return the mean absolute error, ``mean(|p - t|)``.

    Args:
        prediction: outputs of any shape.
        target: values of the same shape.

    Raises:
        ShapeError: the shapes differ.

    >>> import numpy as np
    >>> mae(np.array([1.0, 2.0]), np.array([1.0, 5.0]))
    1.5

    """
    _check_equal("mae", prediction, target)
    return float(np.mean(np.abs(prediction - target)))


def r2(prediction: Array, target: Array) -> float:
    """Return the coefficient of determination, ``1 - sum((t - p)^2) / sum((t - mean(t))^2)``, averaged over outputs.

    1 is perfect, and 0 is as good as always to predict the mean. For a target that does not vary it is 1 where it is
    met exactly and 0 otherwise, as in scikit-learn.

    Args:
        prediction: outputs of shape (N,) or (N, ...).
        target: values of the same shape.

    Raises:
        ShapeError: the shapes differ.

    >>> import numpy as np
    >>> r2(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    0.5

    """
    _check_equal("r2", prediction, target)
    unexplained = np.square(target - prediction).sum(axis=0)
    total = np.square(target - target.mean(axis=0)).sum(axis=0)
    varies = total > 0
    share = np.where(varies, unexplained / np.where(varies, total, 1.0), unexplained > 0)
    return float(np.mean(1.0 - share))


def confusion_matrix(prediction: Array, target: Array) -> Array:
    """Return how often each class was taken for each: rows are the true classes, columns the predicted ones.

    A table and no number, so it is none of `fit`'s metrics; call it with the predictions of the trained model.

    Args:
        prediction: outputs of shape (..., C), or single outputs of shape (...) or (..., 1), whose two classes are
            those up to and above one half.
        target: labels of shape (...), or values of the shape of `prediction`.

    Returns:
        Counts of shape (C, C).

    Raises:
        ArgumentError: a `target` of another shape, or a label that is no class.

    >>> import numpy as np
    >>> confusion_matrix(np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), np.array([1, 0, 0]))
    array([[1, 1],
           [0, 1]])

    """
    if prediction.shape == target.shape and (prediction.ndim < 2 or prediction.shape[-1] == 1):
        classes, guessed, labels = 2, (prediction > 0.5).astype(int), (target > 0.5).astype(int)
    else:
        classes, guessed = prediction.shape[-1], prediction.argmax(axis=-1)
        labels = _labels("confusion_matrix", prediction, target)
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        message = f"confusion_matrix: expected labels from 0 to {classes - 1}, got {labels.min()} to {labels.max()}"
        raise ArgumentError(message)
    counts = np.bincount(labels.ravel() * classes + guessed.ravel(), minlength=classes * classes)
    return counts.reshape(classes, classes)


METRICS: dict[str, Metric] = {"accuracy": accuracy, "mae": mae, "r2": r2}


def resolve(metrics: Any) -> dict[str, Metric]:
    """Return metrics by name, from a list of names and functions."""
    if isinstance(metrics, str):
        metrics = [metrics]  # and not its letters
    found: dict[str, Metric] = {}
    for metric in metrics:
        if callable(metric):
            found[getattr(metric, "__name__", type(metric).__name__)] = metric
        elif metric in METRICS:
            found[metric] = METRICS[metric]
        else:
            message = (
                f"metrics: expected functions (prediction, target) -> float or {', '.join(METRICS)}, got {metric!r}"
            )
            raise ArgumentError(message)
    return found


def _labels(owner: str, prediction: Array, target: Array) -> Array:
    """Return the true classes, from labels or from distributions over the classes."""
    if prediction.shape[:-1] == target.shape and target.dtype.kind in "iu":
        return target
    if prediction.shape == target.shape and prediction.ndim:
        labels: Array = target.argmax(axis=-1)
        return labels
    message = (
        f"{owner}: expected labels of shape {prediction.shape[:-1]} or targets of shape {prediction.shape}, "
        f"got {target.shape} of {target.dtype}"
    )
    raise ArgumentError(message)


def _check_equal(owner: str, prediction: Array, target: Array) -> None:
    """Refuse shapes that NumPy would broadcast in silence."""
    if prediction.shape != target.shape:
        message = (
            f"{owner}: expected prediction and target of one shape, got {prediction.shape} and {target.shape}. "
            f"Reshape the target, as in y.reshape({prediction.shape})"
        )
        raise ShapeError(message)
