"""Layers that only change the shape of samples, and `Lambda`, which makes a layer of any function."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.nn.module import Module
from tinygrad_nn.tensor import Operand


class Flatten(Module):
    """Make one axis of all from `start_dim` on: (N, C, H, W) becomes (N, C H W).

    Args:
        start_dim: the first axis that is joined with those behind it.

    Raises:
        ShapeError: on a call with an input that has no such axis.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.Flatten()(np.zeros((5, 3, 4, 4))).shape
    (5, 48)

    """

    def __init__(self, start_dim: int = 1) -> None:
        """Keep the axis."""
        self.start_dim = start_dim

    def forward(self, x: Operand) -> Any:
        """Return the input with fewer axes."""
        shape: tuple[int, ...] = np.shape(x)
        if not -len(shape) <= self.start_dim < len(shape):
            message = (
                f"Flatten: expected an input with an axis {self.start_dim}, got shape {shape}. Give it samples, one in "
                f"each row, or another start_dim"
            )
            raise ShapeError(message)
        kept = shape[: self.start_dim]
        return np.reshape(x, (*kept, math.prod(shape[self.start_dim :])))

    def extra_repr(self) -> str:
        """Show the axis."""
        return f"start_dim={self.start_dim}"


class Reshape(Module):
    """Give each sample another shape: (N, ...) becomes (N, *shape).

    Args:
        shape: of one sample, without the axis of samples. One length may be -1, and is what remains.

    Raises:
        ArgumentError: more than one -1, or another length below 1.
        ShapeError: on a call with samples that have another number of elements.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.Reshape((1, 8, 8))(np.zeros((5, 64))).shape
    (5, 1, 8, 8)

    """

    def __init__(self, shape: Sequence[int]) -> None:
        """Keep the shape."""
        self.shape = tuple(shape)
        if self.shape.count(-1) > 1 or any(n < 1 and n != -1 for n in self.shape):
            message = f"Reshape: expected lengths of at least 1, and at most one -1, got {self.shape}"
            raise ArgumentError(message)

    def forward(self, x: Operand) -> Any:
        """Return the samples with another shape."""
        count, *lengths = np.shape(x) or (1,)
        size, known = math.prod(lengths), math.prod(n for n in self.shape if n != -1)
        if not np.ndim(x) or (size % known if -1 in self.shape else size != known):
            message = (
                f"Reshape: expected samples whose elements fill the shape {self.shape}, got an input of shape "
                f"{np.shape(x)}. Its first axis counts the samples and stays"
            )
            raise ShapeError(message)
        return np.reshape(x, (count, *(size // known if n == -1 else n for n in self.shape)))

    def extra_repr(self) -> str:
        """Show the shape."""
        return f"{self.shape}"


class Lambda(Module):
    """Make a layer of a function, so that it has a name and a place in summaries and pictures.

    Args:
        function: of one or several inputs, written with operators and NumPy functions.

    Raises:
        ArgumentError: `function` cannot be called.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.Lambda(lambda x: x[:, -1])(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [2.0, 4.0]

    """

    def __init__(self, function: Callable[..., Any]) -> None:
        """Keep the function."""
        if not callable(function):
            message = f"Lambda: expected a function, got {function!r}"
            raise ArgumentError(message)
        self.function = function

    def forward(self, *inputs: Operand) -> Any:
        """Return what the function does."""
        return self.function(*inputs)

    def extra_repr(self) -> str:
        """Show the name of the function."""
        return str(getattr(self.function, "__name__", self.function))
