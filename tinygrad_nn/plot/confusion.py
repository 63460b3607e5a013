"""`confusion_matrix`: which class was taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.plot import style
from tinygrad_nn.plot.arguments import array, labels_of
from tinygrad_nn.primitive import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def confusion_matrix(matrix: npt.ArrayLike, ax: Axes | None = None, *, labels: Sequence[object] | None = None) -> Axes:
    """Draw a confusion matrix: a row for each true class, a column for each predicted one.

    The darker a cell, the larger its share of the row, so that rare classes are as visible as frequent ones. Where the
    cells are too small for numbers, there is a colour bar.

    Args:
        matrix: counts or shares of shape (C, C), such as those of `training.metrics.confusion_matrix`.
        ax: where to draw; a new figure when None.
        labels: the name of each class; its number when None.

    Raises:
        ShapeError: the matrix is not square.
        ArgumentError: a number below 0, or another number of labels than classes.
        UnsupportedError: matplotlib is not installed.

    >>> from matplotlib.figure import Figure
    >>> ax = confusion_matrix([[9, 1], [2, 8]], Figure().subplots(), labels=["cat", "dog"])
    >>> [text.get_text() for text in ax.texts]
    ['9', '1', '2', '8']

    """
    found = array("confusion_matrix", "matrix", matrix, "(C, C)")
    if found.shape[0] != found.shape[1]:
        message = f"plot.confusion_matrix: expected 'matrix' to have the shape (C, C), got {found.shape}"
        raise ShapeError(message)
    if not (found >= 0).all():
        message = f"plot.confusion_matrix: expected counts or shares of at least 0, got {found.min()}"
        raise ArgumentError(message)
    names = labels_of("confusion_matrix", labels, len(found))
    ax = style.axes("confusion_matrix", ax)
    totals = found.sum(axis=1, keepdims=True)
    shares = found / np.where(totals > 0, totals, 1)
    image = ax.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    texts = [[f"{value:,.2f}" if found.dtype.kind == "f" else f"{value:,}" for value in row] for row in found]
    size = _font_size(ax, len(found), max(len(text) for row in texts for text in row))
    if size >= 4:
        _write(ax, found, shares, texts, size)
    else:
        style.colour_bar(ax, image, "share of the true class")
    every = range(0, len(names), max(1, len(names) // 30))
    for axis, text in ((ax.xaxis, "predicted class"), (ax.yaxis, "true class")):
        axis.set_ticks(every, [names[place] for place in every])
        axis.set_label_text(text)
    if max(map(len, names)) * len(names) > 40:
        ax.tick_params(axis="x", rotation=90)
    ax.tick_params(length=0, labelsize="small")
    ax.spines[:].set_color(style.FAINT)
    return ax


def _font_size(ax: Axes, classes: int, letters: int) -> float:
    """Return the size in points at which `letters` fit into a cell, at most 10."""
    box = ax.get_window_extent()
    cell = 0.85 * min(box.width, box.height) / classes * 72 / ax.figure.dpi
    return float(min(10.0, 0.6 * cell, cell / (0.62 * letters)))


def _write(ax: Axes, found: Array, shares: Array, texts: Sequence[Sequence[str]], size: float) -> None:
    """Write the numbers into the cells, those that are 0 faintly."""
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 0.5 else style.INK if found[row, column] else style.FAINT
        ax.text(column, row, texts[row][column], ha="center", va="center", color=colour, fontsize=size)
