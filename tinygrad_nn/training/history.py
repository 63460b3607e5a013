"""`History`: what a training run has measured, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_nn.errors import StateError
from tinygrad_nn.plot.curves import curves
from tinygrad_nn.primitive import Array

if TYPE_CHECKING:  # matplotlib is an optional extra, and heavy
    from matplotlib.axes import Axes


class History:
    """Columns of numbers, one row an epoch: the loss, and every metric under its name.

    >>> history = History()
    >>> history.append({"loss": 0.5, "accuracy": 0.75})
    >>> history.append({"loss": 0.25, "accuracy": 1.0})
    >>> history["loss"]
    [0.5, 0.25]
    >>> print(history)
    epoch      loss  accuracy
        1       0.5      0.75
        2      0.25         1
    """

    def __init__(self) -> None:
        """Start empty."""
        self.columns: dict[str, list[float]] = {}
        self.epochs = 0

    def append(self, row: dict[str, float]) -> None:
        """Add what one epoch has measured."""
        self.epochs += 1
        for name, value in row.items():
            self.columns.setdefault(name, []).append(float(value))

    def __getitem__(self, name: str) -> list[float]:
        """Return one column."""
        if name not in self.columns:
            message = f"History: expected one of {', '.join(self.columns) or 'no columns'}, got {name!r}"
            raise StateError(message)
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a column of this name."""
        return name in self.columns

    def __len__(self) -> int:
        """Return the number of epochs."""
        return self.epochs

    def last(self) -> dict[str, float]:
        """Return the last row."""
        return {name: values[-1] for name, values in self.columns.items()}

    def to_dict(self) -> dict[str, Array]:
        """Return the columns as arrays of one number an epoch."""
        return {name: np.array(values) for name, values in self.columns.items()}

    def state_dict(self) -> dict[str, Array]:
        """Return all that has been measured."""
        return self.to_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a `state_dict`."""
        self.columns = {name: np.asarray(values).tolist() for name, values in state.items()}
        self.epochs = max(map(len, self.columns.values()), default=0)

    def plot(self, names: Iterable[str] | None = None, ax: Axes | None = None, log: bool = False) -> Axes:
        """Draw columns over the epochs, all of them when `names` is None; see `plot.curves`."""
        return curves(self.columns, ax, names=names, log=log)

    def __str__(self) -> str:
        """Return a table; of a long run every tenth of it, and the last epoch."""
        step = max(1, self.epochs // 10)
        shown = sorted({*range(0, self.epochs, step), self.epochs - 1} - {-1})
        lines = ["epoch" + "".join(f"{name:>{_width(name)}}" for name in self.columns)]
        for row in shown:
            cells = "".join(f"{values[row]:>{_width(name)}.4g}" for name, values in self.columns.items())
            lines.append(f"{row + 1:>5}{cells}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Say how much there is."""
        return f"<History of {self.epochs} epochs: {', '.join(self.columns) or 'empty'}>"


def _width(name: str) -> int:
    return max(10, len(name) + 2)
