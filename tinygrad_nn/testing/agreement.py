"""How two results are compared that shall be the same, and how it is said that they are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from tinygrad_nn.primitive import Array

VANISHED = 1e-30
"""How small a derivative may be for the values drawn here, lest it be what a saturated function has left of it."""

_CANCELLED = 1e-2
"""The part of its usual size below which a gradient is what cancelling has left."""


class Broken(Exception):  # noqa: N818 - it never leaves this room
    """What a promise raises: how it is broken, and its name where that is not the name of the function."""

    def __init__(self, detail: str, promise: str = "") -> None:
        """Keep both apart: the case and the subject are known further out."""
        super().__init__(detail)
        self.promise = promise


def fail(detail: str, promise: str = "") -> NoReturn:
    """Say that a promise is broken."""
    raise Broken(detail, promise)


def agree(what: str, found: Any, wanted: Any, tolerance: Any) -> None:
    """Raise where two arrays differ by more than the tolerance; what is None has no gradient, and so on both sides."""
    if found is None or wanted is None:
        if found is not wanted:
            fail(f"{what}: expected {_shown(wanted)}, got {_shown(found)}")
        return
    is_off = ~((np.abs(found - wanted) <= tolerance + 1e-300) | (found == wanted))
    is_off &= ~(np.isnan(found) & np.isnan(wanted)) if np.asarray(wanted).dtype.kind == "f" else True
    if np.any(is_off):
        fail(f"{what}: expected\n    {_shown(wanted)}\ngot\n    {_shown(found)}")


def agree_at_scale(
    what: str, found: Sequence[Any], wanted: Sequence[Any], operands: Sequence[Array], rtol: float
) -> None:
    """Compare value and gradients, relative to the largest element of each.

    A gradient that is next to nothing is what cancelling has left, so it is compared with what it usually is: the size
    of the value by that of the operand.
    """
    if not wanted:
        return
    size = max(largest(wanted[0]), VANISHED)
    agree(f"value {what}", found[0], wanted[0], rtol * size)
    for place, (result, expected, x) in enumerate(zip(found[1:], wanted[1:], operands, strict=True)):
        scale = max(largest(expected), _CANCELLED * size / (largest(x) or 1.0))
        agree(f"gradient of array {place} {what}", result, expected, rtol * scale)


def largest(x: Any) -> float:
    """Return the size of the largest element; 0 where there is none."""
    return 0.0 if x is None else float(np.max(np.abs(x), initial=0))


def _shown(value: Any) -> str:
    if value is None:
        return "no gradient"
    return np.array2string(np.asarray(value), threshold=20, prefix="    ", floatmode="unique")
