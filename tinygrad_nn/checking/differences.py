"""Derivatives by finite differences, each with an estimate of its own error.

One step size fits no two functions: too large and the function bends, too small and rounding drowns the difference. So
the step is swept, the differences are extrapolated to a step of 0, and the error is read off from how well they agree.
A verdict can then rest on what was measured, from 1e-12 to 1e+12 in scale, instead of on an absolute tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from tinygrad_nn.primitive import Array

Function: TypeAlias = Callable[[Sequence[Array]], Sequence[Array]]
"""A function under study, of arrays alone: one for each input gives one for each output."""


def _steps(first: int) -> list[float]:
    """Return eight steps, relative to the direction, that shrink from about ``2^first`` by about a quarter each.

    Primes over 32: of few binary digits, so that adding a step rounds nothing away, and in no simple ratio. With exact
    quarters, the differences of a function that rounds coarsely often agree by chance, and look exact.
    """
    return [math.ldexp(prime, first - 5 - 2 * k) for k, prime in enumerate((31, 37, 29, 41, 23, 43, 19, 47))]


_NEAR, _CLOSER, _WIDER = _steps(-4), _steps(-16), _steps(16)
"""The steps that suit most functions, those for a point much nearer to a kink or an edge of the domain than its size
tells, and those for a function much larger than its change."""

_DEPTH = 3
"""Extrapolations of one upon another: orders 2, 4, 6 and 8 in the step."""

_NOISY = 3
"""How many of the smallest steps of a sweep are asked for rounding, by how much they disagree with the one before."""


class Estimate(NamedTuple):
    """A derivative by finite differences; NaN where none could be found.

    Attributes:
        value: the derivative.
        error: what it may be off by.
        step: the step that it comes from.
        resolution: the rounding of the function's outputs, which a derivative along an input's own length has, too.
        eps: the relative precision of these outputs.

    """

    value: float
    error: float
    step: float
    resolution: float
    eps: float

    @property
    def is_clear(self) -> bool:
        """Whether it is known well, or known to be next to nothing."""
        return self.error <= max(1e-4 * abs(self.value), 128 * self.resolution)

    @property
    def is_informed(self) -> bool:
        """Whether it is known at all."""
        return self.error < 0.1 * abs(self.value)

    def agrees(self, value: float) -> bool:
        """Tell whether it may be `value`, for all that is known."""
        return abs(value - self.value) <= 1e-6 * abs(self.value) + 10 * self.error


class Probe:
    """A function at one point, to be differentiated along directions in one of its inputs.

    Its outputs are summed with `cotangents`. Differences are taken of each output before they are summed, so that
    outputs that do not change add no rounding.
    """

    def __init__(
        self,
        function: Function,
        point: Sequence[Array],
        index: int,
        outputs: Sequence[Array],
        cotangents: Sequence[Array],
    ) -> None:
        """Look at `function`, which has the value `outputs` at `point`, along input `index`."""
        self.function = function
        self.point = point
        self.index = index
        self.cotangents = cotangents
        self.sizes = [np.abs(u * output) for u, output in zip(cotangents, outputs, strict=True)]
        self.magnitude = sum(float(size.sum()) for size in self.sizes)

    def derivative(self, direction: Array, expected: float) -> Estimate:
        """Return the derivative along `direction`, an array as large as the step that suits each element.

        It is looked for far and wide only where the usual steps leave it uncertain, compared with what is `expected`.
        """
        line = Line(self, direction)
        near = line.extrapolate(_NEAR)
        if near.is_clear and near.agrees(expected):
            return near
        # There may be a kink, or the end of the domain, closer than the steps. What is found there overrules, unless it
        # is a 0 because the function does not resolve such steps.
        closer = line.extrapolate(_CLOSER)
        if closer.is_clear and (closer.value != 0 or not near.is_informed):
            return closer
        if near.is_clear:
            return near
        # Or the function rounds so coarsely that it takes larger steps to see it change.
        wider = line.extrapolate(_WIDER)
        candidates = [near, *(other for other in (closer, wider) if not near.is_informed or near.agrees(other.value))]
        return min(candidates, key=lambda estimate: estimate.error)

    def is_kink(self, direction: Array, analytic: float) -> bool:
        """Tell whether the slopes on both sides differ however small the step, and enclose `analytic`."""
        line, gap = Line(self, direction), math.inf
        for step in (2.0**-16, 2.0**-20):
            left, right = line.slope(-step, 0.0), line.slope(0.0, step)
            before, gap = gap, abs(right - left)
            is_inside = min(left, right) - gap / 16 <= analytic <= max(left, right) + gap / 16
            if not is_inside or gap < 1e-3 * max(abs(left), abs(right)):
                return False
        return gap > before / 2  # where a function is smooth, the gap shrinks as the step does


class Line:
    """A function along one direction, with notes on its rounding: which outputs change, and in what precision."""

    def __init__(self, probe: Probe, direction: Array) -> None:
        """Look along `direction`."""
        self.probe = probe
        self.direction = direction
        self.changes = [np.zeros(u.shape, bool) for u in probe.cotangents]
        self.are_single = [True] * len(probe.cotangents)

    def slope(self, start: float, end: float) -> float:
        """Return the difference quotient between two distances; NaN where the function has no value."""
        rise = 0.0
        with np.errstate(all="ignore"):  # a large step may leave the domain, and is then left out
            low, high = self._at(start), self._at(end)
            if low is None or high is None:
                return math.nan
            for place, (u, a, b) in enumerate(zip(self.probe.cotangents, low, high, strict=True)):
                if not a.shape == b.shape == u.shape:  # as of x[x > 0], where an element has changed its sign
                    return math.nan
                self.changes[place] |= a != b
                self.are_single[place] = self.are_single[place] and np.array_equal(b, b.astype(np.float32))
                rise += float(np.sum(u * (b - a), dtype=np.float64))
        return rise / (end - start)

    def extrapolate(self, steps: Sequence[float]) -> Estimate:
        """Sweep the step, from large to small, and return the surest extrapolation to a step of 0.

        The extrapolation is Ridders', "Accurate computation of F'(x) and F'(x)F''(x)", 1982. To its error, which is how
        much each one changes the value, comes the rounding: of the outputs, by their precision, and of all that happens
        inside of the function, as the smallest steps show it.
        """
        row = [self.slope(-step, step) for step in steps]
        resolution, eps = self._rounding()
        best = Estimate(math.nan, math.inf, math.nan, resolution, eps)
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
                    best = Estimate(value, error, steps[last], resolution, eps)
        return best

    def _at(self, distance: float) -> Sequence[Array] | None:
        """Return the outputs at a distance, or None where the function refuses the point."""
        moved = list(self.probe.point)
        moved[self.probe.index] = moved[self.probe.index] + distance * self.direction
        try:
            return self.probe.function(moved)
        except (ValueError, ArithmeticError):  # outside of the domain: at the point itself it had a value
            return None

    def _rounding(self) -> tuple[float, float]:
        """Return how far the outputs that change are rounded, and their relative precision.

        An output that only takes values of float32 has been one, whatever its dtype is. If none changes, the steps may
        be too small for their precision, so all count.
        """
        is_still = not any(changed.any() for changed in self.changes)
        resolution, coarsest = 0.0, 0.0
        for size, changed, is_single in zip(self.probe.sizes, self.changes, self.are_single, strict=True):
            if is_still or changed.any():
                eps = float(np.finfo(np.float32 if is_single else size.dtype).eps)
                coarsest = max(coarsest, eps)
                resolution += float(size.sum() if is_still else size[changed].sum()) * eps / 2
        return resolution, coarsest


def sizes_of(values: Array) -> Array:
    """Return for each element the power of 2 that a step is measured by: its own size, or its neighbours' if it is 0.

    Powers of 2, so that adding a step rounds nothing away. Where all are 0, the step is measured by 1.

    >>> import numpy as np
    >>> sizes_of(np.array([0.75, 1.0, -5.0]))
    array([0.5, 1. , 4. ])

    """
    magnitudes = np.abs(values)
    largest = float(magnitudes.max(initial=0.0)) or 1024.0
    floors = np.where(magnitudes == 0, largest * 2.0**-10, largest * 2.0**-30)  # so that no step vanishes beside others
    sizes: Array = np.exp2(np.floor(np.log2(np.maximum(magnitudes, floors))))
    return sizes
