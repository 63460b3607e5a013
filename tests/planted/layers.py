"""Mistakes in rules of whole layers: convolution, pooling, and recurrences."""

import numpy as np

from tests.planted.gallery import KERNEL, ROW, SEQUENCE, SIGNAL, SQUARE, gallery

MISTAKES, mistake = gallery()


def windows(x, width):
    """Return all windows of the last axis, as a new last axis."""
    return np.stack([x[..., i : x.shape[-1] - width + 1 + i] for i in range(width)], axis=-1)


def spread(g, k):
    """Return the gradient for the input of a convolution with the kernel `k`."""
    edge = k.shape[0] - 1
    return windows(np.pad(g, ((0, 0), (edge, edge))), k.shape[0]) @ k[::-1]


def convolved(x, k):
    """Slide the kernel `k` over the rows of `x`."""
    return windows(x, KERNEL.size) @ k


def pooled(x):
    """Average pairs of columns."""
    return 0.5 * (x[:, 0:6:2] + x[:, 1:6:2])


def largest(x):
    """Take the larger of pairs of columns."""
    return np.maximum(x[:, 0:6:2], x[:, 1:6:2])


@mistake(convolved, "kernel not flipped", (SIGNAL, KERNEL))
def conv_not_flipped(x, k):
    return windows(x, 3) @ k, lambda g: spread(g, k[::-1]), lambda g: np.einsum("nw,nwk->k", g, windows(x, 3))


@mistake(convolved, "reversed", (SIGNAL, KERNEL), 1)
def conv_kernel_reversed(x, k):
    return windows(x, 3) @ k, lambda g: spread(g, k), lambda g: np.einsum("nw,nwk->k", g, windows(x, 3))[::-1]


@mistake(convolved, "missing sum over the batch", (SIGNAL, KERNEL), 1)
def conv_first_image(x, k):
    return windows(x, 3) @ k, lambda g: spread(g, k), lambda g: g[0] @ windows(x, 3)[0]


@mistake(convolved, "off by the number of windows", (SIGNAL, KERNEL), 1)
def conv_averaged(x, k):
    return windows(x, 3) @ k, lambda g: spread(g, k), lambda g: np.einsum("nw,nwk->k", g, windows(x, 3)) / 5


@mistake(pooled, "constant factor", (SIGNAL,))
def avg_pool_undivided(x):
    return pooled(x), lambda g: np.pad(np.repeat(g, 2, axis=1), ((0, 0), (0, 1)))


@mistake(largest, "branches forgotten", (SIGNAL,))
def max_pool_to_all(x):
    return largest(x), lambda g: np.pad(np.repeat(g, 2, axis=1), ((0, 0), (0, 1)))


def recurrence(x, w, h):
    """Return the last state of ``h = tanh(x_t + h @ w)``."""
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] + h @ w)
    return h


def states(x, w, h):
    """Return all states."""
    found = [h + np.zeros_like(x[:, 0])]
    for t in range(x.shape[1]):
        found.append(np.tanh(x[:, t] + found[-1] @ w))
    return found


def through_time(g, hs, w, *, decay=1.0):
    """Return the gradients for the arguments of `tanh` of each step."""
    deltas = []
    for h in hs[:0:-1]:
        delta = g * (1 - h * h)
        deltas.insert(0, delta)
        g = decay * delta @ w.T
    return deltas


@mistake(recurrence, "truncated", (SEQUENCE, SQUARE, ROW))
def rnn_truncated(x, w, h):
    hs = states(x, w, h)
    return (
        hs[-1],
        lambda g: np.stack([0 * g] * 4 + through_time(g, hs, w)[-1:], axis=1),
        lambda g: sum(before.T @ delta for before, delta in zip(hs[:-1], through_time(g, hs, w), strict=True)),
        lambda g: through_time(g, hs, w)[0] @ w.T,
    )


@mistake(recurrence, "forgotten accumulation", (SEQUENCE, SQUARE, ROW), 1)
def rnn_last_step_only(x, w, h):
    hs = states(x, w, h)
    return (
        hs[-1],
        lambda g: np.stack(through_time(g, hs, w), axis=1),
        lambda g: hs[-2].T @ through_time(g, hs, w)[-1],
        lambda g: through_time(g, hs, w)[0] @ w.T,
    )


@mistake(recurrence, "constant factor in each step", (SEQUENCE, SQUARE, ROW), 0, 1, 2)
def rnn_decaying(x, w, h):
    hs = states(x, w, h)

    def back(g):
        return through_time(g, hs, w, decay=0.9)

    return (
        hs[-1],
        lambda g: np.stack(back(g), axis=1),
        lambda g: sum(before.T @ delta for before, delta in zip(hs[:-1], back(g), strict=True)),
        lambda g: 0.9 * back(g)[0] @ w.T,
    )


@mistake(recurrence, "weight not transposed", (SEQUENCE, SQUARE, ROW), 2)
def rnn_initial_state(x, w, h):
    hs = states(x, w, h)
    return (
        hs[-1],
        lambda g: np.stack(through_time(g, hs, w), axis=1),
        lambda g: sum(before.T @ delta for before, delta in zip(hs[:-1], through_time(g, hs, w), strict=True)),
        lambda g: through_time(g, hs, w)[0] @ w,
    )


@mistake(lambda z, h, c: z * h + (1 - z) * c, "wrong sign", (SIGNAL, SIGNAL + 1, SIGNAL**2), 0)
def gate_with_plus(z, h, c):
    return z * h + (1 - z) * c, lambda g: g * (h + c), lambda g: g * z, lambda g: g * (1 - z)
