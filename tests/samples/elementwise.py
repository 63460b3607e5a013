"""Samples for the file of the same name in `primitives/`."""

import operator

import numpy as np

from tests.samples.making import EMPTY, STRIDED, Row, binary, case, positive, real, row, unary

WHOLE = np.array([3, -2, 5])


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
        case(np.array([1, 2, 3]), real(3)),
        spellings=(operator.pow,),
    ),
    "float_power": row(
        case(positive(2, 1), real(2)),
        case(positive(), real()),
        case(EMPTY, real(2)),
        case(real(3), WHOLE),
        case(np.array([1, 2, 3]), real(3)),
        case(real(2), 3),
        case(2, real(2)),
    ),
    "negative": row(*unary(real), spellings=(operator.neg,)),
    "positive": row(*unary(real), spellings=(operator.pos,)),
    "absolute": row(*unary(real), spellings=(operator.abs, lambda a: a.abs())),
    "fabs": row(*unary(real)),
    "exp": row(*unary(real)),
    "exp2": row(*unary(real)),
    "expm1": row(*unary(real), case(np.array([1e-9, -40.0]))),
    "log": row(*unary(positive)),
    "log2": row(*unary(positive)),
    "log10": row(*unary(positive)),
    "log1p": row(*unary(positive), case(np.array([1e-9, -0.5]))),
    "sqrt": row(*unary(positive)),
    "cbrt": row(*unary(real)),
    "square": row(*unary(real)),
    "reciprocal": row(*unary(real)),
    "conjugate": row(*unary(real), spellings=(lambda a: a.conj(),)),
    "real": row(*unary(real), spellings=(lambda a: a.real,)),
    "imag": row(*unary(real), spellings=(lambda a: a.imag,)),
    "real_if_close": row(*unary(real), case(real(2), tol=10)),
    "angle": row(*unary(real), case(real(3), deg=True), case(STRIDED, deg=True), case(EMPTY, deg=True)),
}
# fmt: on
