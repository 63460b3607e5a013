"""`trace`: from a recorded Tensor to a `Graph`.

The walk is iterative, so a chain of 100,000 operations is traced as one of ten is, and it reads only the skeleton that
`backward()` leaves, so a graph can be traced before and after.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Hashable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn import trees
from tinygrad_nn.backprop import Node, users_line
from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.graph.collecting import no_collections
from tinygrad_nn.graph.flops import estimated_flops
from tinygrad_nn.graph.labels import local_name, operand_label, operation_label
from tinygrad_nn.graph.modules import Call, Path, calls_around_each, common_path, path_of
from tinygrad_nn.graph.structure import Edge, Graph, GraphNode, Kind
from tinygrad_nn.graph.values import node_values
from tinygrad_nn.nn.memory import arrays_kept, memory_of
from tinygrad_nn.nn.module import Module
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw

_Source: TypeAlias = tuple[int, Hashable, Any]
"""What feeds an operation: the operand's position, a key that tells one source from another, and the node or array."""


def trace(result: Any, *inputs: Any, values: bool = False) -> Graph:
    """Return a computation as plain data, with ids, names and order that are the same each time.

    Args:
        result: a Tensor that depends on one with ``requires_grad=True``, before or after its `backward()`; lists,
            tuples and dicts of such; or a module, which is run once on `inputs`.
        inputs: what to run the module on.
        values: whether to compute the value of each node again and keep it. After a `backward()` that has released
            the graph, and for parameters that have changed since, there is none.

    Raises:
        ArgumentError: `result` is nothing of that kind, or nothing was recorded for it; inputs without a module, or
            other inputs than the module takes.

    >>> import tinygrad_nn as tn
    >>> from tinygrad_nn import graph
    >>> w = tn.Tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> for node in graph.trace((w * 0.5).sum(), values=True).nodes:
    ...     print(node.id, node.kind, node.label, node.shape, node.value)
    0 parameter w (2,) [3. 4.]
    1 operation multiply by 0.5 (2,) [1.5 2. ]
    2 operation sum () 3.5
    3 result result () 3.5

    """
    results = _results(outcome("graph", result, inputs))
    roots = dict.fromkeys(tensor._node for _, tensor in results if tensor._node is not None)
    operations = operations_below(roots)
    tracer = _Tracer(operations, node_values(roots) if values else {})
    return tracer.trace([(path, tensor._node) for path, tensor in results if tensor._node is not None])


def outcome(what: str, result: Any, inputs: Sequence[Any]) -> Any:
    """Return `result`, or if it is a module what it makes of `inputs`; `what` is the operation to name in errors."""
    if not isinstance(result, Module):
        if inputs:
            kind = type(result).__name__
            message = f"{what}: expected inputs only for a module, got {len(inputs)} for a {kind}. Leave them out"
            raise ArgumentError(message)
        return result
    wanted = inspect.signature(result.forward)
    try:
        wanted.bind(*inputs)
    except TypeError as error:
        called = f"{type(result).__name__}.forward({', '.join(wanted.parameters)})"
        message = (
            f"{what}: expected example inputs for {called}, got {len(inputs) or 'none'}: {error}. "
            f"Pass them last: tn.draw(model, x), tn.explore(model, 'graph.html', x)"
        )
        raise ArgumentError(message) from None
    return result(*inputs)


def _results(result: Any) -> list[tuple[str, Tensor]]:
    """List the Tensors of a result that were recorded, each with its path in it."""
    tensors = [(path, tensor) for path, tensor in trees.leaves(result) if isinstance(tensor, Tensor)]
    if not tensors:
        is_graph = isinstance(result, Graph)  # draw, fold and statistics take it, but it cannot be computed again
        remedy = "Pass what it was traced from" if is_graph else "Pass a loss, or the result of a model"
        message = f"graph: expected a Tensor, got {type(result).__name__}. {remedy}"
        raise ArgumentError(message)
    recorded = [(path, tensor) for path, tensor in tensors if tensor._node is not None]
    if not recorded:
        message = (
            f"graph: expected a Tensor that remembers how it was made, but for this one, of shape "
            f"{tensors[0][1].shape}, nothing was recorded. Set requires_grad=True on a parameter or an input, and "
            f"compute outside of no_grad()"
        )
        raise ArgumentError(message)
    return recorded


