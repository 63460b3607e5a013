"""Training steps against the same steps hand-written in NumPy, each as its published author would have written it.

Run it with ``python -m tests.benchmarks.steps``; it prints a table and fails where a ratio is above its limit.
The published nets (xor, streetlights, autoencoder, moons) track their error in each step, as their authors do.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_nn as tn
from tests.benchmarks.timing import compare
from tinygrad_nn import nn, optim

Pair = tuple[Callable[[], object], Callable[[], object]]


def sigmoid(x: Any) -> Any:
    """Return the logistic function, as every tutorial writes it."""
    return 1 / (1 + np.exp(-x))


def steps(
    model: nn.Module, optimizer: optim.Optimizer, samples: list[tuple[Any, Any]], loss: Any
) -> Callable[[], float]:
    """Return an epoch: one step for each of `samples`."""
    pairs = [(tn.Tensor(x), tn.Tensor(y)) for x, y in samples]

    def epoch() -> float:
        error = 0.0
        for x, y in pairs:
            optimizer.zero_grad()
            value = loss(model(x), y)
            value.backward()
            optimizer.step()
            error += value.item()
        return error

    return epoch


def total_squared_error(prediction: tn.Tensor, target: tn.Tensor) -> Any:
    """Return the summed squared error."""
    return nn.squared_error(prediction, target, reduction="sum")


def xor() -> Pair:
    """XOR, 2-2-1 sigmoid, the full batch of four."""
    rng = np.random.default_rng(0)
    x = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    y = np.array([[0.0], [0.0], [1.0], [1.0]])
    layers = (nn.Dense(2, 2, activation="sigmoid", rng=rng), nn.Dense(2, 1, activation="sigmoid", rng=rng))
    model = nn.Sequential(*layers)
    w1, b1, w2, b2 = model.state_dict().values()

    def theirs() -> float:
        nonlocal w1, b1, w2, b2
        hidden = sigmoid(x @ w1 + b1)
        out = sigmoid(hidden @ w2 + b2)
        difference = out - y
        error = np.sum(difference**2)
        delta2 = difference * out * (1 - out)
        delta1 = (delta2 @ w2.T) * hidden * (1 - hidden)
        w2 -= 0.2 * hidden.T @ delta2
        b2 -= 0.2 * delta2.sum(axis=0)
        w1 -= 0.2 * x.T @ delta1
        b1 -= 0.2 * delta1.sum(axis=0)
        return float(error)

    return steps(model, optim.SGD(model.parameters(), lr=0.1), [(x, y)], total_squared_error), theirs


def streetlights() -> Pair:
    """Streetlights, 3-4-1 relu without biases, one sample a step."""
    x = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    y = np.array([[1.0], [1.0], [0.0], [0.0]])
    rng = np.random.default_rng(1)
    layers = (nn.Dense(3, 4, bias=False, activation="relu", rng=rng), nn.Dense(4, 1, bias=False, rng=rng))
    model = nn.Sequential(*layers)
    w1, w2 = model.state_dict().values()

    def theirs() -> float:
        nonlocal w1, w2
        error = 0.0
        for i in range(len(x)):
            layer_0 = x[i : i + 1]
            layer_1 = np.maximum(layer_0 @ w1, 0)
            layer_2 = layer_1 @ w2
            error += np.sum((layer_2 - y[i : i + 1]) ** 2)
            delta_2 = layer_2 - y[i : i + 1]
            delta_1 = (delta_2 @ w2.T) * (layer_1 > 0)
            w2 -= 0.2 * layer_1.T @ delta_2
            w1 -= 0.2 * layer_0.T @ delta_1
        return error

    samples = [(x[i : i + 1], y[i : i + 1]) for i in range(4)]
    return steps(model, optim.SGD(model.parameters(), lr=0.1), samples, total_squared_error), theirs


def autoencoder() -> Pair:
    """The 8-3-8 autoencoder, sigmoid, one sample a step."""
    x = np.eye(8)
    rng = np.random.default_rng(2)
    layers = (nn.Dense(8, 3, activation="sigmoid", rng=rng), nn.Dense(3, 8, activation="sigmoid", rng=rng))
    model = nn.Sequential(*layers)
    w1, b1, w2, b2 = model.state_dict().values()

    def theirs() -> float:
        nonlocal w1, b1, w2, b2
        distance = 0.0
        for i in range(len(x)):
            sample = x[i : i + 1]
            hidden = sigmoid(sample @ w1 + b1)
            out = sigmoid(hidden @ w2 + b2)
            difference = out - sample
            distance += np.sum(difference**2)
            delta2 = difference * out * (1 - out)
            delta1 = (delta2 @ w2.T) * hidden * (1 - hidden)
            w2 -= hidden.T @ delta2
            b2 -= delta2.sum(axis=0)
            w1 -= sample.T @ delta1
            b1 -= delta1.sum(axis=0)
        return distance

    samples = [(x[i : i + 1], x[i : i + 1]) for i in range(8)]
    return steps(model, optim.SGD(model.parameters(), lr=0.5), samples, total_squared_error), theirs


def moons() -> Pair:
    """Two moons, 2-25-50-50-25-1 relu and sigmoid, full batch of 900, mean binary cross-entropy."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(900, 2))
    y = (rng.random((900, 1)) < 0.5).astype(float)
    sizes = [2, 25, 50, 50, 25, 1]
    model = nn.Sequential(
        *[nn.Dense(n, m, activation="relu" if m > 1 else "sigmoid", rng=rng) for n, m in itertools.pairwise(sizes)]
    )
    values = list(model.state_dict().values())
    weights, biases = values[::2], values[1::2]

    def theirs() -> float:
        activations = [x]
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            activations.append(np.maximum(activations[-1] @ weight + bias, 0))
        out = sigmoid(activations[-1] @ weights[-1] + biases[-1])
        cost = -np.mean(y * np.log(out) + (1 - y) * np.log(1 - out))
        delta = -(y / out - (1 - y) / (1 - out)) / len(x) * out * (1 - out)
        for i in reversed(range(len(weights))):
            step, bias_step = activations[i].T @ delta, delta.sum(axis=0)
            if i:
                delta = (delta @ weights[i].T) * (activations[i] > 0)
            weights[i] -= 0.01 * step
            biases[i] -= 0.01 * bias_step
        return float(cost)

    return steps(model, optim.SGD(model.parameters(), lr=0.01), [(x, y)], nn.binary_cross_entropy), theirs


