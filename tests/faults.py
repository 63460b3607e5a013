"""What the tests of `graph.explain` plant faults with."""

from __future__ import annotations

import inspect

import numpy as np

import tinygrad_nn as tn
from tinygrad_nn import nn

X = np.random.default_rng(0).normal(size=(8, 4))
W = np.random.default_rng(1).normal(size=(4, 3))


def rng():
    """Return the same random numbers each time."""
    return np.random.default_rng(0)


def leaf(values, name="w"):
    """Return a parameter."""
    return tn.Tensor(values, requires_grad=True, name=name)


def line_of(function, marker):
    """Return the line of a planted fault, which a comment marks."""
    function = inspect.unwrap(function)
    lines, start = inspect.getsourcelines(function)
    return next(
        f"{inspect.getsourcefile(function)}:{start + place}" for place, line in enumerate(lines) if marker in line
    )


def two_layers(activation, bias, target=1.0):
    """Return the loss of a small network, and the weights of its first layer."""
    model = nn.Sequential(nn.Dense(4, 6, activation=activation, rng=rng()), nn.Dense(6, 1, rng=rng()))
    model.parameters()[1].data = np.full(6, bias)
    loss = nn.squared_error(model(X), np.full((8, 1), target))
    return loss, model.parameters()[0]
