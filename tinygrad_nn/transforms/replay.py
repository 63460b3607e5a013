"""``backward(create_graph=True)``: gradients of a recorded graph that can be differentiated in their turn.

The closures of a graph hold raw arrays, so that backward is plain NumPy, and what they return is no function of the
leaves any more. But the nodes keep operation, options and constants. So the graph is run again from its leaves inside
of a transform, whose rules then work on Tensors.
"""

from __future__ import annotations

from collections.abc import Container
from operator import attrgetter
from typing import Any

from tinygrad_nn.backprop import Node, checked_order
from tinygrad_nn.recording import record
from tinygrad_nn.tensor import Tensor, constant
from tinygrad_nn.transforms.checkpointing import CHECKPOINT
from tinygrad_nn.transforms.reverse import vjp


def gradients_as_tensors(result: Tensor, seed: Tensor) -> dict[Node, Tensor]:
    """Return the gradient for each leaf below `result` as a Tensor that depends on the leaves and on `seed`."""
    root: Any = result._node
    checked_order(root)
    leaves = [node for node in nodes_below(root) if node.is_leaf]
    _, pullback = vjp(lambda *values: evaluate(root, dict(zip(leaves, values, strict=True))), *map(_tensor, leaves))
    return dict(zip(leaves, pullback(seed), strict=True))


def evaluate(root: Node, known: dict[Node, Any]) -> Any:
    """Compute the value of `root` from values that are known, and add to these the values of all nodes on the way."""
    for node in nodes_below(root, known=known):
        options: dict[str, Any] = node.options or {}
        if node.primitive is CHECKPOINT:
            known[node] = evaluate(options["function"].again(options["output"]), known)
        elif node.primitive is not None:
            operands = tuple(known[x] if isinstance(x, Node) else x for x in node.operands)
            known[node] = result = record(node.primitive, operands, node.options)
            if result._node is not None:  # messages shall name the line that recorded it first
                result._node.code, result._node.offset = node.code, node.offset
    return known[root]


def nodes_below(*roots: Node, known: Container[Node] = ()) -> list[Node]:
    """List `roots` and the nodes below them, oldest first, down to those that are known."""
    seen, stack = set(roots), list(roots)
    while stack:
        for operand in stack.pop().operands:
            if isinstance(operand, Node) and operand not in seen and operand not in known:
                seen.add(operand)
                stack.append(operand)
    return sorted((node for node in seen if node not in known), key=attrgetter("stamp"))


def _tensor(leaf: Any) -> Tensor:
    """Return a Tensor of a leaf, as its user has one."""
    tensor = constant(leaf.array)
    tensor._node = leaf
    return tensor


Tensor.__gradients_as_tensors__ = gradients_as_tensors  # type: ignore[assignment,method-assign]  # likewise in recording.py
