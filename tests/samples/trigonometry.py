"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import EMPTY, STRIDED, Row, binary, case, fraction, positive, real, row, unary

PHASES = np.array([0.2, 3.0, -2.5, 9.0, 0.7, -8.0])
INSIDE = case(fraction(3)), case(-fraction(2, 2)), case(fraction()), case(EMPTY), case(STRIDED / 3)


def above_one(*shape):
    return np.asarray(1.2 + positive(*shape))


def sinc_derivative(x, order):
    near = np.abs(x) < 1e-3  # where the quotients cancel, the first terms of the series
    square, far = (np.pi * x) ** 2, np.where(near, 1.0, x)
    first = np.where(near, x * np.pi**2 * (square / 30 - 1 / 3), (np.cos(np.pi * x) - np.sinc(x)) / far)
    second = np.where(near, np.pi**2 * (square / 10 - 1 / 3), -(np.pi**2) * np.sinc(x) - 2 * first / far)
    return first if order == 1 else second


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "sin": row(*unary(real)),
    "cos": row(*unary(real)),
    "tan": row(*unary(fraction)),
    "arcsin": row(*INSIDE, case(0.9 * fraction(2))),
    "arccos": row(*INSIDE),
    "arctan": row(*unary(real), case(np.array([1e9, -1e-9]))),
    "arctan2": row(*binary(real, real), case(np.array([1.0, -1.0]), np.array([0.0, 0.0])), case(real(2), 0)),
    "hypot": row(*binary(real, real), case(np.array([3.0, 0.0]), np.array([0.0, 4.0])), case(real(2), 3)),
    "deg2rad": row(*unary(real)),
    "rad2deg": row(*unary(real)),
    "unwrap": row(
        case(PHASES),
        case(PHASES, discont=4.0),
        case(PHASES, period=5.0),
        case(PHASES.reshape(2, 3), axis=0),
        case(PHASES.reshape(3, 2), axis=-2),
        case(5 * STRIDED, discont=4.0, axis=1),
        case(real(1)),
    ),
    "sinh": row(*unary(real)),
    "cosh": row(*unary(real)),
    "tanh": row(*unary(real)),
    "arcsinh": row(*unary(real)),
    "arccosh": row(case(above_one(3)), case(above_one(2, 2)), case(above_one()), case(EMPTY + 2)),
    "arctanh": row(*INSIDE),
    "sinc": row(*unary(real), case(np.array([-1.0, 0.0, 1e-3, 0.5, 3.0]))),
    "sinc_derivative_rule": row(
        *(case(x, order=order) for order in (1, 2) for x in (real(3), real(), EMPTY)),
        case(np.array([0.1, -0.5, 1.5, 4.0]), order=1),
        reference=sinc_derivative,
        rtol=1e-12,
    ),
}
# fmt: on
