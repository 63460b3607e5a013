"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import EMPTY, FLIPPED, STRIDED, Row, case, positive, real, row

SCANS = (
    case(real(4)),
    case(real(2, 3)),
    case(real(2, 3), axis=0),
    case(real(3, 2, 2), axis=-2),
    case(STRIDED, axis=1),
    case(EMPTY, axis=0),
    case(EMPTY, axis=1),
    case(real()),
    case(real(1), axis=0),
)

# What takes a Python number as the axis only, or has another default than None.
EXTREMES = (case(real(4)), case(real(2, 3)), case(real(2, 3), axis=1), case(real(3, 2, 2), axis=-2), case(EMPTY))

NAMED = (
    case(real(4)),
    case(real(3), include_initial=True),
    case(real(2, 3), axis=-1, include_initial=True),
    case(real(2, 3, 1), axis=1),
    case(EMPTY, axis=0, include_initial=True),
    case(STRIDED, axis=0, dtype=np.dtype("float64")),
)

CURVE = np.array([0.0, 0.5, 1.5, 1.75, 3.0])


def recurrence(factors, terms):
    """Solve ``s_i = factors_i s_{i-1} + terms_i`` as sums of products: each term times all factors after it."""
    return np.array(
        [
            sum(
                (terms[j] * np.prod(factors[j + 1 : i + 1], axis=0) for j in range(i + 1)),
                start=np.zeros_like(terms[0]),
            )
            for i in range(len(terms))
        ]
    ).reshape(terms.shape)


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "cumsum": row(*SCANS, case(real(2, 3), axis=1, dtype=np.dtype("float64"))),
    "cumprod": row(*SCANS, case(real(2, 3), axis=1, dtype=np.dtype("float64")), case(real(3), dtype="float64")),
    "cumulative_max": row(*EXTREMES, reference=np.maximum.accumulate, spellings=(np.maximum.accumulate,)),
    "cumulative_min": row(*EXTREMES, reference=np.minimum.accumulate, spellings=(np.minimum.accumulate,)),
    "linear_recurrence_rule": row(
        case(real(4), real(4)),
        case(real(1), real(1)),
        case(real(3, 2), real(3, 2)),
        case(EMPTY, EMPTY),
        reference=recurrence,
    ),
    "cumulative_sum": row(*NAMED),
    "cumulative_prod": row(*NAMED),
    "diff": row(
        case(real(4)),
        case(real(5), n=3),
        case(real(2, 3), n=0),
        case(real(3, 2), axis=0),
        case(FLIPPED, n=2, axis=-1),
        case(real(3), prepend=0.5),
        case(real(3), prepend=real(), append=real(2)),
        case(real(2, 3), append=real(2, 1)),
        case(real(2, 3), axis=0, prepend=2.5, append=real(1, 3)),
        case(EMPTY, axis=0),
        case(real(2), n=3),
    ),
    "ediff1d": row(
        case(real(4)),
        case(real(2, 3)),
        case(real(3), to_end=2.5),
        case(real(3), real(2, 2), real(2)),
        case(real(1), to_begin=real()),
        case(EMPTY),
    ),
    "trapezoid": row(
        case(real(4)),
        case(real(2, 3), axis=0),
        case(positive(3), dx=0.5),
        case(real(3), positive(3)),
        case(EMPTY),
        case(real(3, 2), CURVE[:3], axis=0),
        case(real(2, 3), real(2, 3), axis=1),
        case(real(3, 2), real(3, 2), axis=0),
        case(positive(3), None, real()),
        case(real(1)),
    ),
    "gradient": row(
        case(real(4)),
        case(real(3, 1), 0.5, axis=(0,)),
        case(real(3), real()),
        case(real(3), edge_order=2),
        case(real(2, 2), 0.5, 2.0),
        case(real(3), CURVE[:3], edge_order=2),
        case(real(2, 1, 2), 0.5, np.array([0.0, 0.5]), axis=(2, 0)),
        case(real(3), np.arange(3)),
        rtol=1e-12,
    ),
}
# fmt: on
