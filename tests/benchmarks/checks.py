"""Checking a network of 2,000 parameters, in full and along random directions, against `torch.autograd.gradcheck`.

Run it with ``python -m tests.benchmarks.checks``; it prints a table and fails where a ratio is above its limit. It
needs PyTorch, which the extra `reference` brings. Both check the same network at the same parameters in one run. Then a
network of ten million parameters is checked, and the evaluations are counted.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported, which reads it then; PyTorch gets one thread too

import itertools
import sys
from typing import Any

import numpy as np

import tinygrad_nn as tn
from tests.benchmarks.timing import compare
from tinygrad_nn import nn
from tinygrad_nn.checking.study import Mode

try:
    import torch
except ImportError:
    sys.exit(
        "tests.benchmarks.checks: expected PyTorch to compare with, but it is not installed. "
        "Install it with pip install '.[reference]'"
    )

LIMITS: dict[Mode, float] = {"full": 1.0, "directional": 1 / 20}

EVALUATIONS = 100
"""How often a network of ten million parameters may be evaluated."""


def mlp(*widths: int) -> nn.Sequential:
    """Return dense layers with tanh between them."""
    rng = np.random.default_rng(0)
    layers = [nn.Dense(a, b, activation="tanh", rng=rng) for a, b in itertools.pairwise(widths)]
    layers[-1].activation = None
    return nn.Sequential(*layers)


def batch(rows: int, inputs: int, classes: int) -> tuple[Any, Any]:
    """Return random inputs and labels."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(rows, inputs)), rng.integers(0, classes, rows)


def twin(model: nn.Sequential, x: Any, y: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the loss of the same network in PyTorch as a function of its parameters, and these."""
    parameters = tuple(torch.tensor(p.numpy(), requires_grad=True) for p in model.parameters())
    given, target = torch.tensor(x), torch.tensor(y)

    def loss(*values: Any) -> Any:
        hidden = given
        for place in range(0, len(values), 2):
            hidden = (torch.tanh(hidden) if place else hidden) @ values[place] + values[place + 1]
        return torch.nn.functional.cross_entropy(hidden, target)

    return loss, parameters


def main() -> int:
    """Print the table; return 1 if a limit is exceeded."""
    torch.set_num_threads(1)
    model, (x, y) = mlp(20, 75, 5), batch(16, 20, 5)
    loss, parameters = twin(model, x, y)
    failed = False
    print(f"{sum(p.size for p in model.parameters()):,} parameters     ours       torch   ratio   limit")
    for mode, limit in LIMITS.items():
        times = compare(
            lambda mode=mode: tn.check_model(model, x, y, nn.cross_entropy, mode=mode),
            lambda: torch.autograd.gradcheck(loss, parameters),
        )
        failed |= times.ratio > limit
        print(f"{mode:16} {times.ours / 1e3:7.1f} ms {times.theirs / 1e3:8.1f} ms {times.ratio:7.3f} {limit:7.3f}")
    large, (x, y) = mlp(1000, 2400, 2400, 600, 10), batch(4, 1000, 10)
    report = tn.check_model(large, x, y, nn.cross_entropy)
    failed |= not report or report.evaluations > EVALUATIONS
    count = sum(p.size for p in large.parameters())
    print(f"{count:,} parameters: {report.verdict.value} after {report.evaluations} evaluations of {EVALUATIONS}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
