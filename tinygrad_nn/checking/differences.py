"""Derivatives by finite differences, each with an estimate of its own error.

One step size fits no two functions: too large and the function bends, too small and rounding drowns the difference. So
the step is swept, differences are extrapolated to a step of 0, and their error is measured: what values of the function
leave in a table of repeated differences is noise, or bending that was not extrapolated away.
A verdict can then rest on what was measured, from 1e-12 to 1e+12 in scale, instead of on an absolute tolerance. Most
gradients are right, and need no sweep: what agrees with a single difference to the tolerance asked for is no chance.

Where rounding drowns the differences, the function is evaluated once more with more digits, in NumPy's longdouble. Then
what came of rounding shrinks, steps for one, while the function's own steps remain. The complex step,
``Im f(x + ih) / h``, is the usual remedy. But Tensors are real, so it could only run a function's NumPy code without
its rules, and it is wrong in silence wherever that code is not analytic: at `abs`, `maximum`, ``x > 0`` or a conversion
to float32. A checker must not convict by that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tinygrad_nn.checking.precision import Function, Pullback, is_short, lengthened
from tinygrad_nn.checking.richardson import (
    FARTHEST,
    POINTS,
    Estimate,
    Quotient,
    Stencil,
    are_alike,
    stencil,
    surest,
)
from tinygrad_nn.primitive import Array

_PRIMES = (31, 37, 29, 41, 23, 43, 19, 47)
"""Steps are one of them, times a power of 2: of few binary digits, so that adding a step rounds nothing away, and in no
simple ratio. In a simple one, differences of a function that rounds coarsely often agree by chance, and look exact."""

_FIRST = (31 * 2.0**-18, 31 * 2.0**-24)
"""The steps that are tried before any sweep. The first suits smooth functions. The second suits networks with ReLU, of
which a direction through all parameters takes some across their kinks, the fewer the smaller the step."""

_QUICK = (-11, -23)
"""The binary exponents of two steps which, if they agree, show the derivative of a smooth function."""

_NARROW = 2.0**-30
"""A step below which there is a kink, or the edge of the domain, nearby."""

_AGREED = 1e-4
"""The relative difference up to which they agree."""

_SWEPT = tuple(range(13, -45, -3))
"""The exponents of a sweep: wide for a function much larger than its change, narrow for a kink or a pole nearby."""

_CLIFF = 2.0**-8
"""The part of a function that its steps must be to be its own, and none that come of rounding inside."""

_SHRUNK = 2.0**-6
"""The part of their height to which steps must shrink with more digits, if they come of rounding."""

_SHORTER = 2.0**-9
"""The part of the rounding of float64 that is left in longer floats, a little more than their digits leave."""

_NEARBY = tuple(sign * prime * 2.0**-16 for sign in (-1, 1) for prime in _PRIMES[:3])
"""Where values are compared with those in longer floats. At the point itself they may be exact by chance."""

_BESIDE = 2.0**-7
"""The step up to which a smooth function bends less than floats of 24 digits show."""

_FAR = 2.0**70
"""The step at which a function that is 0 next to the point is asked whether it is so everywhere, as ``0 * x`` is, and
not because of rounding, as ``x + 1e20 - 1e20`` is."""

_SATURATED = 2.0**-50
"""What a saturated function may have left of a derivative, of outputs that are 0."""

_HALVINGS = 20
"""How often a distance is halved to find the next step of a function that is made of steps."""

_WIDE = tuple(exponent for exponent in _SWEPT if exponent > _QUICK[0])
"""Those of steps in which a function changes by more than its rounding, if at all."""

_FACTORS = (0.7, 0.8, 0.9)
"""What gradients of the outputs are multiplied by to see the rounding of a gradient."""

_LEAST = -1000
"""The exponent at which the search for steps inside of the domain ends."""


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
        pullback: Pullback | None = None,
    ) -> None:
        """Look at `function`, which has the value `outputs` at `point`, along input `index`."""
        self.function = function
        self.point = point
        self.index = index
        self.outputs = outputs
        self.cotangents = cotangents
        self.pullback = pullback
        self.sizes = [np.abs(u * output) for u, output in zip(cotangents, outputs, strict=True)]
        self.magnitude = sum(float(size.sum()) for size in self.sizes)

    def of(self, index: int) -> Probe:
        """Return the same function, to be differentiated by another input."""
        return Probe(self.function, self.point, index, self.outputs, self.cotangents, self.pullback)

    def derivative(self, direction: Array, expected: float, rtol: float = 1e-6, scale: float = 0.0) -> Estimate:
        """Return the derivative along `direction`, an array as large as the step that suits each element.

        One difference will do if it is what is `expected`, to `rtol` of it and of `scale`. Otherwise the step is swept,
        and, where rounding leaves the derivative uncertain, once more with more digits if the function has them.
        """
        first = self.glance(direction, expected, rtol * max(abs(expected), scale))
        if first is not None:
            return first
        line = Line(self, direction)
        found = line.swept(expected)
        is_decided = found.decides(expected)
        if (is_decided and found.agrees(expected)) or not (is_decided or expected or found.height):
            return found
        longer = self.pullback and lengthened(self.function, self.pullback, self.point, self.cotangents)
        if longer:
            probe = Probe(self.function, longer.point, self.index, longer.outputs, self.cotangents)
            return self._with_more_digits(line, found, probe, longer.gradients[self.index])
        if self.pullback and is_short(self.pullback, self.point, self.cotangents):
            return line.roughened(expected)
        # Large steps are the function's own, if that is what its gradient says.
        return found.still() if expected == 0 and found.height > _CLIFF * self.magnitude else found

    @staticmethod
    def _with_more_digits(line: Line, found: Estimate, probe: Probe, gradient: Array) -> Estimate:
        """Return the derivative along a line as `probe` shows it, which has more digits, instead of `found`."""
        expected = float(np.vdot(gradient, line.direction))
        rounded = line.rounded_beside(probe)
        other = Line(probe, line.direction, rounded * _SHORTER).swept(expected)
        if other.height > _SHRUNK * found.height > 0:
            return found.still()
        return other._replace(longer=expected, resolution=max(found.resolution, rounded), height=0.0)

    def rounding(self, gradient: Array, direction: Array) -> float:
        """Return how far the derivative along `direction` by a `gradient` is rounded; 0 if that is unknown.

        A gradient is linear in those of the outputs, but for rounding. So it is computed for some that are shorter.
        """
        if self.pullback is None:
            return 0.0
        rounding = 0.0
        for factor in _FACTORS:
            shorter = self.pullback(self.point, [factor * u for u in self.cotangents])[self.index]
            rounding = max(rounding, abs(float(np.vdot(shorter / factor - gradient, direction))))
        return rounding

    def glance(self, direction: Array, expected: float, tolerance: float) -> Estimate | None:
        """Return a single difference along `direction` if it is what is `expected`; otherwise there is more to do."""
        line = Line(self, direction)
        for step in _FIRST:
            first = line.look(step, expected)
            if abs(first.value - expected) <= tolerance:
                # That nothing changes may also mean that the step is too small to be seen.
                return first if first.value or line.slope(-2 / 32, 2 / 32) == 0 else None
        return None

    def trail(self, direction: Array, step: float) -> tuple[Quotient, ...]:
        """Return the differences for eight steps, each about a quarter of the one before, from where `step` allows."""
        line, first = Line(self, direction), math.frexp(step)[1] + 8 if step < _NARROW else -4
        return tuple(line.quotient(math.ldexp(prime, first - 5 - 2 * k)) for k, prime in enumerate(_PRIMES))


class Line:
    """A function along one direction."""

    def __init__(self, probe: Probe, direction: Array, rounded: float = 0.0) -> None:
        """Look along `direction`, at values that are known to be `rounded` at least by so much."""
        self.probe = probe
        self.direction = direction
        self.rounded = rounded
        self.stencils: dict[int, Stencil] = {}
        self.changes = [np.zeros(u.shape, bool) for u in probe.cotangents]

    def look(self, step: float, expected: float) -> Estimate:
        """Return a single central difference, whose error is no less than how far it is from what is `expected`."""
        _, central, forward = self.quotient(step)
        error = abs(central - expected) + self.probe.magnitude * float(np.finfo(np.float64).eps) / 2 / step
        return Estimate(central, error, step, is_bent=not are_alike(2 * central - forward, forward), is_swept=False)

    def rounded_beside(self, longer: Probe) -> float:
        """Return how far values are rounded, as those of the same function in `longer` floats show."""
        other, most = Line(longer, self.direction), 0.0
        with np.errstate(all="ignore"):  # likewise
            for distance in (0.0, *_NEARBY):
                short, long = self._at(distance), other._at(distance)
                if short is not None and long is not None:
                    outputs = zip(self.probe.cotangents, short, long, strict=True)
                    gap = math.sqrt(sum(float(np.sum((u * (a - b)) ** 2)) for u, a, b in outputs))
                    most = max(most, gap if math.isfinite(gap) else 0.0)
        return most

    def slope(self, start: float, end: float) -> float:
        """Return the difference quotient between two distances; NaN where the function has no value."""
        with np.errstate(all="ignore"):  # a large step may leave the domain, and is then left out
            return self._rise(self._at(start), self._at(end)) / (end - start)

    def quotient(self, step: float) -> Quotient:
        """Return the difference quotients for one step."""
        with np.errstate(all="ignore"):  # likewise
            low, high = self._at(-step), self._at(step)
            across = self._rise(low, high)
            ahead = self._rise(self.probe.outputs, high) if math.isfinite(across) else math.nan
            return Quotient(step, across / (2 * step), ahead / step)

    def swept(self, expected: float) -> Estimate:
        """Sweep the step, as far as it takes to find the derivative, and return it with its error."""
        quick = self._at_steps(_QUICK)
        found = surest(quick, self._resolution(), expected)
        slack = _AGREED * abs(found.value)
        if slack and all(abs(other.slope - found.value) <= slack for other in quick):
            if found.agrees(expected) and found.decides(expected):
                return found
            # Nearby, what is rounded inside may stand still, and what is left is smooth.
            found = surest(self._at_steps((*_WIDE, *_QUICK)), self._resolution(), expected)
            if found.decides(expected):
                return found
        stencils = self._at_steps(_SWEPT)
        exponent = _SWEPT[-1]
        while not all(math.isfinite(other.slope) for other in stencils[-4:]) and exponent > _LEAST:
            exponent -= 3
            stencils += self._at_steps([exponent])
        found = surest(stencils, self._resolution(), expected, self._height(stencils))
        has_changed = any(found.spread for found in stencils) or found.resolution or self.slope(-_FAR, _FAR)
        rounding = _SATURATED * sum(float(np.abs(u).sum()) for u in self.probe.cotangents)
        return found if has_changed or abs(expected) < rounding else found.still()

    def roughened(self, expected: float) -> Estimate:
        """Return what a sweep finds, given that part of the function is rounded to float32.

        The other part is smooth, and next to the point it is all that moves. Farther away the noise of both shows, and
        much farther what is bounded is noise beside what is not.
        """
        stencils = [found for found in self._at_steps(_SWEPT) if found.step <= FARTHEST]
        noise = max((found.noise for found in stencils if found.step <= _BESIDE), default=0.0)
        rounding = self.probe.magnitude * float(np.finfo(np.float32).eps) / 2
        return surest(stencils, max(noise, rounding), expected)

    def _at_steps(self, exponents: Sequence[int]) -> list[Stencil]:
        """Return the stencils for some steps, each computed once."""
        for exponent in exponents:
            if exponent not in self.stencils:
                step = math.ldexp(_PRIMES[exponent % len(_PRIMES)], exponent - 5)
                with np.errstate(all="ignore"):  # likewise
                    self.stencils[exponent] = stencil(step, [self._rise_to(k * step) for k in POINTS])
        return [self.stencils[exponent] for exponent in exponents]

    def _rise_to(self, distance: float) -> float:
        return self._rise(self.probe.outputs, self._at(distance), noting=True)

    def _height(self, stencils: Sequence[Stencil]) -> float:
        """Return how high the step next to the point is that the function is made of; 0 if it is made of none."""
        last, moving = stencils[-1], [found.step for found in stencils if found.spread > 0]
        if last.spread != 0 or not moving:
            return last.jump
        still, ends = 0.0, [-3 * moving[-1], 3 * moving[-1]]
        far = max(ends, key=lambda distance: abs(self._rise_to(distance)))
        height = abs(self._rise_to(far))
        for _ in range(_HALVINGS):
            middle = (still + far) / 2
            rise = abs(self._rise_to(middle))
            still, far, height = (still, middle, rise) if rise else (middle, far, height)
        return height

    def _resolution(self) -> float:
        """Return how far the outputs that change are rounded.

        If none changes, the steps may be too small for their precision, so all count; and an output that only has
        values of float32 may have been one, whatever its dtype is.
        """
        is_still = not any(changed.any() for changed in self.changes)
        resolution = 0.0
        for size, changed, output in zip(self.probe.sizes, self.changes, self.probe.outputs, strict=True):
            dtype = np.float32 if is_still and np.array_equal(output, output.astype(np.float32)) else output.dtype
            resolution += float((size if is_still else size[changed]).sum()) * float(np.finfo(dtype).eps) / 2
        return max(resolution, self.rounded)

    def _rise(self, low: Sequence[Array] | None, high: Sequence[Array] | None, *, noting: bool = False) -> float:
        """Return the difference between two results; note which outputs change."""
        rise = 0.0
        if low is None or high is None:
            return math.nan
        for changed, u, a, b in zip(self.changes, self.probe.cotangents, low, high, strict=True):
            if not a.shape == b.shape == u.shape:  # as of x[x > 0], where an element has changed its sign
                return math.nan
            rise += float(np.sum(u * (b - a)))
            if noting:
                np.logical_or(changed, a != b, out=changed)
        return rise

    def _at(self, distance: float) -> Sequence[Array] | None:
        """Return the outputs at a distance, or None where the function refuses the point."""
        moved = list(self.probe.point)
        moved[self.probe.index] = moved[self.probe.index] + distance * self.direction
        try:
            return self.probe.function(moved)
        except (ValueError, ArithmeticError):  # outside of the domain: at the point itself it had a value
            return None


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
