"""Samples for the file of the same name in `primitives/`."""

import itertools

import numpy as np

from tests.samples.making import EMPTY, FLIPPED, Row, case, real, row

AXES = (
    case(real(4)),
    case(real(2, 2)),
    case(real(3, 2), axis=0),
    case(real(2, 2), axis=None),
    case(real(1, 3, 2), axis=-2),
    case(FLIPPED),
    case(EMPTY),
    case(EMPTY, axis=0),
    case(real(1)),
)

MEDIANS = (
    case(real(4)),
    case(real(3)),
    case(real()),
    case(real(3, 2), axis=0),
    case(real(2, 3), axis=-1, keepdims=True),
    case(real(2, 2, 1), axis=(2, 0)),
    case(real(2, 1, 2), axis=(0, -1), keepdims=True),
    case(real(2, 2), axis=None, keepdims=True),
    case(EMPTY, axis=1),
)


def quantiles(whole):
    """Return calls for quantiles, of which `whole` is the largest."""
    return (
        case(real(4), 0.3 * whole),
        case(real(3), 0),
        case(real(2, 2), q=np.array([0.2, 1.0]) * whole),
        case(real(3, 2), 0.4 * whole, axis=0),
        case(real(1, 3), q=np.array([[0.2, 0.9], [0.0, 1.0]]) * whole, axis=-1, keepdims=True),
        case(real(2, 1, 2), q=[0.1 * whole, 0.6 * whole], axis=(2, 0)),
        case(real(2, 2), 0.6 * whole, axis=None, keepdims=True),
        case(real(3), q=np.array([0.4, 0.95]) * whole, method="hazen"),
    )


def runs(values, begins):
    """Average each run with a loop."""
    out = np.array(values)
    for row_out, row_begins in zip(out.reshape(-1, out.shape[-1]), begins.reshape(-1, out.shape[-1]), strict=True):
        starts = [*np.flatnonzero(row_begins), len(row_out)]
        for i, j in itertools.pairwise(starts):
            row_out[i:j] = np.mean(row_out[i:j])
    return out


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "sort": row(*AXES, case(real(4), kind="stable"), case(real(4), stable=True), spellings=(np.sort,)),
    "partition": row(
        *(case(*sample.operands, kth=0, **sample.options) for sample in AXES if sample.operands[0].size),
        case(real(5), kth=[1, 3]),
        case(real(1, 3), kth=-1, axis=1),
        case(real(3), kth=1, kind="introselect"),
        spellings=(np.partition,),
    ),
    "mean_of_runs_rule": row(
        case(real(5), begins=np.array([True, False, True, True, False])),
        case(real(3), begins=np.ones(3, bool)),
        case(real(2, 3), begins=np.array([[True, False, False], [True, True, False]])),
        case(EMPTY, begins=EMPTY == 0),
        reference=runs,
    ),
    "median": row(*MEDIANS),
    "nanmedian": row(*MEDIANS[2:6]),
    "quantile": row(*quantiles(1.0)),
    "percentile": row(*quantiles(100.0)[2:5]),
    "nanquantile": row(*quantiles(1.0)[1::2]),
    "nanpercentile": row(*quantiles(100.0)[2:5]),
}
# fmt: on
