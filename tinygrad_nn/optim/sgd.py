"""Stochastic gradient descent, plain and with momentum."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.optim.optimizer import Optimizer, at_least_zero, fraction
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor


class SGD(Optimizer):
    """Go against the gradient: ``v = momentum v + g``, ``p = p - lr v`` (Nesterov: ``p = p - lr (g + momentum v)``).

    With `weight_decay`, ``g`` is the gradient plus ``weight_decay p``. The formulas are those of PyTorch.

    Args:
        params: the Tensors to update.
        lr: the learning rate.
        momentum: how much of the last step goes on, at least 0 and below 1.
        nesterov: look ahead along the momentum; needs a momentum above 0.
        weight_decay: the strength of an L2 penalty.

    Raises:
        ArgumentError: an argument outside its range.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([1.0], requires_grad=True)
    >>> optimizer = tn.optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data
    array([0.8])

    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        """Prepare to update `params`."""
        self.slots = ("velocity",) if momentum else ()
        super().__init__(params, lr)
        self.momentum = fraction("SGD", "momentum", momentum)
        self.nesterov = nesterov
        self.weight_decay = at_least_zero("SGD", "weight_decay", weight_decay)
        if nesterov and not momentum:
            message = "SGD: expected a momentum above 0 with nesterov=True, got 0. Pass momentum=0.9"
            raise ArgumentError(message)

    def update(self, values: Array, gradient: Array, *arrays: Array) -> None:
        """Make one step."""
        if self.weight_decay:
            gradient = gradient + self.weight_decay * values
        for velocity in arrays:  # one with momentum, none without
            np.multiply(velocity, self.momentum, out=velocity)
            np.add(velocity, gradient, out=velocity)
            gradient = gradient + self.momentum * velocity if self.nesterov else velocity
        values -= self.lr * gradient
