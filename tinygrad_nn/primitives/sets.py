"""Arrays as sets: the values are selected from what came in, so that they keep their gradient.

Of equal elements the first one is selected, and gets the gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array, composition, constant, kernel


@kernel
def on_values(function: Any, *arrays: Any, **options: Any) -> Any:
    """Call a function of NumPy on the values alone: its result has no gradient, and tells what to select."""
    return function(*arrays, **options)


constant(on_values)


@composition(np.unique)
def unique(
    ar: Array, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: int | None = None, *, equal_nan: bool = True,
) -> Any:  # fmt: skip  # one parameter a line is a page of parameters
    """Return the unique elements in ascending order, and on demand where each is first, which one each is, how often.

    The gradient of each goes to the first that is equal to it.
    """
    wanted = {"return_inverse": return_inverse, "return_counts": return_counts, "axis": axis, "equal_nan": equal_nan}
    _, index, *rest = on_values(np.unique, ar, return_index=True, **wanted)
    values = np.take(ar, index, axis)
    found = [index, *rest] if return_index else rest
    return (values, *found) if found else values


@composition(np.unique_values)
def unique_values(x: Array, /) -> Array:
    """Return the unique elements in ascending order."""
    return np.unique(x, equal_nan=False)


@composition(np.unique_counts)
def unique_counts(x: Array, /) -> Any:
    """Return the unique elements as ``values``, and as ``counts`` how often each is there."""
    return on_values(np.unique_counts, x)._replace(values=np.unique_values(x))


@composition(np.unique_inverse)
def unique_inverse(x: Array, /) -> Any:
    """Return the unique elements as ``values``, and as ``inverse_indices`` which one each element is."""
    return on_values(np.unique_inverse, x)._replace(values=np.unique_values(x))


@composition(np.unique_all)
def unique_all(x: Array, /) -> Any:
    """Return the unique elements as ``values``, with ``indices``, ``inverse_indices`` and ``counts``."""
    return on_values(np.unique_all, x)._replace(values=np.unique_values(x))


@composition(np.union1d)
def union1d(ar1: Array, ar2: Array) -> Array:
    """Return the unique elements of both arrays."""
    return np.unique(np.concatenate([ar1, ar2], axis=None))


@composition(np.intersect1d)
def intersect1d(ar1: Array, ar2: Array, assume_unique: bool = False, return_indices: bool = False) -> Any:
    """Return the unique elements that are in both arrays, selected from the first, and on demand where in each."""
    _, *places = on_values(np.intersect1d, ar1, ar2, assume_unique, return_indices=True)
    values = np.concatenate([ar1, ar2], axis=None)[places[0]]  # of both, for the sake of the dtype
    return (values, *places) if return_indices else values


@composition(np.setdiff1d)
def setdiff1d(ar1: Array, ar2: Array, assume_unique: bool = False) -> Array:
    """Return the unique elements of the first array that are not in the second."""
    values = np.ravel(ar1) if assume_unique else np.unique(ar1)
    return values[np.isin(values, ar2, invert=True)]


@composition(np.setxor1d)
def setxor1d(ar1: Array, ar2: Array, assume_unique: bool = False) -> Array:
    """Return the unique elements that are in one of two arrays and not in the other."""
    both = np.concatenate([ar1, ar2] if assume_unique else [np.unique(ar1), np.unique(ar2)], axis=None)
    _, index, counts = on_values(np.unique, both, return_index=True, return_counts=True, equal_nan=False)
    return both[index[counts == 1]]
