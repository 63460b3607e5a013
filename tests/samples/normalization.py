"""Samples for the file of the same name in `primitives/`."""

from typing import Any

import numpy as np

from tests.samples.making import FLIPPED, Row, case, real, row


def standardize(a: Any, *affine: Any, axis: Any = -1, eps: float = 0) -> Any:
    weight, bias = *affine, *(1.0, 0.0)[len(affine) :]
    return (a - a.mean(axis, keepdims=True)) / np.sqrt(a.var(axis, keepdims=True) + eps) * weight + bias


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "standardize": row(
        case(real(3)),
        case(real(2, 3), eps=0.5),
        case(real(3, 2), axis=0),
        case(real(2, 3, 2), axis=(0, 2), eps=1e-5),
        case(FLIPPED, axis=(-2, -1)),
        case(real(2, 3), real(3), real(3)),  # as a layer does
        case(real(2, 3), real(3), eps=0.5),
        case(real(3, 2), real(2), real(2), axis=0),  # as a batch does
        case(real(2, 3, 2), real(3, 1), real(1, 3, 1), axis=(0, 2), eps=1e-5),
        case(real(2, 3, 2), real(1, 3, 2), real(), axis=(0, 2)),
        case(real(2, 3), real(), axis=(0, 1)),
        reference=standardize,
    ),
}
# fmt: on
