"""Where a graph repeats itself: twelve blocks alike, the steps of an unrolled loop, the same line a thousand times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from tinygrad_nn.graph.layout import Item, contents
from tinygrad_nn.graph.modules import Path
from tinygrad_nn.graph.structure import Graph

LONGEST_PERIOD = 64
"""Items of a step, at most, for its repetitions to be found."""


class Run(NamedTuple):
    """A stretch that repeats itself: `times` times `period` items, from the item at place `start` on."""

    start: int
    period: int
    times: int


def runs(signatures: Sequence[int], least: int = 3) -> list[Run]:
    """Return the stretches in which a sequence repeats itself `least` times or more, without overlap, in order.

    Where several begin at one place the longest is taken, and of two as long the one of the shorter period.

    >>> runs([5, 1, 2, 1, 2, 1, 2, 7, 7, 7])
    [Run(start=1, period=2, times=3), Run(start=7, period=1, times=3)]

    """
    sequence = np.asarray(signatures)
    places = np.arange(len(sequence))
    periods, times = np.ones((2, len(sequence)), int)
    for period in range(1, min(LONGEST_PERIOD, len(sequence) // least) + 1):
        alike = sequence[:-period] == sequence[period:]
        ends = np.append(np.flatnonzero(~alike), len(alike))
        count = (ends[np.searchsorted(ends, places[:-period])] - places[:-period]) // period + 1
        better = np.flatnonzero((count >= least) & (count * period > (times * periods)[:-period]))
        periods[better], times[better] = period, count[better]
    found: list[Run] = []
    place = 0
    while place < len(sequence):
        run = Run(place, int(periods[place]), int(times[place]))
        if run.times >= least:
            found.append(run)
        place += run.times * run.period
    return found


class Sequences:
    """The operations and modules in each module, each with a number that tells which are built alike.

    Attributes:
        items: for each module, and under ``()`` for what stands in none, its operations and modules in order.

    """

    def __init__(self, graph: Graph) -> None:
        """Look through `graph`, from the innermost modules out."""
        self.graph = graph
        self.items: dict[Path, list[Item]] = {
            path: [item for item in items if isinstance(item, tuple) or graph.nodes[item].kind == "operation"]
            for path, items in contents(graph).items()
        }
        self._places = {item: place for items in self.items.values() for place, item in enumerate(items)}
        operands: defaultdict[int, list[int]] = defaultdict(list)
        for source, target, _ in graph.edges:
            operands[target].append(source)
        self._numbers: dict[Hashable, int] = {}
        self._signatures: dict[Item, int] = {}
        for path in sorted(self.items, key=len, reverse=True):
            inside = self.items[path]
            for item in inside:
                if not isinstance(item, tuple):
                    self._signatures[item] = self._number(self._form(item, operands[item]))
            if path:
                form = graph.classes.get(path), *(self._signatures[item] for item in inside)
                self._signatures[path] = self._number(form)

    def inside(self, item: Item) -> list[int]:
        """List the operations of an item: itself, or all in a module and in those inside it, in order."""
        return [i for part in self.items[item] for i in self.inside(part)] if isinstance(item, tuple) else [item]

    def signatures(self, path: Path) -> list[int]:
        """Return a number for each item of a module, the same for two that are built alike."""
        return [self._signatures[item] for item in self.items[path]]

    def _number(self, form: Hashable) -> int:
        return self._numbers.setdefault(form, len(self._numbers))

    def _form(self, number: int, sources: list[int]) -> Hashable:
        """Return what makes two operations alike: all but their values, and which step they belong to.

        An operand from the same module is told by how far back it is, any other by its shape and whether it is learnt:
        the first of twelve blocks reads the input of the network, and is built as the others are.
        """
        node = self.graph.nodes[number]
        operands = []
        for source in sources:
            other = self.graph.nodes[source]
            is_beside = other.kind == "operation" and other.modules == node.modules
            distance = self._places[number] - self._places[source] if is_beside else None
            operands.append((other.kind == "parameter", other.shape, distance))
        return node.primitive, node.shape, node.dtype, tuple(operands)
