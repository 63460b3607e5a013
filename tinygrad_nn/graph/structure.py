"""`Graph`: a recorded computation as plain data, which is all that a picture of it needs.

Nothing here points back into the engine. Ids count the nodes in topological order, so that the same program gives the
same data each time, and two pictures of it are the same text. (Named tuples, for dataclasses take ten times as long
to define, and every `import tinygrad_nn` would pay for them.)
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from tinygrad_nn.primitive import Array

Kind: TypeAlias = Literal["operation", "parameter", "input", "constant", "result"]


class GraphNode(NamedTuple):
    """One thing in a picture.

    Attributes:
        id: its place in the topological order, from 0.
        kind: an "operation"; a "parameter" (a leaf that wants a gradient); an "input" (an array that meets the
            parameters of an operation as its first operand); any other "constant" array; or the "result" of all.
        label: what to write on it: an operation with its numbers and options, a parameter with its name as its module
            calls it.
        name: the user's name for it; for a parameter with its path, such as "0.weight".
        shape: the shape of its value.
        dtype: the dtype of its value; None for an array that `backward()` has released.
        modules: the modules around it, the outermost first. The second call of the same name inside one module is
            called "name #2".
        gradient: what `backward()` has left, or None where none was kept or computed: None is not zero.

    """

    id: int
    kind: Kind
    label: str
    name: str | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    modules: tuple[str, ...] = ()
    gradient: Array | None = None


class Edge(NamedTuple):
    """A value that flows from the node `source` to be operand number `position` of the node `target`."""

    source: int
    target: int
    position: int


class Graph(NamedTuple):
    """A computation: its nodes in topological order, the result last, and the edges between them."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[Edge, ...]

    def number_of(self, kind: Kind) -> int:
        """Return how many nodes are of one kind."""
        return sum(node.kind == kind for node in self.nodes)

    def __repr__(self) -> str:
        """Say how large it is: written out in full, a graph fills many screens."""
        kinds = Counter(node.kind for node in self.nodes)
        parts = (f"{number} {kind}{'s' if number > 1 else ''}" for kind, number in kinds.items())
        return f"<Graph of {len(self.nodes)} nodes: {', '.join(parts)}>"
