"""Callbacks that steer a run: when to stop, what to keep, how fast to learn."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.persist import Path, save
from tinygrad_nn.primitive import Array
from tinygrad_nn.training.history import History
from tinygrad_nn.training.run import Callback, Run

Mode = Literal["min", "max"]


class Stepped(Protocol):
    """What changes the learning rate of its optimizer with each call of `step`, with or without a measured value."""

    @property
    def step(self) -> Callable[..., Any]:
        """Go on by one epoch, or by one batch."""
        ...


class EarlyStopping(Callback):
    """Stop when a measure has not improved for some epochs, and give the model back its best weights.

    The best weights also come back when training fails or is interrupted.

    Args:
        monitor: a column of the history, such as "val_loss" or "val_accuracy".
        patience: the number of epochs without an improvement after which to stop.
        min_delta: by how much the best value must be surpassed to count as an improvement.
        mode: "min" where less is better, "max" where more is.
        restore: whether the best weights come back at the end.

    Attributes:
        best: the best value so far.
        best_epoch: the epoch in which it was measured, counted from 1.

    Raises:
        ArgumentError: `patience` below 1, another mode, or, after the first epoch, no column of that name.

    Source: Prechelt, "Early stopping - but when?", 1998.

    >>> import numpy as np
    >>> import tinygrad_nn as tn
    >>> model = tn.nn.Sequential(tn.nn.Dense(2, 1))
    >>> optimizer = tn.optim.SGD(model.parameters(), lr=0.0)
    >>> stop = tn.training.EarlyStopping("loss", patience=3)
    >>> len(tn.training.fit(model, tn.data.xor(), tn.nn.squared_error, optimizer, epochs=100, callbacks=[stop]))
    4

    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 10,
        min_delta: float = 0.0,
        mode: Mode = "min",
        restore: bool = True,
    ) -> None:
        """Watch `monitor`."""
        if patience < 1:
            message = f"EarlyStopping: expected 'patience' to be at least 1, got {patience}"
            raise ArgumentError(message)
        check_mode("EarlyStopping", mode)
        self.monitor, self.patience, self.min_delta, self.mode, self.restore = (
            monitor, patience, min_delta, mode, restore,
        )  # fmt: skip
        self.best, self.best_epoch, self.waited = worst(mode), 0, 0
        self._weights: dict[str, Array] | None = None

    def begin(self, run: Run) -> None:
        """Forget an earlier run; of one that goes on from a file, know whether it was at its end."""
        if not run.epoch:
            self.best, self.best_epoch, self.waited, self._weights = worst(self.mode), 0, 0, None
        self._decide(run)

    def after_epoch(self, run: Run) -> None:
        """Keep the weights if they are the best so far, otherwise wait."""
        value = measured("EarlyStopping", run.history, self.monitor)
        if improves(value, self.best, self.mode, self.min_delta):
            self.best, self.best_epoch, self.waited = value, run.epoch, 0
            self._weights = run.model.state_dict() if self.restore else None
        else:
            self.waited += 1
        self._decide(run)

    def end(self, run: Run) -> None:
        """Give the model its best weights."""
        if self._weights is not None:
            run.model.load_state_dict(self._weights)

    def _decide(self, run: Run) -> None:
        """Stop the run if it has waited long enough."""
        if self.waited >= self.patience:
            run.stop(f"{self.monitor} has not improved on {self.best:.6g} for {self.waited} epochs")

    def state_dict(self) -> dict[str, Any]:
        """Return the best value, when it was, how long ago, and its weights."""
        return {
            "best": self.best, "best_epoch": self.best_epoch, "waited": self.waited, "weights": self._weights,
        }  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a `state_dict`."""
        self.best, self.best_epoch, self.waited = state["best"], state["best_epoch"], state["waited"]
        self._weights = state["weights"]


class Checkpoint(Callback):
    """Save the whole state of the run, for ``fit(..., resume=path)`` to go on from as if it had never ended.

    The file is written with `save`: a kill at any moment leaves the last one whole. ``tn.load(path, model=model)``
    takes out the model alone. Generators of random numbers are saved if they shuffle or are attributes of modules.

    Args:
        path: the file; always overwritten.
        every: save after each so many epochs, and after the last.
        best: a column of the history; save only when it is the best so far.
        mode: "min" where less is better, "max" where more is.

    Raises:
        ArgumentError: `every` below 1, another mode, or, after the first epoch, no column of that name.

    >>> import os, tempfile
    >>> import tinygrad_nn as tn
    >>> path = os.path.join(tempfile.mkdtemp(), "run.safetensors")
    >>> def run(epochs):
    ...     model = tn.nn.Sequential(tn.nn.Dense(2, 1, init="zeros"))
    ...     return tn.training.fit(
    ...         model, tn.data.xor(), tn.nn.squared_error, tn.optim.Adam(model.parameters()), epochs,
    ...         callbacks=[tn.training.Checkpoint(path)], resume=path,
    ...     )
    >>> interrupted = run(epochs=3)
    >>> continued = run(epochs=5)
    >>> continued["loss"][:3] == interrupted["loss"], len(continued)
    (True, 5)

    """

    order = 1  # after all that have a state to save, or it would lack what they learned in this epoch

    def __init__(self, path: Path, every: int = 1, best: str | None = None, mode: Mode = "min") -> None:
        """Save to `path`."""
        if every < 1:
            message = f"Checkpoint: expected 'every' to be at least 1 epoch, got {every}"
            raise ArgumentError(message)
        check_mode("Checkpoint", mode)
        self.path, self.every, self.monitor, self.mode = path, every, best, mode
        self.best = worst(mode)

    def begin(self, run: Run) -> None:
        """Forget an earlier run."""
        if not run.epoch:
            self.best = worst(self.mode)

    def after_epoch(self, run: Run) -> None:
        """Save, if it is time to."""
        if run.epoch % self.every and not run.finished:
            return
        if self.monitor is not None:
            value = measured("Checkpoint", run.history, self.monitor)
            if not improves(value, self.best, self.mode):
                return
            self.best = value
        save(self.path, **run.parts())

    def state_dict(self) -> dict[str, Any]:
        """Return the best value."""
        return {"best": self.best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a `state_dict`."""
        self.best = state["best"]


