"""Adam, the optimizer to try first, and its relatives, which all keep running means of the gradient and of its square.

The formulas are those of PyTorch, which in places are not those of the papers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_nn.optim.optimizer import Group, Optimizer, Params, Update
from tinygrad_nn.primitive import Array


class Adam(Optimizer):
    """Scale each step by running moments of the gradient.

    ``m = b1 m + (1 - b1) g``, ``v = b2 v + (1 - b2) g^2``, and with both freed of their start at 0,
    ``p = p - lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)``. With `weight_decay`, ``g`` is the gradient plus
    ``weight_decay p``.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.

    Args:
        params: the Tensors to update, or groups of them (see `Optimizer`).
        lr: the learning rate.
        betas: b1 and b2, each at least 0 and below 1.
        eps: keeps the quotient finite.
        weight_decay: the strength of an L2 penalty.
        amsgrad: divide by the largest v so far. Source: Reddi et al., "On the convergence of Adam and beyond", 2018.

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

    is_decoupled = False
    """Whether `weight_decay` shrinks the parameters themselves, and not by way of the gradient."""

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        """Prepare to update `params`."""
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        )

    def slots(self, group: Group) -> tuple[str, ...]:
        """Return what is kept: both moments, and the largest second one if that is asked for."""
        return ("mean", "square", "largest") if group["amsgrad"] else ("mean", "square")

    def rule(self, group: Group, step: int) -> Update:
        """Return the formula, every product written into one scratch array."""
        lr, (beta1, beta2), eps, weight_decay, _ = self.settings(group)
        rate = lr / (1 - beta1**step)
        correction = 1 / math.sqrt(1 - beta2**step)
        is_decoupled = self.is_decoupled

        def update(values: Array, gradient: Array, mean: Array, square: Array, *largest: Array) -> None:
            if is_decoupled:
                values *= 1 - lr * weight_decay
            else:
                gradient = self.penalized(gradient, values, weight_decay)
            scratch = self.scratch(values)
            average(mean, gradient, beta1, scratch)
            average_square(square, gradient, beta2, scratch)
            for above in largest:  # one with amsgrad, none without
                square = np.maximum(above, square, out=above)
            np.sqrt(square, out=scratch)
            scratch *= correction
            scratch += eps
            np.divide(mean, scratch, out=scratch)
            scratch *= rate
            values -= scratch

        return update


class AdamW(Adam):
    """Do as `Adam` does, with a decay of the weights that is not scaled: ``p = p - lr weight_decay p`` first.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.

    Args:
        params, lr, betas, eps, amsgrad: as for `Adam`.
        weight_decay: the part of a weight that is taken off in each step, for a learning rate of 1.

    Raises:
        ArgumentError: an argument outside its range.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tn.optim.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(6)
    array([ 0.85, -1.8 ])

    """

    is_decoupled = True

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
    ) -> None:
        """Prepare to update `params`."""
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad)


