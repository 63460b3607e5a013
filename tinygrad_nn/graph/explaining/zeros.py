"""Why an operation makes a gradient zero.

Each function declines by returning None, and the first that does not has found the cause.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from tinygrad_nn.graph.explaining.causes import (
    CHOOSING,
    PRODUCTS,
    SATURATING,
    STEEP,
    Cause,
    are_far_apart,
    arrived_at,
    at_minimum,
    cancelled,
    extent,
    saturated,
)
from tinygrad_nn.graph.explaining.stages import Stage

Inquiry: TypeAlias = Callable[[Stage], "Cause | None"]


def cause_of_zero(stage: Stage) -> Cause:
    """Return why nothing of a gradient leaves, although something arrives."""
    found = (inquiry(stage) for inquiry in _OF_ZEROS)
    there = f" ({extent(stage.operand)})" if stage.operand is not None else ""
    default = Cause("zero slope", f"the slope of '{stage.name}' is 0 at its operand{there}")
    return next((cause for cause in found if cause is not None), default)


def _empty(stage: Stage) -> Cause | None:
    is_empty = stage.operand is not None and stage.operand.size == 0
    return Cause("empty", f"the operand of '{stage.name}' has no elements") if is_empty else None


def _flat(stage: Stage) -> Cause | None:
    if not stage.is_flat:
        return None
    return Cause("flat", f"'{stage.name}' is constant between its steps, so that its slope is 0")


def _underflow(stage: Stage) -> Cause | None:
    if not stage.underflows:
        return None
    return Cause(
        "underflow",
        f"in '{stage.name}' the product is smaller than the smallest number of {stage.gradient.dtype}, and became 0",
    )


def _dead(stage: Stage) -> Cause | None:
    if stage.name != "relu":
        return None
    return _dead_relu("relu is", stage)


def _dead_relu(relu_is: str, stage: Stage) -> Cause:
    size, arriving = stage.gradient.size, int(np.count_nonzero(stage.gradient))
    if stage.operand is not None and bool(np.all(stage.operand <= 0)):
        return Cause("dead relu", f"{relu_is} dead: all {stage.operand.size:,} of its inputs are negative or 0")
    return Cause("dead relu", f"{relu_is} dead for the {arriving:,} of {size:,} elements that a gradient arrives at")


def _masked(stage: Stage) -> Cause | None:
    largest, smallest = ("maximum", "fmax"), ("minimum", "fmin")
    if stage.name not in ("where", *largest, *smallest):
        return None
    others = stage.others[1:] if stage.name == "where" else stage.others  # but for the condition
    other, value = next(((name, value) for name, value in others if value.ndim == 0), ("the other value", None))
    if value == 0 and stage.name not in smallest and stage.operand is not None and bool(np.all(stage.operand <= 0)):
        return _dead_relu(f"'{stage.name}' acts as a relu that is", stage)
    if stage.name == "where" and value == 0 and stage.operand_from == "sqrt" and _is_safe_root(stage):
        says = "a root of 0, as the deviation of equal numbers is one, has no slope: 'where' takes 0 for it"
        return Cause("zero slope", says)
    if stage.name == "where":
        says = f"'where' takes {other} wherever a gradient arrives, as a mask does, or a clip for what is out of bounds"
        return Cause("masked", says)
    kind = "larger" if stage.name in largest else "smaller"
    other = others[0][0] if others else "the other operand"
    return Cause(
        "masked" if value is not None else "another element won",
        f"in '{stage.name}' {other} is {kind} wherever a gradient arrives",
    )


def _is_safe_root(stage: Stage) -> bool:
    """Tell whether a root is that of 0, or of the 1 that stands for 0 where its slope must not become infinite."""
    return stage.operand is not None and bool(np.isin(arrived_at(stage, stage.operand), (0, 1)).all())


def _masked_like_relu(stage: Stage) -> Cause | None:
    if stage.name != "multiply" or not stage.others or stage.operand is None:
        return None
    mask = stage.others[0][1]  # x * (x > 0); numbers that are all 0 may be anything
    is_mask = (mask.dtype == bool or bool(mask.any())) and np.array_equal(mask, stage.operand > 0)
    return _dead_relu("'multiply' acts as a relu that is", stage) if is_mask else None


def _overwritten(stage: Stage) -> Cause | None:
    if stage.name != "set_at" or stage.position > 0:
        return None
    return Cause("overwritten", "an assignment (.at[...].set) overwrites all elements that a gradient arrives at")


def _constant(stage: Stage) -> Cause | None:
    if stage.name not in ("softmax", "log_softmax") or are_far_apart(stage.operand) or stage.is_elsewhere:
        return None
    always = "1" if stage.name == "softmax" else "0"
    return Cause("constant", f"'{stage.name}' goes along an axis of length 1, where its result is always {always}")


def _zero_factor(stage: Stage) -> Cause | None:
    if stage.name not in PRODUCTS:
        return None
    if not stage.others and stage.operand is not None and not np.any(stage.operand):
        return Cause("zero slope", f"'{stage.name}' multiplies 0 with itself, and the slope of a square is 0 there")
    zero = next((name for name, value in stage.others if value.size and not np.any(value)), None)
    if zero is not None:
        is_number = zero == "0"
        says = f"'{stage.name}' multiplies it by {zero}{'' if is_number else ', which is all zeros'}"
        return Cause("zero factor", says)
    return Cause("zero factor", f"'{stage.name}' multiplies it by zeros wherever a gradient arrives")


def _zero_product(stage: Stage) -> Cause | None:
    zeros = 0 if stage.operand is None else int(np.count_nonzero(stage.operand == 0))
    if stage.name != "prod" or zeros < 2:
        return None
    return Cause("zero factor", f"'prod' multiplies it by all other factors, and {zeros:,} of them are 0")


def _vanished(stage: Stage) -> Cause | None:
    is_constant = any(not np.any(value) for _, value in stage.others)  # x**0
    if stage.name not in STEEP or stage.operand is None or not np.any(stage.operand) or is_constant:
        return None
    dtype = stage.gradient.dtype
    slope = f"the slope of '{stage.name}' at its operand ({extent(stage.operand)})"
    # Not "underflow": a loss that is scaled up has the same slope here.
    return Cause("small slope", f"{slope} is smaller than the smallest number of {dtype}, and became 0")


def _part(stage: Stage) -> Cause | None:
    if not stage.is_elsewhere:
        return None
    return Cause("cut off", f"the part of the gradient that '{stage.name}' passes on here is zero")


def cause_above(name: str, operand_from: str) -> Cause:
    """Return why an operation has made that part of a gradient zero which a later one would have passed on.

    Args:
        name: the operation.
        operand_from: what made its operand.

    """
    if name in SATURATING:
        return Cause("saturated", f"'{name}' is saturated for the elements that lead to it")
    if name in STEEP:
        return Cause("small slope", f"the slope of '{name}' is 0 for the elements that lead to it")
    if (name, operand_from) == ("getitem", "sort"):
        says = "of the sorted elements 'getitem' takes others, as a median takes only the one or two in the middle"
        return Cause("another element won", says)
    return Cause(CHOOSING.get(name, "cut off"), f"'{name}' passes the gradient to other elements only")


_OF_ZEROS: tuple[Inquiry, ...] = (
    _empty, _flat, _underflow, cancelled, _dead, _masked, _masked_like_relu, _overwritten, _constant, saturated,
    at_minimum, _zero_factor, _zero_product, _part, _vanished,
)  # fmt: skip  # a table
"""What is asked about zeros, the questions that hold for every operation before those for one family of them."""
