"""Samples for the file of the same name in `primitives/`."""

from tests.samples.making import EMPTY, STRIDED, Row, case, real, row

SHIFTS = row(
    case(real(4)),
    case(real(5)),
    case(real(2, 3)),
    case(real(2, 3), axes=1),
    case(real(3, 2), axes=(-1,)),
    case(real(3, 2, 3), axes=(2, 0)),
    case(STRIDED),
    case(EMPTY),
)

ROWS: dict[str, Row] = {"fftshift": SHIFTS, "ifftshift": SHIFTS}
