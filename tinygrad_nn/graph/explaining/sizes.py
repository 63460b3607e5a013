"""Why an operation makes a gradient much smaller, much larger, or no finite number."""

from __future__ import annotations

import numpy as np

from tinygrad_nn.graph.explaining.causes import (
    LOSSES,
    PRODUCTS,
    SINGULAR,
    STEEP,
    Cause,
    at_minimum,
    cancelled,
    extent,
    saturated,
)
from tinygrad_nn.graph.explaining.stages import Stage
from tinygrad_nn.graph.norms import norm
from tinygrad_nn.primitive import Array


def cause_of_shrinking(stage: Stage) -> Cause:
    """Return why a gradient becomes much smaller."""
    if stage.name == "relu":
        share = float(np.mean(stage.operand <= 0)) if stage.operand is not None else 0.0
        return Cause(
            "dead relu", f"relu is dead for nearly all that arrives: {share:.0%} of its inputs are negative or 0"
        )
    found = saturated(stage) or at_minimum(stage) or (cancelled(stage) if stage.nearly_cancels else None)
    if found is None and stage.name == "divide" and stage.position == 0 and stage.others:
        return Cause("small factor", f"'divide' divides it by {_written(*stage.others[0])}")
    if found is None and stage.name in PRODUCTS and stage.others:
        name, value = min(stage.others, key=lambda other: norm(other[1]) / max(other[1].size, 1) ** 0.5)
        return Cause("small factor", f"'{stage.name}' multiplies it by {_written(name, value)}")
    if found is None and stage.name in STEEP:
        return Cause("small slope", f"'{stage.name}' is nearly flat at its operand{_there(stage)}")
    return found or Cause("small slope", f"'{stage.name}' makes it {_times(1 / stage.factor)} smaller")


def cause_of_growth(stage: Stage) -> Cause:
    """Return why a gradient becomes much larger."""
    if stage.name in SINGULAR:
        return Cause("edge of the domain", _near_the_edge(stage, f"makes it {_times(stage.factor)} larger"))
    if stage.name in LOSSES and stage.operand is not None and stage.others:
        error = float(np.max(np.absolute(stage.operand - stage.others[0][1])))
        return Cause("large error", f"the prediction is far from the target, by up to {error:.4g}")
    if stage.name in STEEP:
        return Cause("steep", f"'{stage.name}' is steep at its operand{_there(stage)}")
    if stage.name in PRODUCTS and stage.others:
        name, value = max(stage.others, key=lambda other: norm(other[1]))
        return Cause("large factor", f"'{stage.name}' multiplies it by {_written(name, value)}")
    return Cause("large slope", f"'{stage.name}' makes it {_times(stage.factor)} larger")


def _there(stage: Stage) -> str:
    return f" ({extent(stage.operand)})" if stage.operand is not None else ""


def _written(name: str, value: Array) -> str:
    """Return how an operand is called and how large it is, which of a number is the same."""
    return name if value.ndim == 0 and name == f"{value:.6g}" else f"{name}, which is {extent(value)}"


def _times(factor: float) -> str:
    return f"{factor:.3g} times"


# Not finite


def cause_of_infinity(stage: Stage) -> Cause:
    """Return why a gradient of finite numbers leaves as one that is not."""
    part = np.asarray(stage.closure(stage.gradient))
    places = ~np.isfinite(part)
    largest = np.max(np.absolute(stage.gradient))
    if largest > 1 and np.all(np.isfinite(stage.closure(stage.gradient / largest))):
        return Cause("overflow", f"in '{stage.name}' the product is larger than the largest number of {part.dtype}")
    says = _near_the_edge(stage, "has no finite slope", places)
    if part.shape == stage.gradient.shape and not np.any(stage.gradient[places]):
        says += "; nothing arrives there, as behind an np.where that takes the other value, but 0 * inf is NaN"
        return Cause("masked infinity", says)
    return Cause("edge of the domain", says)


def cause_of_infinite_value(name: str, operands: list[Array]) -> Cause:
    """Return why an operation makes a value that is not finite of finite ones."""
    is_steep = name in STEEP and (name not in SINGULAR or bool(np.all(operands[0] > 0)))
    kind = "steep" if is_steep else "edge of the domain" if name in SINGULAR else "overflow"
    return Cause(kind, f"'{name}' makes a value that is not finite of finite operands ({_ranges(operands)})")


def cause_of_nan(name: str, operands: list[Array]) -> Cause:
    """Return why an operation makes NaN of operands that are infinite from the start."""
    return Cause("infinity", f"'{name}' makes NaN of operands of which some are infinite ({_ranges(operands)})")


def _ranges(operands: list[Array]) -> str:
    return "; ".join(extent(operand) for operand in operands)


def _near_the_edge(stage: Stage, says: str, places: Array | None = None) -> str:
    """Say of an operation what its operand is at the `places` in question, or in all."""
    word, operand = "operand", stage.operand
    if stage.name == "divide":
        word, operand = "divisor", stage.others[0][1] if stage.position == 0 and stage.others else stage.operand
    if operand is None:
        return f"'{stage.name}' {says}"
    if places is not None and np.broadcast_shapes(operand.shape, places.shape) == places.shape:
        operand = np.broadcast_to(operand, places.shape)[places]
        says += f" at {operand.size:,} of {places.size:,} elements"
    return f"'{stage.name}' {says}, where its {word} is {extent(operand)}"
