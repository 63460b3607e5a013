"""Samples for the file of the same name in `primitives/`."""

from typing import Any

import numpy as np
import scipy.special

from tests.samples.making import EMPTY, FLIPPED, Row, case, fraction, real, row
from tinygrad_nn.primitive import PRIMITIVES


def dense(x: Any, weight: Any, *bias: Any, activation: Any = None) -> Any:
    out = np.einsum("...n,nm->...m", x, weight) + (bias[0] if bias else 0)
    return out if activation is None else ACTIVATIONS[activation](out)


ACTIVATIONS = {
    PRIMITIVES["tanh"].rule: np.tanh,
    PRIMITIVES["sigmoid"].rule: scipy.special.expit,
    PRIMITIVES["relu"].rule: lambda a: np.where(a > 0, a, 0),
    PRIMITIVES["softmax"].rule: lambda a: scipy.special.softmax(a, -1),
}


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "dense": row(
        case(real(2, 3), real(3, 2), real(2)),
        case(real(2, 3), real(3, 2)),
        case(real(3), real(3, 2), real(2)),
        case(real(2, 1, 3), real(3, 2), real(2)),
        case(np.zeros((0, 3)), real(3, 2), real(2)),
        *(case(real(2, 3), real(3, 2), real(2), activation=rule) for rule in ACTIVATIONS),
        case(real(2, 3), real(3, 2), activation=PRIMITIVES["tanh"].rule),
        case(real(3), real(3, 2), real(2), activation=PRIMITIVES["tanh"].rule),
        reference=dense,
    ),
    "squared_error": row(
        case(real(3), real(3)),
        case(real(2, 2), real(2, 2), count=4),
        case(real(), real()),
        case(EMPTY, EMPTY),
        case(real(2), np.arange(2)),
        case(FLIPPED, real(3, 4)),
        reference=lambda p, t, count=1: np.sum((p - t) ** 2) / count,
    ),
    "softmax": row(
        case(real(3)),
        case(real(2, 3)),
        case(real(2, 3), axis=0),
        case(real(2, 1, 2), axis=1),
        case(EMPTY),
        reference=lambda a, axis=-1: scipy.special.softmax(a, axis),
    ),
    "log_softmax": row(
        case(real(3)),
        case(real(2, 3)),
        case(real(2, 3), axis=0),
        case(real(2, 1, 2), axis=1),
        case(EMPTY),
        reference=lambda a, axis=-1: scipy.special.log_softmax(a, axis),
    ),
    "binary_cross_entropy": row(
        case(fraction(3), fraction(3)),
        case(fraction(2, 2), np.array([[0.0, 1.0], [1.0, 1.0]])),
        case(fraction(), fraction()),
        case(fraction(2), np.array([0, 1])),
        reference=lambda p, t: -(scipy.special.xlogy(t, p) + scipy.special.xlog1py(1 - t, -p)),
    ),
    "binary_cross_entropy_with_logits": row(
        case(real(3), fraction(3)),
        case(real(2, 2), np.array([[0.0, 1.0], [1.0, 1.0]])),
        case(real(), fraction()),
        case(real(2), np.array([0, 1])),
        reference=lambda z, t: -t * scipy.special.log_expit(z) - (1 - t) * scipy.special.log_expit(-z),
    ),
}
# fmt: on
