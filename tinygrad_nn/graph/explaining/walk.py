"""One backward pass towards a single Tensor, which notes what each edge does to the gradient.

The engine's own walk adds up and forgets. This one goes the same way, only through what lies between a loss and one
Tensor, and writes nothing into the graph: no ``.grad`` is touched.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from tinygrad_nn.backprop import Node, checked_order, unbroadcast
from tinygrad_nn.graph.norms import norm
from tinygrad_nn.primitive import Array, Closure


class Passage(NamedTuple):
    """What one operation does to the gradient on its way to one operand.

    Attributes:
        node: the operation.
        position: which operand.
        operand: the node of that.
        arrives: the norm of the gradient of the operation's result.
        leaves: the norm of what the operation adds to the gradient of the operand.

    """

    node: Node
    position: int
    operand: Node
    arrives: float
    leaves: float

    @property
    def factor(self) -> float:
        """By how much the gradient grows here."""
        return self.leaves / self.arrives if self.arrives else math.nan


class Walk:
    """A backward pass from `root` to `target`.

    Attributes:
        root, target: where it began and ended.
        order: the operations that a gradient goes through on its way, newest first.
        passages: for each node on the way, and `target`, the edges that its gradient comes from.
        norms, zeros: for each node on the way, and `target`, the norm of its gradient and the share of zeros in it.
        gradient: that of `target`; None if no edge leads there.
        paths: how many ways lead from `root` to `target`.

    """

    def __init__(self, root: Node, target: Node) -> None:
        """Go.

        Raises:
            GraphReleasedError, InPlaceError: as `backward()` does.

        """
        self.root, self.target = root, target
        self.order = _between(checked_order(root), target)
        self.passages: defaultdict[Node, list[Passage]] = defaultdict(list)
        self.norms: dict[Node, float] = {}
        self.zeros: dict[Node, float] = {}
        self.gradient: Array | None = None
        self.paths = 0
        with np.errstate(all="ignore"):  # whatever is out of range is what is looked for
            self._go()

    def _go(self) -> None:
        paths: defaultdict[Node, int] = defaultdict(int, {self.root: 1})
        for node, gradient, parts in flow(self.root, self.order, self.target):
            arrives = self._note(node, gradient)
            count = paths[node] if node is self.target else paths.pop(node)  # a sum of paths may be a million bits long
            for position, part in enumerate(parts):
                if part is not None:
                    operand = node.operands[position]
                    self.passages[operand].append(Passage(node, position, operand, arrives, norm(part)))
                    paths[operand] += count
            if node is self.target:
                self.gradient, self.paths = gradient, count

    def _note(self, node: Node, gradient: Array) -> float:
        """Keep what is to be known of a gradient; return its norm."""
        edges = self.passages[node]
        self.norms[node] = size = edges[0].leaves if len(edges) == 1 else norm(gradient)
        self.zeros[node] = 1 - np.count_nonzero(gradient) / gradient.size if gradient.size else 0.0
        return size

    def gradient_of(self, node: Node) -> Array:
        """Return the gradient of a node on the way. The walk is gone once more for it: it keeps only norms."""
        with np.errstate(all="ignore"):
            return next(gradient for at, gradient, _ in flow(self.root, _between(self.order, node), node) if at is node)

    # Ways through it

    def strongest_way(self, start: Node) -> list[Passage]:
        """Return the way from `root` to `start` that brings most: from each node on, the edge with the largest norm."""
        way: list[Passage] = []
        while self.passages[start]:
            way.append(max(self.passages[start], key=lambda edge: math.inf if math.isnan(edge.leaves) else edge.leaves))
            start = way[-1].node
        return way[::-1]

    def breaks(self, is_bad: Callable[[float], bool]) -> list[list[Passage]]:
        """Return ways to the target along which the gradient goes bad, each from the edge where it does so on.

        Args:
            is_bad: tells of a norm whether it is, such as zero.

        The first is the one at whose beginning the gradient is largest. Where good contributions cancel each other
        there is no such edge, and no way.

        """
        lower: dict[Node, Passage] = {}
        found: list[Passage] = []
        seen, stack = {self.target}, [self.target]
        while stack:
            for edge in self.passages[stack.pop()]:
                if is_bad(edge.leaves) and not is_bad(edge.arrives):
                    found.append(edge)
                elif is_bad(edge.leaves) and edge.node not in seen:
                    seen.add(edge.node)
                    lower[edge.node] = edge
                    stack.append(edge.node)
        return [self._down(edge, lower) for edge in sorted(found, key=lambda edge: -edge.arrives)]

    def _down(self, edge: Passage, lower: dict[Node, Passage]) -> list[Passage]:
        way = [edge]
        while way[-1].operand is not self.target:
            way.append(lower[way[-1].operand])
        return way


def contribution(operand: Node, closure: Closure, gradient: Array) -> Array:
    """Return what an edge adds to the gradient of an operand, as the engine does it."""
    part = closure(gradient)
    if part.shape != operand.shape:
        part = unbroadcast(part, operand.shape)
    return np.asarray(part, operand.dtype)


def flow(root: Node, order: list[Node], target: Node) -> Iterator[tuple[Node, Array, list[Array | None]]]:
    """Carry a gradient of ones back from `root`, and yield each node with its own.

    Args:
        root: where it begins.
        order: the operations to go through, newest first.
        target: where it ends.

    Yields:
        each node of `order`, and `target` at last, if an edge leads there; its gradient, which is complete; and what it
        adds to that of each operand, None for one that is not on the way.

    """
    wanted = {*order, target}
    gradients: dict[Node, Array] = {root: np.ones(root.shape, root.dtype)}
    for node in order:
        gradient = gradients.pop(node)
        parts = [
            contribution(operand, closure, gradient) if closure is not None and operand in wanted else None
            for operand, closure in zip(node.operands, node.closures or (), strict=True)
        ]
        for operand, part in zip(node.operands, parts, strict=True):
            if part is not None:
                gradients[operand] = gradients[operand] + part if operand in gradients else part
        yield node, gradient, parts
    if target in gradients:
        yield target, gradients[target], []


def _between(order: list[Node], target: Node) -> list[Node]:
    """Return those of the operations `order`, which are sorted newest first, that lead to `target`."""
    found: set[Node] = {target}
    for node in reversed(order):  # operands are looked at before what is made of them
        for operand, closure in zip(node.operands, node.closures or (), strict=True):
            if closure is not None and operand in found:
                found.add(node)
    return [node for node in order if node in found and node is not target]