class LearningRate(Callback):
    """Let a schedule of `optim` change the learning rate.

    Args:
        schedule: has a method ``step()``, and knows its optimizer: `optim.Schedule`, `optim.ReduceOnPlateau`.
        each: "epoch" or "batch": when to call it.
        monitor: a column of the history that ``step(value)`` is given, for a schedule that reacts to what is measured.

    Raises:
        ArgumentError: another `each`, a `monitor` after each batch, or, after the first epoch, no column of that name.

    >>> import tinygrad_nn as tn
    >>> model = tn.nn.Sequential(tn.nn.Dense(2, 1))
    >>> optimizer = tn.optim.SGD(model.parameters(), lr=0.5)
    >>> halve = tn.training.LearningRate(tn.optim.Schedule(optimizer, tn.optim.exponential_decay(0.5)))
    >>> _ = tn.training.fit(model, tn.data.xor(), tn.nn.squared_error, optimizer, epochs=3, callbacks=[halve])
    >>> optimizer.lr
    0.0625

    """

    def __init__(
        self, schedule: Stepped, each: Literal["epoch", "batch"] = "epoch", monitor: str | None = None
    ) -> None:
        """Drive `schedule`."""
        if each not in ("epoch", "batch") or (each == "batch" and monitor is not None):
            message = (
                f"LearningRate: expected each='epoch' or each='batch', and a 'monitor' only with 'epoch', for the "
                f"history has no rows of batches; got each={each!r}, monitor={monitor!r}"
            )
            raise ArgumentError(message)
        self.schedule, self.each, self.monitor = schedule, each, monitor

    def after_batch(self, run: Run) -> None:  # noqa: ARG002 - the schedule knows its optimizer
        """Go on by one batch."""
        if self.each == "batch":
            self.schedule.step()

    def after_epoch(self, run: Run) -> None:
        """Go on by one epoch."""
        if self.monitor is not None:
            self.schedule.step(measured("LearningRate", run.history, self.monitor))
        elif self.each == "epoch":
            self.schedule.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the schedule, if it has one beside the learning rate, which is the optimizer's."""
        state: dict[str, Any] = getattr(self.schedule, "state_dict", dict)()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a `state_dict`."""
        if state:
            self.schedule.load_state_dict(state)  # type: ignore[attr-defined]  # it had a state_dict when it was saved


def worst(mode: Mode) -> float:
    """Return what every measured number is better than."""
    return math.inf if mode == "min" else -math.inf


def improves(value: float, best: float, mode: Mode, min_delta: float = 0.0) -> bool:
    """Tell whether `value` is better than `best` by more than `min_delta`; NaN never is."""
    return value < best - min_delta if mode == "min" else value > best + min_delta


def measured(owner: str, history: History, monitor: str) -> float:
    """Return the last value of a column."""
    row = history.last()
    if monitor not in row:
        hint = "; pass validation=(x, y) to fit" if monitor.startswith("val_") else ""
        message = f"{owner}: expected one of the columns {', '.join(row)}, got {monitor!r}{hint}"
        raise ArgumentError(message)
    return row[monitor]


def check_mode(owner: str, mode: str) -> None:
    """Refuse what is no mode."""
    if mode not in ("min", "max"):
        message = f"{owner}: expected mode 'min' (less is better) or 'max' (more is better), got {mode!r}"
        raise ArgumentError(message)
