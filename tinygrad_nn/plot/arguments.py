"""What may come in: arrays of the right number of axes, and as many labels and epochs as these have rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import raw


def array(owner: str, name: str, value: Any, shape: str) -> Array:
    """Return an argument as an array with as many axes as `shape` has names, as in "(T, in, out)", none of length 0."""
    found = np.asarray(raw(value))
    if found.ndim != shape.count(",") + 1 - shape.count(",)") or not found.size:
        message = (
            f"plot.{owner}: expected '{name}' to have the shape {shape}, none of them 0, got {found.shape}. "
            f"Reshape it, or take the part of it that is to be seen"
        )
        raise ShapeError(message)
    if found.dtype.kind not in "biuf":
        message = f"plot.{owner}: expected '{name}' to hold numbers, got {found.dtype}"
        raise ArgumentError(message)
    return found


def epochs_of(owner: str, epochs: Any, count: int) -> Array:
    """Return the epoch of each of `count` records; they are numbered from 0 when not given."""
    found = np.arange(count) if epochs is None else np.asarray(raw(epochs))
    if found.shape != (count,):
        message = f"plot.{owner}: expected 'epochs' to have one number a record, of shape ({count},), got {found.shape}"
        raise ShapeError(message)
    return found


def labels_of(owner: str, labels: Sequence[object] | None, count: int, default: str = "") -> list[str]:
    """Return the text for each of `count` things; `default` and their number when not given."""
    if labels is None:
        return [f"{default}{number}" for number in range(count)]
    found = [str(label) for label in labels]
    if len(found) != count:
        message = f"plot.{owner}: expected {count} labels, got {len(found)}"
        raise ArgumentError(message)
    return found
