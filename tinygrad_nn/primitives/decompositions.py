"""Matrix decompositions: Cholesky, QR, eigenvalues and singular values.

An operation has one result. So a decomposition is a rule whose result holds all factors, one below the other
(`packed_eigh`), and a composition that cuts it up again into what NumPy returns.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_nn.errors import LinearAlgebraError, UnsupportedError
from tinygrad_nn.primitive import Array, composition, constant, kernel, primitive
from tinygrad_nn.primitives.indexing import scatter_add
from tinygrad_nn.primitives.linalg import explained, symmetric_part


class QRResult(NamedTuple):
    """What `numpy.linalg.qr` returns."""

    Q: Array
    R: Array


class EighResult(NamedTuple):
    """What `numpy.linalg.eigh` returns."""

    eigenvalues: Array
    eigenvectors: Array


class SVDResult(NamedTuple):
    """What `numpy.linalg.svd` returns."""

    U: Array
    S: Array
    Vh: Array


def _row(a: Array) -> Array:
    """Return vectors as matrices of one row."""
    return np.expand_dims(a, -2)


def _diagonal(a: Array) -> Array:
    """Return vectors as diagonal matrices."""
    return _row(a) * np.eye(a.shape[-1], dtype=bool)


# Cholesky and QR


@primitive(np.linalg.cholesky)
def cholesky(a: Array, /, *, upper: bool = False) -> tuple[Any, ...]:
    """Factor a positive definite matrix as ``a = l l^T``, with `l` lower triangular; with `upper`, as ``u^T u``.

    The gradient is the symmetric part of ``l^-T phi(l^T g) l^-1``, where ``phi`` takes the lower triangle and half of
    the diagonal (I. Murray, "Differentiation of the Cholesky decomposition", 2016). Of `a`, the symmetric part counts.
    """
    a = symmetric_part("linalg.cholesky", a)
    advice = "Add a multiple of the identity, or use np.linalg.eigh"
    with explained("linalg.cholesky", a, "a positive definite matrix", advice):
        out = np.linalg.cholesky(a, upper=upper)

    def closure(g: Array) -> Array:
        lower, g = (out.mT, g.mT) if upper else (out, g)
        inner = np.tril(lower.mT @ g)
        half = inner + inner.mT - _diagonal(np.diagonal(inner, axis1=-2, axis2=-1))  # twice the symmetric part of phi
        return np.linalg.solve(lower.mT, np.linalg.solve(lower.mT, half).mT) / 2

    return out, closure


@primitive
def packed_qr(a: Array) -> tuple[Any, ...]:
    """Factor ``a = q r``, with orthonormal columns `q` above the transpose of the upper triangular `r`.

    With ``m = r g_r^T - g_q^T q``, the gradient for a square or tall matrix is ``(g_q + q copyltu(m)) r^-T``, where
    ``copyltu`` mirrors the lower triangle (S. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra
    functions", 2010). A wide matrix is ``[x y]`` with a square ``x = q u``, and ``r = [u v]``, where ``v = q^T y`` (D.
    Roberts and L. Roberts, "QR and LQ decomposition matrix backpropagation algorithms", 2020).

    >>> import numpy as np
    >>> np.abs(packed_qr(np.array([[3.0], [4.0]])))
    array([[0.6],
           [0.8],
           [5. ]])
    """
    q, r = np.linalg.qr(a)
    rows, k = q.shape[-2:]
    wide = a[..., k:] if a.shape[-1] > k else None

    def closure(g: Array) -> Array:
        u = r[..., :k]
        _check_rank(np.diagonal(u, axis1=-2, axis2=-1), r)
        g_q, g_r = g[..., :rows, :], g[..., rows:, :].mT
        g_u, g_v = g_r[..., :k], g_r[..., k:]
        if wide is not None:
            g_q = g_q + wide @ g_v.mT
        m = np.tril(u @ g_u.mT - g_q.mT @ q)
        mirrored = m + m.mT - _diagonal(np.diagonal(m, axis1=-2, axis2=-1))
        gradient = np.linalg.solve(u, (g_q + q @ mirrored).mT).mT
        return gradient if wide is None else np.concatenate([gradient, q @ g_v], axis=-1)

    return np.concatenate([q, r.mT], axis=-2), closure


def _check_rank(diagonal: Array, r: Array) -> None:
    """Refuse a gradient where the leading columns of a matrix are linearly dependent, as a 0 on R's diagonal shows."""
    if np.any(np.abs(diagonal) <= max(r.shape[-2:]) * np.finfo(r.dtype).eps * np.max(np.abs(r), initial=0)):
        message = (
            f"linalg.qr: expected the first {r.shape[-2]} columns to be linearly independent, as Q or R carry a "
            f"gradient, but they are not, and nothing determines Q. Use np.linalg.svd or np.linalg.pinv"
        )
        raise LinearAlgebraError(message)


