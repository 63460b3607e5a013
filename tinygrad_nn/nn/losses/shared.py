"""What all losses share: operands of one shape, weights that fit them, and the three reductions."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.tensor import Operand, Tensor

Reduction: TypeAlias = Literal["mean", "sum", "none"]


def tensorlike(value: Operand) -> Any:
    """Return a Tensor or array, so that it has a shape."""
    return value if isinstance(value, (Tensor, np.ndarray)) else np.asarray(value)


def pair(name: str, prediction: Operand, target: Operand) -> tuple[Any, Any]:
    """Return prediction and target, refused unless their shapes are equal."""
    p, t = tensorlike(prediction), tensorlike(target)
    if p.shape != t.shape:
        message = (
            f"{name}: expected 'prediction' and 'target' of one shape, got {p.shape} and {t.shape}, "
            f"which would broadcast or fail. Use target.reshape({lengths(p.shape)}) if the elements match"
        )
        raise ShapeError(message)
    return p, t


def vectors(name: str, prediction: Operand, target: Operand) -> tuple[Any, Any]:
    """Return prediction and target, refused unless their shapes are equal and have a last axis to reduce over."""
    p, t = pair(name, prediction, target)
    if not p.ndim:
        message = f"{name}: expected vectors along the last axis, got single numbers. Reshape both to (1, length)"
        raise ShapeError(message)
    return p, t


def weights(name: str, argument: str, value: Operand, prediction: Any) -> Any:
    """Return weights in the dtype of the prediction, refused unless they broadcast to its shape and not beyond it."""
    found = tensorlike(value)
    if found.shape != prediction.shape[prediction.ndim - found.ndim :]:
        allowed = " or ".join(str(prediction.shape[place:]) for place in range(prediction.ndim + 1))
        message = (
            f"{name}: expected '{argument}' to have the shape of the prediction or of its last axes, {allowed}, "
            f"got {found.shape}. Use numpy.broadcast_to({argument}, {prediction.shape}) for other axes"
        )
        raise ShapeError(message)
    return found.astype(prediction.dtype if prediction.dtype.kind == "f" else float, copy=False)


def count(name: str, values: Any, reduction: Reduction) -> int:
    """Return what a sum is divided by; 1 for no values at all, whose mean thus is 0."""
    if reduction not in ("mean", "sum"):
        message = f"{name}: expected the reduction 'mean', 'sum' or 'none', got {reduction!r}"
        raise ArgumentError(message)
    return max(values.size, 1) if reduction == "mean" else 1


def reduce(name: str, values: Any, reduction: Reduction) -> Any:
    """Average or sum elementwise losses."""
    return values if reduction == "none" else values.sum() / count(name, values, reduction)


def lengths(shape: tuple[int, ...]) -> str:
    """Write a shape as the arguments of `reshape`."""
    return ", ".join(map(str, shape))
