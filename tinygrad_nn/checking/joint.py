"""Several elements, or inputs, compared at once: what is right costs a few evaluations, not a few for each.

A direction through all of them says nothing of those that hardly matter beside the others. So those whose derivatives
are of like size go together, and the larger ones take smaller steps, until each moves the function by as much. Then an
error of one is seen as well as if it were compared alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tinygrad_nn.checking.differences import Probe, sizes_of
from tinygrad_nn.primitive import Array

_ALIKE = 2.0**10
"""How many times larger than another a derivative may be, for both to be compared at once."""

_NEXT_TO_NOTHING = 2.0**-44
"""The part of the function's size below which a derivative is as good as 0."""

_BINS = 4
"""Into how many parts outputs are divided by their sizes, each `_ALIKE` times smaller than the one before."""

_LOUDEST = 2.0**26
"""How many times more a small output may count than a large one: what is nothing but rounding stays below 1e-8."""


def evened(
    outputs: Sequence[Array], cotangents: Sequence[Array], scale: Callable[[Sequence[Array]], float]
) -> list[Array]:
    """Return `cotangents` under which outputs of all sizes count alike, so that an error in a small one is seen.

    Outputs are told apart by their values. But what they count is measured by their gradients, lest one that happens
    to be next to 0 drown the others.

    Args:
        outputs: the outputs.
        cotangents: those of about the same size.
        scale: says how large the derivatives are for some cotangents.

    """
    largest = max((float(np.abs(output).max(initial=0.0)) for output in outputs), default=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):  # of zeros, which go with the largest
        steps = [np.log2(largest / np.abs(output)) / math.log2(_ALIKE) for output in outputs]
    bins = [np.where(np.isfinite(step), np.minimum(np.floor(step), _BINS - 1), 0) for step in steps]
    parts = [
        [np.where(bin_ == place, u, 0.0) for bin_, u in zip(bins, cotangents, strict=True)]
        for place in sorted({float(place) for bin_ in bins for place in np.unique(bin_)})
    ]
    if len(parts) < 2:
        return list(cotangents)
    scales = [scale(part) for part in parts]
    known = [size for size in scales if 0 < size < math.inf]
    weights = [
        min(_LOUDEST, 2.0 ** math.floor(math.log2(max(known) / size))) if size in known else 1.0 for size in scales
    ]
    return [
        np.asarray(sum(w * part for w, part in zip(weights, same, strict=True))) for same in zip(*parts, strict=True)
    ]


def scales_of(probe: Probe, gradients: Sequence[Array]) -> list[float]:
    """Return for each input how large derivatives along a random direction are; 0 where they are next to nothing."""
    scales = []
    for values, gradient in zip(probe.point, gradients, strict=True):
        scale = float(np.linalg.norm(gradient * sizes_of(values)))
        scales.append(scale if scale > _NEXT_TO_NOTHING * probe.magnitude else 0.0)
    return scales


def groups(scales: Sequence[float], most: float = math.inf) -> Iterator[list[int]]:
    """Yield up to `most` places at a time whose `scales` are alike, rising; NaN and infinity stay alone.

    >>> list(groups([1.0, 1e-6, 3.0, 0.0, math.inf, 2e-6]))
    [[3], [1, 5], [0, 2], [4]]

    """
    group: list[int] = []
    for place in sorted(range(len(scales)), key=lambda place: (not math.isnan(scales[place]), scales[place])):
        smallest = scales[group[0]] if group else math.nan
        if group and not (scales[place] <= _ALIKE * smallest < math.inf and len(group) < most):
            yield group
            group = []
        group.append(place)
    if group:
        yield group


def balance(scales: Sequence[float]) -> list[float]:
    """Return lengths of steps, powers of 2 up to 1, that make derivatives of these `scales` as small as the first.

    >>> balance([1.0, 3.0, 4.5])
    [1.0, 0.25, 0.125]

    """
    smallest = scales[0]
    return [2.0 ** math.floor(math.log2(smallest / scale)) if smallest else 1.0 for scale in scales]


def joined(
    probe: Probe, gradients: Sequence[Array], scales: Sequence[float], places: Sequence[int]
) -> tuple[Probe, Array, Array]:
    """Return the inputs at `places` as a single one: its probe, its gradient, and the lengths of its steps."""
    parts = [probe.point[place] for place in places]
    ends = np.cumsum([part.size for part in parts])

    def function(arrays: Sequence[Array]) -> Sequence[Array]:
        point = list(probe.point)
        for place, values, part in zip(places, np.split(arrays[0], ends[:-1]), parts, strict=True):
            point[place] = values.reshape(part.shape)
        return probe.function(point)

    weights = balance([scales[place] for place in places])
    sizes = [weight * sizes_of(part).reshape(-1) for weight, part in zip(weights, parts, strict=True)]
    point = np.concatenate([part.reshape(-1) for part in parts])
    gradient = np.concatenate([gradients[place].reshape(-1) for place in places])
    return Probe(function, [point], 0, probe.outputs, probe.cotangents), gradient, np.concatenate(sizes)
