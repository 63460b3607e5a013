"""The encoder problem: the published distance, eight codes that differ, and the published run."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from tests.examples.loading import script

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "autoencoder.json").read_text(encoding="utf-8"))
PATTERNS = np.eye(8)
autoencoder = script("autoencoder")


def distance_of(model):
    return float(np.square(model(PATTERNS).numpy() - PATTERNS).sum())


def check_all_binary_numbers(seed):
    learnt = autoencoder.train(seed)
    assert distance_of(learnt.model) <= 0.002
    codes = learnt.model[0](PATTERNS).numpy().round().astype(int)
    assert sorted(codes @ [4, 2, 1]) == list(range(8))


def test_eight_patterns_find_the_eight_binary_numbers():
    check_all_binary_numbers(0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
def test_so_they_do_from_other_starts(seed):
    check_all_binary_numbers(seed)


def test_the_published_start():
    state = autoencoder.published_network().state_dict()
    for place in range(2):
        np.testing.assert_allclose(state[f"{place}.weight"], GOLDEN["W_init"][place], rtol=1e-12)
        np.testing.assert_allclose(state[f"{place}.bias"], GOLDEN["b_init"][place], rtol=1e-12)


def test_the_published_run_begins_as_published():
    learnt = autoencoder.train_as_published(limit=101)
    published = {iteration: distance for iteration, distance in GOLDEN["distances"].items() if int(iteration) <= 100}
    distances = {iteration: 8 * learnt.history["loss"][int(iteration)] for iteration in published}
    assert distances == pytest.approx(published, rel=1e-7)


@pytest.mark.slow
def test_the_published_run_to_its_end():
    learnt = autoencoder.train_as_published()
    distances = {iteration: 8 * learnt.history["loss"][int(iteration)] for iteration in GOLDEN["distances"]}
    assert distances == pytest.approx(GOLDEN["distances"], rel=1e-6)
    assert distance_of(learnt.model) <= 0.002
    assert np.array_equal(learnt.model(PATTERNS).numpy().argmax(axis=1), range(8))
    codes = learnt.model[0](PATTERNS).numpy()
    assert min(np.linalg.norm(a - b) for a, b in combinations(codes, 2)) > 0.3
