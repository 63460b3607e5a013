"""Layers of several inputs, for networks that are no chain, and `Residual`, the shortcut around any layer.

Such a network is an ordinary `Module`: its `forward` says what goes where. These layers only refuse what operators
would do without a word, a sum or product that broadcasts, and show up in summaries and pictures by their names.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.nn.module import Module
from tinygrad_nn.tensor import Operand


class Add(Module):
    """Add inputs of one shape, element by element.

    Raises:
        ShapeError: on a call with inputs of several shapes, or with none.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.Add()(np.ones(2), np.ones(2), np.ones(2)).tolist()
    [3.0, 3.0]

    """

    def forward(self, *inputs: Operand) -> Any:
        """Return the sum."""
        _check_equal("Add", "+", inputs)
        return functools.reduce(np.add, inputs)


class Multiply(Module):
    """Multiply inputs of one shape, element by element.

    Raises:
        ShapeError: on a call with inputs of several shapes, or with none.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.Multiply()(np.array([1.0, 2.0]), np.array([3.0, 4.0])).tolist()
    [3.0, 8.0]

    """

    def forward(self, *inputs: Operand) -> Any:
        """Return the product."""
        _check_equal("Multiply", "*", inputs)
        return functools.reduce(np.multiply, inputs)


class Concatenate(Module):
    """Join inputs along an axis.

    Args:
        axis: along which they are joined; 1, that of channels or features, by default. All other lengths are the same.

    Raises:
        ShapeError: on a call with inputs that do not fit one another, or with none.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.Concatenate()(np.ones((5, 2)), np.ones((5, 3))).shape
    (5, 5)

    """

    def __init__(self, axis: int = 1) -> None:
        """Keep the axis."""
        self.axis = axis

    def forward(self, *inputs: Operand) -> Any:
        """Return the inputs as one."""
        shapes = [np.shape(x) for x in inputs]
        ranks = {len(shape) for shape in shapes}
        fits = len(ranks) == 1 and -min(ranks) <= self.axis < min(ranks)
        if not fits or len({(*s[: self.axis], None, *s[self.axis :][1:]) for s in shapes}) != 1:
            message = (
                f"Concatenate: expected inputs that have an axis {self.axis} and agree in the length of all others, "
                f"got {_listed(shapes)}. Reshape them, or join them along another axis"
            )
            raise ShapeError(message)
        return np.concatenate(inputs, axis=self.axis)

    def extra_repr(self) -> str:
        """Show the axis."""
        return f"axis={self.axis}"


class Residual(Module):
    """Add what a layer makes of its input to the input itself: ``y = body(x) + projection(x)``.

    Gradients pass through the sum unchanged, however deep the network is. Source: He, Zhang, Ren and Sun, "Deep
    residual learning for image recognition", 2016.

    Args:
        body: any layer or function; a `Sequential` for several.
        projection: what brings the input to the shape of the body's result, such as ``Dense(n, m, bias=False)`` or a
            `Conv2d` with a kernel of 1 and the body's stride; None where the shapes are the same.

    Raises:
        ArgumentError: `body` or `projection` cannot be called.
        ShapeError: on a call where the two sides of the sum have different shapes.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.Residual(nn.Dense(3, 3, init="zeros"))(np.ones((1, 3))).tolist()
    [[1.0, 1.0, 1.0]]
    >>> nn.Residual(nn.Dense(3, 5, "relu"), projection=nn.Dense(3, 5, bias=False))(np.ones((1, 3))).shape
    (1, 5)

    """

    def __init__(self, body: Callable[[Any], Any], projection: Callable[[Any], Any] | None = None) -> None:
        """Keep both sides of the sum."""
        for name, value in (("body", body), ("projection", projection)):
            if not callable(value) and (name == "body" or value is not None):
                message = f"Residual: expected '{name}' to be a layer or a function, got {value!r}"
                raise ArgumentError(message)
        self.body = body
        self.projection = projection

    def forward(self, x: Operand) -> Any:
        """Return the sum."""
        out, shortcut = self.body(x), x if self.projection is None else self.projection(x)
        if np.shape(out) != np.shape(shortcut):
            message = (
                f"Residual: expected body and shortcut to give one shape, got {np.shape(out)} and {np.shape(shortcut)}"
                f". Give a projection from the input {np.shape(x)} to {np.shape(out)}, such as nn.Dense(n, m, "
                f"bias=False), or nn.Conv2d(n, m, 1, stride=s) with the stride of the body"
            )
            raise ShapeError(message)
        return out + shortcut


def _check_equal(name: str, operator: str, inputs: tuple[Operand, ...]) -> None:
    shapes = [np.shape(x) for x in inputs]
    if len(set(shapes)) != 1:
        message = (
            f"{name}: expected inputs of one shape, got {_listed(shapes)}. Reshape them; where broadcasting is "
            f"meant, write x {operator} y"
        )
        raise ShapeError(message)


def _listed(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes)) or "none"
