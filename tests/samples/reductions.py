"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import EMPTY, STRIDED, Row, case, real, row

MASK = np.array([[True, False, True], [False, True, True]])
HALF = np.float64(0.5)

REDUCTIONS = (
    case(real(3)),
    case(real(2, 3), axis=0),
    case(real(2, 3), axis=-1),
    case(real(2, 3), axis=1, keepdims=True),
    case(real(2, 1, 3), axis=(0, -1)),
    case(real(2, 1, 3), axis=(2, 0), keepdims=True),
    case(real(2, 2), axis=None, keepdims=True),
    case(real(2, 2), axis=()),
    case(real()),
    case(STRIDED, axis=0),
    case(EMPTY, axis=1),
)

CHOSEN = (
    case(real(2, 3), axis=1, where=MASK),
    case(real(3, 2), axis=0, where=[[True], [False], [True]], keepdims=True),
    case(real(2, 3), axis=(1, 0), where=MASK),
)


def started(*samples, initial):
    """Return samples with the option `initial`."""
    return tuple(case(*sample.operands, **sample.options, initial=initial) for sample in samples)


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "sum": row(
        *REDUCTIONS,
        *CHOSEN,
        case(EMPTY),
        case(EMPTY, axis=0),
        case(real(2, 3), axis=0, dtype=HALF.dtype),
        *started(*CHOSEN[:1], case(real(3)), initial=2.5),
        case(real(), axis=0),
    ),
    "prod": row(
        *REDUCTIONS,
        *CHOSEN,
        case(EMPTY),
        case(EMPTY, axis=0),
        case(real(2, 3, 2), axis=(2, 0), dtype=HALF.dtype),
        *started(*CHOSEN[:1], case(real(3)), initial=2.5),
        case(real(), axis=0),
    ),
    "max": row(*REDUCTIONS, *started(*CHOSEN, case(EMPTY), case(real(3)), case(real(3, 2), axis=1), initial=0.1)),
    "min": row(*REDUCTIONS, *started(*CHOSEN, case(EMPTY), case(real(3)), case(real(3, 2), axis=1), initial=0.1)),
    "nanmax": row(*REDUCTIONS[:6], *started(*CHOSEN, case(EMPTY), initial=0.1)),
    "nanmin": row(*REDUCTIONS[:6], *started(*CHOSEN, case(EMPTY), initial=0.1)),
    "ptp": row(*REDUCTIONS[:6]),
    "mean": row(*REDUCTIONS, *CHOSEN, case(real(2, 3), axis=0, dtype=HALF.dtype)),
}
# fmt: on
