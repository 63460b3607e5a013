"""Which kinds of operations change a gradient little by little, where none of them does so alone.

A mean over all operations of a path would be a number that none of them has: of `tanh(x * 0.1)`, sixty times, the
tanhs pass nearly everything on. So changes are added up for each kind of operation. Along one path the norms telescope:
the product of all changes is the norm of the gradient.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np

from tinygrad_nn.backprop import Node
from tinygrad_nn.graph.explaining.stages import label_of, name_of
from tinygrad_nn.graph.explaining.walk import Passage

_SHARE = 0.8
"""How much of a change the kinds that are named have to make up together."""


class Kind(NamedTuple):
    """Operations of one kind on a path.

    Attributes:
        edges: where they are gone through.
        changes: the logarithm of the factor by which each multiplies the norm of the gradient.

    """

    edges: Sequence[Passage]
    changes: Sequence[float]

    @property
    def total(self) -> float:
        """The logarithm of what they do together."""
        return math.fsum(self.changes)

    @property
    def median(self) -> Passage:
        """One that changes the gradient as much as most do."""
        places = sorted(range(len(self.edges)), key=self.changes.__getitem__)
        return self.edges[places[len(places) // 2]]

    def says(self, line: Callable[[Node], str | None]) -> str:
        """Say how many there are, where, and what they do to the gradient, each and together.

        Args:
            line: the user's line of an operation.

        """
        labels = {label_of(edge.node) for edge in self.edges}
        label = labels.pop() if len(labels) == 1 else name_of(self.edges[0].node)
        lines = list(dict.fromkeys(filter(None, (line(edge.node) for edge in self.edges))))
        more = f" and {len(lines) - 1:,} other lines" if len(lines) > 1 else ""
        at = f" ({lines[0]}{more})" if lines else ""
        if len(self.edges) == 1:
            return f"'{label}'{at} multiplies its norm by {factor(self.total)}"
        low, high = factor(min(self.changes)), factor(max(self.changes))
        each = low if low == high else f"{low} to {high}"
        return f"{len(self.edges):,} × '{label}'{at} multiply its norm by {each} each, by {factor(self.total)} in all"


def factor(change: float) -> str:
    """Write the factor whose logarithm is given, with the digits that tell it from 1.

    >>> factor(math.log(0.1)), factor(math.log(0.99999)), factor(-2000.0)
    ('0.1', '0.99999', '10^-868.6')

    """
    if abs(change) > 700:  # near the end of what a double holds
        return f"10^{change / math.log(10):.1f}"
    away = abs(math.expm1(change))
    digits = 3 if away == 0 or away > 0.1 else 2 - math.floor(math.log10(away))
    return f"{math.exp(change):.{min(digits, 9)}g}"


def main_kinds(way: Sequence[Passage], changes: Sequence[float], sign: int) -> list[Kind]:
    """Return the kinds of operations that make up most of what shrinks a gradient, or makes it grow.

    Args:
        way: the path.
        changes: the logarithm of the factor at each of its edges.
        sign: 1 for what makes it grow, -1 for what shrinks it.

    """
    keys = [_key(edge) for edge in way]
    times = Counter(keys)
    grouped: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        # Numbers tell kinds apart if they repeat: x * 20 grows and x * 0.1 shrinks; not so x * rates[i].
        grouped[key if times[key] > 1 else key[:-1]].append(place)
    kinds = [Kind([way[i] for i in places], [changes[i] for i in places]) for places in grouped.values()]
    kinds = sorted((kind for kind in kinds if sign * kind.total > 0), key=lambda kind: -sign * kind.total)
    whole = math.fsum(sign * kind.total for kind in kinds)
    found: list[Kind] = []
    for kind in kinds:
        if math.fsum(sign * other.total for other in found) < _SHARE * whole:
            found.append(kind)
    return found


def _key(edge: Passage) -> tuple[Hashable, ...]:
    """Return what makes operations one kind; the numbers among their operands come last."""
    node = edge.node
    numbers = tuple(x for x in node.operands if isinstance(x, (int, float, np.number)))
    return node.primitive, (node.options or {}).get("activation"), edge.position, numbers
