"""Data sets that a line or two can write down: what the first networks of textbooks learn.

They are small enough to follow each number by hand, and the published runs that `tests/golden` reproduces use them.
"""

from __future__ import annotations

import numpy as np

from tinygrad_nn.data.dataset import Dataset, check_count, check_generator
from tinygrad_nn.errors import ArgumentError


def xor() -> Dataset:
    """Return the exclusive or, ``y = x_0 xor x_1``: the smallest problem that needs a hidden layer.

    Returns:
        x of shape (4, 2) and y of shape (4, 1).

    Source: Minsky and Papert, "Perceptrons", 1969, for why no network without a hidden layer can learn it.

    >>> from tinygrad_nn import data
    >>> for x, y in zip(*data.xor()):
    ...     print(x, y)
    [0. 0.] [0.]
    [1. 1.] [0.]
    [0. 1.] [1.]
    [1. 0.] [1.]

    """
    return Dataset(np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), np.array([[0.0], [0.0], [1.0], [1.0]]))


def streetlights() -> Dataset:
    """Return four states of a street light, three lamps each, and whether people were seen to walk: 1 or 0.

    The third lamp is always on, and so acts as a bias; people walk where exactly one of the first two is on.

    Returns:
        x of shape (4, 3) and y of shape (4, 1).

    Source: Trask, "Grokking Deep Learning", 2019, chapter 6.

    >>> from tinygrad_nn import data
    >>> for x, y in zip(*data.streetlights()):
    ...     print(x, y)
    [1. 0. 1.] [1.]
    [0. 1. 1.] [1.]
    [0. 0. 1.] [0.]
    [1. 1. 1.] [0.]

    """
    x = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    return Dataset(x, np.array([[1.0], [1.0], [0.0], [0.0]]))


def one_hot(n: int) -> Dataset:
    """Return the rows of the identity as inputs and as targets: an autoencoder has to find a code for `n` symbols.

    Args:
        n: how many symbols; 8 with three hidden units is the classic, for three bits suffice.

    Returns:
        x and y, each of shape (n, n).

    Raises:
        ArgumentError: `n` is no whole number of at least 1.

    Source: Ackley, Hinton and Sejnowski, "A learning algorithm for Boltzmann machines", 1985, the encoder problem.

    >>> from tinygrad_nn import data
    >>> data.one_hot(3).x
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])

    """
    check_count("one_hot", "n", n, least=1)
    return Dataset(np.eye(n), np.eye(n))


def moons(n: int, noise: float, rng: np.random.Generator) -> Dataset:
    """Draw two interleaving half circles, which no straight line separates.

    With ``a`` evenly spaced from 0 to pi, ends included, the upper moon, class 0, is ``(cos a, sin a)`` and the lower
    one, class 1, is ``(1 - cos a, 1/2 - sin a)``. Normal noise is added to each coordinate, and the rows are shuffled.

    Args:
        n: how many points; ``n // 2`` of them are of class 0.
        noise: the standard deviation of the noise; 0.1 to 0.2 lets the moons nearly touch.
        rng: where the chance comes from.

    Returns:
        x of shape (n, 2) and y of shape (n, 1), 0 or 1.

    Raises:
        ArgumentError: `n` is no whole number of at least 2, `noise` is no finite number of at least 0, or `rng` is no
            generator.

    Source: the definition is that of `sklearn.datasets.make_moons`; the drawn numbers are not.

    >>> import numpy as np
    >>> from tinygrad_nn import data
    >>> x, y = data.moons(100, noise=0.1, rng=np.random.default_rng(0))
    >>> x.shape, y.shape, float(y.mean())
    ((100, 2), (100, 1), 0.5)

    """
    check_count("moons", "n", n, least=2)
    check_generator("moons", rng)
    if not (isinstance(noise, (int, float, np.integer, np.floating)) and 0 <= noise < np.inf):
        message = f"moons: expected 'noise' to be a finite number of at least 0, got {noise!r}"
        raise ArgumentError(message)
    upper, lower = np.linspace(0, np.pi, n // 2), np.linspace(0, np.pi, n - n // 2)
    across = np.concatenate([np.cos(upper), 1 - np.cos(lower)])
    upward = np.concatenate([np.sin(upper), 0.5 - np.sin(lower)])
    x = np.stack([across, upward], axis=1)
    y = np.repeat([[0.0], [1.0]], [upper.size, lower.size], axis=0)
    order = rng.permutation(n)
    return Dataset(x[order] + rng.normal(scale=noise, size=x.shape), y[order])
