"""`explain`: the question that everybody asks of a network that does not learn."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Sequence
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_nn.backprop import Node, users_line
from tinygrad_nn.errors import ArgumentError, GraphReleasedError, InPlaceError, ShapeError
from tinygrad_nn.graph.explaining.inquest import HUGE, TINY, Case, Finding, at, find
from tinygrad_nn.graph.explaining.lost import WHOLE, lost, underivable
from tinygrad_nn.graph.explaining.notes import notes
from tinygrad_nn.graph.explaining.report import Explanation, Step, Verdict
from tinygrad_nn.graph.explaining.source import Exit, exits
from tinygrad_nn.graph.explaining.stages import label_of, name_of
from tinygrad_nn.graph.explaining.walk import Walk
from tinygrad_nn.graph.modules import path_of
from tinygrad_nn.graph.norms import norm
from tinygrad_nn.graph.trace import number_on
from tinygrad_nn.tensor import Tensor, raw


def explain(loss: Tensor, parameter: Tensor) -> Explanation:
    """Say why the gradient of a loss with respect to a parameter is what it is: none, zero, tiny, huge, or not finite.

    The backward pass is gone through once more, edge by edge, and the operation found at which the gradient breaks off.
    No ``.grad`` is written to. It works before `backward()`, and after one with ``retain_graph=True``.

    Args:
        loss: a recorded Tensor of a single number.
        parameter: a Tensor that the loss should depend on: a leaf, or a result on the way.

    Returns:
        the verdict with its cause, the remedy, and the path from the loss to the parameter with the norm of the
        gradient at each operation; `print` shows all of it. A gradient is called tiny or huge by its norm relative to
        that of the parameter: below 1e-7, or above 1e4.

    Raises:
        ArgumentError: one of the two is no Tensor, or belongs to a transform (`grad`, `vjp`).
        ShapeError: the loss has more than one number.

    >>> import numpy as np, tinygrad_nn as tn
    >>> w = tn.Tensor([[-3.0, -2.0]], requires_grad=True, name="w")
    >>> explanation = explain(tn.nn.relu(np.ones((4, 1)) @ w).sum(), w)
    >>> explanation.verdict, explanation.cause
    ('zero', 'dead relu')
    >>> print(explanation.headline.partition(" (")[0])
    The gradient of 'w' is zero: relu is dead: all 8 of its inputs are negative or 0

    """
    _check(loss, parameter)
    case = _Case(loss, parameter, sys._getframe(1))
    if loss._node is None:
        return case.nothing()
    if parameter._node is None or not _is_below(parameter._node, loss._node, case.around):
        return case.lost()
    try:
        walk = Walk(loss._node, parameter._node)
    except (GraphReleasedError, InPlaceError) as error:
        return case.released(error)
    return case.underivable() if walk.gradient is None else case.found(walk, walk.gradient)


def _is_below(node: Node, root: Node, operations: Collection[Node]) -> bool:
    return node is root or any(node is operand for operation in operations for operand in operation.operands)


def _check(loss: Any, parameter: Any) -> None:
    for name, value in (("loss", loss), ("parameter", parameter)):
        if not isinstance(value, Tensor):
            message = f"explain: expected a Tensor as '{name}', got {type(value).__name__}. Pass a Tensor"
            raise ArgumentError(message)
        if value.level:
            message = (
                f"explain: expected a '{name}' outside of transforms, but this one belongs to one (grad, vjp). "
                f"Compute the loss with Tensors that have requires_grad=True"
            )
            raise ArgumentError(message)
    if loss.size != 1:
        message = f"explain: expected a loss of a single number, got shape {loss.shape}. Reduce it, as in loss.sum()"
        raise ShapeError(message)


def _named(parameter: Tensor) -> str:
    return f"'{parameter.name}'" if parameter.name else f"the Tensor of shape {parameter.shape}"


class _Case(Case):
    """One with the frame that asks, and with words."""

    def __init__(self, loss: Tensor, parameter: Tensor, frame: FrameType) -> None:
        super().__init__(loss, parameter)
        self.frame, self.name = frame, _named(parameter)

    # Without a walk

    def nothing(self) -> Explanation:
        """Say what may be the reason where not even the loss was recorded."""
        headline = f"There is no gradient for {self.name}: nothing was recorded for the loss itself"
        remedy = "Compute the loss outside of no_grad(), from Tensors of which one has requires_grad=True."
        if not self.parameter.requires_grad:
            return Explanation("none", "not required", f"{headline}, and its requires_grad is False.", remedy)
        ends = self.exits()
        if any(end.cause == "integer" for end in ends):
            remedy += f" {WHOLE}"
        line = ends[0].line if ends else None
        return Explanation("none", "nothing recorded", f"{headline}{_ends(ends)}.", remedy, source=line)

    def exits(self) -> list[Exit]:
        """Read in the user's source where values leave the graph on their way to the loss."""
        calls = {(call.code, call.offset) for calls in self.around.values() for call in calls}
        places = calls | {(node.code, node.offset) for node in self.around}
        lines = sorted({line for place in places if (line := users_line([place]))})
        here = users_line([(self.frame.f_code, self.frame.f_lasti)])
        return exits(lines, self.parameter.name, here, {**self.frame.f_globals, **self.frame.f_locals})

    def lost(self) -> Explanation:
        """Say where a parameter was lost that is not in the graph."""
        reason = lost(self.parameter, self.around, self.exits)
        line = None if reason.operation is None else self.line(reason.operation)
        headline = f"There is no gradient for {self.name}: {reason.says}{at(line)}{_ends(reason.ends)}."
        notes = []
        if reason.cause in ("never used", "module not in the graph") and not reason.ends:
            notes += self.constants()
        if any(node.closures is None for node in self.around):
            notes.append("backward() has released the graph: of constants only the shapes are left to look at.")
        source = line or (reason.ends[0].line if reason.ends else None)
        return Explanation("none", reason.cause, headline, reason.remedy, source=source, notes=tuple(notes))

    def constants(self) -> list[str]:
        """Say which arrays a loss reads as constants: one of them may have been made of the parameter."""
        read = {
            f"one of shape {operand if isinstance(operand, tuple) else operand.shape} in '{label_of(node)}'"
            f"{at(self.line(node))}": None
            for node in self.around
            for operand in map(raw, node.operands)
            if number_on(operand) is None and not isinstance(operand, Node)
        }
        shown = [*list(read)[:3], *([f"{len(read) - 3:,} more"] if len(read) > 3 else [])]
        if not read:
            return []
        return [
            f"The loss reads constants: {', '.join(shown)}. If {self.name} went into one of them, it was cut off there."
        ]

    def underivable(self) -> Explanation:
        """Say where the operand is for which an operation has no gradient."""
        node, operand = underivable(self.parameter._node, self.around)
        line = self.line(node)
        says = f"'{name_of(node)}' has none with respect to its operand {operand}"
        return Explanation(
            "none",
            "no derivative",
            f"There is no gradient for {self.name}: {says}{at(line)}.",
            "Nothing, if it is a condition or an index; otherwise write the operation with others.",
            source=line,
        )

    def released(self, error: Exception) -> Explanation:
        """Say what can be said where the graph can no longer be walked: what an earlier `backward()` has left."""
        grad = self.parameter.grad
        verdict: Verdict = "none" if grad is None else self.verdict(raw(grad))
        cause = "released" if isinstance(error, GraphReleasedError) else "changed"
        has = "no gradient yet" if grad is None else f"a gradient of norm {norm(raw(grad)):.3g}"
        why = (
            "how it came about can no longer be seen" if cause == "released" else "the graph no longer fits its leaves"
        )
        headline = f"{self.name[0].upper()}{self.name[1:]} has {has}, and {why}."
        return Explanation(
            verdict, cause, headline, "Compute the loss again and call explain before backward().",
            None if grad is None else norm(raw(grad)), notes=(f"{error}.",),
        )  # fmt: skip  # five arguments

    # With one

    def found(self, walk: Walk, gradient: Any) -> Explanation:
        """Tell what a walk has found."""
        verdict = self.verdict(gradient)
        finding = find(verdict, walk, self)
        line = None if finding.node is None else self.line(finding.node)
        steps = [
            Step(
                label_of(edge.node), path_of(self.around[edge.node]), edge.node.shape,
                walk.norms[edge.node], walk.zeros[edge.node], self.line(edge.node),
            )
            for edge in finding.way
        ]  # fmt: skip  # six arguments
        last = Step(self.name.strip("'"), (), gradient.shape, norm(gradient), walk.zeros[walk.target], None)
        places = [place for place, edge in enumerate(finding.way) if edge.node is finding.node]
        return Explanation(
            verdict=verdict,
            cause=finding.cause.name,
            headline=self.headline(verdict, gradient, finding, line),
            remedy=finding.remedy,
            gradient=norm(gradient),
            paths=walk.paths,
            steps=(*steps, last),
            breaks_at=places[0] if places else None,
            source=line,
            notes=tuple(notes(self, finding, verdict, walk, gradient)),
        )

    def verdict(self, gradient: Any) -> Verdict:
        """Judge a gradient by its norm."""
        size = norm(gradient)
        if not (math.isfinite(size) and np.isfinite(raw(self.loss)).all()):
            return "not finite"
        if size == 0:
            return "zero"
        relative = size / (norm(raw(self.parameter)) or math.sqrt(self.parameter.size))
        return "tiny" if relative < TINY else "huge" if relative > HUGE else "healthy"

    def headline(self, verdict: Verdict, gradient: Any, finding: Finding, line: str | None) -> str:
        """Return the verdict and its cause as one sentence."""
        size = f"{norm(gradient):.3g}"
        if verdict == "healthy":
            own = f"{norm(raw(self.parameter)):.3g}"
            return f"The gradient of {self.name} is healthy: its norm is {size}, that of its value {own}."
        said = f"{verdict}, of norm {size}" if verdict in ("tiny", "huge") else verdict
        if verdict == "not finite":
            number = int(np.count_nonzero(~np.isfinite(gradient)))
            said = f"not finite in {number:,} of {gradient.size:,} numbers" if number else "finite, but the loss is not"
        return f"The gradient of {self.name} is {said}: {finding.cause.says}{at(line)}."


def _ends(ends: Sequence[Exit]) -> str:
    """Say where a way may have ended."""
    if not ends:
        return ""
    places = [f"`{end.text}`{at(end.line)}" for end in ends[:3]]
    more = [f"at {len(ends) - 3:,} more"] if len(ends) > 3 else []
    return f". Its way may have ended at {' or '.join([*places, *more])}"
