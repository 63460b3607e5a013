"""`Anomaly`: what is known of a number that is not finite, and how it reads."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np

from tinygrad_nn.primitive import Array


@dataclasses.dataclass(frozen=True)
class Anomaly:
    """A number that is not finite, and where it comes from.

    Attributes:
        operation: the name of the primitive that made it, or that was given it where `phase` is "data".
        phase: "forward", "backward", or "data" for a number that was there before any operation.
        line: the user's line that called for the operation, as ``file:line``.
        operand: the position of the operand at fault, or in "backward" of that whose gradient it is; None for all.
        index: the first element that is not finite: of the operand in "data" and "backward", else of the result.
        cause: what happened.
        remedy: what to do.
        text: the first line of the message, and one for each operand.
        origin: where the infinity comes from that a NaN was made of; None if there was none.

    """

    operation: str
    phase: Literal["forward", "backward", "data"]
    line: str
    operand: int | None
    index: tuple[int, ...]
    cause: str
    remedy: str
    text: tuple[str, ...]
    origin: Anomaly | None = None

    def __str__(self) -> str:
        """Tell what was expected, what came, why, and what to do."""
        origin = (
            () if self.origin is None else (f"the infinity: {self.origin.text[0]}", f"  cause: {self.origin.cause}")
        )
        # The remedy that helps is the one for the infinity, without which there would be no NaN.
        remedy = (self.origin or self).remedy
        first, *others = self.text
        return "\n  ".join([first, *others, f"cause: {self.cause}", *origin, f"what to do: {remedy}"])


def is_finite(value: Any) -> bool:
    """Tell whether all numbers are finite."""
    return bool(np.isfinite(value).all())


def is_nan(value: Any) -> bool:
    """Tell whether one of the numbers is NaN."""
    return bool(np.isnan(value).any())


def first_index(array: Any) -> tuple[int, ...]:
    """Return the index of the first NaN, or where there is none of the first infinity.

    >>> first_index(np.array([[1.0, np.inf], [np.nan, 2.0]]))
    (1, 0)
    """
    is_bad = np.isnan(array) if is_nan(array) else ~np.isfinite(array)
    return tuple(int(place[0]) for place in np.nonzero(is_bad)) if np.ndim(array) else ()


def counted(array: Any) -> str:
    """Say how many numbers are not finite, and where the first of them is.

    >>> counted(np.array([np.nan, 1.0, -np.inf]))
    '1 NaN and 1 -inf among 3 elements, the first at [0]'
    """
    if np.size(array) == 1:
        return f"{np.asarray(array).item()}".replace("nan", "NaN")
    return f"{_kinds(array)} among {np.size(array)} elements, the first at {list(first_index(array))}"


def _kinds(array: Any) -> str:
    kinds = {"NaN": np.isnan(array), "inf": np.isposinf(array), "-inf": np.isneginf(array)}
    return " and ".join(f"{np.sum(where)} {kind}" for kind, where in kinds.items() if np.any(where))


def summary(value: Any, index: tuple[int, ...] | None = None) -> str:
    """Say in a line what an array holds, and which number at `index`.

    >>> summary(np.array([1.0, 4.0, np.nan]), (1,))
    'float64 of shape (3,), from 1 to 4, and 1 NaN, the first at [2]; at [1] it is 4'
    """
    array: Array = np.asarray(value)
    if not array.ndim:
        return f"{array.dtype} {array.item():.6g}"
    finite = array[np.isfinite(array)]
    parts = [f"{array.dtype} of shape {array.shape}"]
    if finite.size:
        is_even = finite.size == array.size and finite.min() == finite.max()
        parts.append(f"all {finite.min():.6g}" if is_even else f"from {finite.min():.6g} to {finite.max():.6g}")
    if finite.size < array.size:
        parts.append(f"{'and ' if finite.size else ''}{_kinds(array)}, the first at {list(first_index(array))}")
    text = ", ".join(parts)
    return text if index is None else f"{text}; at {list(index)} it is {array[index].item():.6g}"
