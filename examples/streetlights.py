"""Learn from street lights when people walk: a published run, number for number.

The data and the rule are those of Trask's "Grokking Deep Learning", 2019, chapter 6. The network has four hidden relu
units and no biases, and learns from one sample at a time. Run it with ``python examples/streetlights.py``; the
published errors at the iterations 0, 10, 20, 30, 40 and 50 are 0.35238, 0.29001, 0.19074, 0.12883, 0.04666 and 0.00544.

With ``--plot`` it draws what went on meanwhile: ``streetlights_errors.png``, the error of each sample and their mean;
``streetlights_weights_1.png`` and ``streetlights_weights_2.png``, each weight of the two layers; and
``streetlights_neurons.png``, the value of each neuron. Watch the samples get worse in turn before all of them get well.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinygrad_nn import data, nn, optim, plot, training

ITERATIONS = 58
LEARNING_RATE = 0.1  # published as 0.2, times prediction - target: the gradient of half the squared error


def published_network() -> nn.Sequential:
    """Return the network with the weights that the published run began with."""
    rng = np.random.RandomState(0)  # not default_rng(0): only the legacy generator draws the published numbers
    to_output = 2 * rng.random_sample((4, 1)) - 1  # drawn first
    to_hidden = 2 * rng.random_sample((3, 4)) - 1
    hidden = nn.Dense(3, 4, bias=False, activation="relu")
    output = nn.Dense(4, 1, bias=False)
    hidden.weight.data, output.weight.data = to_hidden, to_output
    return nn.Sequential(hidden, output)


def train(iterations: int = ITERATIONS) -> tuple[nn.Sequential, training.History, training.Recorder]:
    """Learn from one sample after the other, and record the network before the first iteration and after each."""
    model, recorder = published_network(), training.Recorder()
    optimizer = optim.SGD(model.parameters(), lr=LEARNING_RATE)
    history = training.fit(
        model, data.streetlights(), nn.squared_error, optimizer, iterations, batch_size=1, callbacks=[recorder]
    )
    return model, history, recorder


def lamps(lights: Sequence[float]) -> str:
    """Return three lamps as text, a star for each that is on."""
    return " ".join(".*"[int(light)] for light in lights)


def draw(recorder: training.Recorder, folder: Path) -> None:
    """Write the four published figures; they measure between iterations, the table just before each update."""
    from matplotlib.figure import Figure  # here: the table needs no matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    samples = [lamps(lights) for lights in data.streetlights().x]
    errors, first, second, neurons = (Figure(layout="constrained") for _ in range(4))
    plot.sample_errors(recorder.errors, recorder.epochs, errors.subplots(), labels=samples)
    plot.weights_over_time(recorder.weights["0.weight"], recorder.epochs, first.subplots())
    plot.weights_over_time(recorder.weights["1.weight"], recorder.epochs, second.subplots())
    for name, ax in zip(("0", "1"), neurons.subplots(2, sharex=True), strict=True):
        plot.neurons_over_time(recorder.activations[name], recorder.epochs, ax, labels=samples)
    for name, figure in {"errors": errors, "weights_1": first, "weights_2": second, "neurons": neurons}.items():
        figure.savefig(folder / f"streetlights_{name}.png", dpi=150)


def main(argv: Sequence[str] | None = None) -> None:
    """Train, and print a table of errors and the final predictions."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--plot", nargs="?", const=".", type=Path, metavar="FOLDER", help="write pictures there")
    folder = parser.parse_args(argv).plot
    model, history, recorder = train()

    print("iteration  mean squared error")
    for iteration in range(0, ITERATIONS, 10):
        print(f"{iteration:9}  {history['loss'][iteration]:.5f}")  # each sample's error from before its update

    x, y = data.streetlights()
    print("\nlights  walk  prediction")
    for lights, walk, prediction in zip(x, y, model(x).numpy(), strict=True):
        print(f"{lamps(lights)}   {walk.item():.0f}     {prediction.item():.5f}")
    if folder is not None:
        draw(recorder, folder)


if __name__ == "__main__":
    main()
