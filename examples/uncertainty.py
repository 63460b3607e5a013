"""Regression that says how sure it is: a network that predicts a mean and a standard deviation for each input.

The data are noisy, and noisier to the right. A network with two outputs is trained by the likelihood of normal
distributions (`nn.gaussian_nll`; Nix and Weigend, 1994), and learns the noise though nobody tells it how large it is:
only targets are given. What it says is tested on fresh data: 68 % of them ought to lie within one standard deviation,
95 % within two.

That is the noise in the data. What the data do not say, in the gap where there are none, shows in how far several
networks that began differently disagree (Lakshminarayanan, Pritzel and Blundell, "Simple and scalable predictive
uncertainty estimation using deep ensembles", 2017). The ensemble's variance is the mean of the noise variances plus the
variance of the means.

Run it with ``python examples/uncertainty.py``, which takes some ten seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_nn as tn
from tinygrad_nn import nn, optim

SAMPLES = 1000
GAP = (0.5, 1.5)  # where there are no data
HIDDEN = 20
NETWORKS = 5
ITERATIONS = 400


def true_mean(x: Any) -> Any:
    """Return what the noise is added to."""
    return np.sin(2 * x)


def true_sigma(x: Any) -> Any:
    """Return the standard deviation of the noise."""
    return 0.05 + 0.15 * (x + 3) / 3


def draw_data(samples: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return inputs between -3 and 3, though not in the gap, and noisy targets, both of shape (samples, 1)."""
    x = rng.uniform(-3, 3 - (GAP[1] - GAP[0]), (samples, 1))
    x = np.where(x > GAP[0], x + GAP[1] - GAP[0], x)
    return x, rng.normal(true_mean(x), true_sigma(x))


class MeanAndVariance(nn.Module):
    """Predict a normal distribution."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Draw the weights."""
        self.body = nn.Sequential(
            nn.Dense(1, HIDDEN, activation="tanh", rng=rng), nn.Dense(HIDDEN, HIDDEN, activation="tanh", rng=rng)
        )
        self.mean = nn.Dense(HIDDEN, 1, rng=rng)
        self.log_variance = nn.Dense(HIDDEN, 1, rng=rng)

    def forward(self, x: Any) -> tuple[Any, Any]:
        """Return mean and variance for each row of `x`; that of an exponential is above 0 whatever the weights."""
        features = self.body(x)
        return self.mean(features), np.exp(self.log_variance(features))


def train(x: Any, y: Any, rng: np.random.Generator) -> MeanAndVariance:
    """Return a network that has learned the data."""
    model = MeanAndVariance(rng)

    def loss() -> Any:
        mean, variance = model(x)
        return nn.gaussian_nll(mean, y, variance)

    optim.minimize(model, loss, options={"maxiter": ITERATIONS})  # by L-BFGS, for the data fit into one batch
    return model


def predict(models: Sequence[MeanAndVariance], x: Any) -> tuple[Any, Any, Any]:
    """Return mean, standard deviation of the noise, and the disagreement of the models, each of the shape of `x`."""
    with tn.no_grad():
        means, variances = zip(*(model(x) for model in models), strict=True)
    mu, v = (np.stack([each.numpy() for each in found]) for found in (means, variances))
    return mu.mean(axis=0), np.sqrt(v.mean(axis=0)), mu.std(axis=0)


def draw(folder: Path, x: Any, y: Any, models: Sequence[MeanAndVariance]) -> None:
    """Draw the data, and the predicted mean with bands of one and two standard deviations."""
    import matplotlib.pyplot as plt

    places = np.linspace(-3, 3, 301)
    mean, noise, doubt = (part[:, 0] for part in predict(models, places[:, None]))
    total = np.hypot(noise, doubt)
    figure, (above, below) = plt.subplots(2, sharex=True, figsize=(8, 7), height_ratios=[3, 2], layout="constrained")
    above.plot(x, y, ".", color="0.3", markersize=3, alpha=0.5, label="data")
    above.plot(places, true_mean(places), "k--", label="true mean")
    above.plot(places, mean, color="C0", label="predicted mean")
    for width, alpha in ((1, 0.3), (2, 0.15)):
        label = f"± {width} standard deviation{'s' * (width > 1)}"
        above.fill_between(
            places, mean - width * total, mean + width * total, color="C0", alpha=alpha, lw=0, label=label
        )
    above.set(ylabel="y")
    above.legend(loc="lower left", fontsize="small")
    below.plot(places, true_sigma(places), "k--", label="true noise")
    below.plot(places, noise, color="C0", label="predicted noise")
    below.plot(places, doubt, color="C3", label="disagreement of the networks")
    below.axvspan(*GAP, color="0.9", label="no data")
    below.set(xlabel="x", ylabel="standard deviation", ylim=(0, None))
    below.legend(loc="upper left", fontsize="small")
    figure.savefig(folder / "uncertainty_bands.png", dpi=150)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    """Train, and print how the predicted noise compares with the true one, and how often it is right."""
    parser = argparse.ArgumentParser(description="Regression that says how sure it is.")
    parser.add_argument("--plot", nargs="?", const=".", type=Path, metavar="FOLDER", help="draw the bands to a file")
    options = parser.parse_args(argv)

    rng = np.random.default_rng(0)
    x, y = draw_data(SAMPLES, rng)
    models = [train(x, y, rng) for _ in range(NETWORKS)]

    places = np.array([-2.5, -1.5, -0.5, 0.25, 1.0, 1.75, 2.5])[:, None]
    print("    x  true noise  predicted noise  disagreement")
    for place, (_, noise, doubt) in zip(places[:, 0], np.dstack(predict(models, places))[:, 0], strict=True):
        no_data = "  (no data here)" if GAP[0] < place < GAP[1] else ""
        print(f"{place:5.2f}{true_sigma(place):12.3f}{noise:17.3f}{doubt:14.3f}{no_data}")
    x_new, y_new = draw_data(10_000, rng)
    mean, noise, doubt = predict(models, x_new)
    distance = np.abs(y_new - mean) / np.hypot(noise, doubt)
    print(f"\nfresh data within 1 standard deviation:  {np.mean(distance < 1):.1%}, ought to be 68.3%")
    print(f"fresh data within 2 standard deviations: {np.mean(distance < 2):.1%}, ought to be 95.4%")
    if options.plot:
        draw(options.plot, x, y, models)


if __name__ == "__main__":
    main()
