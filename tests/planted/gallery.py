"""What the gallery of planted mistakes is made of: rules that are wrong on purpose, and networks to hide them in."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import tinygrad_nn as tn


class Mistake(NamedTuple):
    """A rule that computes the right value with a wrong gradient.

    Attributes:
        wrong: the operation.
        right: a function of Tensors that computes the same, with the right gradient: the untouched twin.
        pattern: in what the gradient is wrong.
        operands: what to call it with.
        places: the operands whose gradients are wrong.
        order: the lowest order of differentiation in which that shows.

    """

    wrong: Any
    right: Callable[..., Any]
    pattern: str
    operands: tuple[Any, ...]
    places: tuple[int, ...]
    order: int

    @property
    def name(self) -> str:
        """The name of the operation."""
        return str(self.wrong.primitive.name)


def gallery():
    """Return an empty list, and a decorator that enters a wrong rule into it."""
    entries = []

    def mistake(right, pattern, operands, *places, order=1):
        def enter(rule):
            wrong = tn.primitive(rule)
            entries.append(Mistake(wrong, right, pattern, operands, places or (0,), order))
            return wrong

        return enter

    return entries, mistake


# Samples, in float64, away from kinks.

_RNG = np.random.default_rng(7)
ROW, ROWS, OTHER = _RNG.normal(size=3), _RNG.normal(size=(4, 3)), _RNG.normal(size=(4, 3))
SQUARE, SQUARE_2 = _RNG.normal(size=(3, 3)) + np.eye(3), _RNG.normal(size=(3, 3)) - np.eye(3)
POSITIVE = _RNG.uniform(0.5, 2.0, size=(4, 3))
MIXED = np.array([3.0, -2.0, 1e-3, 2.5])  # one element is tiny beside the others
TINY = np.array([1.0, 1.0, 1.5, 1.0])  # by what a gradient is off that is wrong there only
COLUMN = _RNG.normal(size=(4, 1))
SIGNAL, KERNEL = _RNG.normal(size=(2, 7)), _RNG.normal(size=3)
SEQUENCE = _RNG.normal(size=(2, 5, 3))  # batch, time, features


# Networks to hide operations in. Each is a function of the operations' operands, and returns a single number.


def alone(calls):
    """Only what makes one number of each result: some 5 nodes."""
    return lambda *x: sum(np.sum(np.sin(y)) for y in calls(*x))


def chain(length):
    """Return a network that passes operands and results through `length` residual steps of 3 nodes each."""

    def residual(x):
        for _ in range(length):
            x = x + 0.1 * np.sin(x)
        return x

    def network(calls):
        return lambda *x: sum(np.sum(np.sin(residual(y))) for y in calls(*(residual(a) for a in x)))

    return network


def dense(layers):
    """Return a network that passes the results through `layers` dense layers."""

    def network(calls):
        def f(*x):
            hidden = np.concatenate([np.reshape(y, -1) for y in calls(*x)])
            rng = np.random.default_rng(len(hidden))
            for _ in range(layers):
                weight = rng.normal(size=(hidden.size, 6)) / np.sqrt(hidden.size)
                hidden = np.tanh(hidden @ weight + rng.normal(size=6))
            return np.sum(hidden**2)

        return f

    return network


NETWORKS = {
    "sum": alone,
    "chain": chain(2),
    "dense layers": dense(2),
    "many dense layers": dense(12),
    "long chain": chain(8),
    "very long chain": chain(22),
}
"""From 5 nodes to 200. For each of the large ones there are several turns of the small ones, which are quicker."""

TURNS = ["sum", "chain", "dense layers", "chain", "many dense layers", "sum", "chain", "long chain", "dense layers"] * 2
TURNS[-2] = "very long chain"


def planted(mistakes, network, *, right=False):
    """Return a function of the operands of all `mistakes`, hidden in one `network`, and these operands."""
    operands = [x for mistake in mistakes for x in mistake.operands]

    def calls(*x):
        given = iter(x)
        for mistake in mistakes:
            operation = mistake.right if right else mistake.wrong
            yield operation(*(next(given) for _ in mistake.operands))

    return network(calls), operands
