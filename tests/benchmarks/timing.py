"""How the benchmarks measure: two functions in turn in one process, and the median of their ratios pair by pair.

A shared machine changes its speed from second to second, so no figure stands alone: each sample of one function is
followed at once by one of the other, and what is reported is the ratio.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

SECONDS = 1.0 if os.environ.get("CI") else 5.0
"""How long to compare two functions. In CI, where the ratios are only shown, fewer pairs do."""


class Comparison(NamedTuple):
    """The medians of two functions in microseconds a call, and the median of their ratios."""

    ours: float
    theirs: float
    ratio: float


def compare(ours: Callable[[], object], theirs: Callable[[], object], seconds: float = SECONDS) -> Comparison:
    """Time two functions in turn for about `seconds`, in samples of at least 50 ms each.

    In shorter samples each pays for the other's memory: what one frees, the system takes back, and the next call of
    the other has to ask for page by page.
    """
    repeats = [_repeats(function) for function in (ours, theirs)]
    pairs = []
    end = perf_counter() + seconds
    while perf_counter() < end or len(pairs) < 5:
        pairs.append((_sample(ours, repeats[0]), _sample(theirs, repeats[1])))
    columns = [statistics.median(column) * 1e6 for column in zip(*pairs, strict=True)]
    return Comparison(columns[0], columns[1], statistics.median(a / b for a, b in pairs))


def _sample(function: Callable[[], object], repeats: int) -> float:
    start = perf_counter()
    for _ in range(repeats):
        function()
    return (perf_counter() - start) / repeats


def _repeats(function: Callable[[], object]) -> int:
    function()
    start = perf_counter()
    function()
    return max(1, round(0.05 / max(perf_counter() - start, 1e-7)))