@composition(np.linalg.qr)
def qr(a: Array, mode: str = "reduced") -> Any:
    """Factor ``a = q r``, with orthonormal columns and an upper triangular matrix; `mode` "r" returns this alone."""
    rows, columns = np.shape(a)[-2:]
    if mode not in {"reduced", "r"} and not (mode == "complete" and rows <= columns):
        message = (
            f"linalg.qr: expected 'mode' to be 'reduced' or 'r', got {mode!r}, and nothing determines the columns that "
            f"'complete' adds to a tall matrix. Use np.linalg.qr(a)"
        )
        raise UnsupportedError(message)
    packed = packed_qr(a)
    r = np.swapaxes(packed[..., rows:, :], -1, -2)
    return r if mode == "r" else QRResult(packed[..., :rows, :], r)


# Eigenvalues and singular values


def _rounding(values: Array) -> Array:
    """Return by how much a decomposition may have rounded the values of each matrix."""
    largest: Array = np.max(np.abs(values), axis=-1, keepdims=True, initial=0)
    return largest * 16 * values.shape[-1] * np.finfo(values.dtype).eps


@kernel
def are_equal(values: Array) -> Array:
    """Tell for each two of the values whether they are equal, but for rounding."""
    return np.abs(values[..., None] - values[..., None, :]) <= _rounding(values)[..., None]


@kernel
def are_zero(values: Array) -> Array:
    """Tell for each of the values whether it is 0, but for rounding."""
    return np.abs(values) <= _rounding(values)


@kernel
def undetermined(values: Array, is_partial: bool) -> str:
    """Tell which vectors nothing determines: those of equal values, and of 0 if they are but a part. "" if none are."""
    pairs = np.argwhere(are_equal(values) & ~np.eye(values.shape[-1], dtype=bool))
    if len(pairs):
        *stack, i, j = pairs[0].tolist()
        where = f" in the matrix at {stack}" if stack else ""
        return f"values {i} and {j}{where} are both {values[(*stack, i)]:.6g}"
    return "one is 0" if is_partial and np.any(are_zero(values)) else ""


constant(are_equal, are_zero, undetermined)


@primitive
def determined(packed: Array, /, *, start: int, stop: int, values: int, operation: str) -> tuple[Any, ...]:
    """Take the rows of a packed decomposition that hold vectors, and refuse a gradient where nothing determines these.

    Vectors of equal values may be turned into one another. An operation of its own, because only here is it known that
    vectors are used at all. That their gradient is 0 would not tell: at the identity, that of ``v log(w) v^T`` is 0 in
    `v`, and yet `v` must be known how to turn. Eigenvalues alone go on to have a gradient where they are equal.

    >>> import numpy as np
    >>> determined(np.array([[2.0, 3.0], [1.0, 0.0], [0.0, 1.0]]), start=1, stop=3, values=0, operation="eigh")
    array([[1., 0.],
           [0., 1.]])
    """
    shape = packed.shape

    def closure(g: Array) -> Array:
        trouble = undetermined(packed[..., values, :], stop - start > shape[-1])
        if trouble:
            message = (
                f"{operation}: expected distinct values, as their vectors carry a gradient, but {trouble}, where "
                f"nothing determines the vectors. Use np.linalg.eigvalsh or np.linalg.svdvals if only the values "
                f"matter, or add a small matrix that sets them apart"
            )
            raise LinearAlgebraError(message)
        return scatter_add(g, (Ellipsis, slice(start, stop), slice(None)), shape)

    return packed[..., start:stop, :], closure


