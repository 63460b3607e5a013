"""The cutting of data into batches: one epoch, shuffled or in order.

A generator and no loader class: training needs an order and slices of it, and the next epoch is another call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.conversion import operand
from tinygrad_nn.data.dataset import Dataset, check_count, check_generator
from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Operand, Tensor, raw

Rows: TypeAlias = "Operand | tuple[Operand, ...]"
"""An array with one sample a row, or a tuple of such arrays, for networks of several inputs or outputs."""


def batches(x: Rows, y: Rows, batch_size: int, rng: np.random.Generator | None = None) -> Iterator[Dataset]:
    """Cut data into batches, for one epoch: each row once, the last batch smaller if the rows do not divide evenly.

    Args:
        x: the inputs, of shape (N, ...): an array or a constant Tensor; or a tuple of several, which are cut alike.
        y: the targets, of shape (N, ...), likewise.
        batch_size: how many rows a batch has.
        rng: shuffles the rows, the order being drawn at the call; in order when None.

    Returns:
        An iterator over Datasets of read-only arrays: write ``x + noise`` and not ``x += noise``.

    Raises:
        ShapeError: `x` and `y` have unequally many rows, or no axis at all.
        ArgumentError: `batch_size` is no whole number of at least 1, `rng` is no generator, or `x` or `y` is a Tensor
            that requires a gradient.

    >>> import numpy as np
    >>> from tinygrad_nn import data
    >>> x, y = np.arange(10.0).reshape(5, 2), np.arange(5)
    >>> [batch.y.tolist() for batch in data.batches(x, y, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    >>> [len(batch.x) for batch in data.batches(x, y, batch_size=2, rng=np.random.default_rng(0))]
    [2, 2, 1]

    """
    inputs, targets = mapped(partial(_rows, "x"), x), mapped(partial(_rows, "y"), y)
    shapes = [array.shape for array in (*listed(inputs), *listed(targets))]
    if len({shape[0] for shape in shapes}) > 1:
        message = (
            f"batches: expected 'x' and 'y' with equally many rows, got the shapes {' and '.join(map(str, shapes))}. "
            f"A sample is a row; transpose the one that has its samples in columns"
        )
        raise ShapeError(message)
    count = shapes[0][0]
    check_count("batches", "batch_size", batch_size, least=1)
    if rng is None:
        order = np.arange(count)
    else:
        check_generator("batches", rng)
        order = rng.permutation(count)
    # A generator expression and no `yield` here: with one, nothing above would run before the first batch is asked for.
    pieces = (order[start : start + batch_size] for start in range(0, len(order), batch_size))
    return (
        Dataset(mapped(partial(_take, rows=piece), inputs), mapped(partial(_take, rows=piece), targets))
        for piece in pieces
    )


def listed(value: Any) -> tuple[Any, ...]:
    """Return the arrays of inputs or targets, which may be several in a tuple.

    A tuple of numbers or of lists is none of several, but an array that was written down as one.
    """
    several = isinstance(value, tuple) and value and all(isinstance(part, (np.ndarray, Tensor)) for part in value)
    return value if several else (value,)


def mapped(f: Callable[[Any], Any], value: Any) -> Any:
    """Apply `f` to an array, or to each of several in a tuple."""
    arrays = listed(value)
    return tuple(map(f, value)) if arrays is value else f(value)


def _rows(name: str, value: Operand) -> Array:
    """Return an array of rows, checked."""
    if isinstance(value, Tensor) and value.requires_grad:
        message = (
            f"batches: expected '{name}' without a gradient, got a Tensor of shape {value.shape} that requires one: "
            f"batches are arrays and would lose it in silence. Pass {name}.detach()"
        )
        raise ArgumentError(message)
    array = np.asarray(operand(raw(value), "batches", "xy".index(name)))
    if not array.ndim:
        message = f"batches: expected '{name}' to be an array with one sample a row, got the single number {array}"
        raise ShapeError(message)
    return array


def _take(array: Array, rows: Array) -> Array:
    """Return a copy of some rows that an operation may keep as it is.

    An operation copies an array that it is given, lest it change before `backward()`, unless the array is read-only and
    owns its memory. A slice of the data, ``array[start:stop]``, is a view and would be copied by every operation that
    it meets; an array that is taken once and locked is never copied again. (`take` costs less than ``array[rows]``.)
    """
    taken = array.take(rows, axis=0)
    taken.flags.writeable = False
    return taken
