"""`gradcheck`: is the gradient of a function what finite differences say it is?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_nn import trees
from tinygrad_nn.backprop import no_grad
from tinygrad_nn.checking.blame import Result, concluded
from tinygrad_nn.checking.compare import Checker, Mode
from tinygrad_nn.checking.precision import Pullback
from tinygrad_nn.checking.report import GradcheckReport
from tinygrad_nn.errors import ArgumentError, GradientMismatch, TinygradError
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw
from tinygrad_nn.transforms import vjp
from tinygrad_nn.transforms.tracing import node_of, trace


def gradcheck(
    f: Callable[..., Any],
    inputs: Any,
    order: int = 1,
    *,
    mode: Mode = "auto",
    rtol: float = 1e-5,
    rng: np.random.Generator | int | None = None,
    raises: bool = True,
) -> GradcheckReport:
    """Compare the gradient of `f` with finite differences, for a random gradient of its outputs.

    Where a single difference does not agree, its step is swept and extrapolated to 0, so that it comes with its own
    error. A gradient passes if it agrees to `rtol` of itself and to that error, whatever its scale. An input that `f`
    does not depend on has the gradient 0, which is compared like any other. When a gradient is wrong, each operation of
    the recorded graph is checked by itself, and the report names those to mend.

    Args:
        f: called with a Tensor for each input, or a list, tuple or dict of them, as `inputs` has it; returns a Tensor,
            or a list, tuple or dict of them, of any shapes.
        inputs: a list or tuple with each argument: an array, Tensor or number, or a list, tuple or dict of them. A list
            of nothing but numbers is an array. Floats are converted to float64 and differentiated, all else is left
            alone.
        order: 1 checks the gradient, 2 also the gradient of the gradient, and so on.
        mode: "full" compares every element, "directional" some random directions, which is cheaper and misses next to
            nothing, "auto" suits the size of each input.
        rtol: the relative difference that passes.
        rng: a seed or a generator for cotangents and directions; the seed 0 if None. The report names it.
        raises: whether to raise if the check fails, rather than to return a report that is false.

    Raises:
        GradientMismatch: the check failed; ``report`` and message say where.
        ArgumentError: no input has a floating dtype, or `f` returns nothing that has, or an unknown mode.

    >>> import numpy as np, tinygrad_nn as tn
    >>> bool(tn.gradcheck(lambda x, y: (x * y).sum(axis=0), [np.ones((3, 2)), np.array([1.0, 2.0])], order=2))
    True

    """
    if order < 1:
        message = f"gradcheck: expected 'order' to be at least 1, which is the gradient, got {order}"
        raise ArgumentError(message)
    arguments = [_arrays(x) for x in (inputs if isinstance(inputs, (list, tuple)) else [inputs])]
    paths = [leaf for place, tree in enumerate(arguments) for leaf in trees.leaves(tree, f"input {place}")]
    names = [path for path, value in paths if _is_floating(value)]
    if not names:
        message = "gradcheck: expected at least one input of a floating dtype, got none. Convert with astype(float)"
        raise ArgumentError(message)

    def function(*tensors: Tensor) -> tuple[Tensor, ...]:
        floats = iter(tensors)
        given = [next(floats) if _is_floating(value) else _constant(value) for _, value in paths]
        return _outputs(f(*trees.rebuild(arguments, iter(given))))

    checker = Checker(f"gradcheck of {getattr(f, '__name__', f)}", rng, mode, rtol)
    start = point = [value.astype(np.float64) for _, value in paths if _is_floating(value)]
    first = function
    for current in range(1, order + 1):
        try:
            cotangents = checker.check(_evaluator(function), _pullback(function), point, names, current)
        except TinygradError as error:
            checker.fail(error, current)
        if not checker.verdict.is_good:
            break
        names = [*names, *(f"cotangent {place}" for place in range(len(cotangents)))]
        function, point = _derivative(function, len(point)), [*point, *cotangents]
    report = concluded(checker, lambda arrays: _recorded(first, arrays), start, order, level=1)
    if raises and not report:
        raise GradientMismatch(report)
    return report


def _arrays(tree: Any) -> Any:
    """Return a tree of inputs with arrays for Tensors, floats, and lists of nothing but numbers."""
    if isinstance(tree, dict):
        return {key: _arrays(branch) for key, branch in tree.items()}
    if isinstance(tree, (list, tuple)) and not _is_of_numbers(tree):
        branches = [_arrays(branch) for branch in tree]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    return np.asarray(raw(tree)) if isinstance(tree, (float, list, tuple, Tensor, np.ndarray, np.generic)) else tree


def _is_of_numbers(tree: Any) -> bool:
    """Tell whether a list is an array written out."""
    if isinstance(tree, (list, tuple)):
        return not hasattr(tree, "_fields") and all(map(_is_of_numbers, tree)) and len({np.shape(x) for x in tree}) < 2
    return isinstance(tree, (int, float))


def _is_floating(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _constant(value: Any) -> Any:
    """Return an input that is not differentiated as `f` is to see it: arrays as Tensors, and all else as it is."""
    return Tensor(value) if isinstance(value, np.ndarray) and value.dtype.kind in "biuc" else value


def _outputs(result: Any) -> tuple[Tensor, ...]:
    """Return the outputs that have a gradient; those that are no Tensors have the gradient 0, which is compared."""
    tensors = [x if isinstance(x, Tensor) else Tensor(x) for x in trees.values(result)]
    floating = tuple(x for x in tensors if x.dtype.kind == "f")
    if not floating:
        message = (
            f"gradcheck: expected the function to return a Tensor of a floating dtype, got "
            f"{', '.join(str(x.dtype) for x in tensors) or 'nothing'}. Return what shall be differentiated"
        )
        raise ArgumentError(message)
    return floating


def _recorded(function: Callable[..., tuple[Tensor, ...]], point: Sequence[Array]) -> list[Result]:
    """Return the node and the value of each output, recorded as for its gradient."""
    outputs, _ = trace("gradcheck", function, point, range(len(point)), {})
    return [(node_of(output), np.asarray(raw(output))) for output in outputs]


def _evaluator(function: Callable[..., tuple[Tensor, ...]]) -> Callable[[Sequence[Array]], list[Array]]:
    """Return `function` as one of arrays, for finite differences."""

    def evaluate(arrays: Sequence[Array]) -> list[Array]:
        with no_grad():
            return [np.asarray(raw(output)) for output in function(*map(Tensor, arrays))]

    return evaluate


def _pullback(function: Callable[..., tuple[Tensor, ...]]) -> Pullback:
    """Return what carries gradients of the outputs back to the inputs, by backpropagation."""
    return lambda point, cotangents: vjp(function, *point)[1](tuple(cotangents))


def _derivative(function: Callable[..., tuple[Tensor, ...]], count: int) -> Callable[..., tuple[Tensor, ...]]:
    """Return the gradient of `function` as a function of its `count` inputs and the cotangents."""

    def derivative(*tensors: Tensor) -> tuple[Tensor, ...]:
        return vjp(function, *tensors[:count])[1](tensors[count:])

    return derivative
