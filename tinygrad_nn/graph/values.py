"""The values of intermediate results, computed again: nodes keep closures, not results, to let memory go.

The nodes know operation, options and constants, leaves their arrays, so that running the rules once more gives the
values bit for bit. What it takes may be gone: a `backward()` that releases drops the arrays of constants, and
`optimizer.step()` changes the leaves. Then there is no value, rather than one that was never there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_nn.backprop import Leaf, Node, inspect_exposed
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import raw
from tinygrad_nn.transforms.checkpointing import CHECKPOINT
from tinygrad_nn.transforms.replay import nodes_below


def node_values(roots: Iterable[Node], known: dict[Node, Array] | None = None) -> dict[Node, Array]:
    """Return the values of `roots` and of all nodes below them, as far as they can still be known.

    Args:
        roots: results, or nodes inside of a graph.
        known: values that need not be computed again; they are part of what is returned.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([3.0, 4.0], requires_grad=True)
    >>> square = w * w
    >>> root = square.sum()._node
    >>> node_values([root])[square._node]
    array([ 9., 16.])

    """
    inspect_exposed()
    found = dict(known or {})
    with np.errstate(all="ignore"):  # whatever there was to say of these numbers was said in the forward pass
        for node in nodes_below(*roots, known=found):
            value = _value(node, found)
            if value is not None:
                found[node] = value
    return found


def _value(node: Node, known: dict[Node, Array]) -> Array | None:
    """Return what `node` stands for, if all that it takes is known."""
    if isinstance(node, Leaf):
        return raw(node.array)
    operands = [known.get(x) if isinstance(x, Node) else x for x in node.operands]
    is_lost = any(x is None or isinstance(x, tuple) for x in operands)  # of what was released the shape is left
    if is_lost or any(isinstance(x, Leaf) and x.changed > node.stamp for x in node.operands):
        return None
    options = node.options or {}
    if node.primitive is CHECKPOINT:
        again = options["function"].again(options["output"])
        return node_values([again], known).get(again)
    rule: Any = node.primitive.rule if node.primitive else None
    return np.asarray(raw(rule(*map(raw, operands), **options)[0]))
