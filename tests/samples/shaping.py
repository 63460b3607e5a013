"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import EMPTY, FLIPPED, Row, case, real, row

# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "reshape": row(
        case(real(2, 3), shape=(3, 2)),
        case(real(2, 3), shape=-1),
        case(real(2, 3), shape=(1, -1, 2)),
        case(real(), shape=(1, 1)),
        case(real(1), shape=()),
        case(FLIPPED, shape=(4, 3)),
        case(EMPTY, shape=(2, 0)),
        spellings=(lambda a, shape: a.reshape(shape), lambda a, shape: a.reshape(*np.ravel(np.array(shape, int)))),
    ),
    "ravel": row(case(real(2, 3)), case(real()), case(FLIPPED), case(EMPTY)),
    "transpose": row(
        case(real(2, 3)),
        case(real(2, 1, 3), axes=(2, 0, 1)),
        case(real(2, 1, 3), axes=(-1, 0, -2)),
        case(real(3)),
        case(real()),
        spellings=(
            lambda a, axes=None: a.transpose(axes) if axes else a.T,
            lambda a, axes=(): a.transpose(*axes),
        ),
    ),
    "swapaxes": row(case(real(2, 1, 3), axis1=0, axis2=-1), case(real(2, 3), axis1=-1, axis2=-2)),
    "broadcast_to": row(
        case(real(3), shape=(2, 3)),
        case(real(2, 1), shape=(2, 3)),
        case(real(1, 2), shape=(2, 1, 2)),
        case(real(), shape=(2,)),
        case(real(1), shape=3),
        case(real(2), shape=(2,)),
        case(real(1, 2), shape=(0, 2)),
    ),
    "expand_dims": row(
        case(real(2, 3), axis=1),
        case(real(3), axis=(0, -1)),
        case(real(), axis=0),
        case(EMPTY, axis=-1),
    ),
    "squeeze": row(
        case(real(1, 3, 1)),
        case(real(1, 3, 1), axis=0),
        case(real(1, 3, 1), axis=(0, -1)),
        case(real(1, 1)),
        case(real(3)),
    ),
    "astype": row(
        case(real(3), dtype="float64"),
        case(real(3), dtype=float),
        reference=lambda a, dtype: a.astype(dtype),
    ),
    "concatenate": row(
        case(real(2), real(3)),
        case(real(2, 1), real(2, 2), axis=1),
        case(real(2, 1), real(2, 2), axis=-1),
        case(real(2, 1), real(3), real(), axis=None),
        case(EMPTY, real(1, 2)),
        case(real(2)),
        case(real(1), np.arange(2)),
    ),
    "stack": row(
        case([real(2), real(2)]),
        case([real(2), real(2)], axis=-1),
        case([real(), real()]),
        case([real(2, 1)], axis=1),
    ),
}
# fmt: on
