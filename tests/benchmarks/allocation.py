"""What it gains that the memory of freed arrays is kept: ``python -m tests.benchmarks.allocation``.

Each figure is the time of forward and backward without it, as a multiple of that with it. Each is measured in processes
of its own, in turn, for a process that has freed a large array for any reason has learnt to keep memory.
"""

from __future__ import annotations

import os
import subprocess
import sys

_PROGRAM = """
import sys, time
import numpy as np
empty = np.empty
if sys.argv[1] == "without":
    np.empty = lambda *_: None  # so that importing the library makes no large array
import tinygrad_nn as tn
np.empty = empty
tn.set_default_dtype(np.float32)
nn, rng = tn.nn, np.random.default_rng(0)
layer = eval(sys.argv[2])
x = tn.Tensor(rng.random(eval(sys.argv[3]), np.float32), requires_grad=True)
def step():
    y = layer(x)
    y.backward(np.ones(y.shape, np.float32))
    x.zero_grad()
    layer.zero_grad()
times = []
for _ in range(30):
    start = time.perf_counter()
    step()
    times.append(time.perf_counter() - start)
print(min(times[5:]))
"""

CASES = {
    "nn.BatchNorm(16)": (64, 16, 14, 14),
    "nn.Conv2d(1, 6, 5, padding=2, activation='relu')": (64, 1, 28, 28),
    "nn.LSTM(32, 64, returns='outputs')": (32, 32, 32),
    "nn.TransformerBlock(128, 4)": (8, 64, 128),
    "nn.Dense(64, 128, activation='tanh')": (32, 64),
}
"""Layers, and the shapes of their inputs."""

ROUNDS = 2 if os.environ.get("CI") else 5


def main() -> None:
    """Measure `ROUNDS` times each, and print the ratio of the best times."""
    print("time without keeping freed memory, as a multiple of that with it")
    for layer, shape in CASES.items():
        best = {"without": float("inf"), "with": float("inf")}
        for _ in range(ROUNDS):
            for kind in ("without", "with"):
                command = [sys.executable, "-c", _PROGRAM, kind, layer, repr(shape)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                best[kind] = min(best[kind], float(done.stdout))
        print(f"{layer + ' on ' + str(shape):70} {best['without'] / best['with']:5.2f}")


if __name__ == "__main__":
    main()
