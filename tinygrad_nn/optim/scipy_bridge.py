"""The bridge to `scipy.optimize.minimize`, for small models on data that fit into one batch.

Its methods look at the whole loss: L-BFGS and its like need tens of evaluations where descent by steps takes thousands,
and no learning rate. Mini-batches are no use to them, because the loss would change under their feet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError, ShapeError, UnsupportedError
from tinygrad_nn.nn.module import Module
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw

PRODUCTS = frozenset({"newton-cg", "trust-ncg", "trust-krylov", "trust-constr"})
"""Methods that ask for products of the Hessian and a vector."""


def minimize(
    params: Module | Iterable[Tensor], loss: Callable[[], Tensor], method: str = "L-BFGS-B", **options: Any
) -> Any:
    """Minimise a loss with `scipy.optimize.minimize`, which is handed gradients and, if it asks for them, curvature.

    SciPy sees one vector of float64, all parameters one after the other. Methods that ask for products of the Hessian
    and a vector ("Newton-CG", "trust-ncg", "trust-krylov", "trust-constr") get exact ones, as those of `hvp`, without
    the Hessian ever being made.

    Args:
        params: a model, of which all parameters that require a gradient are varied, or a list of Tensors that do.
        loss: a function without arguments that computes the loss, a single number, from the parameters as they are. It
            must return the same each time: no drawn batches, no dropout.
        method: a method of SciPy that uses gradients.
        options: further arguments of SciPy's, such as ``tol``, ``bounds``, ``callback`` or ``options``.

    Returns:
        SciPy's ``OptimizeResult``: ``x`` (which the parameters are set to), ``fun``, ``nit``, ``success``, ``message``,
        and so on.

    Raises:
        UnsupportedError: SciPy is not installed.
        ArgumentError: there are no parameters, or one requires no gradient.
        ShapeError: the loss is no single number.

    Where the search fails with an exception, the parameters are as they were before. Gradients are forgotten.

    Source of the default: Zhu, Byrd, Lu and Nocedal, "Algorithm 778: L-BFGS-B", 1997.

    >>> import numpy as np
    >>> import tinygrad_nn as tn
    >>> x = np.array([[0.0], [1.0], [2.0]])
    >>> line = tn.nn.Dense(1, 1, rng=np.random.default_rng(0))
    >>> result = minimize(line, lambda: tn.nn.squared_error(line(x), 3.0 * x + 1.0))
    >>> bool(result.success), line.weight.item().__round__(4), line.bias.item().__round__(4)
    (True, 3.0, 1.0)

    """
    try:
        from scipy import optimize  # here, because it is an optional extra, and heavy
    except ImportError as error:
        message = "optim.minimize: expected the library scipy. Run pip install 'tinygrad_nn[optimize]'"
        raise UnsupportedError(message) from error
    space = _Space(params, loss)
    products = {"hessp": space.hessian_product} if method.lower() in PRODUCTS else {}
    start = space.vector()
    try:
        result = optimize.minimize(space.value_and_gradient, start, method=method, jac=True, **{**products, **options})
        space.move_to(result.x)  # the last point that was tried need not be the best
    except BaseException:
        space.move_to(start)
        raise
    finally:
        space.zero_grad()
    return result


class _Space:
    """The parameters as one vector, and the loss as a function of it."""

    def __init__(self, params: Module | Iterable[Tensor], loss: Callable[[], Tensor]) -> None:
        found = [p for p in params.parameters() if p.requires_grad] if isinstance(params, Module) else list(params)
        if not found or not all(isinstance(p, Tensor) and p.requires_grad and p.is_leaf for p in found):
            message = (
                f"optim.minimize: expected a model with parameters, or Tensors with requires_grad=True that no "
                f"operation made, got {', '.join(type(p).__name__ for p in found) or 'none'}. Pass the model"
            )
            raise ArgumentError(message)
        self.params: list[Tensor] = list(found)
        self.loss = loss

    def vector(self) -> Array:
        return np.concatenate([p.numpy().reshape(-1) for p in self.params], dtype=np.float64)

    def pieces(self, x: Array) -> list[Array]:
        """Return the part of a vector that belongs to each parameter, in its shape."""
        ends = np.cumsum([p.size for p in self.params])
        return [part.reshape(p.shape) for part, p in zip(np.split(x, ends[:-1]), self.params, strict=True)]

    def move_to(self, x: Array) -> None:
        for p, part in zip(self.params, self.pieces(x), strict=True):
            p.data = part

    def zero_grad(self) -> None:
        for p in self.params:
            p.zero_grad()

    def gradient(self) -> Array:
        """Return what `backward` has left, zeros for a parameter that the loss does not depend on."""
        found = [np.zeros(p.shape) if p.grad is None else raw(p.grad) for p in self.params]
        return np.concatenate([part.reshape(-1) for part in found], dtype=np.float64)

    def evaluate(self, x: Array) -> Tensor:
        self.move_to(x)
        self.zero_grad()
        value = self.loss()
        if not isinstance(value, Tensor) or value.size != 1:
            found = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
            message = (
                f"optim.minimize: expected 'loss' to return a Tensor with a single number, got {found}. "
                f"Reduce it, as in loss.mean()"
            )
            raise ShapeError(message)
        return value

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        value = self.evaluate(x)
        value.backward()
        return float(value.item()), self.gradient()

    def hessian_product(self, x: Array, v: Array) -> Array:
        """Return the gradient of ``v . grad``, which is the Hessian times v."""
        self.evaluate(x).backward(create_graph=True)
        slopes = [(p.grad, part) for p, part in zip(self.params, self.pieces(v), strict=True) if p.grad is not None]
        self.zero_grad()  # the gradients are held here: a second backward would add to them
        along: Any = sum(np.sum(slope * part) for slope, part in slopes)
        if isinstance(along, Tensor) and along.requires_grad:  # a loss that is linear has no curvature
            along.backward()
        return self.gradient()
