"""What takes a way that is not recorded: values that leave the graph of the inputs, and come back as constants.

Not every constant that changes with the inputs is a mistake. A softmax subtracts a maximum that it need not
differentiate, for the result does not depend on it. So each is moved by itself, and what moves the result is named.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from types import CodeType
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.backprop import Node, no_grad
from tinygrad_nn.checking.culprit import Culprit, culprit_at
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import raw
from tinygrad_nn.transforms.replay import evaluate, nodes_below

_Place: TypeAlias = tuple[Node, int]
"""An operand: the node, and the position."""

_ROUNDING = 64
"""How many times the precision of a result it may move by for a constant that it does not depend on."""

_PART = 1e-6
"""The part of a result's whole change below which a constant does not matter."""


def find_detached(
    roots: Sequence[Node],
    moved: Sequence[Node],
    exits: Sequence[str] = (),
    *,
    passed_over: Container[CodeType | None] = (),
) -> tuple[Culprit, ...]:
    """Name the operands that are constants to the graph, and yet change with the inputs, and the results with them.

    Args:
        roots: the nodes of the results, as for `find_culprits`.
        moved: those of the same function, recorded at inputs that differ by little.
        exits: where values left the graph, in words, as far as is known.
        passed_over: code whose operations are not looked at.

    Returns:
        one `Culprit` for each such operand; empty if the graphs do not match.

    >>> import tinygrad_nn as tn
    >>> def f(x):
    ...     return (x * x.detach())._node
    >>> (culprit,) = find_detached([f(tn.Tensor(1.0, requires_grad=True))], [f(tn.Tensor(1.01, requires_grad=True))])
    >>> culprit.operand, culprit.error
    (1, 'a constant to the graph that changes with the inputs; detach(), numpy(), item() or float() cut it off')

    """
    graph, other = nodes_below(*roots), nodes_below(*moved)
    if [(node.primitive, node.shape) for node in graph] != [(node.primitive, node.shape) for node in other]:
        return ()
    equals: dict[bytes, dict[_Place, tuple[Any, Any]]] = {}  # the same constant at several places may cancel itself
    for node, twin in zip(graph, other, strict=True):
        for place, pair in enumerate(zip(node.operands, twin.operands, strict=True)):
            here, there = (None if isinstance(x, Node) else raw(x) for x in pair)
            is_constant = here is not None and there is not None and node.code not in passed_over
            if is_constant and _differ(here, there):
                equals.setdefault(np.asarray(here).tobytes(), {})[node, place] = here, there
    if not equals:
        return ()
    matters = _Matters(roots, moved, graph)
    if not matters({place: pair for group in equals.values() for place, pair in group.items()}):
        return ()
    error = f"a constant to the graph that changes with the inputs; {cut_by(exits)}"
    places = {place for group in equals.values() if matters(group) for place in group}
    return tuple(
        culprit_at(number, node, graph, place, 1, error, "")
        for number, node in enumerate(graph)
        for place in range(len(node.operands))
        if (node, place) in places
    )


def cut_by(exits: Sequence[str]) -> str:
    """Say what cut a value off: the `exits` that are known, or what such an exit may be."""
    return f"{' or '.join(exits) or 'detach(), numpy(), item() or float()'} cut it off"


class _Matters:
    """Tells whether results depend on some constants of their graph: it is evaluated again, with these moved."""

    def __init__(self, roots: Sequence[Node], moved: Sequence[Node], graph: Sequence[Node]) -> None:
        self.roots = roots
        self.leaves = {node: raw(node.array) for node in graph if node.is_leaf}  # type: ignore[attr-defined]  # a Leaf
        eps = max((float(np.finfo(node.dtype).eps) for node in graph if node.dtype.kind == "f"), default=0.0)
        values = self._values({})
        leaves = {node: raw(node.array) for node in nodes_below(*moved) if node.is_leaf}  # type: ignore[attr-defined]
        others = _evaluated(moved, leaves)
        self.limits = [
            _ROUNDING * eps * np.abs(a).max(initial=0.0) + _PART * np.abs(a - b).max(initial=0.0)
            for a, b in zip(values, others, strict=True)
        ]

    def __call__(self, constants: Mapping[_Place, tuple[Any, Any]]) -> bool:
        """Tell whether a result changes with `constants`, given with the values that they move to.

        They are moved there and to the other side: what is at a minimum in them does not depend on them either.
        """
        try:
            ahead = self._values({place: there for place, (_, there) in constants.items()})
            behind = self._values({place: 2 * here - there for place, (here, there) in constants.items()})
        except (ValueError, ArithmeticError):  # outside of the domain
            return True
        return not all(np.all(np.abs(a - b) <= limit) for a, b, limit in zip(ahead, behind, self.limits, strict=True))

    def _values(self, changed: Mapping[_Place, Any]) -> list[Array]:
        """Return the results with some operands `changed`."""
        own = {node: node.operands for node, _ in changed}
        try:
            for (node, place), value in changed.items():
                node.operands = [*node.operands[:place], value, *node.operands[place + 1 :]]
            return _evaluated(self.roots, self.leaves)
        finally:
            for node, operands in own.items():
                node.operands = operands


def _evaluated(roots: Sequence[Node], leaves: Mapping[Node, Array]) -> list[Array]:
    known: dict[Node, Any] = dict(leaves)
    with no_grad(), np.errstate(all="ignore"):
        return [np.asarray(raw(evaluate(root, known))) for root in roots]


def _differ(a: Any, b: Any) -> bool:
    """Tell whether two constants are of a floating dtype and differ: masks and indices jump, but have no gradient."""
    return np.shape(a) == np.shape(b) and np.result_type(a).kind == "f" and not np.array_equal(a, b, equal_nan=True)
