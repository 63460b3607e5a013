"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import EMPTY, FLIPPED, Row, case, real, row, since

# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "pad": row(
        case(real(3), 2),
        case(real(2, 3), (1, 0)),
        case(real(2, 3), ((0, 1), (2, 1)), "constant"),
        case(FLIPPED, ((1,), (0,))),
        *since("2.4.0", case(real(2, 2), {1: 2, 0: (0, 1)})),
        case(real(2, 3), 1, constant_values=2),
        case(real(2, 3), ((1, 0), (1, 1)), constant_values=((1.5, 2.5), (3.5, 4.5))),
        case(real(), 0),
        case(EMPTY, 1),
        *(case(real(2), (4, 1), mode) for mode in ("edge", "wrap", "reflect", "symmetric")),
        *(case(real(1, 2), ((1, 0), (0, 1)), mode) for mode in ("edge", "wrap", "reflect", "symmetric")),
        case(real(2), (1, 3), "reflect", reflect_type="odd"),
        case(real(2), (1, 5), "symmetric", reflect_type="odd"),
        case(real(1, 2), 1, "reflect", reflect_type="odd"),
        case(real(1, 2), ((0, 0), (0, 1)), "symmetric", reflect_type="odd"),
        case(real(2), 2, "symmetric", reflect_type="even"),
        *(case(real(3), (1, 1), mode) for mode in ("maximum", "minimum", "mean", "median")),
        case(real(2, 1), ((0, 1), (1, 0)), "mean"),
        case(real(4), (1, 2), "maximum", stat_length=2),
        case(real(1, 3), ((0, 1), (1, 1)), "mean", stat_length=((1, 2), (9, 2))),
        case(real(3), (2, 3), "linear_ramp"),
        case(real(1, 2), ((0, 1), (1, 0)), "linear_ramp", end_values=((5.0, -4.0), (2.0, 1.0))),
        case(np.zeros((0, 2)), ((0, 0), (1, 1)), "edge"),
        rtol=1e-13,
    ),
}
# fmt: on
