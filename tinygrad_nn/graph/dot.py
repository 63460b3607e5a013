"""A `Graph` as DOT, the language of Graphviz: modules as nested boxes, values and operations told apart by their looks.

All labels are plain text, escaped: DOT's HTML labels look richer, and would take a name such as "<b>" for markup.
"""

from __future__ import annotations

from typing import Any

from tinygrad_nn.errors import RenderError
from tinygrad_nn.graph.layout import Row, contents, repeated, rows, titles
from tinygrad_nn.graph.modules import Path
from tinygrad_nn.graph.structure import Edge, Graph, GraphNode
from tinygrad_nn.graph.style import (
    EDGE,
    GRAPH,
    KINDS,
    MODULE,
    MODULE_FILLS,
    NODE,
    SPACE,
    escaped,
    shape_text,
    shown,
    text_on,
    width,
)  # fmt: skip  # one name a line would be a page of names

MAX_NODES = 500
"""The largest graph that is drawn unasked: more takes minutes to lay out, and nobody can read it."""


def to_dot(graph: Graph, max_nodes: int = MAX_NODES) -> str:
    """Return `graph` as DOT text; the same graph gives the same text.

    Args:
        graph: from `trace`.
        max_nodes: refuse a graph of more nodes.

    Raises:
        RenderError: the graph has more than `max_nodes` nodes.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> print(to_dot(tn.graph.trace(w.sum())).splitlines()[0])
    digraph computation {

    """
    if len(graph.nodes) > max_nodes:
        message = (
            f"draw: expected at most {max_nodes} nodes, which is as much as a picture can show, got {len(graph.nodes)} "
            f"({graph.number_of('operation')} operations). Draw a smaller part, such as one layer or fewer steps, or "
            f"raise the limit with max_nodes={len(graph.nodes)} and be patient"
        )
        raise RenderError(message)
    return _Picture(graph).text()


class _Picture:
    """Writes nodes where they stand, module by module, and then the edges."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.contents = contents(graph)
        self.copies = repeated(graph)
        self.rows = rows(graph, self.copies)
        self.titles = titles(graph)
        self.placed = {*self.copies, *(source for row in self.rows.values() for source in row[:2])}
        self.numbers = {path: number for number, path in enumerate(self.contents)}

    def text(self) -> str:
        """Return the whole picture."""
        import graphviz

        canvas = graphviz.Digraph("computation", graph_attr=GRAPH, node_attr=NODE, edge_attr=EDGE)
        self._fill(canvas, ())
        for edge in self.graph.edges:
            self._connect(canvas, edge)
        return str(canvas.source)

    def _fill(self, canvas: Any, path: Path) -> None:
        """Write what is inside the module `path`."""
        for item in self.contents[path]:
            if isinstance(item, tuple):
                with canvas.subgraph(name=f"cluster_{self.numbers[item]}") as module:
                    title = f"{SPACE}{shown(item[-1])}{SPACE}"  # a wide font must not spill over the border
                    module.attr(label=escaped(title), fillcolor=MODULE_FILLS[(len(item) - 1) % 2], **MODULE)
                    self._fill(module, item)
            elif item not in self.placed:
                self._write_row(canvas, self.graph.nodes[item])

    def _write_row(self, canvas: Any, node: GraphNode) -> None:
        """Write a node with what belongs to it."""
        row, title = self.rows.get(node.id), self.titles.get(node.id)
        if row is None and title is None:
            self._write(canvas, node.id, node.id)
            return
        row = row or Row()
        for source in row.above:
            self._write(canvas, source, node.id)
        with canvas.subgraph() as line:
            line.attr(rank="same")
            for side, neighbour in (("left", row.left), ("right", row.right)):
                if neighbour is not None:
                    self._write(line, neighbour, node.id)
                elif title:
                    _write_spacer(line, node, side, width(shown(title), 11) - width(text_on(node)) / 2 - 0.3)
                if side == "left":
                    self._write(line, node.id, node.id)

    def _write(self, canvas: Any, number: int, user: int) -> None:
        """Write a node, or the copy of it for the operation `user`."""
        node = self.graph.nodes[number]
        text = text_on(node)
        if number in self.copies:
            text += f"\nused {self.copies[number]} times"
        canvas.node(self._name(number, user), label=escaped(text), width=f"{width(text) + 0.2:.2f}", **KINDS[node.kind])

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
        else:
            options = {"headport": "n"} if edge.target in self.titles else {}  # from the side it would cross the title
            source = self.graph.nodes[edge.source]
            if source.kind == "operation":
                # The weight draws edges between operations straight, and whatever else there is gives way to them.
                options |= {"label": f"{SPACE * 2}{shape_text(source.shape)}{SPACE}", "weight": "8"}
            canvas.edge(tail, head, **options)


def _write_spacer(canvas: Any, node: GraphNode, side: str, inches: float) -> None:
    """Write an invisible neighbour that makes a module as wide as its title needs; on both sides alike."""
    name = f"n{node.id}_{side}"
    canvas.node(name, label="", style="invis", width=f"{max(inches, 0.01):.2f}", height="0.01")
    ends = (name, f"n{node.id}") if side == "left" else (f"n{node.id}", name)
    canvas.edge(*ends, style="invis")
