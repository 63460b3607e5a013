"""Derivatives by finite differences, each with an estimate of its own error.

One step size fits no two functions: too large and the function bends, too small and rounding drowns the difference. So
the step is swept, the differences are extrapolated to a step of 0, and the error is read off from how well they agree.
A verdict can then rest on what was measured, from 1e-12 to 1e+12 in scale, instead of on an absolute tolerance. Most
gradients are right, and need no sweep: what agrees with a single difference to the tolerance asked for is no chance.

The complex step, ``Im f(x + ih) / h``, would need no differences, and so lose nothing to rounding. But Tensors are
real, so it could only run a function's NumPy code without its rules, and it is wrong in silence wherever that code is
not analytic: at `abs`, `maximum`, ``x > 0`` or a conversion to float32. A checker must not convict by that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from tinygrad_nn.checking.richardson import Estimate, Quotient, extrapolate
from tinygrad_nn.primitive import Array

Function: TypeAlias = Callable[[Sequence[Array]], Sequence[Array]]
"""A function under study, of arrays alone: one for each input gives one for each output."""


def _steps(first: int) -> list[float]:
    """Return eight steps, relative to the direction, that shrink from about ``2^first`` by about a quarter each.

    Primes over 32: of few binary digits, so that adding a step rounds nothing away, and in no simple ratio. With exact
    quarters, the differences of a function that rounds coarsely often agree by chance, and look exact.
    """
    return [math.ldexp(prime, first - 5 - 2 * k) for k, prime in enumerate((31, 37, 29, 41, 23, 43, 19, 47))]


_NEAR, _CLOSER, _CLOSEST, _WIDER = _steps(-4), _steps(-16), _steps(-28), _steps(16)
"""The steps that suit most functions; those for a point much nearer to a kink or an edge of the domain than its size
tells, or to a jump; and those for a function much larger than its change."""

_FIRST = (31 * 2.0**-18, 31 * 2.0**-24)
"""The steps that are tried before any sweep. The first suits smooth functions. The second suits networks with ReLU, of
which a direction through all parameters takes some across their kinks, the fewer the smaller the step."""

_SMALL = 0.25
"""The part of a function that it changes by at most in small steps, if larger steps are to show its slope better."""

_CLIFF = 2.0**-8
"""The part of a function that a jump must be to be one of its own, and no stair that comes of rounding inside."""

_ROUNDING = 256
"""How many times the rounding of float32 a change must be, to be seen whatever the function computes with inside."""


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
        self.outputs = outputs
        self.cotangents = cotangents
        self.sizes = [np.abs(u * output) for u, output in zip(cotangents, outputs, strict=True)]
        self.magnitude = sum(float(size.sum()) for size in self.sizes)

    def of(self, index: int) -> Probe:
        """Return the same function, to be differentiated by another input."""
        return Probe(self.function, self.point, index, self.outputs, self.cotangents)

    def derivative(self, direction: Array, expected: float, rtol: float = 1e-6, scale: float = 0.0) -> Estimate:
        """Return the derivative along `direction`, an array as large as the step that suits each element.

        One difference will do if it is what is `expected`, to `rtol` of it and of `scale`. Otherwise the step is swept,
        and far and wide only where the usual steps leave the derivative uncertain.
        """
        first = self.glance(direction, expected, rtol * max(abs(expected), scale))
        if first is not None:
            return first
        line = Line(self, direction)
        return self._swept(line, expected)._replace(trail=line.trail())

    def glance(self, direction: Array, expected: float, tolerance: float) -> Estimate | None:
        """Return a single difference along `direction` if it is what is `expected`; otherwise there is more to do."""
        line = Line(self, direction)
        for step in _FIRST:
            first = line.look(step, expected)
            if abs(first.value - expected) <= tolerance:
                # That nothing changes may also mean that the step is too small to be seen.
                return first if first.value or line.slope(-_NEAR[0], _NEAR[0]) == 0 else None
        return None

    def trail(self, direction: Array) -> tuple[Quotient, ...]:
        """Return the differences for a sweep of steps, each about a quarter of the one before."""
        line = Line(self, direction)
        line.extrapolate(_NEAR)
        return line.trail()

    def _swept(self, line: Line, expected: float) -> Estimate:
        """Return what a sweep of steps finds, or several, one beside the other."""
        near = line.extrapolate(_NEAR)
        if near.is_clear and near.agrees(expected):
            return near
        # There may be a kink, or the end of the domain, closer than the steps. What is found there overrules, unless it
        # is a 0 because the function does not resolve such steps.
        closer = line.extrapolate(_CLOSER)
        is_stair = 0 < near.least_rise < _CLIFF * self.magnitude
        if closer.is_clear and (closer.value or not (near.is_informed or is_stair or self._hides(expected))):
            return closer
        if near.is_clear and (near.value or not self._hides(expected)):
            return near
        # Or a jump or a pole, which all these steps have crossed.
        closest = line.extrapolate(_CLOSEST)
        jump = _CLIFF * self.magnitude if expected else self._rounding_in_single(4)
        for wide, narrow in ((near, closer), (closer, closest)):
            if narrow.least_rise == 0 and wide.least_rise > jump:
                return narrow
        sweeps = informed = [near, closer, closest]
        # Or the function is so much larger than its change that it takes larger steps to see it. But one that changes
        # by much in a small step does not show its slope in a large one.
        if all(quotient.rise < _SMALL * self.magnitude for quotient in near.trail):
            informed = [*sweeps, line.extrapolate(_WIDER)]
        if near.is_informed:
            return min((s for s in informed if s is near or near.agrees(s.value)), key=lambda sweep: sweep.error)
        informed = [sweep for sweep in informed if sweep.is_informed]
        if informed:
            return min(informed, key=lambda sweep: sweep.error / abs(sweep.value))
        unseen = near._replace(error=max(near.error, abs(expected)))
        return min(
            (sweep for sweep in sweeps if sweep.is_flat == (expected == 0)),
            key=lambda sweep: sweep.error,
            default=unseen if expected else near,
        )

    def _hides(self, expected: float) -> bool:
        """Tell whether a derivative as `expected` may stay unseen, for the function is large and of low precision."""
        return 0 < abs(expected) * _NEAR[0] < self._rounding_in_single(_ROUNDING)

    def _rounding_in_single(self, times: float) -> float:
        return times * float(np.finfo(np.float32).eps) * self.magnitude


class Line:
    """A function along one direction, with notes on its rounding: which outputs change, and in what precision."""

    def __init__(self, probe: Probe, direction: Array) -> None:
        """Look along `direction`."""
        self.probe = probe
        self.direction = direction
        self.changes = [np.zeros(u.shape, bool) for u in probe.cotangents]
        self.are_single = [True] * len(probe.cotangents)
        self.are_short = [True] * len(probe.cotangents)
        self.seen: list[Quotient] = []

    def look(self, step: float, expected: float) -> Estimate:
        """Return a single central difference, whose error is no less than how far it is from what is `expected`."""
        behind, ahead, value = self._sides(step)
        eps = float(np.finfo(np.float64).eps)
        resolution = self.probe.magnitude * eps / 2
        error = abs(value - expected) + resolution / step
        return Estimate(value, error, step, resolution, eps, not _are_alike(behind, ahead))

    def slope(self, start: float, end: float) -> float:
        """Return the difference quotient between two distances; NaN where the function has no value."""
        with np.errstate(all="ignore"):  # a large step may leave the domain, and is then left out
            return self._rise(self._at(start), self._at(end)) / (end - start)

    def extrapolate(self, steps: Sequence[float]) -> Estimate:
        """Sweep the step, from large to small, and return the surest extrapolation to a step of 0."""
        trail, is_bent = [], True
        for step in steps:
            behind, ahead, central = self._sides(step, noting=True)
            trail.append(Quotient(step, central, ahead))
            is_bent = is_bent and not _are_alike(behind, ahead)
        self.seen += trail
        resolution, eps = self._rounding()
        return extrapolate(trail, resolution, eps)._replace(is_bent=is_bent)

    def trail(self) -> tuple[Quotient, ...]:
        """Return the differences of all sweeps with steps up to the size of the input, from large steps to small."""
        return tuple(sorted((quotient for quotient in self.seen if quotient.step < 1), reverse=True))

    def _sides(self, step: float, *, noting: bool = False) -> tuple[float, float, float]:
        """Return the difference quotients behind the point, ahead of it, and between both sides."""
        with np.errstate(all="ignore"):  # likewise
            low, high, middle = self._at(-step), self._at(step), self.probe.outputs
            if noting and low is not None and high is not None:
                self._note(low, high)
            across = self._rise(low, high)
            ahead = self._rise(middle, high) if math.isfinite(across) else math.nan
            return (across - ahead) / step, ahead / step, across / (2 * step)

    def _rise(self, low: Sequence[Array] | None, high: Sequence[Array] | None) -> float:
        """Return the difference between two results."""
        rise = 0.0
        if low is None or high is None:
            return math.nan
        for u, a, b in zip(self.probe.cotangents, low, high, strict=True):
            if not a.shape == b.shape == u.shape:  # as of x[x > 0], where an element has changed its sign
                return math.nan
            rise += float(np.sum(u * (b - a), dtype=np.float64))
        return rise

    def _note(self, low: Sequence[Array], high: Sequence[Array]) -> None:
        """Note which outputs change, and in which precision they are."""
        for place, (a, b) in enumerate(zip(low, high, strict=True)):
            if a.shape == b.shape == self.changes[place].shape:
                self.changes[place] |= a != b
                self.are_single[place] = self.are_single[place] and np.array_equal(b, b.astype(np.float32))
                self.are_short[place] = self.are_short[place] and np.array_equal(b, b.astype(np.float16))

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

        An output that only takes values of float32 has been one, whatever its dtype is, unless they have so few digits
        that it tells nothing, as those of `np.round`. If none changes, the steps may be too small for their precision,
        so all count.
        """
        is_still = not any(changed.any() for changed in self.changes)
        resolution, coarsest = 0.0, 0.0
        for size, changed, is_single, is_short in zip(
            self.probe.sizes, self.changes, self.are_single, self.are_short, strict=True
        ):
            if is_still or changed.any():
                eps = float(np.finfo(np.float32 if is_single and not is_short else size.dtype).eps)
                coarsest = max(coarsest, eps)
                resolution += float(size.sum() if is_still else size[changed].sum()) * eps / 2
        return resolution, coarsest


def _are_alike(behind: float, ahead: float) -> bool:
    """Tell whether the slopes on both sides differ by no more than the little that most functions bend in one step."""
    return abs(ahead - behind) <= max(abs(ahead), abs(behind)) / 64


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
