"""A computation as the page reads it: plain data that JSON can hold, the same each time for the same computation."""

from __future__ import annotations

from typing import Any

from tinygrad_nn import trees
from tinygrad_nn.backprop import Node
from tinygrad_nn.errors import BackwardError
from tinygrad_nn.graph.collecting import no_collections
from tinygrad_nn.graph.explorer.arrays import Arrays, dtype_name
from tinygrad_nn.graph.explorer.backward import backward_steps, seed
from tinygrad_nn.graph.explorer.groups import grouped
from tinygrad_nn.graph.explorer.rules import rule_text, source_line
from tinygrad_nn.graph.structure import Edge, Graph, GraphNode
from tinygrad_nn.graph.trace import operations_below, trace
from tinygrad_nn.tensor import Tensor

LARGEST = 10_000
"""Operations of which a page tells the numbers: with those of 100,000 it would have a hundred megabytes."""

LEFT_OUT = -1
"""The number of an array that is left out, where one flows."""


@no_collections()
def page_data(result: Any, max_values: int) -> dict[str, Any]:
    """Return what the page shows: nodes, edges, groups, and the arrays, rules and lines that those refer to by number.

    Values and gradients are computed again, and nothing of the user's changes: no ``.grad``, no graph. Of more than
    10,000 operations they are left out, and the page says so.

    Args:
        result: a recorded Tensor; or lists, tuples and dicts of such.
        max_values: how many elements an array may have to be written out in full.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> data = page_data((w * w).sum(), 64)
    >>> [data["arrays"][node["gradient"]]["values"] for node in data["nodes"]]
    [[6.0, 8.0], [1.0, 1.0], [1.0], [1.0]]

    """
    roots = [x._node for x in trees.values(result) if isinstance(x, Tensor) and x._node is not None]
    operations = operations_below(roots)
    graph = trace(result, values=len(operations) <= LARGEST)
    return _Page(graph, roots, operations, max_values).data()


class _Table:
    """Things that many nodes share, numbered in the order in which they come up."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def add(self, key: Any) -> int | None:
        """Return the number of a thing, and None for none."""
        return None if key is None else self.numbers.setdefault(key, len(self.numbers))


class _Page:
    """Numbers everything, and puts it together."""

    def __init__(self, graph: Graph, roots: list[Node], operations: list[Node], max_values: int) -> None:
        self.graph = graph
        self.roots = roots
        self.results = {e.target: e.source for e in graph.edges if graph.nodes[e.target].kind == "result"}
        # The operations of the graph and of the engine are in the same order.
        numbers = [node.id for node in graph.nodes if node.kind == "operation"]
        self.recorded = dict(zip(numbers, operations, strict=True))
        self.has_numbers = len(operations) <= LARGEST
        self.arrays = Arrays(max_values, expected=2 * len(graph.nodes) + len(graph.edges))
        self.rules, self.lines = _Table(), _Table()
        self.gradients: dict[int, int | None] = {}
        self.flows: dict[tuple[int, int], int | None] = {}
        self.remark = ""

    def data(self) -> dict[str, Any]:
        """Return everything."""
        if self.has_numbers:
            self._walk_back()
        else:
            self.remark = (
                f"Values and gradients are left out: a page with those of {len(self.recorded):,} operations would be "
                f"too large to open, and {LARGEST:,} is the most that it tells them of. Explore a part of the "
                f"computation, or fewer steps, to see them."
            )
        groups, homes = grouped(self.graph)
        nodes = [self._node(node, home) for node, home in zip(self.graph.nodes, homes, strict=True)]
        return {
            "remark": self.remark,
            "nodes": nodes,
            "edges": [(*edge, self._flow(edge)) for edge in self.graph.edges],
            "groups": [group._asdict() for group in groups],
            "arrays": self.arrays.summaries,
            "rules": [rule_text(primitive) for primitive in self.rules.numbers],
            "lines": [source_line(place) for place in self.lines.numbers],
        }

    def _walk_back(self) -> None:
        """Note the gradient of each node, and what flows along each edge, as far as it can still be computed."""
        ids = self._ids()
        try:
            for node, gradient, contributions in backward_steps(list(dict.fromkeys(self.roots))):
                self.gradients[ids[node]] = self.arrays.add(gradient)
                for place, contribution in enumerate(contributions):
                    if contribution is not None:
                        self.flows[ids[node], place] = self.arrays.add(contribution)
            for root, result in zip(self.roots, self.results, strict=True):
                self.flows[result, 0] = self.arrays.add(seed(root))
        except BackwardError as error:  # the page shows what is left, and why the rest is not
            for left in self.graph.nodes:
                self.gradients.setdefault(left.id, self.arrays.add(left.gradient))
            self.remark = (
                f"Not all numbers can be shown. {error}. Then call explore() before a backward() that releases the "
                f"graph, and before parameters change."
            )

    def _ids(self) -> dict[Node, int]:
        """Return the number in the graph of each node of the engine."""
        ids = {node: number for number, node in self.recorded.items()}
        sources = {(edge.target, edge.position): edge.source for edge in self.graph.edges}
        leaves = {
            operand: sources[number, place]
            for node, number in ids.items()
            for place, operand in enumerate(node.operands)
            if isinstance(operand, Node) and operand.is_leaf
        }
        return ids | leaves | dict(zip(self.roots, self.results.values(), strict=True))

    def _flow(self, edge: Edge) -> int | None:
        """Return the number of the array that flows back along an edge."""
        if self.has_numbers:
            return self.flows.get((edge.target, edge.position))
        closures = self.recorded[edge.target].closures if edge.target in self.recorded else [True]
        return None if closures is None or closures[edge.position] is None else LEFT_OUT

    def _node(self, node: GraphNode, group: int) -> dict[str, Any]:
        """Return a node without what is empty: of 100,000 nodes each word counts."""
        found = {
            "kind": node.kind,
            "label": node.label,
            "name": node.name,
            "shape": node.shape,
            "dtype": dtype_name(node.dtype) if node.dtype is not None else None,
            "group": group,
            "value": self.arrays.add(node.value),
            "gradient": self.gradients.get(self.results.get(node.id, node.id)),
            "line": self.lines.add(node.source),
            "rule": self.rules.add(node.primitive),
            "flops": node.flops or None,
            "kept": node.kept or None,
        }
        return {key: value for key, value in found.items() if value is not None}
