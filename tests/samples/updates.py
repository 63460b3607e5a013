"""Samples for the file of the same name in `primitives/`."""

from typing import Any

import numpy as np

from tests.samples.making import FLIPPED, Row, apart, case, positive, real, row

MASK = np.array([[True, False], [True, True]])
ONCE = (
    1,
    slice(None, None, 2),
    (..., 0),
    (slice(None), None, 1),
    [1, 0],
    ([0, 1], [1, 0]),
    MASK,
    [True, False],
    np.array(1),
)
AGAIN = ([0, 0], ([0, 1, 1, 1], [1, 0, 0, 1]), ([[0], [1]], [0, 0]), (slice(None), [1, 1]), [])


def assigned(x: Any, values: Any, index: Any) -> Any:
    out = np.array(x)
    out[index] = values
    return out


def applied(x: Any, values: Any, index: Any, ufunc: Any) -> Any:
    out = np.array(x)
    ufunc.at(out, index, values)
    return out


def values_for(index: Any) -> Any:
    return apart(*np.zeros((2, 2))[index].shape)


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "set_at": row(
        *(case(real(2, 2), values_for(index), index=index) for index in ONCE),
        case(real(2, 2), real(), index=1),
        case(real(2, 2), real(2, 1), index=(slice(None), [0, 1])),
        case(real(2, 2), 2.0, index=[1]),
        case(real(), real(), index=()),
        reference=assigned,
    ),
    "assign": row(
        *(case(real(2, 2), values_for(index), index=index) for index in (1, MASK, *AGAIN)),
        case(real(3), real(), index=[0, 0, 2]),
        case(real(3), 2, index=[0, 0, 2]),
        case(FLIPPED, real(4), index=0),
        reference=assigned,
    ),
    "update": row(
        *(case(real(2, 2), values_for(index), index=index, ufunc=np.multiply) for index in (1, MASK, *AGAIN[1:])),
        *(case(real(2, 2), values_for(index), index=index, ufunc=np.add) for index in (1, AGAIN[1])),
        *(
            case(positive(2), np.abs(apart(2)), index=[0, 0], ufunc=ufunc)
            for ufunc in (np.subtract, np.divide, np.power, np.minimum, np.maximum)
        ),
        case(real(2), real(), index=[1, 1, 0], ufunc=np.multiply),
        case(real(2), 2, index=[0, 0], ufunc=np.add),
        case(real(), 2.0, index=(), ufunc=np.divide),
        reference=applied,
        rtol=1e-13,
    ),
}
# fmt: on
