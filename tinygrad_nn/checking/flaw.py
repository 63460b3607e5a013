"""`flaw`: what is wrong with one gradient of a small function, in words; cheap as long as nothing is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tinygrad_nn.checking.compare import Checker, Mode
from tinygrad_nn.checking.differences import Probe, sizes_of
from tinygrad_nn.checking.report import Comparison, Sample, Verdict
from tinygrad_nn.checking.study import FULL_UP_TO
from tinygrad_nn.primitive import Array

_RTOL = 1e-5
"""The relative difference that passes, as in `gradcheck`."""

_THOROUGH_UP_TO = 1024
"""The size of an operand up to which all elements are compared: a single operation is quick to evaluate."""

_LOOKED_AT = 2**18
"""The size of a Jacobian up to which it is computed, to see in what a gradient is wrong."""


class Flaw(NamedTuple):
    """What is wrong with a gradient.

    Attributes:
        place: the input that it is the gradient for.
        words: what is wrong; "" if nothing was found.
        is_sure: whether nothing is, rather than that differences show too little to find it.

    """

    place: int
    words: str
    is_sure: bool


def flaw(
    function: Callable[[Sequence[Array]], Array],
    pullback: Callable[[Sequence[Array], Array], Sequence[Array]],
    point: Sequence[Array],
    places: Sequence[int],
    rng: np.random.Generator,
    *,
    closely: bool = False,
    order: int = 1,
) -> Flaw:
    """Return the first of some inputs for which the gradient of `function` is wrong, and in what.

    Args:
        function: takes one array for each input and returns one.
        pullback: carries, at any point, a gradient of the result back to each of the inputs at `places`.
        point: the inputs.
        places: those to look at.
        rng: where cotangent and directions come from.
        closely: whether to compare what agrees along a single random direction as `gradcheck` does, too.
        order: from 2 on the function is itself a gradient, and the last input a cotangent.

    >>> import numpy as np
    >>> x = np.array([1.0, 2.0])
    >>> flaw(lambda x: x[0] ** 2, lambda x, g: [-2 * g * x[0]], [x], [0], np.random.default_rng(0)).words
    'has the wrong sign everywhere'

    """
    outputs = function(point)
    cotangent = cotangent_for(outputs, rng)
    gradients = pullback(point, cotangent)
    is_sure = True
    for turn, place in enumerate(places):
        gradient = gradients[turn]
        probe = Probe(lambda arrays: [function(arrays)], point, place, [outputs], [cotangent])
        if closely or not _agrees(probe, gradient, rng):
            verdict, found = _difference(probe, pullback, turn, rng, order)
            if found is not None:
                return Flaw(place, found.pattern or _unaccumulated(probe, gradient) or _in_words(found), is_sure=True)
            is_sure = is_sure and verdict.is_good
    return Flaw(-1, "", is_sure)


def cotangent_for(outputs: Array, rng: np.random.Generator) -> Array:
    """Return a random gradient for `outputs`, none of whose elements is next to 0."""
    return np.asarray(rng.choice((-1.0, 1.0), outputs.shape) * rng.uniform(0.5, 1.5, outputs.shape))


def _agrees(probe: Probe, gradient: Array, rng: np.random.Generator) -> bool:
    """Tell whether gradient and finite differences agree beyond doubt along a random direction."""
    sizes = sizes_of(probe.point[probe.index])
    direction = sizes * rng.choice((-1.0, 1.0), sizes.shape) * rng.integers(64, 128, sizes.shape) / 64
    analytic = float(np.sum(gradient * direction))
    estimate = probe.derivative(direction, analytic)
    return estimate.is_clear and estimate.agrees(analytic) and not estimate.is_bent


def _difference(
    probe: Probe,
    pullback: Callable[[Sequence[Array], Array], Sequence[Array]],
    turn: int,
    rng: np.random.Generator,
    order: int,
) -> tuple[Verdict, Comparison | None]:
    """Compare as `gradcheck` does, and return the verdict, and what was found if the gradient is wrong."""

    def gradients(point: Sequence[Array], cotangents: Sequence[Array]) -> list[Array]:
        found = [np.zeros(x.shape) for x in point]  # of the others nothing is asked
        found[probe.index] = pullback(point, cotangents[0])[turn]
        return found

    modes: list[Mode] = ["auto"]
    if FULL_UP_TO < probe.point[probe.index].size <= _THOROUGH_UP_TO:
        modes.append("full")  # where directions show nothing
    for mode in modes:
        checker = Checker("flaw", rng, mode, _RTOL)
        checker.check(probe.function, gradients, probe.point, ["input"] * len(probe.point), order, [probe.index])
        for comparison in checker.comparisons:
            if any(map(_is_wrong, comparison.samples)):
                return checker.verdict, comparison
    return checker.verdict, None


def _in_words(comparison: Comparison) -> str:
    """Say where gradient and finite differences differ."""
    samples = comparison.samples
    wrong = [sample for sample in samples if _is_wrong(sample)]
    worst = wrong[-1]  # of an element, if one was found at all
    if worst.element is None:
        return f"is {worst.analytic:.6g} along a random direction, by finite differences {worst.numeric:.6g}"
    is_full = all(sample.element is not None for sample in samples)
    number = f" at {len(wrong)} of {len(samples)} elements" if is_full else ""
    return (
        f"differs{number}: at {list(worst.element)} it is {worst.analytic:.6g}, by finite differences "
        f"{worst.numeric:.6g}"
    )


def _is_wrong(sample: Sample) -> bool:
    """Tell whether a gradient is wrong, or not a finite number where a finite one is known to be true.

    Where the true one is infinite, as for the square root at 0, finite differences do not find one, or find 0.
    """
    is_known = sample.uncertainty <= 1e-3 * abs(sample.numeric)
    return sample.verdict is Verdict.WRONG or (sample.verdict is Verdict.NON_FINITE and is_known)


def _unaccumulated(probe: Probe, gradient: Array) -> str:
    """Say that of several uses of an element only one counts, if this explains the gradient."""
    uses, cotangent, values = [], probe.cotangents[0], probe.point[probe.index]
    if values.size * max(cotangent.size, 64) > _LOOKED_AT:
        return ""
    for place, size in zip(np.ndindex(values.shape), sizes_of(values).flat, strict=True):
        step = np.zeros(values.shape)
        step[place] = size * 2.0**-13  # good to some six digits
        ahead, behind = (
            probe.function([*probe.point[: probe.index], moved, *probe.point[probe.index + 1 :]])[0]
            for moved in (values + step, values - step)
        )
        contributions = (cotangent * (ahead - behind)).reshape(-1) / (2 * step[place])
        uses.append(contributions[contributions != 0])
    if np.allclose(gradient.reshape(-1), [contributions.sum() for contributions in uses], rtol=1e-2, atol=0):
        return ""  # nothing is missing, and a small error is another one
    for which, end in (("first", 0), ("last", -1)):
        guess = np.array([contributions[end] if contributions.size else 0.0 for contributions in uses])
        if np.allclose(gradient.reshape(-1), guess, rtol=1e-4, atol=1e-6 * np.abs(guess).max(initial=0.0)):
            return f"is not accumulated: of an element that is used several times only the {which} use counts"
    return ""
