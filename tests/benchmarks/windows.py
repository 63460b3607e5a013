"""Convolution and pooling, forward and back, against PyTorch on one thread.

Run it with ``python -m tests.benchmarks.windows``; it prints a table and fails where a ratio is above its limit. It
needs PyTorch, which the extra `reference` brings.

The layers are those of LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998) on 64 images of 28 x 28 pixels; the second
convolution also stands on images without pooling before it, where it has four times as much to do. The first one's
input needs no gradient, as in training.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported, which reads it then; PyTorch gets one thread too

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_nn as tn
from tests.benchmarks.timing import compare
from tinygrad_nn import nn

try:
    import torch
    from torch.nn import functional
except ImportError:
    sys.exit(
        "tests.benchmarks.windows: expected PyTorch to compare with, but it is not installed. "
        "Install it with pip install '.[reference]'"
    )

Pair = tuple[Callable[[], object], Callable[[], object]]

rng = np.random.default_rng(0)


def pair(ours: Any, theirs: Any, shapes: list[tuple[int, ...]], dtype: str, *, constants: int = 0) -> Pair:
    """Return a forward and a backward pass of each: of all operands but the first `constants` of them."""
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    mine = [tn.Tensor(array, requires_grad=i >= constants) for i, array in enumerate(arrays)]
    other = [torch.tensor(array, requires_grad=i >= constants) for i, array in enumerate(arrays)]
    y = ours(*mine)
    seed = rng.standard_normal(y.shape).astype(dtype)
    other_seed = torch.tensor(seed)
    rtol = 1e-3 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(y.numpy(), theirs(*other).detach().numpy(), rtol=rtol, atol=rtol)

    def our_step() -> None:
        for tensor in mine:
            tensor.zero_grad()
        ours(*mine).backward(seed)

    def their_step() -> None:
        for tensor in other:
            tensor.grad = None
        theirs(*other).backward(other_seed)

    our_step()
    their_step()
    for tensor, twin in zip(mine[constants:], other[constants:], strict=True):
        np.testing.assert_allclose(tensor.grad, twin.grad.numpy(), rtol=rtol, atol=100 * rtol)
    return our_step, their_step


def front(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    """Return what LeNet's dense layers start from."""
    hidden = nn.max_pool(nn.relu(nn.conv(x, w1, b1)), 2)
    return nn.max_pool(nn.relu(nn.conv(hidden, w2, b2)), 2)


def their_front(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    """Return the same by PyTorch."""
    hidden = functional.max_pool2d(functional.relu(functional.conv2d(x, w1, b1)), 2)
    return functional.max_pool2d(functional.relu(functional.conv2d(hidden, w2, b2)), 2)


def our_pool(x: Any) -> Any:
    """Pool over windows of 2 x 2."""
    return nn.max_pool(x, 2)


def their_pool(x: Any) -> Any:
    """Pool over windows of 2 x 2 by PyTorch."""
    return functional.max_pool2d(x, 2)


FIRST, SECOND = [(6, 1, 5, 5), (6,)], [(16, 6, 5, 5), (16,)]

CASES: dict[str, Callable[[str], Pair]] = {
    "conv 1 -> 6, 28 x 28": lambda dtype: pair(
        nn.conv, functional.conv2d, [(64, 1, 28, 28), *FIRST], dtype, constants=1
    ),
    "conv 6 -> 16, 12 x 12": lambda dtype: pair(nn.conv, functional.conv2d, [(64, 6, 12, 12), *SECOND], dtype),
    "conv 6 -> 16, 24 x 24": lambda dtype: pair(nn.conv, functional.conv2d, [(64, 6, 24, 24), *SECOND], dtype),
    "max_pool 2 x 2, 24 x 24": lambda dtype: pair(our_pool, their_pool, [(64, 6, 24, 24)], dtype),
    "LeNet front": lambda dtype: pair(front, their_front, [(64, 1, 28, 28), *FIRST, *SECOND], dtype, constants=1),
}

LIMIT = 3.0


def main() -> int:
    """Print the table; return 1 if a ratio is above the limit."""
    torch.set_num_threads(1)
    failed = 0
    print(f"{'':26}{'dtype':10}{'ours (ms)':>12}{'PyTorch (ms)':>14}{'ratio':>8}{'limit':>8}")
    for name, make in CASES.items():
        for dtype in ("float32", "float64"):
            result = compare(*make(dtype))
            failed |= result.ratio > LIMIT
            mark = "" if result.ratio <= LIMIT else "  above"
            ours, theirs = result.ours / 1000, result.theirs / 1000
            print(f"{name:26}{dtype:10}{ours:12.2f}{theirs:14.2f}{result.ratio:8.2f}{LIMIT:8.2f}{mark}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
