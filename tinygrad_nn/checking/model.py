"""`check_model`: are the gradients of a loss right for every parameter of a model?"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_nn import trees
from tinygrad_nn.backprop import Leaf, backpropagate, enable_grad, no_grad
from tinygrad_nn.checking.blame import Result, concluded
from tinygrad_nn.checking.compare import Checker, Mode
from tinygrad_nn.checking.precision import Pullback
from tinygrad_nn.checking.report import GradcheckReport
from tinygrad_nn.errors import ArgumentError, GradientMismatch, TinygradError
from tinygrad_nn.nn.module import Module, Parameter
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw
from tinygrad_nn.transforms.replay import gradients_as_tensors


def check_model(
    model: Module,
    x: Any,
    y: Any,
    loss: Callable[[Any, Any], Any],
    order: int = 1,
    *,
    mode: Mode = "directional",
    rtol: float = 1e-5,
    rng: np.random.Generator | int | None = None,
    raises: bool = True,
) -> GradcheckReport:
    """Compare the gradient of ``loss(model(x), y)`` for every parameter with finite differences.

    All parameters are compared at once along random directions, in float64, which takes a few evaluations whatever
    their number. Where that fails, they are halved until the wrong ones are found, and in these an element. The model
    is left exactly as it was: parameters, gradients and other state.

    Args:
        model: with at least one parameter. Frozen ones are checked, too.
        x: the input: an array, or a list or dict of them. A tuple stands for several inputs, as in ``model(*x)``.
        y: the target: an array, or a list, tuple or dict of them. Floats in `x` and `y` are converted to float64.
        loss: a function of prediction and target, such as `nn.squared_error`, that returns a Tensor. The prediction is
            what the model returns, which may be a list, tuple or dict.
        order: 1 checks the gradient, 2 also the gradient of the gradient, and so on.
        mode: "directional" as described, "full" compares every element, "auto" all those of small parameters.
        rtol: the relative difference that passes.
        rng: a seed or a generator for the directions; the seed 0 if None. The report names it.
        raises: whether to raise if the check fails, rather than to return a report that is false.

    Raises:
        GradientMismatch: the check failed; ``report`` and message say where.
        ArgumentError: the model has no parameters, or the loss returns no Tensor, or an unknown mode.

    >>> import numpy as np, tinygrad_nn as tn
    >>> model = tn.nn.Dense(3, 2, activation="tanh", rng=np.random.default_rng(0))
    >>> report = tn.check_model(model, np.ones((4, 3)), np.zeros((4, 2)), tn.nn.squared_error)
    >>> [(row.name, row.verdict.value) for row in report.comparisons]
    [('weight', 'PASS'), ('bias', 'PASS')]

    """
    subject = _Subject(model, x, y, loss)
    checker = Checker(f"check_model of {type(model).__name__}", rng, mode, rtol)
    names, point = subject.names, subject.point
    for current in range(1, order + 1):
        try:
            cotangents = checker.check(subject.evaluator(current), subject.pullback(current), point, names, current)
        except TinygradError as error:
            checker.fail(error, current)
        if not checker.verdict.is_good:
            break
        names = [*names, *(f"cotangent {place}" for place in range(len(cotangents)))]
        point = [*point, *cotangents]
    report = concluded(checker, subject.recorded, subject.point, order, level=0)
    if raises and not report:
        raise GradientMismatch(report)
    return report


class _Subject:
    """The loss of a model as a function of its parameters, and the gradients of it.

    In the second order it is a function of the parameters and of a gradient for the loss, and so on.
    """

    def __init__(self, model: Module, x: Any, y: Any, loss: Callable[[Any, Any], Any]) -> None:
        """Take `model` with everything else that the loss depends on, in float64."""
        tensors = dict(model.named_tensors())
        self.names = [name for name, tensor in tensors.items() if isinstance(tensor, Parameter)]
        if not self.names:
            message = f"check_model: expected a model with parameters, but this {type(model).__name__} has none"
            raise ArgumentError(message)
        self.parameters = [tensors[name] for name in self.names]
        self.others = [tensor for tensor in tensors.values() if not isinstance(tensor, Parameter)]
        self.point: list[Array] = [_double(parameter) for parameter in self.parameters]
        self.model = model
        self.loss = loss
        self.inputs = tuple(map(_doubles, x)) if type(x) is tuple else (_doubles(x),)
        self.target = _doubles(y)

    def run(self, values: Sequence[Any]) -> Tensor:
        """Return the loss for other `values` of the parameters: arrays, or leaves."""
        with _lent([*self.parameters, *self.others], [*values, *map(_double, self.others)]):
            result = self.loss(self.model(*self.inputs), self.target)
        if not isinstance(result, Tensor):
            message = (
                f"check_model: expected the loss to return a Tensor, got {type(result).__name__}. Compute it with "
                f"operators and NumPy functions on the prediction"
            )
            raise ArgumentError(message)
        return result

    def evaluator(self, order: int) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """Return the function that is differentiated in this order, for finite differences."""

        def evaluate(arrays: Sequence[Array]) -> Sequence[Array]:
            if order > 1:  # the gradients of the order below, for the parameters and for its cotangents
                count = len(arrays) - self._outputs(order - 1)
                return self.pullback(order - 1)(arrays[:count], arrays[count:])
            with no_grad():
                return [np.asarray(raw(self.run(arrays)))]

        return evaluate

    def pullback(self, order: int) -> Pullback:
        """Return what carries gradients for the outputs of this order back to the inputs, by backpropagation."""

        def pull(point: Sequence[Array], cotangents: Sequence[Array]) -> list[Array]:
            leaves = [Leaf(array.copy()) for array in point]
            with enable_grad():
                root = self._contracted(order, leaves, cotangents)
            found = {} if root._node is None else backpropagate(root._node, np.ones(root.shape))
            return [found.get(leaf, np.zeros(leaf.shape)) for leaf in leaves]

        return pull

    def recorded(self, point: Sequence[Array]) -> list[Result]:
        """Return the node and the value of the loss."""
        loss = self.run([Leaf(array.copy()) for array in point])
        return [(loss._node, np.asarray(raw(loss)))]

    def _contracted(self, order: int, leaves: Sequence[Leaf], cotangents: Sequence[Any]) -> Tensor:
        """Return the sum of the outputs of this order, each multiplied by its cotangent."""
        if order == 1:
            outputs = [self.run(leaves)]
        else:
            count = len(leaves) - self._outputs(order - 1)
            root = self._contracted(order - 1, leaves[:count], [_tensor(leaf) for leaf in leaves[count:]])
            found = {} if root._node is None else gradients_as_tensors(root, Tensor(np.ones(root.shape)))
            outputs = [found.get(leaf, Tensor(np.zeros(leaf.shape))) for leaf in leaves[:count]]
        total: Any = sum((output * u).sum() for output, u in zip(outputs, cotangents, strict=True))
        return total

    def _outputs(self, order: int) -> int:
        """Return how many outputs this order has: the loss, or a gradient for each input of the order below."""
        inputs, outputs = len(self.point), 1
        for _ in range(order - 1):
            inputs, outputs = inputs + outputs, inputs
        return outputs


def _tensor(leaf: Leaf) -> Tensor:
    """Return a Tensor of a leaf."""
    tensor = Tensor(leaf.array)
    tensor._node = leaf
    return tensor


def _double(value: Any) -> Any:
    """Return an array, its floats in float64; a copy, for the original shall not change."""
    array = np.array(raw(value))
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _doubles(tree: Any) -> Any:
    """Return a tree with copies of its arrays in float64. A list of nothing but numbers is an array."""
    if isinstance(tree, list) and not any(isinstance(x, (Tensor, np.ndarray)) for x in trees.values(tree)):
        return _double(tree)
    return trees.rebuild(tree, map(_double, trees.values(tree)))


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
