"""What is known of a wrong gradient, gathered for `recognise`: the true one, for each output by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tinygrad_nn.checking.differences import Probe, sizes_of
from tinygrad_nn.checking.patterns import recognise
from tinygrad_nn.primitive import Array

_LOOKED_AT = 64
"""The size of an input up to which all of its elements are looked at."""

_SOME = 16
"""How many elements of a larger one are looked at: enough that no pattern fits them by chance."""

_OTHERS = 8
"""How many other inputs of the same shape are looked at."""

_STEP = 2.0**-13
"""Differences with this step are good to some six digits, which is enough to see what a gradient looks like."""

_BENT = 2.0**-6
"""The part of themselves by which slopes on both sides differ only next to a kink, where they show no gradient."""


def pattern_of(probe: Probe, gradient: Array, rng: np.random.Generator) -> str:
    """Say what a wrong gradient is, compared with the true one; "" if nothing can be said."""
    places = np.arange(gradient.size)
    if gradient.size > _LOOKED_AT:
        places = np.sort(rng.choice(gradient.size, _SOME, replace=False))
    slopes = _Slopes(probe, places)
    arrays = (*probe.outputs, *probe.point)
    return recognise(
        gradient,
        slopes.weighted(probe.cotangents),
        _others_like(probe, gradient, places),
        slopes.explanations(),
        sorted({length for array in arrays for length in array.shape}),
        sorted({array.size for array in arrays}),
    )


def _others_like(probe: Probe, gradient: Array, places: Array) -> Iterator[Array]:
    """Yield the true gradients for other inputs of the same shape, if they have the largest element in common."""
    others = [index for index, x in enumerate(probe.point) if x.shape == gradient.shape and index != probe.index]
    largest = places[[np.argmax(np.abs(gradient.reshape(-1)[places]))]] if places.size else places
    for index in others[:_OTHERS]:
        other = _Slopes(probe.of(index), largest).weighted(probe.cotangents).reshape(-1)[largest]
        if np.allclose(other, gradient.reshape(-1)[largest], rtol=1e-3, atol=0):
            yield _Slopes(probe.of(index), places).weighted(probe.cotangents)


class _Slopes:
    """The derivatives of each element of the outputs by some elements of an input, left out next to a kink."""

    def __init__(self, probe: Probe, places: Array) -> None:
        self.probe = probe
        self.shape = probe.point[probe.index].shape
        rows = {int(place): self._row(int(place)) for place in places}
        self.rows = {place: row for place, row in rows.items() if row is not None}

    def _row(self, place: int) -> list[Array] | None:
        """Return the derivatives of all outputs by the element at a flat place; None where they are bent or end."""
        values = self.probe.point[self.probe.index]
        length = float(sizes_of(values).reshape(-1)[place]) * _STEP
        sides = []
        for distance in (-length, length):
            moved = values.copy()
            moved.reshape(-1)[place] += distance
            point = [*self.probe.point[: self.probe.index], moved, *self.probe.point[self.probe.index + 1 :]]
            try:
                sides.append(self.probe.function(point))
            except (ValueError, ArithmeticError):  # outside of the domain
                return None
        behind, ahead = (
            sum(
                float(np.sum(u * (output - middle)))
                for u, output, middle in zip(self.probe.cotangents, outputs, self.probe.outputs, strict=True)
            )
            for outputs in sides
        )
        if abs(ahead + behind) > _BENT * max(abs(ahead), abs(behind)):
            return None
        return [np.asarray((high - low) / (2 * length)) for low, high in zip(*sides, strict=True)]

    def weighted(self, cotangents: Iterable[Array]) -> Array:
        """Return the gradient for some cotangents, NaN where it was not looked at."""
        gradient = np.full(self.shape, np.nan)
        cotangents = list(cotangents)
        for place, row in self.rows.items():
            gradient.reshape(-1)[place] = sum(
                float(np.sum(u * slopes)) for u, slopes in zip(cotangents, row, strict=True)
            )
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
