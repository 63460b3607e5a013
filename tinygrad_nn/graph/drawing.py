"""`draw` and `Drawing`: the picture of a computation, in a notebook and in a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tinygrad_nn.errors import ArgumentError, RenderError
from tinygrad_nn.graph.choosing import caption, chosen
from tinygrad_nn.graph.dot import to_dot
from tinygrad_nn.graph.folding import READABLE
from tinygrad_nn.graph.render import render
from tinygrad_nn.graph.structure import Graph
from tinygrad_nn.graph.trace import trace

if TYPE_CHECKING:  # importing it takes a tenth of the time of importing NumPy
    from pathlib import Path

TEXT_FORMATS = ("dot", "gv")
"""Formats that are the DOT text itself, and need no layout engine."""

FORMATS = (*TEXT_FORMATS, "svg", "png", "jpg", "jpeg", "pdf")
"""What a drawing can be saved as."""


_ELSEWHERE = {
    "html": "Write a page to walk through with tn.explore(loss, 'graph.html')",
    "txt": "Write text with str(drawing.graph)",
}
"""What is made of a graph too, but not by drawing it."""


class Drawing:
    """The picture of a computation: DOT text, laid out when somebody looks at it.

    A notebook shows it by itself; where there is no layout engine, it shows the reason and the DOT text.

    Attributes:
        graph: what is drawn, as plain data; folded if the picture is.
        dot: the picture in DOT.

    """

    def __init__(self, graph: Graph, dot: str) -> None:
        """Keep a picture of `graph`."""
        self.graph = graph
        self.dot = dot

    def svg(self) -> str:
        """Return the picture as SVG.

        Raises:
            RenderError: there is no layout engine (the message names the command that installs one), or it failed.

        """
        return render(self.dot, "svg").decode()

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> Path:  # noqa: A002 - as in `draw`
        """Write the picture to `path`, in the format of its suffix or in `format`, and return the path.

        The file is there whole or not at all: it is written in another place first.

        Raises:
            ArgumentError: an unknown format, or a folder that does not exist.
            RenderError: there is no layout engine, or it failed; an earlier file is left as it was.

        """
        from pathlib import Path

        path = Path(path)
        kind = (format or path.suffix).removeprefix(".").lower()
        if kind not in FORMATS:
            remedy = _ELSEWHERE.get(kind, f"Save as '{path.stem}.svg'")
            message = f"draw: expected a format of {', '.join(FORMATS)}, got {kind!r} for '{path}'. {remedy}"
            raise ArgumentError(message)
        if not path.parent.is_dir():
            message = f"draw: expected a folder for '{path.name}', but there is no '{path.parent}'. Make it first"
            raise ArgumentError(message)
        _write(path, self.dot.encode() if kind in TEXT_FORMATS else render(self.dot, kind))
        return path

    def __repr__(self) -> str:
        """Say what is drawn."""
        return f"<Drawing of {self.graph!r}>"

    def _repr_svg_(self) -> str | None:
        """Show the picture in a notebook; None, and with it the text, where it cannot be laid out."""
        return self._repr_mimebundle_().get("image/svg+xml")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002 - IPython's protocol
        """Show the picture in a notebook, or the reason why not and the DOT text."""
        try:
            return {"image/svg+xml": self.svg(), "text/plain": repr(self)}
        except RenderError as error:
            return {"text/plain": f"{error}\n\n{self.dot}"}


def _write(path: Path, content: bytes) -> None:
    """Write a file that others see whole or not at all; in its own folder, for a move between disks would be a copy."""
    import tempfile

    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        whole = type(path)(folder, path.name)
        whole.write_bytes(content)
        whole.replace(path)


def draw(
    result: Any,
    *inputs: Any,
    depth: int | None = None,
    repeats: bool | None = None,
    values: bool = False,
    gradients: bool = False,
    max_nodes: int = READABLE,
    path: str | os.PathLike[str] | None = None,
    format: str | None = None,  # noqa: A002 - the word that Graphviz uses
) -> Drawing:
    """Draw the computation that made a result, from its inputs at the top to the result at the bottom.

    Operations are blue and rounded, parameters are orange cylinders, inputs lean, constants are dashed and the result
    is dark; each module is a box around what was recorded in it, or, where it is closed, a grey block. What goes from
    one step of a repetition to the next is a dashed line. A parameter that several modules share is drawn in each, and
    says how often it is drawn. Every value shows its shape. With arrays in them, inputs are sheets with a corner turned
    down, and parameters are orange cards with a tab, which take less room.

    What can be read on a page is drawn whole. Of a larger or longer graph, what repeats itself is drawn once, "Block ×
    12", and if that is not enough modules are closed, the innermost first, and the picture says how much it does not
    show.

    Args:
        result: a recorded Tensor, such as a loss, before or after its `backward()`; lists, tuples and dicts of such; a
            module, which is run once; or a graph from `trace`, with the values that it was traced with.
        inputs: what to run the module on.
        depth: how many levels of modules to open; by default as many as `max_nodes` has room for.
        repeats: True to draw once what repeats itself, three times or more; False to draw it each time; by default
            once if otherwise it did not fit on a page.
        values: whether to show the values, small arrays number by number, large ones as a few numbers and a heat map:
            blue below zero, white, orange above; of each patch the number that is the largest by magnitude, and of a
            batch of matrices the first.
        gradients: whether to show what `backward()` has left, in the same way. Between parameters and loss only
            ``backward(retain_graph=True)`` leaves gradients; what has none says so.
        max_nodes: how many nodes to aim at. A page has room for 60, of which 17 operations below one another; more
            than that may take as much room as they like. More than 500 are refused if they are more than this, too.
        path: where to save the picture; nowhere if None.
        format: "dot", "gv", "svg", "png", "jpg", or with Graphviz itself "pdf"; None for that of the path's suffix.

    Raises:
        ArgumentError: `result` is nothing of that kind or has no graph, inputs without a module or a module without
            them, a format without a path, an unknown format, a folder that does not exist, or a `depth` or `max_nodes`
            that is no such number.
        RenderError: there are too many nodes, folded as was asked for; or, to save it, there is no layout engine.

    >>> import numpy as np
    >>> import tinygrad_nn as tn
    >>> model = tn.nn.Sequential(tn.nn.Dense(2, 3, activation="relu"), tn.nn.Dense(3, 1))
    >>> tn.draw(model, np.ones((4, 2)))
    <Drawing of <Graph of 8 nodes: 1 input, 4 parameters, 2 operations, 1 result>>
    >>> tn.draw(model, np.ones((4, 2)), depth=0)
    <Drawing of <Graph of 3 nodes: 1 input, 1 module, 1 result>>

    """
    if format is not None and path is None:
        message = f"draw: expected a path to write {format!r} to, got none. Pass path='graph.{format}'"
        raise ArgumentError(message)
    graph = result if isinstance(result, Graph) and not inputs else trace(result, *inputs, values=values)
    shown = chosen(graph, depth, repeats, max_nodes)
    below = caption(graph, shown, values=values, gradients=gradients)
    drawing = Drawing(shown, to_dot(shown, below, values=values, gradients=gradients))
    if path is not None:
        drawing.save(path, format)
    return drawing
