"""One gradient compared with finite differences: element by element, or along random directions, down to a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, TypeAlias

import numpy as np

from tinygrad_nn.checking.differences import Line, Probe, sizes_of
from tinygrad_nn.checking.joint import balance, groups
from tinygrad_nn.checking.kinks import find_kink
from tinygrad_nn.checking.report import Sample, Verdict
from tinygrad_nn.checking.richardson import Estimate
from tinygrad_nn.primitive import Array

Mode: TypeAlias = Literal["auto", "full", "directional"]

Element: TypeAlias = tuple[int, ...] | None

FULL_UP_TO = 64
"""The size of an input above which "auto" compares along random directions instead of every element."""

DIRECTIONS = 3
"""Random directions for each input: an error that one misses by chance is not missed by three."""

BLOCK = 8
"""How many elements are compared at once, as long as they are right."""

_DOUBT = 10.0
"""How many times its estimated error a numeric derivative is granted."""

_SLACK = 64 * float(np.finfo(np.float64).eps)
"""The relative difference that a gradient by backpropagation is granted at least."""

_SPECK = 1e-13
"""The part of an input's largest derivative below which a difference is none."""

_TINY = 64 * float(np.finfo(np.float64).tiny)
"""A derivative below which numbers lose their digits."""

_FEW = 8
"""How many times its own rounding a gradient may be to be nothing but rounding."""

_FAINT = 2.0**-50
"""The part of an input's largest derivative below which another is as good as 0: a saturated softmax has such."""

_TELLING = 0.3
"""The part of itself to which a derivative must be known, to tell it from one and a half times as much."""

_MINOR = 2.0**-10
"""The part of an input's largest derivative up to which another one need not be known better than beside it."""

_ROUGH = 2.0**-14
"""The part of the function's size up to which steps may come of rounding, as in float32."""

_MOVING = 2.0**10
"""How many times the rounding a function must change about the point, if it is not to be flat everywhere."""

_COARSE = 1e-4
"""The part of the function's size to which a derivative of 0 must be known."""

_CLIFF = 2.0**-12
"""The part of the function's size that a jump must be to be no rounding, wherever in the function that may happen."""

_NARROW = 31 * 2.0**-24
"""The step by which a wrong element is searched for; what is found is then compared as closely as any."""


