"""Linear algebra: linear systems, inverses, determinants and powers.

A function of symmetric matrices is one of ``(a + a^T) / 2`` here: see `symmetric_part`.
"""

from __future__ import annotations

import contextlib
import functools
import math
import operator
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn.errors import ArgumentError, LinearAlgebraError, TinygradError
from tinygrad_nn.primitive import Array, composition, constant, kernel, primitive, refuse

constant(np.linalg.matrix_rank)

refuse(
    "its result is complex. For a symmetric matrix use np.linalg.eigh or np.linalg.eigvalsh; where no gradient is "
    "needed, call NumPy on t.numpy()",
    np.linalg.eig,
    np.linalg.eigvals,
)


@contextlib.contextmanager
def explained(operation: str, a: Array, expected: str, advice: str, *, square: bool = True) -> Iterator[None]:
    """Tell why an operation is not defined for the values of `a`; of a wrong shape, the engine tells."""
    try:
        yield
    except np.linalg.LinAlgError as error:
        is_matrix = a.ndim >= 2 and (not square or a.shape[-1] == a.shape[-2])
        if isinstance(error, TinygradError) or not is_matrix:
            raise
        message = (
            f"{operation}: expected {expected}, but this one, of shape {a.shape}, is not. NumPy says: {error}. {advice}"
        )
        raise LinearAlgebraError(message) from error


@kernel
def is_lopsided(a: Array) -> bool:
    """Tell whether a matrix is far from symmetric: farther than rounding and finite differences take it.

    An element then differs from its opposite by a quarter of its size, and by a thousandth of the largest element.
    """
    sizes = np.abs(a)
    largest = np.max(sizes, axis=(-2, -1), keepdims=True, initial=0)
    return bool(np.any(np.abs(a - a.mT) > np.maximum(np.maximum(sizes, sizes.mT) / 4, largest / 1024)))


constant(is_lopsided)


def symmetric_part(operation: str, a: Array) -> Array:
    """Return ``(a + a^T) / 2``, which of a symmetric matrix is that matrix, and refuse what is far from symmetric.

    NumPy reads one triangle of a matrix that is meant to be symmetric, and takes the other for granted. The gradient
    for that triangle alone would be 0 in the other one and doubled in this. As a function of the symmetric part, an
    operation has a symmetric gradient, as in the books: that of an eigenvalue is ``v v^T``.
    """
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        return a  # NumPy tells best what does not fit
    if is_lopsided(a):
        message = (
            f"{operation}: expected a symmetric matrix, got one of shape {a.shape} that differs from its transpose. "
            f"Where only one triangle is meant, mirror it: np.tril(a) + np.tril(a, -1).mT"
        )
        raise ArgumentError(message)
    return (a + a.mT) / 2


# Linear systems


@primitive(np.linalg.inv)
def inv(a: Array) -> tuple[Any, ...]:
    """Invert matrices: ``x = a^-1``, with gradient ``-x^T g x^T``."""
    with explained("linalg.inv", a, "a regular matrix", "Use np.linalg.pinv, or add a multiple of the identity"):
        out = np.linalg.inv(a)
    return out, lambda g: -(out.mT @ g @ out.mT)


@primitive(np.linalg.solve)
def solve(a: Array, b: Array) -> tuple[Any, ...]:
    """Solve ``a x = b``, with gradients ``-y x^T`` and ``y``, where ``a^T y = g``.

    As in NumPy 2, a `b` of one axis is one vector, and any other a stack of matrices.
    """
    with explained("linalg.solve", a, "a regular matrix", "Use np.linalg.lstsq, or add a multiple of the identity"):
        out = np.linalg.solve(a, b)
    is_vector = b.ndim == 1

    def to_b(g: Array) -> Array:
        return np.squeeze(np.linalg.solve(a.mT, np.expand_dims(g, -1)), -1) if is_vector else np.linalg.solve(a.mT, g)

    def to_a(g: Array) -> Array:
        y = to_b(g)
        return -(np.expand_dims(y, -1) * np.expand_dims(out, -2)) if is_vector else -(y @ out.mT)

    return out, to_a, to_b


