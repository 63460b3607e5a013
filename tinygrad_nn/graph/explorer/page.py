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


def packed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a table column by column, for 100,000 rows that name their fields would be 30 megabytes.

    Texts and shapes are written once, and by their number where they stand.

    >>> packed([{"kind": "input", "group": 0}, {"kind": "operation", "group": 1}, {"kind": "input"}])
    {'kind': {'of': ['input', 'operation'], 'at': [0, 1, 0]}, 'group': [0, 1, None]}

    """
    return {
        name: _column([row.get(name) for row in rows]) for name in dict.fromkeys(key for row in rows for key in row)
    }


def _column(cells: list[Any]) -> Any:
    if not any(isinstance(cell, (str, tuple)) for cell in cells):
        return cells
    numbers: dict[Any, int] = {}
    at = [None if cell is None else numbers.setdefault(cell, len(numbers)) for cell in cells]
    return {"of": list(numbers), "at": at}


def html_page(title: str, data: dict[str, Any]) -> str:
    """Return the page for `data` from `page_data`.

    The user's texts are data, never markup: they stand in a JSON block in which no "<" is left, and the program writes
    them as text. A policy in the page forbids it to load anything, so that what was traced stays on this machine.

    >>> page = html_page("</title><script>", {"nodes": [{"name": "</script>"}], "edges": [], "groups": []})
    >>> "</script><" in page, page.count("<script")
    (False, 2)

    """
    tables = {name: packed(data[name]) for name in ("nodes", "groups")}
    edges = dict(zip(("source", "target", "position", "flow"), zip(*data["edges"], strict=True), strict=False))
    # ASCII and without "<": a "</script>" in a name would end the block, and "<!--" change how it is read.
    text = _json(data | tables | {"edges": edges}).replace("<", "\\u003c")
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


def _json(value: Any) -> str:
    """Return `value` as JSON, column by column: `json` makes a text of each number before it joins any."""
    import json  # as slow to import as half of this package

    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(key)}:{_json(part)}' for key, part in value.items())}}}"
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _asset(name: str) -> str:
    return resources.files("tinygrad_nn.graph.explorer").joinpath("assets", name).read_text(encoding="utf-8")
