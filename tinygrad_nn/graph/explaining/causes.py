"""What `zeros` and `sizes` share: what a cause is, families of operations, and causes of gradients both zero and tiny.

A function that asks for one cause returns None if it is not this one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygrad_nn.graph.explaining.stages import Stage
from tinygrad_nn.primitive import Array


class Cause(NamedTuple):
    """Why a gradient is what it is.

    Attributes:
        name: in a word or two.
        says: a clause that completes "The gradient is zero: ...".

    """

    name: str
    says: str


SATURATING = frozenset({
    "sigmoid", "tanh", "softmax", "erf", "erfc", "expm1", "logaddexp", "logaddexp2", "logsumexp", "recurrence",
    "arctan",
})  # fmt: skip  # a table
"""Operations whose slope ends at a limit. Not exp, which is no activation: its slope is as small as its value."""

SATURATION = 10.0
"""A difference of logits at which a softmax is still far from passing nothing on."""

ODD = frozenset({"sigmoid", "tanh", "erf", "arctan"})
"""Those that saturate on both sides."""

CHOOSING = {
    "max": "another element won", "min": "another element won", "nanmax": "another element won",
    "nanmin": "another element won", "max_pool": "another element won", "cumulative_max": "another element won",
    "cumulative_min": "another element won", "maximum": "another element won", "minimum": "another element won",
    "fmax": "another element won", "fmin": "another element won", "where": "masked", "relu": "dead relu",
    "nan_to_num": "masked", "multiply": "masked", "getitem": "cut off",
}  # fmt: skip  # a table
"""Operations that pass a gradient to some elements only, and what one calls it when these are others."""

PRODUCTS = frozenset({
    "multiply", "divide", "matmul", "dot", "dense", "contract", "conv", "conv_input", "conv_weight",
})  # fmt: skip  # a table

SINGULAR = frozenset({
    "sqrt", "cbrt", "log", "log2", "log10", "log1p", "divide", "reciprocal", "power", "arccos", "arcsin", "arctanh",
    "arccosh", "euclidean_norm", "binary_cross_entropy", "tan", "inv", "solve", "standardize",
})  # fmt: skip  # a table
"""Operations whose slope is infinite somewhere."""

STEEP = frozenset({"exp", "exp2", "expm1", "sinh", "cosh", "power", "square"})

LOSSES = frozenset({"squared_error", "binary_cross_entropy", "binary_cross_entropy_with_logits", "log_softmax"})
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


def cancelled(stage: Stage) -> Cause | None:
    """Ask whether what arrives adds up to nothing."""
    if not stage.cancels:
        return None
    return Cause("cancelled", f"the elements of the gradient cancel each other in '{stage.name}'")


def are_far_apart(logits: Array | None) -> bool:
    """Tell whether a softmax of `logits` may be saturated."""
    return logits is None or bool(np.ptp(logits) > SATURATION)


def saturated(stage: Stage) -> Cause | None:
    """Ask whether the operand is where an activation has come near its limit."""
    if stage.name not in SATURATING or (stage.name == "recurrence" and stage.position > 0):
        return None
    if stage.name == "softmax" and not are_far_apart(stage.operand):
        return None
    there = ""
    if stage.operand is not None:
        operand = arrived_at(stage, stage.operand)
        if stage.name in ODD and operand.size:
            there = f": its inputs are {float(np.min(np.absolute(operand))):.4g} or more away from 0"
        else:
            there = f": its inputs are {extent(operand)}"
    slope = "small" if stage.factor else "0"
    return Cause("saturated", f"'{stage.name}' is saturated{there}, where its slope is {slope}")


def arrived_at(stage: Stage, operand: Array) -> Array:
    """Return the elements of an operand that a gradient arrives at, where that can be told."""
    return operand[stage.gradient != 0] if operand.shape == stage.gradient.shape else operand


def at_minimum(stage: Stage) -> Cause | None:
    """Ask whether a loss can become no better."""
    if stage.name not in LOSSES:
        return None
    near = "equals" if not stage.factor else "is close to"
    best = "maximum" if stage.name == "log_softmax" else "minimum"
    return Cause("at its minimum", f"the prediction {near} the target, so that '{stage.name}' is at its {best}")
