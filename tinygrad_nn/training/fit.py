"""`fit`: the training loop that nearly every model needs, and `evaluate`, its measuring half."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.backprop import no_grad
from tinygrad_nn.data.batching import batches
from tinygrad_nn.errors import ArgumentError, ShapeError, TrainingError
from tinygrad_nn.nn.module import Module
from tinygrad_nn.optim.optimizer import Optimizer
from tinygrad_nn.tensor import Operand, Tensor, raw
from tinygrad_nn.training import metrics as metric_functions
from tinygrad_nn.training.history import History

Data: TypeAlias = Sequence[Operand]
Loss: TypeAlias = Callable[[Any, Any], Tensor]


def fit(
    model: Module,
    data: Data,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    *,
    batch_size: int | None = None,
    rng: np.random.Generator | None = None,
    validation: Data | None = None,
    metrics: Iterable[str | metric_functions.Metric] = (),
    progress: bool | None = None,
    stop_when: Callable[[History], bool] | None = None,
) -> History:
    """Train `model` on `data` and return what was measured.

    Each epoch goes once through the batches: forward, ``loss(model(x), y)``, backward, one step of the optimizer. The
    loss of an epoch is the mean over its samples, each measured before the step of its batch.

    Args:
        model: called with each batch of inputs.
        data: inputs and targets, with one row a sample.
        loss: a function of prediction and target that returns a single number: the mean over the batch.
        optimizer: updates the parameters.
        epochs: how often to go through the data.
        batch_size: samples in a batch; all at once when None.
        rng: shuffles the samples anew in each epoch; in order when None.
        validation: inputs and targets to be measured after each epoch, as "val_loss" and "val_" metrics.
        metrics: "accuracy", or functions of prediction and target arrays.
        progress: whether to show a progress bar on standard error; only in a terminal when None.
        stop_when: called with the history after each epoch; True ends the training.

    Raises:
        ArgumentError: an argument outside its range.
        ShapeError: inputs and targets of different numbers of rows, or a loss that is no single number.
        TrainingError: the loss is not finite any more.

    >>> import numpy as np
    >>> import tinygrad_nn as tn
    >>> x, y = tn.data.xor()
    >>> rng = np.random.default_rng(0)
    >>> model = tn.nn.Sequential(tn.nn.Dense(2, 8, activation="tanh", rng=rng), tn.nn.Dense(8, 1, rng=rng))
    >>> optimizer = tn.optim.Adam(model.parameters(), lr=0.05)
    >>> history = tn.training.fit(model, (x, y), tn.nn.squared_error, optimizer, epochs=200)
    >>> history["loss"][-1] < 0.001
    True

    """
    if epochs < 1:
        message = f"fit: expected at least 1 epoch, got {epochs}"
        raise ArgumentError(message)
    x, y = pair("fit", data)
    measures = metric_functions.resolve(metrics)
    size = batch_size if batch_size is not None else max(len(x), 1)
    history = History()
    model.train()
    with _bar(epochs, progress) as bar:
        for epoch in range(epochs):
            total = 0.0
            for inputs, targets in batches(x, y, size, rng):
                total += _step(model, loss, optimizer, inputs, targets, epoch) * len(inputs)
            row = {"loss": total / len(x)}
            if measures:
                row |= _measure(model, x, y, measures)
            if validation is not None:
                found = evaluate(model, validation, loss, metrics=measures.values())
                row |= {f"val_{name}": value for name, value in found.items()}
            history.append(row)
            bar.set_postfix({name: f"{value:.4g}" for name, value in row.items()}, refresh=False)
            bar.update()
            if stop_when is not None and stop_when(history):
                break
    return history


def evaluate(
    model: Module, data: Data, loss: Loss | None = None, *, metrics: Iterable[str | metric_functions.Metric] = ()
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
    measures = metric_functions.resolve(metrics)
    mode = model.training
    model.eval()
    try:
        with no_grad():
            found = {} if loss is None else {"loss": float(loss(model(x), y))}
        return found | _measure(model, x, y, measures)
    finally:
        model.train(mode)


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


def _step(model: Module, loss: Loss, optimizer: Optimizer, inputs: Any, targets: Any, epoch: int) -> float:
    """Train on one batch and return its loss."""
    optimizer.zero_grad()
    value = loss(model(inputs), targets)
    number: float = value.item()
    if not math.isfinite(number):
        message = (
            f"fit: expected a finite loss, got {number} in epoch {epoch + 1}; the parameters are as they were before "
            f"this batch. Lower the learning rate ({optimizer.lr:g}), or check the data for NaN"
        )
        raise TrainingError(message)
    value.backward()
    optimizer.step()
    return number


def _measure(model: Module, x: Any, y: Any, measures: dict[str, metric_functions.Metric]) -> dict[str, float]:
    """Return the metrics of the model on all data."""
    if not measures:
        return {}
    mode = model.training
    model.eval()
    with no_grad():
        prediction = raw(model(x))
    model.train(mode)
    return {name: measure(prediction, y) for name, measure in measures.items()}


def _bar(epochs: int, progress: bool | None) -> Any:
    """Return a tqdm bar over epochs; `disable=None` is tqdm's word for "only in a terminal"."""
    from tqdm.auto import tqdm  # here, so that importing the package does not import tqdm

    disable = None if progress is None else not progress
    return tqdm(total=epochs, unit="epoch", disable=disable, file=sys.stderr, dynamic_ncols=True)
