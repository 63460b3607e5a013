"""Which floats a function computes in: more digits than float64 where it can, or fewer in some part of it.

NumPy's longdouble has 11 binary digits more than float64, but on Windows and on ARM, where it has none. A function has
more digits only if all of it has: an operation in float64 or float32 leaves no more than its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from tinygrad_nn.backprop import Node, set_mode
from tinygrad_nn.primitive import Array, Primitive
from tinygrad_nn.recording import record
from tinygrad_nn.tensor import Tensor

Function: TypeAlias = Callable[[Sequence[Array]], Sequence[Array]]
"""A function under study, of arrays alone: one for each input gives one for each output."""

Pullback: TypeAlias = Callable[[Sequence[Array], Sequence[Array]], Sequence[Array]]
"""Carries, at a point, a gradient for each output back to one for each input."""

_AFFORDABLE = 2**16
"""The size of all inputs up to which more digits are asked for: without BLAS, products take a hundred times as long."""


class Lengthened(NamedTuple):
    """A point in the longest floats, and what a function and its gradients are there."""

    point: Sequence[Array]
    outputs: Sequence[Array]
    gradients: Sequence[Array]


def lengthened(
    function: Function, pullback: Pullback, point: Sequence[Array], cotangents: Sequence[Array]
) -> Lengthened | None:
    """Return a function at `point` in longer floats; None where it does not compute in them."""
    longer = [values.astype(np.longdouble) for values in point]
    is_longer = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps
    if not is_longer or sum(values.size for values in point) > _AFFORDABLE:
        return None
    try:
        outputs = function(longer)
        with _noting_dtypes() as dtypes:
            gradients = pullback(longer, cotangents)
    except Exception:  # noqa: BLE001 - whatever may be raised by what knows float64 alone, as all of np.linalg
        return None
    dtypes |= {output.dtype for output in outputs}
    return Lengthened(longer, outputs, gradients) if dtypes == {np.dtype(np.longdouble)} else None


def is_short(pullback: Pullback, point: Sequence[Array], cotangents: Sequence[Array]) -> bool:
    """Tell whether some of a function, or all of it, is computed in floats shorter than float64."""
    with _noting_dtypes() as dtypes:
        pullback(point, cotangents)
    return any(np.finfo(dtype).eps > np.finfo(np.float64).eps for dtype in dtypes)


@contextlib.contextmanager
def _noting_dtypes() -> Iterator[set[np.dtype[Any]]]:
    """Note the dtypes of all floats that depend on what a gradient is asked for: those of constants do not matter."""
    watch = _Watch()
    with set_mode(watch=watch):
        yield watch.dtypes


class _Watch:
    """What a mode is watched by."""

    def __init__(self) -> None:
        self.dtypes: set[np.dtype[Any]] = set()

    def record(self, primitive: Primitive, operands: tuple[Any, ...], options: dict[str, Any] | None) -> Tensor:
        """Do what `recording.record` does, and note the dtype of the result."""
        with set_mode(watch=None):
            result = record(primitive, operands, options)
        if result.requires_grad and result.dtype.kind == "f":
            self.dtypes.add(result.dtype)
        return result

    def edges(self, _root: Node, _seed: Array, _order: list[Node], _until: Iterable[Node]) -> type[zip[Any]]:
        """Return what stands for `zip` in the walk of `backpropagate`: itself."""
        return zip
