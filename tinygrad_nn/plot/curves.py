"""`curves`: what a training run has measured, over its epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.plot import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def curves(
    columns: Mapping[str, Sequence[float]],
    ax: Axes | None = None,
    *,
    names: Iterable[str] | None = None,
    log: bool = False,
) -> Axes:
    """Draw a line for each column over the epochs; "val_loss" is dashed, in the colour of "loss".

    Args:
        columns: by name, one number an epoch, the first of epoch 1.
        ax: where to draw; a new figure when None.
        names: which columns; all when None.
        log: whether the y axis is logarithmic; what is not above 0 is left out then.

    Raises:
        ArgumentError: a name that is no column, nothing to draw, or nothing above 0 on a logarithmic axis.
        UnsupportedError: matplotlib is not installed.

    >>> from matplotlib.figure import Figure
    >>> ax = curves({"loss": [0.5, 0.2], "val_loss": [0.6, 0.4]}, Figure().subplots())
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.lines[1].get_ydata()
    ('epoch', 'loss', array([0.6, 0.4]))

    """
    wanted = list(columns) if names is None else [names] if isinstance(names, str) else list(names)
    unknown = [name for name in wanted if name not in columns]
    if unknown:
        message = f"plot.curves: expected 'names' among {', '.join(columns) or 'no columns'}, got {', '.join(unknown)}"
        raise ArgumentError(message)
    drawn = {name: np.asarray(columns[name], dtype=float) for name in wanted}
    longest = max((values.size for values in drawn.values()), default=0)
    if not longest:
        message = "plot.curves: expected at least one column with at least one epoch, got none. Train first"
        raise ArgumentError(message)
    if log and not any((values > 0).any() for values in drawn.values()):
        message = f"plot.curves: expected a number above 0 for log=True, got none in {', '.join(drawn)}. Leave log out"
        raise ArgumentError(message)
    ax = style.axes("curves", ax)
    families = list(dict.fromkeys(name.removeprefix("val_") for name in drawn))
    palette = dict(zip(families, style.colours(len(families)), strict=True))
    entries = []
    for name, values in drawn.items():
        dashes = style.DASHES[name.startswith("val_")]
        looks: dict[str, Any] = {
            "color": palette[name.removeprefix("val_")],
            "linestyle": dashes,
            "marker": style.marker(longest),
        }
        if name.startswith("val_"):
            looks["markerfacecolor"] = "white"  # of a single epoch
        ax.plot(np.arange(1, values.size + 1), values, label=name, **looks)
        entries.append((name, looks))
    if log:
        ax.set_yscale("log")
    style.over_epochs(ax, np.arange(1, longest + 1))
    ax.set_ylabel(families[0] if len(families) == 1 else "value")
    if len(drawn) > 1:
        style.legend(ax, entries)
    return ax
