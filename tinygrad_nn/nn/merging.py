"""Layers of several inputs, for networks that are no chain.

Such a network is an ordinary `Module`: its `forward` says what goes where. These layers only refuse what operators
would do without a word, a sum or product that broadcasts, and show up in summaries and pictures by their names.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tinygrad_nn.errors import ShapeError
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
