"""What a computation costs, module by module: `statistics` counts what `trace` has found."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Self

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.graph.layout import Item, contents
from tinygrad_nn.graph.modules import Path
from tinygrad_nn.graph.structure import Graph
from tinygrad_nn.graph.style import shown
from tinygrad_nn.graph.trace import trace
from tinygrad_nn.nn.summary import Summary, size_text


class Costs(NamedTuple):
    """What was recorded in a module, or in all of a graph.

    Attributes:
        operations: how many.
        parameters: the numbers in all parameters; one that several modules share counts for the module around them.
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
        costs: the numbers, for each module by its path, and for the whole graph under ``()``.

    """

    __slots__ = ("costs",)

    costs: dict[Path, Costs]

    def __new__(cls, costs: dict[Path, Costs], rows: list[tuple[str, ...]]) -> Self:
        """Lay out `rows`, which show `costs`."""
        table = super().__new__(cls, rows)
        table.costs = costs
        return table


def statistics(result: Any, depth: int = 1) -> Statistics:
    """Count operations, parameters, floating-point operations and the memory kept for backward, module by module.

    The numbers of a module are those of all that is in it, so that they are the same for each `depth`; those of what
    stands in no module are in a row of their own, and the total counts everything once.

    Args:
        result: a graph from `trace`, not folded; or a recorded Tensor.
        depth: how many levels of modules inside one another to show; with 0 only the outermost.

    Raises:
        ArgumentError: a module of a graph is folded, so that its operations are no longer known.

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
    if graph.number_of("module"):
        message = (
            f"statistics: expected a graph that is not folded, got one with {graph.number_of('module')} folded modules "
            f"in it. Pass what trace() returned"
        )
        raise ArgumentError(message)
    costs: dict[Path, Costs] = {path: Costs() for path in contents(graph)}
    outside = Costs()
    for node in graph.nodes:
        is_parameter = node.kind == "parameter"
        own = Costs(int(node.kind == "operation"), math.prod(node.shape) * is_parameter, node.flops, node.kept)
        for level in range(len(node.modules) + 1):
            costs[node.modules[:level]] = costs[node.modules[:level]].plus(own)
        if not node.modules:
            outside = outside.plus(own)
    rows: list[tuple[str, ...]] = [("name", "type", "operations", "parameters", "flops", "kept for backward")]
    for path in _modules(graph, depth):
        kind = graph.classes.get(path, "")
        name = "  " * (len(path) - 1) + shown(path[-1])
        rows.append((name, "" if kind == path[-1] else shown(kind), *_cells(costs[path])))
    if any(outside) and len(costs) > 1:
        rows.append(("(no module)", "", *_cells(outside)))
    rows.append(("total", "", *_cells(costs[()])))
    return Statistics(costs, rows)


def _modules(graph: Graph, depth: int) -> list[Path]:
    """List the modules of a graph down to `depth`, each followed by those inside it."""
    found = contents(graph)
    listed: list[Path] = []
    stack: list[Item] = found[()][::-1]
    while stack:
        item = stack.pop()
        if isinstance(item, tuple) and len(item) <= depth + 1:
            listed.append(item)
            stack += found[item][::-1]
    return listed


def _cells(costs: Costs) -> tuple[str, ...]:
    *numbers, kept = costs
    return *(f"{number:,}" for number in numbers), size_text(kept) or "0 B"