class NAdam(Optimizer):
    """Look ahead along the mean, as Nesterov's momentum does, with the moments m and v of `Adam`.

    With ``u_t = b1 (1 - 0.96^(t momentum_decay) / 2)`` and ``U_t = u_1 u_2 ... u_t``,
    ``p = p - lr ((1 - u_t) g / (1 - U_t) + u_(t+1) m / (1 - U_(t+1))) / (sqrt(v / (1 - b2^t)) + eps)``.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016.

    Args:
        params, lr, betas, eps, weight_decay: as for `Adam`.
        momentum_decay: how fast ``u_t`` grows from half of b1 towards b1.

    Raises:
        ArgumentError: an argument outside its range.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tn.optim.NAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(3)
    array([ 0.894, -1.894])

    """

    def __init__(
        self,
        params: Params,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
    ) -> None:
        """Prepare to update `params`."""
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, defaults | {"momentum_decay": momentum_decay})
        self._products: dict[tuple[float, float], list[float]] = {}

    def slots(self, group: Group) -> tuple[str, ...]:  # noqa: ARG002 - the same for all groups
        """Return what is kept: both moments."""
        return ("mean", "square")

    def rule(self, group: Group, step: int) -> Update:
        """Return the formula."""
        lr, (beta1, beta2), eps, weight_decay, decay = self.settings(group)
        product, now, ahead = self._momenta(beta1, decay, step)
        of_gradient = lr * (1 - now) / (1 - product)
        of_mean = lr * ahead / (1 - product * ahead)
        correction = 1 / math.sqrt(1 - beta2**step)

        def update(values: Array, gradient: Array, mean: Array, square: Array) -> None:
            gradient = self.penalized(gradient, values, weight_decay)
            scratch, quotient = self.scratch(values), self.scratch(values, 1)
            average(mean, gradient, beta1, scratch)
            average_square(square, gradient, beta2, scratch)
            np.sqrt(square, out=quotient)
            quotient *= correction
            quotient += eps
            np.divide(gradient, quotient, out=scratch)
            scratch *= of_gradient
            values -= scratch
            np.divide(mean, quotient, out=scratch)
            scratch *= of_mean
            values -= scratch

        return update

    def _momenta(self, beta1: float, decay: float, step: int) -> tuple[float, float, float]:
        """Return ``U_t``, ``u_t`` and ``u_(t+1)``.

        Products are kept until they no longer change ``1 - U_t``: some 370 of them for a beta of 0.9.
        """
        products = self._products.setdefault((beta1, decay), [1.0])
        while len(products) <= step and products[-1] > 1e-20:
            products.append(products[-1] * _momentum(beta1, decay, len(products)))
        product = products[min(step, len(products) - 1)]
        return product, _momentum(beta1, decay, step), _momentum(beta1, decay, step + 1)


class RAdam(Optimizer):
    """Do as `Adam` does, but without dividing by v as long as it rests on too few steps, and carefully thereafter.

    With ``r = 2 / (1 - b2) - 1`` and ``r_t = r - 2 t b2^t / (1 - b2^t)``, Adam's step is multiplied by
    ``sqrt((r_t - 4) (r_t - 2) r / ((r - 4) (r - 2) r_t))`` if ``r_t > 5``; before that, it is ``lr m / (1 - b1^t)``.
    As in PyTorch, `eps` is added to ``sqrt(v)`` before that is freed of its start at 0.

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond", 2020, algorithm 2.

    Args:
        params, lr, betas, eps, weight_decay: as for `Adam`.

    Raises:
        ArgumentError: an argument outside its range.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tn.optim.RAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(6)
    array([ 0.8, -1.6])

    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        """Prepare to update `params`."""
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    def slots(self, group: Group) -> tuple[str, ...]:  # noqa: ARG002 - the same for all groups
        """Return what is kept: both moments."""
        return ("mean", "square")

    def rule(self, group: Group, step: int) -> Update:
        """Return the formula."""
        lr, (beta1, beta2), eps, weight_decay = self.settings(group)
        rate = lr / (1 - beta1**step)
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * beta2**step / (1 - beta2**step)
        is_known = length > 5
        if is_known:
            share = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            rate *= math.sqrt(share * (1 - beta2**step))

        def update(values: Array, gradient: Array, mean: Array, square: Array) -> None:
            gradient = self.penalized(gradient, values, weight_decay)
            scratch = self.scratch(values)
            average(mean, gradient, beta1, scratch)
            average_square(square, gradient, beta2, scratch)
            if is_known:
                np.sqrt(square, out=scratch)
                scratch += eps
                np.divide(mean, scratch, out=scratch)
                scratch *= rate
            else:
                np.multiply(mean, rate, out=scratch)
            values -= scratch

        return update


def average(mean: Array, value: Any, beta: float, scratch: Array) -> None:
    """Take `value` into a running mean."""
    mean *= beta
    mean += np.multiply(value, 1 - beta, out=scratch)


def average_square(square: Array, value: Any, beta: float, scratch: Array) -> None:
    """Take the square of `value` into a running mean."""
    square *= beta
    np.multiply(value, value, out=scratch)
    scratch *= 1 - beta
    square += scratch


def _momentum(beta1: float, decay: float, step: int) -> float:
    """Return ``u_t`` of NAdam."""
    return beta1 * (1 - 0.5 * 0.96 ** (step * decay))
