"""Where a function is not differentiable: what its slopes are on both sides, and whether it jumps in between."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from tinygrad_nn.checking.differences import Line, Probe
from tinygrad_nn.primitive import Array

_STEPS = (2.0**-14, 2.0**-17, 2.0**-20)

_ROUNDING = 2.0**-47
"""The part of a function's size that a difference may be off by."""

_JUMP = 64
"""How many times the rounding of the outputs a jump must be to be none."""


class Kink(NamedTuple):
    """A place where a function has a slope on each side, but none in the middle.

    Attributes:
        left: the slope behind the point.
        right: the slope ahead of it.
        jump: how much the function rises between them by itself; 0 if it is continuous.
        slack: what the slopes may be off by.

    """

    left: float
    right: float
    jump: float
    slack: float

    def allows(self, slope: float) -> bool:
        """Tell whether a gradient at the kink may be `slope`: any between both sides may."""
        return min(self.left, self.right) - self.slack <= slope <= max(self.left, self.right) + self.slack

    def __str__(self) -> str:
        """Say what the function is like."""
        slopes = f"the slope is {self.left:.6g} on one side and {self.right:.6g} on the other"
        return f"the function jumps by {abs(self.jump):.6g}; {slopes}" if self.jump else slopes

    def per(self, unit: float) -> Kink:
        """Return the same, measured in other units."""
        return Kink(self.left / unit, self.right / unit, self.jump / unit, self.slack / abs(unit))


def find_kink(probe: Probe, direction: Array, resolution: float = 0.0) -> Kink | None:
    """Return the kink along a direction, if there is one.

    Where a function is smooth, the slopes on both sides approach each other as the step shrinks; what rounding pretends
    grows. Both slopes are taken beside the point, not from it: at a jump, the value in the middle belongs to one of the
    sides only. A jump that is not much larger than the `resolution` of the function may be its rounding.

    >>> import numpy as np
    >>> point, outputs, cotangents = [np.zeros(1)], [np.zeros(1)], [np.ones(1)]
    >>> str(find_kink(Probe(lambda x: [np.maximum(x[0], 0)], point, 0, outputs, cotangents), np.ones(1)))
    'the slope is 0 on one side and 1 on the other'
    >>> str(find_kink(Probe(lambda x: [np.floor(x[0])], point, 0, outputs, cotangents), np.ones(1)))
    'the function jumps by 1; the slope is 0 on one side and 0 on the other'

    """
    line = Line(probe, direction)
    gaps, jumps = [], []
    left = right = rise = 0.0
    for step in _STEPS:
        left, right = line.slope(-2 * step, -step), line.slope(step, 2 * step)
        rise = 2 * step * line.slope(-step, step) - step * (left + right)
        gaps.append(abs(right - left))
        jumps.append(abs(rise))
    steepest = max(abs(left), abs(right))
    noise = _JUMP * resolution / _STEPS[-1]
    is_kink = _stay(gaps, 2.0) and gaps[-1] > max(1e-3 * steepest, noise)
    is_jump = _stay(jumps, 1.02) and jumps[-1] > _JUMP * resolution
    if not is_kink and not is_jump:
        return None
    slack = gaps[-1] / 16 + 1e-4 * steepest + _ROUNDING * probe.magnitude / _STEPS[-1]
    return Kink(left, right, rise if is_jump else 0.0, slack)


def _stay(sizes: Sequence[float], ratio: float) -> bool:
    """Tell whether none is `ratio` times as large as the one before, or less than the same part of it."""
    return all(before / ratio < size < before * ratio for before, size in itertools.pairwise(sizes))
