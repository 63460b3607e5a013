"""Inputs for what comes without any: shapes and values that a function, or a model, does not refuse.

Refused is an input for which anything is raised, on the way back as well as forward: a product of matrices takes
vectors, too, but its rule need not. Nor is anything learnt where a value or a gradient is not finite.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn import trees
from tinygrad_nn.checking import GradcheckReport, check_model, gradcheck
from tinygrad_nn.checking.report import Verdict
from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.nn.module import Module
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor
from tinygrad_nn.testing.case import Case, joined
from tinygrad_nn.testing.values import Interval, simple_within

_SHAPES = ((3,), (3, 3), ()), ((3, 3, 3), (3, 3, 3, 3), (3,), (3, 3))
"""First of numbers, vectors and matrices; where all are refused, of images. Of matrices a stack need not be right."""

_MIXED_UP_TO = 3
"""The number of operands up to which each is tried with every shape; beyond, all have the same one."""

_FORMS = (((4,), ()), ((2, 5), ()), *(((2,), (side,) * axes) for axes in (1, 2, 3) for side in (8, 28)))
"""The axes before and behind the features: of rows, of sequences, and of signals, images and volumes."""


def fitting(function: Callable[..., Any], count: int, domains: Sequence[Interval], name: str) -> list[Case]:
    """Return cases of `count` operands that suit `function`: those where its gradient is right, or else is wrong.

    A gradient that is wrong for all that is not refused, is wrong. One that is right for some shapes and wrong for
    others may be meant for the former: only the author knows.

    Raises:
        ArgumentError: it refuses everything, or is right for some shapes only.

    """
    refusals: list[str] = []
    for shapes in _SHAPES:
        alike = [(shape,) * count for shape in shapes]
        mixed = [x for x in itertools.product(shapes, repeat=count) if x not in alike] if count <= _MIXED_UP_TO else []
        right: list[Case] = []
        wrong: list[Case] = []
        for tried in (alike, mixed):
            for chosen in tried:
                found = _tried(function, _drawn(chosen, domains), refusals)
                if found is not None:
                    (wrong if found.verdict is Verdict.WRONG else right).append(found.case)
            if right and not wrong:
                return right
        if right:
            message = f"{name}: its gradient is right for {_shapes_of(right)}, and is not for {_shapes_of(wrong)}"
            raise ArgumentError(message)
        if wrong:
            return wrong
    message = f"{name}: it refuses arrays of {', '.join(map(str, _SHAPES[0]))} and {_SHAPES[1][1]}, with {refusals[0]}"
    raise ArgumentError(message)


class _Found(NamedTuple):
    case: Case
    verdict: Verdict


def _tried(function: Callable[..., Any], cases: Iterator[Case], refusals: list[str]) -> _Found | None:
    """Return the first case that is not refused; note why others are."""
    for case in cases:
        try:
            result = joined(function(*(Tensor(x, requires_grad=True) for x in case.operands)))
            result.backward(np.ones(result.shape))
            verdict = gradcheck(function, case.operands, raises=False).verdict
        except Exception as error:  # noqa: BLE001 - whatever it raises, it refuses
            refusals.append(f"{type(error).__name__}: {error}")
            continue
        if verdict is not Verdict.NON_FINITE:
            return _Found(case, verdict)
        refusals.append("values or gradients that are not finite")
    return None


def check_untold_model(model: Module) -> GradcheckReport:
    """Check a model for the first input that it does not refuse, its loss being the squared distance from 1.

    Inputs have as many features, or channels, as some axis of the first parameter: rows, sequences, images, and last
    indices into a table.

    Raises:
        ArgumentError: it refuses all.

    """
    refusal = "it has no parameters"
    for x in _inputs_like(next(iter(model.parameters()), None)):
        try:
            report = check_model(model, x, None, _distance_from_one, raises=False)
        except Exception as error:  # noqa: BLE001 - whatever it raises, it refuses
            refusal = f"{type(error).__name__}: {error}"
            continue
        if report.verdict is not Verdict.NON_FINITE:
            return dataclasses.replace(report, subject=f"{report.subject} for an input of {x.dtype} of shape {x.shape}")
    message = f"expected a model of rows, sequences, images or indices. {refusal}"
    raise ArgumentError(message)


def _drawn(shapes: Sequence[tuple[int, ...]], domains: Sequence[Interval]) -> Iterator[Case]:
    """Yield operands of both signs, and positive ones, for functions such as `numpy.log`."""
    for least in (-np.inf, 0.0):
        rng = np.random.default_rng(0)
        operands = []
        for place, shape in enumerate(shapes):
            low, high = domains[place % len(domains)]
            values = simple_within((max(low, least) if least < high else low, high))
            near = [x for x in values if abs(x) < 3] or values
            operands.append(np.array(rng.uniform(min(near), max(near), shape)))
        yield Case(*operands)


def _shapes_of(cases: Sequence[Case]) -> str:
    shown = [", ".join(str(np.shape(x)) for x in case.operands) for case in cases]
    return " or ".join(shown[:2] + (["others"] if len(shown) > 2 else []))


def _inputs_like(parameter: Tensor | None) -> Iterator[Array]:
    if parameter is None:
        return
    rng = np.random.default_rng(0)
    lengths = dict.fromkeys([*parameter.shape, 3])
    for before, after in _FORMS:
        for length in lengths:
            yield rng.normal(size=(*before, length, *after))
    yield rng.integers(0, next(iter(lengths)), (2, 5))


def _distance_from_one(prediction: Any, _: Any) -> Any:
    return sum(((part - 1.0) ** 2).mean() for part in trees.values(prediction))
