"""A transformer block, attention and two dense layers, each with what came in added and normalised, and squared error.

It is the block of Vaswani et al., 2017, with rectifiers. Tokens of all sequences are the rows of one matrix, except
inside the attention, where arrays are (samples, heads, tokens, features).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

HEADS = 4


def loss_and_gradients(p: dict[str, Any], sequences: Any, target: Any) -> tuple[float, dict[str, Any]]:
    """Return the loss for sequences (samples, tokens, features), and its gradients."""
    samples, tokens, features = sequences.shape
    x = sequences.reshape(-1, features)
    scale = 1 / math.sqrt(features // HEADS)  # a number of NumPy's would make float64 of float32
    grads: dict[str, Any] = {}

    def heads(rows: Any) -> Any:
        return rows.reshape(samples, tokens, HEADS, -1).swapaxes(1, 2)

    def rows(heads: Any) -> Any:
        return heads.swapaxes(1, 2).reshape(-1, features)

    projected = x @ p["self_attn.in_proj_weight"].T + p["self_attn.in_proj_bias"]
    q, k, v = (heads(part) for part in np.split(projected, 3, axis=1))
    weights = softmax(q @ k.swapaxes(2, 3) * scale)
    found = rows(weights @ v)
    out1, normal1, std1 = layer_norm(
        x + found @ p["self_attn.out_proj.weight"] + p["self_attn.out_proj.bias"], p["norm1.weight"], p["norm1.bias"]
    )
    hidden = np.maximum(out1 @ p["linear1.weight"] + p["linear1.bias"], 0)
    out2, normal2, std2 = layer_norm(
        out1 + hidden @ p["linear2.weight"] + p["linear2.bias"], p["norm2.weight"], p["norm2.bias"]
    )
    difference = out2 - target.reshape(-1, features)

    d = difference * (2 / difference.size)
    grads["norm2.weight"], grads["norm2.bias"] = (d * normal2).sum(axis=0), d.sum(axis=0)
    d = layer_norm_back(d * p["norm2.weight"], normal2, std2)
    grads["linear2.weight"], grads["linear2.bias"] = hidden.T @ d, d.sum(axis=0)
    d_hidden = (d @ p["linear2.weight"].T) * (hidden > 0)
    grads["linear1.weight"], grads["linear1.bias"] = out1.T @ d_hidden, d_hidden.sum(axis=0)
    d = d + d_hidden @ p["linear1.weight"].T
    grads["norm1.weight"], grads["norm1.bias"] = (d * normal1).sum(axis=0), d.sum(axis=0)
    d = layer_norm_back(d * p["norm1.weight"], normal1, std1)
    grads["self_attn.out_proj.weight"], grads["self_attn.out_proj.bias"] = found.T @ d, d.sum(axis=0)
    d_found = heads(d @ p["self_attn.out_proj.weight"].T)
    d_weights = d_found @ v.swapaxes(2, 3)
    d_scores = weights * (d_weights - (d_weights * weights).sum(axis=-1, keepdims=True)) * scale
    d_projected = np.concatenate(
        [rows(d_scores @ k), rows(d_scores.swapaxes(2, 3) @ q), rows(weights.swapaxes(2, 3) @ d_found)], axis=1
    )
    grads["self_attn.in_proj_weight"], grads["self_attn.in_proj_bias"] = d_projected.T @ x, d_projected.sum(axis=0)
    return float(np.mean(difference**2)), grads


def softmax(x: Any) -> Any:
    """Return ``e^x / sum e^x`` along the last axis."""
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def layer_norm(x: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any]:
    """Return the result, the normalised rows, and the standard deviation that they were divided by."""
    centred = x - x.mean(axis=1, keepdims=True)
    std = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    normal = centred / std
    return normal * weight + bias, normal, std


def layer_norm_back(d: Any, normal: Any, std: Any) -> Any:
    """Return the gradient of the rows, from that of the normalised ones."""
    return (d - d.mean(axis=1, keepdims=True) - normal * (d * normal).mean(axis=1, keepdims=True)) / std
