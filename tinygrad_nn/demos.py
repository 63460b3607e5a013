"""The networks that `python -m tinygrad_nn` trains: the data, the model, and what counts as having learnt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn import data, nn, optim
from tinygrad_nn.data.dataset import Dataset
from tinygrad_nn.optim.optimizer import Optimizer


class Demo(NamedTuple):
    """A network, ready to be trained, and its goal."""

    train: Dataset
    test: Dataset
    model: nn.Module
    loss: Callable[[Any, Any], Any]
    optimizer: Optimizer
    epochs: int
    batch_size: int | None
    metrics: tuple[str, ...]
    goal: str
    reached: Callable[[dict[str, float]], bool]
    """Whether the goal is reached, given loss and metrics on the test data."""


def digits(rng: np.random.Generator) -> Demo:
    """Read handwritten digits: 64-128-10, relu, cross-entropy, Adam.

    The network sees each scan as it is and eleven times under noise, which is worth half a per cent on digits that it
    has not seen.
    """
    train, test = data.digits()
    noisy = [train.x + rng.normal(scale=0.3, size=train.x.shape) for _ in range(11)]
    seen = Dataset(np.concatenate([train.x, *noisy]), np.tile(train.y, 12))
    model = nn.Sequential(nn.Dense(64, 128, activation="relu", rng=rng), nn.Dense(128, 10, rng=rng))
    return Demo(
        seen, test, model, nn.cross_entropy, optim.Adam(model.parameters()), 8, 32, ("accuracy",),
        "at least 97 % of the held-back digits right", lambda found: found["accuracy"] >= 0.97,
    )  # fmt: skip  # in the order of the fields


def xor(rng: np.random.Generator) -> Demo:
    """Learn exclusive or: 2-4-1, tanh and sigmoid, binary cross-entropy, Adam."""
    table = data.xor()
    layers = (nn.Dense(2, 4, activation="tanh", rng=rng), nn.Dense(4, 1, activation="sigmoid", rng=rng))
    model = nn.Sequential(*layers)
    return Demo(
        table, table, model, nn.binary_cross_entropy, optim.Adam(model.parameters(), lr=0.05), 500, None, ("accuracy",),
        "all four cases right", lambda found: found["accuracy"] == 1,
    )  # fmt: skip  # in the order of the fields


def streetlights(rng: np.random.Generator) -> Demo:
    """Learn when people walk: 3-8-1, relu, without biases, squared error, one sample a step."""
    table = data.streetlights()
    layers = (nn.Dense(3, 8, bias=False, activation="relu", rng=rng), nn.Dense(8, 1, bias=False, rng=rng))
    model = nn.Sequential(*layers)
    return Demo(
        table, table, model, nn.squared_error, optim.SGD(model.parameters(), lr=0.05), 500, 1, (),
        "a mean squared error below 0.01", lambda found: found["loss"] < 0.01,
    )  # fmt: skip  # in the order of the fields


def autoencoder(rng: np.random.Generator) -> Demo:
    """Squeeze eight patterns through three neurons: 8-3-8, sigmoid, squared error, Adam."""
    table = data.one_hot(8)
    layers = (nn.Dense(8, 3, activation="sigmoid", rng=rng), nn.Dense(3, 8, activation="sigmoid", rng=rng))
    model = nn.Sequential(*layers)
    return Demo(
        table, table, model, nn.squared_error, optim.Adam(model.parameters(), lr=0.05), 2000, None, ("accuracy",),
        "all eight patterns restored", lambda found: found["accuracy"] == 1,
    )  # fmt: skip  # in the order of the fields


def moons(rng: np.random.Generator) -> Demo:
    """Part two interleaving half circles: 2-25-25-1, relu, binary cross-entropy on logits, Adam."""
    train, test = data.moons(900, noise=0.2, rng=rng), data.moons(100, noise=0.2, rng=rng)
    layers = (
        nn.Dense(2, 25, activation="relu", rng=rng),
        nn.Dense(25, 25, activation="relu", rng=rng),
        nn.Dense(25, 1, activation="sigmoid", rng=rng),
    )
    model = nn.Sequential(*layers)
    return Demo(
        train, test, model, nn.binary_cross_entropy, optim.Adam(model.parameters(), lr=5e-3), 60, 50, ("accuracy",),
        "at least 93 % of the held-back points right", lambda found: found["accuracy"] >= 0.93,
    )  # fmt: skip  # in the order of the fields


DEMOS: dict[str, Callable[[np.random.Generator], Demo]] = {
    demo.__name__: demo for demo in (digits, xor, streetlights, autoencoder, moons)
}
