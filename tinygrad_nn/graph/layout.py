"""Where things stand in a picture, as far as it is not left to the layout engine.

Data flows from top to bottom. What only one operation uses, its weight, its bias, its target, stands beside it in the
same row, so that the data run straight down the middle and a layer takes one row, as in a textbook.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container
from typing import NamedTuple, TypeAlias

from tinygrad_nn.graph.modules import Path, common_path
from tinygrad_nn.graph.structure import Edge, Graph

Item: TypeAlias = int | Path
"""What stands directly in a module: a node, by its id, or a module, by its path."""

COMPUTED = ("operation", "module")
"""Kinds of nodes that data run through; all others are beside them, at the beginning or at the end."""

MANY = 6
"""How many operations have to use a value for it to be drawn beside each of them."""

FAR = 3
"""How many rows apart the operations that use a parameter or a constant have to be for the same."""


class Row(NamedTuple):
    """What belongs to an operation, by id: its neighbours at the left and the right, and what found no place there."""

    left: int | None = None
    right: int | None = None
    above: tuple[int, ...] = ()


def repeated(graph: Graph) -> dict[int, int]:
    """Return what is drawn beside each of the operations that use it, and how many those are.

    Lines from one weight to all the steps of an unrolled loop would be longer than the steps, cross everything, and
    take the engine minutes; those to two calls of a layer would run through their titles. So what many operations use
    is drawn beside each, and parameters and constants also if they are used in two modules or far apart. (But not what
    a layer takes as its data: a shortcut past the layer has to be seen.)
    """
    users: defaultdict[int, set[int]] = defaultdict(set)
    for edge in graph.edges:
        if graph.nodes[edge.source].kind not in COMPUTED:
            users[edge.source].add(edge.target)
    rows_above, data = depths(graph)[0], _data(graph)

    def is_drawn_once(source: int, targets: set[int]) -> bool:
        places = [rows_above[target] for target in targets]
        is_near = max(places) - min(places) < FAR and len({graph.nodes[target].modules for target in targets}) == 1
        return len(targets) < MANY and (is_near or source in data)

    return {source: len(targets) for source, targets in users.items() if not is_drawn_once(source, targets)}


def _data(graph: Graph) -> set[int]:
    """Return the inputs, and the parameters that are used like one: as the first operand, before a parameter."""
    met = {edge.target for edge in graph.edges if edge.position and graph.nodes[edge.source].kind == "parameter"}
    used = {edge.source for edge in graph.edges if edge.position == 0 and edge.target in met}
    return used | {node.id for node in graph.nodes if node.kind == "input"}


def rows(graph: Graph, copies: Container[int], titled: Container[int]) -> dict[int, Row]:
    """Return what belongs to each operation: parameters and constants that nothing else uses, and the `copies`.

    There is a place on each side, and a lone neighbour stands at the right unless it is the first operand, or stands
    under the title of a module. What nothing else uses and finds no place stands above its operation, where the engine
    puts it.
    """
    uses = Counter(edge.source for edge in graph.edges)
    own: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for source, target, position in graph.edges:
        is_own = uses[source] == 1 and graph.nodes[source].kind in ("parameter", "constant")
        if (is_own or source in copies) and graph.nodes[target].kind in COMPUTED:
            own[target].setdefault(source, position)
    return {
        target: _row(list(sources), copies, is_left=target in titled or 0 in sources.values())
        for target, sources in own.items()
    }


def _row(sources: list[int], copies: Container[int], *, is_left: bool) -> Row:
    if len(sources) == 1:
        return Row(left=sources[0]) if is_left else Row(right=sources[0])
    left, right, *others = sources
    return Row(left, right, tuple(source for source in others if source in copies))


def depths(graph: Graph) -> tuple[list[int], dict[int, Edge]]:
    """Return how many operations the longest chain to each node has, and the edge that it comes by."""
    found = [0] * len(graph.nodes)
    longest: dict[int, Edge] = {}
    for edge in graph.edges:  # by rising targets, so that the depths of all sources are known
        depth = found[edge.source] + (graph.nodes[edge.source].kind in COMPUTED)
        if edge.target not in longest or depth > found[edge.target]:
            longest[edge.target], found[edge.target] = edge, depth
    return found, longest


def trunk(graph: Graph) -> set[Edge]:
    """Return the edges to be drawn straight: into each operation the one that the longest chain comes by.

    So the state of an unrolled loop runs straight down, and what joins it comes from the side.
    """
    return set(depths(graph)[1].values())


class Entry(NamedTuple):
    """Where the value of `source` comes into `module`, beside its operation `first`, to be read by a later one."""

    source: int
    module: Path
    first: int


def entries(graph: Graph, straight: Container[Edge], copies: Container[int]) -> dict[Edge, Entry]:
    """Return the edges past the beginning of a module that reads their value too, such as the shortcut of a residual.

    Left to itself, the engine takes them down outside of the module, far from it or on its border, and in from the
    side. Such an edge comes in from above, and runs down inside. (Not the `straight` ones, and none from `copies`,
    which stand inside.)
    """
    begun, read = firsts(graph), {edge[:2] for edge in graph.edges}
    return {
        edge: Entry(edge.source, module, begun[module])
        for edge in graph.edges
        if edge not in straight
        and edge.source not in copies
        and (module := graph.nodes[edge.target].modules) in begun
        and common_path(graph.nodes[edge.source].modules, module) != module
        and (edge.source, begun[module]) in read
        and edge.target != begun[module]
    }


def labelled_edges(graph: Graph, straight: Container[Edge]) -> set[Edge]:
    """Return the edges to write the shape of their value on: the `straight` ones, or of others the first.

    All lines from one operation carry the same value; a shape on each of them says it again where there is no room.
    """
    by_source: defaultdict[int, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        by_source[edge.source].append(edge)
    chosen = ([edge for edge in edges if edge in straight] or edges[:1] for edges in by_source.values())
    return {edge for edges in chosen for edge in edges}


def contents(graph: Graph) -> dict[Path, list[Item]]:
    """Return what stands directly in each module, and under ``()`` what stands in none, in the order of the graph."""
    found: dict[Path, list[Item]] = {(): []}
    for node in graph.nodes:
        for depth in range(1, len(node.modules) + 1):
            path = node.modules[:depth]
            if path not in found:
                found[path] = []
                found[path[:-1]].append(path)
        found[node.modules].append(node.id)
    return found


def title(name: str, kind: str | None) -> str:
    """Return what stands over a module: its name, and its class where that tells more.

    >>> title("encoder", "TransformerBlock")
    'encoder: TransformerBlock'
    >>> title("lstm #2", "LSTM")
    'lstm #2'

    """
    own = re.sub(r" #\d+$", "", name).rpartition(".")[2]
    return f"{name}: {kind}" if kind and kind.lower() != own.lower() else name


def firsts(graph: Graph) -> dict[Path, int]:
    """Return the operation that each module begins with."""
    found: dict[Path, int] = {}
    for node in graph.nodes:
        if node.kind in COMPUTED:
            for depth in range(1, len(node.modules) + 1):
                found.setdefault(node.modules[:depth], node.id)
    return found


def titles(graph: Graph) -> dict[int, str]:
    """Return for each operation at which data enter a module its title, the longest if these are several modules.

    The title stands in the module's upper left corner, and the data come in from above to this operation: between them
    has to be room. (Not only at the first operation: which of several the engine puts to the left, nobody knows.)
    """
    nodes = graph.nodes
    inside = [0] * len(nodes)  # levels of modules that an operand was computed in, too
    for source, target, _ in graph.edges:
        if nodes[source].kind in COMPUTED:
            inside[target] = max(inside[target], len(common_path(nodes[source].modules, nodes[target].modules)))
    found = {}
    for node in nodes:
        entered = [node.modules[:depth] for depth in range(inside[node.id] + 1, len(node.modules) + 1)]
        if entered and node.kind in COMPUTED:
            found[node.id] = max((title(path[-1], graph.classes.get(path)) for path in entered), key=len)
    return found