def operations_below(roots: Iterable[Node]) -> list[Node]:
    """List the operations below `roots` in the order in which they were recorded, which is a topological one."""
    found: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if not node.is_leaf and node not in found:
            found.add(node)
            stack.extend(operand for operand in node.operands if isinstance(operand, Node))
    return sorted(found, key=attrgetter("stamp"))


def number_on(operand: Any) -> Any:
    """Return `operand` if it is a single number whose value is known, and None if it is a source of its own."""
    if isinstance(operand, Node):
        return None
    value = raw(operand)
    return None if isinstance(value, tuple) or bool(getattr(value, "ndim", 0)) else value


def _content(operation: Node, position: int) -> Hashable:
    """Return what tells one array from others: its content, for each operation has a copy of its own of an input."""
    value = raw(operation.operands[position])
    if isinstance(value, tuple):  # all that is left of an array that was released: which it was, nobody knows any more
        return id(operation), position
    return value.shape, value.dtype.str, hash(value.tobytes())


def _is_uniform(value: Any) -> bool:
    """Tell whether an array is one number all over."""
    return not isinstance(value, tuple) and (value.size == 0 or bool((value == value.flat[0]).all()))


_PRODUCTS = frozenset({"dense", "matmul", "dot", "contract", "conv", "conv_input"})
"""Operations whose first operand is the data, also where the second is no parameter but made of one."""


def _reads_input(operation: Node) -> bool:
    """Tell whether the first operand of `operation` is an array, and an input of the network."""
    first = operation.operands[0]
    if isinstance(first, Node) or number_on(first) is not None:
        return False
    is_product = operation.primitive is not None and operation.primitive.name in _PRODUCTS
    return is_product or any(isinstance(operand, Node) and operand.is_leaf for operand in operation.operands)


