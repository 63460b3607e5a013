"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import EMPTY, Row, case, positive, real, row

# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "linspace": row(
        case(real(), real(), 5),
        case(real(), 3, 4),
        case(np.array(-1.0), np.array(2.5), num=3, endpoint=False),
        case(real(2), real(2), num=3),
        case(real(2, 1), real(3), num=2, axis=-1),
        case(real(2), 2.0, num=4, axis=1, retstep=True),
        case(real(), real(), num=1),
        case(real(), real(), num=1, endpoint=False),
        case(real(), real(), num=0),
        case(0, real(), 3, dtype=np.float64),
        case(EMPTY, real(2), 3),
        rtol=1e-13,
    ),
    "logspace": row(
        case(real(), real(), 4),
        case(real(2), 1, num=3, base=2.0, axis=-1),
        case(real(), real(), num=3, endpoint=False, base=2),
        case(real(2), real(2), num=3, base=positive(2)),
        case(real(), real(), num=2, base=positive(2), axis=1),
        rtol=1e-13,
    ),
    "geomspace": row(
        case(positive(), positive(), 3),
        case(positive(), 5, num=3),
        case(-positive(2), -positive(2), num=3, axis=1),
        case(1, positive(2), num=3, endpoint=False),
        case(np.array([1.0, -1.0]), np.array([3.0, -9.0]), num=1),
        case(positive(), positive(), num=0),
        rtol=1e-13,
    ),
    "meshgrid": row(
        case(real(3), real(2)),
        case(real(2), real(1), np.arange(2), indexing="ij"),
        case(real(1), real(2), real(2)),
        case(real(3), real(2), sparse=True),
        case(real(3), real(2), sparse=True, indexing="ij", copy=False),
        case(real(2)),
        case(real(), real(2)),
        case(real(1, 2), real(2)),
    ),
    "full_like": row(
        case(real(2, 3), real()),
        case(real(2, 3), real(3)),
        case(real(2, 2), real(2, 1), dtype=float),
        case(real(2), real(), shape=(1, 2)),
        case(real(2), real(), shape=3),
    ),
}
# fmt: on
