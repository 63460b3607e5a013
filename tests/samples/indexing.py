"""Samples for the file of the same name in `primitives/`."""

from typing import Any

import numpy as np

from tests.samples.making import EMPTY, FLIPPED, Row, case, real, row, since


def scatter(values: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Add one element at a time."""
    out = np.zeros(shape, values.dtype)
    places = np.arange(out.size).reshape(shape)[index]
    for place, value in zip(np.ravel(places), np.ravel(np.broadcast_to(values, np.shape(places))), strict=True):
        out.reshape(-1)[place] += value
    return out


MASK = np.array([[True, False, True], [False, True, True]])
INDICES = (1, -1, slice(None, None, 2), (..., 0), (slice(None), None, 1), [0, 0, 1], ([0, 1, 1], [2, 0, 0]), MASK)
MORE_INDICES = (
    [True, False],
    (MASK[:, 0], [0, 0]),
    (MASK[:, 2], 1),
    np.array(1),
    np.True_,
    ([[0], [1]], [0, 1, 0, 0]),
    (slice(None), [2, 0, 2, 2]),
)


def first_two(v: Any) -> Any:
    return v[:2] * v[0]


def table(v: Any, factor: float = 1.0) -> Any:
    return v * v.reshape(-1, 1) * factor


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "getitem": row(
        *(case(real(2, 3), index=index) for index in INDICES + MORE_INDICES),
        case(real(3), index=np.array([[0, 2], [2, 2]])),
        case(real(), index=()),
        case(real(), index=None),
        case(real(3), index=[]),
        case(real(3), index=np.zeros(3, bool)),
        case(real(2, 2, 2), index=(slice(None), [0, 1, 1], 0)),
        case(real(2, 2, 2), index=(0, slice(None), [1, 1])),
        case(real(2, 2, 2), index=([1, 1], slice(None), [[0], [1]])),
        reference=lambda a, index: a[index],
        spellings=(lambda a, index: a[index],),
    ),
    "scatter_add_rule": row(
        *(
            case(np.asarray(np.zeros((2, 3))[index] + real()), index=index, shape=(2, 3))
            for index in INDICES + MORE_INDICES
        ),
        case(real(), index=(), shape=()),
        reference=scatter,
    ),
    "take": row(
        case(real(3), 1),
        case(real(2, 3), [0, 5, 5]),
        case(real(2, 3), [[0, 2], [2, -1]], axis=1),
        case(real(2, 3), indices=np.array([1, 1]), axis=-2),
        case(real(2, 3), 1, axis=0),
        case(real(3), [-4, 2, 5], mode="wrap"),
        case(real(2, 3), [-4, 1, 5], axis=1, mode="clip"),
        case(FLIPPED, [0, 2], 0),
        case(real(2), np.zeros(0, int)),
    ),
    "take_along_axis": row(
        *since("2.3.0", case(real(3), np.array([2, 0, 0]))),
        case(real(2, 3), np.array([[1], [2]]), axis=1),
        case(real(2, 3), np.array([[1, 0, 0], [0, 0, 1]]), 0),
        case(real(2, 3), np.array([[1, 1]]), axis=-1),
        case(real(2, 2), np.array([3, 3, 0]), None),
        case(EMPTY, np.zeros((0, 1), int), axis=1),
    ),
    "compress": row(
        case([True, False, True], real(3)),
        case([0, 1], real(2, 3)),
        case(np.array([True, False]), real(2, 3), axis=0),
        case([False, True], real(2, 3), axis=-1),
        spellings=(lambda condition, a, **options: a.compress(condition, **options),),
    ),
    "extract": row(case(MASK, real(2, 3)), case([0, 1, 1], real(3)), case(MASK[0], real(2, 3))),
    "trim_zeros": row(  # zeros are what finite differences would change: `test_shaping.py` has them
        case(real(2)),
        case(real(2, 2), trim="f"),
        case(real(3), "B"),
        case(real(2, 1), axis=-1),
    ),
    "apply_along_axis": row(
        *(case(f, axis, real(2, 2)) for f in (np.sum, first_two) for axis in (0, -1)),
        case(table, 1, real(1, 2, 2)),
        case(table, 0, real(2, 1), 2.0),
        case(table, 0, real(2), factor=3.0),
    ),
    "apply_over_axes": row(
        case(np.sum, real(2, 3), 0),
        case(np.sum, real(2, 3, 2), [0, -1]),
        case(np.cumsum, real(2, 3), (0, 1)),
        case(np.max, real(2, 3), [1]),
    ),
}
# fmt: on
