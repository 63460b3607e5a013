"""Training steps of four networks against hand-written NumPy and PyTorch, all on one thread.

Run it with ``python -m tests.benchmarks.networks``, with names of networks behind it for these only; it prints a table
and fails where a ratio is above its limit. It needs PyTorch, which the extra `reference` brings.

A step is forward, loss, backward and Adam. All sides start from the same weights and must have the same loss and the
same gradients in each of the first steps. The hand-written networks are in `by_hand/`; a GRU is an LSTM by other
formulas, and has PyTorch beside it alone. "composed" is the LSTM made of Tensor operations, which is what the fused
rule in `primitives/recurrence.py` has to beat.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported, which reads it then; PyTorch gets one thread too

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.benchmarks.by_hand import adam, lenet, lstm, transformer
from tests.benchmarks.timing import compare
from tinygrad_nn import nn, optim

try:
    import torch
except ImportError:
    sys.exit(
        "tests.benchmarks.networks: expected PyTorch to compare with, but it is not installed. "
        "Install it with pip install '.[reference]'"
    )

LR = 1e-3
CHECKED = 3
"""How many steps must agree; behind the first one, they show the optimizers to agree too."""


class Side(NamedTuple):
    """A training step that returns the loss, and what returns the gradients that it left behind, as ours are laid."""

    step: Callable[[], float]
    gradients: Callable[[], list[Any]]


class Case(NamedTuple):
    """A network here and in PyTorch, its losses, its data, and loss and gradients by hand where they are written."""

    ours: nn.Module
    theirs: Any
    loss: Callable[[Any, Any], Any]
    their_loss: Callable[[Any, Any], Any]
    x: Any
    y: Any
    by_hand: Callable[[dict[str, Any], Any, Any], tuple[float, dict[str, Any]]] | None = None


def ours(model: nn.Module, case: Case) -> Side:
    """Train here."""
    parameters = model.parameters()
    optimizer = optim.Adam(parameters, lr=LR)

    def step() -> float:
        optimizer.zero_grad()
        loss = case.loss(model(case.x), case.y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return Side(step, lambda: [p.grad for p in parameters])


def in_numpy(case: Case) -> Side:
    """Train the network that is written by hand."""
    parameters = case.ours.state_dict()
    optimizer = adam.Adam(parameters, LR)
    gradients: dict[str, Any] = {}

    def step() -> float:
        loss, found = case.by_hand(parameters, case.x, case.y)
        optimizer.step(found)
        gradients.update(found)
        return loss

    return Side(step, lambda: [gradients[name] for name in parameters])


def in_torch(case: Case) -> Side:
    """Train in PyTorch, whose dense layers have their weights the other way round."""
    dense = {id(part.weight) for _, part in case.ours.named_modules() if isinstance(part, nn.Dense)}
    pairs = list(zip(case.ours.parameters(), case.theirs.parameters(), strict=True))
    with torch.no_grad():
        for p, twin in pairs:
            twin.copy_(torch.tensor(p.numpy().T if id(p) in dense else p.numpy()))
    optimizer = torch.optim.Adam(case.theirs.parameters(), lr=LR)
    x, y = torch.tensor(case.x), torch.tensor(case.y)

    def step() -> float:
        optimizer.zero_grad()
        loss = case.their_loss(case.theirs(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return Side(step, lambda: [(twin.grad.T if id(p) in dense else twin.grad).numpy() for p, twin in pairs])


class Recurrent(torch.nn.Module):
    """A recurrent layer of PyTorch and a dense one on its outputs of all steps."""

    def __init__(self, kind: str) -> None:
        """Make the layers."""
        super().__init__()
        self.recurrent = getattr(torch.nn, kind)(64, 64, batch_first=True)
        self.dense = torch.nn.Linear(64, 64)

    def forward(self, x: Any) -> Any:
        """Return what the dense layer makes of the outputs."""
        return self.dense(self.recurrent(x)[0])


class ComposedLSTM(nn.Module):
    """An LSTM made of Tensor operations alone."""

    def __init__(self, layer: nn.LSTM) -> None:
        """Share the weights of `layer`."""
        self.layer = layer

    def forward(self, x: Any) -> Any:
        """Return the outputs of all steps."""
        w, u, b, b_h = self.layer.parameters()
        h = c = np.zeros((len(x), u.shape[1]), x.dtype)
        z = x @ w.T + b
        outputs = []
        for t in range(x.shape[1]):
            i, f, g, o = np.split(z[:, t] + (h @ u.T + b_h), 4, axis=1)
            c = nn.sigmoid(f) * c + nn.sigmoid(i) * np.tanh(g)
            h = nn.sigmoid(o) * np.tanh(c)
            outputs.append(h)
        return np.stack(outputs, axis=1)


def lenet5(rng: np.random.Generator) -> Case:
    """LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998), with rectifiers and maxima, on 64 images of 28 x 28 pixels."""
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2, rng=rng), nn.ReLU(), nn.MaxPool(2),
        nn.Conv2d(6, 16, 5, rng=rng), nn.ReLU(), nn.MaxPool(2), nn.Flatten(),
        nn.Dense(400, 120, rng=rng), nn.ReLU(), nn.Dense(120, 84, rng=rng), nn.ReLU(), nn.Dense(84, 10, rng=rng),
    )  # fmt: skip  # a row a block
    twin = torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 5, padding=2), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(6, 16, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
        torch.nn.Linear(400, 120), torch.nn.ReLU(), torch.nn.Linear(120, 84), torch.nn.ReLU(), torch.nn.Linear(84, 10),
    )  # fmt: skip  # likewise
    x, y = rng.random((64, 1, 28, 28)), rng.integers(0, 10, 64)
    return Case(model, twin, nn.cross_entropy, torch.nn.functional.cross_entropy, x, y, lenet.loss_and_gradients)


def lstm64(rng: np.random.Generator) -> Case:
    """An LSTM of 64 neurons on 32 sequences of 32 steps, and a dense layer."""
    model = nn.Sequential(nn.LSTM(64, 64, returns="outputs", rng=rng), nn.Dense(64, 64, rng=rng))
    x, y = rng.standard_normal((2, 32, 32, 64))
    theirs, their_loss = Recurrent("LSTM"), torch.nn.functional.mse_loss
    return Case(model, theirs, nn.squared_error, their_loss, x, y, lstm.loss_and_gradients)


def gru64(rng: np.random.Generator) -> Case:
    """A GRU of the same size."""
    model = nn.Sequential(nn.GRU(64, 64, returns="outputs", rng=rng), nn.Dense(64, 64, rng=rng))
    x, y = rng.standard_normal((2, 32, 32, 64))
    return Case(model, Recurrent("GRU"), nn.squared_error, torch.nn.functional.mse_loss, x, y)


def transformer128(rng: np.random.Generator) -> Case:
    """A transformer block of 4 heads on 8 sequences of 64 tokens of 128 features."""
    model = nn.TransformerBlock(128, transformer.HEADS, 512, rng=rng)
    twin = torch.nn.TransformerEncoderLayer(128, transformer.HEADS, 512, dropout=0.0, batch_first=True)
    x, y = rng.standard_normal((2, 8, 64, 128))
    return Case(model, twin, nn.squared_error, torch.nn.functional.mse_loss, x, y, transformer.loss_and_gradients)


LIMITS: dict[Callable[[np.random.Generator], Case], dict[str, float]] = {
    lenet5: {"NumPy": 1.4, "PyTorch": 1.3},
    lstm64: {"NumPy": 1.3, "composed": 0.7, "PyTorch": 1.7},
    gru64: {"PyTorch": 1.2},
    transformer128: {"NumPy": 1.3, "PyTorch": 1.3},
}


def other(name: str, case: Case) -> Side:
    """Return what a case is compared with."""
    if name == "composed":
        recurrent, dense = (part for _, part in case.ours.named_children())
        return ours(nn.Sequential(ComposedLSTM(recurrent), dense), case)
    return in_numpy(case) if name == "NumPy" else in_torch(case)


def made(make: Callable[[np.random.Generator], Case], dtype: str) -> Case:
    """Return a case in a dtype, the same one at each call."""
    case = make(np.random.default_rng(0))
    y = case.y.astype(dtype) if case.y.dtype.kind == "f" else case.y
    theirs = case.theirs.to(getattr(torch, dtype))
    return case._replace(ours=case.ours.astype(dtype), theirs=theirs, x=case.x.astype(dtype), y=y)


def check(one: Side, two: Side, dtype: str) -> None:
    """Make the first steps of both, and refuse losses or gradients that differ."""
    rtol, atol = (1e-3, 1e-4) if dtype == "float32" else (1e-7, 1e-10)
    for _ in range(CHECKED):
        np.testing.assert_allclose(one.step(), two.step(), rtol=rtol)
        for found, expected in zip(one.gradients(), two.gradients(), strict=True):
            np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)


def main() -> int:
    """Print the table; return 1 if a ratio is above its limit."""
    torch.set_num_threads(1)
    failed = 0
    print(f"{'':16}{'dtype':10}{'against':10}{'ours (ms)':>12}{'theirs (ms)':>12}{'ratio':>8}{'limit':>8}")
    for make, limits in LIMITS.items():
        if sys.argv[1:] and make.__name__ not in sys.argv[1:]:
            continue
        for dtype in ("float32", "float64"):
            for name, limit in limits.items():
                case = made(make, dtype)
                theirs = other(name, made(make, dtype))
                mine = ours(case.ours, case)
                check(mine, theirs, dtype)
                result = compare(mine.step, theirs.step)
                failed |= result.ratio > limit
                mark = "" if result.ratio <= limit else "  above"
                times = f"{result.ours / 1000:12.2f}{result.theirs / 1000:12.2f}"
                print(f"{make.__name__:16}{dtype:10}{name:10}{times}{result.ratio:8.2f}{limit:8.2f}{mark}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
