"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import STRIDED, Row, case, real, row

_rng = np.random.default_rng(1912)  # of this file's own: whether gaps are wide enough must not depend on other rows


def small(*shape):
    return _rng.uniform(-0.7, 0.7, shape)


def regular(*shape):
    """Return matrices whose diagonals dominate."""
    return small(*shape) + np.diag(2.0 + np.arange(shape[-1]))


def symmetric(*shape):
    """Return symmetric matrices with eigenvalues far from one another and from 0."""
    a = small(*shape)
    return (a + np.swapaxes(a, -1, -2)) / 2 + np.diag((2.0 + 3 * np.arange(shape[-1])) * (-1) ** np.arange(shape[-1]))


def deficient():
    """Return a matrix with one rank missing."""
    return np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]])


def lstsq(a, b, rcond=None):
    return np.linalg.lstsq(a, b, rcond)


def packed_slogdet(a):
    sign, logabsdet = np.linalg.slogdet(a)
    return np.concatenate([sign[..., None], logabsdet[..., None]], axis=-1)


STACK = regular(2, 2, 2)
ROUNDING = 1e-12

# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "inv": row(
        case(regular(3, 3)),
        case(regular(2, 1, 2, 2)),
        case(regular(1, 1)),
        case(regular(3, 3).T),
        case(np.zeros((0, 0))),
        case(np.zeros((0, 2, 2))),
        rtol=ROUNDING,
    ),
    "solve": row(
        case(regular(3, 3), real(3)),
        case(regular(3, 3), real(3, 2)),
        case(STACK, real(2)),
        case(STACK, real(2, 2, 1)),
        case(regular(2, 2), real(3, 2, 1)),
        case(STACK, real(2, 2)),
        case(regular(3, 3), np.arange(3)),
        case(np.array([[2, 1], [1, 3]]), real(2)),
        case(regular(2, 2), np.zeros((2, 0))),
        rtol=ROUNDING,
    ),
    "pinv": row(
        case(real(3, 2)),
        case(real(2, 3)),
        case(regular(2, 2)),
        case(real(2, 2, 1)),
        case(real(2, 1), rcond=1e-10),
        case(real(2, 1), rtol=1e-10),
        case(real(2, 1), rtol=None),
        case(symmetric(2, 2), hermitian=True),
        rtol=ROUNDING,
    ),
    "least_squares": row(
        case(real(3, 2), real(3)),
        case(real(3, 2), real(3, 2)),
        case(real(2, 3), real(2)),
        case(real(2, 1), real(2), rcond=1e-10),
        reference=lambda a, b, rcond=None: np.linalg.lstsq(a, b, rcond)[0],
        rtol=ROUNDING,
    ),
    "lstsq": row(
        case(real(3, 2), real(3, 2)),
        case(real(1, 2), real(1)),
        case(real(2, 1), real(2), rcond=-1),
        case(real(2, 1), real(2), rcond=1e-10),
        reference=lstsq,
        rtol=ROUNDING,
    ),
    "tensorinv": row(
        case(regular(4, 4).reshape(2, 2, 4)),
        case(regular(2, 2).reshape(2, 1, 2), ind=1),
        case(regular(2, 2).reshape(2, 1, 1, 2), ind=3),
        rtol=ROUNDING,
    ),
    "tensorsolve": row(
        case(regular(2, 2).reshape(2, 1, 2), real(2, 1)),
        case(regular(2, 2).reshape(2, 2, 1), real(2)),
        case(regular(4, 4).reshape(2, 2, 4), real(4), axes=(1, 0)),
        case(regular(2, 2).reshape(2, 2, 1), real(1, 2), axes=(0,)),
        rtol=ROUNDING,
    ),
    "det": row(
        case(regular(3, 3)),
        case(regular(2, 1, 2, 2)),
        case(real(1, 1)),
        case(regular(4, 4).T),
        case(deficient()),
        case(np.diag([1.0, 0.0, 0.0])),
        case(np.stack([np.diag([1.0, 0.0]), regular(2, 2)])),
        case(np.zeros((1, 1))),
        case(np.zeros((0, 0))),
        case(np.zeros((0, 2, 2))),
        rtol=ROUNDING,
    ),
    "packed_slogdet": row(
        case(regular(2, 2)),
        case(np.zeros((0, 0))),
        reference=packed_slogdet,
        rtol=ROUNDING,
    ),
    "slogdet": row(case(regular(3, 3)), case(-regular(2, 1, 2, 2)), case(real(1, 1)), rtol=ROUNDING),
    "matrix_power": row(
        *(case(regular(2, 2) / 2, n=n) for n in (0, 1, 2, 3, 5, -1, -2)),
        case(STACK, n=2),
        case(STACK, n=0),
        case(np.zeros((0, 0)), n=3),
        rtol=ROUNDING,
    ),
    "trace": row(
        case(real(3, 3)),
        case(real(2, 3), offset=1),
        case(real(3, 2), offset=-1),
        case(real(2, 3, 2), axis1=-1, axis2=0),
        case(STRIDED),
        case(np.zeros((0, 2))),
    ),
    "linalg_trace": row(case(real(3, 3)), case(real(2, 2, 3)), case(real(2, 2, 3), offset=-1)),
    "linalg_diagonal": row(case(real(3, 3)), case(real(2, 2, 3)), case(real(2, 2, 3), offset=1)),
}
# fmt: on
