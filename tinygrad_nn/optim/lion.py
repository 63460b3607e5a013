"""Lion: steps of one size, in the direction of a sign."""

from __future__ import annotations

import numpy as np

from tinygrad_nn.optim.adam import average
from tinygrad_nn.optim.optimizer import Group, Optimizer, Params, Update
from tinygrad_nn.primitive import Array


class Lion(Optimizer):
    """Step by the sign of a mean: ``p = p - lr (sign(b1 m + (1 - b1) g) + weight_decay p)``, ``m = b2 m + (1 - b2) g``.

    Every weight moves by `lr`, so it wants a third to a tenth of the learning rate of `AdamW`, and as many times its
    decay. It keeps half as much as `Adam`.

    Source: Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2.

    Args:
        params: the Tensors to update, or groups of them (see `Optimizer`).
        lr: the learning rate.
        betas: b1 and b2, each at least 0 and below 1.
        weight_decay: the part of a weight that is taken off in each step, for a learning rate of 1.

    Raises:
        ArgumentError: an argument outside its range.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tn.optim.Lion([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data
    array([ 0.9, -1.9])

    """

    def __init__(
        self, params: Params, lr: float = 1e-4, betas: tuple[float, float] = (0.9, 0.99), weight_decay: float = 0.0
    ) -> None:
        """Prepare to update `params`."""
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    def slots(self, group: Group) -> tuple[str, ...]:  # noqa: ARG002 - the same for all groups
        """Return what is kept."""
        return ("mean",)

    def rule(self, group: Group, step: int) -> Update:  # noqa: ARG002 - the same for all steps
        """Return the formula."""
        lr, (beta1, beta2), weight_decay = self.settings(group)

        def update(values: Array, gradient: Array, mean: Array) -> None:
            direction, scratch = self.scratch(values), self.scratch(values, 1)
            np.multiply(mean, beta1, out=direction)
            direction += np.multiply(gradient, 1 - beta1, out=scratch)
            np.sign(direction, out=direction)
            direction *= lr
            values *= 1 - lr * weight_decay
            values -= direction
            average(mean, gradient, beta2, scratch)

        return update
