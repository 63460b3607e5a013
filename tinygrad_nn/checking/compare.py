"""The heart of both checks: given a function of arrays and its gradient, is the gradient right?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, get_args

import numpy as np

from tinygrad_nn.checking.differences import Function, Probe
from tinygrad_nn.checking.evidence import pattern_of
from tinygrad_nn.checking.joint import groups, joined, scales_of
from tinygrad_nn.checking.report import Comparison, GradcheckReport, Verdict
from tinygrad_nn.checking.study import FULL_UP_TO, Mode, Study, first_non_finite
from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.primitive import Array

__all__ = ["Checker", "Mode", "Pullback"]

Pullback: TypeAlias = Callable[[Sequence[Array]], Sequence[Array]]
"""Carries a gradient for each output back to one for each input."""


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
        self._find_obstacle(names, point, outputs, counted(point))
        if self.failure is None:
            probe = Probe(counted, point, 0, outputs, cotangents)
            self._compare(probe, pullback(cotangents), names, order)
        return cotangents

    @property
    def verdict(self) -> Verdict:
        """What has been found so far, at its worst."""
        return self.failure or Verdict.worst(comparison.verdict for comparison in self.comparisons)

    def report(self, culprits: Sequence[object] = ()) -> GradcheckReport:
        """Return all that has been found, with the `culprits`, if there are any."""
        found = tuple(self.comparisons)
        return GradcheckReport(
            self.subject, self.verdict, found, self.note, self.seed, self.evaluations, tuple(culprits)
        )

    def _compare(self, probe: Probe, gradients: Sequence[Array], names: Sequence[str], order: int) -> None:
        """Compare the gradients for all inputs: small ones, or all, element by element, and the others together."""
        found: dict[int, Comparison] = {}

        def along_directions(places: list[int]) -> None:
            """Compare several inputs at once, and its halves if they are not right, down to the wrong input."""
            if len(places) == 1:
                found[places[0]] = self._alone(probe.of(places[0]), gradients, names, order)
                return
            study = self._study(*joined(probe, gradients, scales, places))
            samples = study.directions()
            if all(sample.verdict is Verdict.PASS for sample in samples):
                for place in places:
                    shape = probe.point[place].shape
                    found[place] = Comparison(names[place], shape, order, tuple(samples), study.gap)
                return
            along_directions(places[: len(places) // 2])
            along_directions(places[len(places) // 2 :])

        scales = scales_of(probe, gradients)
        large = [place for place, values in enumerate(probe.point) if not self._is_full(values)]
        for group in groups([scales[place] for place in large]):
            along_directions([large[index] for index in group])
        for place in range(len(names)):
            if place not in found:
                found[place] = self._alone(probe.of(place), gradients, names, order)
        self.comparisons += [found[place] for place in range(len(names))]

    def _is_full(self, values: Array) -> bool:
        return self.mode == "full" or (self.mode == "auto" and values.size <= FULL_UP_TO)

    def _study(self, probe: Probe, gradient: Array, sizes: Array | None = None) -> Study:
        return Study(probe, gradient, self.rng, self.rtol, sizes)

    def _alone(self, probe: Probe, gradients: Sequence[Array], names: Sequence[str], order: int) -> Comparison:
        """Compare the gradient for one input."""
        gradient = gradients[probe.index]
        study = self._study(probe, gradient)
        samples = study.elements() if self._is_full(gradient) else study.narrowed()
        comparison = Comparison(names[probe.index], gradient.shape, order, tuple(samples), study.gap)
        if comparison.verdict is not Verdict.WRONG:
            return comparison
        return comparison._replace(pattern=pattern_of(probe, gradient, self.rng))

    def _find_obstacle(
        self, names: Sequence[str], point: Sequence[Array], outputs: Sequence[Array], again: Sequence[Array]
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
        outcomes = [f"output {place}" for place in range(len(outputs))]
        for name, array in zip([*names, *outcomes], [*point, *outputs], strict=True):
            element = first_non_finite(array)
            if element is not None:
                self.failure = Verdict.NON_FINITE
                title = name[0].upper() + name[1:]
                self.note = f"{title} is {array[element]} at {list(element)} already. Check at another point"
                return
