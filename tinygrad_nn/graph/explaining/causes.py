"""The catalogue of causes: why an operation makes a gradient zero, small, large or no finite number.

Each function declines by returning None, and the first that does not has found the cause.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from tinygrad_nn.graph.explaining.stages import Stage
from tinygrad_nn.graph.norms import norm
from tinygrad_nn.primitive import Array


class Cause(NamedTuple):
    """Why a gradient is what it is.

    Attributes:
        name: in a word or two.
        says: a clause that completes "The gradient is zero: ...".

    """

    name: str
    says: str


Inquiry: TypeAlias = Callable[[Stage], "Cause | None"]

_SATURATING = frozenset({
    "sigmoid", "tanh", "softmax", "erf", "erfc", "exp", "exp2",
    "expm1", "logaddexp", "logaddexp2", "logsumexp", "recurrence", "arctan",
})  # fmt: skip  # a table

_SATURATION = 10.0
"""A difference of logits at which a softmax is still far from passing nothing on."""

_ODD = frozenset({"sigmoid", "tanh", "erf", "arctan"})
"""Those that saturate on both sides."""

_CHOOSING = {
    "max": "another element won", "min": "another element won", "nanmax": "another element won",
    "nanmin": "another element won", "max_pool": "another element won", "cumulative_max": "another element won",
    "cumulative_min": "another element won", "maximum": "another element won", "minimum": "another element won",
    "fmax": "another element won", "fmin": "another element won", "where": "masked", "relu": "dead relu",
    "nan_to_num": "masked", "multiply": "masked", "getitem": "cut off",
}  # fmt: skip  # a table
"""Operations that pass a gradient to some elements only, and what one calls it when these are others."""

_PRODUCTS = frozenset({
    "multiply", "divide", "matmul", "dot", "dense", "contract", "conv", "conv_input", "conv_weight",
})  # fmt: skip  # a table

_SINGULAR = frozenset({
    "sqrt", "cbrt", "log", "log2", "log10", "log1p", "divide", "reciprocal", "power", "arccos", "arcsin", "arctanh",
    "arccosh", "euclidean_norm", "binary_cross_entropy", "tan", "inv", "solve", "standardize",
})  # fmt: skip  # a table
"""Operations whose slope is infinite somewhere."""

_STEEP = frozenset({"exp", "exp2", "expm1", "sinh", "cosh", "power", "square"})

_LOSSES = frozenset({"squared_error", "binary_cross_entropy", "binary_cross_entropy_with_logits", "log_softmax"})
"""Operations whose slope is 0 only where the prediction is right: that of ``log(softmax(x))`` is ``1 - p``."""


def extent(array: Array) -> str:
    """Say between which numbers those of an array lie.

    >>> extent(np.array([0.5, 2.0])), extent(np.zeros(3))
    ('between 0.5 and 2', '0')

    """
    if array.size == 0:
        return "empty"
    low, high = float(np.min(array)), float(np.max(array))
    return f"{low:.4g}" if low == high else f"between {low:.4g} and {high:.4g}"


# Zero


def cause_of_zero(stage: Stage) -> Cause:
    """Return why nothing of a gradient leaves, although something arrives."""
    found = (inquiry(stage) for inquiry in _OF_ZEROS)
    there = f" ({extent(stage.operand)})" if stage.operand is not None else ""
    default = Cause("zero slope", f"the slope of '{stage.name}' is 0 at its operand{there}")
    return next((cause for cause in found if cause is not None), default)


def _vanished(stage: Stage) -> Cause | None:
    is_constant = any(not np.any(value) for _, value in stage.others)  # x**0
    if stage.name not in _STEEP or stage.operand is None or not np.any(stage.operand) or is_constant:
        return None
    dtype = stage.gradient.dtype
    slope = f"the slope of '{stage.name}' at its operand ({extent(stage.operand)})"
    return Cause("underflow", f"{slope} is smaller than the smallest number of {dtype}, and became 0")


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


def _cancelled(stage: Stage) -> Cause | None:
    if not stage.cancels:
        return None
    return Cause("cancelled", f"the elements of the gradient cancel each other in '{stage.name}'")


def _dead(stage: Stage) -> Cause | None:
    if stage.name != "relu":
        return None
    size, arriving = stage.gradient.size, int(np.count_nonzero(stage.gradient))
    if stage.operand is not None and bool(np.all(stage.operand <= 0)):
        return Cause("dead relu", f"relu is dead: all {size:,} of its inputs are negative or 0")
    return Cause("dead relu", f"relu is dead for the {arriving:,} of {size:,} elements that a gradient arrives at")


def _masked(stage: Stage) -> Cause | None:
    largest, smallest = ("maximum", "fmax"), ("minimum", "fmin")
    if stage.name not in ("where", *largest, *smallest):
        return None
    others = stage.others[1:] if stage.name == "where" else stage.others  # but for the condition
    other, value = next(((name, value) for name, value in others if value.ndim == 0), ("the other value", None))
    if value == 0 and stage.name not in smallest and stage.operand is not None and bool(np.all(stage.operand <= 0)):
        size = stage.operand.size
        return Cause(
            "dead relu", f"'{stage.name}' acts as a relu that is dead: all {size:,} of its inputs are negative or 0"
        )
    if stage.name == "where":
        says = f"'where' takes {other} wherever a gradient arrives, as a mask does, or a clip for what is out of bounds"
        return Cause("masked", says)
    kind = "larger" if stage.name in largest else "smaller"
    other = others[0][0] if others else "the other operand"
    return Cause(
        "masked" if value is not None else "another element won",
        f"in '{stage.name}' {other} is {kind} wherever a gradient arrives",
    )


def _overwritten(stage: Stage) -> Cause | None:
    if stage.name != "set_at" or stage.position > 0:
        return None
    return Cause("overwritten", "an assignment (.at[...].set) overwrites all elements that a gradient arrives at")


def _constant(stage: Stage) -> Cause | None:
    if stage.name not in ("softmax", "log_softmax") or _are_far_apart(stage.operand) or stage.is_elsewhere:
        return None
    always = "1" if stage.name == "softmax" else "0"
    return Cause("constant", f"'{stage.name}' goes along an axis of length 1, where its result is always {always}")


def _are_far_apart(logits: Array | None) -> bool:
    return logits is None or bool(np.ptp(logits) > _SATURATION)


def _saturated(stage: Stage) -> Cause | None:
    if stage.name not in _SATURATING or (stage.name == "recurrence" and stage.position > 0):
        return None
    if stage.name == "softmax" and not _are_far_apart(stage.operand):
        return None
    there = ""
    if stage.operand is not None:
        operand = stage.operand[stage.gradient != 0] if stage.operand.shape == stage.gradient.shape else stage.operand
        if stage.name in _ODD and operand.size:
            there = f": its inputs are {float(np.min(np.absolute(operand))):.4g} or more away from 0"
        else:
            there = f": its inputs are {extent(operand)}"
    slope = "small" if stage.factor else "0"
    return Cause("saturated", f"'{stage.name}' is saturated{there}, where its slope is {slope}")


def _minimum(stage: Stage) -> Cause | None:
    if stage.name not in _LOSSES:
        return None
    near = "equals" if not stage.factor else "is close to"
    best = "maximum" if stage.name == "log_softmax" else "minimum"
    return Cause("at its minimum", f"the prediction {near} the target, so that '{stage.name}' is at its {best}")


def _zero_factor(stage: Stage) -> Cause | None:
    if stage.name not in _PRODUCTS:
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


def _part(stage: Stage) -> Cause | None:
    if not stage.is_elsewhere:
        return None
    return Cause("cut off", f"the part of the gradient that '{stage.name}' passes on here is zero")


def cause_above(name: str) -> Cause:
    """Return why an operation has made that part of a gradient zero which a later one would have passed on."""
    if name in _SATURATING:
        return Cause("saturated", f"'{name}' is saturated for the elements that lead to it")
    return Cause(_CHOOSING.get(name, "cut off"), f"'{name}' passes the gradient to other elements only")


_OF_ZEROS: tuple[Inquiry, ...] = (
    _empty, _flat, _underflow, _cancelled, _dead, _masked, _overwritten, _constant, _saturated, _minimum, _zero_factor,
    _zero_product, _part, _vanished,
)  # fmt: skip  # a table
"""What is asked about zeros, the questions that hold for every operation before those for one family of them."""


# Small and large


def cause_of_shrinking(stage: Stage) -> Cause:
    """Return why a gradient becomes much smaller."""
    if stage.name == "relu":
        share = float(np.mean(stage.operand <= 0)) if stage.operand is not None else 0.0
        return Cause(
            "dead relu", f"relu is dead for nearly all that arrives: {share:.0%} of its inputs are negative or 0"
        )
    found = _saturated(stage) or _minimum(stage) or (_cancelled(stage) if stage.nearly_cancels else None)
    if found is None and stage.name == "divide" and stage.position == 0 and stage.others:
        return Cause("small factor", f"'divide' divides it by {_written(*stage.others[0])}")
    if found is None and stage.name in _PRODUCTS and stage.others:
        name, value = min(stage.others, key=lambda other: norm(other[1]) / max(other[1].size, 1) ** 0.5)
        return Cause("small factor", f"'{stage.name}' multiplies it by {_written(name, value)}")
    return found or Cause("small slope", f"'{stage.name}' makes it {_times(1 / stage.factor)} smaller")


def cause_of_growth(stage: Stage) -> Cause:
    """Return why a gradient becomes much larger."""
    if stage.name in _SINGULAR:
        return Cause("edge of the domain", _near_the_edge(stage, f"makes it {_times(stage.factor)} larger"))
    if stage.name in _LOSSES and stage.operand is not None and stage.others:
        error = float(np.max(np.absolute(stage.operand - stage.others[0][1])))
        return Cause("large error", f"the prediction is far from the target, by up to {error:.4g}")
    if stage.name in _STEEP:
        there = f" ({extent(stage.operand)})" if stage.operand is not None else ""
        return Cause("steep", f"'{stage.name}' is steep at its operand{there}")
    if stage.name in _PRODUCTS and stage.others:
        name, value = max(stage.others, key=lambda other: norm(other[1]))
        return Cause("large factor", f"'{stage.name}' multiplies it by {_written(name, value)}")
    return Cause("large slope", f"'{stage.name}' makes it {_times(stage.factor)} larger")


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
    is_steep = name in _STEEP and (name not in _SINGULAR or bool(np.all(operands[0] > 0)))
    kind = "steep" if is_steep else "edge of the domain" if name in _SINGULAR else "overflow"
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
