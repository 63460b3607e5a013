"""Polynomials, as arrays of coefficients from the highest power down, and piecewise linear interpolation."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError, ShapeError, UnsupportedError
from tinygrad_nn.primitive import Array, composition, refuse
from tinygrad_nn.primitives.shaping import astype

refuse(
    "roots may be complex. Where no gradient is needed, call NumPy on t.numpy(); that of a simple root r is "
    "-np.vander([r], len(p))[0] / np.polyval(np.polyder(p), r)",
    np.roots,
)


@composition(np.polyval)
def polyval(p: Array, x: Array) -> Array:
    """Evaluate ``p[0] x^(n-1) + ... + p[n-1]``, by Horner's scheme."""
    value = np.zeros_like(x)
    for coefficient in p:
        value = value * x + coefficient
    return value


@composition(np.polyadd)
def polyadd(a1: Array, a2: Array) -> Array:
    """Add polynomials: the shorter one has zeros before it."""
    length = max(np.size(a1), np.size(a2))
    return _padded(a1, length) + _padded(a2, length)


@composition(np.polysub)
def polysub(a1: Array, a2: Array) -> Array:
    """Subtract polynomials: the shorter one has zeros before it."""
    length = max(np.size(a1), np.size(a2))
    return _padded(a1, length) - _padded(a2, length)


def _padded(p: Array, length: int) -> Array:
    """Return coefficients with zeros before them, up to `length`."""
    p = np.atleast_1d(p)
    return np.concatenate([np.zeros(length - len(p), p.dtype), p])


@composition(np.polymul)
def polymul(a1: Array, a2: Array) -> Array:
    """Multiply polynomials: convolve their coefficients.

    As in NumPy, zeros that lead an operand shorten the result; but only once it is computed, since what is left of it
    depends on these coefficients too.
    """
    product = np.convolve(np.atleast_1d(a1), np.atleast_1d(a2))
    return product[_leading_zeros(a1) + _leading_zeros(a2) :]


def _leading_zeros(p: Array) -> int:
    """Count the zeros before the first coefficient that is none; the last one does not count."""
    nonzero = np.flatnonzero(p)
    return int(nonzero[0]) if len(nonzero) else np.size(p) - 1


@composition(np.polydiv)
def polydiv(u: Array, v: Array) -> tuple[Array, Array]:
    """Divide polynomials: the quotient and the remainder of long division, the latter without zeros before it."""
    rest, divisor = np.atleast_1d(u) + 0.0, np.atleast_1d(v) + 0.0
    degree = len(divisor) - 1
    quotient = []
    for place in range(len(rest) - degree):
        quotient.append(rest[place] / divisor[0])
        rest = rest - np.pad(quotient[-1] * divisor, (place, len(rest) - degree - place - 1))
    count = 0
    while count < len(rest) - 1 and np.allclose(rest[count], 0, rtol=1e-14):
        count += 1
    return np.stack(quotient) if quotient else np.zeros(1, rest.dtype), rest[count:]


@composition(np.polyder)
def polyder(p: Array, m: int = 1) -> Array:
    """Differentiate a polynomial `m` times."""
    p = np.atleast_1d(p)
    for _ in range(_count("polyder", m)):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return np.positive(p)


@composition(np.polyint)
def polyint(p: Array, m: int = 1, k: Any = None) -> Array:
    """Integrate a polynomial `m` times, with the constants `k` in the order of integration, 0 if None."""
    p = np.atleast_1d(p)
    constants = np.zeros(1) if k is None else np.atleast_1d(k)
    if len(constants) == 1:
        constants = np.broadcast_to(constants, (_count("polyint", m),))
    if len(constants) < m:
        message = f"polyint: expected one constant 'k', or one for each of {m} integrations, got {len(constants)}"
        raise ArgumentError(message)
    for constant in constants[:m]:
        p = np.append(p / np.arange(len(p), 0, -1), constant)
    return np.positive(p)


def _count(operation: str, m: int) -> int:
    if m < 0:
        message = f"{operation}: expected the order 'm' to be 0 or more, got {m}"
        raise ArgumentError(message)
    return m


