"""`evaluate`: the measuring half of training, which leaves the model as it found it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.backprop import no_grad
from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.nn.module import Module
from tinygrad_nn.tensor import Operand, Tensor, raw
from tinygrad_nn.training.metrics import Metric, resolve

Data: TypeAlias = Sequence[Operand]
Loss: TypeAlias = Callable[[Any, Any], Tensor]


def evaluate(
    model: Module, data: Data, loss: Loss | None = None, *, metrics: Iterable[str | Metric] = ()
) -> dict[str, float]:
    """Return loss and metrics of `model` on `data`, without training and in evaluation mode.

    Args:
        model: called once with all inputs.
        data: inputs and targets.
        loss: as for `fit`.
        metrics: as for `fit`.

    Raises:
        ShapeError: inputs and targets of different numbers of rows.

    >>> import numpy as np
    >>> import tinygrad_nn as tn
    >>> model = tn.nn.Sequential(tn.nn.Sigmoid())
    >>> evaluate(model, (np.array([[-1.0], [1.0]]), np.array([[0.0], [0.0]])), metrics=["accuracy"])
    {'accuracy': 0.5}

    """
    x, y = pair("evaluate", data)
    measures = resolve(metrics)
    with evaluating(model):
        prediction = model(x)
        found = {} if loss is None else {"loss": float(loss(prediction, y))}
    return found | {name: float(measure(raw(prediction), y)) for name, measure in measures.items()}


@contextlib.contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Record nothing in this block, with every part of `model` in evaluation mode; each has its own mode back after."""
    modes = [(module, module.training) for _, module in model.named_modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, mode in modes:  # not model.train(): a part may have been in evaluation mode on purpose
            object.__setattr__(module, "training", mode)


def pair(name: str, data: Data) -> tuple[Any, Any]:
    """Return inputs and targets as arrays, checked to have equally many rows."""
    try:
        x, y = (np.asarray(raw(part)) for part in data)
    except (TypeError, ValueError) as error:
        message = f"{name}: expected 'data' to be a pair of inputs and targets, got {type(data).__name__}: {error}"
        raise ArgumentError(message) from error
    if not x.ndim or not y.ndim or len(x) != len(y) or not len(x):
        message = (
            f"{name}: expected inputs and targets with one row a sample and equally many of them, "
            f"got the shapes {x.shape} and {y.shape}"
        )
        raise ShapeError(message)
    return x, y
