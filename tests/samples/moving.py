"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import EMPTY, FLIPPED, STRIDED, Row, case, real, row

TRIANGLES = (
    case(real(3, 3)),
    case(real(2, 3), k=1),
    case(real(3, 2), k=-1),
    case(real(2, 2, 2)),
    case(real(2), k=0),
    case(EMPTY),
)

# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "flip": row(
        case(real(3)), case(real(2, 3)), case(real(2, 3), axis=1), case(real(2, 1, 3), axis=(0, -1)), case(real())
    ),
    "fliplr": row(case(real(2, 3)), case(real(1, 2, 2)), case(STRIDED)),
    "flipud": row(case(real(2)), case(real(2, 3)), case(FLIPPED)),
    "rot90": row(
        case(real(2, 3)),
        case(real(2, 3), k=0),
        case(real(2, 3), k=2),
        case(real(2, 3), k=-1),
        case(real(2, 1, 3), k=7, axes=(2, -3)),
    ),
    "roll": row(
        case(real(2, 3), shift=1),
        case(real(2, 3), shift=4, axis=1),
        case(real(2, 3), shift=-1, axis=0),
        case(real(2, 3), shift=(1, 2), axis=(0, 1)),
        case(real(4), shift=(1, 2), axis=0),
        case(real(2, 3), shift=1, axis=(0, -1)),
        case(real(), shift=1),
        case(EMPTY, shift=1, axis=1),
    ),
    "repeat": row(
        case(real(3), 2),
        case(real(2, 2), 2),
        case(real(2, 3), repeats=3, axis=1),
        case(real(2, 3), repeats=[2, 0, 1], axis=-1),
        case(real(3), repeats=np.array([0, 3, 1])),
        case(real(2, 2), repeats=(2,), axis=0),
        case(real(2), repeats=0),
        case(real(), repeats=2),
        case(EMPTY, repeats=2, axis=1),
    ),
    "tile": row(
        case(real(3), 2),
        case(real(2, 2), (2, 1)),
        case(real(2), (2, 1, 2)),
        case(real(1, 2, 1), 2),
        case(real(), reps=3),
        case(real(2), reps=0),
        case(real(2), reps=()),
        case(real(2, 2), reps=[2, 2]),
    ),
    "resize": row(
        case(real(3), 2),
        case(real(3), (2, 4)),
        case(real(2, 2), new_shape=(3,)),
        case(real(2), new_shape=()),
        case(EMPTY, new_shape=(2,)),
        case(real(2), new_shape=(0, 2)),
    ),
    "tril": row(*TRIANGLES),
    "triu": row(*TRIANGLES),
    "diagonal": row(
        case(real(3, 3)),
        case(real(2, 3), 1),
        case(real(3, 2), offset=-1),
        case(real(2, 2), offset=5),
        case(real(2, 3, 2)),
        case(real(2, 3, 2), offset=1, axis1=-1, axis2=1),
        case(real(2, 3, 2), -1, 2, 0),
        case(EMPTY),
    ),
    "diagflat": row(case(real(3)), case(real(2, 2), 1), case(real(2), k=-2), case(real()), case(EMPTY)),
    "diag": row(
        case(real(3)),
        case(real(2), 1),
        case(real(2), k=-1),
        case(real(2, 3)),
        case(real(3, 2), k=-1),
    ),
}
# fmt: on
