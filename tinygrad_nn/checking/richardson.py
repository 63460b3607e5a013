"""A sweep of difference quotients, extrapolated to a step of 0, with the error that this leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

_DEPTH = 3
"""Extrapolations of one upon another: orders 2, 4, 6 and 8 in the step."""

_NOISY = 3
"""How many of the smallest steps of a sweep are asked for rounding, by how much they disagree with the one before."""


class Quotient(NamedTuple):
    """The difference quotients for one step.

    Attributes:
        step: the step, relative to the direction.
        central: that between the points on both sides.
        forward: that between the point itself and the one ahead.

    """

    step: float
    central: float
    forward: float

    @property
    def rise(self) -> float:
        """How much the function changes between both sides."""
        return abs(self.central) * 2 * self.step

    def per(self, unit: float) -> Quotient:
        """Return the same, with the derivative measured in another unit."""
        return Quotient(self.step, self.central / unit, self.forward / unit)


class Estimate(NamedTuple):
    """A derivative by finite differences; NaN where none could be found.

    Attributes:
        value: the derivative.
        error: what it may be off by.
        step: the step that it comes from.
        resolution: the rounding of the function's outputs, which a derivative along an input's own length has, too.
        eps: the relative precision of these outputs.
        is_bent: whether the differences on both sides differ, as they do at a kink, or where a function bends.
        trail: the sweep that it comes from.

    """

    value: float
    error: float
    step: float
    resolution: float
    eps: float
    is_bent: bool = False
    trail: tuple[Quotient, ...] = ()

    @property
    def is_clear(self) -> bool:
        """Whether it is known well, or known to be next to nothing."""
        return self.error <= max(1e-4 * abs(self.value), 128 * self.resolution)

    @property
    def is_informed(self) -> bool:
        """Whether it is known at all."""
        return self.error < 0.1 * abs(self.value)

    @property
    def is_flat(self) -> bool:
        """Whether the function does not change at all in the smallest steps."""
        return bool(self.trail) and not any(quotient.central for quotient in self.trail[-_NOISY:])

    @property
    def least_rise(self) -> float:
        """The least that the function changes by, if it does: at a jump, that is not little."""
        return min((quotient.rise for quotient in self.trail if quotient.rise), default=0.0)

    def agrees(self, value: float) -> bool:
        """Tell whether it may be `value`, for all that is known."""
        return abs(value - self.value) <= 1e-6 * abs(self.value) + 10 * self.error


def extrapolate(trail: Sequence[Quotient], resolution: float, eps: float) -> Estimate:
    """Return the surest extrapolation of differences with steps that shrink.

    The extrapolation is Ridders', "Accurate computation of F'(x) and F'(x)F''(x)", 1982. To its error, which is how
    much each one changes the value, comes the rounding: of the outputs, by their precision, and of all that happens
    inside of the function, as the smallest steps show it.

    Args:
        trail: the differences, from the largest step to the smallest.
        resolution: the rounding of the function's outputs.
        eps: their relative precision.

    >>> import math
    >>> steps = [0.1, 0.03, 0.01, 0.003, 0.001]
    >>> trail = [Quotient(h, (math.exp(h) - math.exp(-h)) / (2 * h), 0.0) for h in steps]
    >>> estimate = extrapolate(trail, 1e-16, 2e-16)
    >>> round(estimate.value, 9), estimate.step
    (1.0, 0.01)

    """
    steps, row = [quotient.step for quotient in trail], [quotient.central for quotient in trail]
    best = Estimate(math.nan, math.inf, math.nan, resolution, eps, trail=tuple(trail))
    start = max((place + 1 for place, slope in enumerate(row) if not math.isfinite(slope)), default=0)
    steps, row = steps[start:], row[start:]
    if len(row) <= _DEPTH:
        return best
    noise = max(abs(row[k] - row[k - 1]) * steps[k] for k in range(max(1, len(row) - _NOISY), len(row)))
    blur = [(noise + resolution) / step for step in steps]
    first: list[float] = []
    for depth in range(1, _DEPTH + 1):
        above = row
        shrinkages = [(before / after) ** 2 for before, after in zip(steps[:-depth], steps[depth:], strict=True)]
        row = [b + (b - a) / (r - 1) for a, b, r in zip(above[:-1], above[1:], shrinkages, strict=True)]
        first = first or row
        for place, value in enumerate(row):
            last = place + depth
            # At smaller steps it has to be the same, but for the rounding: a kink nearby shows only there.
            change = max(
                (abs(value - v) - 4 * b for v, b in zip(first[last:], blur[last + 1 :], strict=True)), default=0
            )
            error = max(abs(value - above[place]), abs(value - above[place + 1]), change) + blur[last]
            if error < best.error:
                best = best._replace(value=value, error=error, step=steps[last])
    return best
