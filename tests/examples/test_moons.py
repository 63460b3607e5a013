"""Two moons: the published network on points of our own draw."""

import json
from pathlib import Path

import numpy as np

from tests.examples.loading import script
from tinygrad_nn import nn

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "moons.json").read_text(encoding="utf-8"))
moons = script("moons")


def test_the_network_and_the_numbers_of_points_are_the_published_ones():
    model = nn.Sequential.from_config(moons.NETWORK)
    shapes = [array.shape for array in model.state_dict().values()]
    published = [np.shape(part) for pair in zip(GOLDEN["W_init"], GOLDEN["b_init"], strict=True) for part in pair]
    assert shapes == published
    assert [layer["activation"] for layer in model.to_config()] == ["relu"] * 4 + ["sigmoid"]
    assert (moons.TRAIN, moons.TEST) == (len(GOLDEN["X_train"]), len(GOLDEN["X_test"]))
    assert moons.LEARNING_RATE == GOLDEN["learning_rate"]


def test_training_goes_the_right_way():
    _, history, held_back = moons.train(epochs=200)
    assert len(held_back.x) == 100
    assert history["loss"][-1] < 0.4 < history["loss"][0]
    assert history["val_accuracy"][-1] > 0.8
