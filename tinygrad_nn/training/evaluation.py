"""`evaluate`: the measuring half of training, which leaves the model as it found it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn import trees
from tinygrad_nn.data.batching import batches, listed, mapped
from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.nn.module import Module
from tinygrad_nn.nn.watching import evaluating
from tinygrad_nn.tensor import Tensor, raw
from tinygrad_nn.training.metrics import Metric, resolve

Data: TypeAlias = Sequence[Any]
"""Inputs and targets, each an array with one sample a row, or a tuple of several such arrays."""

Loss: TypeAlias = Callable[[Any, Any], Tensor]


def evaluate(
    model: Module,
    data: Data,
    loss: Loss | None = None,
    *,
    metrics: Iterable[str | Metric] = (),
    batch_size: int | None = None,
) -> dict[str, float]:
    """Return loss and metrics of `model` on `data`, without training and in evaluation mode.

    Both are those of all predictions together, whatever the batches: no mean of means, which would be wrong for a
    smaller last batch, for class weights and for R². So the predictions are kept, and no other activations.

    Args:
        model: called with the inputs.
        data: inputs and targets, as for `fit`.
        loss: as for `fit`.
        metrics: as for `fit`.
        batch_size: how many samples `model` is called with at a time; all at once when None.

    Raises:
        ArgumentError: a batch_size below 1.
        ShapeError: inputs and targets of different numbers of rows, or, in batches, a prediction without a row for each
            sample.

    >>> import numpy as np
    >>> import tinygrad_nn as tn
    >>> model = tn.nn.Sequential(tn.nn.Sigmoid())
    >>> evaluate(model, (np.array([[-1.0], [1.0]]), np.array([[0.0], [0.0]])), metrics=["accuracy"])
    {'accuracy': 0.5}

    """
    x, y = pair("evaluate", data)
    measures = resolve(metrics)
    with evaluating(model):
        is_whole = batch_size is None or batch_size >= row_count(x)
        prediction = called(model, x) if is_whole else _predictions(model, x, batch_size)
        found = {} if loss is None else {"loss": float(loss(prediction, y))}
    arrays = trees.rebuild(prediction, map(raw, trees.values(prediction)))
    return found | {name: float(measure(arrays, y)) for name, measure in measures.items()}


def called(model: Module, x: Any) -> Any:
    """Return what a model makes of inputs; several in a tuple are an argument each."""
    return model(*x) if isinstance(x, tuple) else model(x)


def row_count(x: Any) -> int:
    """Return the number of samples."""
    return len(listed(x)[0])


def _predictions(model: Module, x: Any, batch_size: Any) -> Any:
    """Return what a model makes of all inputs, which it is given in batches."""
    results = []
    for inputs, _ in batches(x, x, batch_size):
        results.append(called(model, inputs))
        for part in trees.values(results[-1]):
            if np.shape(part)[:1] != (row_count(inputs),):
                message = (
                    f"evaluate: expected predictions with a row for each of {row_count(inputs)} samples in a batch, "
                    f"got shape {np.shape(part)}. Have the model return nothing else, such as the state of an LSTM, or "
                    f"evaluate it without batch_size"
                )
                raise ShapeError(message)
    columns = zip(*map(trees.values, results), strict=True)
    return trees.rebuild(results[0], map(np.concatenate, columns))


def pair(name: str, data: Data) -> tuple[Any, Any]:
    """Return inputs and targets as arrays, or tuples of several, checked to have equally many rows."""
    try:
        x, y = (mapped(lambda array: np.asarray(raw(array)), part) for part in data)
    except (TypeError, ValueError) as error:
        message = f"{name}: expected 'data' to be a pair of inputs and targets, got {type(data).__name__}: {error}"
        raise ArgumentError(message) from error
    shapes = [array.shape for array in (*listed(x), *listed(y))]
    if len({shape[:1] for shape in shapes}) > 1 or shapes[0][:1] in {(), (0,)}:
        message = (
            f"{name}: expected inputs and targets with one row a sample and equally many of them, "
            f"got the shapes {' and '.join(map(str, shapes))}"
        )
        raise ShapeError(message)
    return x, y