def _inverse(a: Array, is_zero: Array) -> Array:
    """Return ``1 / a``, and 0 where it has no meaning because nothing turns there: see `determined`."""
    return np.where(is_zero, 0.0, 1.0 / np.where(is_zero, 1.0, a))


@primitive
def packed_eigh(a: Array, /, UPLO: Literal["L", "U"] = "L") -> tuple[Any, ...]:  # noqa: N803 - NumPy's name
    """Find the eigenvalues `w` of a symmetric matrix, ascending, above its orthonormal eigenvectors `v`, in columns.

    The gradient is ``v (diag(g_w) + f o (v^T g_v - g_v^T v) / 2) v^T``, where ``f_ij = 1 / (w_j - w_i)`` (M. Giles,
    "An extended collection of matrix derivative results for forward and reverse mode algorithmic differentiation",
    2008).

    >>> import numpy as np
    >>> np.abs(packed_eigh(np.array([[2.0, 0.0], [0.0, 1.0]])))
    array([[1., 2.],
           [0., 1.],
           [1., 0.]])
    """
    a = symmetric_part("linalg.eigh", a)
    with explained("linalg.eigh", a, "a matrix of finite numbers", "Look for NaN in it"):
        w, v = np.linalg.eigh(a, UPLO)

    def closure(g: Array) -> Array:
        turn = v.mT @ g[..., 1:, :]
        turn = (turn - turn.mT) / 2
        gaps = _row(w) - np.expand_dims(w, -1)
        return v @ (_diagonal(g[..., 0, :]) + turn * _inverse(gaps, are_equal(w))) @ v.mT

    return np.concatenate([_row(w), v], axis=-2), closure


@composition(np.linalg.eigh)
def eigh(a: Array, UPLO: Literal["L", "U"] = "L") -> EighResult:  # noqa: N803 - NumPy's name
    """Find the eigenvalues and eigenvectors of a symmetric matrix, of which the symmetric part counts.

    Signs of eigenvectors are LAPACK's; a gradient is right for what does not depend on them. Where eigenvalues are
    equal, they still have a gradient, but eigenvectors have none: an error says so.
    """
    packed = packed_eigh(a, UPLO=UPLO)
    n = packed.shape[-1]
    vectors = determined(packed, start=1, stop=n + 1, values=0, operation="linalg.eigh")
    return EighResult(packed[..., 0, :], vectors)


@primitive(np.linalg.eigvalsh)
def eigvalsh(a: Array, /, UPLO: Literal["L", "U"] = "L") -> tuple[Any, ...]:  # noqa: N803 - NumPy's name
    """Find the eigenvalues of a symmetric matrix, ascending, with gradient ``v diag(g) v^T``.

    Equal eigenvalues have a gradient for those that LAPACK finds; symmetric functions of them have the right one.
    """
    a = symmetric_part("linalg.eigvalsh", a)
    with explained("linalg.eigvalsh", a, "a matrix of finite numbers", "Look for NaN in it"):
        out = np.linalg.eigvalsh(a, UPLO)

    def closure(g: Array) -> Array:
        v = np.linalg.eigh(a, UPLO)[1]
        return v * _row(g) @ v.mT

    return out, closure


