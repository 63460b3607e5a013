"""Recurrent layers and a transformer block, forward and back, against hand-written NumPy and PyTorch on one thread.

Run it with ``python -m tests.benchmarks.networks``; it prints a table and fails where a ratio is above its limit. It
needs PyTorch, which the extra `reference` brings. The input needs no gradient, as in the first layer of a network.

The LSTM is hand-written as a tutorial writes back-propagation through time; "composed" is the same layer made of Tensor
operations, which is what the fused rule in `primitives/recurrence.py` has to beat. Of a transformer block nobody writes
the gradients by hand, so there the other side is PyTorch alone.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported, which reads it then; PyTorch gets one thread too

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks.timing import compare
from tinygrad_nn import nn

try:
    import torch
except ImportError:
    sys.exit(
        "tests.benchmarks.networks: expected PyTorch to compare with, but it is not installed. "
        "Install it with pip install '.[reference]'"
    )

Step = Callable[[], Any]
"""A forward and a backward pass; returns the gradients of the weights."""

BATCH, STEPS, HIDDEN = 32, 32, 64


def sigmoid(x: Any) -> Any:
    """Return the logistic function, as every tutorial writes it."""
    return 1 / (1 + np.exp(-x))


def normal(*shape: int, dtype: str) -> Any:
    """Return the same random numbers at each call."""
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def stepped(layer: nn.Module, x: Any, seed: Any) -> Step:
    """Return a pass of a layer of ours."""

    def step() -> list[Any]:
        layer.zero_grad()
        layer(x).backward(seed)
        return [parameter.grad for parameter in layer.parameters()]

    return step


def stepped_there(layer: Any, x: Any, seed: Any) -> Step:
    """Return a pass of a layer of PyTorch's; of several results, the first counts."""
    given, cotangent = torch.tensor(x), torch.tensor(seed)

    def step() -> list[Any]:
        layer.zero_grad()
        out = layer(given)
        (out[0] if isinstance(out, tuple) else out).backward(cotangent)
        return [parameter.grad.numpy() for parameter in layer.parameters()]

    return step


def by_hand(state: dict[str, Any], x: Any, seed: Any) -> Step:
    """Return a pass of an LSTM, hand-written."""
    w, u, b, b_h = state["weight_ih_l0"], state["weight_hh_l0"], state["bias_ih_l0"], state["bias_hh_l0"]
    n = HIDDEN

    def step() -> list[Any]:
        h = c = np.zeros((BATCH, n), x.dtype)
        z = x @ w.T + (b + b_h)
        saved = []
        for t in range(STEPS):
            a = z[:, t] + h @ u.T
            i, f, g, o = (
                sigmoid(a[:, :n]),
                sigmoid(a[:, n : 2 * n]),
                np.tanh(a[:, 2 * n : 3 * n]),
                sigmoid(a[:, 3 * n :]),
            )
            new_c = f * c + i * g
            tanh_c = np.tanh(new_c)
            saved.append((h, c, i, f, g, o, tanh_c))
            h, c = o * tanh_c, new_c
        d_z, d_u = np.empty_like(z), np.zeros_like(u)
        d_h = d_c = np.zeros((BATCH, n), x.dtype)
        for t in reversed(range(STEPS)):
            h, c, i, f, g, o, tanh_c = saved[t]
            d_h = d_h + seed[:, t]
            d_c = d_c + d_h * o * (1 - tanh_c**2)
            d = d_z[:, t]
            d[:, :n] = d_c * g * i * (1 - i)
            d[:, n : 2 * n] = d_c * c * f * (1 - f)
            d[:, 2 * n : 3 * n] = d_c * i * (1 - g**2)
            d[:, 3 * n :] = d_h * tanh_c * o * (1 - o)
            d_u += d.T @ h
            d_h, d_c = d @ u, d_c * f
        d_b = d_z.sum(axis=(0, 1))
        return [d_z.reshape(-1, 4 * n).T @ x.reshape(-1, n), d_u, d_b, d_b]

    return step


class ComposedLSTM(nn.Module):
    """An LSTM made of Tensor operations alone."""

    def __init__(self, layer: nn.LSTM) -> None:
        """Share the weights of `layer`."""
        self.layer = layer

    def forward(self, x: Any) -> Any:
        """Return the outputs of all steps."""
        w, u, b, b_h = self.layer.parameters()
        h = c = np.zeros((BATCH, HIDDEN), x.dtype)
        z = x @ w.T + b
        outputs = []
        for t in range(STEPS):
            i, f, g, o = np.split(z[:, t] + (h @ u.T + b_h), 4, axis=1)
            c = nn.sigmoid(f) * c + nn.sigmoid(i) * np.tanh(g)
            h = nn.sigmoid(o) * np.tanh(c)
            outputs.append(h)
        return np.stack(outputs, axis=1)


