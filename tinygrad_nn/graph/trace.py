"""`trace`: from a recorded Tensor to a `Graph`.

The walk is iterative, so a chain of 100,000 operations is traced as one of ten is, and it reads only the skeleton that
`backward()` leaves, so a graph can be traced before and after.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.backprop import Node
from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.graph.labels import local_name, operand_label, operation_label
from tinygrad_nn.graph.modules import Path, common_path, module_paths
from tinygrad_nn.graph.structure import Edge, Graph, GraphNode, Kind
from tinygrad_nn.tensor import Operand, Tensor, raw

_Source: TypeAlias = tuple[int, Hashable, Any]
"""What feeds an operation: the operand's position, a key that tells one source from another, and the node or array."""


def trace(result: Operand) -> Graph:
    """Return the computation that made `result`, as plain data.

    Args:
        result: a Tensor that depends on one with ``requires_grad=True``, before or after its `backward()`.

    Raises:
        ArgumentError: `result` is no Tensor, or nothing was recorded for it.

    >>> import tinygrad_nn as tn
    >>> from tinygrad_nn import graph
    >>> w = tn.Tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> for node in graph.trace((w * 0.5).sum()).nodes:
    ...     print(node.id, node.kind, node.label, node.shape)
    0 parameter w (2,)
    1 operation multiply by 0.5 (2,)
    2 operation sum ()
    3 result result ()

    """
    if not isinstance(result, Tensor):
        message = f"graph: expected a Tensor, got {type(result).__name__}. Pass a loss, or one result of a model"
        raise ArgumentError(message)
    root = result._node
    if root is None:
        message = (
            f"graph: expected a Tensor that remembers how it was made, but for this one, of shape {result.shape}, "
            f"nothing was recorded. Set requires_grad=True on a parameter or an input, and compute outside of no_grad()"
        )
        raise ArgumentError(message)
    operations = _operations(root)
    return _Tracer(operations, module_paths(operations)).trace(root)


def _operations(root: Node) -> list[Node]:
    """List the operations below `root` in the order in which they were recorded, which is a topological one."""
    found: set[Node] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if not node.is_leaf and node not in found:
            found.add(node)
            stack.extend(operand for operand in node.operands if isinstance(operand, Node))
    return sorted(found, key=attrgetter("stamp"))


def _number(operand: Any) -> Any:
    """Return `operand` if it is a single number whose value is known, and None if it is a source of its own."""
    value = raw(operand)
    return None if isinstance(value, (Node, tuple)) or np.ndim(value) else value


def _sources(operation: Node) -> Iterator[_Source]:
    """Yield what feeds `operation`: all of its operands but the numbers, which are written on it."""
    for position, operand in enumerate(operation.operands):
        if _number(operand) is None:
            value = raw(operand)
            # A shape is all that is left of an array that was released: which array it was, nobody knows any more.
            yield position, (id(operation), position) if isinstance(value, tuple) else id(value), value


def _holds_leaf(sources: list[_Source]) -> bool:
    return any(isinstance(value, Node) and value.is_leaf for _, _, value in sources)


class _Tracer:
    """Builds the graph: each operation comes right after those of its sources that nothing has used before."""

    def __init__(self, operations: Sequence[Node], paths: Sequence[Path]) -> None:
        self.operations = operations
        self.paths = paths
        self.nodes: list[GraphNode] = []
        self.edges: list[Edge] = []
        self.ids: dict[Hashable, int] = {}
        self.homes: dict[Hashable, Path] = {}
        self.inputs: set[Hashable] = set()

    def trace(self, root: Node) -> Graph:
        """Add everything, in order."""
        self._settle()
        for operation, path in zip(self.operations, self.paths, strict=True):
            sources = list(_sources(operation))
            for position, key, value in sources:
                if key not in self.ids:
                    self._add_source(key, value, operand_label(operation, position))
            target = self._add_operation(operation, path, is_root=operation is root)
            self.edges += [Edge(self.ids[key], target, position) for position, key, _ in sources]
        if root.is_leaf:
            self._add_source(id(root), root, "")
        result = self._add("result", root.name or "result", root.name, root, ())
        self.edges.append(Edge(self.ids[id(root)], result, 0))
        return Graph(tuple(self.nodes), tuple(self.edges))

    def _settle(self) -> None:
        """Find a home for each source: the modules that all of its uses share, and none for inputs."""
        for operation, path in zip(self.operations, self.paths, strict=True):
            sources = list(_sources(operation))
            for position, key, value in sources:
                self.homes[key] = common_path(self.homes.get(key, path), path)
                if position == 0 and not isinstance(value, Node) and _holds_leaf(sources):
                    self.inputs.add(key)
        self.homes.update(dict.fromkeys(self.inputs, ()))

    def _add_operation(self, operation: Node, path: Path, *, is_root: bool) -> int:
        name = operation.primitive.name if operation.primitive else ""
        label = operation_label(name, [_number(operand) for operand in operation.operands], operation.options)
        self.ids[id(operation)] = self._add("operation", label, None if is_root else operation.name, operation, path)
        return self.ids[id(operation)]

    def _add_source(self, key: Hashable, value: Any, label: str) -> None:
        path = self.homes.get(key, ())
        if isinstance(value, Node):
            number = self._add("parameter", local_name(value.name or "leaf", path), value.name, value, path)
        else:
            kind: Kind = "input" if key in self.inputs else "constant"
            number = self._add(kind, "input" if kind == "input" else label, None, value, path)
        self.ids[key] = number

    def _add(self, kind: Kind, label: str, name: str | None, value: Any, path: Path) -> int:
        shape = value if isinstance(value, tuple) else value.shape
        gradient = value.grad if isinstance(value, Node) else None
        number = len(self.nodes)
        self.nodes.append(GraphNode(number, kind, label, name, shape, getattr(value, "dtype", None), path, gradient))
        return number
