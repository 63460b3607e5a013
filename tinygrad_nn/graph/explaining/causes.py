"""The catalogue of causes: why an operation makes a gradient zero, small, large or no finite number, and what helps.

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

REMEDIES = {
    "at its minimum": "Nothing, if the loss is as small as it should be.",
    "another element won": (
        "Nothing, if the other elements are meant to win. To reach all of them, use a soft version such as "
        "nn.logsumexp or nn.softmax."
    ),
    "cancelled": (
        "Nothing, if the loss does not depend on the parameter: a bias right before a normalisation has no effect. "
        "Leave such a parameter out, and look for two terms of opposite sign otherwise."
    ),
    "cut off": "Check the index or the mask that chooses which part of the value is used.",
    "dead relu": (
        "Keep more inputs of the unit positive: a smaller learning rate, init='he_normal', normalised data, a bias "
        "that starts above 0; or use nn.LeakyReLU or nn.GELU, whose slope is not 0 for negative inputs."
    ),
    "dropped out": "Call model.eval() for a look without Dropout, or use a smaller p.",
    "edge of the domain": (
        "Keep the operand away from the edge: np.sqrt(x + 1e-12), np.log(np.maximum(x, eps)), a divisor that cannot "
        "become 0, nn.cross_entropy of logits rather than the logarithm of a softmax."
    ),
    "empty": "Check the index or the mask that leaves nothing.",
    "exploding": (
        "Smaller initial weights, a normalisation or residual connections between the layers, or a limit: "
        "optim.clip_by_norm(parameters, 1.0) before optimizer.step()."
    ),
    "flat": (
        "Use a smooth function in its place, or pass the gradient straight through: "
        "x + tn.stop_gradient(np.round(x) - x)."
    ),
    "large factor": "Scale this factor down: normalise the data, start with smaller weights, or average where you sum.",
    "masked": (
        "Check that the condition, or the bounds of the clip, leave something to learn from; to clip and still pass "
        "the gradient, write x + tn.stop_gradient(np.clip(x, a, b) - x)."
    ),
    "masked infinity": (
        "Compute only where it is defined: np.piecewise(x, [x > 0], [np.sqrt, 0]); or choose a harmless operand "
        "before, as in np.sqrt(np.where(x > 0, x, 1))."
    ),
    "not finite before": (
        "Look for the first such number: in the data with np.isfinite(x).all(), in a parameter after a step that was "
        "too large. Use a smaller learning rate, or optim.clip_by_norm."
    ),
    "overflow": "Scale the loss down, or compute in float64.",
    "saturated": (
        "Keep the inputs of the activation near 0: normalise the data, start with smaller weights. For a loss of "
        "probabilities use nn.binary_cross_entropy_with_logits or nn.cross_entropy, which take the logits."
    ),
    "small factor": "Scale this factor up: normalise the data, start with larger weights, or sum where you average.",
    "steep": "Limit the operand, or take logarithms: nn.logsumexp and nn.log_softmax do so safely.",
    "underflow": "Scale the loss up (and the gradient down again before the step), or compute in float64.",
    "vanishing": (
        "Use activations whose slope is 1, such as nn.ReLU, init='he_normal' or 'glorot_uniform', and a normalisation "
        "or residual connections between the layers; for a recurrent network nn.LSTM or nn.GRU."
    ),
    "zero factor": "Start this factor with numbers other than zero, or check the mask, if it is one.",
}
"""What to do about each cause."""

_SATURATING = frozenset({
    "sigmoid", "tanh", "softmax", "log_softmax", "error_function", "complementary_error_function", "exp", "exp2",
    "expm1", "logaddexp", "logaddexp2", "logsumexp", "recurrence", "arctan",
})  # fmt: skip  # a table

_ODD = frozenset({"sigmoid", "tanh", "error_function", "arctan"})
"""Those that saturate on both sides."""

_CHOOSING = {
    "max": "another element won", "min": "another element won", "nanmax": "another element won",
    "nanmin": "another element won", "max_pool": "another element won", "cumulative_max": "another element won",
    "cumulative_min": "another element won", "maximum": "another element won", "minimum": "another element won",
    "fmax": "another element won", "fmin": "another element won", "where": "masked", "relu": "dead relu",
    "nan_to_num": "masked", "multiply": "masked", "getitem": "cut off", "take": "cut off", "take_along_axis": "cut off",
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

_LOSSES = frozenset({"squared_error", "binary_cross_entropy", "binary_cross_entropy_with_logits"})


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
    if stage.name == "where":
        other = next((name for name, value in stage.others[1:] if value.ndim == 0), "the other value")
        return Cause(
            "masked",
            f"'where' takes {other} wherever a gradient arrives, as a mask does, or a clip for what is out of bounds",
        )
    if stage.name in ("maximum", "minimum", "fmax", "fmin"):
        kind = "larger" if "max" in stage.name else "smaller"
        other = stage.others[0][0] if stage.others else "the other operand"
        return Cause("another element won", f"in '{stage.name}' {other} is {kind} wherever a gradient arrives")
    return None


def _saturated(stage: Stage) -> Cause | None:
    if stage.name not in _SATURATING or (stage.name == "recurrence" and stage.position > 0):
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
    return Cause("at its minimum", f"the prediction {near} the target, so that '{stage.name}' is at its minimum")


def _zero_factor(stage: Stage) -> Cause | None:
    if stage.name not in _PRODUCTS:
        return None
    zero = next((name for name, value in stage.others if value.size and not np.any(value)), None)
    if zero is not None:
        is_number = zero == "0"
        says = f"'{stage.name}' multiplies it by {zero}{'' if is_number else ', which is all zeros'}"
        return Cause("zero factor", says)
    return Cause("zero factor", f"'{stage.name}' multiplies it by zeros wherever a gradient arrives")


def _part(stage: Stage) -> Cause | None:
    if not stage.is_elsewhere:
        return None
    return Cause("cut off", f"the part of the gradient that '{stage.name}' passes on here is zero")


def cause_above(name: str) -> Cause:
    """Return why an operation has made that part of a gradient zero which a later one would have passed on."""
    return Cause(_CHOOSING.get(name, "cut off"), f"'{name}' passes the gradient to other elements only")


_OF_ZEROS: tuple[Inquiry, ...] = (
    _empty, _flat, _underflow, _cancelled, _dead, _masked, _saturated, _minimum, _zero_factor, _part,
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
    if found is None and stage.name in _PRODUCTS and stage.others:
        name, value = min(stage.others, key=lambda other: norm(other[1]) / max(other[1].size, 1) ** 0.5)
        return Cause("small factor", f"'{stage.name}' multiplies it by {name}, which is {extent(value)}")
    return found or Cause("small slope", f"'{stage.name}' makes it {_times(1 / stage.factor)} smaller")


def cause_of_growth(stage: Stage) -> Cause:
    """Return why a gradient becomes much larger."""
    if stage.name in _SINGULAR:
        return Cause("edge of the domain", _near_the_edge(stage, f"makes it {_times(stage.factor)} larger"))
    if stage.name in _STEEP:
        there = f" ({extent(stage.operand)})" if stage.operand is not None else ""
        return Cause("steep", f"'{stage.name}' is steep at its operand{there}")
    if stage.name in _PRODUCTS and stage.others:
        name, value = max(stage.others, key=lambda other: norm(other[1]))
        return Cause("large factor", f"'{stage.name}' multiplies it by {name}, which is {extent(value)}")
    return Cause("large slope", f"'{stage.name}' makes it {_times(stage.factor)} larger")


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
    ranges = "; ".join(extent(operand) for operand in operands)
    kind = "edge of the domain" if name in _SINGULAR else "steep" if name in _STEEP else "overflow"
    return Cause(kind, f"'{name}' makes a value that is not finite of finite operands ({ranges})")


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