@primitive(np.linalg.pinv)
def pinv(a: Array, /, rcond: Any = None, hermitian: bool = False, *, rtol: Any = 1e-15) -> tuple[Any, ...]:
    """Take the Moore-Penrose inverse ``p``, with gradient ``-p^T g p^T + (1 - a p) g^T p p^T + p^T p g^T (1 - p a)``.

    The gradient is that among matrices of the same rank: where the rank changes, the inverse jumps. (G. Golub and V.
    Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate",
    1973.) With `hermitian`, it is that of the symmetric part of `a`.
    """
    if hermitian:
        a = symmetric_part("linalg.pinv", a)
    limit = {"rtol": rtol} if rcond is None else {"rcond": rcond}
    with explained("linalg.pinv", a, "a matrix of finite numbers", "Look for NaN in it", square=False):
        out = np.linalg.pinv(a, hermitian=hermitian, **limit)

    def closure(g: Array) -> Array:
        left, right = np.eye(a.shape[-2], dtype=a.dtype) - a @ out, np.eye(a.shape[-1], dtype=a.dtype) - out @ a
        gradient = left @ g.mT @ out @ out.mT + out.mT @ out @ g.mT @ right - out.mT @ g @ out.mT
        return (gradient + gradient.mT) / 2 if hermitian else gradient

    return out, closure


@primitive
def least_squares(a: Array, b: Array, /, rcond: float | None = None) -> tuple[Any, ...]:
    """Find the shortest ``x`` for which ``|b - a x|`` is least, for a matrix `a` and a vector or matrix `b`.

    With ``p`` the pseudo-inverse of `a`, ``x = p b`` and ``y = p^T g``, the gradients are ``y`` for `b` and, for `a`,
    ``-y x^T + (b - a x) (p y)^T + (p^T x) (g - a^T y)^T``: those of `pinv`, times `b`.

    >>> import numpy as np
    >>> least_squares(np.array([[1.0], [1.0]]), np.array([1.0, 2.0]))
    array([1.5])
    """
    with explained("linalg.lstsq", a, "a matrix of finite numbers", "Look for NaN in it", square=False):
        out = np.linalg.lstsq(a, b, rcond)[0]
    is_vector = b.ndim == 1
    cutoff = _cutoff(a.shape, rcond)

    def columns(x: Array) -> Array:
        return np.expand_dims(x, -1) if is_vector else x

    def to_a(g: Array) -> Array:
        p, x, g = np.linalg.pinv(a, cutoff), columns(out), columns(g)
        y = p.mT @ g
        return (columns(b) - a @ x) @ (p @ y).mT + p.mT @ x @ (g - a.mT @ y).mT - y @ x.mT

    return out, to_a, lambda g: np.linalg.pinv(a, cutoff).mT @ g


def _cutoff(shape: tuple[int, ...], rcond: float | None) -> float:
    """Return the part of the largest singular value up to which `numpy.linalg.lstsq` takes another one for 0."""
    eps = float(np.finfo(np.float64).eps)  # NumPy computes in double precision whatever the dtype
    return eps * max(shape) if rcond is None else eps if rcond < 0 else rcond


@composition(np.linalg.lstsq)
def lstsq(a: Array, b: Array, rcond: float | None = None) -> tuple[Array, Array, Any, Array]:
    """Solve ``a x = b`` in the sense of least squares: the solution, the squared residuals, rank, singular values.

    The rank is a constant. Gradients are those among matrices `a` of the same rank.
    """
    x = least_squares(a, b, rcond=rcond)
    rows, columns = np.shape(a)
    s = np.linalg.svdvals(a)
    rank = np.sum(s > _cutoff((rows, columns), rcond) * s[:1], dtype=np.int32)
    has_residuals = rank == columns < rows
    squares = np.reshape(np.sum(np.square(b - np.matmul(a, x)), axis=0), (-1,))
    return x, squares if has_residuals else squares[:0], rank, s


@composition(np.linalg.tensorinv)
def tensorinv(a: Array, ind: int = 2) -> Array:
    """Invert with respect to `numpy.tensordot` with ``axes=ind``: as a matrix, whose rows the first `ind` axes are."""
    if ind <= 0:
        message = f"linalg.tensorinv: expected 'ind' to be the number of axes that make the rows, got {ind}"
        raise ArgumentError(message)
    rows, columns = np.shape(a)[:ind], np.shape(a)[ind:]
    inverse = np.linalg.inv(np.reshape(a, (math.prod(rows), math.prod(columns))))
    return np.reshape(inverse, (*columns, *rows))


