"""Four published training runs, number for number: the same weights, data and rule give the same curve.

The rules speak of half the squared error, whose gradient is ``p - t``; the curves show the whole squared error. Each
number is measured before the update of its iteration. The numbers are in `tests/golden/*.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygrad_nn import data, nn, optim, training


def golden(name: str) -> dict[str, Any]:
    path = Path(__file__).parent / "golden" / f"{name}.json"
    run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return run


def network(run: dict[str, Any], *activations: str | None) -> nn.Sequential:
    """Build the network of a run, with its initial weights; one without `b_init` has no biases."""
    sizes = [np.shape(weight) for weight in run["W_init"]]
    layers = [
        nn.Dense(n, m, bias="b_init" in run, activation=activation)
        for (n, m), activation in zip(sizes, activations, strict=True)
    ]
    model = nn.Sequential(*layers)
    weights = {f"{place}.weight": weight for place, weight in enumerate(run["W_init"])}
    biases = {f"{place}.bias": bias for place, bias in enumerate(run.get("b_init", []))}
    model.load_state_dict(weights | biases)
    return model


def epoch(model: nn.Sequential, optimizer: optim.SGD, samples: Iterable[data.Dataset]) -> float:
    """Update once for each batch of samples, and return the squared error, summed over all."""
    total = 0.0
    for x, y in samples:
        loss = nn.squared_error(model(x), y, reduction="sum") / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += 2 * loss.item()
    return total


def fitted(
    model: nn.Sequential, run: dict[str, Any], samples: data.Dataset, epochs: int, batch_size: int | None = None
) -> list[float]:
    """Return what `epoch` does of each epoch, by `training.fit`."""

    def half(prediction: Any, target: Any) -> Any:
        return nn.squared_error(prediction, target, reduction="sum") / 2

    optimizer = optim.SGD(model.parameters(), lr=run["learning_rate"])
    history = training.fit(model, samples, half, optimizer, epochs, batch_size=batch_size)
    batches = len(samples.x) / (batch_size or len(samples.x))
    return [2 * batches * loss for loss in history["loss"]]  # `fit` says the mean over batches of one size


def at(curve: list[Any], published: dict[str, Any]) -> list[Any]:
    """Return what `curve` has at the iterations that were published."""
    return [curve[int(iteration)] for iteration in published]


def test_streetlights_online() -> None:
    run = golden("streetlights")
    x, y = data.streetlights()
    samples = list(data.batches(x, y, batch_size=1))
    model = network(run, "relu", None)
    optimizer = optim.SGD(model.parameters(), lr=run["learning_rate"])
    errors = [epoch(model, optimizer, samples) / len(x) for _ in run["errors"]]
    np.testing.assert_allclose(errors, run["errors"], rtol=1e-7)
    for parameter, final in zip(model.parameters(), run["W_final"], strict=True):
        np.testing.assert_allclose(parameter.data, final, rtol=1e-7)
    np.testing.assert_allclose(model(x).numpy().ravel(), run["predictions"], rtol=1e-7)


def test_xor_in_full_batches() -> None:
    run = golden("xor")
    samples = list(data.batches(*data.xor(), batch_size=4))
    model = network(run, "sigmoid", "sigmoid")
    optimizer = optim.SGD(model.parameters(), lr=run["learning_rate"])
    errors = [epoch(model, optimizer, samples) for _ in range(10_001)]
    published = {iteration: error for iteration, error in run["errors"].items() if int(iteration) < len(errors)}
    np.testing.assert_allclose(at(errors, published), list(published.values()), rtol=1e-7)


@pytest.mark.slow
def test_autoencoder_online() -> None:
    run = golden("autoencoder")
    samples = list(data.batches(*data.one_hot(8), batch_size=1))
    model = network(run, "sigmoid", "sigmoid")
    optimizer = optim.SGD(model.parameters(), lr=run["learning_rate"])
    distances = [epoch(model, optimizer, samples) for _ in range(3_000)]
    np.testing.assert_allclose(at(distances, run["distances"]), list(run["distances"].values()), rtol=1e-7)


@pytest.mark.slow
def test_moons_in_full_batches() -> None:
    run = golden("moons")
    x, y = np.array(run["X_train"]), np.array(run["y_train"]).reshape(-1, 1)
    [(x, y)] = data.batches(x, y, batch_size=len(x))
    model = network(run, "relu", "relu", "relu", "relu", "sigmoid")
    optimizer = optim.SGD(model.parameters(), lr=run["learning_rate"])
    costs, accuracies = [], []
    for _ in range(2_001):
        probability = model(x)
        cost = nn.binary_cross_entropy(probability, y)
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        costs.append(cost.item())
        accuracies.append(((probability > 0.5) == (y == 1)).mean())
    published_costs, published_accuracies = zip(*run["curve"].values(), strict=True)
    np.testing.assert_allclose(at(costs, run["curve"]), published_costs, rtol=1e-6)
    assert at(accuracies, run["curve"]) == list(published_accuracies)


def test_streetlights_through_fit() -> None:
    run = golden("streetlights")
    model = network(run, "relu", None)
    errors = fitted(model, run, data.streetlights(), len(run["errors"]), batch_size=1)
    np.testing.assert_allclose(np.divide(errors, len(run["X"])), run["errors"], rtol=1e-7)
    for parameter, final in zip(model.parameters(), run["W_final"], strict=True):
        np.testing.assert_allclose(parameter.data, final, rtol=1e-7)
    np.testing.assert_allclose(model(run["X"]).numpy().ravel(), run["predictions"], rtol=1e-7)


def test_xor_through_fit() -> None:
    run = golden("xor")
    errors = fitted(network(run, "sigmoid", "sigmoid"), run, data.xor(), 10_001)
    published = {iteration: error for iteration, error in run["errors"].items() if int(iteration) < len(errors)}
    np.testing.assert_allclose(at(errors, published), list(published.values()), rtol=1e-7)


def test_autoencoder_through_fit() -> None:
    run = golden("autoencoder")
    distances = fitted(network(run, "sigmoid", "sigmoid"), run, data.one_hot(8), 3_000, batch_size=1)
    np.testing.assert_allclose(at(distances, run["distances"]), list(run["distances"].values()), rtol=1e-7)


def check_moons_through_fit(epochs: int) -> nn.Sequential:
    run = golden("moons")
    samples = np.array(run["X_train"]), np.array(run["y_train"]).reshape(-1, 1)
    model = network(run, "relu", "relu", "relu", "relu", "sigmoid")
    optimizer = optim.SGD(model.parameters(), lr=run["learning_rate"])
    history = training.fit(model, samples, nn.binary_cross_entropy, optimizer, epochs, metrics=["accuracy"])
    published = {iteration: row for iteration, row in run["curve"].items() if int(iteration) < len(history)}
    published_costs, published_accuracies = zip(*published.values(), strict=True)
    np.testing.assert_allclose(at(history["loss"], published), published_costs, rtol=1e-6)
    # The published accuracy is that before the step, which is that after the step before.
    assert at([published_accuracies[0], *history["accuracy"]], published) == list(published_accuracies)
    return model


def test_moons_through_fit() -> None:
    check_moons_through_fit(epochs=301)


@pytest.mark.slow
def test_moons_through_fit_to_the_end() -> None:
    model, run = check_moons_through_fit(epochs=10_000), golden("moons")
    right = (model(np.array(run["X_test"])).numpy() > 0.5) == np.array(run["y_test"]).reshape(-1, 1)
    assert right.mean() >= 0.95
