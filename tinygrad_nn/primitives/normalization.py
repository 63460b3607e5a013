"""`standardize`: the one operation behind batch and layer normalisation.

Fused for speed: of the composition every step writes an array of the size of the input, and a gradient for it. It takes
a third of the time, and `tests/benchmarks/networks.py` measures a transformer block, which has two.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array, primitive, unchanged
from tinygrad_nn.primitives.fused import once


@primitive
def standardize(a: Array, *affine: Array, axis: int | tuple[int, ...] = -1, eps: float = 0.0) -> tuple[Any, ...]:
    """Bring to mean 0 and variance 1 along `axis`, then scale and shift: ``w z + b`` for ``z = (a - mean) s``.

    Here ``s = 1 / sqrt(variance + eps)``, and `affine` is nothing, the scale w, or w and the shift b, which broadcast
    to `a`. With ``d = g w`` the gradient for `a` is ``s (d - mean d - z mean (d z))``, for w ``g z`` and for b ``g``.

    >>> import numpy as np
    >>> standardize(np.array([1.0, 3.0, 1.0, 3.0]))
    array([-1.,  1., -1.,  1.])
    >>> standardize(np.array([1.0, 3.0, 1.0, 3.0]), 2.0, 0.5)
    array([-1.5,  2.5, -1.5,  2.5])
    """
    axes = axis if isinstance(axis, tuple) else (axis,)
    centred = a - np.mean(a, axis=axes, keepdims=True)
    count = math.prod(a.shape[place] for place in axes)
    scale = 1 / np.sqrt(_dot(centred, centred, axes) / count + eps)
    z = centred * scale
    weight = affine[0] if affine else 1.0
    out = z if not affine else z * weight if len(affine) == 1 else z * weight + affine[1]
    if _is_constant_along(axes, np.shape(weight), a.ndim):
        # A scale for each channel comes out of the means, so that all three gradients share two sums.
        sums = once(lambda g: (_dot(g, z, axes), np.sum(g, axis=axes, keepdims=True)))

        def to_a(g: Array) -> Array:
            along_z, total = sums(g)
            return (g - (z * (along_z / count) + total / count)) * (scale * weight)

        return out, to_a, *(lambda g: sums(g)[0], lambda g: sums(g)[1])[: len(affine)]

    def to_varied(g: Array) -> Array:
        d = g * weight
        return scale * (d - np.mean(d, axis=axes, keepdims=True) - z * (_dot(d, z, axes) / count))

    return out, to_varied, *(lambda g: g * z, unchanged)[: len(affine)]


def _is_constant_along(axes: tuple[int, ...], shape: tuple[int, ...], ndim: int) -> bool:
    """Tell whether an array of `shape`, broadcast to `ndim` axes, is the same all along some of them."""
    lengths = (1,) * (ndim - len(shape)) + shape
    return all(lengths[place] == 1 for place in axes)


def _dot(a: Array, b: Array, axes: tuple[int, ...]) -> Array:
    """Sum products along `axes`, which stay as axes of length 1; the products are nowhere written down."""
    return np.expand_dims(np.einsum(_subscripts(a.ndim, axes), a, b), axes)


@functools.lru_cache(maxsize=64)
def _subscripts(ndim: int, axes: tuple[int, ...]) -> str:
    labels = "abcdefghijklmnopqrstuvwxyz"[:ndim]
    summed = {labels[place] for place in axes}
    return f"{labels},{labels}->{''.join(label for label in labels if label not in summed)}"
