"""`fit`: the training loop that nearly every model needs."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinygrad_nn.backprop import MODE
from tinygrad_nn.data.batching import batches
from tinygrad_nn.errors import ArgumentError, TrainingError
from tinygrad_nn.nn.module import Module
from tinygrad_nn.optim.optimizer import Optimizer
from tinygrad_nn.persist import Path, load
from tinygrad_nn.training.evaluation import Data, Loss, called, evaluate, pair, row_count
from tinygrad_nn.training.history import History
from tinygrad_nn.training.metrics import Metric, resolve
from tinygrad_nn.training.progress import Progress
from tinygrad_nn.training.run import Callbacks, Run, in_order

_MEASURED_AT_ONCE = 256
"""Samples that are measured at a time at least: one by one, as some are trained on, would take as long as training."""


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
    metrics: Iterable[str | Metric] = (),
    progress: bool | None = None,
    stop_when: float | Callable[[History], bool] | None = None,
    callbacks: Callbacks = (),
    resume: Path | None = None,
) -> History:
    """Train `model` on `data` and return what was measured.

    Each epoch goes once through the batches: forward, ``loss(model(x), y)``, backward, one step of the optimizer. The
    loss of an epoch is the mean over its samples, each measured before the step of its batch.

    Args:
        model: called with each batch of inputs.
        data: inputs and targets, with one row a sample. For a model of several inputs they are a tuple of arrays, each
            of which is an argument of it; for one of several outputs, so are the targets, which `loss` is handed as
            they are, with what the model returned.
        loss: a function of prediction and target that returns a single number: the mean over the batch.
        optimizer: updates the parameters.
        epochs: how often to go through the data, at most.
        batch_size: samples in a batch; all at once when None, 1 for online learning. Measured is in batches, too, of
            at least 256 samples, whose results do not depend on it.
        rng: shuffles the samples anew in each epoch; in order when None.
        validation: inputs and targets to be measured after each epoch, as "val_loss" and "val_" metrics.
        metrics: "accuracy", "mae", "r2", or functions of prediction and target arrays, as in `training.metrics`.
        progress: whether to show the progress on standard error: as a bar in a terminal or a notebook, as a line now
            and then in a log file. When None, only where somebody watches: in a terminal or a notebook.
        stop_when: the loss at which to end, or a function that is called with the history after each epoch and ends
            the training with True. With `epochs` these are the error threshold and the iteration limit of textbooks.
        callbacks: told of each step; see `Callback`, `EarlyStopping`, `Checkpoint`, `LearningRate`, `CSVLog`,
            `TensorBoard`, `Recorder`. A function is called with the `Run` after each epoch.
        resume: a file of `Checkpoint` to go on from, with everything else as it was, bit for bit as if the run had
            not been interrupted. As long as there is no such file, training starts from the beginning: one script
            starts a run and continues it.

    Raises:
        ArgumentError: an argument outside its range.
        ShapeError: inputs and targets of different numbers of rows, or a loss that is no single number.
        TrainingError: the loss is not finite any more.
        StateError: the file of `resume` belongs to another model, optimizer or list of callbacks.

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
    measures = resolve(metrics)
    size = batch_size if batch_size is not None else row_count(x)
    at_once = None if batch_size is None else max(batch_size, _MEASURED_AT_ONCE)
    run = Run(model, optimizer, (x, y), epochs, rng, in_order(callbacks))
    if resume is not None and os.path.exists(resume):  # noqa: PTH110 - pathlib is slow to import
        load(resume, **run.parts())
        if run.epoch:
            _stop_if(stop_when, run)  # it may have been at its end
    model.train()
    try:
        for callback in run.callbacks:
            callback.begin(run)
        with Progress(epochs, run.epoch, progress) as shown:
            while not run.finished:
                total = 0.0
                for inputs, targets in batches(x, y, size, rng):
                    total += _step(run, loss, inputs, targets) * row_count(inputs)
                row = {"loss": total / row_count(x)}
                if measures:
                    row |= evaluate(model, (x, y), metrics=measures.values(), batch_size=at_once)
                if validation is not None:
                    found = evaluate(model, validation, loss, metrics=measures.values(), batch_size=at_once)
                    row |= {f"val_{name}": value for name, value in found.items()}
                run.history.append(row)
                shown.update(row)
                _stop_if(stop_when, run)
                for callback in run.callbacks:
                    callback.after_epoch(run)
    finally:
        for callback in run.callbacks:
            callback.end(run)
    return run.history


def _step(run: Run, loss: Loss, inputs: Any, targets: Any) -> float:
    """Train on one batch and return its loss."""
    run.optimizer.zero_grad()
    value = loss(called(run.model, inputs), targets)
    number: float = value.item()
    if not math.isfinite(number):
        if MODE.get().watch is not None:
            value.backward()  # which names what made it
        message = (
            f"fit: expected a finite loss, got {number} in epoch {run.epoch + 1}; the parameters are as they were "
            f"before this batch. Lower the learning rate ({run.optimizer.lr:g}), or check the data for NaN; "
            f"'with tn.detect_anomaly():' around fit names the operation that made it, and why"
        )
        raise TrainingError(message)
    value.backward()
    run.optimizer.step()
    for callback in run.callbacks:
        callback.after_batch(run)
    return number


def _stop_if(stop_when: float | Callable[[History], bool] | None, run: Run) -> None:
    """Stop the run if it is as good as it was to be."""
    if callable(stop_when):
        if stop_when(run.history):
            run.stop("stop_when returned True")
    elif stop_when is not None and run.history["loss"][-1] <= stop_when:
        run.stop(f"the loss has come down to {stop_when:g}")
