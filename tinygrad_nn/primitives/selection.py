"""Which of several values: conditions, the larger and the smaller, bounds. The gradient follows the choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError, UnsupportedError
from tinygrad_nn.primitive import Array, composition, primitive
from tinygrad_nn.primitives.indexing import scatter_add


@primitive
def where(condition: Array, x: Array, y: Array) -> tuple[Any, ...]:
    """Choose from `x` where `condition` holds and from `y` elsewhere; the gradient follows the choice.

    Both are computed everywhere. The one that was not chosen gets the gradient 0, yet ``0 * inf`` in what made it is
    NaN: ``np.where(x > 0, np.sqrt(x), 0)`` has a NaN for its gradient at 0. Write
    ``np.piecewise(x, [x > 0], [np.sqrt, 0])``, which computes a root of the chosen elements only.

    >>> import numpy as np
    >>> where(np.array([True, False]), 1.0, 2.0)
    array([1., 2.])
    """
    return np.where(condition, x, y), None, lambda g: np.where(condition, g, 0), lambda g: np.where(condition, 0, g)


@composition(np.where)
def where_or_nonzero(condition: Array, *choices: Array) -> Any:
    """Do what `where` does with two choices, and what `numpy.nonzero` does with none."""
    return where(condition, *choices) if choices else np.nonzero(condition)


@composition(np.select)
def select(condlist: Sequence[Array], choicelist: Sequence[Array], default: Array | float = 0) -> Array:
    """Choose from the first of the choices whose condition holds, and `default` where none does."""
    if len(condlist) != len(choicelist):
        message = (
            f"select: expected as many conditions as choices, got {len(condlist)} conditions and {len(choicelist)} "
            f"choices. Say with default=... what holds elsewhere"
        )
        raise ArgumentError(message)
    return _first(condlist, choicelist, default)


@composition(np.choose)
def choose(a: Array, choices: Sequence[Array], mode: str = "raise") -> Array:
    """Choose for each place the element of the array with the number ``a`` there, all broadcast together."""
    count = len(choices)
    if mode not in {"raise", "wrap", "clip"}:
        message = f"choose: expected mode 'raise', 'wrap' or 'clip', got {mode!r}"
        raise ArgumentError(message)
    if mode == "raise" and (np.any(np.less(a, 0)) or np.any(np.greater_equal(a, count))):
        message = (
            f"choose: expected numbers of one of {count} choices, 0 to {count - 1}, got {int(np.min(a))} to "
            f"{int(np.max(a))}. Pass mode='wrap' or mode='clip' to choose all the same"
        )
        raise ArgumentError(message)
    place = np.remainder(a, count) if mode == "wrap" else a
    return _first([np.less_equal(place, number) for number in range(count)], choices, choices[-1])


def _first(conditions: Sequence[Array], choices: Sequence[Array | float], default: Array | float) -> Array:
    """Choose from the first of `choices` whose condition holds, in the dtype that NumPy gives to all of them."""
    out: Any = default
    for condition, choice in reversed(list(zip(conditions, choices, strict=True))):
        out = where(condition, choice, out)
    dtype = np.result_type(
        *(x if np.isscalar(x) or hasattr(x, "dtype") else np.asarray(x) for x in (*choices, default))
    )
    return out if out.dtype == dtype else out.astype(dtype)  # two numbers have met, and have become float64


@composition(np.piecewise)
def piecewise(x: Array, condlist: Any, funclist: Sequence[Callable[..., Any] | Any], *args: Any, **kw: Any) -> Array:
    """Apply to each element the function, or take the number, of the last condition that holds for it; 0 without one.

    One more function than conditions is for all other elements. A function is given the elements of its piece alone, so
    that its gradient elsewhere, which may be infinite or NaN, plays no part.
    """
    conditions = _conditions(x, condlist)
    if len(funclist) == len(conditions) + 1:
        conditions = [*conditions, ~np.any(conditions, axis=0)]
    if len(funclist) != len(conditions):
        message = (
            f"piecewise: expected {len(conditions)} functions, one for each condition, or one more for all other "
            f"elements, got {len(funclist)}"
        )
        raise ArgumentError(message)
    shape = np.shape(x)
    taken = np.zeros(shape, bool)
    out = scatter_add(x[taken], taken, shape)  # zeros that are made from x, even if no function will be called
    for condition, function in reversed(list(zip(conditions, funclist, strict=True))):
        piece = condition & ~taken
        taken = taken | condition
        if np.any(piece):
            chosen = x[piece]
            values = function(chosen, *args, **kw) if callable(function) else function
            out = out + scatter_add(np.broadcast_to(values, np.shape(chosen)), piece, shape)
    return out.astype(x.dtype)  # as NumPy's is, whatever the functions return


def _conditions(x: Array, condlist: Any) -> list[Any]:
    """Return the conditions of `piecewise`, of which one may come without a list around it."""
    is_single = np.isscalar(condlist) or (np.ndim(x) > 0 and np.isscalar(condlist[0]))
    return [np.not_equal(condition, 0) for condition in ([condlist] if is_single else condlist)]


@primitive(np.maximum)
def maximum(a: Array, b: Array) -> tuple[Any, ...]:
    """Take the larger of each pair; its gradient goes to the larger, and in equal halves to both at equality."""
    return np.maximum(a, b), lambda g: g * _winner(a > b, a == b), lambda g: g * _winner(b > a, a == b)


@primitive(np.minimum)
def minimum(a: Array, b: Array) -> tuple[Any, ...]:
    """Take the smaller of each pair; its gradient goes to the smaller, and in equal halves to both at equality."""
    return np.minimum(a, b), lambda g: g * _winner(a < b, a == b), lambda g: g * _winner(b < a, a == b)


@primitive(np.fmax)
def fmax(a: Array, b: Array) -> tuple[Any, ...]:
    """Take the larger of each pair as `maximum` does, but where one is NaN the other, which also gets the gradient."""
    return (
        np.fmax(a, b),
        lambda g: g * _winner((a > b) | np.isnan(b), a == b),
        lambda g: g * _winner((b > a) | np.isnan(a), a == b),
    )


@primitive(np.fmin)
def fmin(a: Array, b: Array) -> tuple[Any, ...]:
    """Take the smaller of each pair as `minimum` does, but where one is NaN the other, which also gets the gradient."""
    return (
        np.fmin(a, b),
        lambda g: g * _winner((a < b) | np.isnan(b), a == b),
        lambda g: g * _winner((b < a) | np.isnan(a), a == b),
    )


def _winner(wins: Array, ties: Array) -> Array:
    """Return 1 where an operand wins, 1/2 where it ties and 0 where it loses; float16 so as to promote no dtype."""
    return wins + np.float16(0.5) * ties


# 0 as arrays, by the code of the dtype: an operation with a number takes half as long again as one with these.
_ZERO = {kind: np.array(0, kind) for kind in "efd"}


@primitive
def relu(a: Array) -> tuple[Any, ...]:
    """Rectify: ``max(a, 0)``, with gradient ``g`` where ``a > 0`` and 0 elsewhere, also at 0.

    A rule of its own because `numpy.maximum` shares the gradient evenly at equality: it would have slope 1/2 at 0.

    >>> import numpy as np
    >>> relu(np.array([-2.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    zero = _ZERO.get(a.dtype.char, 0)
    out = np.maximum(a, zero)
    return out, lambda g: g * (out > zero)


@composition(np.clip)
def clip(
    a: Array,
    a_min: Array | float | None = None,
    a_max: Array | float | None = None,
    *,
    min: Array | float | None = None,  # noqa: A002 - NumPy's name
    max: Array | float | None = None,  # noqa: A002 - likewise
) -> Array:
    """Move what is out of bounds to the bound, which then gets the gradient; at a bound, and within, `a` gets it.

    By `where`, because `minimum` and `maximum` would share the gradient at a bound.
    """
    if (a_min is not None and min is not None) or (a_max is not None and max is not None):
        message = "clip: expected one name for each bound, got both a_min and min, or a_max and max. Leave one out"
        raise ArgumentError(message)
    lower, upper = (a_min if min is None else min), (a_max if max is None else max)
    if lower is None and upper is None:
        return +a
    if lower is not None:
        a = where(np.less(a, lower) | np.isnan(lower), lower, a)
    if upper is not None:
        a = where(np.greater(a, upper) | np.isnan(upper), upper, a)
    return a


@primitive(np.nan_to_num)
def nan_to_num(
    x: Array, /, copy: bool = True, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> tuple[Any, ...]:
    """Replace NaN and infinities by numbers, with gradient ``g`` where ``x`` is finite and 0 elsewhere."""
    if not copy:
        message = "nan_to_num: expected copy=True, for a Tensor is not changed in place. Leave 'copy' out"
        raise UnsupportedError(message)
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf), lambda g: np.where(np.isfinite(x), g, 0)
