"""Elementwise arithmetic, exponentials and comparisons: the calculus table, one row a function."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array, constant, primitive, unchanged

constant(
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.isfinite, np.isinf, np.isnan, np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.sign,
    np.isclose, np.allclose, np.array_equal,
)  # fmt: skip  # a table reads better than one name a line


@primitive(np.add)
def add(a: Array, b: Array) -> tuple[Any, ...]:
    """Add: ``a + b``, with gradient ``g`` for each operand."""
    return a + b, unchanged, unchanged


@primitive(np.subtract)
def subtract(a: Array, b: Array) -> tuple[Any, ...]:
    """Subtract: ``a - b``, with gradients ``g`` and ``-g``."""
    return a - b, unchanged, np.negative


@primitive(np.multiply)
def multiply(a: Array, b: Array) -> tuple[Any, ...]:
    """Multiply elementwise: ``a * b``, with gradients ``g b`` and ``g a``."""
    return a * b, lambda g: g * b, lambda g: g * a


@primitive(np.divide)
def divide(a: Array, b: Array) -> tuple[Any, ...]:
    """Divide elementwise: ``a / b``, with gradients ``g / b`` and ``-g (a/b) / b``."""
    out = a / b
    return out, lambda g: g / b, lambda g: -g * out / b


@primitive(np.negative)
def negative(a: Array) -> tuple[Any, ...]:
    """Negate: ``-a``, with gradient ``-g``."""
    return -a, np.negative


@primitive(np.positive)
def positive(a: Array) -> tuple[Any, ...]:
    """Return a copy: ``+a``, with gradient ``g``."""
    return +a, unchanged


@primitive(np.power)
def power(a: Array, b: Array) -> tuple[Any, ...]:
    """Raise to a power: ``a ** b``, with gradients ``g b a^(b-1)`` and ``g a^b log a``.

    At the edges the limits that exist are taken: ``x ** 0`` has slope 0 everywhere, also at 0, and ``0 ** y`` has slope
    0 in ``y``. (The plain formulas give ``0 * inf`` there.)
    """
    out = a**b
    return (
        out,
        lambda g: g * b * a ** np.where(np.equal(b, 0), 1, b - 1),
        lambda g: g * out * np.log(np.where(np.equal(a, 0), 1, a)),
    )


@primitive(np.exp)
def exp(a: Array) -> tuple[Any, ...]:
    """Exponentiate: ``e^a``, with gradient ``g e^a``."""
    out = np.exp(a)
    return out, lambda g: g * out


@primitive(np.log)
def log(a: Array) -> tuple[Any, ...]:
    """Take the natural logarithm: ``log a``, with gradient ``g / a``."""
    return np.log(a), lambda g: g / a


@primitive(np.log1p)
def log1p(a: Array) -> tuple[Any, ...]:
    """Take ``log(1 + a)``, exact also for small `a`, with gradient ``g / (1 + a)``."""
    return np.log1p(a), lambda g: g / (1 + a)


@primitive(np.sqrt)
def sqrt(a: Array) -> tuple[Any, ...]:
    """Take the square root, with gradient ``g / (2 sqrt a)``: infinite at 0."""
    out = np.sqrt(a)
    return out, lambda g: g / (2 * out)


@primitive(np.absolute)
def absolute(a: Array) -> tuple[Any, ...]:
    """Take the absolute value, with gradient ``g sign(a)``: 0 at 0."""
    return np.absolute(a), lambda g: g * np.sign(a)


@primitive(np.tanh)
def tanh(a: Array) -> tuple[Any, ...]:
    """Take the hyperbolic tangent, with gradient ``g (1 - tanh^2 a)``.

    >>> import numpy as np
    >>> tanh(np.array([-1000.0, 0.0, 1000.0]))
    array([-1.,  0.,  1.])
    """
    out = np.tanh(a)
    return out, lambda g: g * (1 - out * out)


# Constants as arrays, by the code of the dtype: an operation with a number takes half as long again as one with these.
_ZERO, _ONE = ({kind: np.array(value, kind) for kind in "efd"} for value in (0, 1))
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


@primitive
def relu(a: Array) -> tuple[Any, ...]:
    """Rectify: ``max(a, 0)``, with gradient ``g`` where ``a > 0`` and 0 elsewhere, also at 0.

    A rule of its own because `numpy.maximum` shares the gradient evenly at equality: it would have slope 1/2 at 0.

    >>> import numpy as np
    >>> relu(np.array([-2.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    zero = _ZERO.get(a.dtype.char, 0)
    out = np.maximum(a, zero)
    return out, lambda g: g * (out > zero)


@primitive(np.reciprocal)
def reciprocal(a: Array) -> tuple[Any, ...]:
    """Invert: ``1 / a``, with gradient ``-g / a^2``."""
    out = np.reciprocal(a)
    return out, lambda g: -g * out * out


@primitive(np.maximum)
def maximum(a: Array, b: Array) -> tuple[Any, ...]:
    """Take the larger of each pair; its gradient goes to the larger, and in equal halves to both at equality."""
    return np.maximum(a, b), lambda g: g * _winner(a > b, a == b), lambda g: g * _winner(b > a, a == b)


@primitive(np.minimum)
def minimum(a: Array, b: Array) -> tuple[Any, ...]:
    """Take the smaller of each pair; its gradient goes to the smaller, and in equal halves to both at equality."""
    return np.minimum(a, b), lambda g: g * _winner(a < b, a == b), lambda g: g * _winner(b < a, a == b)


def _winner(wins: Array, ties: Array) -> Array:
    """Return 1 where an operand wins, 1/2 where it ties and 0 where it loses; float16 so as to promote no dtype."""
    return wins + np.float16(0.5) * ties


@primitive(np.where)
def where(condition: Array, a: Array, b: Array) -> tuple[Any, ...]:
    """Choose from `a` where `condition` holds and from `b` elsewhere; the gradient follows the choice.

    The operand that was not chosen gets 0, yet ``0 * inf`` in what made it is NaN: guard the inside too, as in
    ``np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)), 0)``.
    """
    return np.where(condition, a, b), None, lambda g: np.where(condition, g, 0), lambda g: np.where(condition, 0, g)
