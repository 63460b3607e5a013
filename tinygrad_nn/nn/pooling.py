"""Layers of pooling, for any number of lengths: what PyTorch has three classes of each for."""

from __future__ import annotations

from typing import Any

from tinygrad_nn.nn.module import Module
from tinygrad_nn.nn.windows import PerAxis, avg_pool, max_pool
from tinygrad_nn.tensor import Operand


class MaxPool(Module):
    """Take the largest element of each window: the layer of `nn.max_pool`.

    Args:
        kernel_size: how many elements a window has along each length.
        stride: how far a window is from the next; by default the length of the window, so that none overlap.
        padding: how far windows reach beyond each length at both ends; at most half of a window.
        dilation: how far the elements of a window are apart.

    Raises:
        ArgumentError: on a call with an option out of its range.
        ShapeError: on a call with an input that is no (samples, channels, *lengths), or smaller than a window.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.MaxPool(2)(np.ones((5, 3, 8, 9))).shape
    (5, 3, 4, 4)

    """

    def __init__(
        self, kernel_size: PerAxis, stride: PerAxis | None = None, padding: PerAxis = 0, dilation: PerAxis = 1
    ) -> None:
        """Keep the options."""
        self.kernel_size, self.stride = _fixed(kernel_size), _fixed(kernel_size if stride is None else stride)
        self.padding, self.dilation = _fixed(padding), _fixed(dilation)

    def forward(self, x: Operand) -> Any:
        """Return the maxima."""
        return max_pool(x, self.kernel_size, self.stride, self.padding, self.dilation)

    def extra_repr(self) -> str:
        """Show the options."""
        return f"{self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}"


class AvgPool(Module):
    """Average the elements of each window: the layer of `nn.avg_pool`.

    Args:
        kernel_size: how many elements a window has along each length.
        stride: how far a window is from the next; by default the length of the window, so that none overlap.
        padding: how far windows reach beyond each length at both ends; at most half of a window.
        count_include_pad: whether the zeros outside of the input count.

    Raises:
        ArgumentError: on a call with an option out of its range.
        ShapeError: on a call with an input that is no (samples, channels, *lengths), or smaller than a window.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.AvgPool((2, 1))(np.ones((5, 3, 8, 9))).shape
    (5, 3, 4, 9)

    """

    def __init__(
        self,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        count_include_pad: bool = True,
    ) -> None:
        """Keep the options."""
        self.kernel_size, self.stride = _fixed(kernel_size), _fixed(kernel_size if stride is None else stride)
        self.padding, self.count_include_pad = _fixed(padding), count_include_pad

    def forward(self, x: Operand) -> Any:
        """Return the averages."""
        return avg_pool(x, self.kernel_size, self.stride, self.padding, self.count_include_pad)

    def extra_repr(self) -> str:
        """Show the options."""
        counted = "" if self.count_include_pad else ", count_include_pad=False"
        return f"{self.kernel_size}, stride={self.stride}, padding={self.padding}{counted}"


def _fixed(option: PerAxis) -> PerAxis:
    """Return an option that nobody can change: a list, as a config has them, as a tuple."""
    return option if isinstance(option, int) else tuple(option)
