"""Which edge is to blame for a gradient, and why: the part of `explain` that looks for the place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tinygrad_nn.backprop import Node, users_line
from tinygrad_nn.graph.explaining import sizes, zeros
from tinygrad_nn.graph.explaining.causes import Cause
from tinygrad_nn.graph.explaining.gradual import main_kinds
from tinygrad_nn.graph.explaining.remedies import REMEDIES
from tinygrad_nn.graph.explaining.report import Verdict
from tinygrad_nn.graph.explaining.stages import ROUNDING, Stage, called, name_of, stages, value_of
from tinygrad_nn.graph.explaining.walk import Passage, Walk
from tinygrad_nn.graph.modules import Call, calls_around_each
from tinygrad_nn.graph.norms import norm
from tinygrad_nn.graph.trace import operations_below
from tinygrad_nn.graph.values import node_values
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw

TINY, HUGE = 1e-7, 1e4
"""The norm of a gradient, relative to that of its parameter, from which on it is worth a word. With the usual learning
rates a step then changes no digit of a float32, or turns the parameter over."""

_FEW = 5
"""Operations that a gradient has to go through for a change to be called one that comes little by little."""

_HUNDREDFOLD = math.log(100)


class Case:
    """A loss, a parameter, and what lies below the loss.

    Attributes:
        loss, parameter: these.
        around: the operations below the loss, and the calls of modules around each.

    """

    def __init__(self, loss: Tensor, parameter: Tensor) -> None:
        """Look below `loss`."""
        self.loss, self.parameter = loss, parameter
        operations = operations_below([loss._node]) if loss._node is not None else []
        self.around: dict[Node, tuple[Call, ...]] = dict(zip(operations, calls_around_each(operations), strict=True))

    def line(self, node: Node) -> str | None:
        """Return the user's line that recorded an operation."""
        calls = self.around.get(node, ())
        return users_line([*((call.code, call.offset) for call in calls), (node.code, node.offset)])


def at(line: str | None) -> str:
    """Return a line as it is added to what happens there, if it is known."""
    return f" ({line})" if line else ""


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


def find(verdict: Verdict, walk: Walk, case: Case) -> Finding:
    """Return what makes a gradient zero, tiny, huge or not finite; nothing for a healthy one."""
    with np.errstate(all="ignore"):
        if verdict == "zero":
            return _zero(walk, case)
        if verdict == "not finite":
            return _not_finite(walk, case.loss)
        if verdict in ("tiny", "huge"):
            return _changed(walk, case, grows=verdict == "huge")
    return Finding(Cause("", ""), walk.strongest_way(walk.target))


def _stages(walk: Walk, edge: Passage) -> list[Stage]:
    """Return the stages of an edge, with the gradient that arrives and the values that went through it."""
    return stages(edge, walk.gradient_of(edge.node), node_values([edge.node]))


def _zero(walk: Walk, case: Case) -> Finding:
    ways = walk.breaks(lambda size: size == 0)
    if not ways:
        return _at_a_sum(walk, lambda size: size == 0, "cancelled", "not zero, but cancels out")
    edge = ways[0][0]
    above = walk.strongest_way(edge.node)
    way, others = above + ways[0], tuple({lower[0].node: None for lower in ways[1:] if lower[0].node is not edge.node})
    parts = _stages(walk, edge)
    cause = zeros.cause_of_zero(_blocked(parts) or parts[-1])
    if cause.name == "cut off":
        thinning = next((e for e in reversed(above) if walk.zeros[e.operand] > walk.zeros[e.node]), None)
        if thinning is not None:
            cause = zeros.cause_above(name_of(thinning.node), name_of(thinning.operand))
            return Finding(cause, way, thinning.node, others)
    if cause.name == "zero slope" and len(ways[0]) > 1:
        # The square of what a dead relu returns is flat, too. It is the relu that has to be mended.
        below = ways[0][1]
        blocked = _blocked(stages(below, np.ones(below.node.shape, below.node.dtype), node_values([below.node])))
        if blocked is not None:
            return Finding(zeros.cause_of_zero(blocked), way, below.node, others)
    calls = case.around.get(edge.node, ())
    if cause.name == "zero factor" and calls and calls[-1].kind == "Dropout":
        cause = Cause("dropped out", "Dropout has set to 0 all that a gradient arrives at")
    return Finding(cause, way, edge.node, others)


def _blocked(parts: Sequence[Stage]) -> Stage | None:
    """Return the first stage that lets nothing through."""
    return next((part for part in parts if not part.carries(part.gradient)), None)


def _at_a_sum(walk: Walk, is_bad: Callable[[float], bool], name: str, says: str) -> Finding:
    """Return the value that is bad although what operations add to it is not; nearest to the loss, where it begins."""
    way = walk.strongest_way(walk.target)
    for node, edges in walk.passages.items():
        if is_bad(walk.norms[node]) and not all(is_bad(edge.leaves) for edge in edges):
            return Finding(Cause(name, _sum_of(edges, says)), way, max(edges, key=lambda edge: edge.leaves).node)
    return Finding(Cause("empty", "it has no elements"), way)


def _sum_of(edges: Sequence[Passage], says: str) -> str:
    operations = len({edge.node for edge in edges})
    sources = f"{operations:,} operations add" if operations > 1 else f"'{name_of(edges[0].node)}' adds twice"
    return f"what {sources} to one value is {says}"


