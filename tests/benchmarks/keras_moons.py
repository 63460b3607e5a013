"""Two moons, 2-25-50-50-25-1, 10,000 epochs in full batches: this library and Keras, each used as its guide shows.

It is the comparison of the fifth published network: rectifiers and a sigmoid, binary cross-entropy, SGD with a learning
rate of 0.01, data and first weights of `tests/golden/moons.json`. Both start from the same weights, and have the
settings that they have by default: float64 here, where float32 is measured too, and there float32. Keras also has all
cores, and NumPy one thread: products as small as these gain little from a second one, and wait for it ten times as long
as they take where another program has its core. No warm-up is left out: Keras compiles in its first epoch.

Run it with ``python -m tests.benchmarks.keras_moons``, with a number of epochs behind it for fewer; `KERAS_BACKEND`
says which engine Keras runs on, "tensorflow" if nothing does. It prints a table, with the time of all cores beside that
of the clock, and fails where the accuracies differ by more than 1 % or Keras is faster.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported, which reads it then
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn import nn, optim, training

try:
    import keras
except ImportError as error:
    sys.exit(
        f"tests.benchmarks.keras_moons: expected Keras on the backend '{os.environ['KERAS_BACKEND']}', got: {error}. "
        f"Install it with pip install keras tensorflow-cpu, or pip install keras jax for KERAS_BACKEND=jax"
    )

GOLDEN = Path(__file__).parents[1] / "golden" / "moons.json"

PARTS = 10
"""How many parts of the training each side makes in turn, because a shared machine changes its speed from one minute to
the next."""


class Side(NamedTuple):
    """What trains a model for some epochs more, and what returns its probabilities for points."""

    fit: Callable[[int], object]
    predict: Callable[[Any], Any]


def ours(run: dict[str, Any], dtype: str) -> Side:
    """Make the network here."""
    sizes = [len(run["W_init"][0]), *(len(bias) for bias in run["b_init"])]
    model = nn.Sequential(
        *[nn.Dense(n, m, activation="relu") for n, m in itertools.pairwise(sizes[:-1])],
        nn.Dense(sizes[-2], sizes[-1], activation="sigmoid"),
    ).astype(dtype)
    weights = {f"{i}.weight": weight for i, weight in enumerate(run["W_init"])}
    model.load_state_dict(weights | {f"{i}.bias": bias for i, bias in enumerate(run["b_init"])})
    x, y = run["X_train"].astype(dtype), run["y_train"].astype(dtype)
    optimizer = optim.SGD(model.parameters(), lr=run["learning_rate"])
    return Side(
        lambda epochs: training.fit(model, (x, y), nn.binary_cross_entropy, optimizer, epochs),
        lambda points: model(points.astype(dtype)).numpy(),
    )


def theirs(run: dict[str, Any]) -> Side:
    """Make the network in Keras."""
    widths = [len(bias) for bias in run["b_init"]]
    model = keras.Sequential(
        [
            keras.Input((len(run["W_init"][0]),)),
            *[keras.layers.Dense(width, activation="relu") for width in widths[:-1]],
            keras.layers.Dense(widths[-1], activation="sigmoid"),
        ]
    )
    for layer, weight, bias in zip(model.layers, run["W_init"], run["b_init"], strict=True):
        layer.set_weights([np.array(weight), np.array(bias)])
    model.compile(optimizer=keras.optimizers.SGD(learning_rate=run["learning_rate"]), loss="binary_crossentropy")
    x, y = run["X_train"], run["y_train"]
    return Side(
        lambda epochs: model.fit(x, y, batch_size=len(x), epochs=epochs, verbose=0),
        lambda points: model.predict(points, verbose=0),
    )


def main() -> int:
    """Print the table; return 1 if the accuracies differ, or Keras is faster."""
    epochs = int(sys.argv[1]) if sys.argv[1:] else 10_000
    run: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    for part in ("train", "test"):
        run[f"X_{part}"] = np.array(run[f"X_{part}"])
        run[f"y_{part}"] = np.array(run[f"y_{part}"], float).reshape(-1, 1)
    sides = {
        "tinygrad_nn, float64": ours(run, "float64"),
        "tinygrad_nn, float32": ours(run, "float32"),
        f"Keras on {keras.backend.backend()}": theirs(run),
    }
    seconds, busy = dict.fromkeys(sides, 0.0), dict.fromkeys(sides, 0.0)
    for part in range(PARTS):
        for name, side in sides.items():
            start, start_busy = perf_counter(), process_time()
            side.fit(epochs * (part + 1) // PARTS - epochs * part // PARTS)
            seconds[name] += perf_counter() - start
            busy[name] += process_time() - start_busy
    right = run["y_test"] == 1
    accuracies = {name: np.mean((side.predict(run["X_test"]) > 0.5) == right) for name, side in sides.items()}
    *times, of_keras = seconds.values()
    print(
        f"{epochs:,} epochs".ljust(24),
        f"{'accuracy on test part':>24}{'seconds':>10}{'of CPU':>10}{'ratio to Keras':>16}",
    )
    for name, taken in seconds.items():
        print(f"{name:24} {accuracies[name]:>24.1%}{taken:10.1f}{busy[name]:10.1f}{taken / of_keras:16.3f}")
    return int(np.ptp(list(accuracies.values())) > 0.01 or max(times) > of_keras)


if __name__ == "__main__":
    raise SystemExit(main())
