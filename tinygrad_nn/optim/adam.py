"""Adam, the optimizer to try first."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tinygrad_nn.optim.optimizer import Optimizer, at_least_zero, fraction
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor


class Adam(Optimizer):
    """Scale each step by running moments of the gradient.

    ``m = b1 m + (1 - b1) g``, ``v = b2 v + (1 - b2) g^2``, and with both freed of their start at 0,
    ``p = p - lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)``.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.

    Args:
        params: the Tensors to update.
        lr: the learning rate.
        betas: b1 and b2, each at least 0 and below 1.
        eps: keeps the quotient finite.

    Raises:
        ArgumentError: an argument outside its range.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tn.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(6)
    array([ 0.9, -1.9])

    """

    slots = ("mean", "square")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        """Prepare to update `params`."""
        super().__init__(params, lr)
        self.beta1 = fraction("Adam", "betas[0]", betas[0])
        self.beta2 = fraction("Adam", "betas[1]", betas[1])
        self.eps = at_least_zero("Adam", "eps", eps)

    def update(self, values: Array, gradient: Array, *arrays: Array) -> None:
        """Make one step, every product written into one scratch array."""
        mean, square = arrays
        scratch = self.scratch(values)
        mean *= self.beta1
        mean += np.multiply(gradient, 1 - self.beta1, out=scratch)
        square *= self.beta2
        np.multiply(gradient, gradient, out=scratch)
        scratch *= 1 - self.beta2
        square += scratch
        np.sqrt(square, out=scratch)
        scratch *= 1 / math.sqrt(1 - self.beta2**self.steps)
        scratch += self.eps
        np.divide(mean, scratch, out=scratch)
        scratch *= self.lr / (1 - self.beta1**self.steps)
        values -= scratch
