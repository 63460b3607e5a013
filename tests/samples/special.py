"""Samples for the file of the same name in `primitives/`."""

import numpy as np
import scipy.special

from tests.samples.making import EMPTY, STRIDED, Row, binary, case, positive, real, row, unary


def i0_derivative(x, order):
    return scipy.special.i1(x) if order == 1 else (scipy.special.i0(x) + scipy.special.iv(2, x)) / 2


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "sigmoid": row(*unary(real), reference=scipy.special.expit),
    "logaddexp": row(*binary(real, real)),
    "logaddexp2": row(*binary(real, real)),
    "logsumexp": row(
        case(real(3)),
        case(real(2, 3)),
        case(real(2, 3), axis=0),
        case(real(2, 3), axis=-1),
        case(real(2, 3), axis=1, keepdims=True),
        case(real(2, 1, 3), axis=(0, -1)),
        case(real(2, 1, 3), axis=(2, 0), keepdims=True),
        case(real(2, 2), keepdims=True),
        case(real()),
        case(STRIDED, axis=0),
        case(EMPTY, axis=1),
        reference=scipy.special.logsumexp,
    ),
    "softplus": row(
        *unary(real),
        case(real(3), beta=2.0),
        case(real(2, 2), 0.5),
        reference=lambda x, beta=1.0: np.log1p(np.exp(beta * x)) / beta,
    ),
    "log_sigmoid": row(*unary(real), reference=scipy.special.log_expit),
    "xlogy": row(
        *binary(real, positive), case(np.array([0.0, 0.0]), np.array([2.0, 0.5])), reference=scipy.special.xlogy
    ),
    "erf": row(*unary(real), reference=scipy.special.erf),
    "erfc": row(*unary(real), case(2.5 * real(3)), reference=scipy.special.erfc),
    "i0": row(*unary(real), case(10 * real(2))),
    "i0_derivative_rule": row(
        *(case(x, order=order) for order in (1, 2) for x in (real(3), real(), EMPTY)),
        case(10 * real(3), order=1),
        reference=i0_derivative,
    ),
}
# fmt: on
