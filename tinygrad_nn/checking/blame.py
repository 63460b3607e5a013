"""Who is to blame: the culprits of a wrong gradient, whether operations, or an input that was cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from tinygrad_nn.backprop import Node, users_line
from tinygrad_nn.checking.compare import Checker
from tinygrad_nn.checking.culprit import Culprit, shortened, survey
from tinygrad_nn.checking.detached import cut_by, find_detached
from tinygrad_nn.checking.differences import sizes_of
from tinygrad_nn.checking.operation import codes_of
from tinygrad_nn.checking.report import GradcheckReport, Verdict
from tinygrad_nn.checking.witness import Witness
from tinygrad_nn.primitive import Array

Result: TypeAlias = tuple[Node | None, Array]
"""The node of a result, None if no operation leads to it, and its value."""

Record: TypeAlias = Callable[[Sequence[Array]], Sequence[Result]]
"""Runs a function at a point, and returns its results."""

_NEARBY = 2.0**-13
"""How far from the point the function is recorded again, to see what changes behind the back of the graph."""


def concluded(checker: Checker, record: Record, point: Sequence[Array], order: int, level: int) -> GradcheckReport:
    """Return the report of a check, with the culprits of a gradient that is wrong.

    Where rounding hides whether it is, the operations tell: if each of them is right, and there are no other ways than
    through them, so is the gradient, by the chain rule. What the function records inside of transforms of its own is
    checked, too, to an order more for each.

    Args:
        checker: what has compared the gradients.
        record: runs the function.
        point: the inputs.
        order: how often the operations are to be differentiable.
        level: how many transforms deep `record` records.

    """
    is_open = checker.verdict is Verdict.NOISE_LIMITED or checker.is_by_noise
    if checker.verdict is not Verdict.WRONG and not is_open:
        return checker.report()
    rng, witness = checker.rng, Witness()
    with witness.watching():
        results = record(point)
    roots = [node for node, _ in results if node is not None]
    inner = {depth - level: nodes for depth, nodes in witness.inner.items() if depth > level}
    inside = [survey(*nodes, rng=rng, order=order + depth) for depth, nodes in inner.items()]
    shown = survey(*roots, rng=rng, order=order)
    found = [*shown.culprits, *(culprit._replace(number=None) for part in inside for culprit in part.culprits)]
    if is_open and (found or checker.verdict is not Verdict.NOISE_LIMITED):
        return checker.report(found)
    # The operations of a rule that runs inside are in the graph of the results. What they cut off is told of the rule.
    rules = {code for nodes in inner.values() for node in nodes for code in codes_of(node.primitive)}
    ways = [(way, users_line([(code, offset)]) or "") for way, code, offset in witness.exits if code not in rules]
    sizes = [rng.uniform(0.5, 1.0, values.shape) * sizes_of(values) for values in point]
    try:
        with np.errstate(all="ignore"):
            moved = record([values + _NEARBY * size for values, size in zip(point, sizes, strict=True)])
    except (ValueError, ArithmeticError):  # outside of the domain: then there is no more to be said
        return checker.report(found)
    exits = [f"{way} at {shortened(line)}" for way, line in ways]
    lost = [*_cut_off(results, moved, exits)]
    if exits or not inside:
        lost += find_detached(roots, [node for node, _ in moved if node is not None], exits, passed_over=rules)
    if checker.verdict is Verdict.NOISE_LIMITED:  # nor does a value that left say much
        is_right = not (ways or lost) and all(part.is_sure for part in (shown, *inside))
        return checker.report(are_operations_right=is_right)
    if not (found or lost):
        error = "takes a value out of the graph, where no operation is wrong by itself"
        lost = [_culprit(way, line, error) for way, line in ways]
    return checker.report([*found, *lost])


def _cut_off(results: Sequence[Result], moved: Sequence[Result], exits: Sequence[str]) -> Iterator[Culprit]:
    """Yield the outputs that change with the inputs although no operation leads to them."""
    for place, ((node, here), (_, there)) in enumerate(zip(results, moved, strict=False)):
        if node is None and not np.array_equal(here, there):
            error = (
                f"no recorded operation connects it with the inputs; {cut_by(exits)}. Compute with operators and NumPy "
                f"functions on Tensors"
            )
            yield _culprit(f"output {place}", "", error)


def _culprit(name: str, line: str, error: str) -> Culprit:
    """Return a culprit that is no operation of the graph."""
    return Culprit(None, name, "", line, None, "", 1, error, "")
