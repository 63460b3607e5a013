"""The backward pass, one operation at a time: what came in, and what each closure sent on.

`backpropagate` adds contributions up as they come, which is all that training needs. A picture shows each of them: the
gradient that flows along an edge is not that of the value the edge comes from, where the value is used twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tinygrad_nn.backprop import Node, checked_order, describe
from tinygrad_nn.errors import BackwardError
from tinygrad_nn.graph.explaining.walk import contribution
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import raw


class Step(NamedTuple):
    """What happens at one node in the backward pass.

    Attributes:
        node: an operation, or a leaf at the end of the walk.
        gradient: the gradient of its value, complete.
        contributions: what its closures make of that, one for each operand; None where no gradient is wanted.

    """

    node: Node
    gradient: Array
    contributions: list[Array | None]


def backward_steps(roots: Sequence[Node]) -> Iterator[Step]:
    """Walk from `roots` back, newest operation first, and then yield the leaves; change nothing.

    Raises:
        GraphReleasedError: an earlier walk released the graph.
        InPlaceError: a leaf changed after the graph was recorded.
        BackwardError: a closure failed.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([3.0, 4.0], requires_grad=True)
    >>> [(step.gradient, step.contributions) for step in backward_steps([(w * w).sum()._node])][1]
    (array([1., 1.]), [array([3., 4.]), array([3., 4.])])

    """
    order = sorted({node for root in roots for node in checked_order(root)}, key=lambda node: -node.stamp)
    gradients: dict[Node, Array] = {}
    for root in roots:
        gradients[root] = gradients[root] + seed(root) if root in gradients else seed(root)
    for node in order:
        gradient = gradients.pop(node)
        with np.errstate(all="ignore"):  # a gradient that is not finite is what the reader came to see
            contributions = [_contribution(node, place, gradient, order) for place in range(len(node.operands))]
            for operand, part in zip(node.operands, contributions, strict=True):
                if part is not None:  # added up in a new array: a contribution may be the gradient itself
                    gradients[operand] = gradients[operand] + part if operand in gradients else part
        yield Step(node, gradient, contributions)
    for leaf, gradient in gradients.items():
        yield Step(leaf, gradient, [])


def seed(root: Node) -> Array:
    """Return the gradient that a root starts with: the one that its last `backward()` gave it, or ones."""
    return np.ones(root.shape, root.dtype) if root.is_leaf or root.grad is None else raw(root.grad)


def _contribution(node: Node, place: int, gradient: Array, graph: list[Node]) -> Array | None:
    """Return what an operation sends to the operand at `place`; None where no gradient is wanted."""
    closure, operand = (node.closures or ())[place], node.operands[place]
    if closure is None:
        return None
    try:
        return contribution(operand, closure, gradient)
    except Exception as error:  # whatever a rule's closure may raise
        message = f"explore: the closure for operand {place} of {describe(node, graph)} failed: {error}"
        raise BackwardError(message) from error
