"""Stochastic gradient descent, plain and with momentum."""

from __future__ import annotations

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.optim.optimizer import Group, Optimizer, Params, Update
from tinygrad_nn.primitive import Array


class SGD(Optimizer):
    """Go against the gradient: ``v = momentum v + g``, ``p = p - lr v`` (Nesterov: ``p = p - lr (g + momentum v)``).

    With `weight_decay`, ``g`` is the gradient plus ``weight_decay p``. The formulas are those of PyTorch.

    Args:
        params: the Tensors to update, or groups of them (see `Optimizer`).
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
        params: Params,
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        """Prepare to update `params`."""
        super().__init__(params, {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay})

    def check(self, group: Group) -> None:
        """Refuse to look ahead along no momentum."""
        if group["nesterov"] and not group["momentum"]:
            message = "SGD: expected a momentum above 0 with nesterov=True, got 0. Pass momentum=0.9"
            raise ArgumentError(message)

    def slots(self, group: Group) -> tuple[str, ...]:
        """Return what is kept: nothing without momentum."""
        return ("velocity",) if group["momentum"] else ()

    def rule(self, group: Group, step: int) -> Update:  # noqa: ARG002 - the same for all steps
        """Return the formula."""
        lr, momentum, nesterov, weight_decay = self.settings(group)

        def update(values: Array, gradient: Array, *arrays: Array) -> None:
            if weight_decay:
                gradient = self.penalized(gradient, values, weight_decay)
            for velocity in arrays:  # one with momentum, none without
                np.multiply(velocity, momentum, out=velocity)
                np.add(velocity, gradient, out=velocity)
                gradient = gradient + momentum * velocity if nesterov else velocity
            values -= lr * gradient

        return update
