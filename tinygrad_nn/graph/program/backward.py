"""The backward pass as assignments: what `backprop.backpropagate` does, with symbols for cotangents.

The engine's own work, sums over broadcast axes, conversions and accumulation, is written down where a shape or a dtype
asks for it. So the program shows where in a textbook's backward pass the sums come from.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.backprop import Node, checked_order, unbroadcast
from tinygrad_nn.graph.modules import Path
from tinygrad_nn.graph.program.expressions import Assignment, Expression, Name, Operation
from tinygrad_nn.graph.program.forward import Forward, cotangent_like, noted
from tinygrad_nn.graph.program.symbols import Symbol, Trace


class Backward:
    """The assignments of the backward pass.

    Attributes:
        assignments: what is computed, in the order of the engine.
        gradients: the variable of the gradient for each leaf that one reaches.

    """

    def __init__(self, root: Node, order: list[Node], forward: Forward) -> None:
        """Write down the gradients of `root` for what is below it; `order` is that in which the engine goes."""
        self.names = forward.names
        self.forward = forward
        self.assignments: list[Assignment] = []
        self.assigned: set[str] = set()
        self.passed: dict[tuple[Node, Name], dict[Node, Name]] = {}
        start = self._gradient_name(root)
        seed = np.ones(root.shape, root.dtype) if root.shape else root.dtype.type(1)
        self._assign(start, Operation("value", seed, (), {}), (), root)
        self.gradients = {node: name for node, name in self._walk(root, start, order).items() if node.is_leaf}

    def _walk(self, root: Node, start: Name, order: list[Node]) -> dict[Node, Name]:
        """Carry the gradient `start` of `root` back along `order`, and return those that have arrived."""
        cotangents = {root: start}
        counts: dict[Node, int] = {}
        for node in order:
            gradient = cotangents.pop(node)
            for place, operand in enumerate(node.operands):
                if node.closures is not None and node.closures[place] is not None:
                    contribution = self._contribution(node, place, gradient)
                    self._add(operand, contribution, cotangents, counts, node, gradient)
        return cotangents

    def _contribution(self, node: Node, place: int, gradient: Name) -> Expression:
        """Return what an operation adds to the gradient of an operand, in the shape and the dtype of that."""
        operand = node.operands[place]
        if node in self.forward.segments:
            trace, result = Trace(), self._through(node, place, gradient)
        else:
            trace, closures, *_ = self.forward.steps[node]
            closure: Any = closures[place]
            result = closure(Symbol(trace, gradient, cotangent_like(self.forward.variables[node][1])))
        contribution: Any = Symbol(trace, *noted(result))
        if contribution.shape != operand.shape:
            contribution = unbroadcast(contribution, operand.shape)
        if contribution.dtype != operand.dtype:
            contribution = contribution.astype(operand.dtype)
        expression: Expression = contribution.expression
        return expression

    def _through(self, node: Node, place: int, gradient: Name) -> Symbol:
        """Carry a gradient back through a checkpointed function, as one pass for all of its inputs."""
        inner, operand = self.forward.segments[node], node.operands[place]
        if (node, gradient) not in self.passed:
            inputs = [x for x in node.operands if isinstance(x, Node)]
            self.passed[node, gradient] = self._walk(inner, gradient, checked_order(inner, inputs))
        found = self.passed[node, gradient].get(operand)
        if found is None:
            return Symbol(Trace(), Operation("call", np.zeros, (operand.shape,), {}), np.zeros(operand.shape))
        return Symbol(Trace(), found, np.zeros(operand.shape, operand.dtype))

    def _add(
        self,
        operand: Node,
        contribution: Expression,
        cotangents: dict[Node, Name],
        counts: dict[Node, int],
        node: Node,
        gradient: Name,
    ) -> None:
        """Add a contribution to the gradient of an operand, as the engine does: in place once the sum is its own."""
        if operand not in cotangents:
            cotangents[operand] = self._gradient_name(operand)
        name = cotangents[operand]
        counts[operand] = counts.get(operand, 0) + 1
        path = self.forward.steps[node].path if node in self.forward.steps else ()
        is_own = counts[operand] > 2 and operand.shape  # numbers are never added in place: NumPy's cannot change
        if counts[operand] > 1 and not is_own:
            contribution = Operation("operator", "+", (name, contribution), {}, operand.shape)
        self._assign(name, contribution, path, operand, gradient, "+=" if is_own else "=")

    def _gradient_name(self, operand: Node) -> Name:
        """Return a variable for a gradient: that of its operation, unless an earlier pass has set it."""
        step = self.forward.steps.get(operand)
        if step is not None and step.gradient.text not in self.assigned:
            return step.gradient
        return Name(self.names.new(f"d_{self.forward.variables[operand][0].text}"))

    def _assign(
        self, name: Name, expression: Expression, path: Path, node: Node, gradient: Name | None = None, sign: str = "="
    ) -> None:
        self.assigned.add(name.text)
        self.assignments.append(Assignment((name.text,), sign, expression, path, f"{node.shape}", gradient))
