"""What `explain` returns: plain data that reads as a page, in a terminal and in a notebook."""

from __future__ import annotations

import html
import math
import textwrap
from typing import Literal, NamedTuple, TypeAlias

from tinygrad_nn.graph import terminal
from tinygrad_nn.graph.style import shape_text, shown
from tinygrad_nn.graph.terminal import showable
from tinygrad_nn.nn.summary import Summary

Verdict: TypeAlias = Literal["none", "zero", "tiny", "healthy", "huge", "not finite"]

_SHOWN = 7
"""Steps that are written at the beginning and the end of a way, and around the place where it breaks."""

_WIDEST = 100
"""Columns of a text that one reads with ease."""


_NARROWEST = 12
"""Columns that are left to a name."""


class Step(NamedTuple):
    """One operation that a gradient goes through.

    Attributes:
        label: the operation; for the last step, the name of the parameter.
        module: the modules around it, outermost first.
        shape: that of its result.
        gradient: the norm of the gradient of its result.
        zeros: the share of zeros in this gradient.
        source: the user's line, as ``file:line``.

    """

    label: str
    module: tuple[str, ...]
    shape: tuple[int, ...]
    gradient: float
    zeros: float
    source: str | None


class Explanation(NamedTuple):
    """Why the gradient of a parameter is what it is.

    Attributes:
        verdict: "none", "zero", "tiny", "healthy", "huge" or "not finite".
        cause: what it comes from, in a word or two: "dead relu", "detached", "saturated", ...; "" if it is healthy.
        headline: the verdict and the cause in a sentence.
        remedy: what to do; "" if there is nothing to do.
        gradient: the norm of the gradient; None if there is none.
        paths: how many paths lead from the loss to the parameter.
        steps: the path that counts, from the loss to the parameter: the one that brings most of the gradient, or
            along which it breaks.
        breaks_at: which of `steps` breaks the gradient; None if none does.
        source: the line where it breaks, as ``file:line``.
        notes: what else there is to know.

    """

    verdict: Verdict
    cause: str
    headline: str
    remedy: str = ""
    gradient: float | None = None
    paths: int = 0
    steps: tuple[Step, ...] = ()
    breaks_at: int | None = None
    source: str | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write it as a page."""
        width = min(terminal.width(), _WIDEST)
        table = str(Summary(_fitted(self._rows(), width), names=3)).splitlines() if self.steps else []
        parts = [textwrap.wrap(self.headline, width), table, *(textwrap.wrap(note, width) for note in self._after())]
        return showable("\n\n".join("\n".join(part) for part in parts if part))

    def __repr__(self) -> str:
        """Show the page itself at the prompt of an interpreter."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return it as HTML; Jupyter asks for it by this name."""
        after = "".join(f"<p>{html.escape(note)}</p>" for note in self._after())
        table = Summary(self._rows(), names=3)._repr_html_() if self.steps else ""
        return f"<p><b>{html.escape(self.headline)}</b></p>{table}{after}"

    def _after(self) -> list[str]:
        """List what stands below the table."""
        which = "that brings most" if self.breaks_at is None else "on which it breaks"
        ways = [f"{_count(self.paths)} lead to it; the table shows one {which}."] if self.paths > 1 else []
        return [*(ways if self.steps else []), *self.notes, *([f"What to do: {self.remedy}"] if self.remedy else [])]

    def _rows(self) -> list[tuple[str, ...]]:
        """Return the path as cells of a table, without the middle of a long one."""
        has_zeros = any(step.zeros for step in self.steps)
        rows: list[tuple[str, ...]] = [
            ("operation", "module", "line", "shape", "|gradient|", *(("zeros",) if has_zeros else ()))
        ]
        last = len(self.steps) - 1
        around = last if self.breaks_at is None else self.breaks_at
        left_out = 0
        for place, step in enumerate(self.steps):
            if _SHOWN <= place <= last - _SHOWN and abs(place - around) > 1:
                left_out += 1
                continue
            if left_out:
                rows.append((f"  … {left_out:,} more", *[""] * (len(rows[0]) - 1)))
                left_out = 0
            mark = "✗ " if place == self.breaks_at else "  "
            zeros = (_percent(step.zeros),) if has_zeros else ()
            label = f"{mark}{shown(step.label)}"
            module = shown(".".join(step.module))
            rows.append((label, module, _short(step.source), shape_text(step.shape), f"{step.gradient:.3g}", *zeros))
        return rows


def _fitted(rows: list[tuple[str, ...]], width: int) -> list[tuple[str, ...]]:
    """Return rows cut to fit into `width`: modules, of which the innermost tell most, then operations, then lines."""
    for place in (1, 0, 2):
        widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
        room = max(widths[place] - 2 - max(sum(widths) - 2 - width, 0), _NARROWEST)
        rows = [(*row[:place], _cut(row[place], room, place > 0), *row[place + 1 :]) for row in rows]
    return rows


def _cut(text: str, width: int, at_the_beginning: bool) -> str:
    if len(text) <= width:
        return text
    return f"…{text[1 - width :]}" if at_the_beginning else f"{text[: width - 1]}…"


def _short(source: str | None) -> str:
    """Return a line with the name of its file alone: the folder is the same for most."""
    return "" if source is None else shown(source.replace("\\", "/").rpartition("/")[2])


def _percent(share: float) -> str:
    """Return a share of zeros; 100 % only where really all are."""
    return "" if not share else f"{min(math.ceil(share * 100), 99) if share < 1 else 100} %"


def _count(paths: int) -> str:
    """Return a number of paths, which may have more digits than a book."""
    if paths < 10**9:
        return f"{paths:,} paths"
    if paths & (paths - 1) == 0:
        return f"2^{paths.bit_length() - 1:,} paths"
    return f"about 10^{math.floor(math.log10(2) * paths.bit_length()):,} paths"
