"""Numbers to try: the simple first, which hypothesis shrinks to, and last those at which rules break."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from tinygrad_nn.primitive import Array

Interval: TypeAlias = tuple[float, float]

_MAGNITUDES = (0.7, 1.3, 2.1, 0.4, 3.6, 0.15, 7.3, 0.03, 25.7, 160.3)
"""No whole numbers and no halves: these are where kinks are."""

_EXTREMES = (0.0, 1e-8, 1.1e3)
"""Where a quotient is 0 / 0 though the function has a limit, where differences cancel, and where squares are large."""

_FRACTIONS = (0.43, 0.71, 0.19, 0.87, 0.06, 0.97)
"""Parts of an interval that is too narrow for the simple values."""


def simple_within(domain: Interval) -> list[float]:
    """Return simple values of an open interval, the simplest first.

    >>> simple_within((0.0, 1.0))[:4], simple_within((200.0, np.inf))[:2]
    ([0.7, 0.4, 0.15, 0.03], [200.7, 201.3])

    """
    low, high = domain
    simple = _inside(_MAGNITUDES, domain)
    if len(simple) < len(_FRACTIONS) and math.isfinite(low) and math.isfinite(high):
        simple += [low + (high - low) * part for part in _FRACTIONS]
    return simple or [low + x if math.isfinite(low) else high - x for x in _MAGNITUDES]


def values_within(domain: Interval, factor: float = 1.0) -> list[float]:
    """Return simple values of an open interval, times the `factor` where they stay in it, and then the extreme ones.

    The factor keeps operands apart, for where two are equal, a maximum has its kink.

    >>> values_within((-1.0, np.inf))[-4:]
    [0.0, 1e-08, 1100.0, -1e-08]

    """
    low, high = domain
    return [x * factor if low < x * factor < high else x for x in simple_within(domain)] + _inside(_EXTREMES, domain)


def values_like(x: Array, factor: float) -> list[float]:
    """Return values of the signs and between the magnitudes of those in `x`, and around 0 if `x` has both signs."""
    numbers = x[np.isfinite(x) & (x != 0)]
    if not len(numbers):
        return [factor * v for v in _MAGNITUDES[:3]]
    low, high = float(np.abs(numbers).min()), float(np.abs(numbers).max())
    signs = [sign for sign in (1, -1) if (sign * numbers > 0).any()]
    simple = [sign * v * factor for sign in signs for v in _MAGNITUDES if low <= v * factor <= high]
    around = _inside(_EXTREMES, (-high, high)) if len(signs) == 2 else []
    return (simple or [float(v) for v in np.unique(numbers)]) + around


def _inside(magnitudes: tuple[float, ...], domain: Interval) -> list[float]:
    """Return the numbers of some magnitudes and of both signs that lie in an open interval."""
    low, high = domain
    return [sign * x for sign in (1, -1) for x in magnitudes if low < sign * x < high and (x or sign > 0)]
