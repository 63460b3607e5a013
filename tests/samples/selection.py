"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import EMPTY, STRIDED, Row, apart, binary, case, real, row, unary

MASK = np.array([[True, False, True], [False, True, True]])
FIRST, SECOND = np.array([True, False, False, True]), np.array([False, False, True, True])
X = np.array([-1.5, -0.5, 0.5, 1.5])
TURNED = X.reshape(2, 2).T


def cubed(x, scale=1.0):
    return scale * x**3


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "where": row(
        case(np.array([True, False, True]), real(3), real(3)),
        case(MASK, real(3), real(2, 1)),
        case(np.array([[True], [False]]), real(3), real()),
        case(np.array(1), real(2), real(2)),
        case(np.array([1, 0]), real(2), 0.0),
        case(np.array([0, 2]), 1.0, real(2)),
        case(np.zeros((0, 1), bool), EMPTY, real(2)),
        reference=np.where,
        spellings=(np.where,),
    ),
    "where_or_nonzero": row(
        case(MASK, real(3), real(2, 1)),
        case(np.array([0, 2]), 1.0, real(2)),
    ),
    "select": row(
        case([FIRST, SECOND], [real(4), real(4)]),
        case([FIRST, SECOND], [real(4), 2.0], real()),
        case([FIRST], [real(2, 4)], real(4)),
        case([FIRST], [real(4)], default=2.0),
        case([np.ones((), bool)], [real()], 3.0),
        case([MASK, ~MASK], [real(2, 3), real(3)], np.array(1.5)),
        case([np.zeros((0, 2), bool)], [EMPTY], 1.0),
    ),
    "choose": row(
        case(np.array([0, 1]), [real(2), real(2)]),
        case(np.array([[2], [0]]), [real(2), real(2, 1), real()]),
        case(np.array([4, -1, 1]), [real(3), real(3)], mode="wrap"),
        case(np.array([4, -1, 1]), [real(3), 2.0], mode="clip"),
        case(np.array([0, 0]), [real()]),
        case(np.array(1), [real(2), real(2)]),
        case(np.array([1, 0]), real(2, 2)),
    ),
    "piecewise": row(
        case(X, [X < 0, X > 1], [cubed, np.exp]),
        case(X, [X < 0, X > 1], [cubed, np.exp, np.sin]),
        case(X[:3], [X[:3] < 1, X[:3] > -1], [np.exp, np.sin]),
        case(X, [X < 0], [2.5, cubed]),
        case(X, [X < 0], [lambda x: 1.0, np.square]),
        case(X, X < 0, [np.exp, 0]),
        case(X, [True, False, True, False], [np.exp, np.sin]),
        case(X, [X > 9], [np.exp]),
        case(X[:1], [[True]], [cubed], 2.0),
        case(X[:1], [[True]], [cubed], scale=2.0),
        case(TURNED, [TURNED < 0], [np.exp, np.sin]),
        case(real(), [True], [np.exp]),
        case(real(), np.False_, [np.exp, np.sin]),
        case(EMPTY, [EMPTY > 0], [np.exp, np.sin]),
    ),
    "maximum": row(*binary(real, apart)),
    "minimum": row(*binary(real, apart)),
    "fmax": row(*binary(real, apart)),
    "fmin": row(*binary(real, apart)),
    "relu": row(*unary(real), reference=lambda a: np.where(a > 0, a, np.zeros_like(a))),
    "clip": row(
        case(real(3), -0.5, 1.0),
        case(X, apart(4), 1.0),
        case(real(2, 3), np.array([-0.2, -1.1, 0.2]), np.array([[0.5], [1.1]])),
        case(real(2, 3), -0.2, np.array([[0.5], [1.1]])),
        case(np.array([-2.0, 0.0, 2.0]), np.array([[-1.0, -0.5, -1.5], [1.0, 1.5, 0.6]]), 0.1),
        case(real(), 0.0, 2.0),
        case(STRIDED, -0.5, None),
        case(real(3), None, 0.5),
        case(real(3), a_min=-0.5, a_max=1.0),
        case(real(3), min=-0.5, max=1.0),
        case(real(3), min=0.4),
        case(real(3), max=0.4),
        case(real(3), None, None),
        case(EMPTY, 0.0, 1.0),
    ),
    "nan_to_num": row(
        *unary(real),
        case(real(3), copy=True, nan=2.0, posinf=3.0, neginf=4.0),
    ),
}
# fmt: on
