"""What is constant between its steps, and what is made of it: signs, rounding, remainders."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array, composition, constant, kernel, primitive, unchanged, vanishing

constant(np.spacing)


@primitive(np.sign)
def sign(a: Array) -> tuple[Any, ...]:
    """Take the sign: -1, 0 or 1, with gradient 0."""
    return np.sign(a), vanishing


@primitive(np.copysign)
def copysign(a: Array, b: Array) -> tuple[Any, ...]:
    """Give ``|a|`` the sign of `b`: gradient ``g`` or ``-g`` for `a`, but 0 where `a` is 0, and 0 for `b`."""
    return np.copysign(a, b), lambda g: g * np.sign(a) * np.copysign(1.0, b), vanishing


@primitive(np.heaviside)
def heaviside(a: Array, b: Array) -> tuple[Any, ...]:
    """Step from 0 to 1, with the value `b` at 0: gradient 0 for `a`, and ``g`` where `a` is 0 for `b`."""
    return np.heaviside(a, b), vanishing, lambda g: g * np.equal(a, 0)


@primitive(np.floor)
def floor(a: Array) -> tuple[Any, ...]:
    """Round down, with gradient 0."""
    return np.floor(a), vanishing


@primitive(np.ceil)
def ceil(a: Array) -> tuple[Any, ...]:
    """Round up, with gradient 0."""
    return np.ceil(a), vanishing


@primitive(np.trunc)
def trunc(a: Array) -> tuple[Any, ...]:
    """Round towards 0, with gradient 0."""
    return np.trunc(a), vanishing


@composition(np.fix)
def fix(x: Array) -> Array:
    """Do what `numpy.trunc` does, which newer versions of NumPy recommend instead."""
    return np.trunc(x)


@primitive(np.rint)
def rint(a: Array) -> tuple[Any, ...]:
    """Round to the nearest whole number, halves to the even one, with gradient 0."""
    return np.rint(a), vanishing


@primitive(np.round, np.around)
def round(a: Array, /, decimals: int = 0) -> tuple[Any, ...]:
    """Round to a number of decimals, with gradient 0."""
    return np.round(a, decimals), vanishing


@primitive(np.nextafter)
def nextafter(a: Array, b: Array) -> tuple[Any, ...]:
    """Return the number of the dtype next to `a` towards `b`: gradient ``g`` for `a`, and 0 for `b`."""
    return np.nextafter(a, b), unchanged, vanishing


@primitive(np.floor_divide)
def floor_divide(a: Array, b: Array) -> tuple[Any, ...]:
    """Divide and round down, with gradient 0 for both."""
    return np.floor_divide(a, b), vanishing, vanishing


@primitive(np.remainder)
def remainder(a: Array, b: Array) -> tuple[Any, ...]:
    """Take ``a - b floor(a / b)``, which has the sign of `b`, with gradients ``g`` and ``-g floor(a / b)``."""
    return np.remainder(a, b), unchanged, lambda g: -g * np.floor_divide(a, b)


@primitive(np.fmod)
def fmod(a: Array, b: Array) -> tuple[Any, ...]:
    """Take ``a - b trunc(a / b)``, which has the sign of `a`, with gradients ``g`` and ``-g trunc(a / b)``."""
    out = np.fmod(a, b)
    return out, unchanged, lambda g: -g * np.rint((a - out) / b)  # `a / b` may have been rounded up to a whole number


@composition(np.divmod)
def divmod(a: Array, b: Array) -> tuple[Array, Array]:
    """Return `floor_divide` and `remainder`."""
    return np.floor_divide(a, b), np.remainder(a, b)


@composition(np.modf)
def modf(a: Array) -> tuple[Array, Array]:
    """Split into a fraction, with gradient ``g``, and a whole number, with gradient 0, both with the sign of `a`."""
    a = 1.0 * a
    finite = np.where(np.isinf(a), 0.0, a)  # infinity has the fraction 0, and not inf - inf
    return finite - np.trunc(finite), np.trunc(a)


@primitive(np.ldexp)
def ldexp(a: Array, exponent: Array) -> tuple[Any, ...]:
    """Multiply by a power of two: ``a 2^n`` for whole numbers n, with gradient ``g 2^n``."""
    return np.ldexp(a, exponent), lambda g: np.ldexp(g, exponent), None


@composition(np.frexp)
def frexp(a: Array) -> tuple[Array, Array]:
    """Split into ``m 2^n`` with ``1/2 <= |m| < 1``: `m`, with gradient ``g / 2^n``, and `n`, a constant."""
    exponent = binary_exponent(a)
    return np.ldexp(a, -exponent), exponent


@kernel
def binary_exponent(a: Array) -> Array:
    """Return the exponent that `numpy.frexp` finds."""
    return np.frexp(a)[1]


constant(binary_exponent)
