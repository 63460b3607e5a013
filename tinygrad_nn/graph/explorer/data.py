"""A computation as the page reads it: plain data that JSON can hold, the same each time for the same computation."""

from __future__ import annotations

from typing import Any

from tinygrad_nn import trees
from tinygrad_nn.backprop import Node
from tinygrad_nn.errors import BackwardError
from tinygrad_nn.graph.explorer.arrays import Arrays, dtype_name
from tinygrad_nn.graph.explorer.backward import backward_steps
from tinygrad_nn.graph.explorer.groups import grouped
from tinygrad_nn.graph.explorer.rules import rule_text, source_line
from tinygrad_nn.graph.structure import Graph, GraphNode
from tinygrad_nn.graph.trace import operations_below, trace
from tinygrad_nn.tensor import Tensor


def page_data(result: Any, max_values: int) -> dict[str, Any]:
    """Return what the page shows: nodes, edges, groups, and the arrays, rules and lines that those refer to by number.

    Values and gradients are computed again, and nothing of the user's changes: no ``.grad``, no graph.

    Args:
        result: a recorded Tensor; or lists, tuples and dicts of such.
        max_values: how many elements an array may have to be written out in full.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> data = page_data((w * w).sum(), 64)
    >>> [data["arrays"][node["gradient"]]["values"] for node in data["nodes"]]
    [[6.0, 8.0], [1.0, 1.0], [1.0], [1.0]]

    """
    graph = trace(result, values=True)
    return _Page(graph, result, max_values).data()


class _Table:
    """Things that many nodes share, numbered in the order in which they come up."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def add(self, key: Any) -> int | None:
        """Return the number of a thing, and None for none."""
        return None if key is None else self.numbers.setdefault(key, len(self.numbers))


class _Page:
    """Numbers everything, and puts it together."""

    def __init__(self, graph: Graph, result: Any, max_values: int) -> None:
        self.graph = graph
        tensors = [x for x in trees.values(result) if isinstance(x, Tensor)]
        self.roots = [x._node for x in tensors if x._node is not None]
        self.sources = {(edge.target, edge.position): edge.source for edge in graph.edges}
        self.arrays = Arrays(max_values, expected=2 * len(graph.nodes) + len(graph.edges))
        self.rules, self.lines = _Table(), _Table()
        self.gradients: dict[int, int | None] = {}
        self.flows: dict[tuple[int, int], int | None] = {}
        self.remark = ""

    def data(self) -> dict[str, Any]:
        """Return everything."""
        self._walk_back()
        groups, homes = grouped(self.graph)
        nodes = [self._node(node, home) for node, home in zip(self.graph.nodes, homes, strict=True)]
        return {
            "remark": self.remark,
            "nodes": nodes,
            "edges": [[*edge, self.flows.get((edge.target, edge.position))] for edge in self.graph.edges],
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
        except BackwardError as error:  # the page shows what is left, and why the rest is not
            for left in self.graph.nodes:
                self.gradients.setdefault(left.id, self.arrays.add(left.gradient))
            self.remark = (
                f"Not all numbers can be shown. {error}. Then call explore() before a backward() that releases the "
                f"graph, and before parameters change."
            )

    def _ids(self) -> dict[Node, int]:
        """Return the number in the graph of each node of the engine; both have the same order."""
        operations = [node.id for node in self.graph.nodes if node.kind == "operation"]
        results = [node.id for node in self.graph.nodes if node.kind == "result"]
        ids = dict(zip(operations_below(self.roots), operations, strict=True))
        leaves = {
            operand: self.sources[number, place]
            for node, number in ids.items()
            for place, operand in enumerate(node.operands)
            if isinstance(operand, Node) and operand.is_leaf
        }
        return ids | leaves | {root: self.sources[number, 0] for root, number in zip(self.roots, results, strict=True)}

    def _node(self, node: GraphNode, group: int) -> dict[str, Any]:
        """Return a node without what is empty: of 100,000 nodes each word counts."""
        found = {
            "kind": node.kind,
            "label": node.label,
            "name": node.name,
            "shape": list(node.shape),
            "dtype": dtype_name(node.dtype) if node.dtype is not None else None,
            "group": group,
            "value": self.arrays.add(node.value),
            "gradient": self.gradients.get(self.sources[node.id, 0] if node.kind == "result" else node.id),
            "line": self.lines.add(node.source),
            "rule": self.rules.add(node.primitive),
            "flops": node.flops or None,
            "kept": node.kept or None,
        }
        return {key: value for key, value in found.items() if value is not None}
