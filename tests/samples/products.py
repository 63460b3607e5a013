"""Samples for the file of the same name in `primitives/`."""

import operator

import numpy as np

from tests.samples.making import EMPTY, FLIPPED, STRIDED, Row, case, real, row

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
}
# fmt: on
