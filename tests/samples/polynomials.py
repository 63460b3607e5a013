"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import FLIPPED, Row, apart, case, positive, real, row

POINTS = np.array([-1.0, 0.5, 3.0])
SPREAD = np.linspace(-1.5, 2.0, 4)


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "polyval": row(
        case(real(3), real(4)),
        case(real(3), real()),
        case(real(2), real(2, 2)),
        case(real(2), FLIPPED[:, :2]),
        case(real(1), real(2)),
        case(np.arange(3), real(2)),
        case(real(3), np.arange(3)),
        rtol=1e-13,
    ),
    "polyadd": row(case(real(3), real(3)), case(real(1), real(3)), case(real(3), real(2)), case(real(), real(2))),
    "polysub": row(case(real(3), real(3)), case(real(1), real(3)), case(real(3), real(2)), case(real(), real(2))),
    "polymul": row(case(real(3), real(2)), case(real(1), real(3)), case(real(2), np.array([0, 1, 2])), rtol=1e-13),
    "polydiv": row(
        case(real(4), real(2)),
        case(real(2), real(3)),
        case(real(2), real()),
        rtol=1e-12,
    ),
    "polyder": row(case(real(4)), case(real(4), m=2), case(real(3), m=0), case(real(1))),
    "polyint": row(
        case(real(3)),
        case(real(3), m=2),
        case(real(2), m=2, k=[0.5, 2.0]),
        case(real(2), m=2, k=1.5),
        case(real(2), m=0),
        rtol=1e-13,
    ),
    "poly": row(case(real(3)), case(real(1)), rtol=1e-13),
    "polyfit": row(
        case(SPREAD[:3], real(3), deg=1, w=positive(3)),
        case(np.arange(3), real(3, 2), deg=1, w=[1.0, 2.0, 0.5], full=True),
        case(np.arange(4), real(4), deg=2, rcond=1e-10),
        case(SPREAD[:3], np.array([1, 2, 2]), deg=1, cov=True),
        case(SPREAD[:2], real(2, 1), deg=0, cov="unscaled"),
        rtol=1e-11,
    ),
    "vander": row(
        case(real(3)),
        case(real(2), N=4),
        case(real(3), N=2, increasing=True),
        case(real(2), N=0),
        rtol=1e-13,
    ),
    "interp": row(
        case(np.array([[0.2], [2.0]]), POINTS, real(3)),
        case(np.array([-2.0, 0.2, 5.0]), np.arange(2), real(2), left=0.5, right=-0.25),
        case(real(), POINTS, apart(3)),
        case(np.array([-7.1]), np.array([3.5, 0.7, -1.9]), real(3), period=4.0),
        case(np.array([0.5, 1.5]), np.arange(3), real(3)),
        case(np.array([0.5, -0.5]), np.array([0.25]), real(1)),
        rtol=1e-13,
    ),
}
# fmt: on
