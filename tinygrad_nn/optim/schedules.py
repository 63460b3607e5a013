"""Schedules: the learning rate as a function of the step.

A schedule is a function from the number of steps so far, 0 at the start, to a factor. `Schedule` multiplies the
optimizer's learning rates by it. Products and sequences of such functions are such functions, so that warm-up followed
by a cosine needs no class of its own. `ReduceOnPlateau` is the one that a function of the step cannot be: it looks at
what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from tinygrad_nn.errors import ArgumentError, StateError
from tinygrad_nn.optim.optimizer import Optimizer

Factor: TypeAlias = Callable[[int], float]


class Schedule:
    """Set the learning rate of each group to the one it has now times ``factor(steps)``, at once and in each `step`.

    PyTorch's name for it is ``LambdaLR``.

    Args:
        optimizer: whose learning rates are set.
        factor: a function of the number of steps so far, such as `cosine_annealing` makes them.

    >>> import tinygrad_nn as tn
    >>> optimizer = tn.optim.SGD([tn.Tensor([1.0], requires_grad=True)], lr=0.5)
    >>> schedule = tn.optim.Schedule(optimizer, tn.optim.exponential_decay(0.5))
    >>> schedule.step()
    >>> optimizer.lr
    0.25

    """

    def __init__(self, optimizer: Optimizer, factor: Factor) -> None:
        """Take the optimizer's learning rates as those that the factor is applied to."""
        self.optimizer = optimizer
        self.factor = factor
        self.steps = 0
        self.rates: list[float] = [group["lr"] for group in optimizer.param_groups]
        self._set()

    def step(self) -> None:
        """Go one step on: call it once a batch or once an epoch, after ``optimizer.step()``."""
        self.steps += 1
        self._set()

    def _set(self) -> None:
        factor = self.factor(self.steps)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=False):  # one that joined keeps its own
            group["lr"] = rate * factor

    def state_dict(self) -> dict[str, Any]:
        """Return what a new schedule with the same function needs to go on: numbers."""
        return {"steps": self.steps} | {f"rates.{index}": rate for index, rate in enumerate(self.rates)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a `state_dict`, and set the learning rates.

        Raises:
            StateError: a name is missing or unexpected.

        """
        _refuse_other_names(self, state)
        self.steps = int(state["steps"])
        self.rates = [float(state[f"rates.{index}"]) for index in range(len(self.rates))]
        self._set()


def step_decay(step_size: int, gamma: float = 0.1) -> Factor:
    """Return the schedule ``gamma^(t // step_size)``: PyTorch's ``StepLR``.

    >>> [step_decay(2, gamma=0.5)(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    _at_least("step_decay", "step_size", step_size, 1)
    return lambda t: gamma ** (t // step_size)


def exponential_decay(gamma: float) -> Factor:
    """Return the schedule ``gamma^t``: PyTorch's ``ExponentialLR``.

    >>> [exponential_decay(0.5)(t) for t in range(3)]
    [1.0, 0.5, 0.25]
    """
    return lambda t: float(gamma**t)


def cosine_annealing(steps: int, floor: float = 0.0) -> Factor:
    """Return the schedule ``floor + (1 - floor) (1 + cos(pi t / steps)) / 2``, which stays at `floor` from then on.

    PyTorch's ``CosineAnnealingLR``, which rises again thereafter; its ``eta_min`` is `floor` times the learning rate.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.

    >>> [round(cosine_annealing(4)(t), 3) for t in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    _at_least("cosine_annealing", "steps", steps, 1)
    return lambda t: _cosine(1.0, floor, min(t / steps, 1.0))


def linear_warmup(steps: int, start: float = 1 / 3) -> Factor:
    """Return the schedule that rises evenly from `start` to 1 and stays there: PyTorch's ``LinearLR``.

    >>> [linear_warmup(4, start=0.0)(t) for t in range(6)]
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    _at_least("linear_warmup", "steps", steps, 1)
    return lambda t: start + (1 - start) * min(t / steps, 1.0)


def one_cycle(
    total_steps: int, pct_start: float = 0.3, div_factor: float = 25.0, final_div_factor: float = 1e4
) -> Factor:
    """Return the schedule that rises to 1 and falls to nearly 0, both along a cosine: PyTorch's ``OneCycleLR``.

    It starts at ``1 / div_factor``, is 1 after ``pct_start total_steps - 1`` steps, and ends at ``1 / (div_factor
    final_div_factor)`` after ``total_steps - 1``. The optimizer's learning rate is the largest one; the momentum stays.

    Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates",
    2018.

    Raises:
        ArgumentError: fewer than 2 steps, or a `pct_start` that leaves no step to rise or none to fall.

    >>> [round(one_cycle(10)(t), 3) for t in (0, 1, 2, 5, 9)]
    [0.04, 0.52, 1.0, 0.611, 0.0]
    """
    _at_least("one_cycle", "total_steps", total_steps, 2)
    peak, last = pct_start * total_steps - 1, total_steps - 1
    if not 0 < peak < last:
        message = (
            f"one_cycle: expected 'pct_start' above {1 / total_steps:.3g} and below 1 for {total_steps} steps, got "
            f"{pct_start}. Without a rise, use cosine_annealing"
        )
        raise ArgumentError(message)
    first, end = 1 / div_factor, 1 / (div_factor * final_div_factor)
    return lambda t: (
        _cosine(first, 1.0, t / peak) if t <= peak else _cosine(1.0, end, min((t - peak) / (last - peak), 1.0))
    )


def sequence(*parts: Factor | int) -> Factor:
    """Return schedules one after the other: ``sequence(first, 5, second)`` goes over to `second` after 5 steps.

    Each counts its own steps from 0. PyTorch's name for it is ``SequentialLR``.

    Args:
        parts: schedules, with a number of steps between each and the next, for how long the one before it lasts.

    Raises:
        ArgumentError: something else.

    >>> factor = sequence(linear_warmup(2, start=0.0), 2, step_decay(2, gamma=0.5))
    >>> [factor(t) for t in range(6)]
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.5]
    """
    factors: tuple[Any, ...] = parts[::2]
    lasting: tuple[Any, ...] = parts[1::2]
    if len(parts) % 2 == 0 or not all(map(callable, factors)) or not all(isinstance(n, int) and n > 0 for n in lasting):
        message = (
            f"sequence: expected schedules with a number of steps between each and the next, got "
            f"{', '.join(type(part).__name__ for part in parts) or 'nothing'}. Write sequence(warmup, 5, cosine)"
        )
        raise ArgumentError(message)

    def factor(t: int) -> float:
        for part, length in zip(factors, lasting, strict=False):
            if t < length:
                return part(t)
            t -= length
        return factors[-1](t)

    return factor


class ReduceOnPlateau:
    """Multiply the learning rate by `factor` when what is measured has not improved for more than `patience` steps.

    The rules are those of PyTorch's ``ReduceLROnPlateau``, but a relative threshold means the same below 0. It changes
    the learning rates that it finds, while a `Schedule` sets those that it knows: use one of the two for an optimizer.

    Args:
        optimizer: whose learning rates are reduced.
        mode: whether "min" or "max" is better.
        factor: below 1.
        patience: how many steps without improvement are suffered.
        threshold: by how much a value must be better than the best one.
        threshold_mode: whether `threshold` is a part of the best value ("rel") or a difference from it ("abs").
        cooldown: for how many steps after a reduction nothing is counted.
        min_lr: below which no learning rate is reduced.
        eps: reductions of a learning rate by no more than this are left out.

    Raises:
        ArgumentError: an argument outside its range.

    >>> import tinygrad_nn as tn
    >>> optimizer = tn.optim.SGD([tn.Tensor([1.0], requires_grad=True)], lr=0.5)
    >>> plateau = tn.optim.ReduceOnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     plateau.step(loss)
    >>> optimizer.lr
    0.25

    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        """Start without having seen anything."""
        for name, value, allowed in (
            ("mode", mode, ("min", "max")),
            ("threshold_mode", threshold_mode, ("rel", "abs")),
        ):
            if value not in allowed:
                message = f"ReduceOnPlateau: expected '{name}' to be one of {allowed}, got {value!r}"
                raise ArgumentError(message)
        if not 0 <= factor < 1:
            message = f"ReduceOnPlateau: expected 'factor' to be at least 0 and below 1, got {factor}"
            raise ArgumentError(message)
        for name, least in (("patience", patience), ("cooldown", cooldown), ("threshold", threshold)):
            _at_least("ReduceOnPlateau", name, least, 0)
        self.optimizer = optimizer
        self.sign = 1 if mode == "min" else -1
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.is_relative = threshold_mode == "rel"
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.eps = eps
        self.best = self.sign * math.inf
        self.waited = 0
        self.cooling = 0

    def step(self, value: float) -> None:
        """Take note of what was measured; NaN is no improvement."""
        value = float(value)
        margin = self.threshold * abs(self.best) if self.is_relative and math.isfinite(self.best) else self.threshold
        if self.sign * value < self.sign * self.best - margin:
            self.best = value
            self.waited = 0
        else:
            self.waited += 1
        if self.cooling:
            self.cooling -= 1
            self.waited = 0
        if self.waited > self.patience:
            self.cooling = self.cooldown
            self.waited = 0
            for group in self.optimizer.param_groups:
                reduced = max(group["lr"] * self.factor, self.min_lr)
                if group["lr"] - reduced > self.eps:
                    group["lr"] = reduced

    def state_dict(self) -> dict[str, Any]:
        """Return what a new one needs to go on: numbers. The learning rates are in the state of the optimizer."""
        return {"best": self.best, "waited": self.waited, "cooling": self.cooling}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a `state_dict`.

        Raises:
            StateError: a name is missing or unexpected.

        """
        _refuse_other_names(self, state)
        self.best, self.waited, self.cooling = float(state["best"]), int(state["waited"]), int(state["cooling"])


def _cosine(start: float, end: float, part: float) -> float:
    """Return the value between `start` and `end`, a `part` of the way along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def _at_least(owner: str, name: str, value: float, least: int) -> None:
    if not value >= least:
        message = f"{owner}: expected '{name}' to be at least {least}, got {value}"
        raise ArgumentError(message)


def _refuse_other_names(owner: Schedule | ReduceOnPlateau, state: Mapping[str, Any]) -> None:
    own = owner.state_dict().keys()
    if own != state.keys():
        message = (
            f"{type(owner).__name__}.load_state_dict: missing: {', '.join(sorted(own - state.keys())) or 'none'}; "
            f"unexpected: {', '.join(sorted(state.keys() - own)) or 'none'}. Use the same schedule for as many groups"
        )
        raise StateError(message)
