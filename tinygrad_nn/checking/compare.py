"""The heart of both checks: given a function of arrays and its gradient, is the gradient right?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np

from tinygrad_nn.checking.differences import Estimate, Function, Probe, sizes_of
from tinygrad_nn.checking.report import Comparison, GradcheckReport, Sample, Verdict
from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.primitive import Array

Mode: TypeAlias = Literal["auto", "full", "directional"]

Pullback: TypeAlias = Callable[[Sequence[Array]], Sequence[Array]]
"""Carries a gradient for each output back to one for each input."""

Element: TypeAlias = tuple[int, ...] | None

FULL_UP_TO = 64
"""The size of an input above which "auto" compares along random directions instead of every element."""

DIRECTIONS = 3
"""Random directions for each input: an error that one misses by chance is not missed by three."""

_DOUBT = 10.0
"""How many times its estimated error a numeric derivative is granted."""

_SLACK = 64
"""How many times the precision of the function a gradient by backpropagation may be off."""

_SPECK = 1e-13
"""The part of an input's largest derivative below which a difference is none."""

_VOID = 1e-30
"""The part of the function's size below which a difference is none: a saturated softmax is wrong by more."""

_NAUGHT = 1024
"""How many times the rounding of the function a derivative may be, to count as 0."""

_COARSE = 1e-4
"""The part of the function's size to which a derivative of 0 must be known."""


class Checker:
    """Compares the gradients of one subject, order by order, and collects what it finds."""

    def __init__(self, subject: str, rng: np.random.Generator | int | None, mode: Mode, rtol: float) -> None:
        """Prepare to check `subject`; all chance comes from one seed, which the report names."""
        if mode not in get_args(Mode):
            message = f"{subject}: expected 'mode' to be one of {', '.join(get_args(Mode))}, got {mode!r}"
            raise ArgumentError(message)
        self.subject = subject
        self.mode = mode
        self.rtol = rtol
        self.seed = int(rng.integers(2**32)) if isinstance(rng, np.random.Generator) else int(rng or 0)
        self.rng = np.random.default_rng(self.seed)
        self.comparisons: list[Comparison] = []
        self.evaluations = 0
        self.failure: Verdict | None = None
        self.note = ""

    def check(
        self, function: Function, pullback: Pullback, point: Sequence[Array], names: Sequence[str], order: int
    ) -> list[Array]:
        """Compare the gradient for every input, and return the cotangents that were used.

        Args:
            function: the function of arrays.
            pullback: its gradient at `point`.
            point: the inputs, in float64.
            names: what the report calls them.
            order: what the report says of the order.

        """

        def counted(arrays: Sequence[Array]) -> Sequence[Array]:
            self.evaluations += 1
            return function(arrays)

        outputs = counted(point)
        cotangents = [self.rng.choice((-1.0, 1.0), o.shape) * self.rng.uniform(0.5, 1.5, o.shape) for o in outputs]
        self._find_obstacle(point, outputs, counted(point))
        if self.failure is None:
            for index, (gradient, name) in enumerate(zip(pullback(cotangents), names, strict=True)):
                study = _Study(self, Probe(counted, point, index, outputs, cotangents), gradient)
                self.comparisons.append(study.compare(name, order))
        return cotangents

    @property
    def verdict(self) -> Verdict:
        """What has been found so far, at its worst."""
        return self.failure or Verdict.worst(comparison.verdict for comparison in self.comparisons)

    def report(self) -> GradcheckReport:
        """Return all that has been found."""
        found = tuple(self.comparisons)
        return GradcheckReport(self.subject, self.verdict, found, self.note, self.seed, self.evaluations)

    def _find_obstacle(self, point: Sequence[Array], outputs: Sequence[Array], again: Sequence[Array]) -> None:
        """Note what in the function itself leaves nothing to compare."""
        if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(outputs, again, strict=True)):
            self.failure = Verdict.NON_DETERMINISTIC
            self.note = (
                "Two evaluations at one point differ. Seed the generator inside of the function, or switch dropout off "
                "with model.eval()"
            )
            return
        for kind, arrays in (("Input", point), ("Output", outputs)):
            for place, array in enumerate(arrays):
                element = _first_non_finite(array)
                if element is not None:
                    self.failure = Verdict.NON_FINITE
                    self.note = f"{kind} {place} is {array[element]} at {list(element)} already. Check at another point"
                    return


