"""Exclusive or: the settings that learn it from nearly every start, and the published run."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.examples.loading import script
from tinygrad_nn import data

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "xor.json").read_text(encoding="utf-8"))
xor = script("xor")


def test_at_least_nine_of_ten_seeds_learn_all_four_cases():
    x, y = data.xor()
    learnt = 0
    for seed in range(10):
        model, history = xor.train(seed)
        learnt += bool(np.all(np.abs(model(x).numpy() - y) < 0.05)) and history["loss"][-1] < 0.01
    assert learnt >= 9


def test_the_published_start():
    state = xor.published_network().state_dict()
    for place in range(2):
        np.testing.assert_allclose(state[f"{place}.weight"], GOLDEN["W_init"][place], rtol=1e-12)
        np.testing.assert_allclose(state[f"{place}.bias"], GOLDEN["b_init"][place], rtol=1e-12)


def test_the_published_run_begins_as_published():
    _, history = xor.train_as_published(1_001)
    for iteration in ("0", "1000"):
        assert history["loss"][int(iteration)] == pytest.approx(GOLDEN["errors"][iteration], rel=1e-9)


@pytest.mark.slow
def test_the_published_run_to_its_end():
    model, history = xor.train_as_published()
    assert len(history) == 100_000
    errors = {iteration: history["loss"][int(iteration)] for iteration in GOLDEN["errors"]}
    assert errors == pytest.approx(GOLDEN["errors"], rel=1e-7)
    assert f"{history['loss'][-1]:.4f}" == "0.0003"
    x, y = data.xor()
    assert np.all(np.abs(model(x).numpy() - y) < 0.01)
