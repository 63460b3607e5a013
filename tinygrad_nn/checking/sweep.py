"""The picture of a sweep: how the error of a difference depends on its step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinygrad_nn.checking.richardson import Quotient
from tinygrad_nn.errors import UnsupportedError

if TYPE_CHECKING:  # matplotlib is an optional extra, and heavy
    from matplotlib.axes import Axes


def draw_sweep(ax: Axes | None, title: str, analytic: float, numeric: float, trail: Sequence[Quotient]) -> Axes:
    """Draw the distance of each difference from the derivative by backpropagation, and from their extrapolation."""
    if ax is None:
        try:
            from matplotlib import pyplot as plt
        except ImportError as error:
            message = (
                "GradcheckReport.plot: expected the library matplotlib. Run pip install 'tinygrad_nn[plot]', or pass ax"
            )
            raise UnsupportedError(message) from error
        ax = plt.subplots(layout="constrained")[1]
    steps = [quotient.step for quotient in trail]
    unit = max(abs(analytic), abs(numeric)) if math.isfinite(numeric) else abs(analytic)
    for reference, label, marker, dashes in (
        (analytic, "from the gradient", "o", "-"),
        (numeric, "from their extrapolation", "s", "--"),
    ):
        errors = [abs(quotient.central - reference) / (unit or 1.0) for quotient in trail]
        shown = [error if error > 0 else math.nan for error in errors]  # a logarithmic axis has no 0
        ax.plot(steps, shown, marker=marker, linestyle=dashes, label=label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("step, relative to the input")
    ax.set_ylabel("distance of the difference, relative")
    ax.set_title(title)
    ax.legend()
    return ax
