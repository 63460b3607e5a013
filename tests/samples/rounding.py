"""Samples for the file of the same name in `primitives/`."""

import operator

import numpy as np

from tests.samples.making import EMPTY, STRIDED, Row, binary, case, real, row, unary

_rng = np.random.default_rng(7)


def off(*shape):
    """Return numbers of both signs between whole numbers and halves: away from where anything is rounded."""
    return np.asarray(_rng.integers(-1, 2, shape) + _rng.uniform(0.3, 0.35, shape))


def divisor(*shape):
    """Return numbers of both signs by which no number of `off`, nor 2.5, has a nearly whole quotient."""
    return np.asarray(_rng.uniform(0.88, 0.92, shape) * _rng.choice((-1, 1), shape))


def quotients():
    shapes = (((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 2)), ((), (2,)), ((2,), ()), ((), ()))
    pairs = (case(off(*a), divisor(*b)) for a, b in shapes)
    return (*pairs, case(off(2), 0.9), case(2.5, divisor(2)), case(EMPTY, divisor(2)), case(off(3), np.array(3)))


FEW_STEPS = ((-5.0, 5.0), (0.1, 5.0))
"""Divided by next to nothing, a number has more whole quotients close by than differences can tell apart."""

MANTISSAS = np.array([0.35, -0.7, 1.4, -300.0])

ROUNDED = (case(off(3)), case(off(2, 2)), case(off()), case(EMPTY), case(off(3, 4)[::2, ::-1]))


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "sign": row(*unary(real)),
    "copysign": row(*binary(real, real), case(real(3), np.array([1, -1, 0]))),
    "heaviside": row(*binary(real, real)),
    "floor": row(*ROUNDED),
    "ceil": row(*ROUNDED),
    "trunc": row(*ROUNDED),
    "fix": row(*ROUNDED),
    "rint": row(*ROUNDED),
    "round": row(
        *ROUNDED, case(np.array([0.02, -0.42]), decimals=1), case(off(2, 2), decimals=-1), case(off(), decimals=0)
    ),
    "nextafter": row(*binary(real, real)),
    "floor_divide": row(*quotients(), spellings=(operator.floordiv,), domain=FEW_STEPS),
    "remainder": row(*quotients(), spellings=(operator.mod,), domain=FEW_STEPS),
    "fmod": row(*quotients(), domain=FEW_STEPS),
    "divmod": row(
        case(off(2, 1), divisor(1, 2)),
        case(off(), divisor()),
        case(2.5, divisor(2)),
        case(EMPTY, divisor(2)),
        spellings=(divmod,),
    ),
    "modf": row(case(off(3)), case(off()), case(EMPTY)),
    "ldexp": row(
        case(real(3), np.array([1, -2, 0])),
        case(real(2, 1), np.array([3, -1])),
        case(real(), np.array([3, -1])),
        case(real(3), 4),
        case(EMPTY, np.array([1, 2])),
        case(STRIDED, 2),
    ),
    "frexp": row(*(case(x) for x in (MANTISSAS, MANTISSAS.reshape(2, 2).T, np.array(0.7), EMPTY))),
}
# fmt: on
