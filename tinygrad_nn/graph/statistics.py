"""What a computation costs, module by module: `statistics` counts what `trace` has found."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any, NamedTuple, Self

from tinygrad_nn.graph.calls import modules_of_calls
from tinygrad_nn.graph.collecting import no_collections
from tinygrad_nn.graph.modules import Path, common_path
from tinygrad_nn.graph.structure import Graph
from tinygrad_nn.graph.style import shown
from tinygrad_nn.graph.trace import trace
from tinygrad_nn.nn.summary import Summary, size_text


class Costs(NamedTuple):
    """What was recorded in a module, or in all of a graph.

    Attributes:
        operations: how many.
        parameters: the numbers in all parameters, each once; one that several modules share counts for the module
            around them.
        flops: floating-point operations of the forward pass, estimated; those of the backward pass are about twice as
            many.
        kept: bytes held for the backward pass, each array once; none after a `backward()` that has released them.

    """

    operations: int = 0
    parameters: int = 0
    flops: int = 0
    kept: int = 0

    def plus(self, other: Costs) -> Costs:
        """Return both together."""
        return Costs(*map(sum, zip(self, other, strict=True)))


class Statistics(Summary):
    """A table of costs as text, which a notebook shows as HTML.

    Attributes:
        costs: the numbers, for each module by its path, and for the whole graph under ``()``. The path of a module
            that is called several times is that of its first call.

    """

    __slots__ = ("costs",)

    costs: dict[Path, Costs]

    def __new__(cls, costs: dict[Path, Costs], rows: list[tuple[str, ...]]) -> Self:
        """Lay out `rows`, which show `costs`."""
        table = super().__new__(cls, rows)
        table.costs = costs
        return table


@no_collections()
def statistics(result: Any, depth: int = 1) -> Statistics:
    """Count operations, parameters, floating-point operations and the memory kept for backward, module by module.

    The numbers of a module are those of all that is in it, and of all its calls, so that they are the same for each
    `depth`; those of what stands in no module are in a row of their own, and the total counts everything once.

    Args:
        result: a graph from `trace`, of which also what is folded counts; or a recorded Tensor.
        depth: how many levels of modules inside one another to show; with 0 only the outermost.

    >>> import numpy as np, tinygrad_nn as tn
    >>> model = tn.nn.Sequential(tn.nn.Dense(64, 128, activation="relu"), tn.nn.Dense(128, 10))
    >>> statistics(tn.graph.trace(model, np.ones((32, 64))))
    name        type   operations  parameters    flops  kept for backward
    ---------------------------------------------------------------------
    Sequential                  2       9,610  614,720            49.2 kB
      0         Dense           1       8,320  532,480            49.2 kB
      1         Dense           1       1,290   82,240                0 B
    ---------------------------------------------------------------------
    total                       2       9,610  614,720            49.2 kB

    """
    graph = result if isinstance(result, Graph) else trace(result)
    graph = graph.unfolded or graph
    modules = modules_of_calls(graph)
    counts: defaultdict[Path, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    homes = _homes(graph, modules)
    for node in graph.nodes:
        is_parameter = node.kind == "parameter"
        own = int(node.kind == "operation"), math.prod(node.shape) * is_parameter, node.flops, node.kept
        if any(own):
            home = homes[node.id] if is_parameter else modules[node.modules]
            for place, number in enumerate(own):
                counts[home][place] += number
    outside = Costs(*counts[()])
    calls = Counter(modules.values())
    costs = {path: Costs() for path in calls}
    for home, numbers in counts.items():
        for level in range(len(home) + 1):
            costs[home[:level]] = costs[home[:level]].plus(Costs(*numbers))
    rows: list[tuple[str, ...]] = [("name", "type", "operations", "parameters", "flops", "kept for backward")]
    for path in _listed(list(calls), depth):
        kind = graph.classes.get(path, "")
        times = f" × {calls[path]:,} calls" if calls[path] > 1 else ""
        name = "  " * (len(path) - 1) + shown(path[-1]) + times
        rows.append((name, "" if kind == path[-1] else shown(kind), *_cells(costs[path])))
    if any(outside) and len(costs) > 1:
        rows.append(("(no module)", "", *_cells(outside)))
    rows.append(("total", "", *_cells(costs[()])))
    return Statistics(costs, rows)


def _homes(graph: Graph, modules: dict[Path, Path]) -> dict[int, Path]:
    """Return for each parameter the module that it counts for: the innermost around all that use it."""
    homes: dict[int, Path] = {}
    for source, target, _ in graph.edges:
        if graph.nodes[source].kind == "parameter":
            path = modules[graph.nodes[target].modules]
            homes[source] = common_path(homes.get(source, path), path)
    return homes


def _listed(modules: list[Path], depth: int) -> list[Path]:
    """List modules down to `depth`, each followed by those inside it; they are given each after those around it."""
    inside: defaultdict[Path, list[Path]] = defaultdict(list)
    for path in modules:
        if path and len(path) <= depth + 1:
            inside[path[:-1]].append(path)
    listed: list[Path] = []
    stack = inside[()][::-1]
    while stack:
        path = stack.pop()
        listed.append(path)
        stack += inside[path][::-1]
    return listed


def _cells(costs: Costs) -> tuple[str, ...]:
    *numbers, kept = costs
    return *(f"{number:,}" for number in numbers), size_text(kept) or "0 B"
