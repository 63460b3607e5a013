"""Metrics: what a person wants to know of a model, besides the loss that it minimises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.primitive import Array

Metric: TypeAlias = Callable[[Array, Array], float]


def accuracy(prediction: Array, target: Array) -> float:
    """Return the share of right answers.

    With labels as `target`, of shape (...) for predictions (..., C), the answer is the class with the largest output;
    with targets of the predictions' own shape it is 1 where the output is above one half, or, where there are several
    outputs, the largest of them.

    >>> import numpy as np
    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    >>> accuracy(np.array([[0.3], [0.8]]), np.array([[0.0], [1.0]]))
    1.0
    """
    if prediction.shape[:-1] == target.shape and target.dtype.kind in "iu":
        return float(np.mean(prediction.argmax(axis=-1) == target))
    if prediction.shape == target.shape:
        if prediction.ndim > 1 and prediction.shape[-1] > 1:
            return float(np.mean(prediction.argmax(axis=-1) == target.argmax(axis=-1)))
        return float(np.mean((prediction > 0.5) == (target > 0.5)))
    message = (
        f"accuracy: expected labels of shape {prediction.shape[:-1]} or targets of shape {prediction.shape}, "
        f"got {target.shape} of {target.dtype}"
    )
    raise ArgumentError(message)


METRICS: dict[str, Metric] = {"accuracy": accuracy}


def resolve(metrics: Any) -> dict[str, Metric]:
    """Return metrics by name, from a list of names and functions."""
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
