"""The time of ``import tinygrad_nn`` against that of ``import numpy``, each in processes of their own.

Run it with ``python -m tests.benchmarks.imports``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from time import perf_counter

LIMIT = 1.3


def seconds(module: str) -> float:
    """Return how long a new process takes to import `module`, less nothing: both pay the start of Python."""
    start = perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return perf_counter() - start


def main() -> int:
    """Print the ratio; return 1 if it is above its limit."""
    for module in ("numpy", "tinygrad_nn"):
        seconds(module)
    pairs = [(seconds("tinygrad_nn"), seconds("numpy")) for _ in range(15)]
    ratio = statistics.median(ours / numpy for ours, numpy in pairs)
    print(f"import tinygrad_nn / import numpy: {ratio:.2f} (limit {LIMIT})")
    return int(ratio > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
