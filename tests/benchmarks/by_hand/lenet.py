"""LeNet-5 with rectifiers and maxima: two convolutions with pooling, three dense layers, cross-entropy.

Images are (channels, samples, height, width) from end to end: then the windows of a convolution are the columns of one
matrix for all samples (im2col), the filters times that matrix is an image again, and nothing is transposed.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

Gradients = dict[str, Any]

CORNERS = [(..., slice(i, None, 2), slice(j, None, 2)) for i, j in itertools.product(range(2), repeat=2)]
"""The elements of all windows of 2 x 2, one from each: the maximum of four slices, where `x.max` of a view is slow."""


def loss_and_gradients(p: dict[str, Any], images: Any, labels: Any) -> tuple[float, Gradients]:
    """Return the mean cross-entropy and its gradients."""
    n = len(images)
    grads: Gradients = {}
    x = np.pad(images.swapaxes(0, 1), ((0, 0), (0, 0), (2, 2), (2, 2)))
    a1, columns1 = conv(x, p["0.weight"], p["0.bias"])
    r1 = np.maximum(a1, 0)
    s1 = max_pool(r1)
    a2, columns2 = conv(s1, p["3.weight"], p["3.bias"])
    r2 = np.maximum(a2, 0)
    s2 = max_pool(r2)
    h0 = s2.swapaxes(0, 1).reshape(n, -1)
    h1 = np.maximum(h0 @ p["7.weight"] + p["7.bias"], 0)
    h2 = np.maximum(h1 @ p["9.weight"] + p["9.bias"], 0)
    logits = h2 @ p["11.weight"] + p["11.bias"]

    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(sums[:, 0]) - shifted[np.arange(n), labels])
    d = exponentials / sums
    d[np.arange(n), labels] -= 1
    d /= n

    grads["11.weight"], grads["11.bias"] = h2.T @ d, d.sum(axis=0)
    d = (d @ p["11.weight"].T) * (h2 > 0)
    grads["9.weight"], grads["9.bias"] = h1.T @ d, d.sum(axis=0)
    d = (d @ p["9.weight"].T) * (h1 > 0)
    grads["7.weight"], grads["7.bias"] = h0.T @ d, d.sum(axis=0)
    d = (d @ p["7.weight"].T).reshape(n, *s2.shape[:1], *s2.shape[2:]).swapaxes(0, 1)
    d = max_pool_back(d, r2, s2) * (r2 > 0)
    grads["3.weight"], grads["3.bias"] = conv_back(d, columns2, p["3.weight"])
    d = max_pool_back(conv_input_back(d, p["3.weight"], s1.shape), r1, s1) * (r1 > 0)
    grads["0.weight"], grads["0.bias"] = conv_back(d, columns1, p["0.weight"])
    return float(loss), grads


def conv(x: Any, weight: Any, bias: Any) -> tuple[Any, Any]:
    """Return filters (out, in, k, k) times windows, and the windows as columns."""
    k = weight.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))
    channels, samples, height, width = windows.shape[:4]
    columns = windows.transpose(0, 4, 5, 1, 2, 3).reshape(channels * k * k, -1)
    out = weight.reshape(len(weight), -1) @ columns
    out += bias[:, None]
    return out.reshape(-1, samples, height, width), columns


def conv_back(d: Any, columns: Any, weight: Any) -> tuple[Any, Any]:
    """Return the gradients of filters and bias."""
    rows = d.reshape(len(d), -1)
    return (rows @ columns.T).reshape(weight.shape), rows.sum(axis=1)


def conv_input_back(d: Any, weight: Any, shape: tuple[int, ...]) -> Any:
    """Return the gradient of the input: the columns' gradients, added up where windows overlap (col2im)."""
    outputs, channels, k, _ = weight.shape
    _, samples, height, width = d.shape
    columns = weight.reshape(outputs, -1).T @ d.reshape(outputs, -1)
    columns = columns.reshape(channels, k, k, samples, height, width)
    out = np.zeros(shape, d.dtype)
    for i, j in itertools.product(range(k), repeat=2):
        out[:, :, i : i + height, j : j + width] += columns[:, i, j]
    return out


def max_pool(x: Any) -> Any:
    """Return the maximum of each window of 2 x 2."""
    a, b, c, d = (x[corner] for corner in CORNERS)
    return np.maximum(np.maximum(a, b), np.maximum(c, d))


def max_pool_back(d: Any, x: Any, out: Any) -> Any:
    """Give the gradient to what was the maximum; to all of them where zeros tie, which the rectifier then blocks."""
    gradient = np.empty_like(x)
    for corner in CORNERS:
        gradient[corner] = d * (x[corner] == out)
    return gradient
