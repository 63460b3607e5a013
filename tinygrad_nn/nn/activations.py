"""Activations, as functions (`relu`) and as layers (`ReLU`); a layer has no more to it than its function and options.

The functions are PyTorch's, with its names, its defaults and its slopes at kinks. They are stable over the whole range:
where a formula would multiply 0 by infinity far below 0, the input is cut off where the result has long been 0.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.nn.module import Module
from tinygrad_nn.primitive import Array, composition
from tinygrad_nn.primitives.fused import log_softmax, softmax
from tinygrad_nn.primitives.selection import relu
from tinygrad_nn.primitives.special import erfc, log_sigmoid, sigmoid, softplus
from tinygrad_nn.primitives.trigonometry import tanh
from tinygrad_nn.tensor import Operand

Activation: TypeAlias = str | Callable[[Any], Any] | None


@composition()
def leaky_relu(x: Array, negative_slope: float = 0.01) -> Array:
    """Return `x` where it is positive and ``negative_slope x`` elsewhere, which is also the slope at 0.

    >>> leaky_relu(np.array([-2.0, 0.0, 2.0])).tolist()
    [-0.02, 0.0, 2.0]
    """
    return np.where(x > 0, x, negative_slope * x)


@composition()
def elu(x: Array, alpha: float = 1.0) -> Array:
    """Return `x` where it is positive and ``alpha (e^x - 1)`` elsewhere, with slope `alpha` at 0.

    Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units",
    2016.

    >>> elu(np.array([-1000.0, 0.0, 2.0])).tolist()
    [-1.0, 0.0, 2.0]
    """
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0, x)))


@composition()
def selu(x: Array) -> Array:
    """Return `elu` with the alpha, times the scale, that carry mean 0 and variance 1 from layer to layer.

    The slope at 0 is that from below. Source: Klambauer et al., "Self-normalizing neural networks", 2017.

    >>> selu(np.array([-1000.0, 0.0, 1.0])).round(4).tolist()
    [-1.7581, 0.0, 1.0507]
    """
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)


@composition()
def celu(x: Array, alpha: float = 1.0) -> Array:
    """Return `x` where it is positive and ``alpha (e^(x / alpha) - 1)`` elsewhere: smooth, with slope 1 at 0.

    Source: Barron, "Continuously differentiable exponential linear units", 2017.

    >>> celu(np.array([-1000.0, 0.0, 2.0]), alpha=3.0).tolist()
    [-3.0, 0.0, 2.0]
    """
    return alpha * elu(x / alpha)


@composition()
def gelu(x: Array, approximate: Literal["none", "tanh"] = "none") -> Array:
    """Return ``x P(z <= x)`` for a standard normal z: ``x erfc(-x / sqrt 2) / 2``.

    With ``approximate="tanh"`` it is ``x (1 + tanh u) / 2`` for ``u = sqrt(2 / pi) (x + 0.044715 x^3)``, written as
    ``x sigmoid(2 u)``. Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.

    >>> gelu(np.array([-1000.0, 0.0, 1.0])).round(4).tolist()
    [-0.0, 0.0, 0.8413]
    """
    below = np.maximum(x, -40.0)  # where the probability is 0
    if approximate == "none":
        return below * 0.5 * erfc(below * -math.sqrt(0.5))
    if approximate != "tanh":
        message = f"gelu: expected approximate to be 'none' or 'tanh', got {approximate!r}"
        raise ArgumentError(message)
    near = np.minimum(below, 40.0)  # where the probability is 1; the cube of more may overflow
    return below * sigmoid(math.sqrt(8 / math.pi) * (near + 0.044715 * near * near * near))


@composition()
def silu(x: Array) -> Array:
    """Return ``x sigmoid(x)``, also called swish.

    >>> silu(np.array([-1000.0, 0.0, 1.0])).round(4).tolist()
    [-0.0, 0.0, 0.7311]
    """
    below = np.maximum(x, -1000.0)
    return below * sigmoid(below)


@composition()
def mish(x: Array) -> Array:
    """Return ``x tanh(softplus(x))``.

    Source: Misra, "Mish: a self regularized non-monotonic activation function", 2019.

    >>> mish(np.array([-1000.0, 0.0, 1.0])).round(4).tolist()
    [-0.0, 0.0, 0.8651]
    """
    below = np.maximum(x, -1000.0)
    return below * np.tanh(softplus(below))


@composition()
def softsign(x: Array) -> Array:
    """Return ``x / (1 + |x|)``, with slope 1 at 0.

    >>> softsign(np.array([-3.0, 0.0, 1.0])).tolist()
    [-0.75, 0.0, 0.5]
    """
    return x / (1 + np.abs(x))


@composition()
def hard_tanh(x: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """Return `x` cut off at both ends, with slope 0 there, where `numpy.clip` has slope 1.

    >>> hard_tanh(np.array([-3.0, 0.5, 1.0])).tolist()
    [-1.0, 0.5, 1.0]
    """
    return np.where(x <= min_val, min_val, np.where(x >= max_val, max_val, x))


@composition()
def relu6(x: Array) -> Array:
    """Return `relu` cut off at 6, with slope 0 at 0 and at 6.

    >>> relu6(np.array([-3.0, 0.5, 7.0])).tolist()
    [0.0, 0.5, 6.0]
    """
    return hard_tanh(x, 0.0, 6.0)


@composition()
def hard_sigmoid(x: Array) -> Array:
    """Return ``relu6(x + 3) / 6``, with slope 0 at -3 and at 3.

    >>> hard_sigmoid(np.array([-3.0, 0.0, 7.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return relu6(x + 3) / 6


@composition()
def hard_swish(x: Array) -> Array:
    """Return ``x hard_sigmoid(x)``, with slope 0 at -3 and 1 at 3.

    Source: Howard et al., "Searching for MobileNetV3", 2019.

    >>> hard_swish(np.array([-1000.0, 0.0, 7.0])).tolist()
    [-0.0, 0.0, 7.0]
    """
    return np.maximum(x, -3.0) * hard_sigmoid(x)


class ActivationLayer(Module):
    """A function as a layer: it is made with the function's options, and applies it to its input.

    A subclass names the function. To make one of your own:

    >>> class Scale(ActivationLayer):
    ...     function = staticmethod(lambda x, factor=2.0: factor * x)
    >>> Scale(factor=3.0)
    Scale(factor=3.0)
    >>> Scale(3.0)(np.array([1.0, 2.0])).tolist()
    [3.0, 6.0]
    """

    function: ClassVar[Callable[..., Any]]

    def __init__(self, *args: Any, **options: Any) -> None:
        """Keep the options of `function`: its parameters after the input."""
        signature = inspect.signature(self.function)
        try:
            bound = signature.bind(None, *args, **options)
        except TypeError as error:
            message = (
                f"{type(self).__name__}: {error}; expected what {self.function.__name__}{signature} takes, without the "
                f"input"
            )
            raise ArgumentError(message) from error
        _, *given = bound.arguments.items()
        self.options = dict(given)

    def forward(self, x: Operand) -> Any:
        """Return the function of `x`."""
        return self.function(x, **self.options)

    def extra_repr(self) -> str:
        """Show the options that were given."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())


class ReLU(ActivationLayer):
    """The layer of `relu`: ``max(x, 0)``."""

    function = staticmethod(relu)


class LeakyReLU(ActivationLayer):
    """The layer of `leaky_relu`: `x`, or ``negative_slope x`` below 0."""

    function = staticmethod(leaky_relu)


class ReLU6(ActivationLayer):
    """The layer of `relu6`: ``min(max(x, 0), 6)``."""

    function = staticmethod(relu6)


class ELU(ActivationLayer):
    """The layer of `elu`: `x`, or ``alpha (e^x - 1)`` below 0."""

    function = staticmethod(elu)


class SELU(ActivationLayer):
    """The layer of `selu`: ``scale elu(x, alpha)``."""

    function = staticmethod(selu)


class CELU(ActivationLayer):
    """The layer of `celu`: `x`, or ``alpha (e^(x / alpha) - 1)`` below 0."""

    function = staticmethod(celu)


class GELU(ActivationLayer):
    """The layer of `gelu`: ``x P(z <= x)``."""

    function = staticmethod(gelu)


class SiLU(ActivationLayer):
    """The layer of `silu`: ``x sigmoid(x)``."""

    function = staticmethod(silu)


class Mish(ActivationLayer):
    """The layer of `mish`: ``x tanh(softplus(x))``."""

    function = staticmethod(mish)


class Softplus(ActivationLayer):
    """The layer of `softplus`: ``log(1 + e^(beta x)) / beta``."""

    function = staticmethod(softplus)


class Softsign(ActivationLayer):
    """The layer of `softsign`: ``x / (1 + |x|)``."""

    function = staticmethod(softsign)


class Sigmoid(ActivationLayer):
    """The layer of `sigmoid`: ``1 / (1 + e^-x)``."""

    function = staticmethod(sigmoid)


class LogSigmoid(ActivationLayer):
    """The layer of `log_sigmoid`: ``log sigmoid(x)``."""

    function = staticmethod(log_sigmoid)


class Hardsigmoid(ActivationLayer):
    """The layer of `hard_sigmoid`: ``relu6(x + 3) / 6``."""

    function = staticmethod(hard_sigmoid)


class Hardswish(ActivationLayer):
    """The layer of `hard_swish`: ``x hard_sigmoid(x)``."""

    function = staticmethod(hard_swish)


class Tanh(ActivationLayer):
    """The layer of `tanh`: ``tanh x``."""

    function = staticmethod(tanh)


class Hardtanh(ActivationLayer):
    """The layer of `hard_tanh`: ``min(max(x, min_val), max_val)``."""

    function = staticmethod(hard_tanh)


class Softmax(ActivationLayer):
    """The layer of `softmax`: ``e^x / sum e^x`` along `axis`."""

    function = staticmethod(softmax)


class LogSoftmax(ActivationLayer):
    """The layer of `log_softmax`: ``x - log sum e^x`` along `axis`."""

    function = staticmethod(log_softmax)


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "relu": relu, "leaky_relu": leaky_relu, "relu6": relu6, "elu": elu, "selu": selu, "celu": celu, "gelu": gelu,
    "silu": silu, "mish": mish, "softplus": softplus, "softsign": softsign, "sigmoid": sigmoid,
    "log_sigmoid": log_sigmoid, "hard_sigmoid": hard_sigmoid, "hard_swish": hard_swish, "tanh": tanh,
    "hard_tanh": hard_tanh, "softmax": softmax, "log_softmax": log_softmax,
}  # fmt: skip  # a table
"""Name -> function, for ``Dense(activation="gelu")``."""


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
