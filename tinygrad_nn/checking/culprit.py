"""Which operation is to blame for a wrong gradient? Each is checked by itself, where it stands in the recorded graph.

A gradient is a product of many Jacobians, and one that is wrong spoils all that come after it. But an operation alone,
at the operands that it was recorded with, is a small function with a gradient that finite differences can judge. So a
walk over the graph names all rules to mend, with their lines, and never one that is right.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn.backprop import Leaf, Node, calls_around, location
from tinygrad_nn.checking.flaw import cotangent_for, flaw
from tinygrad_nn.checking.operation import Operation
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import raw
from tinygrad_nn.transforms.checkpointing import CHECKPOINT

_THOROUGH = 3
"""How many operations of one kind, of one rule, shapes and options, are compared element by element."""


class Culprit(NamedTuple):
    """An operation with a wrong gradient, as one line: where it is, for which operand, in what, and where to mend it.

    Attributes:
        number: the place of its node in the topological order, from 0, leaves counted.
        operation: the name of the primitive.
        name: the user's name for the result, or the path of the module that recorded it; "" if there is neither.
        line: the user's line that recorded it, as ``file:line``.
        operand: the position of the operand; None where the rule as a whole is wrong.
        operand_name: what the rule calls it; "" if it has no name.
        order: 1 for the gradient, 2 for the gradient of the gradient.
        error: what is wrong.
        rule: the closure that computes the gradient, as ``file:line``, or the rule; "" if none is to be mended.

    """

    number: int
    operation: str
    name: str
    line: str
    operand: int | None
    operand_name: str
    order: int
    error: str
    rule: str

    def __str__(self) -> str:
        """Name node, operand, error and rule, with files relative to the working directory."""
        name = f" '{self.name}'" if self.name else ""
        operand = "" if self.operand is None else f", operand {self.operand}"
        order = ", in the second order" if self.order > 1 else ""
        rule = f"; rule at {_shortened(self.rule)}" if self.rule else ""
        where = f"node {self.number} {self.operation}{name} ({_shortened(self.line)})"
        return f"{where}{operand}{order}: {self.error}{rule}"


def find_culprits(*roots: Node, rng: np.random.Generator, order: int = 1) -> tuple[Culprit, ...]:
    """Check each operation below `roots` by itself, and name those with a wrong gradient, the oldest first.

    An operation is compared along one random direction for each operand; what does not agree at once is looked at as
    closely as `gradcheck` does. An error in elements that are too small to be seen along a direction is searched for
    where there is no other, in a few operations of each kind.

    Args:
        roots: the nodes of the results, recorded outside of transforms and not released.
        rng: where cotangents and directions come from.
        order: 2 also checks the gradients of the gradients.

    Returns:
        one `Culprit` for each wrong closure; empty if each operation by itself is right. Then an input takes a way that
        was not recorded: see `find_detached`.

    >>> import numpy as np, tinygrad_nn as tn
    >>> @tn.primitive
    ... def scale(a):
    ...     return 2.0 * a, lambda g: 3.0 * g
    >>> x = tn.Tensor([1.0, 2.0], requires_grad=True)
    >>> (culprit,) = find_culprits(np.sum(scale(x))._node, rng=np.random.default_rng(0))
    >>> culprit.operation, culprit.operand, culprit.error
    ('scale', 0, 'gradient is 1.500 times the true one everywhere')

    """
    with np.errstate(all="ignore"):  # what there was to say of these numbers was said in the forward pass
        operations = list(_operations(roots))
        graph = [operation.node for _, operation in operations]
        inspectors = [_Inspector(number, operation, graph, rng) for number, operation in operations]
        found = [culprit for inspector in inspectors for culprit in inspector.search(order)]
        if not found:
            found = [
                culprit for inspector in _few_of_each(inspectors) for culprit in inspector.search(order, closely=True)
            ]
    return tuple(found)


def find_detached(root: Node, moved: Node) -> tuple[Culprit, ...]:
    """Name the operands that are constants to the graph, and yet change with the inputs.

    Args:
        root: the node of a result, as for `find_culprits`.
        moved: that of the same function, recorded at inputs that differ by little.

    Returns:
        one `Culprit` for each such operand; empty if the graphs do not match.

    >>> import tinygrad_nn as tn
    >>> def f(x):
    ...     return (x * x.detach())._node
    >>> (culprit,) = find_detached(f(tn.Tensor(1.0, requires_grad=True)), f(tn.Tensor(1.01, requires_grad=True)))
    >>> culprit.operand, culprit.error
    (1, 'a constant to the graph that changes with the inputs; detach(), numpy(), item() or float() cut it off')

    """
    found = []
    graph, other = _oldest_first([root]), _oldest_first([moved])
    if [node.primitive for node in graph] != [node.primitive for node in other]:
        return ()
    for number, (node, twin) in enumerate(zip(graph, other, strict=True)):
        for place, pair in enumerate(zip(node.operands, twin.operands, strict=True)):
            if not any(isinstance(x, Node) for x in pair) and _differ(*map(raw, pair)):
                error = (
                    "a constant to the graph that changes with the inputs; detach(), numpy(), item() or float() cut it "
                    "off"
                )
                found.append(_culprit(number, node, graph, place, 1, error, ""))
    return tuple(found)


class _Inspector:
    """The check of one operation, and the words for what it finds."""

    def __init__(self, number: int, operation: Operation, graph: list[Node], rng: np.random.Generator) -> None:
        self.number, self.operation, self.graph, self.rng = number, operation, graph, rng

    def search(self, order: int, *, closely: bool = False) -> Iterator[Culprit]:
        """Yield what is wrong: with the rule, or with the closure of each operand, in the lowest order."""
        operation = self.operation
        error = operation.misconduct()
        if error:
            yield self._culprit(None, 1, error)
            return
        g = cotangent_for(operation.value(operation.point), self.rng)
        for index, place in enumerate(operation.places):
            error = operation.misconduct_of(place, g) or self._first_order(index, place, closely=closely)
            if error:
                yield self._culprit(place, 1, error)
            elif order > 1:
                error = self._second_order(place, g, closely=closely)
                if error:
                    yield self._culprit(place, 2, error)

    def _first_order(self, index: int, place: int, *, closely: bool) -> str:
        """Say what is wrong with the gradient for one operand."""
        operation = self.operation

        def pullback(cotangent: Array) -> list[Array]:
            return [np.asarray(operation.gradient(place, operation.point, cotangent))]

        found = flaw(operation.value, pullback, operation.point, [index], self.rng, closely=closely)
        return f"gradient {found[1]}" if found else ""

    def _second_order(self, place: int, g: Array, *, closely: bool) -> str:
        """Say what is wrong with the derivatives of the gradient for one operand: by each operand, and by `g`."""
        operation = self.operation
        point = [*operation.point, g]

        def function(arrays: Sequence[Array]) -> Array:
            return np.asarray(operation.gradient(place, arrays[:-1], arrays[-1]))

        def pullback(cotangent: Array) -> Sequence[Array]:
            return operation.second_gradients(place, g, cotangent)

        try:
            found = flaw(function, pullback, point, range(len(point)), self.rng, closely=closely)
        except Exception as error:  # noqa: BLE001 - whatever a closure may raise on Tensors: it is told
            return f"its closure fails on Tensors with {type(error).__name__}: {error}"
        if found is None:
            return ""
        index, words = found
        name = f"operand {operation.places[index]}" if index < len(operation.places) else "the incoming gradient"
        return f"derivative by {name} {words}"

    def _culprit(self, place: int | None, order: int, error: str) -> Culprit:
        operation = self.operation
        return _culprit(self.number, operation.node, self.graph, place, order, error, operation.line(place))


def _culprit(
    number: int, node: Node, graph: list[Node], place: int | None, order: int, error: str, rule: str
) -> Culprit:
    """Return the data of a `Culprit`, with what a node knows of itself."""
    path = ".".join(name for _, name, *_ in calls_around(node, graph))
    operation, names = ("", ()) if node.primitive is None else (node.primitive.name, node.primitive.operand_names)
    operand_name = names[place] if place is not None and place < len(names) else ""
    return Culprit(number, operation, node.name or path, location(node, graph), place, operand_name, order, error, rule)


def _operations(
    roots: Iterable[Node], values: dict[Node, Any] | None = None, number: int | None = None
) -> Iterator[tuple[int, Operation]]:
    """Yield the operations below `roots` with their numbers, the oldest first, and compute their `values` on the way.

    What a checkpoint stands for is recorded again, and bears its number.
    """
    values = {} if values is None else values
    for place, node in enumerate(_oldest_first(roots)):
        if node in values:
            continue
        if isinstance(node, Leaf):
            values[node] = raw(node.array)
        elif node.primitive is CHECKPOINT:
            options: Any = node.options
            again = options["function"].again(options["output"])
            yield from _operations([again], values, place if number is None else number)
            values[node] = values[again]
        else:
            operation = Operation(node, [values[x] if isinstance(x, Node) else x for x in node.operands])
            values[node] = operation.value([array.copy() for array in operation.point])
            yield place if number is None else number, operation


def _oldest_first(roots: Iterable[Node]) -> list[Node]:
    """List `roots` and all nodes below them in the order in which they were recorded, a topological one."""
    seen = set(roots)
    stack = list(seen)
    while stack:
        for operand in stack.pop().operands:
            if isinstance(operand, Node) and operand not in seen:
                seen.add(operand)
                stack.append(operand)
    return sorted(seen, key=attrgetter("stamp"))


def _few_of_each(inspectors: Iterable[_Inspector]) -> Iterator[_Inspector]:
    """Yield the first operations of each kind: of one rule, shapes and options."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for inspector in inspectors:
        node, operands = inspector.operation.node, inspector.operation.operands
        kind = (node.primitive, *map(np.shape, operands), str(node.options))
        counts[kind] += 1
        if counts[kind] <= _THOROUGH:
            yield inspector


def _differ(a: Any, b: Any) -> bool:
    """Tell whether two constants are of a floating dtype and differ: masks and indices jump, but have no gradient."""
    return np.result_type(a).kind == "f" and not np.array_equal(a, b, equal_nan=True)


def _shortened(line: str) -> str:
    """Return ``file:line`` with the file relative to the working directory, if it is below."""
    folder = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118 - importing pathlib takes longer than this file
    return line.removeprefix(folder)
