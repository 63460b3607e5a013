"""Layers of convolution and of transposed convolution, in one, two and three dimensions.

The filters have the layout and the names of PyTorch, so that its state dicts fit. What the layers compute is
`nn.conv` and `nn.conv_transpose`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np

from tinygrad_nn.conversion import get_default_dtype
from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.nn import activations
from tinygrad_nn.nn import init as initializers
from tinygrad_nn.nn.lazy import LazyLayer
from tinygrad_nn.nn.module import Parameter
from tinygrad_nn.nn.windows import PerAxis, conv, conv_transpose, per_axis
from tinygrad_nn.tensor import Operand


class Filters(LazyLayer):
    """What both kinds of convolution share: filters, a bias and an activation."""

    dimensions: ClassVar[int]
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: PerAxis,
        options: dict[str, Any],
        bias: bool,
        activation: activations.Activation,
        init: str | initializers.Initializer | None,
        rng: np.random.Generator | None,
    ) -> None:
        """Draw the filters, if the number of channels is known."""
        name, groups = type(self).__name__, options["groups"]
        self.kernel_size = per_axis(name, "kernel_size", kernel_size, self.dimensions, 1)
        for option, least in (("stride", 1), ("padding", 0), ("output_padding", 0), ("dilation", 1)):
            if option in options and not isinstance(options[option], str):
                options[option] = per_axis(name, option, options[option], self.dimensions, least)
        _check_channels(name, in_channels, out_channels, groups)
        self.in_channels, self.out_channels, self.options = in_channels, out_channels, options
        self.activation: Callable[[Any], Any] | None = activations.resolve(activation)
        self._draw, self._rng, self._has_bias = initializers.resolve(init, activation), rng, bias
        self._build_or_await("in_channels", in_channels)

    def weight_shape(self, in_channels: int) -> tuple[int, int]:
        """Return the first two lengths of the filters."""
        raise AssertionError(in_channels)  # a subclass has it

    def build(self, size: int) -> None:
        """Draw the filters for a number of channels."""
        _check_channels(type(self).__name__, size, self.out_channels, self.options["groups"])
        self.in_channels, dtype = size, get_default_dtype()
        shape = (*self.weight_shape(size), *self.kernel_size)
        rng, self._rng = self._rng or np.random.default_rng(), None  # what it draws later is none of this layer's
        self.weight = Parameter(self._draw(shape, rng).astype(dtype, copy=False))
        self.bias = Parameter(np.zeros(self.out_channels, dtype)) if self._has_bias else None

    def forward(self, x: Operand) -> Any:
        """Return ``f(filters x + b)``."""
        if self._awaits:
            self._build_for(x, 1)
        out = self.apply(x)
        return out if self.activation is None else self.activation(out)

    def apply(self, x: Operand) -> Any:
        """Slide the filters along the input."""
        raise AssertionError(x)  # a subclass has it

    def extra_repr(self) -> str:
        """Show sizes, and the options that are not as usual."""
        usual = {"stride": {1}, "padding": {0}, "output_padding": {0}, "dilation": {1}, "groups": {1}}
        shown = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"]
        shown += [
            f"{name}={value!r}"
            for name, value in self.options.items()
            if set(value if isinstance(value, tuple) else [value]) != usual[name]
        ]
        name = getattr(self.activation, "__name__", self.activation)
        shown += [f"activation={name}"] * bool(name) + ["bias=False"] * (not self._has_bias)
        return ", ".join(shown)


class Convolution(Filters):
    """Slide filters along the last axes, then apply an activation: ``f(conv(x, W) + b)``; see `nn.conv`.

    `Conv1d`, `Conv2d` and `Conv3d` are this with windows of as many axes.

    Args:
        in_channels: the number C of channels of the input, of shape (N, C, *lengths); None for as many as the first
            call brings.
        out_channels: the number O of filters, and of channels of the output.
        kernel_size: the lengths of a filter. This and the next three: one whole number, or one for each length.
        stride: how far a window is from the next.
        padding: how many zeros stand before and behind each length; "valid" for none, "same" for as many as keep the
            lengths (at stride 1).
        dilation: how far the elements of a window are apart.
        groups: into how many groups the channels are divided, each with O / groups filters of its own.
        bias: whether to add ``b``.
        activation: None, a name such as "relu", a function or a layer.
        init: how ``W`` starts: the name of a function in `nn.init`, a function ``(shape, rng) -> array``, or None for
            He's normal before a relu or a relative of it, and Glorot's uniform otherwise. ``b`` starts at 0.
        rng: where the chance comes from; a freshly seeded generator when None.

    Attributes:
        weight: ``W``, of shape (O, C / groups, *kernel_size).
        bias: ``b``, of shape (O,), or None.

    Raises:
        ArgumentError: an option out of its range, or groups that do not divide the channels.
        ShapeError: on a call with an input of other channels or axes, or that is smaller than a filter.

    """

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: PerAxis,
        stride: PerAxis = 1,
        padding: PerAxis | Literal["same", "valid"] = 0,
        dilation: PerAxis = 1,
        groups: int = 1,
        bias: bool = True,
        activation: activations.Activation = None,
        init: str | initializers.Initializer | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Draw the filters, if the number of channels is known."""
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        super().__init__(in_channels, out_channels, kernel_size, options, bias, activation, init, rng)

    def weight_shape(self, in_channels: int) -> tuple[int, int]:
        """Return (O, C / groups)."""
        return self.out_channels, in_channels // self.options["groups"]

    def apply(self, x: Operand) -> Any:
        """Return the convolution."""
        return conv(x, self.weight, self.bias, **self.options)


