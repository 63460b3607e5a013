"""Squeeze eight patterns through three neurons, which have to invent a code: binary numbers, as it turns out.

The encoder problem is that of Ackley, Hinton and Sejnowski, "A learning algorithm for Boltzmann machines", 1985: the
network repeats which of its eight inputs is 1, and all that it knows of it passes through three sigmoids. It learns
until the distance, the squared error summed over all outputs of all patterns, is 0.002. Nobody asks for codes near 0
and 1, but there they are told apart most easily: each of 50 seeds ended with one code near each corner of the cube.

Run ``python examples/autoencoder.py`` for a table of the codes, which takes two seconds. ``--published`` follows a
published run, one pattern at a time from its initial weights: to the same distance it takes 45,549 epochs, a minute
or so. Its codes are eight points well apart, but two of them are nearest to the same corner. With ``--plot`` either
draws ``autoencoder_errors.png``, the distance of each pattern; ``autoencoder_codes.png``, the codes as they part; and
``autoencoder_weights.png``, the weights that make them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import tinygrad_nn as tn
from tinygrad_nn import data, nn, optim, plot, training

PATTERNS, HIDDEN = 8, 3
DISTANCE = 0.002
LIMIT = 100_000  # epochs, should the distance not be reached


class Learnt(NamedTuple):
    """A trained network, and how it came about."""

    model: nn.Sequential
    history: training.History
    recorder: training.Recorder


def distance(prediction: tn.Tensor, target: tn.Tensor) -> tn.Tensor:
    """Return the squared error, summed over all outputs of all patterns."""
    return nn.squared_error(prediction, target, reduction="sum")


def network(rng: np.random.Generator | None = None) -> nn.Sequential:
    """Return 8-3-8, sigmoids."""
    encoder = nn.Dense(PATTERNS, HIDDEN, activation="sigmoid", rng=rng)
    decoder = nn.Dense(HIDDEN, PATTERNS, activation="sigmoid", rng=rng)
    return nn.Sequential(encoder, decoder)


def published_network() -> nn.Sequential:
    """Return the network with the weights that the published run began with."""
    rng = np.random.RandomState(0)  # not default_rng(0): only the legacy generator draws the published numbers
    encoder = rng.random_sample((PATTERNS + 1, HIDDEN))  # the biases are the last row
    decoder = rng.random_sample((HIDDEN + 1, PATTERNS))
    model = network()
    model.load_state_dict({
        "0.weight": encoder[:-1], "0.bias": encoder[-1], "1.weight": decoder[:-1], "1.bias": decoder[-1],
    })  # fmt: skip
    return model


def train(seed: int = 0, limit: int = LIMIT) -> Learnt:
    """Learn all patterns at once, each weight with steps of a size of its own."""
    model = network(np.random.default_rng(seed))
    return learn(model, optim.RMSProp(model.parameters(), lr=0.01), limit)


def train_as_published(limit: int = LIMIT) -> Learnt:
    """Follow the published run: one pattern at a time."""
    model = published_network()
    return learn(model, optim.SGD(model.parameters(), lr=0.5), limit, batch_size=1)  # 0.5 is 1 for half the distance


def learn(model: nn.Sequential, optimizer: optim.Optimizer, limit: int, batch_size: int = PATTERNS) -> Learnt:
    """Train until the distance is small enough."""
    recorder = training.Recorder(error=lambda prediction, target: np.square(prediction - target).sum(axis=1))
    small = DISTANCE * batch_size / PATTERNS  # `fit` tells the mean loss of a batch
    history = training.fit(
        model, data.one_hot(PATTERNS), distance, optimizer, limit,
        batch_size=batch_size, stop_when=small, callbacks=[recorder],
    )  # fmt: skip  # what, then how
    return Learnt(model, history, recorder)


def bits(values: Iterable[float]) -> str:
    """Return numbers from 0 to 1 as the nearest bits."""
    return "".join(f"{value:.0f}" for value in values)


def draw(recorder: training.Recorder, folder: Path) -> None:
    """Write the pictures."""
    from matplotlib.figure import Figure  # here: the table needs no matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    errors, codes, weights = (Figure(figsize=(8, 6), layout="constrained") for _ in range(3))
    patterns = [f"pattern {number}" for number in range(PATTERNS)]
    plot.sample_errors(recorder.errors, recorder.epochs, errors.subplots(), labels=patterns, log=True)
    panels = codes.subplots(HIDDEN, sharex=True, sharey=True)  # in one, 24 lines would hide each other
    for neuron, ax in enumerate(panels):
        ax.plot(recorder.epochs, recorder.activations["0"][:, :, neuron], label=patterns)
        ax.set_ylabel(f"neuron {neuron}")
    codes.legend(*panels[0].get_legend_handles_labels(), loc="outside right center")
    panels[-1].set_xlabel("epoch")
    plot.weights_over_time(recorder.weights["0.weight"], recorder.epochs, weights.subplots())
    for name, figure in {"errors": errors, "codes": codes, "weights": weights}.items():
        figure.savefig(folder / f"autoencoder_{name}.png", dpi=150)


def main(argv: Sequence[str] | None = None) -> None:
    """Train, and print the code of each pattern."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--published", action="store_true", help="follow the published run")
    parser.add_argument("--plot", nargs="?", const=".", type=Path, metavar="FOLDER", help="write pictures there")
    options = parser.parse_args(argv)
    model, history, recorder = train_as_published() if options.published else train()

    x, y = data.one_hot(PATTERNS)
    codes, outputs = model[0](x).numpy(), model(x).numpy()
    print("pattern   code            rounded  largest output")
    for pattern, code, output in zip(x, codes, outputs, strict=True):
        values = " ".join(f"{value:.2f}" for value in code)
        print(f"{bits(pattern)}  {values}  {bits(code):7}  {output.max():.3f} at {output.argmax()}")
    reached = training.evaluate(model, (x, y), distance)["loss"]
    print(f"\ndistance {reached:.4f} after {len(history):,} epochs")
    if options.plot is not None:
        draw(recorder, options.plot)


if __name__ == "__main__":
    main()