class _Tracer:
    """Builds the graph: each operation comes right after those of its sources that nothing has used before."""

    def __init__(self, operations: Sequence[Node], values: dict[Node, Array]) -> None:
        self.operations = operations
        self.values = values
        self.nodes: list[GraphNode] = []
        self.edges: list[Edge] = []
        self.classes: dict[Path, str] = {}
        self.ids: dict[Hashable, int] = {}
        self.sources: dict[Hashable, Any] = {}
        self.homes: dict[Hashable, Path] = {}
        self.inputs = {_content(operation, 0) for operation in operations if _reads_input(operation)}
        self.counted: set[int] = set()

    @no_collections()
    def trace(self, results: Sequence[tuple[str, Any]]) -> Graph:
        """Add everything, in order."""
        roots = {root for _, root in results}
        around: tuple[Call, ...] = ()
        path: Path = ()
        for operation, calls in zip(self.operations, calls_around_each(self.operations), strict=True):
            if calls is not around:  # by identity: to compare calls would be to compare code objects
                around, path = calls, path_of(calls)
                self.classes |= {path[: depth + 1]: call.kind for depth, call in enumerate(calls)}
            self._add_operation(operation, calls, path, is_root=operation in roots)
        for path_in_result, root in results:
            if root not in self.ids:
                self._add_source(root, root, "", ())
            label = root.name or f"result{path_in_result}"
            target = self._add("result", label, root.name, root.shape, root.dtype, (), root.grad, root)
            self.edges.append(Edge(self.ids[root], target, 0))
        for key, source in self.sources.items():
            self._settle(key, source)
        return Graph(tuple(self.nodes), tuple(self.edges), self.classes)

    def _add_operation(self, operation: Node, calls: tuple[Call, ...], path: Path, *, is_root: bool) -> None:
        """Add an operation, what it is the first to use, and its edges."""
        sources = list(self._sources(operation))
        for position, key, value in sources:
            if key not in self.ids:
                self._add_source(key, value, operand_label(operation, position), path)
            elif key in self.sources:
                self.homes[key] = common_path(self.homes[key], path)
        name = operation.primitive.name if operation.primitive else ""
        label = operation_label(name, [number_on(operand) for operand in operation.operands], operation.options)
        target = self.ids[operation] = self._add(
            "operation",
            sys.intern(label),  # of 100,000 operations most have one of a few
            None if is_root else operation.name,
            operation.shape,
            operation.dtype,
            path,
            operation.grad,
            operation,
            users_line([*((call.code, call.offset) for call in calls), (operation.code, operation.offset)]),
            operation.primitive,
            estimated_flops(operation),
            self._kept(operation),
        )
        self.edges += [Edge(self.ids[key], target, position) for position, key, _ in sources]

    def _sources(self, operation: Node) -> Iterator[_Source]:
        """Yield what feeds `operation`: all of its operands but the numbers, which are written on it.

        Arrays of one number all over, such as a mask and a target of ones, may be alike by chance, so each is a source
        of its own; but an input of ones is one, however often it is read.
        """
        for position, operand in enumerate(operation.operands):
            if isinstance(operand, Node):
                yield position, operand, operand
            elif number_on(operand) is None:
                value, key = raw(operand), _content(operation, position)
                yield position, id(value) if key not in self.inputs and _is_uniform(value) else key, value

    def _kept(self, operation: Node) -> int:
        """Count the memory that an operation holds for backward, but what leaves or earlier operations hold."""
        total = 0
        for array in arrays_kept(operation):
            memory = memory_of(array)
            if id(memory) not in self.counted:
                self.counted.add(id(memory))
                total += memory.nbytes
        return total

    def _add_source(self, key: Hashable, value: Any, label: str, path: Path) -> None:
        """Add what an operation in the modules `path` is the first to read; `_settle` has the last word on it."""
        self.sources[key], self.homes[key] = value, path
        if isinstance(value, Node):
            self.counted.add(id(memory_of(raw(value.array))))  # type: ignore[attr-defined]  # a leaf
            self.ids[key] = self._add(
                "parameter", value.name or "leaf", value.name, value.shape, value.dtype, path, value.grad, value
            )
        else:
            shape, dtype = (value, None) if isinstance(value, tuple) else (value.shape, value.dtype)
            self.ids[key] = self._add("constant", label, None, shape, dtype, path, None, value)

    def _settle(self, key: Hashable, source: Any) -> None:
        """Give a source its home: the modules that all of its uses share, and none for inputs."""
        number, home = self.ids[key], self.homes[key]
        node = self.nodes[number]
        if isinstance(source, Node):
            self.nodes[number] = node._replace(label=local_name(node.label, home), modules=home)
        elif key in self.inputs:
            self.nodes[number] = node._replace(kind="input", label="input", modules=())
        else:
            self.nodes[number] = node._replace(modules=home)

    def _add(
        self,
        kind: Kind,
        label: str,
        name: str | None,
        shape: tuple[int, ...],
        dtype: np.dtype[Any] | None,
        path: Path,
        gradient: Any,
        what: Any,
        *more: Any,
    ) -> int:
        """Add a node, all arguments by position: of 100,000 operations naming them would take a second."""
        number = len(self.nodes)
        value = self._value(what) if self.values else None
        self.nodes.append(GraphNode(number, kind, label, name, shape, dtype, path, gradient, value, *more))
        return number

    def _value(self, what: Any) -> Array | None:
        """Return a value that stays as it is when parameters go on to change."""
        value = self.values.get(what) if isinstance(what, Node) else what
        return None if value is None or isinstance(value, tuple) else np.array(value)
