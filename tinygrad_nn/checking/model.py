"""`check_model`: are the gradients of a loss right for every parameter of a model?"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_nn.backprop import Leaf, backpropagate, enable_grad, no_grad
from tinygrad_nn.checking.compare import Checker
from tinygrad_nn.checking.report import GradcheckReport
from tinygrad_nn.errors import ArgumentError, GradientMismatch
from tinygrad_nn.nn.module import Module, Parameter
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw


def check_model(
    model: Module,
    x: Any,
    y: Any,
    loss: Callable[[Any, Any], Any],
    *,
    rtol: float = 1e-5,
    rng: np.random.Generator | int | None = None,
    raises: bool = True,
) -> GradcheckReport:
    """Compare the gradient of ``loss(model(x), y)`` for every parameter with finite differences.

    Each parameter is compared along random directions, in float64; a wrong one is narrowed down to an element. The
    model is left exactly as it was: parameters, gradients and other state.

    Args:
        model: with at least one parameter. Frozen ones are checked, too.
        x: the input; floats are converted to float64.
        y: the target, likewise.
        loss: a function of prediction and target, such as `nn.squared_error`.
        rtol: the relative difference that passes.
        rng: a seed or a generator for the directions; the seed 0 if None. The report names it.
        raises: whether to raise if the check fails, rather than to return a report that is false.

    Raises:
        GradientMismatch: the check failed; ``report`` and message say where.
        ArgumentError: the model has no parameters, or the loss returns no Tensor.

    >>> import numpy as np, tinygrad_nn as tn
    >>> model = tn.nn.Dense(3, 2, activation="tanh", rng=np.random.default_rng(0))
    >>> report = tn.check_model(model, np.ones((4, 3)), np.zeros((4, 2)), tn.nn.squared_error)
    >>> [(row.name, row.verdict.value) for row in report.comparisons]
    [('weight', 'PASS'), ('bias', 'PASS')]

    """
    tensors = dict(model.named_tensors())
    names = [name for name, tensor in tensors.items() if isinstance(tensor, Parameter)]
    if not names:
        message = f"check_model: expected a model with parameters, but this {type(model).__name__} has none"
        raise ArgumentError(message)
    parameters = [tensors[name] for name in names]
    others = [tensor for tensor in tensors.values() if not isinstance(tensor, Parameter)]
    point = [_double(parameter) for parameter in parameters]
    data, target = _double(x), _double(y)

    def run() -> Tensor:
        result = loss(model(data), target)
        if not isinstance(result, Tensor):
            message = (
                f"check_model: expected the loss to return a Tensor, got {type(result).__name__}. Compute it with "
                f"operators and NumPy functions on the prediction"
            )
            raise ArgumentError(message)
        return result

    def evaluate(arrays: Sequence[Array]) -> list[Array]:
        with no_grad(), _lent([*parameters, *others], [*arrays, *map(_double, others)]):
            return [np.asarray(raw(run()))]

    def pullback(cotangents: Sequence[Array]) -> list[Array]:
        leaves = [Leaf(array.copy()) for array in point]
        with enable_grad(), _lent([*parameters, *others], [*leaves, *map(_double, others)]):
            node = run()._node
            found = {} if node is None else backpropagate(node, cotangents[0])
        return [found.get(leaf, np.zeros(leaf.shape)) for leaf in leaves]

    checker = Checker(f"check_model of {type(model).__name__}", rng, "directional", rtol)
    checker.check(evaluate, pullback, point, names, 1)
    report = checker.report()
    if raises and not report:
        raise GradientMismatch(report)
    return report


def _double(value: Any) -> Any:
    """Return an array, its floats in float64; a copy, for the original shall not change."""
    array = np.array(raw(value))
    return array.astype(np.float64) if array.dtype.kind == "f" else array


@contextlib.contextmanager
def _lent(tensors: Sequence[Tensor], values: Sequence[Any]) -> Iterator[None]:
    """Give `tensors` other arrays, or leaves, for the time of the block; their own are not touched in between."""
    own = [(tensor._data, tensor._node) for tensor in tensors]
    try:
        for tensor, value in zip(tensors, values, strict=True):
            tensor._data, tensor._node = (value.array, value) if isinstance(value, Leaf) else (value, None)
        yield
    finally:
        for tensor, (data, node) in zip(tensors, own, strict=True):
            tensor._data, tensor._node = data, node
