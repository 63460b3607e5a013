"""Initial weights: how wide to draw them so that signals neither fade nor grow from layer to layer.

For a weight of shape (n, m), `n` is the fan-in and `m` the fan-out. For the filters of a convolution, of shape
(O, C, *window), they are C and O times the size of the window. Each function takes a shape and a
`numpy.random.Generator` and returns an array; none has a hidden source of chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.primitive import Array

Initializer: TypeAlias = Callable[[tuple[int, ...], "np.random.Generator"], Array]
"""Quoted, because naming `numpy.random` would import it: a sixth of what importing NumPy costs."""


def glorot_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw from ``U(-a, a)`` with ``a = sqrt(6 / (n + m))``: for tanh, sigmoid and linear layers.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.

    >>> import numpy as np
    >>> bool(abs(glorot_uniform((3, 3), np.random.default_rng(0))).max() <= 1)
    True
    """
    bound = math.sqrt(6 / sum(_fans(shape)))
    return rng.uniform(-bound, bound, shape)


def glorot_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw from ``N(0, 2 / (n + m))``: for tanh, sigmoid and linear layers (Glorot and Bengio, 2010).

    >>> import numpy as np
    >>> glorot_normal((2, 5), np.random.default_rng(0)).shape
    (2, 5)
    """
    return rng.normal(0, math.sqrt(2 / sum(_fans(shape))), shape)


def he_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw from ``U(-a, a)`` with ``a = sqrt(6 / n)``: for relu layers.

    Source: He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015.

    >>> import numpy as np
    >>> bool(abs(he_uniform((6, 3), np.random.default_rng(0))).max() <= 1)
    True
    """
    bound = math.sqrt(6 / _fans(shape)[0])
    return rng.uniform(-bound, bound, shape)


def he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw from ``N(0, 2 / n)``: for relu layers (He et al., 2015).

    >>> import numpy as np
    >>> he_normal((2, 5), np.random.default_rng(0)).shape
    (2, 5)
    """
    return rng.normal(0, math.sqrt(2 / _fans(shape)[0]), shape)


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> Array:  # noqa: ARG001 - every initialiser takes one
    """Return zeros: for biases.

    >>> import numpy as np
    >>> zeros((2,), np.random.default_rng(0))
    array([0., 0.])
    """
    return np.zeros(shape)


INITIALIZERS: dict[str, Initializer] = {
    function.__name__: function for function in (glorot_uniform, glorot_normal, he_uniform, he_normal, zeros)
}


RECTIFIERS = {"celu", "elu", "gelu", "hard_swish", "leaky_relu", "mish", "relu", "relu6", "silu"}
"""Activations that keep what is positive and nearly lose what is negative, hence half of the variance: He's factor 2
makes up for it."""


def resolve(init: str | Initializer | None, activation: object) -> Initializer:
    """Return the initialiser that `init` means: a function, its name, or None for the one that suits `activation`."""
    if init is None:
        function = getattr(activation, "function", activation)  # of a layer
        name = function if isinstance(function, str) else getattr(function, "__name__", "")
        return he_normal if name in RECTIFIERS else glorot_uniform
    if callable(init):
        return init
    if init not in INITIALIZERS:
        message = f"init: expected one of {', '.join(INITIALIZERS)} or a function (shape, rng) -> array, got {init!r}"
        raise ArgumentError(message)
    return INITIALIZERS[init]


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return fan-in and fan-out; at least 1, so that a weight without elements can be drawn, too."""
    n, m = (shape[0], shape[-1]) if len(shape) < 3 else (math.prod(shape[1:]), shape[0] * math.prod(shape[2:]))
    return max(n, 1), max(m, 1)
