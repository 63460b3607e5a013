"""What a row of samples is, and the operands that samples are made of.

Operands lie away from kinks, if the row says nothing else, and further than finite differences reach; what happens at
kinks is convention and has tests of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_nn.testing import Case as Sample

case = Sample


@dataclass(frozen=True)
class Row:
    """What the tests know of one operation.

    Attributes:
        samples: calls to try.
        reference: an independent formula; NumPy's own function where there is one.
        spellings: the operator, and the method where it takes its options otherwise than by name.
        rtol: how far the value may be from the reference, relative to it.
        kinks: whether samples lie at kinks or jumps on purpose.
        domain: where examples are drawn from, if not from between the samples.

    """

    samples: tuple[Sample, ...]
    reference: Callable[..., Any] | None = None
    spellings: tuple[Callable[..., Any], ...] = ()
    rtol: float = 1e-14
    kinks: bool = False
    domain: Any = None


def row(*samples: Sample, **rest: Any) -> Row:
    return Row(samples, **rest)


def since(version: str, *samples: Sample) -> tuple[Sample, ...]:
    """Return samples of what NumPy, which is the reference, can do from a version on."""
    return samples if np.lib.NumpyVersion(np.__version__) >= version else ()


_rng = np.random.default_rng(20240229)


def restart(name: str) -> None:
    """Draw from a new sequence, which `name` determines."""
    global _rng  # noqa: PLW0603 - the functions below are called hundreds of times, without a generator to hand over
    _rng = np.random.default_rng(list(name.encode()))


def real(*shape: int) -> Any:
    """Return numbers of both signs, away from 0 and from one another."""
    size = int(np.prod(shape))
    distinct = np.linspace(0.3, 2.0, size) if size > 1 else np.full(size, 0.7)
    return (_rng.permutation(distinct) * _rng.choice((-1, 1), size)).reshape(shape)


def positive(*shape: int) -> Any:
    return np.asarray(np.abs(real(*shape)))


def apart(*shape: int) -> Any:
    """Return numbers like `real`, but none that `real` returns."""
    return np.asarray(real(*shape) * 1.07)


def fraction(*shape: int) -> Any:
    return np.asarray(_rng.uniform(0.2, 0.8, shape))


EMPTY = np.zeros((0, 2))
STRIDED = real(3, 4)[::2, ::-1]
FLIPPED = real(4, 3).T


def unary(make: Callable[..., Any]) -> tuple[Sample, ...]:
    """Return operands of every kind for a function of one array."""
    return tuple(
        case(x) for x in (make(3), make(2, 2), make(), EMPTY, np.abs(STRIDED) if make is positive else STRIDED)
    )


def binary(left: Callable[..., Any], right: Callable[..., Any]) -> tuple[Sample, ...]:
    """Return pairs of operands that broadcast in every way."""
    shapes = (((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 2)), ((), (2,)), ((2,), ()), ((), ()))
    numbers = case(left(2), 2.5), case(2.5, right(2))
    return (*(case(left(*a), right(*b)) for a, b in shapes), *numbers, case(EMPTY, right(2)), case(EMPTY, right(1, 2)))