def _not_finite(walk: Walk, loss: Tensor) -> Finding:
    if not np.isfinite(raw(loss)).all():
        return _not_finite_before(walk)  # also where the gradient is finite: such a loss teaches nothing
    ways = walk.breaks(lambda size: not math.isfinite(size))
    if not ways:
        return _at_a_sum(walk, lambda size: not math.isfinite(size), "overflow", "finite, but their sum is not")
    edge = ways[0][0]
    parts = _stages(walk, edge)
    part = next((part for part in parts if not np.isfinite(part.closure(part.gradient)).all()), parts[-1])
    return Finding(sizes.cause_of_infinity(part), walk.strongest_way(edge.node) + ways[0], edge.node)


def _not_finite_before(walk: Walk) -> Finding:
    """Return where the forward pass has left the finite numbers, going down from the loss."""
    values = node_values([walk.root])
    way = walk.strongest_way(walk.target)
    node, is_known = walk.root, walk.root in values
    nan_maker: Finding | None = None
    while is_known:
        operands = [value_of(operand, values) for operand in node.operands]
        known = [operand for operand in operands if operand is not None]
        bad = [place for place, operand in enumerate(operands) if not _is_finite(operand)]
        if not bad:
            return Finding(sizes.cause_of_infinite_value(name_of(node), known), way, node)
        if np.isnan(values[node]).any():
            from_nan = [place for place in bad if np.isnan(np.asarray(operands[place])).any()]
            if not from_nan:
                nan_maker = Finding(sizes.cause_of_nan(name_of(node), known), way, node)
            bad = from_nan or bad
        inner = [x for x in (node.operands[place] for place in bad) if isinstance(x, Node) and not x.is_leaf]
        if not inner and nan_maker is not None:
            return nan_maker
        if not inner:
            says = f"{called(node, bad[-1])} contains numbers that are not finite already"
            return Finding(Cause("not finite before", says), way, node)
        node = inner[-1]
    return Finding(Cause("not finite before", "the loss itself is not finite"), way)


def _is_finite(value: Array | None) -> bool:
    return value is None or value.dtype.kind not in "fc" or bool(np.isfinite(value).all())


def _changed(walk: Walk, case: Case, *, grows: bool) -> Finding:
    """Return where along the strongest path a gradient shrinks, or grows, most."""
    way, changes = _changes(walk)
    sign = 1 if grows else -1
    forward = [sign * change for change in changes if sign * change > 0]
    size, value = walk.norms[walk.target], norm(raw(case.parameter))
    if not forward or (size < HUGE if grows else size > TINY):
        ordinary = "that is an ordinary size, but its value is far"
        says = f"{ordinary} {'smaller' if grows else 'larger'}, of norm {value:.3g}"
        return Finding(Cause("small value" if grows else "large value", says), way)
    place = max(range(len(way)), key=lambda place: sign * changes[place])
    if len(forward) >= _FEW and sign * changes[place] < math.fsum(forward) / 2:
        says = f"it {'grows' if grows else 'shrinks'} little by little: {_little_by_little(walk, case, sign)}"
        return Finding(Cause("exploding" if grows else "vanishing", says), way)
    edges = walk.passages[way[place].operand]
    if walk.norms[way[place].operand] < ROUNDING * max(edge.leaves for edge in edges):
        return Finding(Cause("cancelled", _sum_of(edges, "not small, but nearly cancels out")), way, way[place].node)
    parts = _stages(walk, way[place])
    part = max(parts, key=lambda part: sign * math.log(part.factor) if part.factor else 0.0)
    cause = sizes.cause_of_growth(part) if grows else sizes.cause_of_shrinking(part)
    return Finding(cause, way, way[place].node)


def _changes(walk: Walk) -> tuple[list[Passage], list[float]]:
    """Return the strongest path and the logarithms of the factors by which each of its edges changes the norm.

    By what a value gets from all of its uses, and not from this one alone: x + x doubles a gradient.
    """
    way = walk.strongest_way(walk.target)
    factors = [walk.norms[edge.operand] / edge.arrives if edge.arrives else math.nan for edge in way]
    return way, [math.log(factor) if 0 < factor < math.inf else 0.0 for factor in factors]


def _little_by_little(walk: Walk, case: Case, sign: int) -> str:
    """Say which kinds of operations change a gradient most, and which part of those of two stages."""
    clauses = []
    for kind in main_kinds(*_changes(walk), sign):
        parts = _stages(walk, kind.median) if (kind.median.node.options or {}).get("activation") else []
        inside = " and ".join(f"'{part.name}' by {part.factor:.3g}" for part in parts)
        clauses.append(kind.says(case.line) + (f" (of a middle one {inside})" if len(parts) > 1 else ""))
    return "; ".join(clauses)


def trend(walk: Walk, case: Case) -> str | None:
    """Say of a gradient that is neither tiny nor huge what repeats along its path and changes it a hundredfold."""
    way, changes = _changes(walk)
    for sign in (-1, 1):
        if math.fsum(max(sign * change, 0) for change in changes) < _HUNDREDFOLD:
            continue  # most graphs, so that nothing need be sorted
        kinds = [kind for kind in main_kinds(way, changes, sign) if len(kind.edges) >= _FEW]
        if kinds and sign * kinds[0].total > _HUNDREDFOLD:
            return f"Along this path it {'grows' if sign > 0 else 'shrinks'}: {kinds[0].says(case.line)}."
    return None
