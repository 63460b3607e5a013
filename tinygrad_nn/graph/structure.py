"""`Graph`: a recorded computation as plain data, which is all that a picture of it needs.

Nothing here points back into the engine. Ids count the nodes in topological order, so that the same program gives the
same data each time, and two pictures of it are the same text. (Named tuples, for dataclasses take ten times as long
to define, and every `import tinygrad_nn` would pay for them.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from tinygrad_nn.primitive import Array, Primitive

Kind: TypeAlias = Literal["operation", "parameter", "input", "constant", "result", "module"]


class GraphNode(NamedTuple):
    """One thing in a picture.

    Attributes:
        id: its place in the topological order, from 0.
        kind: an "operation"; a "parameter" (a leaf that wants a gradient); an "input" (an array that meets the
            parameters of an operation as its first operand); any other "constant" array; a "result"; or a "module"
            that is folded (`graph.fold`).
        label: what to write on it: an operation with its numbers and options, a parameter with its name as its module
            calls it.
        name: the user's name for it; for a parameter with its path, such as "0.weight".
        shape: the shape of its value.
        dtype: the dtype of its value; None for an array that `backward()` has released.
        modules: the modules around it, the outermost first. The second call of the same name inside one module is
            called "name #2".
        gradient: what `backward()` has left, or None where none was kept or computed: None is not zero.
        value: its value, if the graph was traced with ``values=True`` and it can still be known; otherwise None.
        source: the user's line that recorded an operation, as ``file:line``.
        primitive: the operation, whose rule has the formula and the text of its closures; None for anything else.
        flops: floating-point operations of the forward pass, estimated (`graph.flops`).
        kept: bytes that the operation holds for the backward pass, and that no operation before it holds.
        folded: how many operations a folded module stands for.
        parameters: how many numbers are in the parameters that a folded module has of its own.

    """

    id: int
    kind: Kind
    label: str
    name: str | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    modules: tuple[str, ...] = ()
    gradient: Array | None = None
    value: Array | None = None
    source: str | None = None
    primitive: Primitive | None = None
    flops: int = 0
    kept: int = 0
    folded: int = 0
    parameters: int = 0


class Edge(NamedTuple):
    """A value that flows from the node `source` to be operand number `position` of the node `target`."""

    source: int
    target: int
    position: int


class Graph(NamedTuple):
    """A computation.

    Attributes:
        nodes: in topological order, the results last.
        edges: between them.
        classes: for each path of modules the class of the innermost.
        carried: of a folded graph, the edges from one step of what repeats itself to the next; drawn among the nodes
            of the one step that is shown, they lead backwards.
        unfolded: of a folded graph, the one that it shows.

    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[Edge, ...]
    classes: Mapping[tuple[str, ...], str] = MappingProxyType({})
    carried: tuple[Edge, ...] = ()
    unfolded: Graph | None = None

    def number_of(self, kind: Kind) -> int:
        """Return how many nodes are of one kind."""
        return sum(node.kind == kind for node in self.nodes)

    def text(self, width: int | None = None, depth: int | None = None, repeats: bool = True) -> str:  # noqa: ARG002 - it is a stub
        """Return it as text for a terminal, which ``print(graph)`` shows too."""
        raise AssertionError  # `graph/text.py` has it, for it folds graphs, which makes new ones

    def __str__(self) -> str:
        """Write it out, as far as it can be read."""
        return self.text()

    def __repr__(self) -> str:
        """Say how large it is: written out in full, a graph fills many screens."""
        kinds = Counter(node.kind for node in self.nodes)
        parts = (f"{number} {kind}{'s' if number > 1 else ''}" for kind, number in kinds.items())
        return f"<Graph of {len(self.nodes)} nodes: {', '.join(parts)}>"
