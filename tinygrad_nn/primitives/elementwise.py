"""Elementwise arithmetic, powers, exponentials and logarithms, and comparisons: the calculus table."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_nn.errors import DtypeError
from tinygrad_nn.primitive import Array, composition, constant, primitive, refuse, unchanged, vanishing

constant(
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.isclose, np.allclose,
    np.array_equal, np.array_equiv, np.isfinite, np.isinf, np.isposinf, np.isneginf, np.isnan, np.isnat, np.signbit,
    np.isreal, np.isrealobj, np.iscomplex, np.iscomplexobj,
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.bitwise_count, np.invert, np.left_shift, np.right_shift,
    np.gcd, np.lcm, np.packbits, np.unpackbits,
)  # fmt: skip  # a table reads better than one name a line

refuse(
    "outside of its domain the result is complex. Use the function of the same name in numpy, inside the domain",
    np.emath.sqrt, np.emath.log, np.emath.log2, np.emath.logn, np.emath.log10, np.emath.power, np.emath.arccos,
    np.emath.arcsin, np.emath.arctanh,
)  # fmt: skip


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

    ``x ** 0`` has slope 0 everywhere, also at 0, where the formula gives ``0 * inf``. The slope for the exponent is 0
    where the base is not positive: there ``a ** y`` is real at isolated places only, or constant.
    """
    try:
        out = a**b
    except ValueError as error:
        if "negative integer powers" not in str(error):
            raise
        message = (
            "power: expected a base of a floating dtype, got whole numbers with a negative exponent. "
            "Use np.float_power, or convert the base with astype(float)"
        )
        raise DtypeError(message) from error

    def to_base(g: Array) -> Array:
        is_flat = np.equal(b, 0)
        base = np.where(is_flat & np.equal(a, 0), 1, a) if is_flat.any() else a
        return g * b * base ** (b - 1)  # with another exponent instead, the derivative for base and exponent is wrong

    def to_exponent(g: Array) -> Array:
        is_smooth = np.greater(a, 0)
        return g * np.where(is_smooth, out, 0) * np.log(np.where(is_smooth, a, 1))

    return out, to_base, to_exponent


@composition(np.float_power)
def float_power(a: Array, b: Array) -> Array:
    """Raise to a power in double precision, also whole numbers to a negative one."""
    return np.power(np.float64(1) * a, b)


@primitive(np.square)
def square(a: Array) -> tuple[Any, ...]:
    """Square: ``a^2``, with gradient ``2 g a``."""
    return np.square(a), lambda g: 2 * g * a


@primitive(np.sqrt)
def sqrt(a: Array) -> tuple[Any, ...]:
    """Take the square root, with gradient ``g / (2 sqrt a)``: infinite at 0."""
    out = np.sqrt(a)
    return out, lambda g: g / (2 * out)


@primitive(np.cbrt)
def cbrt(a: Array) -> tuple[Any, ...]:
    """Take the cube root, with gradient ``g / (3 cbrt(a)^2)``: infinite at 0."""  # noqa: D402 - no signature
    out = np.cbrt(a)
    return out, lambda g: g / (3 * out * out)


@primitive(np.reciprocal)
def reciprocal(a: Array) -> tuple[Any, ...]:
    """Invert: ``1 / a``, with gradient ``-g / a^2``."""
    out = np.reciprocal(a)
    return out, lambda g: -g * out * out


@primitive(np.exp)
def exp(a: Array) -> tuple[Any, ...]:
    """Exponentiate: ``e^a``, with gradient ``g e^a``."""
    out = np.exp(a)
    return out, lambda g: g * out


@primitive(np.exp2)
def exp2(a: Array) -> tuple[Any, ...]:
    """Raise 2 to a power: ``2^a``, with gradient ``g 2^a log 2``."""
    out = np.exp2(a)
    return out, lambda g: g * out * math.log(2)


@primitive(np.expm1)
def expm1(a: Array) -> tuple[Any, ...]:
    """Take ``e^a - 1``, exact also for small `a`, with gradient ``g e^a``."""
    return np.expm1(a), lambda g: g * np.exp(a)  # and not `out + 1`, which is 0 from -37 on


@primitive(np.log)
def log(a: Array) -> tuple[Any, ...]:
    """Take the natural logarithm: ``log a``, with gradient ``g / a``."""
    return np.log(a), lambda g: g / a


@primitive(np.log2)
def log2(a: Array) -> tuple[Any, ...]:
    """Take the logarithm to base 2, with gradient ``g / (a log 2)``."""
    return np.log2(a), lambda g: g / (a * math.log(2))


@primitive(np.log10)
def log10(a: Array) -> tuple[Any, ...]:
    """Take the logarithm to base 10, with gradient ``g / (a log 10)``."""
    return np.log10(a), lambda g: g / (a * math.log(10))


@primitive(np.log1p)
def log1p(a: Array) -> tuple[Any, ...]:
    """Take ``log(1 + a)``, exact also for small `a`, with gradient ``g / (1 + a)``."""
    return np.log1p(a), lambda g: g / (1 + a)


@primitive(np.absolute)
def absolute(a: Array) -> tuple[Any, ...]:
    """Take the absolute value, with gradient ``g sign(a)``: 0 at 0."""
    return np.absolute(a), lambda g: g * np.sign(a)


@primitive(np.fabs)
def fabs(a: Array) -> tuple[Any, ...]:
    """Take the absolute value, of whole numbers as floats, with gradient ``g sign(a)``: 0 at 0."""
    return np.fabs(a), lambda g: g * np.sign(a)


# What is meant for complex numbers, of which these are the real ones.


@primitive(np.conjugate)
def conjugate(a: Array) -> tuple[Any, ...]:
    """Return a copy: a real number is its own conjugate."""
    return +a, unchanged


@composition(np.real)
def real(val: Array) -> Array:
    """Return a copy: a real number has nothing else."""
    return +val


@primitive(np.imag)
def imag(val: Array) -> tuple[Any, ...]:
    """Return 0, with gradient 0."""
    return np.zeros_like(val), vanishing


@composition(np.real_if_close)
def real_if_close(a: Array, tol: float = 100) -> Array:  # noqa: ARG001 - NumPy takes it, for imaginary parts
    """Return a copy: real numbers have no imaginary part to drop, whatever `tol`."""
    return +a


@composition(np.angle)
def angle(z: Array, deg: bool = False) -> Array:
    """Return the angle in the complex plane: 0, and pi for negative numbers, with gradient 0."""
    radians = np.arctan2(0, z)
    return np.rad2deg(radians) if deg else radians