@primitive
def packed_svd(a: Array) -> tuple[Any, ...]:
    """Factor ``a = u diag(s) v^T``: the columns `u` above a row of the singular values `s`, above the columns `v`.

    Let ``x`` and ``y`` be the sum and the difference of ``u^T g_u - g_u^T u`` and ``v^T g_v - g_v^T v``. The gradient
    is ``u (diag(g_s) + m) v^T`` with ``m_ij = x_ij / (2 (s_j - s_i)) + y_ij / (2 (s_j + s_i))``, and, where `u` or `v`
    is not square, ``(1 - u u^T) g_u s^-1 v^T`` or ``u s^-1 g_v^T (1 - v v^T)`` in addition. (J. Townsend,
    "Differentiating the singular value decomposition", 2016; there in one fraction, over the differences of squares.)

    >>> import numpy as np
    >>> np.abs(packed_svd(np.array([[0.0, 2.0]])))
    array([[1.],
           [2.],
           [0.],
           [1.]])
    """
    with explained("linalg.svd", a, "a matrix of finite numbers", "Look for NaN in it", square=False):
        u, s, vh = np.linalg.svd(a, full_matrices=False)
    rows, columns = a.shape[-2:]
    v = vh.mT

    def closure(g: Array) -> Array:
        g_u, g_s, g_v = g[..., :rows, :], g[..., rows, :], g[..., rows + 1 :, :]
        along_u, along_v = u.mT @ g_u, v.mT @ g_v
        turn_u, turn_v = along_u - along_u.mT, along_v - along_v.mT
        equal, column = are_equal(s), np.expand_dims(s, -1)
        together = (turn_u + turn_v) * _inverse(_row(s) - column, equal)
        is_zero = are_zero(s)
        against = (turn_u - turn_v) * _inverse(_row(s) + column, is_zero[..., None] & is_zero[..., None, :])
        gradient = u @ (_diagonal(g_s) + (together + against) / 2) @ v.mT
        inverse = _row(_inverse(s, is_zero))
        if rows > columns:
            gradient = gradient + (g_u - u @ along_u) * inverse @ v.mT
        if columns > rows:
            gradient = gradient + u * inverse @ (g_v - v @ along_v).mT
        return gradient

    return np.concatenate([u, _row(s), v], axis=-2), closure


@primitive(np.linalg.svdvals)
def svdvals(x: Array, /) -> tuple[Any, ...]:
    """Find the singular values, descending, with gradient ``u diag(g) v^T``; one that is 0 has slope 0, as ``|x|`` has.

    Equal singular values have a gradient for those that LAPACK finds; symmetric functions of them have the right one.
    """
    with explained("linalg.svdvals", x, "a matrix of finite numbers", "Look for NaN in it", square=False):
        out = np.linalg.svd(x, compute_uv=False)

    def closure(g: Array) -> Array:
        u, s, vh = np.linalg.svd(x, full_matrices=False)
        return u * _row(np.where(are_zero(s), 0.0, g)) @ vh

    return out, closure


@composition(np.linalg.svd)
def svd(a: Array, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """Factor ``a = u diag(s) v^T`` with orthonormal columns `u`, `v` and singular values `s` that descend to 0 or more.

    The columns that `full_matrices` adds to a matrix that is not square have no gradient, since nothing determines
    them. Signs are LAPACK's, and equal singular values as equal eigenvalues in `eigh`. With `hermitian`, the symmetric
    part of `a` counts.
    """
    if hermitian:
        return _svd_of_symmetric(a, compute_uv=compute_uv)
    if not compute_uv:
        return np.linalg.svdvals(a)
    rows, columns = np.shape(a)[-2:]
    if full_matrices and rows != columns:
        message = (
            f"linalg.svd: expected full_matrices=False for matrices that are not square, got shape {np.shape(a)} and "
            f"full_matrices=True, whose additional columns nothing determines. Pass full_matrices=False"
        )
        raise UnsupportedError(message)
    packed = packed_svd(a)
    u = determined(packed, start=0, stop=rows, values=rows, operation="linalg.svd")
    v = determined(packed, start=rows + 1, stop=rows + 1 + columns, values=rows, operation="linalg.svd")
    return SVDResult(u, packed[..., rows, :], np.swapaxes(v, -1, -2))


def _svd_of_symmetric(a: Array, *, compute_uv: bool) -> Any:
    """Make singular values of eigenvalues: their sizes, descending, and their signs as signs of the vectors `v`."""
    w, u = np.linalg.eigh(a) if compute_uv else (np.linalg.eigvalsh(a), None)
    order = np.flip(np.argsort(np.abs(w), axis=-1), axis=-1)
    s = np.take_along_axis(np.abs(w), order, axis=-1)
    if u is None:
        return s
    signs = np.take_along_axis(np.copysign(1.0, w), order, axis=-1)
    u = np.take_along_axis(u, _row(order), axis=-1)
    return SVDResult(u, s, np.swapaxes(u * _row(signs), -1, -2))
