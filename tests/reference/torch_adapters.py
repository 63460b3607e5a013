"""PyTorch's functions, called as NumPy's are.

An option that PyTorch lacks is no parameter here, and so a TypeError: a sample with it is not compared.
"""

import math

import numpy as np
import torch
from torch.nn import functional

from tinygrad_nn.primitive import PRIMITIVES

linalg = torch.linalg


def tensor(x):
    """Return a number or array as a Tensor."""
    return x if isinstance(x, torch.Tensor) else torch.as_tensor(x, dtype=torch.float64 if type(x) is float else None)


def of_tensors(function):
    """Let a function that takes Tensors only take numbers too."""
    return lambda *operands: function(*map(tensor, operands))


def along(function):
    """Let a function that reduces the last dimension reduce axes: none of them, one, several, or all."""

    def reduced(a, axis=None, keepdims=False, **options):
        axes = range(a.ndim) if axis is None or not a.ndim else [i % a.ndim for i in np.ravel(axis).astype(int)]
        rest = [i for i in range(a.ndim) if i not in axes]
        lengths = [a.shape[i] for i in rest]
        out = function(a.permute((*rest, *axes)).reshape((*lengths, math.prod(a.shape[i] for i in axes))), **options)
        kept = [1 if i in axes else n for i, n in enumerate(a.shape)]
        return out.reshape((*out.shape[: out.ndim - len(rest)], *kept)) if keepdims else out

    return reduced


def quantiles(function, scale=1.0):
    def quantile(a, q, axis=None, keepdims=False):
        q = torch.as_tensor(q, dtype=torch.float64) / scale

        def last(b):
            return function(b, q.reshape(-1), dim=-1).reshape((*q.shape, *b.shape[:-1]))

        return along(last)(a, axis, keepdims)

    return quantile


def scan(function, default=None):
    """Let a function along one dimension take all elements as one line where the axis is None."""

    def scanned(a, axis=default, **options):
        return function(a.reshape(-1), 0, **options) if axis is None else function(a, axis, **options)

    return scanned


def indexed(index):
    """Return an index of NumPy as one of PyTorch's."""
    if isinstance(index, tuple):
        return tuple(map(indexed, index))
    return torch.from_numpy(np.asarray(index)) if isinstance(index, (np.ndarray, np.bool)) else index


def gradient_at_zeros(function, shape, g):
    """Carry `g` back through a linear function of an array of this shape."""
    zeros = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(function(zeros), zeros, g, create_graph=True)[0]


def getitem(a, index):
    return a[indexed(index)]


def take(a, indices, axis=None):
    indices = torch.as_tensor(indices)
    if axis is None:
        return torch.take(a, indices)
    axis %= a.ndim
    out = torch.index_select(a, axis, indices.reshape(-1))
    return out.reshape((*a.shape[:axis], *indices.shape, *a.shape[axis + 1 :]))


def take_along_axis(arr, indices, axis=-1):
    return torch.take_along_dim(arr, indices, axis)


def extract(condition, a):
    condition = torch.as_tensor(condition).bool().reshape(-1)
    return torch.masked_select(a.reshape(-1)[: len(condition)], condition)


def set_at(x, values, index):
    out = x.clone()
    out[indexed(index)] = values
    return out


def update(x, values, index, ufunc):
    index = [torch.as_tensor(np.asarray(i)) for i in (index if isinstance(index, tuple) else (index,))]
    return {np.add: x.index_put}[ufunc](index, values, accumulate=True)


def clip(a, a_min=None, a_max=None, min=None, max=None):  # noqa: A002 - NumPy's names
    bounds = [b for b in (a_min, a_max, min, max) if b is not None]
    low, high = (min, max) if a_min is a_max is None else (a_min, a_max)
    if any(isinstance(b, torch.Tensor) for b in bounds):
        low, high = (b if b is None else tensor(b) for b in (low, high))
    return torch.clamp(a, low, high)


def trapezoid(y, x=None, dx=1.0, axis=-1):
    return torch.trapezoid(y, dx=dx, dim=axis) if x is None else torch.trapezoid(y, x, dim=axis)


def gradient(f, *spacing, axis=None, edge_order=1):
    axes = tuple(range(f.ndim)) if axis is None else np.atleast_1d(axis).tolist()
    out = torch.gradient(f, spacing=spacing or 1.0, dim=axes, edge_order=edge_order)
    return out if len(out) > 1 else out[0]


