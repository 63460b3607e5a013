"""A report for notebooks: the same table and sentences as its text, with the verdict in colour."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_GOOD, _DOUBTFUL, _BAD = "#1a7f37", "#9a6700", "#cf222e"
"""Green, amber and red that are told apart by lightness too, and are legible on white and on black."""

_COLOURS = {"PASS": _GOOD, "KINK": _GOOD, "NOISE-LIMITED": _DOUBTFUL}


def page(
    subject: str,
    verdict: str,
    note: str,
    head: Sequence[str],
    rows: Sequence[tuple[Sequence[str], Sequence[str]]],
    lists: Sequence[tuple[str, Sequence[str]]],
    foot: str,
) -> str:
    """Return HTML that needs nothing from outside: a heading, a table, lists and a last line.

    Args:
        subject: what was checked.
        verdict: what came out of it.
        note: what there is to say of all; "" if nothing.
        head: the heads of the columns.
        rows: the cells of each row, of which the last is a verdict, and the lines that explain it.
        lists: titles with lines below them.
        foot: the last line.

    >>> page("gradcheck of f", "PASS", "", ["name", "verdict"], [(["x < 1", "PASS"], [])], [], "2 evaluations")[:54]
    '<div><p>gradcheck of f: <b style="color:#1a7f37">PASS<'

    """
    parts = [f"<p>{escape(subject)}: {_coloured(verdict)}</p>"]
    if note:
        parts.append(f"<p>{escape(note)}</p>")
    if rows:
        parts.append(f"<table><thead><tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr></thead><tbody>")
        parts += [_row(cells, lines, len(head)) for cells, lines in rows]
        parts.append("</tbody></table>")
    for title, lines in lists:
        items = "".join(f"<li><code>{escape(line)}</code></li>" for line in lines)
        parts.append(f"<p>{escape(title)}</p><ul>{items}</ul>")
    parts.append(f"<p><small>{escape(foot)}</small></p>")
    return f"<div>{''.join(parts)}</div>"


def _row(cells: Sequence[str], lines: Sequence[str], width: int) -> str:
    """Return a row, and one below it with the lines that explain it."""
    *plain, verdict = cells
    row = "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in plain)
    row = f"<tr>{row}<td>{_coloured(verdict)}</td></tr>"
    if lines:
        text = "<br>".join(map(escape, lines))
        row += f'<tr><td colspan="{width}" style="text-align:left">{text}</td></tr>'
    return row


def _coloured(verdict: str) -> str:
    return f'<b style="color:{_COLOURS.get(verdict, _BAD)}">{escape(verdict)}</b>'
