"""What can be folded: modules, repetitions such as the steps of an unrolled loop, and stretches of what is left.

A page never draws more than a few dozen boxes until it is asked to. So wherever very many stand side by side, also in a
graph that knows no modules at all, there has to be something to fold them into.

What is in a group was recorded without a break. So no path leaves a group and comes back, and the order of recording is
an order of the groups as well, in which every line runs on. (The tempting way, to take a repetition out of the middle
of a chain and then to cut up what is left of it, makes a stretch that feeds the repetition and is fed by it.)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from tinygrad_nn.graph.layout import Item
from tinygrad_nn.graph.modules import Path
from tinygrad_nn.graph.repeats import Run, Sequences, runs
from tinygrad_nn.graph.structure import Graph

WORTH_FOLDING = 8
"""Items that a repetition has to have for a group of its own: three layers alike are better seen at once."""

WORTH_A_STEP = 4
"""Items that a step of a repetition has to have for a group of its own."""

MANY = 40
"""Items side by side from which on they are cut into stretches."""

STRETCH = 25
"""Items of a stretch, about; stretches of stretches have this many of those."""

MOST = 48
"""Boxes of a group, at most: as many as a page opens with."""


class Group(NamedTuple):
    """A box that can be folded.

    Attributes:
        parent: the number of the group around it; None for the whole graph.
        title: what to write on it.
        kind: "graph", "module", "repetition" ("Block × 12"), "step" of a repetition, or "stretch" of what is left.

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
    grouping.fold_sources()
    return grouping.groups, [grouping.homes[node.id] for node in graph.nodes]


def _weights(graph: Graph) -> defaultdict[Item, int]:
    """Count for each operation the boxes that stand wherever it does: itself, and what nothing else reads."""
    readers: defaultdict[int, set[int]] = defaultdict(set)
    for source, target, _ in graph.edges:
        if graph.nodes[source].kind != "operation":
            readers[source].add(target)
    weights: defaultdict[Item, int] = defaultdict(lambda: 1)
    for targets in readers.values():
        if len(targets) == 1:
            weights[next(iter(targets))] += 1
    return weights


def _noun(items: Sequence[Item]) -> str:
    return "parts" if any(isinstance(item, tuple) for item in items) else "operations"


class _Grouping:
    """Finds the groups, first those of operations, and then where all else belongs."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.sequences = Sequences(graph)
        self.groups = [Group(None, "graph", "graph")]
        self.homes: dict[int, int] = {}
        self.weights = _weights(graph)

    def place_operations(self) -> None:
        """Go through the modules from the outermost in, and cut each one up until no stretch is too long."""
        stack: list[tuple[Path, int]] = [((), 0)]
        while stack:
            path, group = stack.pop()
            items = self.sequences.items[path]
            found = runs(self.sequences.signatures(path)) if len(items) >= WORTH_FOLDING else []
            for item, parent in zip(items, self._parents(items, self._whole_loops(found, items), group), strict=True):
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

    def fold_sources(self) -> None:
        """Put parameters, constants, inputs or results into a group of their kind, where there are too many boxes.

        It has no lines that lead in, or else none that lead out, so it is in nobody's way.
        """
        crowds: defaultdict[int, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for node in self.graph.nodes:
            crowds[self.homes.setdefault(node.id, 0)][node.kind].append(node.id)
        boxes = Counter(group.parent for group in self.groups)
        for group, kinds in crowds.items():
            count = boxes[group] + sum(map(len, kinds.values()))
            kinds.pop("operation", None)
            for kind, nodes in sorted(kinds.items(), key=lambda each: -len(each[1])):
                if count > MOST:
                    count -= len(nodes) - 1
                    whole = self._add(group, f"{len(nodes)} {kind}s", "stretch")
                    self.homes.update(zip(nodes, self._cut(whole, [1] * len(nodes), f"{kind}s"), strict=True))

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

    def _parents(self, items: list[Item], found: list[Run], group: int) -> list[int]:
        """Return for each item of a group where it stands: in there, in a repetition, a step of one, or a stretch."""
        begun = {run.start: run for run in found}
        starts = [0]
        while starts[-1] < len(items):
            run = begun.get(starts[-1])
            starts.append(starts[-1] + (run.period * run.times if run else 1))
        weights = [1 if start in begun else self.weights[items[start]] for start in starts[:-1]]
        homes = self._cut(group, weights, "parts" if begun else _noun(items))
        parents: list[int] = []
        for start, home in zip(starts[:-1], homes, strict=True):
            parents += self._repeated(items, begun[start], home) if start in begun else [home]
        return parents

    def _repeated(self, items: list[Item], run: Run, group: int) -> list[int]:
        """Return where the items of a repetition stand: in a group for it, and in there in steps, if those are long."""
        first = items[run.start : run.start + run.period]
        is_loop = run.period >= WORTH_A_STEP
        names = ["step"] if is_loop else map(self._name, first)
        whole = self._add(group, f"{', '.join(names)} × {run.times}", "repetition")
        if not is_loop:
            return self._cut(whole, [self.weights[item] for item in first] * run.times, _noun(first))
        homes = self._cut(whole, [1] * run.times, "steps")
        steps = [self._add(home, f"step {step}", "step") for step, home in enumerate(homes, 1)]
        return [step for step in steps for _ in range(run.period)]

    def _name(self, item: Item) -> str:
        if isinstance(item, tuple):
            return self.graph.classes.get(item) or item[-1]
        return self.graph.nodes[item].label.partition(",")[0]

    def _cut(self, parent: int, weights: Sequence[int], noun: str) -> list[int]:
        """Return for each of some boxes side by side its group: `parent`, or if they are many, a stretch in it.

        Stretches are about as heavy as one another, and cut again if they are still long.

        Args:
            parent: in which all of them stand.
            weights: how much room each of them takes, with what only it reads.
            noun: what they are.

        """
        homes = [parent] * len(weights)
        before = [0, *accumulate(weights)]
        stack = [(parent, 0, len(weights))]
        while stack:
            group, begin, end = stack.pop()
            total, length = before[end] - before[begin], STRETCH
            while total > length * MANY:
                length *= STRETCH
            number = -(-total // length) if total > MANY else 1
            parts = [(weight - before[begin]) * number // total for weight in before[begin:end]]
            starts = [begin + place for place in range(end - begin) if not place or parts[place] > parts[place - 1]]
            if len(starts) > 1:
                for start, stop in pairwise([*starts, end]):
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
