"""Layers that bring their inputs to mean 0 and variance 1: `BatchNorm` over samples, `LayerNorm` within each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from tinygrad_nn.conversion import get_default_dtype
from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.nn.lazy import LazyLayer
from tinygrad_nn.nn.module import Module, Parameter
from tinygrad_nn.primitives.normalization import standardize
from tinygrad_nn.tensor import Tensor, raw
from tinygrad_nn.transforms.effects import perform


class BatchNorm(LazyLayer):
    """Normalise each channel over all samples and lengths: ``y = w (x - mean) / sqrt(variance + eps) + b``.

    In training, mean and (biased) variance are those of the input, and running averages of the mean and the unbiased
    variance are kept; in evaluation the running averages are used. It is what PyTorch calls BatchNorm1d, 2d and 3d.
    Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training", 2015.

    Args:
        num_features: the number C of channels, axis 1 of the input (N, C, *lengths); None for as many as the first
            call brings.
        eps: keeps the quotient finite where a channel does not vary.
        momentum: the share of a new input in the running averages; None for the plain average over all inputs.
        affine: whether there are ``w`` and ``b``, which start at 1 and 0.
        track_running_stats: whether to keep averages; without them the input's own are used in evaluation, too.

    Attributes:
        weight, bias: of shape (C,), or None.
        running_mean, running_var: constant Tensors of shape (C,), or None.
        num_batches_tracked: how many inputs they have seen.

    Raises:
        ArgumentError: a number out of its range.
        ShapeError: on a call with another number of channels, or with one value a channel in training, which has no
            variance.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> layer = nn.BatchNorm(2)
    >>> layer(np.array([[1.0, 10.0], [3.0, 30.0]])).numpy().round(2)
    array([[-1., -1.], [ 1.,  1.]])
    >>> layer.running_mean.numpy()
    array([0.2, 2. ])

    """

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int | None,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        """Make weights and averages, if the number of channels is known."""
        if (num_features is not None and num_features < 1) or not (momentum is None or 0 <= momentum <= 1):
            message = (
                f"BatchNorm: expected num_features of at least 1 (or None) and a momentum from 0 to 1 (or None), got "
                f"num_features={num_features} and momentum={momentum}"
            )
            raise ArgumentError(message)
        self.num_features, self.eps, self.momentum = num_features, _positive("BatchNorm", eps), momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._build_or_await("num_features", num_features)

    def build(self, size: int) -> None:
        """Make weights and averages for a number of channels."""
        dtype = get_default_dtype()
        self.num_features = size
        self.weight = Parameter(np.ones(size, dtype)) if self.affine else None
        self.bias = Parameter(np.zeros(size, dtype)) if self.affine else None
        self.running_mean = Tensor(np.zeros(size, dtype)) if self.track_running_stats else None
        self.running_var = Tensor(np.ones(size, dtype)) if self.track_running_stats else None
        self.num_batches_tracked = Tensor(np.array(0)) if self.track_running_stats else None

    def forward(self, x: Any) -> Any:
        """Normalise; in training also move the running averages."""
        if self._awaits:
            self._build_for(x, 1)
        shape: tuple[int, ...] = np.shape(x)
        if len(shape) < 2 or shape[1] != self.num_features:
            message = (
                f"BatchNorm: expected an input of shape (samples, channels, *lengths) with {self.num_features} "
                f"channels, got shape {shape}. Move the channels to axis 1, or build the layer for as many"
            )
            raise ShapeError(message)
        along = (1, -1) + (1,) * (len(shape) - 2)
        affine = [parameter.reshape(along) for parameter in (self.weight, self.bias) if parameter is not None]
        if self.training or self.running_mean is None or self.running_var is None:
            axes = (0, *range(2, len(shape)))
            if self.training:
                perform(partial(self._track, raw(x), axes))
            return standardize(x, *affine, axis=axes, eps=self.eps)
        out = (x - self.running_mean.reshape(along)) / np.sqrt(self.running_var.reshape(along) + self.eps)
        return out * affine[0] + affine[1] if affine else out

    def _track(self, x: Any, axes: tuple[int, ...]) -> None:
        """Move the running averages towards those of an input; refuse one with a single value in each channel."""
        count = np.size(x) // np.shape(x)[1]
        if count < 2:
            message = (
                f"BatchNorm: expected at least 2 values in each channel in training, got {count}, which has no "
                f"variance. Use larger batches, leave out a last one that is smaller, or call eval()"
            )
            raise ShapeError(message)
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        seen = self.num_batches_tracked.data + 1
        share = 1 / float(seen) if self.momentum is None else self.momentum
        self.num_batches_tracked.data = seen
        self.running_mean.data = (1 - share) * self.running_mean.data + share * np.mean(x, axis=axes)
        self.running_var.data = (1 - share) * self.running_var.data + share * np.var(x, axis=axes, ddof=1)

    def extra_repr(self) -> str:
        """Show the number of channels and the options."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


class LayerNorm(Module):
    """Normalise each sample over its last axes: ``y = w (x - mean) / sqrt(variance + eps) + b``.

    The variance is the biased one. Training and evaluation are the same. Source: Ba, Kiros and Hinton, "Layer
    normalization", 2016.

    Args:
        normalized_shape: the lengths of the last axes of the input; one number for the last only.
        eps: keeps the quotient finite where a sample does not vary.
        elementwise_affine: whether there are ``w`` and ``b``, which start at 1 and 0.
        bias: whether there is ``b``, if there is ``w``.

    Attributes:
        weight, bias: of shape `normalized_shape`, or None.

    Raises:
        ArgumentError: a number out of its range.
        ShapeError: on a call with an input whose last axes have other lengths.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.LayerNorm(2)(np.array([[1.0, 3.0], [30.0, 10.0]])).numpy().round(2)
    array([[-1.,  1.], [ 1., -1.]])

    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        """Make the weights."""
        lengths = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        if min(lengths, default=0) < 1:
            message = f"LayerNorm: expected a normalized_shape with lengths of at least 1, got {normalized_shape}"
            raise ArgumentError(message)
        self.normalized_shape, self.eps = lengths, _positive("LayerNorm", eps)
        dtype = get_default_dtype()
        self.weight = Parameter(np.ones(lengths, dtype)) if elementwise_affine else None
        self.bias = Parameter(np.zeros(lengths, dtype)) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Any:
        """Normalise each sample."""
        shape: tuple[int, ...] = np.shape(x)
        if shape[-len(self.normalized_shape) :] != self.normalized_shape:
            message = (
                f"LayerNorm: expected an input whose last axes have the lengths {self.normalized_shape}, got shape "
                f"{shape}. Build the layer for {shape[-len(self.normalized_shape) :]}, or move the axes"
            )
            raise ShapeError(message)
        affine = [parameter for parameter in (self.weight, self.bias) if parameter is not None]
        return standardize(x, *affine, axis=tuple(range(-len(self.normalized_shape), 0)), eps=self.eps)

    def extra_repr(self) -> str:
        """Show the shape and the options."""
        affine = f"elementwise_affine={self.weight is not None}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"


def _positive(owner: str, eps: float) -> float:
    if not eps > 0:
        message = f"{owner}: expected 'eps' to be above 0, got {eps}. Without it, what does not vary becomes nan"
        raise ArgumentError(message)
    return eps
