"""What the views of a very large graph cost, in time of the processor and in memory.

Run it with ``python -m tests.benchmarks.graphs``, and a number of operations if it is not to be 100,000. Each view is
made in a process of its own, whose peak of memory is that of recording and view together. The ratio is to the time that
recording the same graph took just before: a shared machine changes its speed, and both with it.
"""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from time import process_time

import numpy as np

import tinygrad_nn as tn
from tinygrad_nn import graph, nn
from tinygrad_nn.errors import RenderError

OPERATIONS = 100_000

LIMIT = 16
"""Times that a view may take as long as the recording, which for scalars takes two or three microseconds each."""

MEGABYTES = 500


def chain(operations: int) -> tn.Tensor:
    """Return the end of a loop of two operations."""
    x = tn.Tensor(1.0, requires_grad=True)
    for _ in range(operations // 2):
        x = x * 0.999 + 0.01
    return x


def irregular(operations: int) -> tn.Tensor:
    """Return the end of a chain in which nothing repeats itself, and any result is read again."""
    rng = np.random.default_rng(0)
    results = [tn.Tensor(1.0, requires_grad=True)]
    functions = (np.sin, np.cos, np.tanh)
    for choice, earlier in zip(rng.integers(0, 4, operations).tolist(), rng.random(operations).tolist(), strict=True):
        last = results[-1]
        results.append(functions[choice](last) if choice < 3 else last * results[int(earlier * len(results))])
    return results[-1]


def recurrent(operations: int) -> tn.Tensor:
    """Return the loss of a user's own loop over a cell with gates, of some sixteen operations a step."""
    rng = np.random.default_rng(0)
    into, over = (nn.Parameter(rng.normal(size=(n, 16)) / 4) for n in (3, 4))
    h, c = np.zeros((1, 4)), np.zeros((1, 4))
    for x in rng.normal(size=(operations // 16, 1, 3)):
        gates = x @ into + h @ over
        write, forget, read = (nn.sigmoid(gates[:, start : start + 4]) for start in (0, 4, 8))
        c = forget * c + write * np.tanh(gates[:, 12:])
        h = read * np.tanh(c)
    return h.sum()


def layer(operations: int) -> tn.Tensor:
    """Return the sum of what one layer makes when it is applied again and again."""
    dense, x = nn.Dense(4, 4, activation="tanh", rng=np.random.default_rng(0)), np.ones((1, 4))
    for _ in range(operations):
        x = dense(x)
    return x.sum()


def _draw(loss: tn.Tensor) -> float:
    with contextlib.suppress(RenderError):  # what cannot be folded is refused
        graph.draw(loss)
    return 0


def _explore(loss: tn.Tensor) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return graph.explore(loss, f"{folder}/graph.html").stat().st_size / 1e6


CASES: dict[str, Callable[[int], tn.Tensor]] = {
    "chain": chain, "irregular": irregular, "recurrent": recurrent, "layer": layer,
}  # fmt: skip  # a table

VIEWS: dict[str, Callable[[tn.Tensor], float]] = {
    "draw": _draw,
    "print": lambda loss: len(str(graph.trace(loss))) / 1e6,
    "statistics": lambda loss: len(graph.statistics(loss)) / 1e6,
    "explore": _explore,
}


def measured(case: str, view: str, operations: int) -> dict[str, float]:
    """Record and view a graph, and return the seconds of both, the peak of memory and the size, in megabytes."""
    begin = process_time()
    loss = CASES[case](operations)
    recorded = process_time()
    size = VIEWS[view](loss)
    return {
        "recording": recorded - begin,
        "seconds": process_time() - recorded,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "size": size,
    }


def main(operations: int) -> int:
    """Print a table; return 1 if something is above its limit."""
    print(f"{'':10} {'':10} {'seconds':>8} {'/ recording':>12} {'peak MB':>8} {'written MB':>11}")
    is_above = False
    for case in CASES:
        for view in VIEWS:
            command = [sys.executable, "-m", "tests.benchmarks.graphs", case, view, str(operations)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            ratio = found["seconds"] / found["recording"]
            is_above |= ratio > LIMIT or found["memory"] > MEGABYTES
            figures = f"{found['seconds']:8.2f} {ratio:12.1f} {found['memory']:8.0f} {found['size']:11.3f}"
            print(f"{case:10} {view:10} {figures}", flush=True)
    print(f"limits: {LIMIT} times the recording, {MEGABYTES} MB")
    return int(is_above)


if __name__ == "__main__":
    match sys.argv[1:]:
        case [case, view, operations]:
            print(json.dumps(measured(case, view, int(operations))))
        case given:
            raise SystemExit(main(int(given[0]) if given else OPERATIONS))
