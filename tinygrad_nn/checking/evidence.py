"""What is known of a wrong gradient, gathered for `recognise`: the true one, for each output by itself."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tinygrad_nn.checking.differences import Probe, sizes_of
from tinygrad_nn.checking.patterns import recognise
from tinygrad_nn.primitive import Array

_LOOKED_AT = 64
"""How many elements of an input are looked at."""

_OTHERS = 8
"""How many other inputs of the same shape are looked at."""

_STEP = 2.0**-13
"""Differences with this step are good to some six digits, which is enough to see what a gradient looks like."""


def pattern_of(probe: Probe, gradient: Array, rng: np.random.Generator) -> str:
    """Say what a wrong gradient is, compared with the true one; "" if nothing can be said."""
    places = np.arange(gradient.size)
    if gradient.size > _LOOKED_AT:
        places = np.sort(rng.choice(gradient.size, _LOOKED_AT, replace=False))
    others = [index for index, x in enumerate(probe.point) if x.shape == gradient.shape and index != probe.index]
    slopes = _Slopes(probe, places)
    return recognise(
        gradient,
        slopes.weighted(probe.cotangents),
        [_Slopes(probe.of(index), places).weighted(probe.cotangents) for index in others[:_OTHERS]],
        slopes.explanations(),
        sorted({length for array in (*probe.outputs, *probe.point) for length in array.shape}),
    )


class _Slopes:
    """The derivatives of each element of the outputs by some elements of an input."""

    def __init__(self, probe: Probe, places: Array) -> None:
        self.probe = probe
        self.places = places
        self.shape = probe.point[probe.index].shape
        self.rows = [self._row(int(place)) for place in places]

    def _row(self, place: int) -> list[Array]:
        """Return the derivatives of all outputs by the element at a flat place."""
        values = self.probe.point[self.probe.index]
        length = float(sizes_of(values).reshape(-1)[place]) * _STEP
        sides = []
        for distance in (-length, length):
            moved = values.copy()
            moved.reshape(-1)[place] += distance
            point = [*self.probe.point[: self.probe.index], moved, *self.probe.point[self.probe.index + 1 :]]
            sides.append(self.probe.function(point))
        return [np.asarray((ahead - behind) / (2 * length)) for behind, ahead in zip(*sides, strict=True)]

    def weighted(self, cotangents: Iterable[Array]) -> Array:
        """Return the gradient for some cotangents, NaN where it was not looked at."""
        gradient = np.full(self.shape, np.nan)
        cotangents = list(cotangents)
        gradient.reshape(-1)[self.places] = [
            sum(float(np.sum(u * slopes)) for u, slopes in zip(cotangents, row, strict=True)) for row in self.rows
        ]
        return gradient

    def explanations(self) -> dict[str, Array]:
        """Return what the gradient would be with some common mistakes, which one sees in the outputs only."""
        cotangents = self.probe.cotangents
        found = {}
        if max(u.size for u in cotangents) > 1:
            found["is what it is for an incoming gradient of 1: the rule does not multiply by its own"] = self.weighted(
                np.ones_like(u) for u in cotangents
            )
        if len(cotangents) == 1:
            u = cotangents[0]
            for axis in range(u.ndim):
                for entry, words in ((0, "first"), (-1, "last")):
                    kept = np.zeros_like(u)
                    index: list[slice | int] = [slice(None)] * u.ndim
                    index[axis] = entry
                    kept[tuple(index)] = u[tuple(index)]
                    name = f"counts only the {words} entry along axis {axis} of the output: the sum over it is missing"
                    found[name] = self.weighted([kept])
        return found
