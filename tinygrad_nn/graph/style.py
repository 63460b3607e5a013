"""How things look: fonts, colours, shapes, and the text on a node."""

from __future__ import annotations

import re

from tinygrad_nn.graph.labels import local_name
from tinygrad_nn.graph.layout import COMPUTED, title
from tinygrad_nn.graph.modules import Path
from tinygrad_nn.graph.structure import GraphNode, Kind

_FONT = "Helvetica"
"""One that engines know the widths of; in the SVG it reads "Helvetica, or any without serifs"."""

_INK, _GREY = "#1f2933", "#52606d"

GRAPH = {"fontname": _FONT, "fontsize": "11", "fontcolor": _GREY, "nodesep": "0.2", "ranksep": "0.2", "pad": "0.1"}
NODE = {"fontname": _FONT, "fontsize": "11", "fontcolor": _INK, "margin": "0.1,0.04", "height": "0.3"}
EDGE = {"fontname": _FONT, "fontsize": "10", "fontcolor": _GREY, "color": _GREY, "arrowsize": "0.6"}
MODULE = {"style": "rounded,filled", "color": "#9aa5b1", "labeljust": "l", "labelloc": "t", "margin": "7"}
ALONE = {"style": "invis", "margin": "0", "label": ""}
ENTRY = {"shape": "point", "width": "0.01", "color": _GREY, "label": ""}
CARRIED = {"style": "dashed", "dir": "back"}
CAPTION = {"labelloc": "b", "labeljust": "l", "fontsize": "10"}

MODULE_FILLS = ("#f5f7fa", "#e8ecf1")
"""Backgrounds of modules: those inside one another alternate."""

KINDS: dict[Kind, dict[str, str]] = {
    "operation": {"shape": "box", "style": "rounded,filled", "fillcolor": "#d6e8f7", "color": "#2f6ea3"},
    "parameter": {"shape": "cylinder", "style": "filled", "fillcolor": "#f7c873", "color": "#9a6200"},
    "input": {
        "shape": "parallelogram", "style": "filled", "fillcolor": "#ffffff", "color": _INK, "penwidth": "1.6",
        "margin": "0.04,0",
    },
    "constant": {"shape": "box", "style": "dashed,filled", "fillcolor": "#f4f4f2", "color": "#6b6f76"},
    "result": {
        "shape": "box", "style": "filled", "fillcolor": "#1d4466", "color": "#1d4466", "fontcolor": "#ffffff",
        "peripheries": "2",
    },
    "module": {"shape": "box3d", "style": "filled", "fillcolor": "#a9b6c3", "color": "#3e4c59", "margin": "0.16,0.12"},
}  # fmt: skip  # a table
"""Shape and colour of each kind. Blue and orange are what the colour-blind tell apart best, each kind has an outline of
its own, and in grey the fills are of different lightness."""

SPACE = "\u00a0"
"""A space that engines and browsers keep at the edge of a text."""

WITH_ARRAYS: dict[Kind, dict[str, str]] = {"input": {"shape": "note"}, "parameter": {"shape": "tab"}}
"""What looks otherwise when arrays are written into it: a box that leans would be twice as large as its content, and a
cylinder half as large again."""

_LONGEST_LINE = 16
"""Characters of an operation; the options of a longer one stand below."""

_BREAK = r" (?=\[)|, (?![^(]*\))"
"""Where an operation's own name ends: before an index, or at the first comma outside of parentheses."""

_LONGEST_NAME = 40
"""Characters of a name; the middle of a longer one is left out."""


def text_on(node: GraphNode, path: Path = ()) -> str:
    """Return what to write on a node: the user's name and the operation, or the name of a value and its shape.

    A parameter is called as one calls it in the module `path`, in which it is drawn.
    """
    if node.kind == "module":
        counted = [_count(node.folded, "operation"), *([_count(node.parameters, "parameter")] * bool(node.parameters))]
        return f"{shown(title(node.label, node.name))}\n{', '.join(counted)}"
    if node.kind not in COMPUTED:
        label = local_name(node.label, path) if node.kind == "parameter" else node.label
        return f"{shown(label)}\n{shape_text(node.shape)}"
    label = shown(node.label)
    if len(label) > _LONGEST_LINE:
        label = re.sub(_BREAK, "\n", label, count=1)
    return f"{shown(node.name)}\n{label}" if node.name else label


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as it is written: NumPy's tuple, but a word for the one that looks like nothing."""
    return str(shape) if shape else "scalar"


def shown(text: str) -> str:
    r"""Return a name as it can be shown on one line: control characters as escapes, the middle of a long one left out.

    >>> shown("two\nlines")
    'two\\nlines'

    """
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    half = _LONGEST_NAME // 2
    return line if len(line) <= _LONGEST_NAME else f"{line[:half]}…{line[-half:]}"


def escaped(text: str) -> str:
    """Return `text` for DOT, so that nothing in it is markup: no HTML, no escape sequence, no entity."""
    import graphviz

    return graphviz.escape(text.replace("&", "&amp;"))


def width(text: str, size: float = 11) -> float:
    """Return the inches that `text` needs, also in a wide font: browsers without Helvetica take what they have."""
    return max(map(len, text.split("\n"))) * size * 0.56 / 72
