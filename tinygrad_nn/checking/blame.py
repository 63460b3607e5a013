"""Who is to blame: the culprits of a wrong gradient, whether an operation's own or an input that was cut off."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinygrad_nn.backprop import Node
from tinygrad_nn.checking.culprit import Culprit, find_culprits, find_detached
from tinygrad_nn.checking.differences import sizes_of
from tinygrad_nn.primitive import Array

_NEARBY = 2.0**-7
"""How far from the point the function is recorded again, to see what changes behind the back of the graph."""


def culprits_of(
    record: Callable[[Sequence[Array]], Sequence[Node]], point: Sequence[Array], order: int, rng: np.random.Generator
) -> tuple[Culprit, ...]:
    """Return the culprits of a gradient that is wrong.

    Args:
        record: runs the function at a point, outside of transforms, and returns the nodes of its results.
        point: the inputs.
        order: that of the wrong gradient.
        rng: where cotangents and directions come from.

    """
    roots = record(point)
    found = find_culprits(*roots, rng=rng, order=order)
    if found or not roots:
        return found
    try:
        with np.errstate(all="ignore"):
            nearby = record([values + _NEARBY * sizes_of(values) for values in point])
    except (ValueError, ArithmeticError):  # outside of the domain: then there is no more to be said
        return ()
    return tuple(culprit for pair in zip(roots, nearby, strict=False) for culprit in find_detached(*pair))
