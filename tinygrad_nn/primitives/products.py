"""Products of vectors, matrices and stacks of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array, composition, primitive


@primitive(np.matmul)
def matmul(a: Array, b: Array) -> tuple[Any, ...]:
    """Multiply matrices, in all of `numpy.matmul`'s cases: vectors, matrices, stacks that broadcast.

    For matrices the gradients are ``g b^T`` and ``a^T g``. A vector is a matrix with one row (left) or one column
    (right) whose extra axis is dropped again.
    """
    out = a @ b
    ndim_a, ndim_b = a.ndim, b.ndim  # so that the closure for one operand does not keep that operand alive
    return out, lambda g: _left(g, ndim_a, b), lambda g: _right(g, a, ndim_b)


def _left(g: Array, ndim: int, b: Array) -> Array:
    """Carry the gradient `g` of ``a @ b`` to `a`, which has `ndim` axes."""
    if b.ndim == 1:
        return np.expand_dims(g, -1) * b
    if ndim == 1:
        return np.squeeze(np.expand_dims(g, -2) @ b.mT, -2)
    return g @ b.mT


def _right(g: Array, a: Array, ndim: int) -> Array:
    """Carry the gradient `g` of ``a @ b`` to `b`, which has `ndim` axes."""
    if a.ndim == 1:
        return a * np.expand_dims(g, -1) if ndim == 1 else np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if ndim == 1:
        return np.squeeze(a.mT @ np.expand_dims(g, -1), -1)
    if ndim == 2 < a.ndim:  # one product of tall matrices: a stack of products would only be summed afterwards
        rows = math.prod(a.shape[:-1])  # not -1, which nothing tells apart from 0 where the last axis is empty
        return a.reshape((rows, a.shape[-1])).T @ g.reshape((rows, g.shape[-1]))
    return a.mT @ g


@composition(np.dot)
def dot(a: Array, b: Array) -> Array:
    """Sum products over the last axis of `a` and the last but one of `b`: for stacks, each matrix with each."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) <= 2:
        return np.matmul(a, b)
    rows = np.reshape(np.swapaxes(b, -1, -2), (math.prod(b.shape) // max(b.shape[-2], 1), b.shape[-2]))
    return np.reshape(a @ rows.T, (*a.shape[:-1], *b.shape[:-2], b.shape[-1]))
