"""Which operation is to blame for a wrong gradient? Each is checked by itself, where it stands in the recorded graph.

A gradient is a product of many Jacobians, and one that is wrong spoils all that come after it. But an operation alone,
at the operands that it was recorded with, is a small function with a gradient that finite differences can judge. So a
walk over the graph names all rules to mend, with their lines, and never one that is right.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn.backprop import Leaf, Node, calls_around, users_line
from tinygrad_nn.checking.flaw import cotangent_for, flaw
from tinygrad_nn.checking.operation import Operation
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import raw
from tinygrad_nn.transforms.checkpointing import CHECKPOINT
from tinygrad_nn.transforms.replay import nodes_below

_THOROUGH = 3
"""How many operations of one kind, of one rule, shapes and options, are compared element by element."""


class Culprit(NamedTuple):
    """An operation with a wrong gradient, as one line: where it is, for which operand, in what, and where to mend it.

    Attributes:
        number: the place of its node in the topological order, from 0, leaves counted; None where the graph of the
            results does not show it, as inside of an inner derivative.
        operation: the name of the primitive, or an output that no operation leads to.
        name: the user's name for the result, or the path of the module that recorded it; "" if there is neither.
        line: the user's line that recorded it, as ``file:line``; "" if there is none.
        operand: the position of the operand; None where the rule as a whole is wrong.
        operand_name: what the rule calls it; "" if it has no name.
        order: 1 for the gradient, 2 for the gradient of the gradient, and so on.
        error: what is wrong.
        rule: the closure that computes the gradient, as ``file:line``, or the rule; "" if none is to be mended.

    """

    number: int | None
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
        order = f", in order {self.order}" if self.order > 1 else ""
        rule = f"; rule at {shortened(self.rule)}" if self.rule else ""
        number = "" if self.number is None else f"node {self.number} "
        line = f" ({shortened(self.line)})" if self.line else ""
        return f"{number}{self.operation}{name}{line}{operand}{order}: {self.error}{rule}"


class Survey(NamedTuple):
    """What a check of each operation by itself has found.

    Attributes:
        culprits: one for each wrong closure, the oldest first.
        is_sure: whether all others are known to be right, rather than that rounding leaves some undecided.

    """

    culprits: tuple[Culprit, ...]
    is_sure: bool


def find_culprits(*roots: Node, rng: np.random.Generator, order: int = 1) -> tuple[Culprit, ...]:
    """Check each operation below `roots` by itself, and name those with a wrong gradient, the oldest first.

    An operation is compared along one random direction for each operand; what does not agree at once is looked at as
    closely as `gradcheck` does. So are the first few of each kind in any case: an error in an element that is tiny
    beside the others is not seen along a direction.

    Args:
        roots: the nodes of the results, not released.
        rng: where cotangents and directions come from.
        order: 2 also checks the gradients of the gradients, and so on.

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
    return survey(*roots, rng=rng, order=order).culprits


def survey(*roots: Node, rng: np.random.Generator, order: int = 1) -> Survey:
    """Check each operation below `roots`, as `find_culprits`, and tell also if the others are known to be right."""
    with np.errstate(all="ignore"):  # what there was to say of these numbers was said in the forward pass
        operations = list(_operations(roots))
        graph = [operation.node for _, operation in operations]
        counts: Counter[tuple[Any, ...]] = Counter()
        found: list[Culprit] = []
        is_sure = True
        for number, operation in operations:
            counts[operation.kind] += 1
            inspector = _Inspector(number, operation, graph, rng, closely=counts[operation.kind] <= _THOROUGH)
            found += inspector.search(order)
            is_sure = is_sure and inspector.is_sure
    return Survey(tuple(found), is_sure)


class _Inspector:
    """The check of one operation, and the words for what it finds."""

    def __init__(
        self, number: int, operation: Operation, graph: list[Node], rng: np.random.Generator, *, closely: bool
    ) -> None:
        self.number, self.operation, self.graph, self.rng, self.closely = number, operation, graph, rng, closely
        self.is_sure = True

    def search(self, order: int) -> Iterator[Culprit]:
        """Yield what is wrong: with the rule, or with the closure of each operand, in the lowest order."""
        operation = self.operation
        error = operation.misconduct()
        if error:
            yield self._culprit(None, 1, error)
            return
        g = cotangent_for(operation.value(operation.point), self.rng)
        for index, place in enumerate(operation.places):
            current = 1
            error = operation.misconduct_of(place, g) or self._first_order(index, place)
            while not error and current < order:
                current += 1
                error = self._higher_order(place, g, current)
            if error:
                yield self._culprit(place, current, error)

    def _first_order(self, index: int, place: int) -> str:
        """Say what is wrong with the gradient for one operand."""
        operation = self.operation

        def pullback(arrays: Sequence[Array], cotangent: Array) -> list[Array]:
            return [np.asarray(operation.gradient(place, arrays, cotangent))]

        found = flaw(operation.value, pullback, operation.point, [index], self.rng, closely=self.closely)
        self.is_sure = self.is_sure and found.is_sure
        return found.words and f"gradient {found.words}"

    def _higher_order(self, place: int, g: Array, order: int) -> str:
        """Say what is wrong with the derivatives of the gradient for one operand: by each operand, and by `g`."""
        operation, point = self.operation, [*self.operation.point, g]
        try:
            for lower in range(1, order - 1):
                point.append(cotangent_for(operation.derivative(place, lower)(*point), self.rng))
            function = operation.derivative(place, order - 1)
            found = flaw(
                lambda arrays: np.asarray(function(*arrays)),
                lambda arrays, cotangent: operation.pullback(function, arrays)(cotangent),
                point, range(len(point)), self.rng, closely=self.closely, order=order,
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001 - whatever a rule may raise on Tensors: it is told
            return f"it fails on Tensors with {type(error).__name__}: {error}"
        self.is_sure = self.is_sure and found.is_sure
        inputs = [*(f"operand {source}" for source in operation.places), "the incoming gradient"]
        source = inputs[found.place] if found.place < len(inputs) else "a cotangent"
        return found.words and f"derivative by {source} {found.words}"

    def _culprit(self, place: int | None, order: int, error: str) -> Culprit:
        operation = self.operation
        return culprit_at(self.number, operation.node, self.graph, place, order, error, operation.line(place))


def culprit_at(
    number: int, node: Node, graph: list[Node], place: int | None, order: int, error: str, rule: str
) -> Culprit:
    """Return the data of a `Culprit`, with what a node knows of itself."""
    calls = list(calls_around(node, graph))
    path = ".".join(name for _, name, *_ in calls)
    # "" where the check itself calls a primitive of a file, so that nobody's line does.
    line = users_line([*((code, offset) for *_, code, offset, _ in calls), (node.code, node.offset)]) or ""
    operation, names = ("", ()) if node.primitive is None else (node.primitive.name, node.primitive.operand_names)
    operand_name = names[place] if place is not None and place < len(names) else ""
    return Culprit(number, operation, node.name or path, line, place, operand_name, order, error, rule)


def _operations(
    roots: Iterable[Node], values: dict[Node, Any] | None = None, number: int | None = None
) -> Iterator[tuple[int, Operation]]:
    """Yield the operations below `roots` with their numbers, the oldest first, and compute their `values` on the way.

    What a checkpoint stands for is recorded again, and bears its number.
    """
    values = {} if values is None else values
    for place, node in enumerate(nodes_below(*roots)):
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


def shortened(line: str) -> str:
    """Return ``file:line`` with the file relative to the working directory, if it is below."""
    folder = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118 - importing pathlib takes longer than this file
    return line.removeprefix(folder)
