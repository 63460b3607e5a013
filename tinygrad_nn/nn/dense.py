"""`Dense`, the layer in which every output depends on every input."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_nn.conversion import get_default_dtype
from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.nn import activations
from tinygrad_nn.nn import init as initializers
from tinygrad_nn.nn.lazy import LazyLayer
from tinygrad_nn.nn.module import Parameter
from tinygrad_nn.primitive import PRIMITIVES
from tinygrad_nn.recording import record
from tinygrad_nn.tensor import Operand

_DENSE = PRIMITIVES["dense"]


class Dense(LazyLayer):
    """Map the last axis affinely, then apply an activation: ``f(x W + b)``.

    Args:
        in_features: the length n of the last axis of the input; or the shape of its last axes, which are taken as one
            axis of n elements; or None for the length that the first call brings.
        out_features: the length m of the last axis of the output, or the shape of its last axes. The activation sees
            them as one axis: a softmax is over all m outputs.
        bias: whether to add ``b``.
        activation: None, a name such as "relu", a function or a layer.
        init: how ``W`` starts: the name of a function in `nn.init`, a function ``(shape, rng) -> array``, or None for
            He's normal before a relu or a relative of it, and Glorot's uniform otherwise. ``b`` starts at 0.
        rng: where the chance comes from; a freshly seeded generator when None.

    Attributes:
        weight: ``W``, of shape (n, m), so that ``x @ W`` reads as the mathematics does. (PyTorch keeps (m, n).)
        bias: ``b``, of shape (m,), or None.

    Raises:
        ArgumentError: a size below 1, or an unknown activation or init.
        ShapeError: on a call with an input whose last axes are not `in_features` long.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> layer = nn.Dense(3, 2, activation="relu", rng=np.random.default_rng(0))
    >>> layer(np.ones((5, 3))).shape
    (5, 2)
    >>> picture = nn.Dense((32, 32), (15, 15))
    >>> picture(np.ones((5, 32, 32))).shape, picture.weight.shape
    ((5, 15, 15), (1024, 225))

    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_features: int | Sequence[int] | None,
        out_features: int | Sequence[int],
        bias: bool = True,
        activation: activations.Activation = None,
        init: str | initializers.Initializer | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Draw the weights."""
        self.out_features = _size(out_features)
        self.in_features = None if in_features is None else _size(in_features)
        if min(_axes(self.out_features) + _axes(self.in_features), default=0) < 1:
            message = f"Dense: expected sizes of at least 1, got {in_features} inputs and {out_features} outputs"
            raise ArgumentError(message)
        self.activation: Callable[[Any], Any] | None = activations.resolve(activation)
        fused = getattr(self.activation, "primitive", None)
        self._options = {"activation": fused.rule} if fused else None
        self._is_flat = not (isinstance(self.in_features, tuple) or isinstance(self.out_features, tuple))
        self._draw, self._rng, self._has_bias = initializers.resolve(init, activation), rng, bias
        self._build_or_await("in_features", self.in_features)

    def build(self, size: int | tuple[int, ...]) -> None:
        """Draw the weights for inputs of a size."""
        self.in_features = size
        n, m = math.prod(_axes(size)), math.prod(_axes(self.out_features))
        rng, self._rng = self._rng or np.random.default_rng(), None  # what it draws later is none of this layer's
        weight = self._draw((n, m), rng)
        self.weight = Parameter(weight.astype(get_default_dtype(), copy=False))
        self.bias = Parameter(np.zeros(m, get_default_dtype())) if self._has_bias else None

    def forward(self, x: Operand) -> Any:
        """Return ``f(x W + b)``, in one operation if the activation is a primitive."""
        if self._awaits:
            self._build_for(x, -1)
        bias, flat = self.bias, x if self._is_flat else self._flattened(x)
        try:
            out = record(_DENSE, (flat, self.weight) if bias is None else (flat, self.weight, bias), self._options)
        except ShapeError as error:
            raise self._refused(x, error) from error
        out = out if self._options or self.activation is None else self.activation(out)
        return out if self._is_flat else np.reshape(out, out.shape[:-1] + _axes(self.out_features))

    def _flattened(self, x: Operand) -> Any:
        """Return an input with the axes that are features as one."""
        expected, shape = _axes(self.in_features), np.shape(x)
        start = len(shape) - len(expected)
        if start < 0 or shape[start:] != expected:
            raise self._refused(x, None)
        return np.reshape(x, (*shape[:start], math.prod(expected)))

    def _refused(self, x: Operand, error: ShapeError | None) -> ShapeError:
        """Return what is wrong with an input, in the terms of this layer."""
        expected, shape = _axes(self.in_features), np.shape(x)
        if error is not None and shape and shape[-1:] == expected:
            return error
        who = f"Dense '{self._name}'" if self._name else "Dense"
        axes = f"axis has length {expected[0]}" if len(expected) == 1 else f"axes have the lengths {expected}"
        wanted = (shape[-1:] or (1,))[0] if len(expected) == 1 else shape[-len(expected) :]
        message = (
            f"{who}: expected an input whose last {axes}, got shape {shape}. "
            f"Reshape the input, or build the layer for it, as in Dense({wanted}, ...)"
        )
        return ShapeError(message)

    def extra_repr(self) -> str:
        """Show sizes and activation."""
        name = getattr(self.activation, "__name__", self.activation)
        activation = f", activation={name}" if name else ""
        return f"{self.in_features}, {self.out_features}{activation}{'' if self._has_bias else ', bias=False'}"


def _size(features: int | Sequence[int]) -> int | tuple[int, ...]:
    return tuple(features) if isinstance(features, Sequence) else features


def _axes(size: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """Return a size as a shape; none for one that is not known yet."""
    return size if isinstance(size, tuple) else () if size is None else (size,)
