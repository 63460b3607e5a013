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
from tinygrad_nn.graph.explaining.inquest import HUGE, TINY, Case, Finding, find, trend
from tinygrad_nn.graph.explaining.lost import WHOLE, lost, underivable
from tinygrad_nn.graph.explaining.report import Explanation, Step, Verdict
from tinygrad_nn.graph.explaining.source import Exit, exits
from tinygrad_nn.graph.explaining.stages import is_relu, label_of, name_of
from tinygrad_nn.graph.explaining.walk import Walk
from tinygrad_nn.graph.modules import path_of
from tinygrad_nn.graph.norms import norm
from tinygrad_nn.graph.trace import number_on
from tinygrad_nn.graph.values import node_values
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
        headline = f"There is no gradient for {self.name}: {reason.says}{_at(line)}{_ends(reason.ends)}."
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
            f"{_at(self.line(node))}": None
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
            f"There is no gradient for {self.name}: {says}{_at(line)}.",
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
            notes=(*self.others(finding), *self.notes(verdict, walk, gradient)),
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
        return f"The gradient of {self.name} is {said}: {finding.cause.says}{_at(line)}."

    def others(self, finding: Finding) -> list[str]:
        """Say where else it breaks."""
        if not finding.others:
            return []
        places = [f"'{label_of(node)}' at {self.line(node)}" for node in finding.others[:3]]
        more = f" and {len(finding.others) - 3:,} more" if len(finding.others) > 3 else ""
        return [f"It breaks on other paths too: in {', '.join(places)}{more}."]

    def notes(self, verdict: Verdict, walk: Walk, gradient: Any) -> list[str]:
        """Say what else there is to know."""
        change = trend(walk, self) if verdict == "healthy" else None
        notes = [] if change is None else [change]
        zeros = int(np.count_nonzero(gradient == 0))
        if zeros and verdict != "zero":
            notes.append(f"{_zeros(gradient, zeros)} 0{self._where_zeros_begin(walk)}.")
        grad = self.parameter.grad
        if grad is None:
            if verdict == "healthy" and self.parameter.is_leaf:
                notes.append("Its .grad is None: no backward() since the last zero_grad().")
        elif verdict not in ("zero", "not finite"):
            notes += _compared(raw(grad), gradient)
        return notes

    def _where_zeros_begin(self, walk: Walk) -> str:
        """Say which operation made the zeros: the last to make more of them, or a relu that it has them from."""
        way = walk.strongest_way(walk.target)
        gains = [place for place, edge in enumerate(way) if walk.zeros[edge.operand] > walk.zeros[edge.node]]
        if not gains:
            return ""
        relus = [edge.node for edge in way[gains[-1] :] if is_relu(edge.node)]
        shares = {node: float(np.mean(value == 0)) for node, value in node_values(relus).items() if node in relus}
        worst = max(shares, key=shares.__getitem__, default=None)
        if worst is not None and shares[worst] > 0:
            return f": {shares[worst]:.0%} of the results of relu are 0{_at(self.line(worst))}"
        node = way[gains[-1]].node
        return f": the zeros begin in '{label_of(node)}'{_at(self.line(node))}"


def _at(line: str | None) -> str:
    return f" ({line})" if line else ""


def _zeros(gradient: Any, zeros: int) -> str:
    """Count the zeros in a gradient: by rows, if they are whole rows, as of a table of which few are looked up."""
    rows = int(np.count_nonzero(~gradient.reshape(len(gradient), -1).any(axis=1))) if gradient.ndim > 1 else 0
    if rows and rows * gradient[0].size == zeros:
        return f"{rows:,} of its {len(gradient):,} rows {'is' if rows == 1 else 'are'}"
    return f"{zeros:,} of its {gradient.size:,} numbers {'is' if zeros == 1 else 'are'}"


def _ends(ends: Sequence[Exit]) -> str:
    """Say where a way may have ended."""
    if not ends:
        return ""
    places = [f"`{end.text}`{_at(end.line)}" for end in ends[:3]]
    more = [f"at {len(ends) - 3:,} more"] if len(ends) > 3 else []
    return f". Its way may have ended at {' or '.join([*places, *more])}"


def _compared(grad: Any, gradient: Any) -> list[str]:
    """Say how an accumulated gradient relates to that of this loss alone."""
    flat, ours = (np.asarray(x, np.float64).reshape(-1) for x in (grad, gradient))
    times = float(np.dot(flat, ours) / np.dot(ours, ours)) if np.dot(ours, ours) else 1.0
    if not np.allclose(flat, times * ours, rtol=1e-3, atol=1e-3 * norm(gradient)):
        return [f"Its .grad, of norm {norm(grad):.3g}, is another: other losses were added, or it was changed."]
    if 0 <= times < 0.99:
        return [f"Its .grad is {times:.3g} times this: it was scaled after backward(), as clipping does."]
    if times > 1.5:
        return [
            f"Its .grad is {times:.3g} times this, for backward() adds to what is there: call zero_grad() before it."
        ]
    return []
