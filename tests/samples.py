"""Samples: a row for each primitive and each composition, with operands to try it on and whatever else spells it.

Whoever adds an operation adds a row here; `test_primitives.py` does the rest. Operands lie away from kinks, and further
than finite differences reach; what happens at kinks is convention and has tests of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.special

from tinygrad_nn.primitive import PRIMITIVES


@dataclass(frozen=True)
class Sample:
    """Operands and options of one call."""

    operands: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What the tests know of one operation.

    Attributes:
        samples: calls to try.
        reference: an independent formula; NumPy's own function where there is one.
        spellings: the operator, and the method where it takes its options otherwise than by name.

    """

    samples: tuple[Sample, ...]
    reference: Callable[..., Any] | None = None
    spellings: tuple[Callable[..., Any], ...] = ()


def row(
    *samples: Sample, reference: Callable[..., Any] | None = None, spellings: tuple[Callable[..., Any], ...] = ()
) -> Row:
    return Row(samples, reference, spellings)


def case(*operands: Any, **options: Any) -> Sample:
    return Sample(operands, options)


_rng = np.random.default_rng(20240229)


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


REDUCTIONS = (
    case(real(3)),
    case(real(2, 3)),
    case(real(2, 3), axis=0),
    case(real(2, 3), axis=-1),
    case(real(2, 3), axis=1, keepdims=True),
    case(real(2, 1, 3), axis=(0, -1)),
    case(real(2, 1, 3), axis=(2, 0), keepdims=True),
    case(real(2, 2), axis=None, keepdims=True),
    case(real(2, 2), axis=()),
    case(real()),
    case(STRIDED, axis=0),
    case(EMPTY, axis=1),
)


def dense(x: Any, weight: Any, *bias: Any, activation: Any = None) -> Any:
    out = np.einsum("...n,nm->...m", x, weight) + (bias[0] if bias else 0)
    return out if activation is None else ACTIVATIONS[activation](out)


ACTIVATIONS = {
    PRIMITIVES["tanh"].rule: np.tanh,
    PRIMITIVES["sigmoid"].rule: scipy.special.expit,
    PRIMITIVES["relu"].rule: lambda a: np.where(a > 0, a, 0),
    PRIMITIVES["softmax"].rule: lambda a: scipy.special.softmax(a, -1),
}


