"""One self-contained HTML file: the data, the style and the program, which are files of their own beside this one."""

from __future__ import annotations

import html
from importlib import resources
from typing import Any

SCRIPTS = (
    "model.js", "format.js", "labels.js", "layers.js", "level.js", "layout.js", "heatmap.js", "shapes.js", "light.js",
    "pointer.js", "view.js", "panel.js", "timeline.js", "search.js", "main.js",
)  # fmt: skip  # in the order of use: what a file needs stands before it
"""The program, which a page holds as one module script, so that none of its names are global."""


def html_page(title: str, data: dict[str, Any]) -> str:
    """Return the page for `data` from `page_data`.

    The user's texts are data, never markup: they stand in a JSON block in which no "<" is left, and the program writes
    them as text. A policy in the page forbids it to load anything, so that what was traced stays on this machine.

    >>> page = html_page("</title><script>", {"nodes": ["</script>"]})
    >>> "</script><" in page, page.count("<script")
    (False, 2)

    """
    import json  # as slow to import as half of this package

    # ASCII and without "<": a "</script>" in a name would end the block, and "<!--" change how it is read.
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    parts = {
        "%title%": html.escape(title),
        "%style%": _asset("explorer.css"),
        "%script%": "\n".join(map(_asset, SCRIPTS)),
        "%data%": text,
    }
    page = _asset("explorer.html")
    for mark, part in parts.items():  # the data last: they may hold any text, also one of the marks
        page = page.replace(mark, part, 1)
    return page


def _asset(name: str) -> str:
    return resources.files("tinygrad_nn.graph.explorer").joinpath("assets", name).read_text(encoding="utf-8")
