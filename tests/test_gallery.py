"""The pictures of `docs/gallery` and of shared layers, measured: size, lines through boxes and labels; made alike."""

from __future__ import annotations

import importlib.util
import itertools
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import nn

FOLDER = Path(__file__).parent.parent / "docs" / "gallery"
PICTURES = sorted(FOLDER.glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"

PAGE = 17 / 2.54 * 72, 25.7 / 2.54 * 72
"""Points of a page of A4 inside of margins of 2 cm."""

SMALLEST = 5.5
"""Points of the smallest text on that page: half of what books are set in, as the indices of a formula are."""


class Box:
    """A rectangle around points."""

    def __init__(self, points):
        self.low, self.high = np.min(points, 0), np.max(points, 0)

    def is_met_by(self, points, distance=0.0):
        """Tell whether one of the points is inside, or not as far away as `distance`."""
        return bool(((points > self.low - distance) & (points < self.high + distance)).all(-1).any())

    def overlaps(self, other, margin=1.0):
        return bool((self.low + margin < other.high).all() and (other.low + margin < self.high).all())


def points_of(element):
    """Return the corners of a polygon, or the points of a path with those that control its curves."""
    numbers = re.findall(r"-?[\d.]+(?:e-?\d+)?", element.get("points") or element.get("d"))
    return np.array(numbers, float).reshape(-1, 2)


def curve(path):
    """Return points on a path of cubic curves."""
    start, *others = points_of(path)
    t = np.linspace(0, 1, 30)[:, None]
    pieces = []
    for one, two, end in zip(others[::3], others[1::3], others[2::3], strict=True):
        pieces.append((1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * one + 3 * (1 - t) * t**2 * two + t**3 * end)
        start = end
    return np.concatenate(pieces)


def text_box(text):
    """Return the room that a text takes, its letters being half as wide as high."""
    shown = text.text.strip("\u00a0 ")
    size, x, y = (float(text.get(key)) for key in ("font-size", "x", "y"))
    half = len(shown) * size * 0.25
    middle = x + {"middle": 0, "start": half, "end": -half}[text.get("text-anchor")]
    return Box([(middle - half, y - 0.7 * size), (middle + half, y)])


class Drawn:
    """The boxes, lines and labels of a picture."""

    def __init__(self, path):
        self.root = ET.parse(path).getroot()  # noqa: S314 - our own picture
        groups = {kind: [g for g in self.root.iter(f"{SVG}g") if g.get("class") == kind] for kind in KINDS}
        self.boxes, self.lines, self.labels = {}, [], []
        for node in groups["node"]:
            shapes = [*node.iter(f"{SVG}polygon"), *node.iter(f"{SVG}path")]
            if shapes:  # an entry is a point, and no box
                self.boxes[node.findtext(f"{SVG}title")] = Box(np.concatenate([points_of(shape) for shape in shapes]))
        for edge in groups["edge"]:
            ends = re.sub(r":\w+", "", edge.findtext(f"{SVG}title")).split("->")
            self.lines += [(ends, curve(path)) for path in edge.iter(f"{SVG}path")]
        for group in (*groups["edge"], *groups["cluster"]):
            texts = [text for text in group.iter(f"{SVG}text") if text.text.strip("\u00a0 ")]
            self.labels += [(text.text, text_box(text)) for text in texts]


KINDS = ("node", "edge", "cluster")


class Siamese(nn.Module):
    """One encoder for two inputs."""

    def __init__(self):
        self.encoder = nn.Sequential(nn.Dense(8, 16, activation="relu"), nn.Dense(16, 4))

    def forward(self, a, b):
        return ((self.encoder(a) - self.encoder(b)) ** 2).sum(-1)


class Translator(nn.Module):
    """An encoder that reads, and a decoder that writes what its last word suggests."""

    def __init__(self):
        self.encoder, self.decoder, self.head = nn.LSTMCell(3, 4), nn.LSTMCell(2, 4), nn.Dense(4, 2)

    def forward(self, words):
        state, word, written = None, np.zeros((5, 2)), []
        for read in words:
            state = self.encoder(read, state)
        for _ in words:
            state = self.decoder(word, state)
            word = self.head(state[0])
            written.append(word)
        return np.stack(written)


class Cell(nn.Module):
    """A step of a recurrent network, with its formula written out."""

    def __init__(self):
        self.U, self.W = nn.Parameter(np.ones((3, 4))), nn.Parameter(np.eye(4))
        self.b = nn.Parameter(np.zeros(4))

    def forward(self, x, h):
        return np.tanh(x @ self.U + h @ self.W + self.b)


class Recurrent(nn.Module):
    """A loop over the steps, in a module or, without one, over bare parameters."""

    def __init__(self):
        self.cell, self.head = Cell(), nn.Dense(4, 1)

    def forward(self, xs):
        h = np.zeros((2, 4))
        for x in xs:
            h = self.cell(x, h)
        return self.head(h)


def training_loop(xs):
    """Return the losses of all steps, added up, of a recurrent network without modules."""
    u, w, b, v = (tn.Tensor(np.ones(shape), requires_grad=True) for shape in ((3, 4), (4, 4), 4, (4, 1)))
    h, loss = np.zeros((2, 4)), 0
    for x in xs:
        h = np.tanh(x @ u + h @ w + b)
        loss = loss + ((h @ v - 1) ** 2).mean()
    return loss


def some(*shape):
    return np.random.default_rng(0).normal(size=shape)


SHARED = {
    "siamese": lambda: Siamese()(some(5, 8), some(5, 8) + 1),
    **{f"translator_{n}": lambda n=n: Translator()(some(n, 5, 3)) for n in (1, 2, 3)},
    **{f"recurrent_{n}": lambda n=n: Recurrent()(some(n, 2, 3)) for n in (2, 3, 5)},
    **{f"training_loop_{n}": lambda n=n: training_loop(some(n, 2, 3)) for n in (2, 3, 5)},
}
"""What shares parameters between calls, steps or modules."""


@pytest.fixture(scope="module", params=[*PICTURES, *SHARED], ids=lambda what: getattr(what, "stem", what))
def drawn(request, tmp_path_factory):
    if request.param in SHARED:
        return Drawn(tn.draw(SHARED[request.param]()).save(tmp_path_factory.mktemp("shared") / "drawn.svg"))
    return Drawn(request.param)


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_every_text_can_be_read_on_a_page(path):
    drawn = Drawn(path)
    size = [float(drawn.root.get(key).removesuffix("pt")) for key in ("width", "height")]
    scale = min(1, *np.divide(PAGE, size))
    smallest = min(float(text.get("font-size")) for text in drawn.root.iter(f"{SVG}text"))
    assert smallest * scale >= SMALLEST


def test_no_line_runs_through_a_box(drawn):
    crossed = [
        (ends, name)
        for ends, points in drawn.lines
        for name, box in drawn.boxes.items()
        if name not in ends and box.is_met_by(points, distance=1)
    ]
    assert crossed == []


def test_no_label_lies_on_a_box_or_on_another(drawn):
    assert [
        (text, name) for text, label in drawn.labels for name, box in drawn.boxes.items() if label.overlaps(box)
    ] == []
    pairs = itertools.combinations(drawn.labels, 2)
    assert [(one, other) for (one, first), (other, second) in pairs if first.overlaps(second)] == []


def test_no_line_runs_through_a_label(drawn):
    assert [
        (ends, text) for ends, points in drawn.lines for text, label in drawn.labels if label.is_met_by(points)
    ] == []


def test_boxes_do_not_overlap(drawn):
    pairs = itertools.combinations(drawn.boxes.items(), 2)
    assert [(one, other) for (one, first), (other, second) in pairs if first.overlaps(second)] == []


def test_the_engine_on_path_changes_nothing(tmp_path, monkeypatch):
    """As `generate.py` makes it with another `dot` on PATH, which draws nothing but itself."""
    spec = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["generate.py", "xor_values"])
    (tmp_path / "dot").write_text("#!/bin/sh\necho another picture\n")
    (tmp_path / "dot").chmod(0o755)
    made = []
    for engines in (str(tmp_path), ""):
        monkeypatch.setenv("PATH", engines)
        generate.main()
        made.append((tmp_path / "xor_values.svg").read_bytes())
    assert made[0] == made[1]
    assert b"another" not in made[0]


def test_every_picture_is_shown_and_no_other_is_left():
    shown = re.findall(r"\((\w+)\.svg\)", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert sorted(shown) == [path.stem for path in PICTURES]
