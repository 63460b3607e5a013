"""Samples for the file of the same name in `primitives/`."""

import operator

import numpy as np

from tests.samples.making import EMPTY, FLIPPED, STRIDED, Row, case, real, row

VECTORS = (real(2, 3), real(3))

# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "matmul": row(
        case(real(3), real(3)),
        case(real(2, 3), real(3)),
        case(real(2), real(2, 3)),
        case(real(2, 3), real(3, 2)),
        case(real(2, 2, 3), real(3, 2)),
        case(real(2, 3), real(2, 3, 1)),
        case(real(2, 1, 1, 2), real(2, 2, 1)),
        case(real(2), real(2, 2, 1)),
        case(real(2, 1, 2), real(2)),
        case(FLIPPED, STRIDED.T),
        case(EMPTY, real(2, 2)),
        case(EMPTY.T, EMPTY),
        case(EMPTY, real(2)),
        case(real(2, 3), np.arange(3)),
        spellings=(operator.matmul,),
    ),
    "dot": row(
        case(real(3), real(3)),
        case(real(2, 3), real(3)),
        case(real(2), real(2, 3)),
        case(real(2, 3), real(3, 2)),
        case(real(2, 1, 2), real(2, 2)),
        case(real(2, 2), real(2, 2, 1)),
        case(real(2), real(2, 2, 1)),
        case(real(1, 2, 2), real(2, 2, 1)),
        case(real(), real(2)),
        case(real(2, 1), real()),
    ),
    "inner": row(
        case(real(3), real(3)),
        case(real(2, 3), real(3)),
        case(real(2, 3), real(1, 2, 3)),
        case(real(), real(2)),
        case(EMPTY, real(2)),
    ),
    "vdot": row(case(real(3), real(3)), case(real(2, 3), real(3, 2)), case(real(), real()), case(FLIPPED, real(12))),
    "outer": row(case(real(2), real(3)), case(real(2, 2), real()), case(EMPTY, real(2)), case(real(2), np.arange(2))),
    "linalg_outer": row(case(real(2), real(3)), case(real(0), real(2))),
    "tensordot": row(
        case(real(2, 3, 2), real(3, 2, 1)),
        case(real(2, 3), real(3), axes=1),
        case(real(2), real(3), axes=0),
        case(real(2, 3), real(2, 3), axes=(0, 0)),
        case(real(2, 3, 1), real(1, 3, 2), axes=([0, -1], [2, 0])),
        case(real(2, 3), real(3, 2), axes=[[1, 0], [0, 1]]),
        case(EMPTY, real(2, 3), axes=1),
        case(EMPTY, EMPTY),
    ),
    "vecdot": row(
        case(real(3), real(3)),
        case(*VECTORS),
        case(real(2, 1, 2), real(3, 2)),
        case(real(3, 2), real(3, 2), axis=0),
        case(real(2, 3, 2), real(3, 1), axis=-2),
        case(EMPTY, real(2)),
    ),
    "matvec": row(
        case(*VECTORS),
        case(real(2, 2, 3), real(3)),
        case(real(2, 3), real(2, 3)),
        case(EMPTY, real(2)),
        reference=lambda x1, x2: np.einsum("...ij,...j->...i", x1, x2),
    ),
    "vecmat": row(
        case(real(2), real(2, 3)),
        case(real(2), real(2, 2, 3)),
        case(real(3, 2), real(2, 2)),
        case(real(2), EMPTY.T),
        reference=lambda x1, x2: np.einsum("...i,...ij->...j", x1, x2),
    ),
    "multi_dot": row(
        case([real(2, 3), real(3, 2)]),
        case([real(3), real(3, 2), real(2)]),
        case([real(3), real(3, 1), real(1, 4)]),
        case([real(2, 1), real(1, 3), real(3, 1), real(1, 2)]),
        case([real(4, 1), real(1, 4), real(4)]),
        rtol=1e-13,
    ),
    "kron": row(
        case(real(2), real(3)),
        case(real(2, 2), real(1, 3)),
        case(real(2), real(2, 1)),
        case(real(2, 1, 2), real(2)),
        case(real(), real(2)),
        case(real(), real()),
        case(EMPTY, real(2)),
    ),
    "cross": row(
        case(real(3), real(3)),
        case(real(3, 2), real(3), axisa=0),
        case(real(3, 1), real(1, 3), axisa=0, axisb=1, axisc=0),
        case(real(1, 3, 1), real(3, 1), axis=-2),
        case(real(3), np.arange(3)),
    ),
    "linalg_cross": row(case(real(3), real(1, 3)), case(real(3, 1), real(3, 1), axis=0)),
}
# fmt: on
