"""Recurrent networks: one rule that carries a state through a sequence, and the cells that say how a step is made.

A cell is a plain function ``cell(x, weight, bias, *state)``. It returns the new state, whose first array is the output
of the step, and a function that carries the gradients of the new state back to ``(x, product, *state)``, where
`product` stands for ``h W^T + b``. Here x has been multiplied by its own weight already, for all steps at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.primitive import Array, primitive
from tinygrad_nn.primitives.fused import once
from tinygrad_nn.primitives.selection import relu
from tinygrad_nn.primitives.special import sigmoid

State: TypeAlias = tuple[Array, ...]
"""What a network remembers: its output h and, for an `lstm`, its memory c."""

Back: TypeAlias = Callable[..., tuple[Array, ...]]
"""Carries the gradients of a new state back to ``(x, product, *state)``."""

Cell: TypeAlias = Callable[..., tuple[State, Back]]
"""Makes a step: ``cell(x, weight, bias, *state)``."""


def rnn_tanh(x: Array, weight: Array, bias: Array, h: Array) -> tuple[State, Back]:
    """Make a step of Elman's network: ``h' = tanh(x + h W^T + b)``."""
    out = np.tanh(x + (np.dot(h, weight.T) + bias))

    def back(g: Array) -> tuple[Array, ...]:
        d = g * (1 - out * out)
        return d, d, np.dot(d, weight)

    return (out,), back


def rnn_relu(x: Array, weight: Array, bias: Array, h: Array) -> tuple[State, Back]:
    """Make a step of Elman's network with another activation: ``h' = max(x + h W^T + b, 0)``."""
    out = relu(x + (np.dot(h, weight.T) + bias))

    def back(g: Array) -> tuple[Array, ...]:
        d = g * (out > 0)
        return d, d, np.dot(d, weight)

    return (out,), back


def gru(x: Array, weight: Array, bias: Array, h: Array) -> tuple[State, Back]:
    """Make a step of the gated recurrent unit: ``h' = (1 - z) n + z h``.

    With ``u = h W^T + b``, all of three parts, ``r = sigmoid(x_r + u_r)``, ``z = sigmoid(x_z + u_z)`` and
    ``n = tanh(x_n + r u_n)``. Source: Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014; r
    stands behind the product, as in PyTorch and cuDNN, and not before it.
    """
    size = h.shape[1]
    product = np.dot(h, weight.T) + bias
    gates = sigmoid(x[:, : 2 * size] + product[:, : 2 * size])
    r, z, u = gates[:, :size], gates[:, size:], product[:, 2 * size :]
    n = np.tanh(x[:, 2 * size :] + r * u)

    def back(g: Array) -> tuple[Array, ...]:
        kept = g * z
        d_n = (g - kept) * (1 - n * n)
        d_gates = np.concatenate([d_n * u, g * (h - n)], axis=1) * gates * (1 - gates)
        d_product = np.concatenate([d_gates, d_n * r], axis=1)
        return np.concatenate([d_gates, d_n], axis=1), d_product, kept + np.dot(d_product, weight)

    return (n + z * (h - n),), back


def lstm(x: Array, weight: Array, bias: Array, h: Array, c: Array) -> tuple[State, Back]:
    """Make a step of long short-term memory: ``c' = f c + i g`` and ``h' = o tanh(c')``.

    ``i, f, g, o`` are the four parts of ``x + h W^T + b``, g behind a tanh and the others behind a sigmoid. Source:
    Hochreiter and Schmidhuber, "Long short-term memory", 1997; f is of Gers, Schmidhuber and Cummins, 2000.
    """
    size = h.shape[1]
    z = x + (np.dot(h, weight.T) + bias)
    gates, g, o = sigmoid(z[:, : 2 * size]), np.tanh(z[:, 2 * size : 3 * size]), sigmoid(z[:, 3 * size :])
    i, f = gates[:, :size], gates[:, size:]
    new_c = f * c + i * g
    t = np.tanh(new_c)

    def back(g_h: Array, g_c: Array) -> tuple[Array, ...]:
        d_c = g_c + g_h * o * (1 - t * t)
        parts = [d_c * g * i * (1 - i), d_c * c * f * (1 - f), d_c * i * (1 - g * g), g_h * t * o * (1 - o)]
        d = np.concatenate(parts, axis=1)
        return d, d, np.dot(d, weight), d_c * f

    return (o * t, new_c), back


@primitive
def recurrence(
    x: Array, weight: Array, bias: Array, *state: Array, cell: Cell, reverse: bool = False
) -> tuple[Any, ...]:
    """Carry a state through a sequence, one step of `cell` after another: from the last to the first if `reverse`.

    For `x` (N, T, G), `weight` (G, H), `bias` (G,) and each array of the state (N, H), the result (N, T + k, H) holds
    the outputs of all T steps, and behind them what else of the last state there is (k = 1 for the c of an `lstm`). The
    gradients are those of back-propagation through time (P. Werbos, 1990): one walk from the last step to the first,
    which all closures share; the weight's is one product over all steps.

    Fused for speed: a composition leaves some twenty nodes a step. `tests/benchmarks/networks.py` has it beside this.

    >>> import numpy as np
    >>> x, weight, bias, h = np.ones((1, 3, 1)), np.array([[1.0]]), np.zeros(1), np.zeros((1, 1))
    >>> recurrence(x, weight, bias, h, cell=rnn_relu)
    array([[[1.],
            [2.],
            [3.]]])
    """
    count = x.shape[1]
    order = range(count)[::-1] if reverse else range(count)
    before: list[Any] = [None] * count
    outputs: list[Any] = [None] * count
    backs: list[Any] = [None] * count
    current = state
    for t in order:
        before[t] = current[0]
        current, backs[t] = cell(x[:, t], weight, bias, *current)
        outputs[t] = current[0]

    def through_time(g: Array) -> tuple[Array, ...]:
        d_x: list[Any] = [None] * count
        d_product: list[Any] = [None] * count
        d_h: Any = 0
        rest = [g[:, count + place] for place in range(len(state) - 1)]
        for t in reversed(order):
            d_x[t], d_product[t], d_h, *rest = backs[t](g[:, t] + d_h, *rest)
        steps = np.stack(d_x, axis=1)
        return steps, steps if d_product[0] is d_x[0] else np.stack(d_product, axis=1), d_h, *rest

    gradients = once(through_time)

    def to_weight(g: Array) -> Array:
        return np.tensordot(gradients(g)[1], np.stack(before, axis=1), axes=([0, 1], [0, 1]))

    return (
        np.stack([*outputs, *current[1:]], axis=1),
        lambda g: gradients(g)[0],
        to_weight,
        lambda g: np.sum(gradients(g)[1], axis=(0, 1)),
        *((lambda g, place=place: gradients(g)[place]) for place in range(2, 2 + len(state))),
    )
