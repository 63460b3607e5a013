"""`Sequential`, the chain of layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.nn.config import from_config, to_config
from tinygrad_nn.nn.module import Module
from tinygrad_nn.tensor import Operand

_SHORT = {"input_dim": "in_features", "output_dim": "out_features"}
"""What the arguments of `Dense` may be called in a config."""


class Sequential(Module):
    """A chain: each layer takes what the one before returned. The same layer at two places shares its weights.

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

    @classmethod
    def from_config(cls, config: Sequence[Mapping[str, Any]], rng: np.random.Generator | None = None) -> Sequential:
        """Make a chain from plain data: one dict a layer, with its class and the arguments of that.

        Args:
            config: dicts such as ``{"layer": "Conv2d", "in_channels": 1, "out_channels": 8, "kernel_size": 3}``. One
                without "layer" is a `Dense`, whose sizes may be called input_dim and output_dim.
            rng: where the chance comes from that initial weights are drawn by.

        Raises:
            ArgumentError: an unknown layer, or arguments that it does not take.

        >>> from tinygrad_nn import nn
        >>> model = nn.Sequential.from_config([
        ...     {"input_dim": 2, "output_dim": 25, "activation": "relu"},
        ...     {"input_dim": 25, "output_dim": 1, "activation": "sigmoid"},
        ... ])
        >>> model.to_config()[1]
        {'layer': 'Dense', 'in_features': 25, 'out_features': 1, 'activation': 'sigmoid'}

        """
        layers = [
            dict(item) if item.keys() & {"layer", "function", "same_as"}
            else {"layer": "Dense"} | {_SHORT.get(key, key): value for key, value in item.items()}
            for item in config
        ]  # fmt: skip
        return from_config({"layer": cls.__name__, "layers": layers}, rng)

    def to_config(self) -> list[dict[str, Any]]:
        """Return the layers as plain data, of which `from_config` makes a chain of the same kind."""
        layers: list[dict[str, Any]] = to_config(self).get("layers", [])
        return layers

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
