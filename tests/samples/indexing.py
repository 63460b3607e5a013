"""Samples for the file of the same name in `primitives/`."""

from typing import Any

import numpy as np

from tests.samples.making import Row, case, real, row


def scatter(values: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Add one element at a time."""
    out = np.zeros(shape, values.dtype)
    places = np.arange(out.size).reshape(shape)[index]
    for place, value in zip(np.ravel(places), np.ravel(np.broadcast_to(values, np.shape(places))), strict=True):
        out.reshape(-1)[place] += value
    return out


MASK = np.array([[True, False, True], [False, True, True]])
INDICES = (1, -1, slice(None, None, 2), (..., 0), (slice(None), None, 1), [0, 0, 1], ([0, 1, 1], [2, 0, 0]), MASK)


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "getitem": row(
        *(case(real(2, 3), index=index) for index in INDICES),
        case(real(3), index=np.array([[0, 2], [2, 2]])),
        case(real(), index=()),
        case(real(), index=None),
        case(real(3), index=[]),
        case(real(3), index=np.zeros(3, bool)),
        case(real(2, 2, 2), index=(slice(None), [0, 1, 1], 0)),
        case(real(2, 2, 2), index=(0, slice(None), [1, 1])),
        reference=lambda a, index: a[index],
        spellings=(lambda a, index: a[index],),
    ),
    "scatter_add_rule": row(
        *(case(np.asarray(np.zeros((2, 3))[index] + real()), index=index, shape=(2, 3)) for index in INDICES),
        case(real(), index=(), shape=()),
        reference=scatter,
    ),
}
# fmt: on