class Study:
    """The comparison of the gradient for one input.

    Derivatives are taken along directions that are as long as the input is large, so that their sizes compare.

    Attributes:
        probe: the function, to be differentiated by the input.
        gradient: what backpropagation says.
        sizes: the length of a step for each element.
        slopes: the sizes of the derivatives along each element.
        scale: how large derivatives are, along an element or along a random direction.
        suspect: a direction along which the gradient is wrong.
        gap: the largest difference that was found, relative to the largest derivative.

    """

    def __init__(
        self,
        probe: Probe,
        gradient: Array,
        rng: np.random.Generator,
        rtol: float,
        sizes: Array | None = None,
        least: float = 0.0,
    ) -> None:
        """Prepare the comparison of `gradient`, to a relative difference of `rtol`; below `least` all is rounding."""
        self.probe = probe
        self.gradient = gradient
        self.rng = rng
        self.rtol = rtol
        self.least = least
        self.sizes = sizes_of(probe.point[probe.index]) if sizes is None else sizes
        # What a single number depends on is reported as the user knows it, without the random cotangent. The check
        # needs that, lest a rule pass that forgets to multiply by the incoming gradient.
        first = probe.cotangents[0]
        self.unit = float(first.item()) if len(probe.cotangents) == 1 == first.size else 1.0
        self.slopes = np.abs(np.where(np.isfinite(gradient), gradient, 0) * self.sizes)
        self.scale = 0.0
        self.gap = 0.0
        self.suspect: Array | None = None

    def elements(self) -> list[Sample]:
        """Compare all elements."""
        self.scale = float(self.slopes.max(initial=0.0))
        samples: list[Sample] = []
        finite = np.where(np.isfinite(self.gradient), self.slopes, np.nan)
        for places in groups(finite.reshape(-1).tolist(), BLOCK):
            block = self._block(places) if len(places) > 1 else None
            if block is None:
                samples += [self.at(element_at(place, self.sizes.shape)) for place in places]
            else:
                samples.append(block)
        return samples

    def seems_right(self) -> bool:
        """Tell whether a single difference along a random direction agrees, which is no verdict yet."""
        direction = next(self._directions())
        self.scale, analytic = float(np.linalg.norm(self.slopes)), float(np.vdot(self.gradient, direction))
        if not math.isfinite(analytic):
            return False
        agrees = self.probe.glance(direction, analytic, self.rtol * max(abs(analytic), self.scale)) is not None
        self.suspect = None if agrees else direction
        return agrees

    def directions(self) -> list[Sample]:
        """Compare along random directions, until one is wrong."""
        self.scale = float(np.linalg.norm(self.slopes))
        infinite = first_non_finite(self.gradient)
        if infinite is not None:
            return [self.at(infinite)]
        samples: list[Sample] = []
        for direction in self._directions():
            samples.append(self._sample(None, direction))
            if samples[-1].verdict is Verdict.WRONG:
                self.suspect = direction
                break
        return samples

    def narrowed(self) -> list[Sample]:
        """Compare along random directions, and narrow one that is wrong down to an element."""
        if not self.seems_right() and self.suspect is not None:
            found = self.at(self._worst_element(self.suspect, _NARROW))
            if found.verdict is Verdict.WRONG:
                return [found]
        samples = self.directions()
        if samples[-1].verdict is not Verdict.WRONG or self.suspect is None:
            return samples
        found = self.at(self._worst_element(self.suspect, samples[-1].step))
        # A direction may cross kinks in several elements, some to the left and some to the right. Then a right gradient
        # need not lie between the slopes on both sides. Or what is unseen in one element is seen beside others. Then
        # only elements tell.
        is_small = self.gradient.size <= FULL_UP_TO
        if found.verdict is Verdict.KINK or (found.verdict is Verdict.PASS and is_small):
            return self._some_elements()
        return [*samples, found]

    def _block(self, places: list[int]) -> Sample | None:
        """Compare some elements at once, as exactly as each alone; None if they are not right beyond doubt.

        All move the function the same way, so that a common factor cannot cancel, and by lengths that are random to
        many digits, so that other errors do not.
        """
        slopes = self.slopes.reshape(-1)[places]
        lengths = np.array(balance(slopes.tolist())) * (self.rng.integers(4096, 8192, len(places)) / 4096)
        signs = np.where(self.gradient.reshape(-1)[places] < 0, -1.0, 1.0)
        direction = np.zeros(self.sizes.size)
        direction[places] = self.sizes.reshape(-1)[places] * lengths * signs
        analytic = float(self.gradient.reshape(-1)[places] @ direction[places])
        estimate = self.probe.glance(direction.reshape(self.sizes.shape), analytic, self.rtol * float(slopes[0]))
        if estimate is None or estimate.is_bent:
            return None
        self.gap = max(self.gap, abs(analytic - estimate.value) / self.scale if self.scale else 0.0)
        return Sample(
            None, analytic / self.unit, estimate.value / self.unit, estimate.error / abs(self.unit), estimate.step,
            Verdict.PASS, width=len(places),
        )  # fmt: skip  # one a line would be a page

    def at(self, element: tuple[int, ...]) -> Sample:
        """Compare one element: by a step that no neighbour drowns, or by its own size, if that shows nothing."""
        direction = np.zeros_like(self.sizes)
        direction[element] = self.sizes[element]
        sample = self._sample(element, direction)
        own = float(sizes_of(self.probe.point[self.probe.index][element]))
        if sample.verdict.is_good or own >= self.sizes[element]:
            return sample
        direction[element] = own
        other = self._sample(element, direction)
        return other if other.verdict.is_good else sample

    def swept(self) -> Sample:
        """Compare the element with the largest derivative, for a sweep of steps."""
        element = element_at(int(np.argmax(self.slopes)), self.sizes.shape)
        sample, direction = self.at(element), np.zeros_like(self.sizes)
        direction[element] = self.sizes[element]
        trail = self.probe.trail(direction, sample.step)
        return sample._replace(trail=tuple(quotient.per(self.unit * direction[element]) for quotient in trail))

    def _directions(self) -> Iterator[Array]:
        """Yield random directions, of few binary digits, so that adding them rounds nothing away."""
        shape = self.sizes.shape
        for _ in range(DIRECTIONS):
            direction = self.rng.integers(64, 128, shape) * (self.sizes / 64)
            direction *= self.rng.integers(0, 2, shape) * 2 - 1
            yield direction

    def _some_elements(self) -> list[Sample]:
        """Compare some elements."""
        places = self.rng.choice(self.sizes.size, min(FULL_UP_TO, self.sizes.size), replace=False)
        return [self.at(element_at(place, self.sizes.shape)) for place in np.sort(places)]

    def _sample(self, element: Element, direction: Array) -> Sample:
        """Compare along one direction: that of an element, or one through all of them."""
        if element is None:
            analytic = float(np.vdot(self.gradient, direction))
            length = 1.0
        else:
            length = float(direction[element])
            analytic = float(self.gradient[element]) * length
        scale = self.scale if element is None else 0.0
        numeric = self.probe.derivative(direction, analytic, self.rtol, scale)
        unit = self.unit * length
        verdict = self._judge(element, direction, analytic, numeric)
        found = None
        if verdict in (Verdict.WRONG, Verdict.NOISE_LIMITED) or (verdict is Verdict.PASS and numeric.is_bent):
            found = find_kink(self.probe, direction, numeric.resolution)
        if found is not None:
            if found.allows(analytic):
                verdict = Verdict.KINK
            elif abs(found.jump) > _CLIFF * self.probe.magnitude or (verdict is not Verdict.PASS and not found.jump):
                verdict = Verdict.WRONG  # what looks like noise is the jump, or the kink
        trail = self.probe.trail(direction, numeric.step) if numeric.is_swept else ()
        return Sample(
            element,
            analytic / unit,
            numeric.value / unit,
            numeric.error / abs(unit),
            numeric.step,
            verdict,
            None if found is None else found.per(unit),
            tuple(quotient.per(unit) for quotient in trail),
            0 if element is None else 1,
            numeric.longer is not None,
        )

    def _judge(self, element: Element, direction: Array, analytic: float, numeric: Estimate) -> Verdict:
        """Return what a derivative by backpropagation and one by finite differences say together."""
        gap, larger = abs(analytic - numeric.value), max(abs(analytic), abs(numeric.value))
        if not math.isfinite(gap):
            return Verdict.NON_FINITE
        known, self.gap = self.gap, max(self.gap, gap / max(self.scale, larger) if larger else 0.0)
        # Along a random direction contributions may cancel: what is left is compared with what they were.
        reference = larger if element is not None else max(larger, self.scale)
        if gap <= self.rtol * reference and not numeric.is_swept:
            return Verdict.PASS  # as a single difference has shown
        # What is left of rounding in longer floats is seldom as much.
        rounding = _FEW * numeric.resolution if numeric.longer is None else 2 * abs(numeric.longer - analytic)
        doubt = _DOUBT * numeric.error + _SPECK * self.scale + rounding + _TINY * float(np.abs(direction).sum())
        doubt += self.least
        if gap > max(self.rtol, _SLACK) * reference + doubt:
            return Verdict.NOISE_LIMITED if numeric.height and not analytic else Verdict.WRONG
        is_known = (
            doubt <= _TELLING * max(reference, _MINOR * self.scale) and numeric.height <= _ROUGH * self.probe.magnitude
        )
        if is_known or self._is_right_when_longer(analytic, numeric):
            return Verdict.PASS
        if not self._is_naught(direction, analytic, numeric):
            return Verdict.NOISE_LIMITED
        self.gap = known  # what is nothing but rounding has no error
        return Verdict.PASS

    def _is_right_when_longer(self, analytic: float, numeric: Estimate) -> bool:
        """Tell whether the rule is right in longer floats, and is rounded here by little beside other derivatives."""
        if numeric.longer is None:
            return False
        doubt = abs(numeric.longer - numeric.value) + _DOUBT * numeric.error
        is_right = doubt <= _TELLING * max(abs(numeric.longer), abs(numeric.value))
        return is_right and abs(numeric.longer - analytic) <= _TELLING * self.scale

    def _is_naught(self, direction: Array, analytic: float, numeric: Estimate) -> bool:
        """Tell whether a derivative is 0, or no more than the rounding of its computation, and the numeric one is 0."""
        size = max(self.probe.magnitude, numeric.extent)
        rounding = self.probe.rounding(self.gradient, direction)
        if numeric.longer is not None:
            rounding = max(rounding, abs(numeric.longer - analytic))
        is_still = numeric.extent <= _MOVING * rounding
        if not is_still and _DOUBT * numeric.error > max(_COARSE * size, _FEW * _DOUBT * numeric.noise):
            return False
        # A function that is flat to its last digit, though it changes farther away, is saturated.
        is_saturated = numeric.extent > _MOVING * numeric.resolution
        smallest = _TINY * float(np.abs(direction).sum())
        faint = max(_FAINT * self.scale, self.least, smallest, _FEW * numeric.resolution if is_saturated else 0.0)
        return abs(analytic) <= max(faint, _FEW * rounding)

    def _worst_element(self, direction: Array, step: float) -> tuple[int, ...]:
        """Return an element of a wrong gradient, found by halving the part of `direction` that the error is in."""
        places = np.arange(direction.size)
        total = self._gap(direction, places, step)
        while places.size > 1:
            first, second = np.array_split(places, 2)
            gap = self._gap(direction, first, step)
            places, total = (first, gap) if abs(gap) >= abs(total - gap) else (second, total - gap)
        return element_at(int(places[0]), direction.shape)

    def _gap(self, direction: Array, places: Array, step: float) -> float:
        """Return how far the gradient is off along the part of `direction` at some flat `places`, by one difference."""
        part = np.zeros(direction.size)
        part[places] = direction.reshape(-1)[places]
        analytic = float(self.gradient.reshape(-1) @ part)
        return analytic - Line(self.probe, part.reshape(direction.shape)).quotient(step).central


def element_at(place: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of a flat place."""
    return tuple(int(i) for i in np.unravel_index(int(place), shape))


def first_non_finite(array: Array) -> tuple[int, ...] | None:
    """Return the place of the first element that is infinite or NaN."""
    finite = np.isfinite(array)
    return None if finite.all() else element_at(int(np.argmin(finite)), array.shape)