class Conv1d(Convolution):
    """Slide filters along sequences with channels, (N, C, length); the arguments are those of `Convolution`.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.Conv1d(3, 8, 5, padding="same", activation="relu")(np.ones((2, 3, 20))).shape
    (2, 8, 20)
    """

    dimensions = 1


class Conv2d(Convolution):
    """Slide filters along images with channels, (N, C, height, width); the arguments are those of `Convolution`.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> layer = nn.Conv2d(3, 8, (5, 3), stride=2, rng=np.random.default_rng(0))
    >>> layer(np.ones((2, 3, 21, 21))).shape, layer.weight.shape
    ((2, 8, 9, 10), (8, 3, 5, 3))
    """

    dimensions = 2


class Conv3d(Convolution):
    """Slide filters along volumes with channels, (N, C, depth, height, width); the arguments: see `Convolution`.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.Conv3d(1, 2, 3)(np.ones((2, 1, 5, 5, 5))).shape
    (2, 2, 3, 3, 3)
    """

    dimensions = 3


class TransposedConvolution(Filters):
    """Enlarge samples by filters, then apply an activation: ``f(conv_transpose(x, W) + b)``; see `nn.conv_transpose`.

    `ConvTranspose1d`, `ConvTranspose2d` and `ConvTranspose3d` are this with windows of as many axes.

    Args:
        in_channels: the number C of channels of the input, of shape (N, C, *lengths); None for as many as the first
            call brings.
        out_channels: the number O of channels of the output.
        kernel_size: the lengths of a filter. The lengths of the options are one whole number, or one for each length.
        stride: how far the windows are apart in the output.
        padding: how many elements are cut off at both ends of the output.
        output_padding: how many more elements the output has behind each length; less than `stride`.
        groups: into how many groups the channels are divided.
        bias: whether to add ``b``.
        dilation: how far the elements of a window are apart.
        activation, init, rng: as of `Convolution`.

    Attributes:
        weight: ``W``, of shape (C, O / groups, *kernel_size).
        bias: ``b``, of shape (O,), or None.

    Raises:
        ArgumentError: an option out of its range, or groups that do not divide the channels.
        ShapeError: on a call with an input of other channels or axes, or whose result would be cut off.

    """

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: PerAxis,
        stride: PerAxis = 1,
        padding: PerAxis = 0,
        output_padding: PerAxis = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: PerAxis = 1,
        activation: activations.Activation = None,
        init: str | initializers.Initializer | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Draw the filters, if the number of channels is known."""
        options = {
            "stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation,
            "groups": groups,
        }  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, options, bias, activation, init, rng)

    def weight_shape(self, in_channels: int) -> tuple[int, int]:
        """Return (C, O / groups)."""
        return in_channels, self.out_channels // self.options["groups"]

    def apply(self, x: Operand) -> Any:
        """Return the transposed convolution."""
        return conv_transpose(x, self.weight, self.bias, **self.options)


class ConvTranspose1d(TransposedConvolution):
    """Enlarge sequences with channels, (N, C, length); the arguments are those of `TransposedConvolution`.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.ConvTranspose1d(8, 3, 2, stride=2)(np.ones((2, 8, 10))).shape
    (2, 3, 20)
    """

    dimensions = 1


class ConvTranspose2d(TransposedConvolution):
    """Enlarge images with channels, (N, C, height, width); the arguments are those of `TransposedConvolution`.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> layer = nn.ConvTranspose2d(8, 3, 2, stride=2)
    >>> layer(np.ones((2, 8, 4, 5))).shape, layer.weight.shape
    ((2, 3, 8, 10), (8, 3, 2, 2))
    """

    dimensions = 2


class ConvTranspose3d(TransposedConvolution):
    """Enlarge volumes with channels, (N, C, depth, height, width); the arguments: see `TransposedConvolution`.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.ConvTranspose3d(2, 1, 3)(np.ones((2, 2, 3, 3, 3))).shape
    (2, 1, 5, 5, 5)
    """

    dimensions = 3


def _check_channels(name: str, in_channels: int | None, out_channels: int, groups: int) -> None:
    if groups < 1 or any(n < 1 or n % groups for n in (groups if in_channels is None else in_channels, out_channels)):
        message = (
            f"{name}: expected numbers of channels of at least 1 that 'groups' divides, got in_channels="
            f"{in_channels}, out_channels={out_channels} and groups={groups}"
        )
        raise ArgumentError(message)
