"""Fewer boxes for the same graph: what repeats itself is shown once, and modules below a depth become one box each.

A folded graph is a `Graph` like any other, so that every view of graphs can show it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
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
    return next(foldings(graph, limit))


def foldings(graph: Graph, limit: int) -> Iterator[Graph]:
    """Yield `graph` as it is, with what repeats itself drawn once, and then with less and less levels of modules.

    Of these those that have at most `limit` nodes, and the last in any case.
    """
    if len(graph.nodes) <= limit:
        yield graph
    folding = _Folding(graph)
    folding.merge_repeats()
    depth = folding.deepest()
    while depth > 0:
        if folding.size() <= limit:
            yield folding.result()
        depth -= 1
        folding.close_modules(depth)
    yield folding.result()


class _Folding:
    """Decides for each node which one stands for it, and for each that is shown in which modules it stands."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.stands_for = list(range(len(graph.nodes)))
        self.repeated = self.stands_for
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
            named: Counter[str] = Counter()
            hidden: set[int] = set()
            for run in runs(sequences.signatures(path)):
                self._merge(run, path, sequences)
                title = self._title(run, path, sequences)
                named[title] += 1
                title = title if named[title] == 1 else f"{title} #{named[title]}"
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
        self.repeated = list(self.stands_for)

    def _merge(self, run: Run, path: Path, sequences: Sequences) -> None:
        """Let each operation of the first period stand for those at the same place of the others."""
        items = sequences.items[path][run.start : run.start + run.period * run.times]
        numbers = [number for item in items for number in sequences.inside(item)]
        length = len(numbers) // run.times
        for place, number in enumerate(numbers):
            self.stands_for[number] = numbers[place % length]

    def _title(self, run: Run, path: Path, sequences: Sequences) -> str:
        """Name a run by the class of its modules, or by its operation, and by how often it is repeated."""
        first = sequences.items[path][run.start : run.start + run.period]
        classes = dict.fromkeys(self.graph.classes.get(item, item[-1]) for item in first if isinstance(item, tuple))
        names = list(classes) or ["step" if run.period > 1 else self.graph.nodes[first[0]].label.partition(",")[0]]  # type: ignore[index]  # no module
        return f"{' + '.join(names[:2])} × {run.times}"

    def _merge_sources(self) -> None:
        """Let what the first operation of a kind reads stand for what only the hidden ones read."""
        nodes = self.graph.nodes
        reading = [edge for edge in self.graph.edges if nodes[edge.source].kind != "operation"]
        read = {(edge.target, edge.position): edge.source for edge in reading}
        users: defaultdict[int, list[Edge]] = defaultdict(list)
        for edge in reading:
            users[edge.source].append(edge)
        for source, edges in users.items():
            shown = {self._shown(edge.target) for edge in edges}
            if not shown & {edge.target for edge in edges}:
                first = read.get((self._shown(edges[0].target), edges[0].position))
                if first is not None and nodes[first].kind == nodes[source].kind:
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

    def size(self) -> int:
        """Return how many nodes are shown."""
        return sum(number == first for number, first in enumerate(self.stands_for))

    def deepest(self) -> int:
        """Return how many levels of modules there are around what is shown."""
        shown = (node for node in self.graph.nodes if self.stands_for[node.id] == node.id)
        return max((len(self._place(node)) for node in shown), default=0)

    def result(self) -> Graph:
        """Return what is shown, with new ids in topological order."""
        shown = [self._shown(number) for number in range(len(self.stands_for))]
        order = self._order(shown)
        if len(order) == len(shown):  # nothing is hidden
            return self.graph
        ids = {number: place for place, number in enumerate(order)}
        closed = {first: path for path, first in self.closed.items()}
        edges: dict[Edge, None] = {}
        carried: dict[Edge, None] = {}
        drawn: dict[tuple[int, int], tuple[int, int]] = {}
        last: dict[int, int] = {}
        for edge in self.graph.edges:  # by rising targets, so that what is shown comes before what it stands for
            source, target = shown[edge.source], shown[edge.target]
            if source == target and source in closed:
                continue
            if source != target and self.repeated[edge.target] == edge.target:
                last[source] = max(last.get(source, 0), edge.source)
            is_carried = source >= target and self.graph.nodes[source].kind == "operation"
            # Of all edges between what these two stand for, those between the first two nodes, each at the place where
            # it goes in: `h * h` has two lines, but what comes out of all steps, shown and hidden, to be stacked, one.
            if is_carried or drawn.setdefault((source, target), edge[:2]) == edge[:2]:
                between = Edge(ids[source], ids[target], 0 if target in closed else edge.position)
                (carried if is_carried else edges)[between] = None
        members: defaultdict[int, list[GraphNode]] = defaultdict(list)
        for node, first in zip(self.graph.nodes, shown, strict=True):
            if first in closed:
                members[first].append(node)
        times = Counter(shown)
        nodes = tuple(
            self._module(place, closed[number], members[number], last.get(number))
            if number in closed
            else self._node(place, self.graph.nodes[number], times[number])
            for place, number in enumerate(order)
        )
        by_target = itemgetter(1, 2, 0)
        forward, backward = (tuple(sorted(found, key=by_target)) for found in (edges, carried))
        return Graph(nodes, forward, self.classes, backward, self.graph.unfolded or self.graph)

    def _order(self, shown: list[int]) -> list[int]:
        """List the nodes that are shown, operations in their old order and each source just before its first use."""
        first_use: dict[int, int] = {}
        for edge in self.graph.edges:
            source, target = shown[edge.source], shown[edge.target]
            if self.graph.nodes[source].kind != "operation":
                first_use[source] = min(first_use.get(source, target), target)
        return sorted(set(shown), key=lambda number: (first_use.get(number, number), number not in first_use, number))

    def _node(self, number: int, node: GraphNode, times: int) -> GraphNode:
        """Return a node as it is shown; one that is read by repeated steps, but stands outside, says for how many."""
        modules = self._place(node)
        is_told = times == 1 or node.kind == "operation" or len(modules) > len(node.modules)
        return node._replace(id=number, label=node.label if is_told else f"{node.label} × {times:,}", modules=modules)

    def _module(self, number: int, path: Path, members: list[GraphNode], leaving: int | None) -> GraphNode:
        """Return the one node for a module, given what is in it, and which was the last of that to leave it."""
        operations = [node for node in members if node.kind == "operation"]
        first_step = [node for node in operations if self.repeated[node.id] == node.id]
        last = first_step[-1] if leaving is None else self.graph.nodes[leaving]
        return GraphNode(
            id=number,
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
