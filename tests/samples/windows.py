"""Samples for the file of the same name in `primitives/`."""

from typing import Any

import numpy as np

from tests.samples.making import FLIPPED, STRIDED, Row, case, real, row


def overlap_add(values: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Add one element at a time."""
    out = np.zeros(shape, values.dtype)
    numbers = np.arange(out.size).reshape(shape)
    for value, place in zip(values, index, strict=True):
        for number, element in zip(numbers[place].ravel(), value.ravel(), strict=True):
            out.reshape(-1)[number] += element
    return out


EVERY_SECOND = ((..., slice(0, 4, 2)), (..., slice(1, 5, 2)), (..., slice(2, 6, 2)))


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "sliding_window_view": row(
        case(real(4), window_shape=2),
        case(real(4), window_shape=(4,)),
        case(real(3), window_shape=1, axis=-1),
        case(real(2, 4), window_shape=3, axis=1),
        case(real(3, 3), window_shape=(2, 2)),
        case(real(3, 2, 3), window_shape=(2, 3), axis=(-1, 0)),
        case(real(4), window_shape=(2, 2), axis=(0, 0)),
        case(STRIDED, window_shape=2, axis=0),
        case(FLIPPED, window_shape=(1, 2), axis=(0, 1)),
        case(np.zeros((0, 2)), window_shape=2, axis=1),
    ),
    "overlap_add_rule": row(
        case(real(3, 2), index=EVERY_SECOND, shape=(6,)),
        case(real(3, 2, 2), index=EVERY_SECOND, shape=(2, 5)),
        case(real(1, 2, 2), index=((slice(0, 2), slice(0, 3, 2)),), shape=(2, 3)),
        reference=overlap_add,
    ),
}
# fmt: on
