"""Fewer boxes for the same graph: what repeats itself is shown once, and modules below a depth become one box each.

A folded graph is a `Graph` like any other, so that every view of graphs can show it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from operator import itemgetter

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.graph.modules import Path
from tinygrad_nn.graph.repeats import Run, Sequences, runs
from tinygrad_nn.graph.structure import Edge, Graph, GraphNode

READABLE = 60
"""Nodes that a picture may have to be read at the size of a page."""


def fold(graph: Graph, depth: int | None = None, repeats: bool = True) -> Graph:
    """Return `graph` with fewer nodes.

    Args:
        graph: from `trace`.
        depth: how many levels of modules inside one another to show; what is deeper becomes a node of the kind
            "module". All levels if None; with 0 each outermost module is one node.
        repeats: whether to show what repeats itself, three times or more, as one: the first of twelve blocks, of the
            steps of an unrolled loop, or of operations alike. It then stands in a module named "Block × 12".

    Raises:
        ArgumentError: a `depth` that is no number of levels.

    >>> import numpy as np, tinygrad_nn as tn
    >>> model = tn.nn.Sequential(*(tn.nn.Dense(4, 4, activation="tanh") for _ in range(12)))
    >>> graph = tn.graph.trace(model, np.ones((2, 4)))
    >>> [(node.modules, node.label) for node in fold(graph).nodes if node.kind == "operation"]
    [(('Sequential', 'Dense × 12', '0'), 'dense, tanh')]
    >>> [(node.kind, node.label, node.folded) for node in fold(graph, depth=0).nodes]
    [('input', 'input', 0), ('module', 'Sequential', 12), ('result', 'result', 0)]

    """
    if depth is not None and (not isinstance(depth, int) or depth < 0):
        message = f"fold: expected 'depth' to be a number of levels from 0 on, or None for all, got {depth!r}"
        raise ArgumentError(message)
    folding = _Folding(graph)
    if repeats:
        folding.merge_repeats()
    if depth is not None:
        folding.close_modules(depth)
    return folding.result()


def fitted(graph: Graph, limit: int = READABLE) -> Graph:
    """Return `graph` folded no further than it takes to have at most `limit` nodes, or else as far as can be.

    >>> import tinygrad_nn as tn
    >>> x = tn.Tensor(1.0, requires_grad=True)
    >>> for _ in range(1000):
    ...     x = x + x
    >>> fitted(tn.graph.trace(x))
    <Graph of 4 nodes: 1 parameter, 2 operations, 1 result>

    """
    if len(graph.nodes) <= limit:
        return graph
    folded = fold(graph)
    deepest = max((len(node.modules) for node in folded.nodes), default=0)
    for depth in range(deepest - 1, -1, -1):
        if len(folded.nodes) <= limit:
            break
        folded = fold(graph, depth)
    return folded


class _Folding:
    """Decides for each node which one stands for it, and for each that is shown in which modules it stands."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.stands_for = list(range(len(graph.nodes)))
        self.paths = {node.modules: node.modules for node in graph.nodes}
        self.places: dict[int, Path] = {}
        self.classes = dict(graph.classes)
        self.closed: dict[Path, int] = {}

    # Repetitions

    def merge_repeats(self) -> None:
        """Let the first of each run stand for the others, from the outermost modules in."""
        sequences = Sequences(self.graph)
        self.paths = {(): ()}
        stack: list[Path] = [()]
        while stack:
            path = stack.pop()
            items = sequences.items[path]
            titles: dict[int, str] = {}
            hidden: set[int] = set()
            for run in runs(sequences.signatures(path)):
                self._merge(run, path, sequences)
                title = self._title(run, path, sequences, set(titles.values()))
                titles |= dict.fromkeys(range(run.start, run.start + run.period), title)
                hidden |= set(range(run.start + run.period, run.start + run.period * run.times))
            for place, item in enumerate(items):
                home = (*self.paths[path], *((titles[place],) if place in titles else ()))
                if isinstance(item, tuple):
                    self.paths[item] = (*home, item[-1])
                    self.classes[self.paths[item]] = self.graph.classes.get(item, "")
                    if place not in hidden:
                        stack.append(item)
                else:
                    self.places[item] = home
        self._merge_sources()

    def _merge(self, run: Run, path: Path, sequences: Sequences) -> None:
        """Let each operation of the first period stand for those at the same place of the others."""
        items = sequences.items[path]
        periods = [
            [number for item in items[start : start + run.period] for number in sequences.inside(item)]
            for start in range(run.start, run.start + run.period * run.times, run.period)
        ]
        for later in periods[1:]:
            for number, first in zip(later, periods[0], strict=True):
                self.stands_for[number] = first

    def _title(self, run: Run, path: Path, sequences: Sequences, taken: set[str]) -> str:
        """Name a run by the class of its modules, or by its operation, and by how often it is repeated."""
        first = sequences.items[path][run.start : run.start + run.period]
        classes = dict.fromkeys(self.graph.classes.get(item, item[-1]) for item in first if isinstance(item, tuple))
        names = list(classes) or ["step" if run.period > 1 else self.graph.nodes[first[0]].label.partition(",")[0]]  # type: ignore[index]  # no module
        title = f"{' + '.join(names[:2])} × {run.times}"
        number = 2
        while title in taken:
            title = f"{title.partition(' #')[0]} #{number}"
            number += 1
        return title

    def _merge_sources(self) -> None:
        """Let what the first operation of a kind reads stand for what only the hidden ones read."""
        read = {(edge.target, edge.position): edge.source for edge in self.graph.edges}
        users: defaultdict[int, list[Edge]] = defaultdict(list)
        for edge in self.graph.edges:
            if self.graph.nodes[edge.source].kind != "operation":
                users[edge.source].append(edge)
        for source, edges in users.items():
            shown = {self._shown(edge.target) for edge in edges}
            if not shown & {edge.target for edge in edges}:
                first = read[self._shown(edges[0].target), edges[0].position]
                if self.graph.nodes[first].kind == self.graph.nodes[source].kind:
                    self.stands_for[source] = first

    def _shown(self, number: int) -> int:
        """Return the node that stands for another: the first of its run, which may itself be in a hidden module."""
        while self.stands_for[number] != number:
            number = self.stands_for[number]
        return number

    # Modules

    def close_modules(self, depth: int) -> None:
        """Let the first operation of each module that is deeper than `depth` stand for all that is in it."""
        firsts: dict[Path, int] = {}
        for node in self.graph.nodes:
            path = self._place(node)
            if self._shown(node.id) == node.id and len(path) > depth and node.kind != "result":
                module = path[: depth + 1]
                if node.kind == "operation":
                    self.stands_for[node.id] = firsts.setdefault(module, node.id)
        self.closed = firsts
        for node in self.graph.nodes:  # what a module has of its own goes with it
            module = self._place(node)[: depth + 1]
            if node.kind not in ("operation", "result") and self._shown(node.id) == node.id and module in firsts:
                self.stands_for[node.id] = firsts[module]

    def _place(self, node: GraphNode) -> Path:
        """Return the modules in which a node is shown."""
        return self.places.get(node.id, self.paths.get(node.modules, node.modules))

    # The folded graph

    def result(self) -> Graph:
        """Return what is shown, with new ids in topological order."""
        shown = [self._shown(number) for number in range(len(self.stands_for))]
        order = self._order(shown)
        ids = {number: place for place, number in enumerate(order)}
        closed = {first: path for path, first in self.closed.items()}
        edges: dict[Edge, None] = {}
        carried: dict[Edge, None] = {}
        last: dict[int, int] = {}
        for edge in self.graph.edges:
            source, target = shown[edge.source], shown[edge.target]
            if source != target:
                last[source] = max(last.get(source, 0), edge.source)
            if source != target or source not in closed:
                is_forward = self.graph.nodes[source].kind != "operation" or source < target
                # A line for each place where a value goes in, but one for all that goes into a closed module, and one
                # for what comes out of all steps, shown and hidden.
                is_one_of_many = target in closed or (edge.source != source and edge.target == target)
                position = 0 if is_one_of_many else edge.position
                (edges if is_forward else carried)[Edge(ids[source], ids[target], position)] = None
        members: defaultdict[int, list[GraphNode]] = defaultdict(list)
        for node, first in zip(self.graph.nodes, shown, strict=True):
            if first in closed:
                members[first].append(node)
        nodes = [
            self._module(closed[number], members[number], last.get(number)) if number in closed else self._node(number)
            for number in order
        ]
        numbered = tuple(node._replace(id=place) for place, node in enumerate(nodes))
        by_target = itemgetter(1, 2, 0)
        return Graph(numbered, tuple(sorted(edges, key=by_target)), self.classes, tuple(sorted(carried, key=by_target)))

    def _order(self, shown: Iterable[int]) -> list[int]:
        """List the nodes that are shown, operations in their old order and each source just before its first use."""
        first_use: dict[int, int] = {}
        for edge in self.graph.edges:
            source, target = self._shown(edge.source), self._shown(edge.target)
            if self.graph.nodes[source].kind != "operation":
                first_use[source] = min(first_use.get(source, target), target)
        return sorted(set(shown), key=lambda number: (first_use.get(number, number), number not in first_use, number))

    def _node(self, number: int) -> GraphNode:
        node = self.graph.nodes[number]
        return node._replace(modules=self._place(node))

    def _module(self, path: Path, members: list[GraphNode], leaving: int | None) -> GraphNode:
        """Return the one node for a module, given what is in it, and which was the last of that to leave it."""
        operations = [node for node in members if node.kind == "operation"]
        last = operations[-1] if leaving is None else self.graph.nodes[leaving]
        return GraphNode(
            id=last.id,
            kind="module",
            label=path[-1],
            name=self.classes.get(path),
            shape=last.shape,
            dtype=last.dtype,
            modules=path[:-1],
            gradient=last.gradient,
            value=last.value,
            flops=sum(node.flops for node in operations),
            kept=sum(node.kept for node in operations),
            folded=len(operations),
            parameters=sum(math.prod(node.shape) for node in members if node.kind == "parameter"),
        )
