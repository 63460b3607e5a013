"""Read handwritten digits with a small convolutional network: at least 98.5 % of 355 scans that it has not seen.

Two layers of 3x3 filters, as in LeNet (LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
recognition", 1998), see each pixel with its neighbours. Dropout keeps the dense layers from learning by heart, and the
learning rate falls along a cosine, so that the last epochs no longer jump about.

Run it with ``python examples/digits.py``; it takes some 15 seconds. ``--plot`` writes pictures, the misread digits too.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from tinygrad_nn import data, nn, optim, training
from tinygrad_nn.data import Dataset, Split

EPOCHS = 20
LEARNING_RATE = 2e-3


def samples() -> Split:
    """Return the digits as images with one channel, (N, 1, 8, 8)."""
    train, test = (Dataset(part.x.reshape(-1, 1, 8, 8), part.y) for part in data.digits())
    return Split(train, test)


def train(
    split: Split, seed: int = 0, epochs: int = EPOCHS, callbacks: Sequence[training.Callback] = ()
) -> tuple[nn.Sequential, training.History]:
    """Return a network that has learnt the digits, and its history."""
    rng = np.random.default_rng(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding="same", activation="relu", rng=rng),
        nn.Conv2d(16, 32, 3, padding="same", activation="relu", rng=rng),
        nn.MaxPool(2),
        nn.Flatten(),
        nn.Dropout(0.25, rng=rng),
        nn.Dense(32 * 4 * 4, 64, activation="relu", rng=rng),
        nn.Dense(64, 10, rng=rng),
    )
    optimizer = optim.Adam(model.parameters(), lr=LEARNING_RATE)
    cosine = training.LearningRate(optim.Schedule(optimizer, optim.cosine_annealing(epochs)))
    history = training.fit(
        model, split.train, nn.cross_entropy, optimizer, epochs,
        batch_size=32, rng=rng, validation=split.test, metrics=["accuracy"], callbacks=[cosine, *callbacks],
    )  # fmt: skip  # what is learnt, and how
    return model.eval(), history


def main(argv: Sequence[str] | None = None) -> None:
    """Train, print the history and the misread digits, and draw pictures if asked to."""
    parser = argparse.ArgumentParser(description="Read handwritten digits with a small convolutional network.")
    parser.add_argument("--plot", nargs="?", const=".", metavar="FOLDER", help="write pictures into FOLDER")
    folder = parser.parse_args(argv).plot
    split = samples()
    recorder = training.Recorder(weights=False, activations=False, error=None, gradients=True)
    model, history = train(split, callbacks=[recorder] if folder is not None else [])
    print(history)
    outputs = model(split.test.x).numpy()
    guesses = outputs.argmax(axis=1)
    misread = np.flatnonzero(guesses != split.test.y)
    print(f"\n{1 - len(misread) / len(outputs):.1%} of the test part read right; misread:")
    for place in misread:
        print(f"scan {place:3}: a {split.test.y[place]} read as {guesses[place]}")
    if folder is not None:
        pictures(folder, split.test, outputs, history, recorder)


def pictures(
    folder: str, test: Dataset, outputs: np.ndarray, history: training.History, recorder: training.Recorder
) -> None:
    """Write `digits_*.png`."""
    import matplotlib.pyplot as plt

    from tinygrad_nn import plot

    def save(name: str) -> None:
        plt.gcf().savefig(f"{folder}/digits_{name}.png", dpi=120, bbox_inches="tight")
        plt.close()

    plot.curves({name: history[name] for name in ("loss", "val_loss")}, log=True)
    save("curves")
    plot.confusion_matrix(training.metrics.confusion_matrix(outputs, test.y))
    save("confusion")
    plot.gradient_norms(recorder.gradient_norms)
    save("gradients")
    guesses = outputs.argmax(axis=1)
    misread = np.flatnonzero(guesses != test.y)
    figure, axes = plt.subplots(1, max(1, len(misread)), figsize=(3.4 * max(1, len(misread)), 4), squeeze=False)
    for ax, place in zip(axes[0], misread, strict=False):
        ax.imshow(test.x[place, 0], cmap="gray_r")
        ax.set_title(f"{test.y[place]} read as {guesses[place]}")
    for ax in figure.axes:
        ax.set_axis_off()
    save("misread")


if __name__ == "__main__":
    main()
