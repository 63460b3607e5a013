"""`Recorder`: what went on inside a model while it learned, for pictures and tables of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_nn import trees
from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.nn.watching import evaluating, watching
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw
from tinygrad_nn.training.evaluation import Data, called, pair, row_count
from tinygrad_nn.training.run import Callback, Run

KINDS = ("weights", "activations", "errors", "gradients")
"""What a record has."""


def squared_errors(prediction: Any, target: Any) -> Array:
    """Return the squared error of each sample, ``mean((p - t)^2)`` over its outputs: (N, ...) and (N, ...) to (N,).

    Several outputs, in a tuple with a target each, are one after the other.
    """
    predictions, targets = trees.values(prediction), trees.values(target)
    if list(map(np.shape, predictions)) != list(map(np.shape, targets)):
        message = (
            f"Recorder: expected targets of the shape of the predictions, {_shapes(predictions)}, got "
            f"{_shapes(targets)}. Reshape them, or pass error=, a function (prediction, target) -> (N,)"
        )
        raise ShapeError(message)
    rows = [np.square(p - t).reshape(len(t), -1) for p, t in zip(predictions, targets, strict=True)]
    errors: Array = np.concatenate(rows, axis=1).mean(axis=1)
    return errors


def _shapes(arrays: Sequence[Array]) -> str:
    return " and ".join(str(np.shape(array)) for array in arrays)


class Recorder(Callback):
    """Keep parameters, activations, the error of each sample and gradient norms over time, in bounded memory.

    A record is made before the first epoch and after every `stride` epochs. When there are more than `capacity` of
    them, every second one is dropped and the stride doubled: a run of any length leaves between ``capacity / 2`` and
    `capacity` records, evenly spread.

    Args:
        data: the samples to record, inputs and targets; those that are trained on when None.
        weights: whether to keep the parameters.
        activations: whether to keep what each module returns, if that is a Tensor.
        error: the error of each sample, a function of prediction (N, ...) and target (N, ...) that returns (N,); the
            mean squared error over its outputs when not given. None keeps no errors.
        gradients: whether to keep the norm of the gradient of each parameter.
        capacity: the largest number of records, at least 2.

    Attributes:
        epochs: array of shape (T,): the number of epochs before each record, 0 for the first.
        weights: by the name of the parameter, arrays of shape (T, *shape of the parameter).
        activations: by the name of the module, arrays of shape (T, N, ...); "" is the model as a whole. Of a module
            that is called several times, the last result.
        errors: array of shape (T, N).
        gradient_norms: by the name of the parameter, arrays of shape (T,): the Euclidean norm of the gradient that the
            last batch before the record has left; NaN where there is none, as in the first record.
        stride: epochs from one record to the next.

    Raises:
        ArgumentError: `capacity` below 2.
        ShapeError: predictions and targets of different shapes, or an `error` of another shape than (N,).

    >>> import tinygrad_nn as tn
    >>> model = tn.nn.Sequential(tn.nn.Dense(2, 3, activation="tanh"), tn.nn.Dense(3, 1))
    >>> optimizer, recorder = tn.optim.SGD(model.parameters(), lr=0.1), tn.training.Recorder(capacity=8)
    >>> _ = tn.training.fit(model, tn.data.xor(), tn.nn.squared_error, optimizer, epochs=20, callbacks=[recorder])
    >>> recorder.epochs
    array([ 0,  4,  8, 12, 16, 20])
    >>> recorder.weights["0.weight"].shape, recorder.activations["0"].shape, recorder.errors.shape
    ((6, 2, 3), (6, 4, 3), (6, 4))

    """

    def __init__(
        self,
        data: Data | None = None,
        *,
        weights: bool = True,
        activations: bool = True,
        error: Callable[[Any, Any], Array] | None = squared_errors,
        gradients: bool = False,
        capacity: int = 256,
    ) -> None:
        """Record `data`."""
        if capacity < 2:
            message = f"Recorder: expected 'capacity' to be at least 2 records, got {capacity}"
            raise ArgumentError(message)
        self.capacity = capacity
        self._data = None if data is None else pair("Recorder", data)
        self._keep = weights, activations, gradients
        self._error = error
        self._clear()

    def _clear(self) -> None:
        self.stride = 1
        self._epochs: list[int] = []
        self._rows: dict[str, dict[str, list[Array]]] = {kind: {} for kind in KINDS}

    @property
    def epochs(self) -> Array:
        """The number of epochs before each record, of shape (T,)."""
        return np.array(self._epochs, dtype=int)

    @property
    def weights(self) -> dict[str, Array]:
        """The parameters by name, of shape (T, *shape of the parameter)."""
        return {name: np.stack(rows) for name, rows in self._rows["weights"].items()}

    @property
    def activations(self) -> dict[str, Array]:
        """What each module returned, by its name, of shape (T, N, ...)."""
        return {name: np.stack(rows) for name, rows in self._rows["activations"].items()}

    @property
    def errors(self) -> Array:
        """The error of each sample, of shape (T, N)."""
        return np.array(self._rows["errors"].get("", np.empty((len(self._epochs), 0))))

    @property
    def gradient_norms(self) -> dict[str, Array]:
        """The norm of the gradient of each parameter, by its name, of shape (T,)."""
        return {name: np.stack(rows) for name, rows in self._rows["gradients"].items()}

    def begin(self, run: Run) -> None:
        """Forget an earlier run, and record the model as it is before training."""
        if not run.epoch:
            self._clear()
            self._record(run)

    def after_epoch(self, run: Run) -> None:
        """Record, if it is time to."""
        if run.epoch % self.stride == 0:
            self._record(run)

    def _record(self, run: Run) -> None:
        """Add a record, and drop every second one if there are too many."""
        weights, activations, gradients = self._keep
        found: dict[str, dict[str, Array]] = {kind: {} for kind in KINDS}
        if weights:
            found["weights"] = {name: parameter.numpy() for name, parameter in run.model.named_parameters()}
        if gradients:
            found["gradients"] = {name: _norm(parameter.grad) for name, parameter in run.model.named_parameters()}
        if activations or self._error is not None:
            x, y = run.data if self._data is None else self._data
            names = {id(module): name for name, module in run.model.named_modules()}

            def note(module: Any, result: Any, _: int) -> None:
                if isinstance(result, Tensor):
                    found["activations"][names[id(module)]] = result.numpy()

            modules = [module for _, module in run.model.named_modules()] if activations else []
            with evaluating(run.model), watching(modules, note):
                prediction = called(run.model, x)
                prediction = trees.rebuild(prediction, map(raw, trees.values(prediction)))
            if self._error is not None:
                found["errors"][""] = _checked(self._error(prediction, y), row_count(x))
        self._epochs.append(run.epoch)
        for kind, arrays in found.items():
            for name, array in arrays.items():
                self._rows[kind].setdefault(name, []).append(array)
        while len(self._epochs) > self.capacity:
            self.stride *= 2
            kept = [place for place, epoch in enumerate(self._epochs) if epoch % self.stride == 0]
            self._epochs = [self._epochs[place] for place in kept]
            for kind, columns in self._rows.items():
                self._rows[kind] = {name: [rows[place] for place in kept] for name, rows in columns.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return all records."""
        rows = {kind: {name: np.stack(rows) for name, rows in found.items()} for kind, found in self._rows.items()}
        return {"stride": self.stride, "epochs": self.epochs, "rows": rows}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a `state_dict`."""
        self.stride, self._epochs = state["stride"], state["epochs"].tolist()
        self._rows = {kind: {name: list(rows) for name, rows in found.items()} for kind, found in state["rows"].items()}


def _norm(gradient: Any) -> Array:
    """Return the Euclidean norm of a gradient, NaN where there is none."""
    return np.array(np.nan if gradient is None else np.linalg.norm(np.ravel(raw(gradient))))


def _checked(errors: Any, count: int) -> Array:
    """Refuse errors that are not one number a sample."""
    array = np.asarray(raw(errors))
    if array.shape != (count,):
        message = f"Recorder: expected 'error' to return one number a sample, of shape ({count},), got {array.shape}"
        raise ShapeError(message)
    return array
