"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import EMPTY, Row, case, real, row

LEFT, RIGHT = np.array([[3.25, 1.25], [4.25, 1.5]]), np.array([9.5, 1.1, 3.5])
NAMES = (case(real(4)), case(real(2, 3)), case(EMPTY))

# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "unique": row(
        *NAMES,
        case(real(2, 2), 1),
        case(real(3), return_inverse=True, return_counts=True),
        case(real(3, 2), return_index=True, return_inverse=True, return_counts=True, axis=0),
        case(real(2, 3), axis=-1, equal_nan=False),
    ),
    "unique_values": row(*NAMES, reference=np.unique),
    "unique_counts": row(*NAMES),
    "unique_inverse": row(*NAMES),
    "unique_all": row(*NAMES),
    # Equal elements are what finite differences would move apart: `test_shaping.py` has them.
    "union1d": row(case(LEFT, RIGHT), case(LEFT, np.arange(6, 8)), case(EMPTY, RIGHT)),
    "intersect1d": row(
        case(LEFT, RIGHT), case(LEFT, RIGHT, return_indices=True), case(LEFT, RIGHT, assume_unique=True)
    ),
    "setdiff1d": row(case(LEFT, RIGHT), case(LEFT, np.arange(9), assume_unique=True), case(EMPTY, LEFT)),
    "setxor1d": row(case(LEFT, RIGHT), case(RIGHT, np.arange(5), assume_unique=True)),
}
# fmt: on
