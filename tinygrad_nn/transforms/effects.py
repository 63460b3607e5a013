"""Effects: what a function does besides computing, which is done once although `checkpoint` runs the function twice.

A layer that keeps averages or draws random numbers says so, with `perform` and `drawing`. The first run of a
checkpointed function notes what came of each effect, in order, and a second run is told it again. (To save and restore
the state of the modules around each run would need to know them, and a checkpointed function may be any closure.)
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

from tinygrad_nn.errors import BackwardError

T = TypeVar("T")


class Effects:
    """The effects of one call of a function that may be run again."""

    def __init__(self) -> None:
        """Start without any; those of the first run happen as effects of the checkpointed function around, if any."""
        self._around = _EFFECTS.get()
        self._noted: list[Any] = []
        self._told: Iterator[Any] | None = None

    @contextlib.contextmanager
    def first(self) -> Iterator[None]:
        """Perform and note the effects in this block."""
        token = _EFFECTS.set(self)
        try:
            yield
        finally:
            _EFFECTS.reset(token)
            self._around = None  # it has noted what it has to know, and is not to be kept alive

    @contextlib.contextmanager
    def again(self) -> Iterator[None]:
        """Tell each effect in this block what came of it, instead of performing it."""
        self._told = iter(self._noted)
        token = _EFFECTS.set(self)
        try:
            yield
        finally:
            _EFFECTS.reset(token)
            self._told = None

    def result(self, action: Callable[[], T]) -> T:
        """Return what comes, or came, of an effect.

        Raises:
            BackwardError: the first run had no such effect.

        """
        if self._told is not None:
            for known in self._told:
                return known
            message = (
                "checkpoint: expected the function to do the same when run again for backward, but more layers than "
                "before draw random numbers or keep averages. Change no mode, and no other state, before backward()"
            )
            raise BackwardError(message)
        found = action() if self._around is None else self._around.result(action)
        self._noted.append(found)
        return found


_EFFECTS: ContextVar[Effects | None] = ContextVar("tinygrad_nn.effects", default=None)


def perform(action: Callable[[], T]) -> T:
    """Call `action`; in the second run of a checkpointed function, return what it returned in the first.

    >>> import tinygrad_nn as tn
    >>> calls = []
    >>> def f(x):
    ...     perform(lambda: calls.append("called"))
    ...     return x * x
    >>> x = tn.Tensor(3.0, requires_grad=True)
    >>> tn.checkpoint(f)(x).backward()
    >>> x.grad.item(), calls
    (6.0, ['called'])

    """
    effects = _EFFECTS.get()
    return action() if effects is None else effects.result(action)


def drawing(rng: np.random.Generator) -> np.random.Generator:
    """Return `rng`; in the second run of a checkpointed function, one that draws what `rng` drew in the first.

    Only the state of the generator is kept for that, and nothing that it draws.
    """
    effects = _EFFECTS.get()
    if effects is None:
        return rng
    is_first = False

    def state() -> np.random.Generator:
        nonlocal is_first
        is_first = True
        return copy.deepcopy(rng)

    kept = effects.result(state)
    return rng if is_first else copy.deepcopy(kept)  # another copy for each run