def lstm(dtype: str) -> dict[str, Step]:
    """LSTM of 64 neurons on 32 sequences of 32 steps."""
    layer = nn.LSTM(HIDDEN, HIDDEN, returns="outputs", rng=np.random.default_rng(0)).astype(dtype)
    x, seed = normal(BATCH, STEPS, HIDDEN, dtype=dtype), normal(BATCH, STEPS, HIDDEN, dtype=dtype)
    twin = torch.nn.LSTM(HIDDEN, HIDDEN, batch_first=True).to(getattr(torch, dtype))
    twin.load_state_dict({name: torch.tensor(array) for name, array in layer.state_dict().items()})
    return {
        "ours": stepped(layer, x, seed),
        "NumPy": by_hand(layer.state_dict(), x, seed),
        "composed": stepped(ComposedLSTM(layer), x, seed),
        "PyTorch": stepped_there(twin, x, seed),
    }


def gru(dtype: str) -> dict[str, Step]:
    """GRU of the same size."""
    layer = nn.GRU(HIDDEN, HIDDEN, returns="outputs", rng=np.random.default_rng(0)).astype(dtype)
    x, seed = normal(BATCH, STEPS, HIDDEN, dtype=dtype), normal(BATCH, STEPS, HIDDEN, dtype=dtype)
    twin = torch.nn.GRU(HIDDEN, HIDDEN, batch_first=True).to(getattr(torch, dtype))
    twin.load_state_dict({name: torch.tensor(array) for name, array in layer.state_dict().items()})
    return {"ours": stepped(layer, x, seed), "PyTorch": stepped_there(twin, x, seed)}


def transformer(dtype: str) -> dict[str, Step]:
    """Transformer block of 4 heads on 8 sequences of 64 tokens of 128 features."""
    block = nn.TransformerBlock(128, 4, 512, rng=np.random.default_rng(0)).astype(dtype)
    x, seed = normal(8, 64, 128, dtype=dtype), normal(64, 8, 128, dtype=dtype).swapaxes(0, 1)
    twin = torch.nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True).to(getattr(torch, dtype))
    dense = {id(part.weight) for _, part in block.named_modules() if isinstance(part, nn.Dense)}
    parameters = dict(block.named_parameters())
    twin.load_state_dict(
        {name: torch.tensor(p.numpy().T if id(p) in dense else p.numpy()) for name, p in parameters.items()}
    )
    order, theirs = list(parameters), stepped_there(twin, x, seed)

    def their_step() -> list[Any]:
        theirs()
        gradients = {name: p.grad.numpy() for name, p in twin.named_parameters()}
        return [gradients[name].T if id(parameters[name]) in dense else gradients[name] for name in order]

    return {"ours": stepped(block, x, seed), "PyTorch": their_step}


LIMITS: dict[Callable[[str], dict[str, Step]], dict[str, float]] = {
    lstm: {"NumPy": 1.5, "composed": 0.7, "PyTorch": 2.0},
    gru: {"PyTorch": 1.5},
    transformer: {"PyTorch": 1.5},
}


def main() -> int:
    """Print the table; return 1 if a ratio is above its limit."""
    torch.set_num_threads(1)
    failed = 0
    print(f"{'':12}{'dtype':10}{'against':10}{'ours (ms)':>12}{'theirs (ms)':>12}{'ratio':>8}{'limit':>8}")
    for make, limits in LIMITS.items():
        if sys.argv[1:] and make.__name__ not in sys.argv[1:]:
            continue
        for dtype in ("float32", "float64"):
            steps = make(dtype)
            ours = steps["ours"]
            for name, limit in limits.items():
                rtol = 1e-3 if dtype == "float32" else 1e-9
                for found, expected in zip(ours(), steps[name](), strict=True):
                    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)
                result = compare(ours, steps[name])
                failed |= result.ratio > limit
                mark = "" if result.ratio <= limit else "  above"
                times = f"{result.ours / 1000:12.2f}{result.theirs / 1000:12.2f}"
                print(f"{make.__name__:12}{dtype:10}{name:10}{times}{result.ratio:8.2f}{limit:8.2f}{mark}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
