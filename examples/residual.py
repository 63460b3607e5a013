"""See why deep networks have shortcuts: the same layers, plain and residual, at three depths.

A block is a dense layer, batch normalisation and a relu; the residual network adds the input of each block to its
output (He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2016). In a deep plain network with
batch normalisation the gradient grows from the last layer to the first, exponentially with depth (Yang et al., "A mean
field theory of batch normalization", 2019): no learning rate suits all layers, and nothing is learnt. Where it can take
the shortcut it grows far more slowly.

Run it with ``python examples/residual.py``. At 32 blocks the plain network hardly does better than guessing, one in
ten, after five epochs of the handwritten digits; the residual one reads more than four in five.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tinygrad_nn import data, nn, optim, training

DEPTHS = (2, 8, 32)
WIDTH = 32
EPOCHS = 5


class Outcome(NamedTuple):
    """What is compared: the gradients before training, and the accuracy on the test part after it."""

    norms: list[float]
    accuracy: float


def network(depth: int, shortcut: bool, rng: np.random.Generator) -> nn.Sequential:
    """Return `depth` blocks and a dense layer for the ten digits."""
    blocks: list[nn.Module] = []
    for inputs in [64] + [WIDTH] * (depth - 1):
        dense = nn.Dense(inputs, WIDTH, bias=False, init="he_normal", rng=rng)  # the bias is that of the BatchNorm
        block = nn.Sequential(dense, nn.BatchNorm(WIDTH), nn.ReLU())
        # Where a block changes the width, the shortcut cannot be the input itself, and is a linear map of it.
        projection = None if inputs == WIDTH else nn.Dense(inputs, WIDTH, bias=False, rng=rng)
        blocks.append(nn.Residual(block, projection=projection) if shortcut else block)
    return nn.Sequential(*blocks, nn.Dense(WIDTH, 10, rng=rng))


def gradient_norms(model: nn.Sequential, x: np.ndarray, y: np.ndarray) -> list[float]:
    """Return the norm of the gradient of each block's weight, from the first block to the last."""
    nn.cross_entropy(model(x), y).backward()
    parameters = dict(model.named_parameters())
    blocks = range(len(model) - 1)
    weights = [parameters.get(f"{k}.0.weight", parameters.get(f"{k}.body.0.weight")) for k in blocks]
    norms = [float(np.linalg.norm(weight.grad)) for weight in weights if weight is not None and weight.grad is not None]
    model.zero_grad()
    return norms


def train(depth: int, shortcut: bool, seed: int = 0, epochs: int = EPOCHS) -> Outcome:
    """Train a network on the digits and return its outcome."""
    rng = np.random.default_rng(seed)
    learnt, held_back = data.digits()
    model = network(depth, shortcut, rng)
    norms = gradient_norms(model, learnt.x[:256], learnt.y[:256])
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    training.fit(model, learnt, nn.cross_entropy, optimizer, epochs, batch_size=64, rng=rng)
    return Outcome(norms, training.evaluate(model, held_back, metrics=["accuracy"])["accuracy"])


def main(argv: Sequence[str] | None = None) -> None:
    """Train all networks, print a table, and draw the gradients if asked to."""
    parser = argparse.ArgumentParser(description="Compare plain and residual networks of several depths.")
    parser.add_argument("--plot", nargs="?", const=".", metavar="FOLDER", help="write a picture into FOLDER")
    folder = parser.parse_args(argv).plot
    print("blocks  network   gradient of the first block, of the last   accuracy")
    outcomes = {}
    for depth in DEPTHS:
        for kind in ("plain", "residual"):
            outcomes[kind, depth] = found = train(depth, kind == "residual")
            print(f"{depth:6}  {kind:8}  {found.norms[0]:27.2f}  {found.norms[-1]:11.2f}   {found.accuracy:8.1%}")
    if folder is not None:
        picture(folder, outcomes)


def picture(folder: str, outcomes: dict[tuple[str, int], Outcome]) -> None:
    """Write `residual_gradients.png`: the norm of each block's gradient before training."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7, 4.5))
    for (kind, depth), found in outcomes.items():
        style, colour = ("--" if kind == "plain" else "-"), f"C{DEPTHS.index(depth)}"
        ax.plot(range(1, depth + 1), found.norms, style, color=colour, label=f"{kind}, {depth} blocks")
    ax.set(
        xlabel="block", ylabel="norm of the gradient before training", yscale="log"
    )  # what is exponential is straight
    ax.legend()
    figure.savefig(f"{folder}/residual_gradients.png", dpi=120, bbox_inches="tight")
    plt.close(figure)


if __name__ == "__main__":
    main()
