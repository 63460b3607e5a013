"""An LSTM, a dense layer on its outputs of all steps, and the mean squared error: back-propagation through time.

Arrays are (steps, samples, features), so that those of a step lie together; what does not wait for the step before is
one product for all of them. Gates are in the order of PyTorch: i, f, g, o.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def loss_and_gradients(p: dict[str, Any], x: Any, target: Any) -> tuple[float, dict[str, Any]]:
    """Return the loss for sequences (samples, steps, features), and its gradients."""
    w, u = p["0.weight_ih_l0"], p["0.weight_hh_l0"]
    samples, steps, _ = x.shape
    n = u.shape[1]
    x, target = x.swapaxes(0, 1), target.swapaxes(0, 1)

    z = x @ w.T + (p["0.bias_ih_l0"] + p["0.bias_hh_l0"])
    h, c = np.zeros((2, steps + 1, samples, n), x.dtype)  # before the first step and after each
    tanh_c = np.empty((steps, samples, n), x.dtype)
    for t in range(steps):
        a = z[t]
        a += h[t] @ u.T
        a[:, : 2 * n] = sigmoid(a[:, : 2 * n])
        a[:, 2 * n : 3 * n] = np.tanh(a[:, 2 * n : 3 * n])
        a[:, 3 * n :] = sigmoid(a[:, 3 * n :])
        i, f, g, o = np.split(a, 4, axis=1)
        c[t + 1] = f * c[t] + i * g
        tanh_c[t] = np.tanh(c[t + 1])
        h[t + 1] = o * tanh_c[t]
    difference = h[1:] @ p["1.weight"] + p["1.bias"] - target

    d_y = difference * (2 / difference.size)
    d_outputs = d_y @ p["1.weight"].T
    d_z = np.empty_like(z)
    d_h = d_c = np.zeros((samples, n), x.dtype)
    for t in reversed(range(steps)):
        i, f, g, o = np.split(z[t], 4, axis=1)
        d_h = d_h + d_outputs[t]
        d_c = d_c + d_h * o * (1 - tanh_c[t] ** 2)
        d = d_z[t]
        d[:, :n] = d_c * g * i * (1 - i)
        d[:, n : 2 * n] = d_c * c[t] * f * (1 - f)
        d[:, 2 * n : 3 * n] = d_c * i * (1 - g**2)
        d[:, 3 * n :] = d_h * tanh_c[t] * o * (1 - o)
        d_h, d_c = d @ u, d_c * f
    d_rows = d_z.reshape(-1, 4 * n)
    d_bias = d_rows.sum(axis=0)
    return float(np.mean(difference**2)), {
        "0.weight_ih_l0": d_rows.T @ x.reshape(-1, x.shape[2]),
        "0.weight_hh_l0": d_rows.T @ h[:-1].reshape(-1, n),
        "0.bias_ih_l0": d_bias,
        "0.bias_hh_l0": d_bias,
        "1.weight": h[1:].reshape(-1, n).T @ d_y.reshape(-1, d_y.shape[2]),
        "1.bias": d_y.sum(axis=(0, 1)),
    }


def sigmoid(x: Any) -> Any:
    """Return the logistic function, as every tutorial writes it."""
    return 1 / (1 + np.exp(-x))
