"""Trigonometric and hyperbolic functions, their inverses, and angles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array, kernel, primitive, unchanged


@primitive(np.sin)
def sin(a: Array) -> tuple[Any, ...]:
    """Take the sine, with gradient ``g cos a``."""
    return np.sin(a), lambda g: g * np.cos(a)


@primitive(np.cos)
def cos(a: Array) -> tuple[Any, ...]:
    """Take the cosine, with gradient ``-g sin a``."""
    return np.cos(a), lambda g: -g * np.sin(a)


@primitive(np.tan)
def tan(a: Array) -> tuple[Any, ...]:
    """Take the tangent, with gradient ``g (1 + tan^2 a)``."""
    out = np.tan(a)
    return out, lambda g: g * (1 + out * out)


@primitive(np.arcsin)
def arcsin(a: Array) -> tuple[Any, ...]:
    """Take the inverse sine, with gradient ``g / sqrt(1 - a^2)``: infinite at -1 and 1."""
    return np.arcsin(a), lambda g: g / np.sqrt((1 - a) * (1 + a))  # exact near 1, where `1 - a * a` cancels


@primitive(np.arccos)
def arccos(a: Array) -> tuple[Any, ...]:
    """Take the inverse cosine, with gradient ``-g / sqrt(1 - a^2)``: infinite at -1 and 1."""
    return np.arccos(a), lambda g: -g / np.sqrt((1 - a) * (1 + a))


@primitive(np.arctan)
def arctan(a: Array) -> tuple[Any, ...]:
    """Take the inverse tangent, with gradient ``g / (1 + a^2)``."""

    def closure(g: Array) -> Array:
        root = np.hypot(1, a)  # `1 + a * a` would overflow for large `a`
        return g / root / root

    return np.arctan(a), closure


@primitive(np.arctan2)
def arctan2(y: Array, x: Array) -> tuple[Any, ...]:
    """Take the angle of the point ``(x, y)``, with gradients ``g x / r^2`` and ``-g y / r^2``: 0 where ``r`` is 0."""
    return np.arctan2(y, x), lambda g: g * _per_square(x, x, y), lambda g: -g * _per_square(y, x, y)


def _per_square(a: Array, x: Array, y: Array) -> Array:
    """Return ``a / (x^2 + y^2)``, without overflow on the way; 0 at the origin."""
    r = _radius(np.hypot(x, y))
    return a / r / r


@primitive(np.hypot)
def hypot(x: Array, y: Array) -> tuple[Any, ...]:
    """Take ``sqrt(x^2 + y^2)`` without overflow, with gradients ``g x / r`` and ``g y / r``: 0 where ``r`` is 0."""
    r = np.hypot(x, y)
    return r, lambda g: g * (x / _radius(r)), lambda g: g * (y / _radius(r))


def _radius(r: Array) -> Array:
    """Return `r` to be divided by; infinity at the origin, so that derivatives of all orders are 0 there."""
    return np.where(np.equal(r, 0), math.inf, r)


@primitive(np.deg2rad, np.radians)
def deg2rad(a: Array) -> tuple[Any, ...]:
    """Convert degrees to radians: ``a pi / 180``, and the gradient likewise."""
    return np.deg2rad(a), np.deg2rad


@primitive(np.rad2deg, np.degrees)
def rad2deg(a: Array) -> tuple[Any, ...]:
    """Convert radians to degrees: ``a 180 / pi``, and the gradient likewise."""
    return np.rad2deg(a), np.rad2deg


@primitive(np.unwrap)
def unwrap(
    p: Array, /, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi
) -> tuple[Any, ...]:
    """Add whole periods where neighbours along `axis` differ by more than half of one; the gradient is ``g``."""
    return np.unwrap(p, discont, axis, period=period), unchanged


@primitive(np.sinh)
def sinh(a: Array) -> tuple[Any, ...]:
    """Take the hyperbolic sine, with gradient ``g cosh a``."""
    return np.sinh(a), lambda g: g * np.cosh(a)


@primitive(np.cosh)
def cosh(a: Array) -> tuple[Any, ...]:
    """Take the hyperbolic cosine, with gradient ``g sinh a``."""
    return np.cosh(a), lambda g: g * np.sinh(a)


@primitive(np.tanh)
def tanh(a: Array) -> tuple[Any, ...]:
    """Take the hyperbolic tangent, with gradient ``g (1 - tanh^2 a)``.

    >>> import numpy as np
    >>> tanh(np.array([-1000.0, 0.0, 1000.0]))
    array([-1.,  0.,  1.])
    """
    out = np.tanh(a)
    return out, lambda g: g * (1 - out * out)


@primitive(np.arcsinh)
def arcsinh(a: Array) -> tuple[Any, ...]:
    """Take the inverse hyperbolic sine, with gradient ``g / sqrt(1 + a^2)``."""
    return np.arcsinh(a), lambda g: g / np.hypot(1, a)


@primitive(np.arccosh)
def arccosh(a: Array) -> tuple[Any, ...]:
    """Take the inverse hyperbolic cosine, with gradient ``g / sqrt(a^2 - 1)``: infinite at 1."""
    return np.arccosh(a), lambda g: g / (np.sqrt(a - 1) * np.sqrt(a + 1))  # one root of both would overflow


@primitive(np.arctanh)
def arctanh(a: Array) -> tuple[Any, ...]:
    """Take the inverse hyperbolic tangent, with gradient ``g / (1 - a^2)``: infinite at -1 and 1."""
    return np.arctanh(a), lambda g: g / ((1 - a) * (1 + a))


@primitive(np.sinc)
def sinc(x: Array) -> tuple[Any, ...]:
    """Take ``sin(pi x) / (pi x)``, 1 at 0; its derivatives of all orders are exact, also at and near 0."""
    return np.sinc(x), lambda g: g * sinc_derivative(x, 1)


@kernel
def sinc_derivative(x: Array, order: int) -> Array:
    """Return the derivative of `numpy.sinc` of some order n.

    With ``z = pi x`` and ``f = sin z / z``, differentiating ``z f = sin z`` gives
    ``f^(n) = (sin^(n) z - n f^(n-1)) / z``. Near 0, where this cancels, its Taylor series is summed.
    """
    z = math.pi * x
    is_near = np.abs(z) < order + 1
    far = np.where(is_near, 1, z)
    quotient = np.sin(far) / far
    for n in range(1, order + 1):
        quotient = (np.sin(far + n * math.pi / 2) - n * quotient) / far
    near = np.where(is_near, z, 0)
    power = (-1) ** ((order + 1) // 2) * near ** (order % 2)  # +-z^m / m!, of the term z^m / (m! (m + n + 1))
    series = power / (order % 2 + order + 1)
    for m in range(order % 2 + 2, 3 * order + 40, 2):
        power = -power * near * near / (m * (m - 1))
        series = series + power / (m + order + 1)
    return math.pi**order * np.where(is_near, series, quotient)


@primitive(sinc_derivative)
def sinc_derivative_rule(x: Array, /, order: int) -> tuple[Any, ...]:
    """Take the derivative of `sinc` of some `order`, with the next one for its gradient."""
    return sinc_derivative(x, order), lambda g: g * sinc_derivative(x, order + 1)
