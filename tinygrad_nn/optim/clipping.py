"""Clipping: gradients that are too large are made smaller, between ``backward()`` and ``step()``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError, TrainingError
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw


def clip_by_value(params: Iterable[Tensor], limit: float) -> None:
    """Cut off each element of each gradient at ``-limit`` and `limit`; the direction changes.

    PyTorch's name for it is ``clip_grad_value_``.

    Args:
        params: Tensors, such as ``model.parameters()``. Those without a gradient are passed over.
        limit: at least 0.

    Raises:
        ArgumentError: `limit` is negative.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> clip_by_value([w], 3.0)
    >>> w.grad
    array([ 2., -3.])

    """
    _refuse_negative("clip_by_value", "limit", limit)
    for param, gradient in _gradients(params):
        param.grad = np.clip(gradient, -limit, limit)


def clip_by_norm(params: Iterable[Tensor], max_norm: float) -> float:
    """Scale all gradients by one number, so that their norm together is at most `max_norm`, and return what it was.

    The norm is the root of the sum of the squares of all elements of all gradients; the direction stays. PyTorch's name
    for it is ``clip_grad_norm_``, whose result is smaller by a millionth, for it adds 1e-6 to the norm.

    Args:
        params: Tensors, such as ``model.parameters()``. Those without a gradient are passed over.
        max_norm: at least 0; `math.inf` only measures.

    Raises:
        ArgumentError: `max_norm` is negative.
        TrainingError: a gradient is not finite. All gradients are left as they are.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([1.5, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> clip_by_norm([w], 1.0)
    5.0
    >>> w.grad
    array([ 0.6, -0.8])

    """
    _refuse_negative("clip_by_norm", "max_norm", max_norm)
    found = _gradients(params)
    for place, (param, gradient) in enumerate(found):
        if not np.isfinite(gradient).all():
            message = (
                f"clip_by_norm: expected finite gradients, got {_first_wrong(gradient)} in that of "
                f"{param.name or f'parameter {place}'}. Lower the learning rate, or skip this step: call zero_grad()"
            )
            raise TrainingError(message)
    norm = math.hypot(*(_norm(gradient) for _, gradient in found))
    if norm > max_norm:
        for param, gradient in found:
            param.grad = gradient * (max_norm / norm)
    return norm


def _gradients(params: Iterable[Tensor]) -> list[tuple[Tensor, Array]]:
    """Return the parameters that have gradients, with these as arrays, whether or not they are Tensors."""
    if isinstance(params, Tensor):
        params = [params]
    return [(param, np.asarray(raw(param.grad))) for param in params if param.grad is not None]


def _norm(gradient: Array) -> float:
    """Return the norm of one gradient; the largest element is taken out first, so that no square overflows."""
    largest = float(np.max(np.absolute(gradient), initial=0))
    if largest == 0:
        return 0.0
    scaled = np.ravel(gradient) / np.asarray(largest, gradient.dtype)
    return largest * math.sqrt(np.dot(scaled, scaled))


def _first_wrong(gradient: Array) -> Any:
    return gradient[~np.isfinite(gradient)].flat[0]


def _refuse_negative(name: str, argument: str, value: float) -> None:
    if not value >= 0:
        message = f"{name}: expected '{argument}' to be at least 0, got {value}"
        raise ArgumentError(message)
