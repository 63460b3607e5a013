"""Values written down so that Python reads them back bit for bit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array

_DTYPES = frozenset("efdbBhHiIlLqQ?")
"""Codes of the dtypes whose elements Python's own numbers can hold: all but long doubles."""


def array_literal(a: Array) -> str | None:
    """Return the text of an array; None if no text would give the same bits in the same order in memory.

    >>> array_literal(np.ones((2, 3))), array_literal(np.array([0.1, -0.0], np.float32))
    ('np.ones((2, 3))', 'np.array([ 0.1, -0. ], np.float32)')
    >>> array_literal(np.array([np.nan]))

    """
    if a.dtype.char not in _DTYPES or not a.dtype.isnative or not (a.flags.c_contiguous and np.isfinite(a).all()):
        return None
    dtype = "" if a.dtype == np.float64 else f", {dtype_literal(a.dtype)}"
    if a.size > 1 and a.ndim and a.tobytes() == a.ravel()[:1].tobytes() * a.size:
        value = a.ravel()[0].item()
        shape = a.shape if a.ndim > 1 else a.size
        for maker, number in (("zeros", 0), ("ones", 1)):
            if value == number and math.copysign(1, value) == 1:
                return f"np.{maker}({shape}{dtype})"
        return f"np.full({shape}, {value!r}{dtype})"
    if a.size == 0:
        return f"np.zeros({a.shape}{dtype})"
    # Written out in NumPy's own way, which is the shortest that tells one number from the next.
    text = np.array2string(
        a, separator=", ", threshold=a.size + 1, floatmode="unique", suppress_small=False, sign="-", max_line_width=110,
        prefix="np.array(", formatter={"bool": str},
    )  # fmt: skip
    implied = a.dtype in (np.float64, np.bool_, np.int64)
    return f"np.array({text}{'' if implied else dtype})"


def short_literal(a: Array) -> str | None:
    """Return the text of an array that fits into a line: of few elements, or of equal ones."""
    is_short = a.size <= 8 or bool((a == a.flat[0]).all())  # which a line has room for
    return array_literal(a) if is_short else None


def dtype_literal(dtype: np.dtype[Any]) -> str:
    """Return the text of a dtype."""
    if not dtype.isnative:
        return f"np.dtype({dtype.str!r})"
    return "bool" if dtype == np.bool_ else f"np.{dtype.type.__name__}"


def literal(value: Any, write: Callable[[Any], str]) -> str | None:
    """Return the text of a number, a string, an index or a dtype; `write` is for what it contains, None for the rest.

    >>> literal((slice(None), 0, ...), lambda part: literal(part, repr))
    '(slice(None), 0, ...)'
    >>> literal([np.float32(0.5), -np.inf], lambda part: literal(part, repr))
    '[np.float32(0.5), -np.inf]'

    """
    if value is None or type(value) in (bool, int, str, bytes):
        return repr(value)
    if type(value) is float:
        return number_literal(value)
    if isinstance(value, np.generic):
        return _scalar(value)
    if value is Ellipsis:
        return "..."
    if isinstance(value, slice):  # `slice(stop)` is the short form
        ends = (value.start, value.stop) if value.step is None else (value.start, value.stop, value.step)
        return f"slice({', '.join(map(write, ends[1:] if ends[0] is None and len(ends) == 2 else ends))})"
    if isinstance(value, range):
        return repr(value)
    if isinstance(value, np.dtype):
        return f"np.dtype({dtype_literal(value)})"
    if type(value) is dict:
        return f"{{{', '.join(f'{write(key)}: {write(item)}' for key, item in value.items())}}}"
    if type(value) in (set, frozenset):
        return f"{type(value).__name__}([{', '.join(sorted(map(write, value)))}])"
    if type(value) is list:
        return f"[{', '.join(map(write, value))}]"
    if type(value) is tuple:
        return f"({', '.join(map(write, value))}{',' if len(value) == 1 else ''})"
    return None


def number_literal(value: float) -> str:
    """Return the text of a Python float."""
    if math.isfinite(value):
        return repr(value)
    return "np.nan" if math.isnan(value) else "np.inf" if value > 0 else "-np.inf"


def _scalar(value: Any) -> str | None:
    """Return the text of one of NumPy's numbers."""
    if value.dtype.char == "g":  # what no Python number can hold is read from a string
        return f"np.longdouble({str(value)!r})"
    if value.dtype.char not in _DTYPES:
        return None
    inner = repr(value.item())
    if value.dtype.kind == "f":  # the shortest text: that of a float32 is not 0.10000000149011612
        inner = str(value) if math.isfinite(value.item()) else number_literal(value.item())
    return f"np.{value.dtype.type.__name__}({inner})"