class _Study:
    """The comparison of the gradient for one input.

    Derivatives are taken along directions that are as long as the input is large, so that their sizes compare.
    """

    def __init__(self, checker: Checker, probe: Probe, gradient: Array) -> None:
        self.checker = checker
        self.probe = probe
        self.gradient = gradient
        self.values = probe.point[probe.index]
        self.sizes = sizes_of(self.values)
        self.is_full = checker.mode == "full" or (checker.mode == "auto" and self.values.size <= FULL_UP_TO)
        # What a single number depends on is reported as the user knows it, without the random cotangent. The check
        # needs that, lest a rule pass that forgets to multiply by the incoming gradient.
        first = probe.cotangents[0]
        self.unit = float(first.item()) if len(probe.cotangents) == 1 == first.size else 1.0
        slopes = np.abs(np.where(np.isfinite(gradient), gradient, 0) * self.sizes)
        self.scale = float(slopes.max(initial=0.0)) if self.is_full else float(np.sqrt(np.sum(slopes**2)))
        self.gap = 0.0

    def compare(self, name: str, order: int) -> Comparison:
        """Compare all elements, or along random directions."""
        samples: list[Sample] = []
        suspect: Array | None = None
        for element, direction in self._elements() if self.is_full else self._directions():
            samples.append(self._sample(element, direction))
            if samples[-1].verdict is Verdict.WRONG:
                suspect = direction
        if not self.is_full:
            infinite = _first_non_finite(self.gradient)
            if infinite is not None:
                samples.append(self._sample(infinite, self._unit(infinite)))
            elif suspect is not None:
                element = self._narrowed(suspect)
                samples.append(self._sample(element, self._unit(element)))
        return Comparison(name, self.values.shape, order, tuple(samples), self.gap)

    def _sample(self, element: Element, direction: Array) -> Sample:
        """Compare along one direction: that of an element, or one through all of them."""
        with np.errstate(invalid="ignore"):  # an infinite gradient; it is found out below
            analytic = float(np.sum((self.gradient * direction)[direction != 0]))
        numeric = self.probe.derivative(direction, analytic)
        unit = self.unit * (1.0 if element is None else float(direction[element]))
        verdict = self._judge(element, direction, analytic, numeric)
        return Sample(element, analytic / unit, numeric.value / unit, numeric.error / abs(unit), numeric.step, verdict)

    def _judge(self, element: Element, direction: Array, analytic: float, numeric: Estimate) -> Verdict:
        """Return what a derivative by backpropagation and one by finite differences say together."""
        gap, larger = abs(analytic - numeric.value), max(abs(analytic), abs(numeric.value))
        if not math.isfinite(gap):
            return Verdict.NON_FINITE
        self.gap = max(self.gap, gap / max(self.scale, larger) if larger else 0.0)
        # Along a random direction contributions may cancel: what is left is compared with what they were.
        reference = larger if element is not None else max(larger, self.scale)
        doubt = _DOUBT * numeric.error
        rtol = max(self.checker.rtol, _SLACK * numeric.eps)
        speck = _SPECK * self.scale + _VOID * self.probe.magnitude + _SLACK * numeric.resolution
        if gap > rtol * reference + doubt + speck:
            return Verdict.KINK if self.probe.is_kink(direction, analytic) else Verdict.WRONG
        # A derivative as small as the rounding of the function counts as 0, and 0 can be verified, if not to many
        # digits. Any other must be known well enough to tell it from one and a half times as much.
        is_naught = abs(analytic) <= _NAUGHT * numeric.resolution
        limit = _COARSE * self.probe.magnitude if is_naught else 0.3 * max(self.scale, larger)
        return Verdict.NOISE_LIMITED if doubt > max(limit, _NAUGHT * numeric.resolution) else Verdict.PASS

    def _elements(self) -> Iterator[tuple[Element, Array]]:
        """Yield every element with the direction along it alone."""
        return ((element, self._unit(element)) for element in np.ndindex(self.values.shape))

    def _unit(self, element: Element) -> Array:
        direction = np.zeros_like(self.sizes)
        direction[element] = self.sizes[element]
        return direction

    def _directions(self) -> Iterator[tuple[Element, Array]]:
        """Yield random directions, of few binary digits, so that adding them rounds nothing away."""
        rng, shape = self.checker.rng, self.values.shape
        for _ in range(DIRECTIONS):
            yield None, self.sizes * rng.choice((-1.0, 1.0), shape) * rng.integers(64, 128, shape) / 64

    def _narrowed(self, direction: Array) -> tuple[int, ...]:
        """Return an element of a wrong gradient, found by halving the part of `direction` that the error is in."""
        places = np.arange(direction.size)
        total = self._gap(direction, places)
        while places.size > 1:
            first, second = np.array_split(places, 2)
            gap = self._gap(direction, first)
            places, total = (first, gap) if abs(gap) >= abs(total - gap) else (second, total - gap)
        return tuple(int(i) for i in np.unravel_index(int(places[0]), direction.shape))

    def _gap(self, direction: Array, places: Array) -> float:
        """Return how far the gradient is off along the part of `direction` at some flat `places`."""
        part = np.zeros(direction.size)
        part[places] = direction.reshape(-1)[places]
        analytic = float(self.gradient.reshape(-1) @ part)
        return analytic - self.probe.derivative(part.reshape(direction.shape), analytic).value


def _first_non_finite(array: Array) -> tuple[int, ...] | None:
    """Return the place of the first element that is infinite or NaN."""
    places = np.argwhere(~np.isfinite(array))
    return tuple(int(i) for i in places[0]) if len(places) else None
