"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.linalg import ROUNDING, small, symmetric
from tests.samples.making import Row, case, real, row


def positive_definite(*shape):
    """Return matrices ``b b^T + 1``."""
    b = small(*shape)
    return b @ np.swapaxes(b, -1, -2) + np.eye(shape[-1])


def stretched(rows, columns):
    """Return a matrix with singular values far from one another and from 0."""
    return small(rows, columns) + np.diag(2.0 * np.arange(1, 1 + max(rows, columns)))[:rows, :columns]


def packed_qr(a):
    q, r = np.linalg.qr(a)
    return np.concatenate([q, np.swapaxes(r, -1, -2)], axis=-2)


def packed_eigh(a, UPLO="L"):  # noqa: N803 - NumPy's name
    w, v = np.linalg.eigh(a, UPLO)
    return np.concatenate([w[..., None, :], v], axis=-2)


def packed_svd(a):
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.concatenate([u, s[..., None, :], np.swapaxes(vh, -1, -2)], axis=-2)


STACK = np.stack([stretched(2, 1), stretched(2, 1)])

# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "cholesky": row(
        case(positive_definite(3, 3)),
        case(positive_definite(2, 2, 2)),
        case(positive_definite(3, 3), upper=True),
        case(positive_definite(1, 1)),
        case(np.zeros((0, 0))),
        rtol=ROUNDING,
    ),
    "packed_qr": row(
        case(stretched(3, 3)),
        case(stretched(3, 2)),
        case(stretched(2, 3)),
        case(real(2, 1)),
        reference=packed_qr,
        rtol=ROUNDING,
    ),
    "qr": row(
        case(STACK),
        case(stretched(3, 2), mode="r"),
        case(stretched(1, 3), mode="complete"),
        rtol=ROUNDING,
    ),
    "determined": row(
        case(np.array([[1.0, 2.0], [0.6, -0.8], [0.8, 0.6]]), start=1, stop=3, values=0, operation="eigh"),
        case(real(2, 4, 2), start=0, stop=3, values=3, operation="svd"),
        reference=lambda packed, start, stop, values, operation: packed[..., start:stop, :],
    ),
    "packed_eigh": row(
        case(symmetric(3, 3)),
        case(real(1, 1)),
        reference=packed_eigh,
        rtol=ROUNDING,
    ),
    "eigh": row(
        case(symmetric(2, 2, 2)),
        case(symmetric(2, 2), UPLO="U"),
        case(np.zeros((0, 0))),
        rtol=ROUNDING,
    ),
    "eigvalsh": row(
        case(symmetric(3, 3)),
        case(symmetric(2, 2, 2)),
        case(symmetric(2, 2), UPLO="U"),
        case(np.zeros((0, 0))),
        rtol=ROUNDING,
    ),
    "packed_svd": row(
        case(stretched(3, 3)),
        case(stretched(3, 2)),
        case(stretched(2, 3)),
        case(real(1, 2)),
        reference=packed_svd,
        rtol=ROUNDING,
    ),
    "svdvals": row(
        case(stretched(3, 3)),
        case(stretched(2, 3)),
        case(STACK),
        case(real(3, 1)),
        case(np.zeros((0, 2))),
        rtol=ROUNDING,
    ),
    "svd": row(
        case(stretched(2, 2)),
        case(stretched(1, 2), full_matrices=False),
        case(STACK, full_matrices=False),
        case(stretched(3, 2), compute_uv=False),
        case(symmetric(2, 2), hermitian=True),
        case(symmetric(2, 2, 2), hermitian=True, compute_uv=False),
        rtol=ROUNDING,
    ),
}
# fmt: on
