"""A graph as text for a terminal: the modules as a tree, in it each value on a line, from the inputs to the result.

An operation names its operands, and has a name itself, so that a value that is used twice, or far below, is found
again. (Lines drawn between them, as ``git log --graph`` does, take a column for each value that waits for its use, and
are lost in a page of them.)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tinygrad_nn.graph import terminal
from tinygrad_nn.graph.collecting import no_collections
from tinygrad_nn.graph.folding import fitted, fold
from tinygrad_nn.graph.layout import Item, contents
from tinygrad_nn.graph.modules import Path
from tinygrad_nn.graph.norms import norm
from tinygrad_nn.graph.structure import Edge, Graph, GraphNode, Kind
from tinygrad_nn.graph.style import shape_text, shown
from tinygrad_nn.graph.terminal import showable

_MARKS: dict[Kind, str] = {"parameter": "◆ ", "input": "▷ ", "constant": "◇ ", "result": "■ "}

_HEAD, _TAIL = 80, 40
"""Lines that are left at the beginning and the end of a text that folding does not make short enough."""

_NARROWEST = 40
"""Columns below which nothing can be read."""


class _Line(NamedTuple):
    """One line of the tree, and what stands in the columns at its right."""

    text: str
    shape: str = ""
    gradient: str = ""


@no_collections()
def text(graph: Graph, width: int | None = None, depth: int | None = None, repeats: bool = True) -> str:
    """Return `graph` as text: a line for each value, with its shape and, if it has a gradient, the norm of that.

    ◆ is a parameter, ▷ an input, ◇ another constant and ■ a result. An operation is numbered with its id, "#3", unless
    it has a name, and behind ← stand its operands. What one step of a loop hands on to the next is told after "then".

    Args:
        graph: from `trace`.
        width: columns to fit into, but never fewer than 40; those of the terminal if None.
        depth: how many levels of modules to open; if None, as many as can be read.
        repeats: whether to write what repeats itself only once. With False and no `depth` everything is written,
            however long it is.

    >>> import numpy as np, tinygrad_nn as tn
    >>> model = tn.nn.Sequential(tn.nn.Dense(2, 3, activation="tanh"), tn.nn.Dense(3, 1))
    >>> print(tn.graph.trace(model, np.ones((4, 2))))
    ▷ input                                       (4, 2)
    Sequential
    ├─ 0  Dense
    │  ├─ ◆ weight                                (2, 3)
    │  ├─ ◆ bias                                  (3,)
    │  └─ #3 = dense, tanh ← input, weight, bias  (4, 3)
    └─ 1  Dense
       ├─ ◆ weight                                (3, 1)
       ├─ ◆ bias                                  (1,)
       └─ #6 = dense ← #3, weight, bias           (4, 1)
    ■ result ← #6                                 (4, 1)

    """
    everything = depth is None and not repeats
    folded = fitted(graph) if depth is None and repeats else fold(graph, depth, repeats)
    width = max(terminal.width() if width is None else width, _NARROWEST)
    writer = _Writer(folded)
    entries = list(writer.entries())
    left_out = [] if everything else entries[_HEAD:-_TAIL]
    lines = [writer.line(*entry) for entry in entries if not left_out] or [
        *(writer.line(*entry) for entry in entries[:_HEAD]),
        _Line(f"… {len(left_out):,} more lines"),
        *(writer.line(*entry) for entry in entries[-_TAIL:]),
    ]
    lines = [_Line(*map(showable, line)) for line in (*writer.heading(), *lines)]
    return "\n".join(_columns(lines, width) + _remark(graph, folded, left_out, width))


def _remark(graph: Graph, folded: Graph, left_out: list[tuple[Item, str]], width: int) -> list[str]:
    """Say how many operations are not written out, and why: each is counted once."""
    import textwrap

    there = (graph.unfolded or graph).number_of("operation")
    shown = _counts(folded.nodes)
    cut = _counts(folded.nodes[item] for item, _ in left_out if not isinstance(item, tuple))
    repeats = there - sum(shown.values()) + shown["repetition"] - cut["repetition"]
    numbers = {
        "folded as repetitions": repeats,
        "in closed modules": shown["module"] - cut["module"],
        "left out in the middle": sum(cut.values()),
    }
    if not (left_out or any(numbers.values())):
        return []
    others = "".join(
        f", {number:,} {'is' if number == 1 else 'are'} {why}" for why, number in numbers.items() if number
    )
    written = shown["operation"] - cut["operation"]
    everything = f"{'' if graph.unfolded is None else '.unfolded'}.text(repeats=False)"
    are = "is" if written == 1 else "are"
    said = f"{written:,} of {there:,} operations {are} written out{others}. {everything} writes all of them."
    return ["", *textwrap.wrap(said, width)]


def _counts(nodes: Iterable[GraphNode]) -> Counter[str]:
    """Count the operations that `nodes` stand for: those of a closed repetition, which has no class, for themselves."""
    found: Counter[str] = Counter()
    for node in nodes:
        if node.kind == "operation":
            found["operation"] += 1
        elif node.kind == "module":
            found["module" if node.name else "repetition"] += node.folded
    return found


def _in_order_of_use(graph: Graph) -> dict[Path, list[Item]]:
    """Return what stands in each module, a source right before what uses it first, which may be deeper inside."""
    found = contents(graph)
    places = {item: place for items in found.values() for place, item in enumerate(items)}
    first_use: dict[Item, int] = {}
    for source, target, _ in graph.edges:
        path, user = graph.nodes[source].modules, graph.nodes[target]
        item: Item = target if user.modules == path else user.modules[: len(path) + 1]
        if graph.nodes[source].kind not in ("operation", "module"):
            first_use[source] = min(first_use.get(source, places[item]), places[item])
    return {
        path: sorted(items, key=lambda item: (first_use.get(item, places[item]), item not in first_use, places[item]))
        for path, items in found.items()
    }


class _Writer:
    """Writes the lines of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.contents = _in_order_of_use(graph)
        self.alike = Counter((node.modules, node.label) for node in graph.nodes)
        self.operands: defaultdict[int, list[Edge]] = defaultdict(list)
        self.carried: defaultdict[int, dict[int, int]] = defaultdict(dict)
        for edge in graph.edges:
            self.operands[edge.target].append(edge)
        for source, target, position in graph.carried:
            self.carried[target][position] = source
        self.dtypes = len({node.dtype for node in graph.nodes if node.dtype is not None})
        self.has_gradients = {node.kind for node in graph.nodes if node.gradient is not None}

    def heading(self) -> list[_Line]:
        """Return what stands over the columns."""
        return [_Line("", "shape", "|gradient|")] if self.has_gradients else []

    def entries(self) -> Iterator[tuple[Item, str]]:
        """Yield each node and each module with the tree to its left: of 100,000 only some are then written out."""
        for item in self.contents[()]:
            yield from self._branch(item, "", "")

    def _branch(self, item: Item, first: str, rest: str) -> Iterator[tuple[Item, str]]:
        """Yield a node, or a module and all in it; `first` and `rest` are the tree to their left.

        Modules are as deep inside one another as a person has nested them, so recursion reaches all.
        """
        yield item, first
        if isinstance(item, tuple):
            *inside, last = self.contents[item]
            for part in inside:
                yield from self._branch(part, f"{rest}├─ ", f"{rest}│  ")
            yield from self._branch(last, f"{rest}└─ ", f"{rest}   ")

    def line(self, item: Item, tree: str) -> _Line:
        """Return the line of a node or a module."""
        return _Line(tree + self._title(item)) if isinstance(item, tuple) else self._line(self.graph.nodes[item], tree)

    def _title(self, path: Path) -> str:
        name, kind = shown(path[-1]), self.graph.classes.get(path, "")
        return f"{name}  {shown(kind)}" if kind and kind != path[-1] else name

    def _line(self, node: GraphNode, tree: str) -> _Line:
        said = self._said(node)
        operands = self._operands(node)
        if operands:
            said += f" ← {', '.join(operands)}"
        shape = shape_text(node.shape) + (f" {node.dtype}" if self.dtypes > 1 and node.dtype is not None else "")
        return _Line(tree + said, shape, self._gradient(node))

    def _operands(self, node: GraphNode) -> list[str]:
        """Name what a node reads, and what of it later steps read instead."""
        later = dict(self.carried.get(node.id, {}))
        found = []
        for source, _, position in self.operands.get(node.id, []):
            then = f" then {self._called(self.graph.nodes[later.pop(position)])}" if position in later else ""
            found.append(f"{self._called(self.graph.nodes[source])}{then}")
        return [*found, *(f"then {self._called(self.graph.nodes[source])}" for source in later.values())]

    def _said(self, node: GraphNode) -> str:
        """Return what a node is, without its operands."""
        if node.kind == "module":
            kind = f"{shown(node.name)}, " if node.name and node.name != node.label else ""
            count = f"{node.folded:,} operation{'s' if node.folded > 1 else ''}"
            return f"{self._called(node)} = {shown(node.label)} ({kind}{count})"
        if node.kind == "operation":
            return f"{self._called(node)} = {shown(node.label)}"
        return _MARKS[node.kind] + self._called(node)

    def _called(self, node: GraphNode) -> str:
        """Return the name by which a value is told from all others that one could mean."""
        if node.kind in ("operation", "module"):
            return shown(node.name) if node.kind == "operation" and node.name else f"#{node.id}"
        is_ambiguous = self.alike[node.modules, node.label] > 1
        return f"{shown(node.label)} #{node.id}" if is_ambiguous else shown(node.label)

    def _gradient(self, node: GraphNode) -> str:
        """Return the norm of a gradient; "none" where none was computed for this one of several that can have one."""
        if node.gradient is None:
            return "none" if node.kind == "parameter" and node.kind in self.has_gradients else ""
        return f"{norm(node.gradient):.3g}"


def _columns(lines: list[_Line], width: int) -> list[str]:
    """Return lines with their columns one below the other, in at most `width` columns."""
    shapes, gradients = (max(len(line[place]) for line in lines) for place in (1, 2))
    beside = 2 + shapes + (2 + gradients if gradients else 0)
    room = max(width - beside, width // 2)
    texts = [_cut(line.text, room if line.shape else width) for line in lines]
    longest = max(len(text) for text, line in zip(texts, lines, strict=True) if line.shape)
    written = [
        f"{text:<{longest}}  {line.shape:<{shapes}}  {line.gradient:>{gradients}}".rstrip()
        for text, line in zip(texts, lines, strict=True)
    ]
    return [_cut(line, width) for line in written]


def _cut(line: str, width: int) -> str:
    end = showable("…")
    return line if len(line) <= width else line[: width - len(end)] + end


Graph.text = text  # type: ignore[assignment,method-assign]  # declared there, for `fold` makes Graphs
