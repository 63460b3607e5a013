"""How much of a graph `draw` shows, and what the picture says of the rest."""

from __future__ import annotations

from tinygrad_nn.errors import RenderError
from tinygrad_nn.graph.folding import READABLE, fitted, fold
from tinygrad_nn.graph.structure import Graph
from tinygrad_nn.graph.thumbnails import is_large

LARGEST = 500
"""Nodes that are drawn unless more are asked for: more take minutes to lay out, and nobody can read them."""


def chosen(graph: Graph, depth: int | None, repeats: bool | None, max_nodes: int = READABLE) -> Graph:
    """Return `graph` folded as it was asked for, or else no further than to `max_nodes` nodes.

    Raises:
        RenderError: it is still too large to be drawn.

    """
    if depth is None and repeats is None:
        folded = fitted(graph, max_nodes)
    else:
        folded = fold(graph, depth, repeats=bool(repeats))
        if repeats is None and len(folded.nodes) > max_nodes:
            folded = fold(graph, depth)
    limit = max(max_nodes, LARGEST)
    if len(folded.nodes) > limit:
        is_folded = depth is None and repeats is None
        message = (
            f"draw: expected at most {limit} nodes, which is as much as a picture can show, got {len(folded.nodes)} "
            f"for {graph.number_of('operation')} operations{', folded as far as they can be' if is_folded else ''}. "
            f"{'Draw a part, such as one layer or fewer steps' if is_folded else 'Leave out depth and repeats'}, or "
            f"raise the limit with max_nodes={len(folded.nodes)} and be patient"
        )
        raise RenderError(message)
    return folded


def caption(graph: Graph, folded: Graph, *, values: bool, gradients: bool) -> str:
    """Return what has to be said under the picture of `folded`, which is `graph` with some of it left out."""
    lines = [_on_folding(graph, folded)]
    if values and any(node.value is None for node in folded.nodes):
        lines.append("Values that backward() has released, or that have changed since, are not known any more.")
    if gradients:
        lines.append(_on_gradients(folded))
    arrays = [node.value for node in folded.nodes if values] + [node.gradient for node in folded.nodes if gradients]
    if any(array is not None and is_large(array) for array in arrays):
        lines.append("Heat maps: white is zero, blue below, orange above, and the largest by magnitude the darkest.")
    return "\n".join(filter(None, lines))


def _on_folding(graph: Graph, folded: Graph) -> str:
    shown, recorded = folded.number_of("operation"), graph.number_of("operation")
    if shown == recorded:
        return ""
    closed = [len(node.modules) for node in folded.nodes if node.kind == "module"]
    more = f"draw(..., depth={max(closed) + 1})" if closed else "draw(..., repeats=False)"
    return f"{shown:,} of {recorded:,} operations are drawn. {more} opens more."


def _on_gradients(graph: Graph) -> str:
    found = {node.kind in ("operation", "module") for node in graph.nodes if node.gradient is not None}
    if True in found:
        return ""
    if found:
        return "Gradients inside the graph are kept by backward(retain_graph=True), and by nothing else."
    return "No gradient was computed so far: call backward(retain_graph=True) before."
