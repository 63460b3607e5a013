"""What the functions of this room hand out, and the checks of arguments that they share.

A data set is a plain pair of arrays and no class with methods: whatever cuts, scales or shuffles arrays works on it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.primitive import Array


class Dataset(NamedTuple):
    """Samples and what shall be learned of them: ``x, y = data.xor()``, or ``data.xor().x``.

    Attributes:
        x: the inputs, one sample a row.
        y: the targets, as many rows: values of shape (N, m), or labels of shape (N,).

    >>> from tinygrad_nn import data
    >>> x, y = data.xor()
    >>> x.shape, y.shape
    ((4, 2), (4, 1))

    """

    x: Array
    y: Array


class Split(NamedTuple):
    """A data set in two parts: one to learn from, and one that is held back to measure what was learned.

    >>> from tinygrad_nn import data
    >>> train, test = data.digits()
    >>> len(train.x), len(test.x)
    (1442, 355)
    """

    train: Dataset
    test: Dataset


def check_count(owner: str, name: str, value: object, least: int) -> None:
    """Refuse what is no whole number of at least `least`."""
    if not isinstance(value, (int, np.integer)) or value < least:
        message = f"{owner}: expected '{name}' to be a whole number of at least {least}, got {value!r}"
        raise ArgumentError(message)


def check_generator(owner: str, value: object) -> None:
    """Refuse what is no generator, such as the seed of one or a legacy `numpy.random.RandomState`."""
    if not isinstance(value, np.random.Generator):
        message = (
            f"{owner}: expected 'rng' to be a numpy.random.Generator, got {value!r}. Pass np.random.default_rng(0), "
            f"with a seed of your choice"
        )
        raise ArgumentError(message)
