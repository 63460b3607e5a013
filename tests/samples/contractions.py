"""Samples for the file of the same name in `primitives/`."""

import numpy as np

from tests.samples.making import EMPTY, FLIPPED, Row, case, real, row


def through_einsum(*operands, subscripts, optimize=False):
    return np.einsum(subscripts, *operands, optimize=optimize)


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "contract": row(
        case(real(2, 3), real(3, 2), subscripts="ij,jk->ik"),
        case(real(1, 2), real(2, 2), subscripts="ij,jk->ki", optimize=True),
        case(real(2, 3), subscripts="ij->"),
        case(real(2, 3), subscripts="ij->j"),
        case(FLIPPED, subscripts="ij->ji"),
        case(real(3, 3), subscripts="ii->i"),
        case(real(2, 2, 2), subscripts="iii->"),
        case(real(2, 2, 1), real(2), subscripts="iij,k->ij"),
        case(real(2, 1, 2, 1), real(1, 1), subscripts="ijij,jj->i"),
        case(real(2, 1), real(3, 1), subscripts="ij,jk->ik"),
        case(real(1), real(3), subscripts="i,i->"),
        case(real(2, 2), real(1), subscripts="ii,i->i"),
        case(real(2), real(3), real(2, 3), subscripts="i,j,ij->"),
        case(real(2, 3), real(3), subscripts="ij,k->ik"),
        case(real(), real(2), subscripts=",i->i"),
        case(EMPTY, real(2), subscripts="ij,j->i"),
        case(EMPTY, real(2), subscripts="ij,j->j"),
        case(real(2, 3), np.arange(3), subscripts="ij,j->i"),
        reference=through_einsum,
    ),
    "einsum": row(
        case("ij,jk", real(2, 1), real(1, 2)),
        case("ba", real(2, 3)),
        case("ii", real(2, 2)),
        case("i i j", real(2, 2, 1)),
        case(" i j , j -> i ", real(2, 3), real(3)),
        case("...ij,...jk", real(2, 1, 2), real(1, 2, 1)),
        case("...ij,jk->...ki", real(2, 1, 2), real(2, 2)),
        case("i...,i...->...", real(2, 2), real(2, 1, 2)),
        case("...,...", real(2), real()),
        case("i...->...i", real(2, 3)),
        case("...ii->...i", real(3, 2, 2)),
        case("i,j,k->kji", real(2), real(1), real(2)),
        case("ij,jk,kl->il", real(2, 2), real(2, 1), real(1, 2), optimize=True),
        case("ij,jk,k", real(1, 2), real(2, 2), real(2), optimize="optimal"),
        case("...a,ab,bb,c->c...", real(2, 1), real(1, 2), real(2, 2), real(1), optimize="greedy"),
        case("ij,j,jk->ik", real(2, 1), real(2), real(1, 2), optimize=["einsum_path", (1, 2), (0, 1)]),
        case(real(2, 2), [0, 1], real(2, 1), [1, 2]),
        case(real(1, 2), [1, 0], real(2, 2), [0, 2], [2, 1]),
        case(real(2, 2), [Ellipsis, 30], real(2), [30], [Ellipsis]),
        case(real(2, 3), [27, 2]),
        rtol=1e-13,
    ),
}
# fmt: on