@composition(np.linalg.tensorsolve)
def tensorsolve(a: Array, b: Array, axes: Any = None) -> Array:
    """Solve ``tensordot(a, x, x.ndim) = b``; the `axes` of `a` are moved to its end first."""
    if axes is not None:
        a = np.moveaxis(a, axes, range(np.ndim(a) - len(axes), np.ndim(a)))
    shape = np.shape(a)[np.ndim(b) :]
    return np.reshape(np.linalg.solve(np.reshape(a, (-1, math.prod(shape))), np.ravel(b)), shape)


# Determinants


@primitive(np.linalg.det)
def det(a: Array) -> tuple[Any, ...]:
    """Take the determinant; its gradient is ``g`` times the cofactors of the elements, which are ``det(a) a^-T``.

    It is right for singular matrices too, whose cofactors are not 0 if only one rank is missing. They are computed as
    determinants of all minors then, which takes memory and time of the fourth power of the size.
    """
    out = np.linalg.det(a)
    return out, lambda g: np.expand_dims(g, (-2, -1)) * _cofactors(a, out)


def _cofactors(a: Array, determinant: Array) -> Array:
    """Return ``(-1)^(i+j)`` times the determinant of `a` without row i and column j.

    ``det(a) a^-T`` next to a singular matrix is right only by cancellation, and its derivatives are not.
    """
    n = a.shape[-1]
    if n < 2:  # the determinant of a minor without elements is 1
        return np.ones_like(a)
    if np.all(np.equal(np.linalg.matrix_rank(a), n)):
        return np.expand_dims(determinant, (-2, -1)) * np.linalg.inv(a).mT
    others = np.array([[j for j in range(n) if j != i] for i in range(n)], dtype=int).reshape((n, n - 1))
    minors = a[..., others[:, None, :, None], others[None, :, None, :]]
    signs = (-1.0) ** np.add.outer(np.arange(n), np.arange(n))
    return signs * np.linalg.det(minors)


class SlogdetResult(NamedTuple):
    """What `numpy.linalg.slogdet` returns."""

    sign: Array
    logabsdet: Array


@primitive
def packed_slogdet(a: Array) -> tuple[Any, ...]:
    """Take the determinant's sign and the logarithm of its size, with gradients 0 and ``g a^-T``, along a last axis.

    >>> import numpy as np
    >>> packed_slogdet(np.array([[0.0, 1.0], [1.0, 0.0]]))
    array([-1.,  0.])
    """
    advice = "Its logarithm is -inf and has no gradient: use np.linalg.det, or add a multiple of the identity"

    def closure(g: Array) -> Array:
        with explained("linalg.slogdet", a, "a regular matrix", advice):
            return np.expand_dims(g[..., 1], (-2, -1)) * np.linalg.inv(a).mT

    return np.stack(np.linalg.slogdet(a), axis=-1), closure


@composition(np.linalg.slogdet)
def slogdet(a: Array) -> SlogdetResult:
    """Take the determinant's sign, whose gradient is 0, and the logarithm of its size, whose gradient is ``a^-T``."""
    packed = packed_slogdet(a)
    return SlogdetResult(packed[..., 0], packed[..., 1])


# Powers and traces


@composition(np.linalg.matrix_power)
def matrix_power(a: Array, n: int) -> Array:
    """Multiply a matrix `n` times by itself, its inverse if `n` is negative, by repeated squaring."""
    n = operator.index(n)
    if n == 0:
        identity = np.linalg.matrix_power(np.zeros(np.shape(a), np.result_type(a)), 0)
        return np.where(False, a, identity)  # noqa: FBT003 - no element depends on `a`, yet it has a gradient: 0
    power = np.linalg.inv(a) if n < 0 else np.positive(a)
    factors = []
    for place, bit in enumerate(reversed(f"{abs(n):b}")):
        if place:
            power = np.matmul(power, power)
        if bit == "1":
            factors.append(power)
    return functools.reduce(np.matmul, factors)


@composition(np.trace)
def trace(a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Sum along a diagonal."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@composition(np.linalg.trace)
def linalg_trace(x: Array, /, *, offset: int = 0) -> Array:
    """Sum along a diagonal of each matrix."""
    return np.trace(x, offset, -2, -1)


@composition(np.linalg.diagonal)
def linalg_diagonal(x: Array, /, *, offset: int = 0) -> Array:
    """Take a diagonal of each matrix."""
    return np.diagonal(x, offset, -2, -1)
