"""Samples for the file of the same name in `primitives/`."""

from tests.samples.making import EMPTY, STRIDED, Row, case, real, row

REDUCTIONS = (
    case(real(3)),
    case(real(2, 3)),
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


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "sum": row(*REDUCTIONS, case(EMPTY), case(EMPTY, axis=0)),
    "max": row(*REDUCTIONS),
    "min": row(*REDUCTIONS),
    "mean": row(*REDUCTIONS),
}
# fmt: on
