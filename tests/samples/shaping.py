"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import EMPTY, FLIPPED, STRIDED, Row, case, real, row

AT_LEAST = (
    case(real()),
    case(real(2)),
    case(real(2, 3)),
    case(real(1, 2, 1, 2)),
    case(real(), real(2, 2), 3.0),
    case(EMPTY),
)

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
        case(real(2, 3), shape=(3, 2), order="F"),
        case(STRIDED, shape=(4, 2), order="F", copy=True),
        spellings=(
            lambda a, shape, **options: a.reshape(shape, **options),
            lambda a, shape, **options: a.reshape(*np.ravel(np.array(shape, int)), **options),
        ),
    ),
    "ravel": row(
        case(real(2, 3)),
        case(real()),
        case(FLIPPED),
        case(EMPTY),
        case(real(2, 3), order="F"),
        spellings=(lambda a, **options: a.flatten(**options),),
    ),
    "transpose": row(
        case(real(2, 3)),
        case(real(2, 1, 3), axes=(2, 0, 1)),
        case(real(2, 1, 3), axes=(-1, 0, -2)),
        case(real(3)),
        case(real()),
        spellings=(
            np.permute_dims,
            lambda a, axes=None: a.transpose(axes) if axes else a.T,
            lambda a, axes=(): a.transpose(*axes),
        ),
    ),
    "swapaxes": row(case(real(2, 1, 3), axis1=0, axis2=-1), case(real(2, 3), axis1=-1, axis2=-2)),
    "matrix_transpose": row(case(real(2, 3)), case(real(2, 1, 3)), case(EMPTY), spellings=(lambda a: a.mT,)),
    "moveaxis": row(
        case(real(2, 1, 3), source=0, destination=-1),
        case(real(2, 1, 3), source=(0, -1), destination=(1, 0)),
        case(real(2, 1, 3), source=[2, 1], destination=[0, 2]),
        case(real(3), source=(), destination=()),
    ),
    "rollaxis": row(
        case(real(2, 1, 3), 2),
        case(real(2, 1, 3), 0, 3),
        case(real(2, 1, 3), axis=-1, start=1),
        case(real(2, 1, 3), axis=1, start=-1),
        case(real(2, 1, 3), axis=1, start=2),
    ),
    "broadcast_to": row(
        case(real(3), shape=(2, 3)),
        case(real(2, 1), shape=(2, 3)),
        case(real(1, 2), shape=(2, 1, 2)),
        case(real(), shape=(2,)),
        case(real(1), shape=3),
        case(real(2), shape=(2,)),
        case(real(1, 2), shape=(0, 2)),
    ),
    "broadcast_arrays": row(
        case(real(3), real(2, 1)),
        case(real(2), real(2), real()),
        case(real(1), np.arange(2)),
        case(EMPTY, real(2)),
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
    "atleast_1d": row(*AT_LEAST),
    "atleast_2d": row(*AT_LEAST),
    "atleast_3d": row(*AT_LEAST),
    "astype": row(
        case(real(3), dtype="float64"),
        case(real(3), dtype=float),
        reference=lambda a, dtype: a.astype(dtype),
    ),
    "converted": row(case(real(3), np.float64), case(real(2, 2), float, copy=False)),
    "copy": row(case(real(2, 3)), case(FLIPPED, order="F"), case(real()), case(EMPTY)),
}
# fmt: on