def letters() -> Pair:
    """Block letters, 1024-225-225-26 tanh, batches of 32, squared error."""
    rng = np.random.default_rng(4)
    x = rng.random((32, 1024))
    y = np.eye(26)[rng.integers(0, 26, 32)]
    sizes = [1024, 225, 225, 26]
    model = nn.Sequential(*[nn.Dense(n, m, activation="tanh", rng=rng) for n, m in itertools.pairwise(sizes)])
    values = list(model.state_dict().values())
    weights, biases = values[::2], values[1::2]

    def theirs() -> float:
        activations = [x]
        for weight, bias in zip(weights, biases, strict=True):
            activations.append(np.tanh(activations[-1] @ weight + bias))
        difference = activations[-1] - y
        error = np.sum(difference**2)
        delta = 2 * difference * (1 - activations[-1] ** 2)
        for i in reversed(range(len(weights))):
            step, bias_step = activations[i].T @ delta, delta.sum(axis=0)
            if i:
                delta = (delta @ weights[i].T) * (1 - activations[i] ** 2)
            weights[i] -= 0.001 * step
            biases[i] -= 0.001 * bias_step
        return float(error)

    return steps(model, optim.SGD(model.parameters(), lr=0.001), [(x, y)], total_squared_error), theirs


def digits() -> Pair:
    """A network of the size usual for MNIST, 784-512-256-10 relu, cross-entropy, Adam, batches of 128."""
    rng = np.random.default_rng(5)
    x = rng.random((128, 784))
    labels = rng.integers(0, 10, 128)
    sizes = [784, 512, 256, 10]
    model = nn.Sequential(
        *[nn.Dense(n, m, activation="relu" if m > 10 else None, rng=rng) for n, m in itertools.pairwise(sizes)]
    )
    values = list(model.state_dict().values())
    parameters = values
    means, squares = [np.zeros_like(p) for p in values], [np.zeros_like(p) for p in values]
    count = 0

    def theirs() -> float:
        nonlocal count
        count += 1
        activations = [x]
        weights, biases = parameters[::2], parameters[1::2]
        for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            z = activations[-1] @ weight + bias
            activations.append(np.maximum(z, 0) if i < 2 else z)
        exponentials = np.exp(activations[-1] - activations[-1].max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        cost = -np.mean(np.log(probabilities[np.arange(128), labels]))
        delta = probabilities
        delta[np.arange(128), labels] -= 1
        delta = delta / 128
        gradients: list[Any] = [None] * 6
        for i in reversed(range(3)):
            gradients[2 * i], gradients[2 * i + 1] = activations[i].T @ delta, delta.sum(axis=0)
            if i:
                delta = (delta @ weights[i].T) * (activations[i] > 0)
        for i, g in enumerate(gradients):
            means[i] = 0.9 * means[i] + 0.1 * g
            squares[i] = 0.999 * squares[i] + 0.001 * g**2
            mean, square = means[i] / (1 - 0.9**count), squares[i] / (1 - 0.999**count)
            parameters[i] = parameters[i] - 0.001 * mean / (np.sqrt(square) + 1e-8)
        return float(cost)

    return steps(model, optim.Adam(model.parameters()), [(x, labels)], nn.cross_entropy), theirs


def chain() -> Pair:
    """Ten thousand times ``x = x * a + b`` on ten numbers, forward and back, against the bare loop forward."""
    x = np.linspace(0, 1, 10)
    leaf, seed = tn.Tensor(x, requires_grad=True), np.ones(10)

    def ours() -> None:
        value = leaf
        for _ in range(10_000):
            value = value * 0.999 + 0.001
        value.backward(seed)

    def theirs() -> None:
        value = x
        for _ in range(10_000):
            value = value * 0.999 + 0.001

    return ours, theirs


def leaves() -> Pair:
    """The sum of ten thousand leaves of ten numbers, forward and back, against the bare loop forward."""
    arrays = [np.full(10, float(i)) for i in range(10_000)]
    tensors, seed = [tn.Tensor(array, requires_grad=True) for array in arrays], np.ones(10)

    def ours() -> None:
        total = tensors[0]
        for tensor in tensors[1:]:
            total = total + tensor
        total.backward(seed)
        for tensor in tensors:
            tensor.zero_grad()

    def theirs() -> None:
        total = arrays[0]
        for array in arrays[1:]:
            total = total + array

    return ours, theirs


LIMITS: dict[Callable[[], Pair], float] = {
    xor: 2.3, streetlights: 2.3, autoencoder: 2.3, moons: 1.15, letters: 1.1, digits: 1.0, chain: 6.0, leaves: 12.0,
}  # fmt: skip  # a table


def main() -> int:
    """Print the table; return 1 if a ratio is above its limit."""
    failed = 0
    print(f"{'':14}{'ours (us)':>12}{'NumPy (us)':>12}{'ratio':>8}{'limit':>8}")
    for make, limit in LIMITS.items():
        if sys.argv[1:] and make.__name__ not in sys.argv[1:]:
            continue
        result = compare(*make())
        failed |= result.ratio > limit
        mark = "" if result.ratio <= limit else "  above"
        print(f"{make.__name__:14}{result.ours:12.1f}{result.theirs:12.1f}{result.ratio:8.2f}{limit:8.2f}{mark}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
