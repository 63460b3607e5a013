"""`Dense`, the layer in which every output depends on every input, and `Sequential`, the chain of layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_nn.conversion import get_default_dtype
from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.nn import activations
from tinygrad_nn.nn import init as initializers
from tinygrad_nn.nn.module import Module, Parameter
from tinygrad_nn.primitive import PRIMITIVES
from tinygrad_nn.recording import record
from tinygrad_nn.tensor import Operand

_DENSE = PRIMITIVES["dense"]


class Dense(Module):
    """Map the last axis affinely, then apply an activation: ``f(x W + b)``.

    Args:
        in_features: the length n of the last axis of the input.
        out_features: the length m of the last axis of the output.
        bias: whether to add ``b``.
        activation: None, a name such as "relu", a function or a layer.
        init: how ``W`` starts: the name of a function in `nn.init`, a function ``(shape, rng) -> array``, or None for
            He's normal before a relu and Glorot's uniform otherwise. ``b`` starts at 0.
        rng: where the chance comes from; a freshly seeded generator when None.

    Attributes:
        weight: ``W``, of shape (n, m), so that ``x @ W`` reads as the mathematics does. (PyTorch keeps (m, n).)
        bias: ``b``, of shape (m,), or None.

    Raises:
        ArgumentError: a size below 1, or an unknown activation or init.
        ShapeError: on a call with an input whose last axis is not `in_features` long.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> layer = nn.Dense(3, 2, activation="relu", rng=np.random.default_rng(0))
    >>> layer(np.ones((5, 3))).shape
    (5, 2)

    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        activation: activations.Activation = None,
        init: str | initializers.Initializer | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Draw the weights."""
        if min(in_features, out_features) < 1:
            message = f"Dense: expected sizes of at least 1, got {in_features} inputs and {out_features} outputs"
            raise ArgumentError(message)
        draw = initializers.resolve(init, activation)
        weight = draw((in_features, out_features), rng or np.random.default_rng())
        self.weight = Parameter(weight.astype(get_default_dtype(), copy=False))
        self.bias = Parameter(np.zeros(out_features, get_default_dtype())) if bias else None
        self.activation: Callable[[Any], Any] | None = activations.resolve(activation)
        fused = getattr(self.activation, "primitive", None)
        self._options = {"activation": fused.rule} if fused else None

    def forward(self, x: Operand) -> Any:
        """Return ``f(x W + b)``, in one operation if the activation is a primitive."""
        bias = self.bias
        try:
            out = record(_DENSE, (x, self.weight) if bias is None else (x, self.weight, bias), self._options)
        except ShapeError as error:
            raise self._refused(x, error) from error
        return out if self._options or self.activation is None else self.activation(out)

    def _refused(self, x: Operand, error: ShapeError) -> ShapeError:
        """Return what is wrong with an input, in the terms of this layer."""
        expected = self.weight.shape[0]
        shape: tuple[int, ...] = np.shape(x)
        if shape and shape[-1] == expected:
            return error
        who = f"Dense '{self._name}'" if self._name else "Dense"
        message = (
            f"{who}: expected an input whose last axis has length {expected}, got shape {shape}. "
            f"Reshape the input, or build the layer for it, as in Dense({shape[-1] if shape else 1}, ...)"
        )
        return ShapeError(message)

    def extra_repr(self) -> str:
        """Show sizes and activation."""
        n, m = self.weight.shape
        name = getattr(self.activation, "__name__", self.activation)
        return (
            f"{n}, {m}" + (f", activation={name}" if name else "") + ("" if self.bias is not None else ", bias=False")
        )


class Sequential(Module):
    """A chain: each layer takes what the one before returned.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> rng = np.random.default_rng(0)
    >>> model = nn.Sequential(nn.Dense(2, 4, activation="tanh", rng=rng), nn.Dense(4, 1, rng=rng))
    >>> model(np.zeros((3, 2))).shape
    (3, 1)
    >>> list(model.state_dict())
    ['0.weight', '0.bias', '1.weight', '1.bias']
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        """Chain `layers`: modules, or functions such as `nn.relu`."""
        for index, layer in enumerate(layers):
            if not callable(layer):
                message = f"Sequential: expected layers or functions, got {layer!r} at place {index}"
                raise ArgumentError(message)
            setattr(self, str(index), layer)  # so that it is named '0' and not 'layers.0', as in PyTorch
        self.layers = layers

    def forward(self, x: Operand) -> Any:
        """Return what the last layer returns."""
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        """Return the number of layers."""
        return len(self.layers)

    def __iter__(self) -> Iterator[Callable[[Any], Any]]:
        """Iterate over the layers."""
        return iter(self.layers)

    def __getitem__(self, index: int) -> Callable[[Any], Any]:
        """Return one layer."""
        return self.layers[index]
