"""`gradient_norms`: whether gradients vanish or explode from layer to layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.plot import style
from tinygrad_nn.plot.arguments import array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 30


def gradient_norms(norms: Mapping[str, npt.ArrayLike], ax: Axes | None = None) -> Axes:
    """Draw for each parameter the histogram of the norms of its gradient over a training run, on a logarithmic axis.

    Each row is as high as its fullest bin; the stroke in it is the median. Norms of 0, which have no place on the axis,
    are counted at the name; NaN is left out.

    Args:
        norms: by the name of the parameter, first the one nearest to the input, the norms, of shape (T,), such as
            `Recorder.gradient_norms`.
        ax: where to draw; a new figure when None.

    Raises:
        ShapeError: norms that are not of shape (T,).
        ArgumentError: no finite norm above 0.
        UnsupportedError: matplotlib is not installed.

    >>> from matplotlib.figure import Figure
    >>> ax = gradient_norms({"0.weight": [0.0, 0.1], "1.weight": [1.0, 2.0]}, Figure().subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['0.weight (50 % zero)', '1.weight']

    """
    found = {name: array("gradient_norms", f"norms[{name!r}]", values, "(T,)") for name, values in norms.items()}
    positive = [values[(values > 0) & np.isfinite(values)] for values in found.values()]
    every = np.concatenate([np.empty(0), *positive])
    if not every.size:
        message = (
            "plot.gradient_norms: expected at least one finite norm above 0, got none. "
            "Record them with Recorder(gradients=True) while training"
        )
        raise ArgumentError(message)
    ax = style.axes("gradient_norms", ax)
    low, high = np.log10(every.min()), np.log10(every.max())
    edges = np.logspace(low - 0.1, high + 0.1, BINS + 1)
    for base, values in enumerate(positive):  # the y axis points down: the layer nearest to the input is at the top
        ax.axhline(base, color=style.FAINT, linewidth=0.8, zorder=0)
        if values.size:
            counts, _ = np.histogram(values, edges)
            top = base - 0.85 * counts / counts.max()
            ax.stairs(top, edges, baseline=base, fill=True, color=style.COLOURS[4], alpha=0.8)
            ax.stairs(top, edges, baseline=base, color=style.COLOURS[0], linewidth=0.8)
            ax.plot([np.median(values)] * 2, [base, base - 0.85], color=style.INK, linewidth=1.5)
    ax.set_xscale("log")
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(len(found) - 0.9, -1.0)
    ax.set_yticks(range(len(found)), [_with_zeros(name, values) for name, values in found.items()])
    ax.tick_params(axis="y", length=0, labelsize="small" if len(found) <= 12 else "xx-small")
    ax.set_xlabel("norm of the gradient")
    style.plain(ax)
    ax.spines["left"].set_visible(False)
    return ax


def _with_zeros(name: str, values: npt.NDArray[np.floating]) -> str:
    """Return a name with the share of norms that are 0."""
    zeros = (values == 0).sum() / max(1, (~np.isnan(values)).sum())
    return f"{name} ({100 * zeros:.0f} % zero)" if zeros else name
