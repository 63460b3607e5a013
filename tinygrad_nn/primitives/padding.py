"""Padding: what `numpy.pad` puts around an array, in all its modes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.primitive import Array, composition
from tinygrad_nn.primitives.indexing import scatter_add

_STATISTICS = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}

_OPTION = {
    "constant": "constant_values", "empty": None, "edge": None, "wrap": None, "reflect": "reflect_type",
    "symmetric": "reflect_type", "linear_ramp": "end_values", **dict.fromkeys(_STATISTICS, "stat_length"),
}  # fmt: skip
"""Mode -> the one option that it takes."""


@composition(np.pad)
def pad(array: Array, pad_width: Any, mode: str = "constant", **options: Any) -> Array:
    """Widen each axis at both ends, one axis after the other, with what `mode` says; "empty" pads with zeros.

    What a mode repeats or computes carries its gradient back to where it came from.
    """
    if mode not in _OPTION or not options.keys() <= {_OPTION[mode]}:
        message = (
            f"pad: expected one of the modes {', '.join(_OPTION)} with no option but its own, got {mode!r} with "
            f"{', '.join(options) or 'none'}. A function that pads in place has no gradient: join with np.concatenate"
        )
        raise ArgumentError(message)
    option = next(iter(options.values()), None)
    widths = _widths(pad_width, array.ndim)
    if mode in ("constant", "empty"):
        return _framed(array, widths, option)
    if array.dtype.kind != "f":  # no gradient to carry, and NumPy knows how it rounds
        return np.pad(np.asarray(array), widths, mode, **options)  # type: ignore[call-overload]  # one of them: checked
    for axis, (before, after) in enumerate(widths):
        if before or after:
            x = np.moveaxis(array, axis, 0)
            if mode in _STATISTICS:
                x = _with_statistics(x, before, after, _STATISTICS[mode], _pairs(option, array.ndim)[axis])
            elif mode == "linear_ramp":
                x = _with_ramps(x, before, after, _pairs(option or 0, array.ndim)[axis])
            elif option == "odd" and len(x) > 1:
                skipped = 0 if mode == "symmetric" else 1
                period = len(x) - skipped
                x = _mirrored(x, before, period, skipped)
                x = np.flip(_mirrored(np.flip(x, 0), after, period, skipped), 0)
            else:  # elements of the axis again: which ones, its places padded alike tell
                x = x[np.pad(np.arange(len(x)), (before, after), mode)]  # type: ignore[call-overload]  # likewise
            array = np.moveaxis(x, 0, axis)
    return array


def _widths(pad_width: Any, ndim: int) -> list[list[int]]:
    """Return how far to pad each axis before and after."""
    if isinstance(pad_width, dict):
        given, pad_width = pad_width, np.zeros((ndim, 2), int)
        for axis, width in given.items():
            pad_width[axis] = width
    widths = np.asarray(pad_width)
    if widths.dtype.kind != "i" or (widths < 0).any():
        message = f"pad: expected whole numbers of at least 0 as pad_width, got {pad_width!r}. To cut off, index"
        raise ArgumentError(message)
    return _pairs(widths, ndim)


def _pairs(value: Any, ndim: int) -> list[Any]:
    """Return an option as a pair for each axis: it may be one number, one pair, or all of them."""
    pairs: list[Any] = np.broadcast_to(np.asarray(value), (ndim, 2)).tolist()
    return pairs


def _framed(array: Array, widths: list[list[int]], values: Any) -> Array:
    inner = tuple(slice(before, before + n) for n, (before, _) in zip(array.shape, widths, strict=True))
    shape = tuple(n + before + after for n, (before, after) in zip(array.shape, widths, strict=True))
    padded = scatter_add(array, inner, shape)
    if values is None:
        return padded
    return padded + np.pad(np.zeros(array.shape, array.dtype), widths, constant_values=np.asarray(values))


def _with_statistics(x: Array, before: int, after: int, statistic: Any, lengths: list[int | None]) -> Array:
    """Put a statistic of so many elements at each end there; of all elements where no number of them is given."""
    first, last = (len(x) if n is None else min(n, len(x)) for n in lengths)
    ends = statistic(x[:first], axis=0), statistic(x[len(x) - last :], axis=0)
    left, right = (np.broadcast_to(end, (n, *x.shape[1:])) for end, n in zip(ends, (before, after), strict=True))
    return np.concatenate([left, x, right])


def _with_ramps(x: Array, before: int, after: int, ends: list[float]) -> Array:
    left = np.linspace(ends[0], x[0], before, endpoint=False)
    right = np.linspace(ends[1], x[-1], after, endpoint=False)
    return np.concatenate([left, x, np.flip(right, 0)])


def _mirrored(x: Array, width: int, period: int, skipped: int) -> Array:
    """Continue an array before its first element, mirrored at this as at a point, `period` elements at a time."""
    while width:
        count = min(width, period)
        x = np.concatenate([2.0 * x[:1] - np.flip(x[skipped : skipped + count], 0), x])
        width -= count
    return x
