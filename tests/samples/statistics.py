"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import EMPTY, Row, case, positive, real, row
from tests.samples.reductions import CHOSEN, MASK, REDUCTIONS

FULL = tuple(sample for sample in REDUCTIONS if sample.operands[0].size > 1 and sample.options.get("axis") != ())

SPREADS = (
    *FULL,
    *CHOSEN,
    case(real(3), ddof=1),
    case(real(2, 3), axis=0, dtype=np.dtype("float64")),
    case(real(2, 3), axis=1, correction=0.5),
    case(real(2, 3), axis=1, where=MASK, ddof=1, keepdims=True),
)
CENTRED = case(real(2, 3), axis=1, mean=np.array([[0.25], [0.5]]))

# Fixed, for by chance three observations may be correlated to 1, where `corrcoef` is cut off.
X = np.array([[0.3, 1.1, -0.7], [0.9, -0.4, 0.2]])
Y = np.array([0.5, -0.2, 1.4])

OBSERVATIONS = (
    case(X),
    case(X[0], Y),
    case(X.T, rowvar=False),
    case(Y),
    case(X[:1], Y),
    case(Y, X[:1].T, rowvar=False),
)

POINTS = np.array([0.1, 0.5, 2.0, 1.1])
NUMBERS = np.array([1, 0, 3, 1])


def weighted(function):
    """Return a function of operands and weights, whose other arguments stand between in its signature."""
    return lambda *operands, **options: function(*operands[:-1], weights=operands[-1], **options)


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "var": row(*SPREADS, CENTRED, case(real())),
    "std": row(*SPREADS[-7:], CENTRED),
    "nanvar": row(*SPREADS[-4:], FULL[3]),
    "nanstd": row(*SPREADS[-4:], FULL[3]),
    "average": row(
        *FULL[2:4],
        case(real(3), None, positive(3)),
        case(real(2, 2), (0, 1), positive(2, 2)),
        case(real(2, 2), 0, positive(2, 2)),
        case(real(2, 1, 2), (2, 0), positive(2, 2)),
        case(real(2, 2), 1, positive(2), keepdims=True),
        case(real(2, 2), -1, positive(2), returned=True),
        case(real(2), returned=True),
        case([1, 2, 4], None, positive(3)),
        case(real(3), weights=[1, 2, 3]),
    ),
    "nansum": row(*REDUCTIONS[:6], *CHOSEN[:1], case(real(3), initial=2.5), case(real(3), dtype=np.dtype("float64"))),
    "nanprod": row(*REDUCTIONS[:6], *CHOSEN[:1], case(real(3), initial=2.5), case(real(3), dtype=np.dtype("float64"))),
    "nanmean": row(*REDUCTIONS[:6], *CHOSEN, case(real(3), dtype=np.dtype("float64"))),
    "nancumsum": row(case(real(3)), case(real(2, 3)), case(real(2, 3), axis=0), case(EMPTY, axis=1)),
    "nancumprod": row(case(real(3)), case(real(2, 3)), case(real(2, 3), axis=0), case(EMPTY, axis=1)),
    "cov": row(
        *OBSERVATIONS,
        case(Y, bias=True),
        case(Y, ddof=2),
        case(Y, fweights=[1, 2, 3]),
        case(X[:1], None, 1, 0, None, None, positive(3)),
        case(Y, dtype=np.dtype("float64")),
        case(X, aweights=np.array([0.5, 2.0, 1.0]), fweights=[1, 2, 1], ddof=0),
        rtol=1e-12,
    ),
    "corrcoef": row(*OBSERVATIONS[:4], rtol=1e-12),
    "bincount": row(
        case(NUMBERS, real(4)),
        case(NUMBERS, real(4), 6),
        case([0, 0, 2], real(3)),
    ),
    "histogram": row(
        case(POINTS, 4, None, None, positive(4)),
        case(POINTS, [0.0, 1.0, 1.1], None, None, positive(4)),
        case(POINTS, 3, (0.2, 1.25), 1, positive(4)),
        case(POINTS.reshape(2, 2), 3, None, 0, positive(2, 2)),
        kinks=True,  # the last edge belongs to the last bin
    ),
    "histogram2d": row(
        case(POINTS, POINTS[::-1], 3, None, None, positive(4)),
        case(POINTS, POINTS[::-1], [2, 3], [[0, 1], [0, 2]], 1, positive(4)),
        case(POINTS, POINTS[::-1], [0.0, 0.7, 1.2], None, None, positive(4)),
        kinks=True,
    ),
    "histogramdd": row(
        case(np.stack([POINTS, POINTS[::-1]]).T, 3, None, None, positive(4)),
        case(POINTS, 2, [(0, 2)], 1, positive(4)),
        case([POINTS, POINTS[::-1], POINTS], (2, 3, 2), None, None, positive(4)),
        kinks=True,
    ),
}
# fmt: on
