"""`Case`: the arguments of one call, which can be changed array by array and written down as code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor


class Case:
    """Operands and options of one call.

    Args:
        operands: arrays and numbers; lists and tuples of them where the function takes such.
        options: what is passed by name.

    >>> import numpy as np
    >>> Case(np.array([1.0, 2.0]), axis=0).code("total")
    'total(np.array([1.0, 2.0]), axis=0)'

    """

    __slots__ = ("operands", "options")

    def __init__(self, *operands: Any, **options: Any) -> None:
        """Keep the arguments of a call."""
        self.operands = operands
        self.options = options

    @property
    def floats(self) -> list[Array]:
        """The arrays of floats among the operands: what there is a gradient for."""
        return [x for x in flat(self.operands) if is_floating(x)]

    def mapped(self, change: Callable[[Array], Any]) -> Case:
        """Return the case with `change` applied to each array of floats."""
        return Case(*_mapped(change, self.operands), **self.options)

    def call(self, function: Callable[..., Any], replacements: Sequence[Any] | None = None) -> Any:
        """Call `function`, if `replacements` are given with them in the place of the arrays of floats."""
        if replacements is None:
            return function(*self.operands, **self.options)
        rest: Iterator[Any] = iter(replacements)
        return self.mapped(lambda _: next(rest)).call(function)

    def code(self, name: str) -> str:
        """Return the call of the function `name`, as code."""
        options = [f"{key}={code_of(value)}" for key, value in self.options.items()]
        return f"{name}({', '.join([*map(code_of, self.operands), *options])})"

    def __repr__(self) -> str:
        """Show the case as the code that makes it."""
        return self.code("Case")


def is_floating(value: Any) -> bool:
    """Tell whether `value` is an array that there is a gradient for."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def flat(value: Any) -> list[Any]:
    """List operands, or results, with those that lists and tuples of them hold."""
    return [y for x in value for y in flat(x)] if isinstance(value, (tuple, list)) else [value]


def joined(result: Any) -> Any:
    """Return several results, of which some may have no gradient, as one Tensor; None if none has."""
    if isinstance(result, Tensor):
        return result if result.dtype.kind == "f" else None
    found = [np.ravel(x) for x in flat(result) if isinstance(x, Tensor) and x.dtype.kind == "f"]
    return np.concatenate(found) if found else None


def code_of(value: Any) -> str:
    """Return code that makes `value`.

    >>> code_of(np.zeros((0, 2), np.float32)), code_of((1, np.array(2.5)))
    ("np.zeros((0, 2), 'float32')", '(1, np.array(2.5))')

    """
    if isinstance(value, np.ndarray):
        dtype = "" if value.dtype in (np.float64, np.int64, np.bool_) else f", '{value.dtype}'"
        if value.size == 0:
            return f"np.zeros({value.shape}{dtype or ('' if value.dtype == np.float64 else f', {value.dtype.name!r}')})"
        numbers = str(value.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
        return f"np.array({numbers}{dtype})"
    if isinstance(value, np.generic):
        return f"np.{value!r}".replace("np.np.", "np.")
    if type(value) in (list, tuple):
        inner = ", ".join(map(code_of, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    return getattr(value, "__name__", None) or repr(value)


def _mapped(change: Callable[[Array], Any], value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)([_mapped(change, x) for x in value])
    return change(value) if is_floating(value) else value
