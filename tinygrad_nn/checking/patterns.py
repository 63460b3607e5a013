"""What a wrong gradient has to do with the true one, in words: most mistakes in a rule leave a pattern.

Each pattern is a guess at how the gradient came about from the true one, and is told only if it explains all elements.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from tinygrad_nn.primitive import Array

_RTOL, _ATOL = 1e-4, 1e-6
"""How well a guess must fit: relative to each element, and to the largest one. Differences are good to six digits."""

_AXES = 5
"""The number of axes up to which all permutations are tried."""


def recognise(
    analytic: Array,
    numeric: Array,
    others: Iterable[Array] = (),
    explanations: Mapping[str, Array] | None = None,
    sizes: Sequence[int] = (),
    counts: Sequence[int] = (),
) -> str:
    """Say what a wrong gradient is, compared with the true one, such as "is 1.500 times the true one everywhere".

    Args:
        analytic: the gradient.
        numeric: the true one, of the same shape; NaN where it is not known.
        others: the true gradients for other inputs, likewise.
        explanations: other guesses, of the same shape, by what is to be said if one fits.
        sizes: lengths of axes that a factor may come from, such as the batch size.
        counts: numbers of elements that it may come from.

    Returns:
        a phrase without its subject; "" if there is no pattern, or if the gradient is right.

    >>> import numpy as np
    >>> true = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> recognise(-true, true), recognise(1.5 * true, true), recognise(true.T, true)
    ('has the wrong sign everywhere', 'is 1.500 times the true one everywhere', 'is transposed')
    >>> recognise(true / 32, true, sizes=[32])
    'is 1/32 of the true one everywhere, and 32 is the length of an axis: it may be a mean for a sum'

    """
    known = np.isfinite(numeric)
    if not known.any() or not np.isfinite(analytic).all() or _fits(analytic, numeric):
        return ""
    if not analytic.any():
        return "is zero everywhere"
    if not numeric[known].any():
        return "is not zero, as the true one is everywhere"
    factor = float(np.sum(analytic[known] * numeric[known]) / np.sum(numeric[known] ** 2))
    if factor and _fits(analytic, factor * numeric):
        return _factor_in_words(factor, sizes, counts)
    if any(other.shape == analytic.shape and _fits(analytic, other) for other in others):
        return "is that of another input"
    for words, guess in (explanations or {}).items():
        if _fits(analytic, guess):
            return words
    return next((words for words, guess in _rearranged(analytic) if _fits(guess, numeric)), "") or _partly(
        analytic, numeric
    )


def _fits(guess: Array, true: Array) -> bool:
    """Tell whether a guess explains all elements that are known, of which one at least must not be 0."""
    known = np.isfinite(true) & np.isfinite(guess)
    guess, true = guess[known], true[known]
    largest = np.abs(true).max(initial=0.0)
    return bool(largest > 0 and np.all(np.abs(guess - true) <= _RTOL * np.abs(true) + _ATOL * largest))


def _factor_in_words(factor: float, sizes: Sequence[int], counts: Sequence[int]) -> str:
    """Say by what a gradient is too large, and where such a factor may come from, if that can be told."""
    if abs(factor + 1) < _RTOL:
        return "has the wrong sign everywhere"
    known = {**dict.fromkeys(counts, "the number of elements"), **dict.fromkeys(sizes, "the length of an axis")}
    for size, words in known.items():
        if size < 3:  # a factor of 2 comes from many places
            continue
        if abs(factor * size - 1) < _RTOL:
            return f"is 1/{size} of the true one everywhere, and {size} is {words}: it may be a mean for a sum"
        if abs(factor - size) < _RTOL * size:
            return f"is {size} times the true one everywhere, and {size} is {words}: it may be a sum for a mean"
    if abs(factor - 0.5) < _RTOL:
        return "is 0.500 times the true one everywhere, as where one of two uses is not counted"
    rounded = round(factor, 3)
    is_plain = abs(rounded - factor) <= 1e-5 * abs(factor) < 1e-2
    number = f"{rounded:.3f}" if is_plain else f"{factor:.5g}"
    return f"is {number} times the true one everywhere"


def _rearranged(analytic: Array) -> Iterator[tuple[str, Array]]:
    """Yield what the true gradient is if the elements of this one are in the wrong places."""
    axes = range(analytic.ndim)
    if 1 < analytic.ndim <= _AXES:
        for order in itertools.permutations(axes):
            guess = analytic.transpose(order)
            if guess.shape == analytic.shape and list(order) != list(axes):
                yield "is transposed" if analytic.ndim == 2 else f"has its axes permuted, as by {order}", guess
    for axis in axes:
        if analytic.shape[axis] > 2:
            for shift in (-1, 1):
                moved = np.roll(analytic, shift, axis).astype(np.float64)
                yield f"is shifted by one along axis {axis}", moved
                edge: list[slice | int] = [slice(None)] * analytic.ndim
                edge[axis] = -1 if shift < 0 else 0
                moved[tuple(edge)] = np.nan  # what has been shifted out is lost
                yield f"is shifted by one along axis {axis}", moved
        if analytic.shape[axis] > 1:
            yield f"is reversed along axis {axis}", np.flip(analytic, axis)


def _partly(analytic: Array, numeric: Array) -> str:
    """Say what a gradient is that still has something of the true one."""
    known = np.isfinite(numeric)
    if _fits(analytic, np.abs(numeric)):
        return "has lost its sign"
    gone = known & (analytic == 0) & (np.abs(numeric) > _ATOL * np.abs(numeric[known]).max())
    if gone.any() and _fits(np.where(gone, numeric, analytic), numeric):
        return f"is zero at {np.count_nonzero(gone)} of {np.count_nonzero(known)} elements where the true one is not"
    if known.all():
        for axis in range(analytic.ndim):
            if analytic.shape[axis] > 1:
                total = np.broadcast_to(numeric.sum(axis, keepdims=True), numeric.shape)
                for words, guess in (("summed", total), ("averaged", total / analytic.shape[axis])):
                    if _fits(analytic, guess):
                        return f"is {words} over axis {axis}"
    return ""
