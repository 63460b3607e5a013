"""The heart of both checks: given a function of arrays and its gradient, is the gradient right?"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np

from tinygrad_nn.checking.differences import Probe, sizes_of
from tinygrad_nn.checking.evidence import pattern_of
from tinygrad_nn.checking.joint import evened, groups, joined, scales_of
from tinygrad_nn.checking.precision import Function, Pullback
from tinygrad_nn.checking.report import Comparison, GradcheckReport, Sample, Verdict
from tinygrad_nn.checking.study import FULL_UP_TO, Mode, Study, first_non_finite
from tinygrad_nn.checking.vicinity import AT_ONCE, Vicinity
from tinygrad_nn.errors import ArgumentError, BackwardError, TinygradError
from tinygrad_nn.primitive import Array

__all__ = ["Checker", "Mode"]

_SURE = 1e-3
"""The relative difference up to which a gradient that passes leaves no doubt; differences across kinks may be worse."""

_VANISHED = 2.0**-50
"""The part of the cotangents, below and above, that a derivative of a gradient must be to be no rounding."""

_EXPLAINED = 8
"""How many wrong inputs are told with what is wrong in them: where more are, the reason is an operation above all."""


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
        self.least = 0.0
        self.wrong = 0
        self.failure: Verdict | None = None
        self.note = ""
        self.sweep: Callable[[], tuple[str, Sample]] | None = None

    def check(
        self,
        function: Function,
        pullback: Pullback,
        point: Sequence[Array],
        names: Sequence[str],
        order: int,
        places: Sequence[int] | None = None,
    ) -> list[Array]:
        """Compare the gradient for every input, and return the cotangents that were used.

        Args:
            function: the function of arrays.
            pullback: its gradient, at any point.
            point: the inputs, in float64.
            names: what the report calls them.
            order: 1 for a gradient. From 2 on the function is itself one, and its last inputs are cotangents.
            places: the inputs whose gradients are compared; all if None.

        """

        def counted(arrays: Sequence[Array]) -> Sequence[Array]:
            self.evaluations += 1
            return function(arrays)

        outputs = counted(point)
        cotangents = [self.rng.choice((-1.0, 1.0), o.shape) * self.rng.uniform(0.5, 1.5, o.shape) for o in outputs]
        places = range(len(point)) if places is None else places
        self._find_obstacle([(names[place], point[place]) for place in places], outputs, counted(point))
        if self.failure is None:
            cotangents = evened(outputs, cotangents, lambda some: _scale(pullback(point, some), point))
            if order > 1:  # where a gradient has vanished beside its cotangents, it is what rounding has left
                most = max(float(np.abs(u).max(initial=0.0)) for u in cotangents)
                self.least = _VANISHED * most * float(np.abs(point[-1]).max(initial=0.0))
            probe = Probe(counted, point, 0, outputs, cotangents, pullback)
            gradients = pullback(point, cotangents)
            found = self._compare(probe, gradients, names, order, places)
            self.comparisons += self._beside(Vicinity(probe, pullback, gradients, self.rng), found, places)
            errors = [(x.error, x.name, place) for x, place in zip(found, places, strict=True) if point[place].size]
            if errors:
                self.sweep = functools.partial(self._swept, probe, gradients, *max(errors)[1:])
        return cotangents

    def fail(self, error: TinygradError, order: int) -> None:
        """Note that backpropagation raised an `error`, so that there is no gradient to compare.

        That is wrong, unless there is none, as where eigenvalues are equal. From the second order on, any error is one
        of a rule on Tensors. In the first, others than of the backward pass are the function's own, and are raised.
        """
        if order == 1 and not isinstance(error, BackwardError):
            raise error
        is_infinite = any(isinstance(x, (ArithmeticError, np.linalg.LinAlgError)) for x in (error, error.__cause__))
        self.failure = Verdict.NON_FINITE if is_infinite else Verdict.WRONG
        self.note = f"There is no gradient to compare: {error}"

    @property
    def verdict(self) -> Verdict:
        """What has been found so far, at its worst."""
        return self.failure or Verdict.worst(comparison.verdict for comparison in self.comparisons)

    @property
    def is_by_noise(self) -> bool:
        """Whether a gradient is good only by what noise allows: operations by themselves may show more."""
        return self.verdict.is_good and any(found.error > self.rtol for found in self.comparisons)

    def report(self, culprits: Sequence[object] = (), *, are_operations_right: bool = False) -> GradcheckReport:
        """Return all that has been found, with the `culprits`, if there are any.

        Where there are none, it may be rounding that the function does not change as it should, or not at all, as
        ``x + 1e20 - 1e20``; only more digits can tell. `are_operations_right` settles what rounding has left open, and
        so do `culprits`.
        """
        if not culprits:
            self.comparisons = [_doubted(found) if _is_doubtful(found) else found for found in self.comparisons]
        verdict, note = self.verdict, self.note
        if verdict is not Verdict.WRONG and culprits:
            verdict, note = Verdict.WRONG, "Rounding hides it, but an operation is wrong by itself"
        elif verdict is Verdict.NOISE_LIMITED and are_operations_right:
            verdict, note = (
                Verdict.PASS,
                "Rounding hides it, but each operation is right by itself, and so is the whole",
            )
        found, evaluations = tuple(self.comparisons), self.evaluations
        return GradcheckReport(self.subject, verdict, found, note, self.seed, evaluations, tuple(culprits), self.sweep)

    def _beside(self, vicinity: Vicinity, comparisons: Sequence[Comparison], places: Sequence[int]) -> list[Comparison]:
        """Look beside the point where the function may not be differentiable at it: there right may look wrong."""
        doubtful = {
            place: found
            for place, found in zip(places, comparisons, strict=True)
            if found.verdict is Verdict.KINK
            or (found.verdict is Verdict.PASS and found.error > _SURE)
            or (found.verdict is Verdict.WRONG and vicinity.jumps(place))
        }
        beside: dict[int, list[Comparison]] = {place: [] for place in doubtful}
        for probe, gradients in vicinity.asides() if doubtful else ():
            around = Vicinity(probe, vicinity.pullback, gradients, self.rng, AT_ONCE)
            for place, found in doubtful.items():
                if any(comparison.verdict is Verdict.WRONG for comparison in beside[place]):
                    continue
                comparison = self._alone(probe.of(place), gradients, found.name, found.order, vicinity.sizes[place])
                if comparison.verdict is Verdict.WRONG and around.jumps(place):
                    comparison = _called(comparison, Verdict.NOISE_LIMITED)  # what jumps everywhere is rounding
                beside[place].append(comparison)
        return [
            _settled(vicinity, place, found, beside[place]) if place in doubtful else found
            for place, found in zip(places, comparisons, strict=True)
        ]

    def _compare(
        self, probe: Probe, gradients: Sequence[Array], names: Sequence[str], order: int, compared: Sequence[int]
    ) -> list[Comparison]:
        """Compare the gradients for all inputs: small ones, or all, element by element, and the others together."""
        found: dict[int, Comparison] = {}

        def along_directions(places: list[int]) -> None:
            """Compare several inputs at once; if they are not right, those that do not seem so alone, then the others.

            If each seems right by itself, halves are compared, in which the error is a larger part.
            """
            if len(places) == 1:
                found[places[0]] = self._alone(probe.of(places[0]), gradients, names[places[0]], order)
                return
            study = self._study(*joined(probe, gradients, scales, places))
            samples = study.directions()
            if all(sample.verdict is Verdict.PASS for sample in samples):
                for place in places:
                    shape = probe.point[place].shape
                    found[place] = Comparison(names[place], shape, order, tuple(samples), study.gap)
                return
            others = [place for place in places if self._study(probe.of(place), gradients[place]).seems_right()]
            for place in places:
                if place not in others:
                    along_directions([place])
            parts = [others] if len(others) < len(places) else [places[: len(places) // 2], places[len(places) // 2 :]]
            for part in parts:
                if part:
                    along_directions(part)

        scales = scales_of(probe, gradients)
        large = [place for place in compared if not self._is_full(probe.point[place])]
        for group in groups([scales[place] for place in large]):
            along_directions([large[index] for index in group])
        for place in compared:
            if place not in found:
                found[place] = self._alone(probe.of(place), gradients, names[place], order)
        return [found[place] for place in compared]

    def _is_full(self, values: Array) -> bool:
        return self.mode == "full" or (self.mode == "auto" and values.size <= FULL_UP_TO)

    def _study(self, probe: Probe, gradient: Array, sizes: Array | None = None) -> Study:
        return Study(probe, gradient, self.rng, self.rtol, sizes, self.least)

    def _alone(
        self, probe: Probe, gradients: Sequence[Array], name: str, order: int, sizes: Array | None = None
    ) -> Comparison:
        """Compare the gradient for one input."""
        gradient = gradients[probe.index]
        study = self._study(probe, gradient, sizes)
        samples = study.elements() if self._is_full(gradient) else study.narrowed()
        comparison = Comparison(name, gradient.shape, order, tuple(samples), study.gap)
        if comparison.verdict is not Verdict.WRONG:
            return comparison
        self.wrong += 1
        if self.wrong > _EXPLAINED:
            return comparison
        return comparison._replace(pattern=pattern_of(probe, gradient, self.rng))

    def _swept(self, probe: Probe, gradients: Sequence[Array], name: str, place: int) -> tuple[str, Sample]:
        """Sweep the steps for one element of an input."""
        return name, self._study(probe.of(place), gradients[place]).swept()

    def _find_obstacle(
        self, inputs: Sequence[tuple[str, Array]], outputs: Sequence[Array], again: Sequence[Array]
    ) -> None:
        """Note what in the function itself leaves nothing to compare."""
        for place, (one, other) in enumerate(zip(outputs, again, strict=True)):
            if not np.array_equal(one, other, equal_nan=True):
                self.failure = Verdict.NON_DETERMINISTIC
                where = f"{one.shape} and {other.shape}"
                if one.shape == other.shape:
                    element = first_non_finite(np.where((one == other) | (np.isnan(one) & np.isnan(other)), 0, np.nan))
                    where = f"{one[element]:.9g} and {other[element]:.9g} at {list(element or ())}"
                self.note = (
                    f"Two evaluations at one point differ: output {place} is {where}. Seed the generator inside of the "
                    f"function, or switch dropout off with model.eval()"
                )
                return
        for name, array in [*inputs, *((f"output {place}", output) for place, output in enumerate(outputs))]:
            element = first_non_finite(array)
            if element is not None:
                self.failure = Verdict.NON_FINITE
                title = name[0].upper() + name[1:]
                self.note = f"{title} is {array[element]} at {list(element)} already. Check at another point"
                return


def _scale(gradients: Sequence[Array], point: Sequence[Array]) -> float:
    """Return how large derivatives are, along a random direction in the input where they are largest."""
    return max(float(np.linalg.norm(g * sizes_of(x))) for g, x in zip(gradients, point, strict=True))


def _settled(vicinity: Vicinity, place: int, found: Comparison, beside: Sequence[Comparison]) -> Comparison:
    """Return what follows for the gradient of one input from what was found at the point, and beside it."""
    verdicts = {comparison.verdict for comparison in beside}
    if Verdict.WRONG in verdicts:
        wrong = next(comparison for comparison in beside if comparison.verdict is Verdict.WRONG)
        return wrong._replace(note="compared beside the point, for at the point itself there may be no derivative")
    if found.verdict is not Verdict.WRONG or not beside:
        return found
    if Verdict.NOISE_LIMITED in verdicts:
        return _called(found, Verdict.NOISE_LIMITED)
    if Verdict.NON_FINITE in verdicts or not vicinity.encloses(place):
        return found
    return _called(found, Verdict.KINK)


def _is_doubtful(comparison: Comparison) -> bool:
    """Tell whether all that is wrong may be rounding, if no operation is."""
    wrong = [sample for sample in comparison.samples if sample.verdict is Verdict.WRONG]
    return bool(wrong) and all(sample.numeric == 0 or not sample.is_confirmed for sample in wrong)


def _doubted(comparison: Comparison) -> Comparison:
    """Return a comparison of which nothing is known, as rounding may have misled it."""
    samples = tuple(sample._replace(uncertainty=math.inf) for sample in comparison.samples)
    note = "no operation is wrong by itself, and there are no digits to tell whether it is rounding that misleads"
    return _called(comparison._replace(samples=samples, note=note), Verdict.NOISE_LIMITED)


def _called(comparison: Comparison, verdict: Verdict) -> Comparison:
    """Return a comparison with another verdict for what seemed wrong."""
    samples = [
        sample._replace(verdict=verdict, kink=None) if sample.verdict is Verdict.WRONG else sample
        for sample in comparison.samples
    ]
    return comparison._replace(samples=tuple(samples), pattern="")
