"""What an operation does to one gradient, taken apart so far that a cause can be named.

A dense layer with an activation is one operation of two stages, and either may be where a gradient ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn.backprop import Leaf, Node, unbroadcast
from tinygrad_nn.graph.explaining.walk import Passage
from tinygrad_nn.graph.labels import operand_label, operation_label
from tinygrad_nn.graph.norms import norm
from tinygrad_nn.graph.trace import number_on
from tinygrad_nn.primitive import Array, Closure, vanishing
from tinygrad_nn.tensor import raw

ROUNDING = 1e-6
"""A share of what another gradient would leave, below which one has cancelled itself."""


class Stage(NamedTuple):
    """One differentiable step with the numbers that went through it.

    Attributes:
        name: the operation, or the activation of a dense layer.
        position: which operand is in question.
        operand: the value of the operand in question, if it is known.
        operand_from: the operation that made it; "" for a leaf.
        others: the values of the other operands that are known, by what they are called.
        closure: carries a gradient of the result to the operand; it is linear.
        gradient: the one that arrives.

    """

    name: str
    position: int
    operand: Array | None
    operand_from: str
    others: tuple[tuple[str, Array], ...]
    closure: Closure
    gradient: Array

    def carries(self, gradient: Array) -> bool:
        """Tell whether the operand gets anything but zeros of a gradient of the result."""
        part = self.closure(gradient)
        return bool(np.any(part) and np.any(_summed(part, self.operand)))

    @property
    def factor(self) -> float:
        """By how much the gradient grows here."""
        return self._growth(self.gradient)

    def _growth(self, gradient: Array) -> float:
        before, after = norm(gradient), norm(_summed(self.closure(gradient), self.operand))
        return after / before if before else 1.0

    # Why a gradient can become zero: questions to a linear map, answered by asking it

    @property
    def is_flat(self) -> bool:
        """Whether the operation is constant between its steps, as rounding is."""
        return self.closure is vanishing

    @property
    def underflows(self) -> bool:
        """Whether the product is only too small for the dtype: it is there if the gradient is of ordinary size."""
        largest = float(np.max(np.absolute(self.gradient)))
        # By a power of two, which rounds nothing: elements that cancel each other go on to do so.
        return self.carries(np.ldexp(self.gradient, -math.frexp(largest)[1]))

    @property
    def cancels(self) -> bool:
        """Whether the elements of this very gradient add up to zero: those of another, at the same places, do not."""
        return self.carries(self._random() * (self.gradient != 0))

    @property
    def nearly_cancels(self) -> bool:
        """Whether they add up to no more than an error of rounding."""
        return self.factor < ROUNDING * self._growth(self._random() * (self.gradient != 0))

    @property
    def is_elsewhere(self) -> bool:
        """Whether there are places that a gradient passes, and this one is zero at all of them."""
        return self.carries(self._random())

    def _random(self) -> Array:
        """Return some gradient: numbers of no pattern, but the same each time."""
        return np.asarray(np.random.default_rng(0).normal(size=self.gradient.shape), self.gradient.dtype)


def _summed(part: Array, operand: Array | None) -> Array:
    """Sum what an operand was broadcast along, if its shape is known."""
    return part if operand is None else unbroadcast(part, operand.shape)


def stages(edge: Passage, gradient: Array, values: Mapping[Node, Array]) -> list[Stage]:
    """Return what happens on an edge, from the result to the operand: one stage, or two for a fused activation."""
    node, position = edge.node, edge.position
    name = name_of(node)
    known = [value_of(operand, values) for operand in node.operands]
    others = tuple(
        (called(node, place), value)
        for place, value in enumerate(known)
        if place != position and value is not None and node.operands[place] is not edge.operand
    )
    options = dict(node.options or {})
    activation = options.pop("activation", None)
    rule: Any = node.primitive.rule if node.primitive else None
    closure: Any = (node.closures or ())[position]
    if activation is None or any(value is None for value in known):
        return [Stage(name, position, known[position], name_of(edge.operand), others, closure, gradient)]
    before, *closures = rule(*known, **options)
    _, slope = activation(before)
    return [
        Stage(activation.__name__, 0, before, name, (), slope, gradient),
        Stage(
            name, position, known[position], name_of(edge.operand), others,
            closures[position], np.asarray(slope(gradient)),
        ),
    ]  # fmt: skip  # seven arguments


def is_relu(node: Node) -> bool:
    """Tell whether an operation is a relu, or a dense layer with one."""
    activation = (node.options or {}).get("activation")
    return "relu" in (name_of(node), getattr(activation, "__name__", ""))


def name_of(node: Node) -> str:
    """Return the name of an operation."""
    return node.primitive.name if node.primitive else ""


def label_of(node: Node) -> str:
    """Return an operation with the numbers and the options that it was called with."""
    return operation_label(name_of(node), [number_on(operand) for operand in node.operands], node.options)


def value_of(operand: Any, values: Mapping[Node, Array]) -> Array | None:
    """Return the value of an operand, if it is known."""
    if isinstance(operand, Node):
        return values.get(operand)
    return None if isinstance(operand, tuple) else np.asarray(raw(operand))


def called(node: Node, position: int) -> str:
    """Return how a person speaks of an operand: by its name, as a result, or as what the rule calls it."""
    operand = node.operands[position]
    if isinstance(operand, Node) and operand.name:
        return f"'{operand.name}'"
    if isinstance(operand, Leaf):
        return f"the leaf of shape {operand.shape}"
    if isinstance(operand, Node):
        return f"the result of '{name_of(operand)}'"
    if isinstance(operand, (int, float, np.number)):
        return f"{operand:.6g}"
    return f"the {operand_label(node, position)} of shape {np.shape(raw(operand))}"
