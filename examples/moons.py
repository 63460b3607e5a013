"""Part two interleaving half circles: a network that was published in plain NumPy, and compared with Keras.

The network is 2-25-50-50-25-1, with relu and a sigmoid. It learns by gradient descent on all 900 points at once, with a
learning rate of 0.01, for 10,000 epochs, as the published one did. But the weights start as large as He's rule makes
them, and not at a tenth of a normal draw: from there the published run spent its first 2,000 epochs on a plateau.

Run it with ``python examples/moons.py``, which takes a minute or less; of the 100 points that were held back, at least
95 are classified right. With ``--plot`` it draws ``moons_boundary.png``, how the network divides the plane, with the
points that were held back; and ``moons_curves.png``, cost and accuracy over time.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinygrad_nn import data, nn, optim, plot, training

NETWORK = [
    {"input_dim": 2, "output_dim": 25, "activation": "relu"},
    {"input_dim": 25, "output_dim": 50, "activation": "relu"},
    {"input_dim": 50, "output_dim": 50, "activation": "relu"},
    {"input_dim": 50, "output_dim": 25, "activation": "relu"},
    {"input_dim": 25, "output_dim": 1, "activation": "sigmoid"},
]
TRAIN, TEST, NOISE = 900, 100, 0.2
LEARNING_RATE = 0.01
EPOCHS = 10_000


def train(epochs: int = EPOCHS, seed: int = 0) -> tuple[nn.Sequential, training.History, data.Dataset]:
    """Learn from points of one draw, and hold back others of the same to measure by."""
    rng = np.random.default_rng(seed)
    seen, held_back = data.moons(TRAIN, NOISE, rng), data.moons(TEST, NOISE, rng)
    model = nn.Sequential.from_config(NETWORK, rng)
    optimizer = optim.SGD(model.parameters(), lr=LEARNING_RATE)
    history = training.fit(
        model, seen, nn.binary_cross_entropy, optimizer, epochs, validation=held_back, metrics=["accuracy"]
    )
    return model, history, held_back


def draw(model: nn.Sequential, history: training.History, held_back: data.Dataset, folder: Path) -> None:
    """Write a picture of the boundary, and one of the curves."""
    from matplotlib.figure import Figure  # here: the table needs no matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    boundary, over_time = Figure(layout="constrained"), Figure(figsize=(10, 4), layout="constrained")
    plot.decision_boundary(model, *held_back, boundary.subplots())
    cost, accuracy = over_time.subplots(1, 2)
    history.plot(["loss", "val_loss"], cost)
    history.plot(["accuracy", "val_accuracy"], accuracy)
    boundary.savefig(folder / "moons_boundary.png", dpi=150)
    over_time.savefig(folder / "moons_curves.png", dpi=150)


def main(argv: Sequence[str] | None = None) -> None:
    """Train, and print cost and accuracy over time; those with val_ are of the points that were held back."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--plot", nargs="?", const=".", type=Path, metavar="FOLDER", help="write pictures there")
    folder = parser.parse_args(argv).plot
    model, history, held_back = train()
    print(history)
    print(f"\n{history['val_accuracy'][-1]:.1%} of the {TEST} points that were held back are classified right")
    if folder is not None:
        draw(model, history, held_back, folder)


if __name__ == "__main__":
    main()
