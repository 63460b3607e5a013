"""The time of ``import tinygrad_nn`` against that of ``import numpy``, each in processes of their own.

Run it with ``python -m tests.benchmarks.imports``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

LIMIT = 1.3


def seconds(module: str) -> float:
    """Return how long the import itself takes in a new process, without the start of Python."""
    code = f"from time import perf_counter; start = perf_counter(); import {module}; print(perf_counter() - start)"
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=compiled)
    return float(done.stdout)


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
