"""Beside a kink: what the gradient is there, and whether it is right.

At a kink there is no derivative to compare with. The slopes on both sides of it tell what the gradient may be along one
direction. But where several kinks meet, as in the median of equal numbers, a function may be straight along every line
through the point and have no gradient yet: then one-sided slopes call any gradient wrong. A step aside breaks all ties
at once, and the function is smooth again. There the gradient must be right; and at the point itself it must lie among
those beside it, whose convex hull is Clarke's generalised gradient (*Optimization and Nonsmooth Analysis*, 1983).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice

import numpy as np

from tinygrad_nn.checking.differences import Probe, sizes_of
from tinygrad_nn.checking.precision import Pullback
from tinygrad_nn.primitive import Array

_ASIDE = 2.0**-7
"""How far away the gradient is compared, in sizes of each element: the farther, the more room differences have on one
side of a kink; the nearer, the more it is the same function."""

AT_HAND, AT_ONCE = 2.0**-16, 2.0**-32
"""Parts of that, where the gradient is asked for alone. At the first, a gradient of float32 still tells the elements
apart; at the second, what differs is either at a kink, or nothing but rounding, however steep the function is."""

_PAIRS = 16
"""How many pairs of opposite points are asked, so that each side of each kink is met."""

_COMPARED = 4
"""At how many points the gradient is compared."""

_JUMP = 2.0**-10
"""The part of itself that a gradient must change by close at hand, to change by a jump."""

_NAUGHT = 2.0**-40
"""The part of an input's largest derivative that another one must be to be no rounding."""


class Vicinity:
    """A function beside a point, and its gradients there: at random points, in opposite pairs."""

    def __init__(
        self,
        probe: Probe,
        pullback: Pullback,
        gradients: Sequence[Array],
        rng: np.random.Generator,
        near: float = AT_HAND,
    ) -> None:
        """Look beside the point of `probe`, where the function has these `gradients`."""
        self.probe = probe
        self.pullback = pullback
        self.gradients = gradients
        self.near = near
        self.rng = rng

    def jumps(self, place: int) -> bool:
        """Tell whether the gradient for an input changes by a jump at the point, or is another one at it."""
        ends = [end[place] for end in self._range or ()]
        return bool(self._are_jumps(np.ptp([self.gradients[place], *ends], axis=0), place).any())

    def encloses(self, place: int) -> bool:
        """Tell whether the gradient for an input lies among those around it, element by element."""
        if self._range is None:
            return False
        low, high = (end[place] for end in self._range)
        width = high - low
        varies = self._are_jumps(width, place)
        # Of many equal elements each point favours one, and some of them it may never be. They may be what others are.
        low = np.where(varies, low, np.minimum(low, np.min(low, where=varies, initial=np.inf)))
        high = np.where(varies, high, np.maximum(high, np.max(high, where=varies, initial=-np.inf)))
        slack = width / 2 + self._sizes[place] * _JUMP / 16
        gradient = self.gradients[place]
        return bool(np.all((low - slack <= gradient) & (gradient <= high + slack)))

    def asides(self) -> Iterator[tuple[Probe, Sequence[Array]]]:
        """Yield the function and its gradients at some points beside, far enough for finite differences."""
        for moved, gradients in islice(self._around(1.0), _COMPARED):
            outputs = self.probe.function(moved)
            if all(np.isfinite(output).all() for output in outputs):
                yield Probe(self.probe.function, moved, 0, outputs, self.probe.cotangents, self.pullback), gradients

    @cached_property
    def sizes(self) -> list[Array]:
        """How far away the gradient is compared, which is also what the steps of differences are measured by there."""
        return [_ASIDE * sizes_of(x) for x in self.probe.point]

    @cached_property
    def _seed(self) -> int:
        return int(self.rng.integers(2**32))

    def _offsets(self) -> Iterator[list[Array]]:
        """Yield random steps aside, each followed by its opposite. No two elements take the same, which breaks ties."""
        rng = np.random.default_rng(self._seed)  # the same each time, for they may be too many to keep
        for _ in range(_PAIRS):
            offset = [size * rng.choice((-1.0, 1.0), size.shape) * rng.uniform(1, 2, size.shape) for size in self.sizes]
            yield offset
            yield [-part for part in offset]

    @cached_property
    def _range(self) -> tuple[list[Array], list[Array]] | None:
        """The least and the largest derivatives close at hand; not all of them, which may be too many to keep."""
        low: list[Array] = []
        high: list[Array] = []
        for _, gradients in self._around(self.near):
            low = [np.minimum(*pair) for pair in zip(low or gradients, gradients, strict=True)]
            high = [np.maximum(*pair) for pair in zip(high or gradients, gradients, strict=True)]
        return (low, high) if low else None

    @cached_property
    def _sizes(self) -> list[Array]:
        """How large derivatives are, at the point or away from it: where they are small at it, they may bend."""
        known = [self.gradients, *(gradients for _, gradients in islice(self._around(1.0), 2))]
        largest = [np.abs(gradients).max(axis=0) for gradients in zip(*known, strict=True)]
        return [np.maximum(size, _NAUGHT * size.max(initial=0.0)) for size in largest]

    def _are_jumps(self, widths: Array, place: int) -> Array:
        """Tell by how much derivatives differ close at hand whether they jump."""
        return np.asarray(widths > _JUMP * self._sizes[place])

    def _around(self, distance: float) -> Iterator[tuple[list[Array], list[Array]]]:
        """Yield points at a distance, and the gradients there, where there are any."""
        for offset in self._offsets():
            moved = [x + distance * part for x, part in zip(self.probe.point, offset, strict=True)]
            try:
                with np.errstate(all="ignore"):  # what may be said of numbers there is none of the user's business
                    gradients = [np.asarray(gradient) for gradient in self.pullback(moved, self.probe.cotangents)]
            except (ValueError, ArithmeticError):  # outside of the domain, or with outputs of another shape
                continue
            if all(np.isfinite(gradient).all() for gradient in gradients):
                yield moved, gradients
