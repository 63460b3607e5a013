"""A `Graph` as DOT, the language of Graphviz: modules as nested boxes, values and operations told apart by their looks.

All labels are plain text, escaped, but those with arrays in them (`thumbnails`), whose text is escaped as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from tinygrad_nn.graph.layout import (
    COMPUTED,
    Entry,
    Row,
    contents,
    entries,
    labelled_edges,
    repeated,
    rows,
    title,
    titles,
    trunk,
)
from tinygrad_nn.graph.modules import Path
from tinygrad_nn.graph.structure import Edge, Graph, GraphNode
from tinygrad_nn.graph.style import (
    ALONE,
    CAPTION,
    CARRIED,
    EDGE,
    ENTRY,
    GRAPH,
    KINDS,
    MODULE,
    MODULE_FILLS,
    NODE,
    SPACE,
    WITH_ARRAYS,
    escaped,
    shape_text,
    shown,
    text_on,
    width,
)
from tinygrad_nn.graph.thumbnails import label_with_arrays
from tinygrad_nn.primitive import Array


def to_dot(graph: Graph, caption: str = "", *, values: bool = False, gradients: bool = False) -> str:
    """Return `graph` as DOT text; the same graph gives the same text.

    Args:
        graph: from `trace`, or folded.
        caption: what to write under it.
        values: whether to show the values that it was traced with.
        gradients: whether to show the gradients that it has.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> print(to_dot(tn.graph.trace(w.sum())).splitlines()[0])
    digraph computation {

    """
    return _Picture(graph, values=values, gradients=gradients).text(caption)


class _Picture:
    """Writes nodes where they stand, module by module, and then the edges."""

    def __init__(self, graph: Graph, *, values: bool, gradients: bool) -> None:
        self.graph = graph
        self.values = values
        self.gradients = gradients
        self.contents = contents(graph)
        self.copies = repeated(graph)
        self.titles = titles(graph)
        self.rows = rows(graph, self.copies, self.titles)
        self.placed = {*self.copies, *(source for row in self.rows.values() for source in row[:2])}
        self.trunk = trunk(graph)
        self.labelled = labelled_edges(graph, self.trunk)
        self.shared = {source for source, uses in Counter(edge.source for edge in graph.edges).items() if uses > 1}
        self.numbers = {path: number for number, path in enumerate(self.contents)}
        self.entries = entries(graph, self.trunk, self.copies)
        self.modules_around = {path[:-1] for path in self.contents if path[:-1]}

    def text(self, caption: str) -> str:
        """Return the whole picture, with `caption` under it."""
        import graphviz

        canvas = graphviz.Digraph("computation", graph_attr=GRAPH, node_attr=NODE, edge_attr=EDGE)
        self._fill(canvas, ())
        for edge in self.graph.edges:
            self._connect(canvas, edge)
        for entry in dict.fromkeys(self.entries.values()):
            canvas.edge(f"n{entry.first}", self._entry(entry), style="invis", minlen="0", weight="20")
            canvas.edge(f"n{entry.source}", self._entry(entry), dir="none", headclip="false")
        ways_in = {(edge.target, edge.position): self._entry(entry) for edge, entry in self.entries.items()}
        for edge in self.graph.carried:
            # Written the other way round, so that it points down as all edges do, and keeps out of the others' way.
            head = ways_in.get((edge.target, edge.position), f"n{edge.target}")
            canvas.edge(head, f"n{edge.source}", label=f"{SPACE}next{SPACE}", **CARRIED)
        if caption:  # last, for modules would take what stands before them for theirs
            canvas.attr(label="\n" + "".join(f"{escaped(line)}\\l" for line in caption.split("\n")), **CAPTION)
        return str(canvas.source)

    def _fill(self, canvas: Any, path: Path) -> None:
        """Write what is inside the module `path`."""
        for item in self.contents[path]:
            if isinstance(item, tuple):
                with canvas.subgraph(name=f"cluster_{self.numbers[item]}") as module:
                    name = shown(title(item[-1], self.graph.classes.get(item)))
                    name = f"{SPACE * 3}{name}{SPACE}"  # not in the corner, which lines past the module cut
                    module.attr(label=escaped(name), fillcolor=MODULE_FILLS[(len(item) - 1) % 2], **MODULE)
                    self._fill(module, item)
            elif self.graph.nodes[item].kind == "result":
                with canvas.subgraph() as line:
                    line.attr(rank="max")  # all results at the bottom
                    self._write(line, item, item)
            elif item not in self.placed:
                node = self.graph.nodes[item]
                for source in self.rows.get(item, Row()).above:
                    self._write(canvas, source, item)
                is_row = item in self.rows or item in self.titles
                is_beside = node.kind in COMPUTED and path in self.modules_around
                with self._alone(canvas, f"n{item}") if is_row or is_beside else nullcontext(canvas) as place:
                    self._write_row(place, node)
        for entry in dict.fromkeys(self.entries.values()):
            if entry.module == path:
                with self._alone(canvas, self._entry(entry)) as alone:
                    alone.node(self._entry(entry), **ENTRY)

    @contextmanager
    def _alone(self, canvas: Any, name: str) -> Iterator[Any]:
        """Open a module that nobody sees, for a row, and for what stands beside modules inside of another.

        The engine mixes up rows of the same height, and bends a line with a label aside where it has a neighbour that
        leads into a module around them both.
        """
        with canvas.subgraph(name=f"cluster_{name}") as module:
            module.attr(**ALONE)
            yield module

    def _write_row(self, canvas: Any, node: GraphNode) -> None:
        """Write a node with its neighbours and room for a title to the left of it; if it has none, on both sides."""
        row, heading = self.rows.get(node.id, Row()), self.titles.get(node.id)
        room = width(shown(heading)) - width(text_on(node)) / 2 if heading else 0.0
        with canvas.subgraph() as line:
            line.attr(rank="same")
            for side, neighbour in (("left", row.left), ("right", row.right)):
                last, taken = f"n{node.id}", 0.0
                if neighbour is not None:
                    last = self._name(neighbour, node.id)
                    taken = self._write(line, neighbour, node.id) + float(GRAPH["nodesep"])
                if room > taken and (side == "left" or row == Row()):
                    _write_spacer(line, last, side, room - taken)
                if side == "left":
                    self._write(line, node.id, node.id)

    def _write(self, canvas: Any, number: int, user: int) -> float:
        """Write a node, or the copy of it for the operation `user`, and return the inches that its text takes."""
        node = self.graph.nodes[number]
        text = text_on(node, self.graph.nodes[user].modules)
        if number in self.copies:
            text += f"\ndrawn {self.copies[number]} times"
        inches = width(text) + 0.2
        look = KINDS[node.kind] | {"label": escaped(text), "width": f"{inches:.2f}"}
        arrays = self._arrays(node)
        if arrays:
            look |= WITH_ARRAYS.get(node.kind, {}) | {"label": label_with_arrays(text, arrays)}
        canvas.node(self._name(number, user), **look)
        return inches

    def _arrays(self, node: GraphNode) -> dict[str, Array | None]:
        """Return which arrays to write on a node, with None for one that there should be."""
        arrays: dict[str, Array | None] = {}
        if self.values:
            arrays["value"] = node.value
        if self.gradients and node.kind not in ("input", "constant"):  # which want none
            arrays["gradient"] = node.gradient
        return arrays

    def _entry(self, entry: Entry) -> str:
        return f"e{entry.source}_{self.numbers[entry.module]}"

    def _name(self, number: int, user: int) -> str:
        return f"n{number}_{user}" if number in self.copies else f"n{number}"

    def _connect(self, canvas: Any, edge: Edge) -> None:
        """Write an edge; a source in the same row is connected so that it stays on its side."""
        row = self.rows.get(edge.target, Row())
        tail, head = self._name(edge.source, edge.target), self._name(edge.target, edge.target)
        if edge.source == row.left:
            canvas.edge(tail, head)
        elif edge.source == row.right:
            canvas.edge(head, tail, dir="back")  # in a row, dot puts the tail to the left of the head
        elif edge in self.entries:
            canvas.edge(self._entry(self.entries[edge]), head, tailclip="false", label=SPACE * 6)
        else:
            options = {"headport": "n"} if edge.target in self.titles else {}  # from the side it would cross the title
            source = self.graph.nodes[edge.source]
            if source.kind in COMPUTED:
                # The weight draws edges between operations straight, the longest chain first, and all else gives way.
                options["weight"] = "1000" if edge in self.trunk else "2"
                text = f"{SPACE * 2}{shape_text(source.shape)}{SPACE}"
                # An empty label makes room, too, without which the line would run outside of its module.
                options["label"] = text if edge in self.labelled else SPACE * len(text)
            elif source.kind == "input" and edge.source in self.shared:
                options |= {"minlen": "2", "headport": "n"}  # from the side they would cut through boxes
            canvas.edge(tail, head, **options)


def _write_spacer(canvas: Any, neighbour: str, side: str, inches: float) -> None:
    """Write an invisible neighbour, which makes the module around it wider."""
    name = f"{neighbour}_{side}"
    canvas.node(name, label="", style="invis", width=f"{inches:.2f}", height="0.01")
    canvas.edge(*((name, neighbour) if side == "left" else (neighbour, name)), style="invis")
