"""Which edge is to blame for a gradient, and why: the part of `explain` that looks for the place."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from tinygrad_nn.backprop import Node
from tinygrad_nn.graph.explaining import causes
from tinygrad_nn.graph.explaining.causes import REMEDIES, Cause
from tinygrad_nn.graph.explaining.report import Verdict
from tinygrad_nn.graph.explaining.stages import Stage, called, stages, value_of
from tinygrad_nn.graph.explaining.walk import Passage, Walk
from tinygrad_nn.graph.modules import Call
from tinygrad_nn.graph.values import node_values
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw

_FEW = 5
"""Operations that a gradient has to go through for a change to be called one that comes little by little."""


class Finding(NamedTuple):
    """What was found.

    Attributes:
        cause: why the gradient is what it is.
        way: the path that shows it, from the loss to the parameter.
        node: the operation to blame; None if there is none.
        others: more operations at which the gradient breaks, on other paths.

    """

    cause: Cause
    way: list[Passage]
    node: Node | None = None
    others: tuple[Node, ...] = ()

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES.get(self.cause.name, "")


def find(verdict: Verdict, walk: Walk, loss: Tensor, around: Mapping[Node, tuple[Call, ...]]) -> Finding:
    """Return what makes a gradient zero, tiny, huge or not finite; nothing for a healthy one."""
    with np.errstate(all="ignore"):
        if verdict == "zero":
            return _zero(walk, around)
        if verdict == "not finite":
            return _not_finite(walk, loss)
        if verdict in ("tiny", "huge"):
            return _changed(walk, grows=verdict == "huge")
    return Finding(Cause("", ""), walk.strongest_way(walk.target))


def _stages(walk: Walk, edge: Passage) -> list[Stage]:
    """Return the stages of an edge, with the gradient that arrives and the values that went through it."""
    gradient = Walk(walk.root, edge.node).gradient
    assert gradient is not None  # noqa: S101 - the edge was found by going through it
    return stages(edge, np.asarray(gradient), node_values([edge.node]))


def _zero(walk: Walk, around: Mapping[Node, tuple[Call, ...]]) -> Finding:
    ways = walk.breaks(lambda size: size == 0)
    if not ways:
        return _at_a_sum(walk, lambda size: size == 0, "cancelled", "not zero, but cancels out")
    edge = ways[0][0]
    above = walk.strongest_way(edge.node)
    way, others = above + ways[0], tuple({lower[0].node: None for lower in ways[1:] if lower[0].node is not edge.node})
    parts = _stages(walk, edge)
    cause = causes.cause_of_zero(next((part for part in parts if not part.carries(part.gradient)), parts[-1]))
    if cause.name == "cut off":
        thinning = next((e for e in reversed(above) if walk.zeros[e.operand] > walk.zeros[e.node]), None)
        if thinning is not None and thinning.node.primitive is not None:
            return Finding(causes.cause_above(thinning.node.primitive.name), way, thinning.node, others)
    calls = around.get(edge.node, ())
    if cause.name == "zero factor" and calls and calls[-1].kind == "Dropout":
        cause = Cause("dropped out", "Dropout has set to 0 all that a gradient arrives at")
    return Finding(cause, way, edge.node, others)


def _at_a_sum(walk: Walk, is_bad: Callable[[float], bool], name: str, says: str) -> Finding:
    """Return the value that is bad although what operations add to it is not; nearest to the loss, where it begins."""
    way = walk.strongest_way(walk.target)
    for node, edges in walk.passages.items():
        if is_bad(walk.norms[node]) and not all(is_bad(edge.leaves) for edge in edges):
            cause = Cause(name, f"what {len(edges):,} operations add to one value is {says}")
            return Finding(cause, way, max(edges, key=lambda edge: edge.leaves).node)
    return Finding(Cause("empty", "it has no elements"), way)


def _not_finite(walk: Walk, loss: Tensor) -> Finding:
    if not np.isfinite(raw(loss)).all():
        return _not_finite_before(walk)  # also where the gradient is finite: such a loss teaches nothing
    ways = walk.breaks(lambda size: not math.isfinite(size))
    if not ways:
        return _at_a_sum(walk, lambda size: not math.isfinite(size), "overflow", "finite, but their sum is not")
    edge = ways[0][0]
    parts = _stages(walk, edge)
    part = next((part for part in parts if not np.isfinite(part.closure(part.gradient)).all()), parts[-1])
    return Finding(causes.cause_of_infinity(part), walk.strongest_way(edge.node) + ways[0], edge.node)


def _not_finite_before(walk: Walk) -> Finding:
    """Return where the forward pass has left the finite numbers, going down from the loss."""
    values = node_values([walk.root])
    way = walk.strongest_way(walk.target)
    node, is_known = walk.root, walk.root in values
    while is_known:
        bad = [place for place, operand in enumerate(node.operands) if not _is_finite(value_of(operand, values))]
        inner = [node.operands[place] for place in bad if isinstance(node.operands[place], Node)]
        if not bad:
            name = node.primitive.name if node.primitive else ""
            operands = [value_of(operand, values) for operand in node.operands]
            return Finding(causes.cause_of_infinite_value(name, [x for x in operands if x is not None]), way, node)
        if not inner or inner[-1].is_leaf:
            says = f"{called(node, bad[-1])} contains numbers that are not finite already"
            return Finding(Cause("not finite before", says), way, node)
        node = inner[-1]
    return Finding(Cause("not finite before", "the loss itself is not finite"), way)


def _is_finite(value: Array | None) -> bool:
    return value is None or value.dtype.kind not in "fc" or bool(np.isfinite(value).all())


def _changed(walk: Walk, *, grows: bool) -> Finding:
    """Return where along the strongest path a gradient shrinks, or grows, most."""
    way = walk.strongest_way(walk.target)
    sign = 1 if grows else -1
    # By what a value gets from all of its uses, and not from this one alone: x + x doubles a gradient.
    changes = [sign * math.log(walk.norms[edge.operand] / edge.arrives) for edge in way]
    forward = [change for change in changes if change > 0]
    if not forward:
        return Finding(Cause("", "its value is far larger" if not grows else "its value is far smaller"), way)
    place = max(range(len(way)), key=changes.__getitem__)
    if len(forward) >= _FEW and changes[place] < sum(forward) / 2:
        mean = math.exp(sum(forward) / len(forward))
        does = "grows" if grows else "shrinks"
        says = f"it {does} little by little, by a factor of {mean:.3g} at each of {len(forward):,} operations"
        return Finding(Cause("exploding" if grows else "vanishing", says), way)
    parts = _stages(walk, way[place])
    part = max(parts, key=lambda part: sign * math.log(part.factor) if part.factor else 0.0)
    cause = causes.cause_of_growth(part) if grows else causes.cause_of_shrinking(part)
    return Finding(cause, way, way[place].node)
