"""`gradcheck`: is the gradient of a function what finite differences say it is?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_nn.backprop import no_grad
from tinygrad_nn.checking.compare import Checker, Mode
from tinygrad_nn.checking.report import GradcheckReport
from tinygrad_nn.errors import ArgumentError, GradientMismatch
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw
from tinygrad_nn.transforms import vjp


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

    The step of the differences is swept and extrapolated to 0, so that each comes with its own error. A gradient passes
    if it agrees to `rtol` of itself and to that error, whatever its scale. An input that `f` does not depend on has the
    gradient 0, which is compared like any other.

    Args:
        f: takes Tensors and returns a Tensor or a tuple of them, of any shapes; called with one for each input.
        inputs: arrays of any shapes. Floats are converted to float64 and differentiated, others are left alone.
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
    values = [np.asarray(raw(x)) for x in (inputs if isinstance(inputs, (list, tuple)) else [inputs])]
    places = [place for place, value in enumerate(values) if value.dtype.kind == "f"]
    if not places:
        message = "gradcheck: expected at least one input of a floating dtype, got none. Convert with astype(float)"
        raise ArgumentError(message)

    def function(*tensors: Tensor) -> tuple[Tensor, ...]:
        given: list[Any] = list(map(Tensor, values))
        for place, tensor in zip(places, tensors, strict=True):
            given[place] = tensor
        return _outputs(f(*given))

    checker = Checker(f"gradcheck of {getattr(f, '__name__', f)}", rng, mode, rtol)
    point = [values[place].astype(np.float64) for place in places]
    names = [f"input {place}" for place in places]
    for current in range(1, order + 1):
        cotangents = checker.check(_evaluator(function), _pullback(function, point), point, names, current)
        if not checker.verdict.is_good:
            break
        names = [*names, *(f"cotangent {place}" for place in range(len(cotangents)))]
        function, point = _derivative(function, len(point)), [*point, *cotangents]
    report = checker.report()
    if raises and not report:
        raise GradientMismatch(report)
    return report


def _outputs(result: Any) -> tuple[Tensor, ...]:
    """Return the outputs that have a gradient; those that are no Tensors have the gradient 0, which is compared."""
    results = result if isinstance(result, (tuple, list)) else (result,)
    tensors = [x if isinstance(x, Tensor) else Tensor(x) for x in results]
    floating = tuple(x for x in tensors if x.dtype.kind == "f")
    if not floating:
        message = (
            f"gradcheck: expected the function to return a Tensor of a floating dtype, got "
            f"{', '.join(str(x.dtype) for x in tensors) or 'nothing'}. Return what shall be differentiated"
        )
        raise ArgumentError(message)
    return floating


def _evaluator(function: Callable[..., tuple[Tensor, ...]]) -> Callable[[Sequence[Array]], list[Array]]:
    """Return `function` as one of arrays, for finite differences."""

    def evaluate(arrays: Sequence[Array]) -> list[Array]:
        with no_grad():
            return [np.asarray(raw(output)) for output in function(*map(Tensor, arrays))]

    return evaluate


def _pullback(
    function: Callable[..., tuple[Tensor, ...]], point: Sequence[Array]
) -> Callable[[Sequence[Array]], Sequence[Array]]:
    """Return what carries gradients of the outputs back to the inputs, by backpropagation."""
    return lambda cotangents: vjp(function, *point)[1](tuple(cotangents))


def _derivative(function: Callable[..., tuple[Tensor, ...]], count: int) -> Callable[..., tuple[Tensor, ...]]:
    """Return the gradient of `function` as a function of its `count` inputs and the cotangents."""

    def derivative(*tensors: Tensor) -> tuple[Tensor, ...]:
        return vjp(function, *tensors[:count])[1](tensors[count:])

    return derivative