@composition(np.poly)
def poly(seq_of_zeros: Array) -> Array:
    """Find the polynomial with given roots and a leading coefficient of 1: the product of all ``x - root``."""
    if np.ndim(seq_of_zeros) > 1:
        message = (
            f"poly: expected a sequence of roots, got shape {np.shape(seq_of_zeros)}: the eigenvalues of a matrix may "
            f"be complex. If it is symmetric, use np.poly(np.linalg.eigvalsh(a))"
        )
        raise UnsupportedError(message)
    roots = np.multiply(seq_of_zeros, 1.0)
    out = np.ones(1, roots.dtype)
    for root in np.atleast_1d(roots):
        out = np.pad(out, (0, 1)) - root * np.pad(out, (1, 0))
    return out


@composition(np.polyfit)
def polyfit(
    x: Array, y: Array, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """Fit a polynomial of degree `deg` to points in the sense of least squares, with weights `w`.

    As in NumPy, the powers are scaled to one length before `numpy.linalg.lstsq` sees them, `full` returns what that
    finds besides, and `cov` the covariance of the coefficients.
    """
    if np.ndim(x) != 1 or np.ndim(y) not in {1, 2} or np.size(x) != np.shape(y)[0]:
        message = f"polyfit: expected vectors of one length, got x of shape {np.shape(x)} and y of {np.shape(y)}"
        raise ShapeError(message)
    x, y, count = np.multiply(x, 1.0), np.multiply(y, 1.0), deg + 1
    powers = np.vander(x, count)
    if w is not None:
        powers = powers * np.expand_dims(w, 1)
        y = y * (w if y.ndim == 1 else np.expand_dims(w, 1))
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    rcond = len(x) * float(np.finfo(x.dtype).eps) if rcond is None else rcond
    scaled = powers / scale
    solution, residuals, rank, values = np.linalg.lstsq(scaled, y, rcond)
    coefficients = np.transpose(np.transpose(solution) / scale)
    if full:
        return coefficients, residuals, rank, values, rcond
    if rank != count:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=2)
    if not cov:
        return coefficients
    if cov != "unscaled" and len(x) <= count:
        message = f"polyfit: expected more than {count} points for a covariance, got {len(x)}. Pass cov='unscaled'"
        raise ArgumentError(message)
    covariance = np.linalg.inv(scaled.T @ scaled) / np.outer(scale, scale)
    factor = 1 if cov == "unscaled" else residuals / (len(x) - count)
    return coefficients, (covariance if y.ndim == 1 else np.expand_dims(covariance, -1)) * factor


@composition(np.vander)
def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:  # noqa: N803 - NumPy's name
    """Put the powers of each number into a row, descending from ``N - 1`` (as many as there are numbers) to 0."""
    if np.ndim(x) != 1:
        message = f"vander: expected a vector, got shape {np.shape(x)}. Ravel it first"
        raise ShapeError(message)
    x = np.multiply(x, 1)
    exponents = np.arange(len(x) if N is None else N)
    return np.expand_dims(x, 1) ** (exponents if increasing else exponents[::-1])


@composition(np.interp)
def interp(x: Array, xp: Array, fp: Array, left: Any = None, right: Any = None, period: float | None = None) -> Array:
    """Interpolate linearly between points ``(xp, fp)`` that are sorted; beyond them the value is `left` or `right`.

    All operands have a gradient. That for `x` is the slope: the one to the right where `x` is one of `xp`.
    """
    if np.ndim(xp) != 1 or np.shape(xp) != np.shape(fp) or np.size(xp) == 0 or period == 0:
        message = (
            f"interp: expected points 'xp' and 'fp' of one length, and a period that is not 0, "
            f"got shapes {np.shape(xp)} and {np.shape(fp)}, and period {period}"
        )
        raise ShapeError(message)
    xp, fp = astype(xp, dtype=np.float64), astype(fp, dtype=np.float64)  # the result is of double precision in NumPy
    if period is not None:
        x, xp = np.remainder(astype(x, dtype=np.float64), abs(period)), np.remainder(xp, abs(period))
        order = np.argsort(xp)
        xp, fp = np.take(xp, order), np.take(fp, order)
        xp = np.concatenate([xp[-1:] - abs(period), xp, xp[:1] + abs(period)])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    last = len(xp) - 1
    here = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, max(last - 1, 0))
    there = np.minimum(here + 1, last)
    width = xp[there] - xp[here]
    slope = (fp[there] - fp[here]) / np.where(np.equal(width, 0), 1.0, width)
    inside = slope * (x - xp[here]) + fp[here]
    below = np.where(np.less(x, xp[0]), fp[0] if left is None else left, inside)
    return np.where(np.greater(x, xp[-1]), fp[-1] if right is None else right, below)
