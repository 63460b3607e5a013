"""Rules that are compositions in mathematics, and rules here because a measurement earned them the place.

Each names its gain: a node less for each layer of a small network, where the engine's own time is what one waits for,
or a numerical range that the composition does not have. `tests/benchmarks/` measures the first.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array, Closure, Rule, primitive, unchanged
from tinygrad_nn.primitives.special import sigmoid


@primitive
def dense(x: Array, weight: Array, *bias: Array, activation: Rule | None = None) -> tuple[Any, ...]:
    """Map affinely, then apply an activation: ``f(x W + b)`` for `x` (..., n), `weight` (n, m) and `bias` (m,).

    With ``d = g f'(x W + b)`` the gradients are ``d W^T``, ``x^T d`` and ``d``, the last two summed over the leading
    axes. The activation is the rule of another primitive. Fused for speed: one node instead of three for each layer.

    >>> import numpy as np
    >>> dense(np.ones((1, 2)), np.array([[1.0], [2.0]]), np.array([0.5]))
    array([[3.5]])
    """
    if x.ndim <= 2:
        return _of_rows(x, weight, bias, activation)
    # `numpy.dot` takes six times as long for a stack of matrices as for one that has all of their rows.
    shape, flat = x.shape, once(_rows)
    out, to_rows, *others = _of_rows(_rows(x), weight, bias, activation)
    return (
        out.reshape((*shape[:-1], out.shape[-1])),
        lambda g: to_rows(flat(g)).reshape(shape),
        *((lambda g, closure=closure: closure(flat(g))) for closure in others),
    )


def _of_rows(x: Array, weight: Array, bias: tuple[Array, ...], activation: Rule | None) -> tuple[Any, ...]:
    """Do what `dense` does for a matrix, or a single row, `x`."""
    # `numpy.dot` takes two thirds of the time of `@` for small matrices. (The method `x.dot` would be faster still, but
    # does not hand over to a Tensor.) Product and sum are one expression, because NumPy then adds in place.
    out = np.dot(x, weight) + bias[0] if bias else np.dot(x, weight)
    slope: Closure = unchanged
    if activation is not None:
        out, slope = activation(out)
        slope = once(slope)
    to_x = lambda g: np.dot(slope(g), weight.T)  # noqa: E731 - closures without a name are what a rule returns
    to_weight = lambda g: np.dot(_rows(x).T, _rows(slope(g)))  # noqa: E731
    return (out, to_x, to_weight, lambda g: _sum_of_rows(_rows(slope(g)))) if bias else (out, to_x, to_weight)


def _rows(a: Array) -> Array:
    """Return `a` as a matrix whose rows are its vectors along the last axis."""
    return a if a.ndim == 2 else a.reshape((math.prod(a.shape[:-1]), a.shape[-1]))


def _sum_of_rows(g: Array) -> Array:
    """Sum a matrix over its rows, as a product with ones: in half the time of `numpy.sum`, or a quarter."""
    return np.dot(g.T, _ones(len(g), g.dtype.char))


@functools.lru_cache(maxsize=64)
def _ones(count: int, kind: str) -> Array:
    return np.ones(count, kind)


def once(closure: Callable[[Array], Any]) -> Callable[[Array], Any]:
    """Return `closure` with a memory of its last result, for what the closures of several operands start from.

    Only raw arrays are remembered: whether a Tensor is recorded depends on when it was computed.
    """
    given: Array | None = None
    result: Any

    def remembering(g: Array) -> Any:
        nonlocal given, result
        if g is not given:
            result = closure(g)
            given = g if type(result[0] if type(result) is tuple else result) is np.ndarray else None
        return result

    return remembering


@primitive
def squared_error(prediction: Array, target: Array, /, count: int = 1) -> tuple[Any, ...]:
    """Sum squared differences: ``sum (p - t)^2 / count``, with gradients ``2 g (p - t) / count`` and its negative.

    Fused for speed: three nodes and their temporaries less in each step of a small network.

    >>> import numpy as np
    >>> float(squared_error(np.array([1.0, 3.0]), np.array([0.0, 1.0])))
    5.0
    """
    difference = prediction - target
    flat = difference.reshape(-1)
    return np.dot(flat, flat) / count, lambda g: 2 / count * g * difference, lambda g: -2 / count * g * difference


@primitive
def softmax(a: Array, /, axis: int = -1) -> tuple[Any, ...]:
    """Normalise exponentials: ``e^a / sum e^a`` along `axis`, with gradient ``s (g - sum g s)``.

    Fused for range: the maximum is taken off first, so that no exponential overflows, and needs no gradient.

    >>> import numpy as np
    >>> softmax(np.array([1000.0, 1000.0, -1000.0]))
    array([0.5, 0.5, 0. ])
    """
    exponentials = np.exp(a - np.max(a, axis=axis, keepdims=True))
    out = exponentials / np.sum(exponentials, axis=axis, keepdims=True)
    return out, lambda g: out * (g - np.sum(g * out, axis=axis, keepdims=True))


@primitive
def log_softmax(a: Array, /, axis: int = -1) -> tuple[Any, ...]:
    """Take the logarithm of `softmax`: ``a - log sum e^a``, with gradient ``g - e^out sum g``.

    Fused for range: ``log(softmax(a))`` is -inf where the softmax underflows to 0.

    >>> import numpy as np
    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    shifted = a - np.max(a, axis=axis, keepdims=True)
    out = shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
    return out, lambda g: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True)


@primitive
def binary_cross_entropy(probability: Array, target: Array) -> tuple[Any, ...]:
    """Return ``-(t log p + (1 - t) log(1 - p))`` elementwise, with gradient ``g ((1 - t) / (1 - p) - t / p)``.

    Fused for range: at a probability of exactly 0 or 1 the composition is ``0 * inf``. The logarithms are cut off at
    -100, the quotients at a denominator of 1e-12; ``log(maximum(p, eps))`` would be finite too, but has slope 0 there
    and could not learn from the worst mistakes.

    >>> import numpy as np
    >>> binary_cross_entropy(np.array([1.0, 1.0]), np.array([1.0, 0.0]))
    array([ -0., 100.])
    """
    tiny = np.finfo(probability.dtype).smallest_subnormal  # the logarithm of the smallest normal float32 is only -87
    log_p = np.maximum(np.log(np.maximum(probability, tiny)), -100)
    log_q = np.maximum(np.log(np.maximum(1 - probability, tiny)), -100)

    def closure(g: Array) -> Array:
        q = np.maximum(1 - probability, 1e-12)
        return g * ((1 - target) / q - target / np.maximum(probability, 1e-12))

    return -(target * log_p + (1 - target) * log_q), closure, lambda g: g * (log_q - log_p)


@primitive
def binary_cross_entropy_with_logits(logits: Array, target: Array) -> tuple[Any, ...]:
    """Return ``max(z, 0) - z t + log(1 + e^-|z|)`` elementwise, with gradients ``g (sigmoid(z) - t)`` and ``-g z``.

    Fused for range: it is finite for every finite logit, where ``-log(sigmoid(z))`` is infinite from -745 on.

    >>> import numpy as np
    >>> binary_cross_entropy_with_logits(np.array([1000.0, -1000.0]), np.array([1.0, 1.0]))
    array([   0., 1000.])
    """
    out = np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.absolute(logits)))

    return out, lambda g: g * (sigmoid(logits) - target), lambda g: -g * logits
