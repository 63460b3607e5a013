"""Samples for the file of the same name in `primitives/`."""

import math

import numpy as np

from tests.samples.linalg import ROUNDING
from tests.samples.making import EMPTY, FLIPPED, STRIDED, Row, case, real, row, since

VECTOR_ORDERS = (None, 0, 1, 2, 3, 0.5, -1, -2.5, math.inf, -math.inf)
MATRIX_ORDERS = (None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)


# Sums, singular values and sizes of elements lie apart from one another, along all axes.
MATRIX = np.array([[2.0, -0.5, 0.3], [0.4, 1.2, -0.9]])
SQUARE = np.array([[2.0, -0.3], [0.5, -1.1]])
CUBE = np.stack([MATRIX, MATRIX[:, ::-1] * [[1.5], [-0.6]]], axis=-1)


def euclidean_norm(x, axis=None, keepdims=False):
    return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "euclidean_norm": row(
        case(real(3)),
        case(real()),
        case(real(2, 3)),
        case(real(2, 3), axis=-1),
        case(real(2, 3, 2), axis=(0, -1), keepdims=True),
        case(STRIDED, axis=0),
        case(EMPTY, axis=1),
        reference=euclidean_norm,
    ),
    "norm": row(
        *(case(real(4), ord=order) for order in VECTOR_ORDERS),
        *(case(MATRIX, ord=order) for order in MATRIX_ORDERS),
        *(case(MATRIX, ord=order, axis=-1) for order in (None, 1, 3, -math.inf)),
        *(case(MATRIX, ord=order, axis=0, keepdims=True) for order in (2, 0, 1.5, math.inf)),
        *(case(CUBE, ord=order, axis=(2, 0)) for order in ("fro", "nuc", 1, -2)),
        *(case(CUBE, ord=order, axis=(-3, -2), keepdims=True) for order in (None, 2, math.inf)),
        case(real()),
        case(real(2, 3, 2)),
        case(real(2, 3, 2), keepdims=True),
        case(FLIPPED),
        case(EMPTY),
        *since("2.3.0", case(EMPTY, ord=2)),
        case(real(3), axis=(0,)),
        rtol=ROUNDING,
    ),
    "vector_norm": row(
        case(real(2, 3)),
        case(real(2, 3), ord=3),
        case(CUBE, axis=(0, 2), ord=1),
        case(CUBE, axis=(-1, 1), keepdims=True, ord=math.inf),
        case(MATRIX, axis=0, ord=-math.inf, keepdims=True),
        case(real(2, 3), keepdims=True, ord=0),
        rtol=ROUNDING,
    ),
    "matrix_norm": row(
        case(real(2, 3)),
        case(CUBE.T, ord="nuc"),
        case(CUBE.T, ord=-1, keepdims=True),
        rtol=ROUNDING,
    ),
    "cond": row(
        case(SQUARE),
        *(case(SQUARE, p=p) for p in (2, -2, 1, -1, math.inf, -math.inf, "fro", "nuc")),
        case(np.stack([SQUARE, SQUARE[::-1] * 0.8]), p="fro"),
        case(MATRIX),
        rtol=ROUNDING,
    ),
}
# fmt: on
