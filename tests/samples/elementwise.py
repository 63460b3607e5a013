"""Samples for the file of the same name in `primitives/`."""

import operator

import numpy as np
import scipy.special

from tests.samples.making import EMPTY, Row, apart, binary, case, positive, real, row, unary

MASK = np.array([[True, False, True], [False, True, True]])


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "add": row(*binary(real, real), spellings=(operator.add,)),
    "subtract": row(*binary(real, real), spellings=(operator.sub,)),
    "multiply": row(*binary(real, real), spellings=(operator.mul,)),
    "divide": row(*binary(real, real), spellings=(operator.truediv,)),
    "power": row(
        *binary(positive, real),
        case(real(3), 2),
        case(real(3), 3.0),
        case(real(3), -1.0),
        case(real(3), np.arange(3)),
        case(2, real(3)),
        spellings=(operator.pow,),
    ),
    "maximum": row(*binary(real, apart)),
    "minimum": row(*binary(real, apart)),
    "negative": row(*unary(real), spellings=(operator.neg,)),
    "positive": row(*unary(real), spellings=(operator.pos,)),
    "absolute": row(*unary(real), spellings=(operator.abs, lambda a: a.abs())),
    "exp": row(*unary(real)),
    "log": row(*unary(positive)),
    "log1p": row(*unary(positive), case(np.array([1e-9, -0.5]))),
    "sqrt": row(*unary(positive)),
    "tanh": row(*unary(real)),
    "reciprocal": row(*unary(real)),
    "sigmoid": row(*unary(real), reference=scipy.special.expit),
    "relu": row(*unary(real), reference=lambda a: np.where(a > 0, a, np.zeros_like(a))),
    "where": row(
        case(np.array([True, False, True]), real(3), real(3)),
        case(MASK, real(3), real(2, 1)),
        case(np.array([[True], [False]]), real(3), real()),
        case(np.array(1), real(2), real(2)),
        case(np.array([1, 0]), real(2), 0.0),
        case(np.array([0, 2]), 1.0, real(2)),
        case(np.zeros((0, 1), bool), EMPTY, real(2)),
    ),
}
# fmt: on
