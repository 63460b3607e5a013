"""Special functions that networks and probabilities need, stable over the whole range of floating-point numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array, Axis, composition, kernel, primitive

# Constants as arrays, by the code of the dtype: an operation with a number takes half as long again as one with these.
_ONE = {kind: np.array(1, kind) for kind in "efd"}
_LARGEST_EXPONENT = {kind: np.array(limit, kind) for kind, limit in (("e", 11), ("f", 88), ("d", 709))}


@primitive
def sigmoid(a: Array) -> tuple[Any, ...]:
    """Take the logistic function ``1 / (1 + e^-a)``, with gradient ``g s (1 - s)``.

    A rule of its own for speed and for range: far below 0 the exponent is cut off where the exponential would overflow.
    ``0.5 + 0.5 tanh(a/2)`` needs no cut, but is 0 from -37 on; `numpy.errstate` costs more than the exponential.

    >>> import numpy as np
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).round(300)
    array([0. , 0.5, 1. ])
    """
    kind = a.dtype.char
    one = _ONE.get(kind, 1.0)
    out = np.reciprocal(one + np.exp(np.minimum(-a, _LARGEST_EXPONENT.get(kind, 709.0))))
    return out, lambda g: g * out * (one - out)


@primitive(np.logaddexp)
def logaddexp(a: Array, b: Array) -> tuple[Any, ...]:
    """Take ``log(e^a + e^b)`` without overflow, with gradients ``g s`` and ``g (1 - s)`` for ``s = sigmoid(a - b)``.

    Equal infinities share the gradient evenly, as equal numbers do.
    """
    return (
        np.logaddexp(a, b),
        lambda g: g * sigmoid(_difference(a, b)),
        lambda g: g * sigmoid(_difference(b, a)),  # and not `1 - s`, which is 0 from 37 on
    )


@primitive(np.logaddexp2)
def logaddexp2(a: Array, b: Array) -> tuple[Any, ...]:
    """Take ``log2(2^a + 2^b)`` without overflow, with the gradients of `logaddexp` for ``a log 2`` and ``b log 2``."""
    return (
        np.logaddexp2(a, b),
        lambda g: g * sigmoid(_difference(a, b) * math.log(2)),
        lambda g: g * sigmoid(_difference(b, a) * math.log(2)),
    )


def _difference(a: Array, b: Array) -> Array:
    """Return ``a - b``, and 0 for equal infinities."""
    is_tie = np.equal(a, b) & np.isinf(a)
    return np.where(is_tie, 0, a) - np.where(is_tie, 0, b)


@primitive
def logsumexp(a: Array, /, axis: Axis = None, *, keepdims: bool = False) -> tuple[Any, ...]:
    """Take ``log sum e^a`` over `axis` (all axes when None), with gradient ``g softmax(a)``.

    A rule for range: the maximum is taken off first, so that no exponential overflows, and needs no gradient. Where the
    maximum is infinite, the elements that are equal to it share the gradient evenly.

    >>> import numpy as np
    >>> float(logsumexp(np.array([1000.0, 1000.0, -1000.0])))
    1000.6931471805599
    """
    largest = np.max(a, axis=axis, keepdims=True)
    is_tie = np.equal(a, largest) & np.isinf(a)
    exponentials = np.exp(np.where(is_tie, 0, a) - np.where(is_tie, 0, largest))
    total = np.sum(exponentials, axis=axis, keepdims=True)
    out = largest + np.log(total)
    kept = out.shape
    return (
        out if keepdims else np.squeeze(out, axis=axis),
        lambda g: np.reshape(g, kept) * exponentials / total,
    )


@composition()
def softplus(x: Array, beta: float = 1.0) -> Array:
    """Take ``log(1 + e^(beta x)) / beta``, a smooth `relu`, with gradient ``g sigmoid(beta x)``.

    PyTorch's `threshold` is not needed: far out the formula is exact as it is.

    >>> import numpy as np
    >>> softplus(np.array([-1000.0, 0.0, 1000.0])).round(3).tolist()
    [0.0, 0.693, 1000.0]
    """
    return np.logaddexp(0.0, beta * x) / beta


@composition()
def log_sigmoid(x: Array) -> Array:
    """Take the logarithm of `sigmoid`: ``-log(1 + e^-x)``, with gradient ``g sigmoid(-x)``.

    >>> import numpy as np
    >>> log_sigmoid(np.array([-1000.0, 0.0, 1000.0])).round(3).tolist()
    [-1000.0, -0.693, -0.0]
    """
    return -np.logaddexp(0.0, -x)


@composition()
def xlogy(x: Array, y: Array) -> Array:
    """Take ``x log y``, and 0 where `x` is 0 whatever the logarithm; the gradients are ``g log y`` and ``g x / y``.

    Where `x` is 0 and the logarithm is not finite, both gradients are 0.

    >>> import numpy as np
    >>> xlogy(np.array([0.0, 2.0]), np.array([0.0, 1.0]))
    array([0., 0.])
    """
    is_edge = np.equal(x, 0) & (np.less_equal(y, 0) | np.equal(y, math.inf))
    one = np.ones((), np.result_type(x, y))  # a plain 1 and a plain number `y` would make `x` float64
    return np.multiply(x, np.log(np.where(is_edge, one, y)))


# `math` knows these two to the last digit. Mapping it takes no longer than the rational approximations of Cody (1969)
# in array operations do, and a fiftieth of their time for ten elements.


@kernel
def error_function(a: Array) -> Array:
    """Compute `erf` of raw arrays."""
    return _mapped(math.erf, a)


@kernel
def complementary_error_function(a: Array) -> Array:
    """Compute `erfc` of raw arrays."""
    return _mapped(math.erfc, a)


def _mapped(function: Callable[[float], float], a: Array) -> Array:
    """Apply a function of numbers to each element; the result has the dtype of floats that NumPy would give it."""
    values = np.fromiter(map(function, np.ravel(a).tolist()), np.float64, np.size(a))
    return values.reshape(np.shape(a)).astype(np.result_type(a, 1.0))


@primitive(error_function)
def erf(a: Array) -> tuple[Any, ...]:
    """Take the error function: ``2 / sqrt(pi)`` times the integral of ``e^(-t^2)`` from 0 to `a`.

    Its gradient is ``g 2 / sqrt(pi) e^(-a^2)``.

    >>> import numpy as np
    >>> erf(np.array([0.0, 0.5, 1000.0])).round(6)
    array([0.  , 0.5205, 1.  ])
    """
    return error_function(a), lambda g: g * _bell(a)


@primitive(complementary_error_function)
def erfc(a: Array) -> tuple[Any, ...]:
    """Take ``1 - erf(a)``, exact also where it is tiny, with gradient ``-g 2 / sqrt(pi) e^(-a^2)``.

    >>> import numpy as np
    >>> erfc(np.array([0.0, 10.0]))
    array([1.00000000e+00, 2.08848758e-45])
    """
    return complementary_error_function(a), lambda g: -g * _bell(a)


def _bell(a: Array) -> Array:
    """Return ``2 / sqrt(pi) e^(-a^2)``; `a` is cut off where the exponential is 0, before its square overflows."""
    near = np.clip(a, -40, 40)
    return 2 / math.sqrt(math.pi) * np.exp(-near * near)


@primitive(np.i0)
def i0(x: Array) -> tuple[Any, ...]:
    """Take the modified Bessel function ``I_0``, with gradient ``g I_1(x)``."""
    return np.i0(x), lambda g: g * i0_derivative(x, 1)


@kernel
def i0_derivative(x: Array, order: int) -> Array:
    """Return the derivative of ``I_0`` of some order n: the mean of ``cos^n t e^(x cos t)`` over a period of t.

    Of an integral over a period, the trapezoid rule converges geometrically: 240 points, of which symmetry leaves a
    quarter, are exact to rounding for all that does not overflow. Source: Trefethen and Weideman, "The exponentially
    convergent trapezoidal rule", 2014.
    """
    wave = np.sinh if order % 2 else np.cosh  # the sum of two quarters; nothing cancels
    cosines = [math.cos((k + 0.5) * math.pi / 120) for k in range(60)]
    total: Any = sum(c**order * wave(c * x) for c in cosines)
    return total / 60


@primitive(i0_derivative)
def i0_derivative_rule(x: Array, /, order: int) -> tuple[Any, ...]:
    """Take the derivative of ``I_0`` of some `order`, with the next one for its gradient."""
    return i0_derivative(x, order), lambda g: g * i0_derivative(x, order + 1)
