"""What `explain` says besides the verdict: zeros within a gradient, other breaks, and what became of ``.grad``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.graph.explaining.inquest import Case, Finding, at, trend
from tinygrad_nn.graph.explaining.report import Verdict
from tinygrad_nn.graph.explaining.stages import is_relu, label_of
from tinygrad_nn.graph.explaining.walk import Walk
from tinygrad_nn.graph.norms import norm
from tinygrad_nn.graph.values import node_values
from tinygrad_nn.tensor import raw


def notes(case: Case, finding: Finding, verdict: Verdict, walk: Walk, gradient: Any) -> list[str]:
    """Say what else there is to know of a gradient: other breaks, zeros in it, and how its ``.grad`` differs."""
    found = _others(case, finding)
    change = trend(walk, case) if verdict == "healthy" else None
    found += [] if change is None else [change]
    zeros = int(np.count_nonzero(gradient == 0))
    if zeros and verdict != "zero":
        found.append(f"{_zeros(gradient, zeros)} 0{_where_zeros_begin(case, walk)}.")
    grad = case.parameter.grad
    if grad is None:
        if verdict == "healthy" and case.parameter.is_leaf:
            found.append("Its .grad is None: no backward() since the last zero_grad().")
    elif verdict not in ("zero", "not finite"):
        found += _compared(raw(grad), gradient)
    return found


def _others(case: Case, finding: Finding) -> list[str]:
    """Say where else it breaks."""
    if not finding.others:
        return []
    places = [f"'{label_of(node)}' at {case.line(node)}" for node in finding.others[:3]]
    more = f" and {len(finding.others) - 3:,} more" if len(finding.others) > 3 else ""
    return [f"It breaks on other paths too: in {', '.join(places)}{more}."]


def _where_zeros_begin(case: Case, walk: Walk) -> str:
    """Say which operation made the zeros: the last to make more of them, or a relu that it has them from."""
    way = walk.strongest_way(walk.target)
    gains = [place for place, edge in enumerate(way) if walk.zeros[edge.operand] > walk.zeros[edge.node]]
    if not gains:
        return ""
    relus = [edge.node for edge in way[gains[-1] :] if is_relu(edge.node)]
    shares = {node: float(np.mean(value == 0)) for node, value in node_values(relus).items() if node in relus}
    worst = max(shares, key=shares.__getitem__, default=None)
    if worst is not None and shares[worst] > 0:
        return f": {shares[worst]:.0%} of the results of relu are 0{at(case.line(worst))}"
    node = way[gains[-1]].node
    return f": the zeros begin in '{label_of(node)}'{at(case.line(node))}"


def _zeros(gradient: Any, zeros: int) -> str:
    """Count the zeros in a gradient: by rows, if they are whole rows, as of a table of which few are looked up."""
    rows = int(np.count_nonzero(~gradient.reshape(len(gradient), -1).any(axis=1))) if gradient.ndim > 1 else 0
    if rows and rows * gradient[0].size == zeros:
        return f"{rows:,} of its {len(gradient):,} rows {'is' if rows == 1 else 'are'}"
    return f"{zeros:,} of its {gradient.size:,} numbers {'is' if zeros == 1 else 'are'}"


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
