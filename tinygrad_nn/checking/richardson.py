"""Seven equally spaced values of a function: its derivative in the middle, and how rough they are.

The derivative is Richardson's extrapolation of the central differences over one, two and three spacings to a spacing
of 0. Its error is read off a table of repeated differences: from row to row those of a smooth function vanish, and
those of noise remain. (Hamming, "Introduction to Applied Numerical Analysis", 1971; Moré and Wild, "Estimating
computational noise", SIAM Journal on Scientific Computing 33, 2011.)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

POINTS = (-3, -2, -1, 1, 2, 3)
"""Where the values are taken, in spacings; in the middle the function is known."""

_WEIGHTS = np.array([-1, 9, -45, 0, 45, -9, 1]) / 60

_ROWS = (3, 4, 5, 6)
"""The rows of the table that noise is read from: a parabola leaves nothing in them."""

_RESOLVED = 0.05
"""The part of what a function changes by that noise may be, if the change is to show its slope."""

_AMPLIFIED = 2.0
"""How many times the noise of the values, divided by their spacing, a derivative may be off."""

FARTHEST = 4.0
"""The spacing up to which slopes say something of the point, in sizes of each element."""

_FINE = 1024
"""How many times the rounding of its outputs the steps of a function may be, if that is all they come of."""


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

    def per(self, unit: float) -> Quotient:
        """Return the same, with the derivative measured in another unit."""
        return Quotient(self.step, self.central / unit, self.forward / unit)


class Estimate(NamedTuple):
    """A derivative by finite differences; NaN where none could be found.

    Attributes:
        value: the derivative.
        error: what it may be off by.
        step: the step that it comes from.
        resolution: how far its outputs are rounded at least.
        noise: how far values of the function are off, as far as their differences show.
        is_bent: whether the differences on both sides differ, as they do at a kink, or where a function bends.
        height: that of the steps that the function is made of, if they are more than the rounding of its outputs. They
            may be its own, or come of rounding inside of it.
        extent: how much the function changes about the point.
        longer: the derivative that it is compared with, by backpropagation in longer floats; None where there is none.
        is_swept: whether more than a single difference was taken.

    """

    value: float
    error: float
    step: float
    resolution: float = 0.0
    noise: float = 0.0
    is_bent: bool = False
    height: float = 0.0
    extent: float = 0.0
    longer: float | None = None
    is_swept: bool = True

    @property
    def is_clear(self) -> bool:
        """Whether it is known well, or known to be next to nothing."""
        return self.error <= max(1e-4 * abs(self.value), 128 * self.resolution)

    def decides(self, value: float) -> bool:
        """Tell whether it is known well enough to tell `value` from one and a half times as much."""
        doubt = 10 * self.error + 8 * self.resolution
        return not self.height and doubt <= 0.3 * max(abs(self.value), abs(value))

    def allows(self, other: Estimate) -> bool:
        """Tell whether another one agrees, as far as both are known."""
        return abs(other.value - self.value) <= 2 * (other.error + self.error)

    def still(self) -> Estimate:
        """Return what it is if the function is piecewise constant."""
        return self._replace(value=0.0, error=_AMPLIFIED * self.resolution, noise=self.resolution, height=0.0)

    def agrees(self, value: float) -> bool:
        """Tell whether it may be `value`, for all that is known."""
        return abs(value - self.value) <= 1e-6 * abs(self.value) + 10 * self.error


class Stencil(NamedTuple):
    """What seven equally spaced values say.

    Attributes:
        step: their spacing.
        slope: the derivative in the middle; NaN if one of them is none.
        noise: what their differences leave: noise, or what the function bends beyond a parabola.
        spread: how much they differ.
        jump: how much it rises in the middle, if it does not change on either side.
        is_bent: whether the slopes on both sides differ.

    """

    step: float
    slope: float
    noise: float
    spread: float
    jump: float
    is_bent: bool


def stencil(step: float, rises: Sequence[float]) -> Stencil:
    """Return what values say that differ by `rises` from the one in the middle, at `POINTS`.

    >>> import math
    >>> found = stencil(0.01, [math.expm1(0.01 * k) for k in POINTS])
    >>> round(found.slope, 12), found.noise < 1e-6
    (1.0, True)

    """
    values = np.array([*rises[:3], 0.0, *rises[3:]])
    with np.errstate(all="ignore"):  # where the function has no value
        spread = float(np.ptp(values))
        noise = max(float(np.sqrt(np.mean(np.diff(values, row) ** 2) / math.comb(2 * row, row))) for row in _ROWS)
        behind, ahead = -float(values[2]), float(values[4])
        is_flat_beside = not np.ptp(values[:3]) and not np.ptp(values[4:])
        slope, jump = float(_WEIGHTS @ values) / step, spread if is_flat_beside else 0.0
    return Stencil(step, slope, noise, spread, jump, not are_alike(behind, ahead))


def are_alike(behind: float, ahead: float) -> bool:
    """Tell whether the slopes on both sides differ by no more than the little that most functions bend in one step."""
    return abs(ahead - behind) <= max(abs(ahead), abs(behind)) / 64


def surest(stencils: Sequence[Stencil], resolution: float, expected: float, height: float = 0.0) -> Estimate:
    """Return the derivative that stencils of shrinking spacings find together.

    What the narrowest two have seen that see the function change is the derivative, and wider ones, as long as they
    agree, are asked for more digits: one beyond may look as smooth, and have stepped over what happens in between. The
    noise of a narrow stencil is also in the wide ones, though they may look smoother by chance.

    Where all of them see noise, the derivative is no larger than what the wide ones leave. But if the function moves as
    much next to the point as it does with the slope that is `expected`, or as it does farther away, nothing is known:
    it may be steep, or oscillate fast.

    Args:
        stencils: from the widest to the narrowest.
        resolution: the rounding of the function's outputs.
        expected: the derivative that is in question.
        height: that of the steps that the function is made of.

    >>> import math
    >>> found = [stencil(h, [math.sin(h * k) for k in POINTS]) for h in (1.0, 1e-2, 1e-4, 1e-6)]
    >>> estimate = surest(found, 1e-16, 1.0)
    >>> round(estimate.value, 9), estimate.step, estimate.error < 1e-9
    (1.0, 1e-06, True)

    """
    known = [found for found in stencils if math.isfinite(found.slope)]
    if not known:
        return Estimate(math.nan, math.inf, math.nan)
    last, extent = known[-1], max((found.spread for found in known if found.step <= 1), default=0.0)
    flat = Estimate(0.0, _AMPLIFIED * resolution, last.step, resolution, resolution, last.is_bent, extent=extent)
    if not any(found.spread for found in known):
        return flat if resolution else flat._replace(error=math.inf)  # of nothing, as of x + 1e20 - 1e20
    noise, rated, resolved = max(height, resolution), [], []
    for found in reversed(known):
        noise = max(noise, found.noise)
        error = _AMPLIFIED * noise / found.step
        rated.append(flat._replace(value=found.slope, error=error, step=found.step, noise=noise))
        resolved.append(noise < _RESOLVED * found.spread)
    pairs = enumerate(zip(itertools.pairwise(rated), itertools.pairwise(resolved), strict=True))
    start = next((k for k, ((near, far), are_resolved) in pairs if all(are_resolved) and near.allows(far)), None)
    if start is None:
        best = min(rated, key=lambda other: (other.step > 1, other.error))
        near = next(found for found in reversed(known) if found.spread)
        if expected and near.spread > max(_FINE * resolution, min(abs(expected) * near.step / 8, extent / 64)):
            best = best._replace(error=math.inf)
        nearest = best
    else:
        best = nearest = rated[start]
        for wider in rated[start:]:
            if not best.allows(wider):
                break
            best = min(best, wider, key=lambda other: other.error)
    if nearest.step > FARTHEST and not best.agrees(expected):
        best = best._replace(error=math.inf)  # what is bounded has no slope so far away
    return best._replace(height=height if height > _FINE * resolution else 0.0)
