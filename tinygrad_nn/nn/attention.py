"""Attention, and the transformer block that is made of it: each step of a sequence looks at all others at once.

Sequences are (samples, steps, features). Masks say with True what may be attended to, as PyTorch's function of the same
name has it and ``where=`` in NumPy; PyTorch's *layers* mean the opposite by theirs.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_nn.conversion import get_default_dtype
from tinygrad_nn.errors import ArgumentError, DtypeError, ShapeError
from tinygrad_nn.nn import activations
from tinygrad_nn.nn import init as initializers
from tinygrad_nn.nn.dense import Dense
from tinygrad_nn.nn.dropout import Dropout
from tinygrad_nn.nn.module import Module, Parameter
from tinygrad_nn.nn.normalization import LayerNorm
from tinygrad_nn.primitive import PRIMITIVES, Array
from tinygrad_nn.primitives.fused import softmax
from tinygrad_nn.recording import record
from tinygrad_nn.tensor import Operand, raw

_DENSE = PRIMITIVES["dense"]


def scaled_dot_product_attention(
    query: Operand,
    key: Operand,
    value: Operand,
    attn_mask: Operand | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    dropout: Callable[[Any], Any] | None = None,
) -> Any:
    """Average values, each weighted by how well its key fits the query: ``softmax(scale q k^T) v``.

    Source: Vaswani et al., "Attention is all you need", 2017.

    Args:
        query: of shape (..., T, E).
        key: of shape (..., S, E).
        value: of shape (..., S, V).
        attn_mask: of a shape that broadcasts to (..., T, S): True where a query may attend to a key. A query that may
            attend to none gets zeros.
        is_causal: whether query t may attend to the keys up to t only, also where `attn_mask` allows more.
        scale: a factor; ``1 / sqrt(E)`` when None.
        dropout: applied to the weights, such as a `Dropout` layer.

    Returns:
        an array of shape (..., T, V).

    Raises:
        ShapeError: the shapes do not fit one another.
        DtypeError: a mask of another dtype than bool.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> keys = np.array([[10.0, 0.0], [0.0, 10.0]])
    >>> nn.scaled_dot_product_attention(10 * keys, keys, np.array([[1.0], [2.0]]))
    array([[1.],
           [2.]])
    >>> nn.scaled_dot_product_attention(0 * keys, keys, np.array([[1.0], [2.0]]), is_causal=True)
    array([[1. ],
           [1.5]])

    """
    q, k, v = np.shape(query), np.shape(key), np.shape(value)
    if min(len(q), len(k), len(v)) < 2 or q[-1] != k[-1] or k[-2] != v[-2]:
        message = (
            f"scaled_dot_product_attention: expected a query (..., T, E), a key (..., S, E) and a value (..., S, V), "
            f"got shapes {q}, {k} and {v}. Key and query have as many features, key and value as many steps"
        )
        raise ShapeError(message)
    factor = 1 / math.sqrt(q[-1]) if scale is None else scale
    scores = np.matmul(np.multiply(query, factor), np.swapaxes(key, -1, -2))
    allowed = _allowed(attn_mask, is_causal, scores.shape)
    if allowed is None:
        weights = softmax(scores)
    else:
        # Zeros and minus infinities that are added leave the gradient alone, where `numpy.where` would select it. A
        # row of infinities alone would be nan, and becomes one of zeros behind the softmax.
        is_open = np.any(allowed, axis=-1, keepdims=True)
        weights = softmax(scores + np.where(allowed | ~is_open, 0, -np.inf).astype(scores.dtype))
        if not np.all(is_open):
            weights = weights * is_open.astype(scores.dtype)
    return np.matmul(weights if dropout is None else dropout(weights), value)


def _allowed(mask: Operand | None, is_causal: bool, shape: tuple[int, ...]) -> Array | None:
    """Return what may be attended to, of a shape that broadcasts to that of the scores; None for everything."""
    allowed = np.tri(shape[-2], shape[-1], dtype=np.bool_) if is_causal else None
    if mask is None:
        return allowed
    given: Array = np.asarray(raw(mask))
    if given.dtype != bool:
        message = (
            f"scaled_dot_product_attention: expected 'attn_mask' of dtype bool, True where a query may attend to a "
            f"key, got {given.dtype}. Write mask.astype(bool), or mask >= 0 for one of zeros and minus infinities"
        )
        raise DtypeError(message)
    if len(given.shape) > len(shape) or any(m not in (1, n) for m, n in zip(given.shape[::-1], shape[::-1])):
        message = (
            f"scaled_dot_product_attention: expected 'attn_mask' of a shape that broadcasts to {shape}, (queries, "
            f"keys) last, got {given.shape}. For one of keys that differ from sample to sample write "
            f"mask[:, None, None, :] before heads, mask[:, None, :] without"
        )
        raise ShapeError(message)
    return given if allowed is None else given & allowed


class MultiheadAttention(Module):
    """Attend several times side by side, each head to features of its own, and mix what they found.

    Each of the H heads is `scaled_dot_product_attention` on its E / H of the features of ``query W_q^T + b_q``, and of
    key and value likewise; the heads side by side go through `out_proj`. Source: Vaswani et al., 2017.

    Args:
        embed_dim: the number E of features of queries, keys, values and results.
        num_heads: H, a divisor of E.
        dropout: the chance of each weight to be 0, in training.
        bias: whether there are biases.
        rng: where weights and dropout come from; a freshly seeded generator when None.

    Attributes:
        in_proj_weight: ``W_q``, ``W_k`` and ``W_v``, one below the other, of shape (3 E, E), as PyTorch has it.
        in_proj_bias: of shape (3 E,), or None.
        out_proj: a `Dense` layer.

    Raises:
        ArgumentError: a number out of its range, or heads that do not divide the features.
        ShapeError: on a call with other shapes.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> layer = nn.MultiheadAttention(8, 2, rng=np.random.default_rng(0))
    >>> layer(np.ones((3, 5, 8))).shape
    (3, 5, 8)

    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Draw the weights."""
        if min(embed_dim, num_heads) < 1 or embed_dim % num_heads:
            message = (
                f"MultiheadAttention: expected 'num_heads' to divide 'embed_dim', both at least 1, got {num_heads} and "
                f"{embed_dim}"
            )
            raise ArgumentError(message)
        self.embed_dim, self.num_heads = embed_dim, num_heads
        rng, dtype = rng or np.random.default_rng(), get_default_dtype()
        weight = initializers.glorot_uniform((3 * embed_dim, embed_dim), rng)
        self.in_proj_weight = Parameter(weight.astype(dtype, copy=False))
        self.in_proj_bias = Parameter(np.zeros(3 * embed_dim, dtype)) if bias else None
        self.out_proj = Dense(embed_dim, embed_dim, bias=bias, rng=rng)
        self.dropout = Dropout(dropout, rng=rng) if dropout else None

    def forward(
        self,
        query: Operand,
        key: Operand | None = None,
        value: Operand | None = None,
        attn_mask: Operand | None = None,
        is_causal: bool = False,
    ) -> Any:
        """Attend.

        Args:
            query: of shape (N, T, E).
            key: of shape (N, S, E); the query itself when None, which is self-attention.
            value: of shape (N, S, E); the key when None.
            attn_mask: True where a query may attend to a key, of a shape that broadcasts to (N, H, T, S): (T, S) for
                all samples, (N, 1, 1, S) for keys that some samples lack.
            is_causal: whether each step may attend only to itself and earlier ones.

        """
        key = query if key is None else key
        q, k, v = (
            self._heads(x, slice(place * self.embed_dim, (place + 1) * self.embed_dim))
            for place, x in enumerate((query, key, key if value is None else value))
        )
        found = scaled_dot_product_attention(q, k, v, attn_mask, is_causal, dropout=self.dropout)
        samples, _, steps, _ = found.shape
        return self.out_proj(np.reshape(np.swapaxes(found, 1, 2), (samples, steps, self.embed_dim)))

    def _heads(self, x: Operand, rows: slice) -> Any:
        """Project sequences by some rows of the weight, and give each head its features: (N, H, T, E / H)."""
        shape = np.shape(x)
        if len(shape) != 3 or shape[2] != self.embed_dim:
            message = (
                f"MultiheadAttention: expected sequences of shape (samples, steps, {self.embed_dim}), got shape "
                f"{shape}. Write x[None] for a single sequence, np.swapaxes(x, 0, 1) for steps first"
            )
            raise ShapeError(message)
        bias = () if self.in_proj_bias is None else (self.in_proj_bias[rows],)
        projected = record(_DENSE, (x, self.in_proj_weight[rows].T, *bias))
        return np.swapaxes(np.reshape(projected, (*shape[:2], self.num_heads, -1)), 1, 2)

    def extra_repr(self) -> str:
        """Show the sizes."""
        return f"{self.embed_dim}, {self.num_heads}"


class TransformerBlock(Module):
    """Attend to the sequence itself, then transform each step on its own, each on top of what came in.

    With ``f(x) = linear2(a(linear1(x)))`` it is ``x = norm1(x + self_attn(x))``, then ``norm2(x + f(x))``; with
    `norm_first` it is ``x = x + self_attn(norm1(x))``, then ``x + f(norm2(x))``, which trains without a warm-up of the
    learning rate (Xiong et al., "On layer normalization in the transformer architecture", 2020). It is what PyTorch
    calls TransformerEncoderLayer, with the names of its parts; with `is_causal` it is the block of language models.

    Args:
        embed_dim: the number E of features.
        num_heads: the number of heads, a divisor of E.
        dim_feedforward: the number of neurons of ``linear1``; 4 E when None.
        dropout: the chance of each of the weights and of what is added to be 0, in training.
        activation: ``a``: a name such as "gelu", a function or a layer.
        norm_first: where the `LayerNorm` layers stand.
        rng: where weights and dropout come from; a freshly seeded generator when None.

    Raises:
        ArgumentError: a number out of its range, or an unknown activation.
        ShapeError: on a call with another shape.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> block = nn.TransformerBlock(8, 2, activation="gelu", norm_first=True, rng=np.random.default_rng(0))
    >>> block(np.ones((3, 5, 8)), is_causal=True).shape
    (3, 5, 8)

    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dim_feedforward: int | None = None,
        dropout: float = 0.0,
        activation: activations.Activation = "relu",
        norm_first: bool = False,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Make the parts."""
        rng = rng or np.random.default_rng()
        neurons = 4 * embed_dim if dim_feedforward is None else dim_feedforward
        self.norm_first = norm_first
        self.self_attn = MultiheadAttention(embed_dim, num_heads, dropout, rng=rng)
        self.linear1 = Dense(embed_dim, neurons, activation=activation, rng=rng)
        self.linear2 = Dense(neurons, embed_dim, rng=rng)
        self.norm1, self.norm2 = LayerNorm(embed_dim), LayerNorm(embed_dim)
        self.dropout = Dropout(dropout, rng=rng)

    def forward(self, x: Operand, attn_mask: Operand | None = None, is_causal: bool = False) -> Any:
        """Transform sequences of shape (N, T, E); the mask is that of `MultiheadAttention`."""

        def attend(x: Any) -> Any:
            return self.dropout(self.self_attn(x, attn_mask=attn_mask, is_causal=is_causal))

        def transform(x: Any) -> Any:
            return self.dropout(self.linear2(self.dropout(self.linear1(x))))

        if self.norm_first:
            x = x + attend(self.norm1(x))
            return x + transform(self.norm2(x))
        x = self.norm1(x + attend(x))
        return self.norm2(x + transform(x))


class PositionalEncoding(Module):
    """Add to each step what tells its place: ``sin(t / 10000^(2 i / E))`` in feature 2 i and the cosine in 2 i + 1.

    Attention takes a sequence for a set: without this, its results move with the steps. It has no parameters and takes
    sequences (..., T, E) of any length. Source: Vaswani et al., "Attention is all you need", 2017.

    Args:
        embed_dim: the number E of features.

    Raises:
        ArgumentError: a number below 1.
        ShapeError: on a call with another number of features.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.PositionalEncoding(2)(np.zeros((1, 3, 2))).round(2)
    array([[[ 0.  ,  1.  ],
            [ 0.84,  0.54],
            [ 0.91, -0.42]]])

    """

    def __init__(self, embed_dim: int) -> None:
        """Keep the number of features."""
        if embed_dim < 1:
            message = f"PositionalEncoding: expected at least 1 feature, got {embed_dim}"
            raise ArgumentError(message)
        self.embed_dim = embed_dim

    def forward(self, x: Operand) -> Any:
        """Add the table of sines and cosines."""
        shape = np.shape(x)
        if len(shape) < 2 or shape[-1] != self.embed_dim:
            message = (
                f"PositionalEncoding: expected sequences of shape (..., steps, {self.embed_dim}), got shape {shape}. "
                f"Embed the steps first, or build the layer for {shape[-1] if shape else 1} features"
            )
            raise ShapeError(message)
        table = _sinusoids(shape[-2], self.embed_dim)
        dtype = getattr(x, "dtype", table.dtype)
        return x + (table.astype(dtype, copy=False) if dtype.kind == "f" else table)

    def extra_repr(self) -> str:
        """Show the number of features."""
        return f"{self.embed_dim}"


@functools.lru_cache(maxsize=8)
def _sinusoids(steps: int, features: int) -> Array:
    pairs = np.arange(features) // 2
    angles = np.arange(steps)[:, None] / 10000 ** (2 * pairs / features)
    table = np.where(np.arange(features) % 2, np.cos(angles), np.sin(angles))
    table.flags.writeable = False  # it is the same for all calls
    return table