def flip(a, axis=None):
    return torch.flip(a, list(range(a.ndim)) if axis is None else np.atleast_1d(axis).tolist())


def pad(array, pad_width, mode="constant", constant_values=0):
    width = np.broadcast_to(np.array(pad_width), (array.ndim, 2))[::-1].ravel().tolist()
    if mode == "constant":
        return functional.pad(array, width, value=constant_values)
    mode = {"edge": "replicate", "wrap": "circular", "reflect": "reflect"}[mode]
    return functional.pad(array[None, None], width, mode)[0, 0]


def correlate(a, v, mode="valid"):
    padding = {"valid": 0, "full": len(v) - 1}[mode]
    return functional.conv1d(a.reshape(1, 1, -1), v[None, None], padding=padding)[0, 0]


def convolve(a, v, mode="full"):
    return correlate(a, v.flip(0), mode)


def conv(x, weight, padding, **options):
    width = [zeros for pair in reversed(padding) for zeros in pair]
    function = (functional.conv1d, functional.conv2d, functional.conv3d)[x.ndim - 3]
    return function(functional.pad(x, width), weight, **options)


def conv_input(g, weight, shape, **options):
    shape = (len(g), weight.shape[1] * options["groups"], *shape)
    return gradient_at_zeros(lambda x: conv(x, weight, **options), shape, g)


def conv_weight(g, x, window, **options):
    shape = (g.shape[1], x.shape[1] // options["groups"], *window)
    return gradient_at_zeros(lambda weight: conv(x, weight, **options), shape, g)


def pooling(*functions):
    """Let functions of one to three lengths pool the last axes of an array with any number of others."""

    def pool(x, window, stride, **options):
        lengths = x.shape[x.ndim - len(window) :]
        out = functions[len(window) - 1](x.reshape(-1, 1, *lengths), window, stride, **options)
        return out.reshape(*x.shape[: x.ndim - len(window)], *out.shape[2:])

    return pool


def sliding_window_view(x, window_shape, axis=None):
    axes = range(x.ndim) if axis is None else [i % x.ndim for i in np.atleast_1d(axis)]
    for i, n in zip(axes, np.atleast_1d(window_shape).tolist(), strict=True):
        x = x.unfold(i, n, 1)
    return x


def vander(x, N=None, increasing=False):  # noqa: N803 - NumPy's name
    powers = linalg.vander(x, N=N)
    return powers if increasing else powers.flip(-1)


def dot(a, b):
    return torch.tensordot(a, b, ([-1], [max(b.ndim - 2, 0)])) if a.ndim and b.ndim else a * b


def solve(a, b):
    """Solve for a vector if `b` has one axis, and for matrices otherwise, as NumPy does."""
    if b.ndim == 1:
        return linalg.solve(a, b[:, None].expand(*a.shape[:-2], -1, 1))[..., 0]
    return linalg.solve(a, b.reshape((1,) * (a.ndim - b.ndim) + b.shape))


def least_squares(a, b):
    return linalg.lstsq(a, b[:, None]).solution[:, 0] if b.ndim == 1 else linalg.lstsq(a, b).solution


def pinv(a, rcond=None, hermitian=False, rtol=None):
    return linalg.pinv(a, rtol=rtol if rcond is None else rcond, hermitian=hermitian)


def svd(a, full_matrices=True, compute_uv=True):
    return linalg.svd(a, full_matrices) if compute_uv else linalg.svdvals(a)


def standardize(a, weight=1.0, bias=0.0, axis=-1, eps=0.0):
    variance, mean = torch.var_mean(a, axis, correction=0, keepdim=True)
    return (a - mean) * torch.rsqrt(variance + eps) * weight + bias


def squared_error(p, t, count=1):
    return functional.mse_loss(p, t, reduction="sum") / count


def binary_cross_entropy(p, t):
    return functional.binary_cross_entropy(p, t.double(), reduction="none")


def binary_cross_entropy_with_logits(z, t):
    return functional.binary_cross_entropy_with_logits(z, t.double(), reduction="none")


ACTIVATIONS = {
    PRIMITIVES["tanh"].rule: torch.tanh,
    PRIMITIVES["sigmoid"].rule: torch.sigmoid,
    PRIMITIVES["relu"].rule: torch.relu,
    PRIMITIVES["softmax"].rule: lambda x: torch.softmax(x, -1),
    None: torch.clone,
}


def dense(x, weight, bias=None, activation=None):
    return ACTIVATIONS[activation](functional.linear(x, weight.T, bias))
