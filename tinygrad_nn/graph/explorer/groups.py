"""What can be folded: modules, repetitions such as the steps of an unrolled loop, and stretches of what is left.

A page never draws more than a few dozen boxes until it is asked to. So wherever very many stand side by side, also in a
graph that knows no modules at all, there has to be something to fold them into.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tinygrad_nn.graph.layout import Item
from tinygrad_nn.graph.modules import Path
from tinygrad_nn.graph.repeats import Run, Sequences, runs
from tinygrad_nn.graph.structure import Graph

WORTH_FOLDING = 8
"""Items that a repetition has to have for a group of its own: three layers alike are better seen at once."""

WORTH_A_STEP = 4
"""Items that a step of a repetition has to have for a group of its own."""

MANY = 80
"""Items side by side from which on they are cut into stretches."""

STRETCHES = 40
"""Into how many stretches, at most: as many as one sees at once. They are cut again if they are long."""

SHORTEST = 25
"""Items of a stretch, at least."""


class Group(NamedTuple):
    """A box that can be folded.

    Attributes:
        parent: the number of the group around it; None for the whole graph.
        title: what to write on it.
        kind: "graph", "module", "repetition" ("Block × 12"), "step" of a repetition, or "stretch".

    """

    parent: int | None
    title: str
    kind: str


def grouped(graph: Graph) -> tuple[list[Group], list[int]]:
    """Return the groups of a graph, and for each node the number of the group that it stands in.

    What only feeds operations, such as a parameter, stands in the innermost group that holds all of its users.

    >>> import numpy as np, tinygrad_nn as tn
    >>> graph = tn.graph.trace(tn.nn.Dense(2, 3), np.ones((1, 2)))
    >>> groups, homes = grouped(graph)
    >>> [group.title for group in groups], homes
    (['graph', 'Dense'], [0, 1, 1, 1, 0])

    """
    grouping = _Grouping(graph)
    grouping.place_operations()
    grouping.place_sources()
    return grouping.groups, [grouping.homes.get(node.id, 0) for node in graph.nodes]


class _Grouping:
    """Finds the groups, first those of operations, and then where all else belongs."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.sequences = Sequences(graph)
        self.groups = [Group(None, "graph", "graph")]
        self.homes: dict[int, int] = {}

    def place_operations(self) -> None:
        """Go through the modules from the outermost in, and cut each one up until no stretch is too long."""
        stack: list[tuple[Path, int]] = [((), 0)]
        while stack:
            path, group = stack.pop()
            items = self.sequences.items[path]
            found = runs(self.sequences.signatures(path)) if len(items) >= WORTH_FOLDING else []
            parents = [group] * len(items)
            self._group_runs(self._whole_loops(found, items), items, parents)
            together: dict[int, list[int]] = {}
            for place, parent in enumerate(parents):
                together.setdefault(parent, []).append(place)
            for parent, places in together.items():
                noun = "parts" if any(isinstance(items[place], tuple) for place in places) else "operations"
                for place, home in zip(places, self._cut(parent, len(places), noun), strict=True):
                    parents[place] = home
            for item, parent in zip(items, parents, strict=True):
                if isinstance(item, tuple):
                    stack.append((item, self._add(parent, self._module_title(item), "module")))
                else:
                    self.homes[item] = parent

    def place_sources(self) -> None:
        """Place what is no operation: in the group that all of its users share, an input outside of all modules."""
        sources = {edge.source for edge in self.graph.edges if self.graph.nodes[edge.source].kind != "operation"}
        for edge in self.graph.edges:
            if edge.source in sources:
                user = self.homes.get(edge.target, 0)
                self.homes[edge.source] = self._shared(self.homes.get(edge.source, user), user)
        for source in sources:
            if self.graph.nodes[source].kind == "input":
                around = self._around(self.homes[source])
                modules = [place for place, group in enumerate(around) if self.groups[group].kind == "module"]
                self.homes[source] = around[modules[-1] + 1] if modules else around[0]

    def _add(self, parent: int, title: str, kind: str) -> int:
        self.groups.append(Group(parent, title, kind))
        return len(self.groups) - 1

    def _module_title(self, path: Path) -> str:
        kind = self.graph.classes.get(path, "")
        return path[-1] if not kind or path[-1].startswith(kind) else f"{path[-1]} · {kind}"

    def _whole_loops(self, found: list[Run], items: list[Item]) -> list[Run]:
        """Return repetitions from the first line of a loop on, as far as the same lines of the program go.

        Operations are alike if all they read is, and the first step of a loop reads zeros where later ones read the
        state. So what is found begins somewhere in the first step.
        """
        places = list(map(self._place, items))
        whole: list[Run] = []
        for start, period, times in found:
            least = whole[-1].start + whole[-1].period * whole[-1].times if whole else 0
            begin, end = max(start, least), start + period * times
            while begin > least and places[begin - 1] == places[begin - 1 + period]:
                begin -= 1
            while end < len(items) and places[end] == places[end - period]:
                end += 1
            if (end - begin) // period >= 2 and (end - begin) // period * period >= WORTH_FOLDING:
                whole.append(Run(begin, period, (end - begin) // period))
        return whole

    def _place(self, item: Item) -> object:
        """Return where in the program an item was recorded, and as what."""
        if isinstance(item, tuple):
            return self.graph.classes.get(item)
        return self.graph.nodes[item].source, self.graph.nodes[item].primitive

    def _group_runs(self, found: list[Run], items: list[Item], parents: list[int]) -> None:
        """Put each repetition into a group, and in there each of its steps, if a step is more than a few items."""
        for run in found:
            length = run.period * run.times
            is_loop = run.period >= WORTH_A_STEP
            names = ["step"] if is_loop else map(self._name, items[run.start : run.start + run.period])
            whole = self._add(parents[run.start], f"{', '.join(names)} × {run.times}", "repetition")
            if not is_loop:
                parents[run.start : run.start + length] = [whole] * length
                continue
            for step, home in enumerate(self._cut(whole, run.times, "steps")):
                begin = run.start + step * run.period
                parents[begin : begin + run.period] = [self._add(home, f"step {step + 1}", "step")] * run.period

    def _name(self, item: Item) -> str:
        if isinstance(item, tuple):
            return self.graph.classes.get(item) or item[-1]
        return self.graph.nodes[item].label.partition(",")[0]

    def _cut(self, parent: int, count: int, noun: str) -> list[int]:
        """Return for each of `count` items side by side its group: `parent`, or if they are many, a stretch in it.

        Stretches that are still long are cut again, and so on.
        """
        homes = [parent] * count
        stack = [(parent, 0, count)]
        while stack:
            group, begin, end = stack.pop()
            if end - begin > MANY:
                length = max(SHORTEST, math.ceil((end - begin) / STRETCHES))
                for start in range(begin, end, length):
                    stop = min(start + length, end)
                    part = self._add(group, f"{noun} {start + 1} to {stop}", "stretch")
                    homes[start:stop] = [part] * (stop - start)
                    stack.append((part, start, stop))
        return homes

    def _shared(self, first: int, second: int) -> int:
        """Return the innermost group around both."""
        around = set(self._around(first))
        return next(group for group in self._around(second) if group in around)

    def _around(self, group: int) -> list[int]:
        found = [group]
        while (parent := self.groups[found[-1]].parent) is not None:
            found.append(parent)
        return found
