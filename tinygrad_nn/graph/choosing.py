"""How much of a graph `draw` shows, and what the picture says of the rest."""

from __future__ import annotations

from tinygrad_nn.errors import ArgumentError, RenderError
from tinygrad_nn.graph.collecting import no_collections
from tinygrad_nn.graph.folding import READABLE, fold, foldings
from tinygrad_nn.graph.layout import COMPUTED, depths
from tinygrad_nn.graph.structure import Graph
from tinygrad_nn.graph.thumbnails import has_heat_map

LARGEST = 500
"""Nodes that are drawn unless more are asked for: more take minutes to lay out, and nobody can read them."""

ROWS = 17
"""Operations below one another that fill a page: with the line to the next, and a module around some, each takes about
70 points, of which a page of A4 has 1200 if text of 10 points is to be read as if it were of 6."""

FEWEST = 5
"""Boxes of modules, closed ones and what is in open ones, that there have to be for a picture to be closed that far in
order to fit on a page: one grey box for all of a network fits on any page, and tells nothing."""


@no_collections()
def chosen(graph: Graph, depth: int | None, repeats: bool | None, max_nodes: int = READABLE) -> Graph:
    """Return `graph` folded as it was asked for, or else until it has `max_nodes` and fits on a page.

    Raises:
        ArgumentError: `max_nodes` is no number of nodes.
        RenderError: it is still too large to be drawn.

    """
    if not isinstance(max_nodes, int) or max_nodes < 1:
        message = f"draw: expected 'max_nodes' to be a number of nodes from 1 on, got {max_nodes!r}"
        raise ArgumentError(message)
    is_free = depth is None and repeats is None
    if is_free:
        folded = _fitting(graph, max_nodes)
    else:
        folded = fold(graph, depth, repeats=bool(repeats))
        if repeats is None and len(folded.nodes) > max_nodes:
            folded = fold(graph, depth)
    limit = max(max_nodes, LARGEST)
    if len(folded.nodes) > limit:
        least = len((folded if is_free else _fitting(graph, max_nodes)).nodes)
        as_far_as_can_be = ", folded as far as they can be" if len(folded.nodes) == least else ""
        part = "Draw a part, such as one layer or fewer steps, walk through all of it with tn.explore"
        message = (
            f"draw: expected at most {limit} nodes, which is as much as a picture can show, got {len(folded.nodes)} "
            f"for {graph.number_of('operation')} operations{as_far_as_can_be}. "
            f"{'Leave out depth and repeats' if least <= limit else part}, or raise the limit with "
            f"max_nodes={len(folded.nodes)} and be patient"
        )
        raise RenderError(message)
    return folded


def _fitting(graph: Graph, max_nodes: int) -> Graph:
    """Return `graph` folded no further than it takes to fit on a page, or what is too long for one, to be small.

    Who asks for more nodes than a page has room for does not ask for a page.
    """
    small = None
    for folded in foldings(graph, max_nodes):
        if len(folded.nodes) <= max_nodes:
            small = small or folded
            is_short = max(depths(folded)[0], default=0) <= ROWS
            if max_nodes > READABLE or (is_short and _tells_enough(folded)):
                return folded
    return small or folded


def _tells_enough(folded: Graph) -> bool:
    """Tell whether modules are closed only as far as there is still something to see of what they are made of."""
    boxes = [node for node in folded.nodes if node.kind == "module" or (node.kind in COMPUTED and node.modules)]
    return len(boxes) >= FEWEST or folded.number_of("module") == 0


def caption(graph: Graph, folded: Graph, *, values: bool, gradients: bool) -> str:
    """Return what has to be said under the picture of `folded`, which is `graph` with some of it left out."""
    arrays = [node.value for node in folded.nodes if values] + [node.gradient for node in folded.nodes if gradients]
    lines = [_on_folding(graph, folded)]
    if any(array is not None for array in arrays) and _has_one_for_many(folded):
        lines.append("Of what is repeated, the numbers are those of the first.")
    if values:
        lines.append(_on_values(folded))
    if gradients:
        lines.append(_on_gradients(folded))
    if any(array is not None and has_heat_map(array) for array in arrays):
        lines.append("Heat maps: white is zero, blue below, orange above, and the largest by magnitude the darkest.")
    return "\n".join(filter(None, lines))


def _on_folding(graph: Graph, folded: Graph) -> str:
    shown, recorded = folded.number_of("operation"), (graph.unfolded or graph).number_of("operation")
    if shown == recorded:
        return ""
    count = f"{shown:,} of {recorded:,} operations {'is' if shown == 1 else 'are'} drawn."
    if graph.unfolded:  # it was folded by the user
        return count
    closed = [len(node.modules) for node in folded.nodes if node.kind == "module"]
    return f"{count} draw(..., {f'depth={max(closed) + 1}' if closed else 'repeats=False'}) opens more."


def _has_one_for_many(folded: Graph) -> bool:
    """Tell whether a repetition, which is a module without a class, is open: a closed one has the last's numbers."""
    paths = {node.modules[:level] for node in folded.nodes for level in range(1, len(node.modules) + 1)}
    return not paths <= folded.classes.keys()


def _on_values(graph: Graph) -> str:
    known = {node.value is not None for node in graph.nodes}
    if False not in known:
        return ""
    if True in known:
        return "Values that backward() has released, or that have changed since, are not known any more."
    return "No values are known: trace(..., values=True) keeps those that backward() has not released."


def _on_gradients(graph: Graph) -> str:
    found = {node.kind in ("operation", "module") for node in graph.nodes if node.gradient is not None}
    if True in found:
        return ""
    if found:
        return "Gradients inside the graph are kept by backward(retain_graph=True), and by nothing else."
    return "No gradient was computed so far: call backward(retain_graph=True) before."
