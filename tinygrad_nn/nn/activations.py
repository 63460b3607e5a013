"""Activations, as functions (`relu`) and as layers (`ReLU`); a layer has no more to it than its function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.nn.module import Module
from tinygrad_nn.primitives.elementwise import relu, sigmoid, tanh
from tinygrad_nn.primitives.fused import log_softmax, softmax
from tinygrad_nn.tensor import Operand

__all__ = ["ReLU", "Sigmoid", "Softmax", "Tanh", "log_softmax", "relu", "sigmoid", "softmax", "tanh"]

Activation: TypeAlias = str | Callable[[Any], Any] | None


class ReLU(Module):
    """The layer of `relu`: ``max(x, 0)``."""

    def forward(self, x: Operand) -> Any:
        """Return ``max(x, 0)``."""
        return relu(x)


class Sigmoid(Module):
    """The layer of `sigmoid`: ``1 / (1 + e^-x)``."""

    def forward(self, x: Operand) -> Any:
        """Return ``1 / (1 + e^-x)``."""
        return sigmoid(x)


class Tanh(Module):
    """The layer of `tanh`."""

    def forward(self, x: Operand) -> Any:
        """Return ``tanh x``."""
        return tanh(x)


class Softmax(Module):
    """The layer of `softmax`: ``e^x / sum e^x`` along an axis."""

    def __init__(self, axis: int = -1) -> None:
        """Normalise along `axis`."""
        self.axis = axis

    def forward(self, x: Operand) -> Any:
        """Return ``e^x / sum e^x``."""
        return softmax(x, axis=self.axis)


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": relu, "sigmoid": sigmoid, "tanh": tanh, "softmax": softmax, "log_softmax": log_softmax,
}  # fmt: skip  # a table


def resolve(activation: Activation) -> Callable[[Any], Any] | None:
    """Return the function that `activation` means: a function or layer itself, one by its name, or None."""
    if activation is None or callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        message = (
            f"activation: expected None, a function, a layer or one of {', '.join(ACTIVATIONS)}, got {activation!r}"
        )
        raise ArgumentError(message)
    return ACTIVATIONS[activation]
