"""`Run`: one training run as its callbacks see it, and `Callback`, what they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.nn.module import Module
from tinygrad_nn.nn.watching import named_generators
from tinygrad_nn.optim.optimizer import Optimizer
from tinygrad_nn.training.history import History


class Run:
    """A training run under way.

    Its state is all that decides how it goes on: model, optimizer, history, callbacks, and the generators of random
    numbers, both that which shuffles and those that are attributes of modules, such as the one of a Dropout.

    Attributes:
        model, optimizer: what is trained, and by what.
        data: inputs and targets, each an array or a tuple of several.
        epochs: how many there shall be.
        history: what has been measured so far; its length is the number of epochs done.
        rng: shuffles the samples; None where they keep their order.
        stopped: why the run is to end before its time; None as long as it is not.

    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        data: tuple[Any, Any],
        epochs: int,
        rng: np.random.Generator | None,
        callbacks: Sequence[Callback],
    ) -> None:
        """Make a run that has not begun."""
        self.model = model
        self.optimizer = optimizer
        self.data = data
        self.epochs = epochs
        self.rng = rng
        self.history = History()
        self.callbacks = callbacks
        self.stopped: str | None = None

    @property
    def epoch(self) -> int:
        """The number of epochs done."""
        return len(self.history)

    @property
    def finished(self) -> bool:
        """Whether no further epoch follows."""
        return self.stopped is not None or self.epoch >= self.epochs

    def stop(self, reason: str) -> None:
        """End the run after this epoch."""
        self.stopped = reason

    def parts(self) -> dict[str, Any]:
        """Return all that has a state, by name, for ``tn.save(path, **run.parts())`` and ``tn.load``."""
        parts: dict[str, Any] = {"model": self.model, "history": self.history}
        for callback in self.callbacks:
            if type(callback).state_dict is not Callback.state_dict:  # so that a log may be added to a run that goes on
                name = type(callback).__name__
                twins = sum(part.startswith(name) for part in parts)
                parts[f"{name}.{twins}" if twins else name] = callback
        parts["optimizer"] = self.optimizer  # after the schedules, each of which sets the learning rate when restored
        generators = {} if self.rng is None else {"shuffling": self.rng}
        generators |= named_generators(self.model)
        return parts | {f"rng.{name}": generator for name, generator in generators.items()}


class Callback:
    """What is told of a training run as it goes; subclass it and write what you need of its methods.

    A plain function is as good: it is called after each epoch, ``fit(..., callbacks=[lambda run: print(run.epoch)])``.

    >>> import tinygrad_nn as tn
    >>> class Steps(tn.training.Callback):
    ...     count = 0
    ...     def after_batch(self, run):
    ...         self.count += 1
    >>> model, steps = tn.nn.Sequential(tn.nn.Dense(2, 1)), Steps()
    >>> optimizer = tn.optim.SGD(model.parameters(), lr=0.1)
    >>> _ = tn.training.fit(
    ...     model, tn.data.xor(), tn.nn.squared_error, optimizer, epochs=5, batch_size=2, callbacks=[steps]
    ... )
    >>> steps.count
    10

    """

    order: int = 0
    """Callbacks are called in rising order, and in that of the list where it is equal. What saves the state of others
    comes after them."""

    def begin(self, run: Run) -> None:
        """Prepare for a run; one that goes on from a file has its state already."""

    def after_batch(self, run: Run) -> None:
        """Act after each step of the optimizer."""

    def after_epoch(self, run: Run) -> None:
        """Act after each epoch, when the history has its row."""

    def end(self, run: Run) -> None:
        """Clean up; also called when training fails or is interrupted."""

    def state_dict(self) -> dict[str, Any]:
        """Return what must be saved for the run to go on from a file as if it had never ended."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a `state_dict`."""


class _Function(Callback):
    """A plain function as a callback."""

    def __init__(self, function: Callable[[Run], object]) -> None:
        """Call `function` after each epoch."""
        self.after_epoch = function  # type: ignore[method-assign, assignment]  # whatever it returns is dropped


Callbacks: TypeAlias = "Sequence[Callback | Callable[[Run], object]]"


def in_order(callbacks: Callbacks) -> list[Callback]:
    """Return callbacks in the order in which they are called, functions made into callbacks."""
    found = [part if isinstance(part, Callback) else _Function(part) for part in callbacks]
    return sorted(found, key=lambda callback: callback.order)
