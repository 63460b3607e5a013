"""Functional updates: what NumPy does by assignment to elements, as a new array with a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.errors import ShapeError
from tinygrad_nn.primitive import Array, composition, kernel, primitive
from tinygrad_nn.primitives.indexing import names_once, places, scatter_add
from tinygrad_nn.primitives.shaping import as_part_of


@kernel
def assigned(x: Array, values: Array | float, index: Any) -> Array:
    """Return a copy of `x` with `values` at `index`."""
    out = np.array(x)
    out[index] = values
    return out


@primitive(assigned)
def set_at(x: Array, values: Array, /, index: Any) -> tuple[Any, ...]:
    """Put `values` at `index`, which names no element twice; the gradient of what was there before is 0.

    >>> import numpy as np
    >>> set_at(np.zeros(3), np.array([1.0, 2.0]), index=[2, 0])
    array([2., 0., 1.])
    """
    return assigned(x, values, index), lambda g: assigned(g, 0.0, index), lambda g: g[index]


@composition()
def assign(x: Array, values: Array, index: Any) -> Array:
    """Put `values` at `index`; where an element is named more than once the last stays, and gets the gradient.

    >>> import numpy as np
    >>> assign(np.zeros(3), [1.0, 2.0, 3.0], index=[0, 2, 0])
    array([3., 0., 2.])
    """
    values = _fitting(x, values, index)
    if names_once(index):
        return set_at(x, values, index=index)
    chosen = places(index, x.shape)
    last = np.flip(_turns(np.flip(chosen))) == 0
    return np.reshape(set_at(np.ravel(x), values[last], index=chosen[last]), x.shape)


@composition()
def update(x: Array, values: Array, index: Any, ufunc: np.ufunc) -> Array:
    """Put ``ufunc(x[index], values)`` at `index`; again and again where an element is named more than once.

    >>> import numpy as np
    >>> update(np.ones(3), [2.0, 3.0, 4.0], index=[0, 2, 0], ufunc=np.multiply)
    array([8., 1., 3.])
    """
    values = _fitting(x, values, index)
    if ufunc is np.add or ufunc is np.subtract:
        return ufunc(x, scatter_add(values, index, x.shape))
    if names_once(index):
        return set_at(x, as_part_of(x, ufunc(x[index], values), "at"), index=index)
    chosen = places(index, x.shape)
    turns = _turns(chosen)
    flat = np.ravel(x)
    for turn in range(turns.max(initial=-1) + 1):  # those named for the first time, then those for the second, ...
        now = turns == turn
        here = chosen[now]
        flat = set_at(flat, as_part_of(x, ufunc(flat[here], values[now]), "at"), index=here)
    return np.reshape(flat, x.shape)


def _fitting(x: Array, values: Any, index: Any) -> Array:
    """Return `values` in the dtype of `x` and the shape that `index` selects."""
    values = as_part_of(x, values, "at")
    try:
        shape = np.broadcast_to(0, x.shape)[index].shape  # one number, which passes for an array of any shape
        np.broadcast_to(np.broadcast_to(0, values.shape), shape)
    except (IndexError, ValueError) as error:
        message = (
            f"at: expected an index into an array of shape {x.shape}, and values that broadcast to what it selects, "
            f"got the index {index!r} and values of shape {values.shape}. NumPy says: {error}"
        )
        raise ShapeError(message) from error
    return np.broadcast_to(values, shape)


def _turns(numbers: Array) -> Array:
    """Return for each number how many equal ones stand before it.

    >>> import numpy as np
    >>> _turns(np.array([7, 3, 7, 7]))
    array([0, 0, 1, 2])
    """
    flat = numbers.reshape(-1)
    order = np.argsort(flat, kind="stable")
    ascending = flat[order]
    turns = np.empty_like(flat)
    turns[order] = np.arange(flat.size) - np.searchsorted(ascending, ascending)
    return turns.reshape(numbers.shape)


class Updates:
    """The elements ``x[index]`` of an array `x`: each method returns an array like `x` in which these are new.

    Values broadcast to the elements, and are converted to the dtype of `x`. As with NumPy's ``ufunc.at``, an element
    that the index names several times is updated several times, in order; what is set several times keeps the last.
    """

    __slots__ = ("_array", "_index")

    def __init__(self, array: Any, index: Any) -> None:
        """Make ready to update ``array[index]``."""
        self._array = array
        self._index = index

    def get(self) -> Any:
        """Select them: ``x[index]``."""
        return self._array[self._index]

    def set(self, values: Any) -> Any:
        """Replace them; what was there before gets the gradient 0."""
        return assign(self._array, values, self._index)

    def add(self, values: Any) -> Any:
        """Add to them: ``x[index] += values``, but at repeated indices every value counts."""
        return update(self._array, values, self._index, np.add)

    def subtract(self, values: Any) -> Any:
        """Subtract from them."""
        return update(self._array, values, self._index, np.subtract)

    def multiply(self, values: Any) -> Any:
        """Multiply them."""
        return update(self._array, values, self._index, np.multiply)

    def divide(self, values: Any) -> Any:
        """Divide them."""
        return update(self._array, values, self._index, np.divide)

    def power(self, values: Any) -> Any:
        """Raise them to powers."""
        return update(self._array, values, self._index, np.power)

    def min(self, values: Any) -> Any:
        """Take the smaller of them and the values; equal ones share the gradient, pair by pair."""
        return update(self._array, values, self._index, np.minimum)

    def max(self, values: Any) -> Any:
        """Take the larger of them and the values; equal ones share the gradient, pair by pair."""
        return update(self._array, values, self._index, np.maximum)
