"""Optimizers that divide each step by the size of the gradients so far, without a mean of the gradient itself.

The formulas are those of PyTorch.
"""

from __future__ import annotations

import numpy as np

from tinygrad_nn.optim.adam import average, average_square
from tinygrad_nn.optim.optimizer import Group, Optimizer, Params, Update
from tinygrad_nn.primitive import Array


class RMSProp(Optimizer):
    """Divide by a running root mean square: ``v = alpha v + (1 - alpha) g^2``, ``p = p - lr g / (sqrt(v) + eps)``.

    If `centered`, ``v - m^2`` stands in the place of v, where m is the running mean of g: its variance. With a
    `momentum`, the quotients q are summed up: ``b = momentum b + q``, ``p = p - lr b``. With `weight_decay`, ``g`` is
    the gradient plus ``weight_decay p``.

    Source: Hinton, "Neural networks for machine learning", lecture 6e, 2012; Graves, "Generating sequences with
    recurrent neural networks", 2013, for the centred one.

    Args:
        params: the Tensors to update, or groups of them (see `Optimizer`).
        lr: the learning rate.
        alpha: how slowly the average forgets, at least 0 and below 1.
        eps: keeps the quotient finite.
        weight_decay: the strength of an L2 penalty.
        momentum: how much of the last step goes on, at least 0 and below 1.
        centered: whether to divide by the spread around the mean.

    Raises:
        ArgumentError: an argument outside its range.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tn.optim.RMSProp([w], lr=0.1, alpha=0.75)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(6)
    array([ 0.8, -1.8])

    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        """Prepare to update `params`."""
        defaults = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, defaults | {"momentum": momentum, "centered": centered})

    def slots(self, group: Group) -> tuple[str, ...]:
        """Return what is kept."""
        return ("square", *["velocity"] * bool(group["momentum"]), *["mean"] * group["centered"])

    def rule(self, group: Group, step: int) -> Update:  # noqa: ARG002 - the same for all steps
        """Return the formula."""
        lr, alpha, eps, weight_decay, momentum, centered = self.settings(group)

        def update(values: Array, gradient: Array, square: Array, *arrays: Array) -> None:
            gradient = self.penalized(gradient, values, weight_decay)
            scratch = self.scratch(values)
            average_square(square, gradient, alpha, scratch)
            if centered:
                mean = arrays[-1]
                average(mean, gradient, alpha, scratch)
                np.multiply(mean, mean, out=scratch)
                np.subtract(square, scratch, out=scratch)
                np.maximum(scratch, 0, out=scratch)  # a variance that rounding made negative would give NaN
                np.sqrt(scratch, out=scratch)
            else:
                np.sqrt(square, out=scratch)
            scratch += eps
            np.divide(gradient, scratch, out=scratch)
            if momentum:
                velocity = arrays[0]
                velocity *= momentum
                velocity += scratch
                np.multiply(velocity, lr, out=scratch)
            else:
                scratch *= lr
            values -= scratch

        return update


class Adagrad(Optimizer):
    """Divide by the root of the sum of all squares: ``s = s + g^2``, ``p = p - lr_t g / (sqrt(s) + eps)``.

    The learning rate of step t is ``lr / (1 + (t - 1) lr_decay)``. With `weight_decay`, ``g`` is the gradient plus
    ``weight_decay p``.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
    2011.

    Args:
        params: the Tensors to update, or groups of them (see `Optimizer`).
        lr: the learning rate.
        lr_decay: how fast the learning rate falls.
        weight_decay: the strength of an L2 penalty.
        initial_accumulator_value: what s starts with.
        eps: keeps the quotient finite.

    Raises:
        ArgumentError: an argument outside its range.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tn.optim.Adagrad([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(6)
    array([ 0.9, -1.9])

    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        """Prepare to update `params`."""
        start = {"initial_accumulator_value": initial_accumulator_value}
        super().__init__(params, {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay, **start, "eps": eps})

    def slots(self, group: Group) -> tuple[str, ...]:  # noqa: ARG002 - the same for all groups
        """Return what is kept."""
        return ("total",)

    def rule(self, group: Group, step: int) -> Update:
        """Return the formula."""
        lr, lr_decay, weight_decay, start, eps = self.settings(group)
        rate = lr / (1 + (step - 1) * lr_decay)

        def update(values: Array, gradient: Array, total: Array) -> None:
            gradient = self.penalized(gradient, values, weight_decay)
            scratch = self.scratch(values)
            if step == 1:
                total += start
            total += np.multiply(gradient, gradient, out=scratch)
            np.sqrt(total, out=scratch)
            scratch += eps
            np.divide(gradient, scratch, out=scratch)
            scratch *= rate
            values -= scratch

        return update


class Adadelta(Optimizer):
    """Divide by the size of gradients and multiply by that of steps, so that no learning rate need be known.

    ``v = rho v + (1 - rho) g^2``, ``d = g sqrt(u + eps) / sqrt(v + eps)``, ``u = rho u + (1 - rho) d^2`` and
    ``p = p - lr d``. With `weight_decay`, ``g`` is the gradient plus ``weight_decay p``.

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012, algorithm 1.

    Args:
        params: the Tensors to update, or groups of them (see `Optimizer`).
        lr: a factor for all steps.
        rho: how slowly both averages forget, at least 0 and below 1.
        eps: what the first steps grow from.
        weight_decay: the strength of an L2 penalty.

    Raises:
        ArgumentError: an argument outside its range.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tn.optim.Adadelta([w], rho=0.75)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(6)
    array([ 0.998, -1.998])

    """

    def __init__(
        self, params: Params, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0.0
    ) -> None:
        """Prepare to update `params`."""
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay})

    def slots(self, group: Group) -> tuple[str, ...]:  # noqa: ARG002 - the same for all groups
        """Return what is kept."""
        return ("square", "square_step")

    def rule(self, group: Group, step: int) -> Update:  # noqa: ARG002 - the same for all steps
        """Return the formula."""
        lr, rho, eps, weight_decay = self.settings(group)

        def update(values: Array, gradient: Array, square: Array, square_step: Array) -> None:
            gradient = self.penalized(gradient, values, weight_decay)
            scratch, change = self.scratch(values), self.scratch(values, 1)
            average_square(square, gradient, rho, scratch)
            np.add(square_step, eps, out=change)
            np.add(square, eps, out=scratch)
            change /= scratch
            np.sqrt(change, out=change)
            change *= gradient
            average_square(square_step, change, rho, scratch)
            change *= lr
            values -= change

        return update
