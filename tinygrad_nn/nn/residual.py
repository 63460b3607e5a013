"""`Residual`: a shortcut around any layer, with a projection where the shapes on both sides of it differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.nn.convolution import Conv1d, Conv2d, Conv3d
from tinygrad_nn.nn.dense import Dense
from tinygrad_nn.nn.lazy import LazyLayer
from tinygrad_nn.nn.module import Module
from tinygrad_nn.tensor import Operand

_CONVOLUTIONS = {1: Conv1d, 2: Conv2d, 3: Conv3d}


class Residual(LazyLayer):
    """Add what a layer makes of its input to the input itself: ``y = body(x) + projection(x)``.

    Gradients pass through the sum unchanged, however deep the network is. Source: He, Zhang, Ren and Sun, "Deep
    residual learning for image recognition", 2016; the projections are those of its option B.

    Args:
        body: any layer or function; a `Sequential` for several.
        projection: what brings the input to the shape of the body's result. A layer or a function; None for the input
            as it is. "dense" or "conv" for what the first call shows to be needed, and so None where it shows the
            shapes to be the same: "dense" is ``Dense(n, m, bias=False)`` for features, which are the last axis; "conv"
            a `Conv1d`, `Conv2d` or `Conv3d` without bias, with a window of 1, for channels, which are axis 1, and with
            the smallest strides that bring the lengths behind it to those of the result. (Which of the two is meant,
            the shapes cannot tell: from (N, 8, 6) to (N, 8, 3) it may be either.)
        rng: where the weights of such a projection come from; a freshly seeded generator when None.

    Attributes:
        projection: the layer or function, or None.

    Raises:
        ArgumentError: `body` or `projection` cannot be called.
        ShapeError: on a call where the two sides of the sum have different shapes, or that no projection can bring
            to one.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.Residual(nn.Dense(3, 3, init="zeros"))(np.ones((1, 3))).tolist()
    [[1.0, 1.0, 1.0]]
    >>> block = nn.Residual(nn.Conv2d(4, 8, 3, stride=2, padding=1), projection="conv")
    >>> block(np.ones((5, 4, 10, 10))).shape, block.projection
    ((5, 8, 5, 5), Conv2d(4, 8, kernel_size=(1, 1), stride=(2, 2), bias=False))

    """

    projection: Callable[[Any], Any] | str | None
    _rng: np.random.Generator | None = None

    def __init__(
        self,
        body: Callable[[Any], Any],
        projection: Callable[[Any], Any] | Literal["dense", "conv"] | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Keep both sides of the sum."""
        if not callable(body):
            message = f"Residual: expected 'body' to be a layer or a function, got {body!r}"
            raise ArgumentError(message)
        if not callable(projection) and projection not in (None, "dense", "conv"):
            message = (
                f"Residual: expected 'projection' to be 'dense', 'conv', a layer or a function, got {projection!r}"
            )
            raise ArgumentError(message)
        self.body, self.projection = body, projection
        if isinstance(projection, str):
            self._awaits, self._rng = "projection", rng

    def build(self, size: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
        """Make the projection from a shape to another, or none between equal ones."""
        make = _dense if self.projection == "dense" else _convolution
        rng, self._rng = self._rng or np.random.default_rng(), None  # what it draws later is none of this layer's
        self.projection = None if size[0] == size[1] else make(*size, rng)

    def forward(self, x: Operand) -> Any:
        """Return the sum."""
        out = self.body(x)
        if self._awaits:
            self._settle((np.shape(x), np.shape(out)))
        shortcut = self.projection(x) if callable(self.projection) else x
        if np.shape(out) != np.shape(shortcut):
            message = (
                f"Residual: expected body and shortcut to give one shape, got {np.shape(out)} and {np.shape(shortcut)}"
                f". Give a projection from the input {np.shape(x)} to {np.shape(out)}: projection='dense' for "
                f"features, projection='conv' for channels, or a layer"
            )
            raise ShapeError(message)
        return out + shortcut


def _dense(given: tuple[int, ...], wanted: tuple[int, ...], rng: np.random.Generator) -> Module:
    """Return a layer from features to as many as wanted."""
    if not given or given[:-1] != wanted[:-1]:
        message = (
            f"Residual: expected a body that changes no axis but the last, for projection='dense', got {wanted} from "
            f"{given}. For channels, which are axis 1, write projection='conv'; or give a layer"
        )
        raise ShapeError(message)
    return Dense(given[-1], wanted[-1], bias=False, rng=rng)


def _convolution(given: tuple[int, ...], wanted: tuple[int, ...], rng: np.random.Generator) -> Module:
    """Return a convolution with a window of 1 from channels and lengths to those wanted."""
    axes = len(given) - 2
    if axes not in _CONVOLUTIONS or len(wanted) != len(given) or given[0] != wanted[0]:
        message = (
            f"Residual: expected a body from (samples, channels, *lengths), with 1 to 3 lengths, to as many lengths, "
            f"for projection='conv', got {wanted} from {given}. For features write projection='dense'; or give a layer"
        )
        raise ShapeError(message)
    strides = tuple(map(_stride, given[2:], wanted[2:]))
    if 0 in strides:
        message = (
            f"Residual: expected lengths that a stride leads to, for projection='conv', got {wanted[2:]} from "
            f"{given[2:]}: stride s makes ceil(length / s) of a length. Pad in the body, as with padding='same', or "
            f"give a layer"
        )
        raise ShapeError(message)
    return _CONVOLUTIONS[axes](given[1], wanted[1], 1, stride=strides, bias=False, rng=rng)


def _stride(given: int, wanted: int) -> int:
    """Return the smallest stride at which a window of 1 has so many places; 0 if there is none."""
    return next((stride for stride in range(1, given + 1) if -(-given // stride) == wanted), 0)
