"""The cutting of data into batches: one epoch, shuffled or in order.

A generator and no loader class: training needs an order and slices of it, and the next epoch is another call.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_nn.conversion import operand
from tinygrad_nn.data.dataset import Dataset, check_count, check_generator
from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Operand, Tensor, raw


def batches(x: Operand, y: Operand, batch_size: int, rng: np.random.Generator | None = None) -> Iterator[Dataset]:
    """Cut data into batches, for one epoch: each row once, the last batch smaller if the rows do not divide evenly.

    Args:
        x: the inputs, of shape (N, ...): an array or a constant Tensor.
        y: the targets, of shape (N, ...).
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
    inputs, targets = _rows("x", x), _rows("y", y)
    if len(inputs) != len(targets):
        message = (
            f"batches: expected 'x' and 'y' with equally many rows, got the shapes {inputs.shape} and {targets.shape}. "
            f"A sample is a row; transpose the one that has its samples in columns"
        )
        raise ShapeError(message)
    check_count("batches", "batch_size", batch_size, least=1)
    if rng is None:
        order = np.arange(len(inputs))
    else:
        check_generator("batches", rng)
        order = rng.permutation(len(inputs))
    # A generator expression and no `yield` here: with one, nothing above would run before the first batch is asked for.
    pieces = (order[start : start + batch_size] for start in range(0, len(order), batch_size))
    return (Dataset(_take(inputs, piece), _take(targets, piece)) for piece in pieces)


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
