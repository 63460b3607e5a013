"""LAMB: Adam's steps, each as long as its parameter is large."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_nn.optim.adam import average, average_square
from tinygrad_nn.optim.optimizer import Group, Optimizer, Params, Update, pieces
from tinygrad_nn.primitive import Array


class LAMB(Optimizer):
    """Scale the step of each parameter to the norm of the parameter: ``p = p - lr (|p| / |u|) u``.

    ``u = m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + weight_decay p``, with the moments m and v of `Adam`. Where p
    or u is 0, the ratio counts as 1. It lets the learning rate grow with the batches, up to very large ones.

    Source: You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", 2020, algorithm 2.

    Args:
        params: the Tensors to update, or groups of them (see `Optimizer`). The norms are those of each Tensor.
        lr: the learning rate: the part of its length by which a parameter moves.
        betas: b1 and b2, each at least 0 and below 1.
        eps: keeps the quotient finite.
        weight_decay: the strength of the decay, which is part of u.

    Raises:
        ArgumentError: an argument outside its range.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([3.0, -4.0], requires_grad=True)
    >>> optimizer = tn.optim.LAMB([w], lr=0.1, weight_decay=0.0)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(6)  # by a tenth of 5, along (1, -1)
    array([ 2.646447, -3.646447])

    """

    sees_whole = True

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.01,
    ) -> None:
        """Prepare to update `params`."""
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def slots(self, group: Group) -> tuple[str, ...]:  # noqa: ARG002 - the same for all groups
        """Return what is kept: both moments."""
        return "mean", "square"

    def rule(self, group: Group, step: int) -> Update:
        """Return the formula. It works out u twice, for the norm and for the step, rather than to keep it."""
        lr, (beta1, beta2), eps, weight_decay = self.settings(group)
        rate, correction = 1 / (1 - beta1**step), 1 / math.sqrt(1 - beta2**step)

        def direction(values: Array, mean: Array, square: Array) -> Array:
            u, scratch = self.scratch(values), self.scratch(values, 1)
            np.sqrt(square, out=u)
            u *= correction
            u += eps
            np.divide(mean, u, out=u)
            u *= rate
            u += np.multiply(values, weight_decay, out=scratch)
            return u

        def update(*arrays: Array) -> None:
            length = change = 0.0
            for values, gradient, mean, square in pieces(*arrays):
                scratch = self.scratch(values)
                average(mean, gradient, beta1, scratch)
                average_square(square, gradient, beta2, scratch)
                u = direction(values, mean, square)
                length += float(np.vdot(values, values))
                change += float(np.vdot(u, u))
            ratio = math.sqrt(length / change) if length and change else 1.0
            for values, _, mean, square in pieces(*arrays):
                u = direction(values, mean, square)
                u *= lr * ratio
                np.subtract(values, u, out=values)

        return update