def scatter(values: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Add one element at a time."""
    out = np.zeros(shape, values.dtype)
    places = np.arange(out.size).reshape(shape)[index]
    for place, value in zip(np.ravel(places), np.ravel(np.broadcast_to(values, np.shape(places))), strict=True):
        out.reshape(-1)[place] += value
    return out


MASK = np.array([[True, False, True], [False, True, True]])
INDICES = (1, -1, slice(None, None, 2), (..., 0), (slice(None), None, 1), [0, 0, 1], ([0, 1, 1], [2, 0, 0]), MASK)

# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "add": row(*binary(real, real), spellings=(operator.add,)),
    "subtract": row(*binary(real, real), spellings=(operator.sub,)),
    "multiply": row(*binary(real, real), spellings=(operator.mul,)),
    "divide": row(*binary(real, real), spellings=(operator.truediv,)),
    "power": row(
        *binary(positive, real),
        case(real(3), 2),
        case(real(3), 3.0),
        case(real(3), -1.0),
        case(real(3), np.arange(3)),
        case(2, real(3)),
        spellings=(operator.pow,),
    ),
    "maximum": row(*binary(real, apart)),
    "minimum": row(*binary(real, apart)),
    "negative": row(*unary(real), spellings=(operator.neg,)),
    "positive": row(*unary(real), spellings=(operator.pos,)),
    "absolute": row(*unary(real), spellings=(operator.abs, lambda a: a.abs())),
    "exp": row(*unary(real)),
    "log": row(*unary(positive)),
    "log1p": row(*unary(positive), case(np.array([1e-9, -0.5]))),
    "sqrt": row(*unary(positive)),
    "tanh": row(*unary(real)),
    "reciprocal": row(*unary(real)),
    "sigmoid": row(*unary(real), reference=scipy.special.expit),
    "relu": row(*unary(real), reference=lambda a: np.where(a > 0, a, np.zeros_like(a))),
    "where": row(
        case(np.array([True, False, True]), real(3), real(3)),
        case(MASK, real(3), real(2, 1)),
        case(np.array([[True], [False]]), real(3), real()),
        case(np.array(1), real(2), real(2)),
        case(np.array([1, 0]), real(2), 0.0),
        case(np.array([0, 2]), 1.0, real(2)),
        case(np.zeros((0, 1), bool), EMPTY, real(2)),
    ),
    "sum": row(*REDUCTIONS, case(EMPTY), case(EMPTY, axis=0)),
    "max": row(*REDUCTIONS),
    "min": row(*REDUCTIONS),
    "mean": row(*REDUCTIONS),
    "reshape": row(
        case(real(2, 3), shape=(3, 2)),
        case(real(2, 3), shape=-1),
        case(real(2, 3), shape=(1, -1, 2)),
        case(real(), shape=(1, 1)),
        case(real(1), shape=()),
        case(FLIPPED, shape=(4, 3)),
        case(EMPTY, shape=(2, 0)),
        spellings=(lambda a, shape: a.reshape(shape), lambda a, shape: a.reshape(*np.ravel(np.array(shape, int)))),
    ),
    "ravel": row(case(real(2, 3)), case(real()), case(FLIPPED), case(EMPTY)),
    "transpose": row(
        case(real(2, 3)),
        case(real(2, 1, 3), axes=(2, 0, 1)),
        case(real(2, 1, 3), axes=(-1, 0, -2)),
        case(real(3)),
        case(real()),
        spellings=(
            lambda a, axes=None: a.transpose(axes) if axes else a.T,
            lambda a, axes=(): a.transpose(*axes),
        ),
    ),
    "swapaxes": row(case(real(2, 1, 3), axis1=0, axis2=-1), case(real(2, 3), axis1=-1, axis2=-2)),
    "broadcast_to": row(
        case(real(3), shape=(2, 3)),
        case(real(2, 1), shape=(2, 3)),
        case(real(1, 2), shape=(2, 1, 2)),
        case(real(), shape=(2,)),
        case(real(1), shape=3),
        case(real(2), shape=(2,)),
        case(real(1, 2), shape=(0, 2)),
    ),
    "expand_dims": row(
        case(real(2, 3), axis=1),
        case(real(3), axis=(0, -1)),
        case(real(), axis=0),
        case(EMPTY, axis=-1),
    ),
    "squeeze": row(
        case(real(1, 3, 1)),
        case(real(1, 3, 1), axis=0),
        case(real(1, 3, 1), axis=(0, -1)),
        case(real(1, 1)),
        case(real(3)),
    ),
    "astype": row(
        case(real(3), dtype="float64"),
        case(real(3), dtype=float),
        reference=lambda a, dtype: a.astype(dtype),
    ),
    "concatenate": row(
        case(real(2), real(3)),
        case(real(2, 1), real(2, 2), axis=1),
        case(real(2, 1), real(2, 2), axis=-1),
        case(real(2, 1), real(3), real(), axis=None),
        case(EMPTY, real(1, 2)),
        case(real(2)),
        case(real(1), np.arange(2)),
    ),
    "stack": row(
        case(real(2), real(2)),
        case(real(2), real(2), axis=-1),
        case(real(), real()),
        case(real(2, 1), axis=1),
    ),
    "getitem": row(
        *(case(real(2, 3), index=index) for index in INDICES),
        case(real(3), index=np.array([[0, 2], [2, 2]])),
        case(real(), index=()),
        case(real(), index=None),
        case(real(3), index=[]),
        case(real(3), index=np.zeros(3, bool)),
        case(real(2, 2, 2), index=(slice(None), [0, 1, 1], 0)),
        case(real(2, 2, 2), index=(0, slice(None), [1, 1])),
        reference=lambda a, index: a[index],
        spellings=(lambda a, index: a[index],),
    ),
    "scatter_add_rule": row(
        *(case(np.asarray(np.zeros((2, 3))[index] + real()), index=index, shape=(2, 3)) for index in INDICES),
        case(real(), index=(), shape=()),
        reference=scatter,
    ),
    "matmul": row(
        case(real(3), real(3)),
        case(real(2, 3), real(3)),
        case(real(2), real(2, 3)),
        case(real(2, 3), real(3, 2)),
        case(real(2, 2, 3), real(3, 2)),
        case(real(2, 3), real(2, 3, 1)),
        case(real(2, 1, 1, 2), real(2, 2, 1)),
        case(real(2), real(2, 2, 1)),
        case(real(2, 1, 2), real(2)),
        case(FLIPPED, STRIDED.T),
        case(EMPTY, real(2, 2)),
        case(EMPTY.T, EMPTY),
        case(EMPTY, real(2)),
        case(real(2, 3), np.arange(3)),
        spellings=(operator.matmul,),
    ),
    "dot": row(
        case(real(3), real(3)),
        case(real(2, 3), real(3)),
        case(real(2), real(2, 3)),
        case(real(2, 3), real(3, 2)),
        case(real(2, 1, 2), real(2, 2)),
        case(real(2, 2), real(2, 2, 1)),
        case(real(2), real(2, 2, 1)),
        case(real(1, 2, 2), real(2, 2, 1)),
        case(real(), real(2)),
        case(real(2, 1), real()),
    ),
    "dense": row(
        case(real(2, 3), real(3, 2), real(2)),
        case(real(2, 3), real(3, 2)),
        case(real(3), real(3, 2), real(2)),
        case(real(2, 1, 3), real(3, 2), real(2)),
        case(np.zeros((0, 3)), real(3, 2), real(2)),
        *(case(real(2, 3), real(3, 2), real(2), activation=rule) for rule in ACTIVATIONS),
        case(real(2, 3), real(3, 2), activation=PRIMITIVES["tanh"].rule),
        case(real(3), real(3, 2), real(2), activation=PRIMITIVES["tanh"].rule),
        reference=dense,
    ),
    "squared_error": row(
        case(real(3), real(3)),
        case(real(2, 2), real(2, 2), count=4),
        case(real(), real()),
        case(EMPTY, EMPTY),
        case(real(2), np.arange(2)),
        case(FLIPPED, real(3, 4)),
        reference=lambda p, t, count=1: np.sum((p - t) ** 2) / count,
    ),
    "softmax": row(
        case(real(3)),
        case(real(2, 3)),
        case(real(2, 3), axis=0),
        case(real(2, 1, 2), axis=1),
        case(EMPTY),
        reference=lambda a, axis=-1: scipy.special.softmax(a, axis),
    ),
    "log_softmax": row(
        case(real(3)),
        case(real(2, 3)),
        case(real(2, 3), axis=0),
        case(real(2, 1, 2), axis=1),
        case(EMPTY),
        reference=lambda a, axis=-1: scipy.special.log_softmax(a, axis),
    ),
    "binary_cross_entropy": row(
        case(fraction(3), fraction(3)),
        case(fraction(2, 2), np.array([[0.0, 1.0], [1.0, 1.0]])),
        case(fraction(), fraction()),
        case(fraction(2), np.array([0, 1])),
        reference=lambda p, t: -(scipy.special.xlogy(t, p) + scipy.special.xlog1py(1 - t, -p)),
    ),
    "binary_cross_entropy_with_logits": row(
        case(real(3), fraction(3)),
        case(real(2, 2), np.array([[0.0, 1.0], [1.0, 1.0]])),
        case(real(), fraction()),
        case(real(2), np.array([0, 1])),
        reference=lambda z, t: -t * scipy.special.log_expit(z) - (1 - t) * scipy.special.log_expit(-z),
    ),
}
# fmt: on
