"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import EMPTY, FLIPPED, Row, case, real, row

LISTS = (case([real(2), real(2)]), case([real(2, 1), real(2, 1)]), case([real()]), case((real(1, 2, 2), real(1, 2, 2))))
CUTS = (
    case(real(4), 2),
    case(real(4, 2), 2),
    case(real(3), [1, 2]),
    case(real(3, 2), indices_or_sections=(1, 1), axis=-1),
    case(real(2, 4), 2, 1),
    case(real(3), [2, 7]),
    case(EMPTY, 2, axis=1),
)

# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "concatenate": row(
        case(real(2), real(3)),
        case(real(2, 1), real(2, 2), axis=1),
        case(real(2, 1), real(2, 2), axis=-1),
        case(real(2, 1), real(3), real(), axis=None),
        case(EMPTY, real(1, 2)),
        case(real(2)),
        case(real(1), np.arange(2)),
        spellings=(lambda *arrays, **options: np.concat(arrays, **options),),
    ),
    "stack": row(
        case(real(2), real(2)),
        case(real(2), real(2), axis=-1),
        case(real(), real()),
        case(real(2, 1), axis=1),
        case(real(2), np.arange(2), axis=1),
        case(real(2), real(2), dtype=np.float64),
        case(EMPTY, EMPTY, axis=-2),
    ),
    "vstack": row(*LISTS, case([real(2), real(2, 2)])),
    "hstack": row(*LISTS, case([real(2), real()])),
    "dstack": row(*LISTS, case([real(2), real(1, 2)])),
    "column_stack": row(*LISTS, case([real(2), real(2, 2), real(2)])),
    "block": row(
        case([real(2), real(3)]),
        case([[real(2, 2), real(2, 1)], [real(1, 2), real()]]),
        case([[real(2)], [real(2)]]),
        case(real(2, 2)),
        case([real(1, 1, 2), 3.0]),
        case([[[real()]]]),
    ),
    "append": row(
        case(real(2), real(3)),
        case(real(2, 2), real(2)),
        case(real(2, 2), real(1, 2), axis=0),
        case(real(2), 3.0),
        case(np.arange(2), real(2)),
    ),
    "insert": row(
        case(real(3), 1, real()),
        case(real(3), -1, real(2)),
        case(real(2, 2), 1, real()),
        case(real(2, 3), 1, real(2), axis=1),
        case(real(2, 3), 3, real(2, 1), axis=1),
        case(real(2, 2), [1], real(2, 2), axis=1),
        case(real(2, 2), [0, 2], real(2, 1), axis=1),
        case(real(1, 3), obj=[2, 0, 2], values=real(3), axis=-1),
        case(real(3), slice(0, 2), real(2)),
        case(real(3), np.array([True, False, True]), real()),
        case(real(3), [], real(1)),
        case(real(1, 2), 0, real(2, 2), axis=0),
        case(real(2), 1, 3),
    ),
    "delete": row(
        case(real(3), 1),
        case(real(2, 3), -1),
        case(real(2, 3), [0, 2], axis=1),
        case(real(2, 3), slice(None, None, 2), axis=-1),
        case(real(3), np.array([True, False, True])),
        case(real(3), []),
        case(FLIPPED, obj=0, axis=0),
    ),
    "split": row(*CUTS),
    "array_split": row(*CUTS, case(real(5), 3), case(real(2), 3), case(real(4), [3, 1])),
    "vsplit": row(case(real(2, 2), 2), case(real(3, 1), [1])),
    "hsplit": row(case(real(2, 2), 2), case(real(4), [1, 3])),
    "dsplit": row(case(real(1, 2, 4), 2), case(real(1, 1, 3), [2])),
    "unstack": row(case(real(2)), case(real(2, 3)), case(real(2, 3), axis=1), case(real(2, 1, 3), axis=-1)),
}
# fmt: on
