"""How pictures look: where they are drawn, their colours, line styles, legends and axes of epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_nn.errors import UnsupportedError
from tinygrad_nn.primitive import Array

if TYPE_CHECKING:  # matplotlib is an optional extra, and heavy
    from matplotlib.axes import Axes

INK, GREY, FAINT = "#1f2933", "#52606d", "#cbd2d9"

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6bb1", "#7a5c3e")
"""One for each of a few things. The first six are those of Okabe and Ito, "Color Universal Design", 2008, which the
colour-blind tell apart, without their yellow, which white paper swallows."""

DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))
"""One line style for each of a few things, for where colour says something else already."""

MARKERS = "os^Dv*Xp"
"""Shapes of points, so that classes are told apart in grey too."""

FEW = len(COLOURS)
"""How many things have a colour and a line in the legend of their own; more are told apart by a colour bar."""


def axes(owner: str, ax: Axes | None) -> Axes:
    """Return the Axes to draw into: `ax`, or those of a new figure."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot as plt  # here, because it is an optional extra, and heavy
    except ImportError as error:
        message = f"plot.{owner}: expected the library matplotlib. Run pip install 'tinygrad_nn[plot]'"
        raise UnsupportedError(message) from error
    # By pyplot and not as a bare Figure, so that a notebook displays it and `pyplot.show()` opens it
    return plt.subplots(layout="constrained")[1]


def colours(count: int) -> Sequence[str]:
    """Return a colour for each of `count` things: of the palette for a few, otherwise along viridis."""
    if count <= FEW:
        return COLOURS[:count]
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [
        to_hex(colour) for colour in colormaps["viridis"](np.linspace(0.0, 0.93, count))
    ]  # its end is too light for a line on white


def colour_bar(ax: Axes, mappable: Any, label: str, **options: Any) -> None:
    """Explain colours by a bar beside the picture."""
    figure: Any = ax.get_figure(root=False)
    bar = figure.colorbar(mappable, ax=ax, label=label, **options)
    bar.outline.set_visible(False)


def number_bar(ax: Axes, count: int, label: str) -> None:
    """Explain the colours of many things by a bar of their numbers."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize
    from matplotlib.ticker import MaxNLocator

    mappable = ScalarMappable(Normalize(-0.5, count - 0.5), ListedColormap(colours(count)))
    colour_bar(ax, mappable, label, ticks=MaxNLocator(6, integer=True))


def legend(ax: Axes, entries: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Explain lines: a text and the looks of a line for each entry."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], **{"color": GREY, **looks}) for _, looks in entries]
    texts = [text for text, _ in entries]
    crowded = sum(np.size(line.get_xdata()) for line in ax.lines) > 30_000  # matplotlib warns of its slow search then
    ax.legend(
        handles, texts, loc="upper right" if crowded else "best",
        ncols=1 + (len(texts) > 5), framealpha=0.85, edgecolor="none", fontsize="x-small",
        handlelength=1.8, labelspacing=0.3, columnspacing=1.0,
    )  # fmt: skip  # narrow, for the sake of small Axes


def plain(ax: Axes) -> None:
    """Take away what says nothing: the frame at the top and at the right."""
    ax.spines[["top", "right"]].set_visible(False)


def over_epochs(ax: Axes, epochs: Array) -> None:
    """Make the x axis one of epochs: whole numbers, from the first to the last."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    first, last = float(epochs[0]), float(epochs[-1])
    if last > first:
        ax.set_xlim(first, last)
        ax.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    else:
        ax.set_xticks([first])
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.set_xlabel("epoch")
    ax.grid(axis="y", color=FAINT, linewidth=0.5)
    ax.set_axisbelow(True)
    plain(ax)


def marker(count: int) -> str:
    """Return the marker of a line through `count` points: one point alone has no line to be seen."""
    return "o" if count == 1 else ""
