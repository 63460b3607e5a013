"""Make the pictures, texts and pages of `docs/gallery`, and the page that shows them, from the top of the repository.

``python docs/gallery/generate.py`` makes all; with names only those are made: ``python docs/gallery/generate.py xor``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tinygrad_nn as tn
from tinygrad_nn import nn
from tinygrad_nn.demos import DEMOS

FOLDER = Path(__file__).parent


def rng() -> np.random.Generator:
    """Return the same chance each time, so that a picture changes only when the library does."""
    return np.random.default_rng(0)


def some(*shape: int) -> Any:
    """Return an input of this shape."""
    return rng().normal(size=shape)


# Models: each function returns what `draw` takes


def demo(name: str, samples: int) -> tn.Tensor:
    """Return the loss of a network of ``python -m tinygrad_nn`` on some samples, after its backward pass."""
    network = DEMOS[name](rng())
    loss = network.loss(network.model(network.train.x[:samples]), network.train.y[:samples])
    loss.name = "loss"
    loss.backward(retain_graph=True)
    return loss


class Cell(nn.Module):
    """The recurrent network of Elman: h' = tanh(x U + h W + b)."""

    def __init__(self) -> None:
        """Make a cell for inputs of 3 numbers and a state of 4."""
        self.from_input = nn.Dense(3, 4, rng=rng())
        self.from_state = nn.Dense(4, 4, bias=False, rng=rng())

    def forward(self, x: Any, h: Any) -> Any:
        """Return the next state."""
        return np.tanh(self.from_input(x) + self.from_state(h))


def loop(steps: int) -> tn.Tensor:
    """Return the loss of a recurrent network whose loop is the user's."""
    cell, head, h = Cell(), nn.Dense(4, 1, rng=rng()), np.zeros((2, 4))
    for x in some(steps, 2, 3):
        h = cell(x, h)
    return nn.squared_error(head(h), some(2, 1))


def lstm() -> Any:
    """Return the results of an LSTM layer: the states of all steps, and the last state and memory."""
    return nn.LSTM(3, 4, rng=rng())(some(5, 2, 3))


def transformer() -> Any:
    """Return the result of one block of a transformer, with two heads."""
    return nn.TransformerBlock(8, 2, rng=rng())(some(5, 2, 8))


def residual() -> Any:
    """Return the result of twelve residual blocks."""
    draw = rng()
    blocks = [
        nn.Sequential(nn.Dense(16, 16, activation="relu", rng=draw), nn.Dense(16, 16, rng=draw)) for _ in range(12)
    ]
    model = nn.Sequential(nn.Dense(8, 16, rng=draw), *map(nn.Residual, blocks), nn.Dense(16, 3, rng=draw))
    return model(some(32, 8))


def lenet() -> Any:
    """Return the scores of LeNet-5 for four images of 28 × 28."""
    draw = rng()
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2, activation="tanh", rng=draw), nn.AvgPool(2),
        nn.Conv2d(6, 16, 5, activation="tanh", rng=draw), nn.AvgPool(2),
        nn.Flatten(),
        nn.Dense(400, 120, activation="tanh", rng=draw), nn.Dense(120, 84, activation="tanh", rng=draw),
        nn.Dense(84, 10, rng=draw),
    )  # fmt: skip  # a layer of the paper a line
    return model(some(4, 1, 28, 28))


class Answering(nn.Module):
    """An image and a question meet, and an answer and its certainty come out."""

    def __init__(self) -> None:
        """Make the layers."""
        draw = rng()
        self.image = nn.Dense(64, 16, activation="relu", rng=draw)
        self.question = nn.Dense(10, 16, activation="relu", rng=draw)
        self.answer, self.certainty = nn.Dense(16, 5, rng=draw), nn.Dense(16, 1, activation="sigmoid", rng=draw)

    def forward(self, image: Any, question: Any) -> dict[str, Any]:
        """Return both results."""
        both = self.image(image) * self.question(question)
        return {"answer": self.answer(both), "certainty": self.certainty(both)}


def answering() -> Any:
    """Return the results of a model with two inputs and two outputs."""
    return Answering()(some(4, 64), some(4, 10))


class Picture(NamedTuple):
    """What is drawn, with which options, and what to say about it."""

    title: str
    make: Callable[[], Any]
    options: dict[str, Any]
    text: str


_SHOWN = {"values": True, "gradients": True}

PICTURES = {
    "xor": Picture("Exclusive or", lambda: demo("xor", 4), {}, "Two layers, drawn whole."),
    "xor_values": Picture(
        "Exclusive or, with values and gradients", lambda: demo("xor", 4), _SHOWN,
        "Small arrays are written out. The picture was drawn after `loss.backward(retain_graph=True)`.",
    ),
    "streetlights": Picture("Street lights", lambda: demo("streetlights", 1), {}, "Layers without biases."),
    "autoencoder": Picture("Autoencoder", lambda: demo("autoencoder", 8), {}, "Eight patterns through three neurons."),
    "moons": Picture("Two moons", lambda: demo("moons", 50), {}, "Three layers."),
    "digits": Picture("Handwritten digits", lambda: demo("digits", 32), {}, "Cross-entropy is made of operations."),
    "digits_values": Picture(
        "Handwritten digits, with values and gradients", lambda: demo("digits", 8), _SHOWN,
        "Large arrays are heat maps: blue is below zero, white zero, orange above.",
    ),
    "lenet": Picture("LeNet-5", lenet, {}, "Options that change nothing, such as a stride of 1, are left out."),
    "lstm": Picture("LSTM layer", lstm, {}, "One layer, three results."),
    "loop_8": Picture(
        "A loop of 8 steps", lambda: loop(8), {"depth": 0, "repeats": False},
        "A user's own cell, step by step. Drawn with `depth=0, repeats=False`, which closes it.",
    ),
    "loop_32": Picture("A loop of 32 steps", lambda: loop(32), {}, "The same, folded by itself: one step for all."),
    "transformer": Picture(
        "Transformer block", transformer, {},
        "Folded by itself until it fits on a page: the projections to queries, keys and values are one step.",
    ),
    "residual": Picture("Twelve residual blocks", residual, {}, "Folded by itself: the first stands for all twelve."),
    "answering": Picture("Two inputs, two results", answering, {}, "Results have the names that the model gives them."),
}  # fmt: skip  # a table

PAGE = """# Gallery

Made by `python docs/gallery/generate.py`, which also shows the models. The pages to walk through are single files: save
one and open it in a browser.
"""


WIDTH = 100
"""Columns of the texts."""


def main() -> None:
    """Make what is named, or all, and the page."""
    os.environ["PATH"] = ""  # the engine that pip installs: a `dot` of another version would change each picture
    for name in sys.argv[1:] or PICTURES:
        picture = PICTURES[name]
        result = picture.make()
        tn.draw(result, **picture.options, path=FOLDER / f"{name}.svg")
        if not picture.options:  # the others show what another picture shows
            (FOLDER / f"{name}.txt").write_text(f"{tn.graph.trace(result).text(WIDTH)}\n", encoding="utf-8")
            tn.explore(result, FOLDER / f"{name}.html")
    parts = [_section(name, picture) for name, picture in PICTURES.items()]
    (FOLDER / "README.md").write_text(PAGE + "".join(parts), encoding="utf-8")


def _section(name: str, picture: Picture) -> str:
    also = "" if picture.options else f" The same [as text]({name}.txt), and as [a page to walk through]({name}.html)."
    return f"\n## {picture.title}\n\n{picture.text}{also}\n\n![{picture.title}]({name}.svg)\n"


if __name__ == "__main__":
    main()
