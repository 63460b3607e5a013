"""Residual: with shortcuts gradients stay small and a deep network learns; without them neither."""

import numpy as np
import pytest

from tests.examples.loading import script
from tinygrad_nn import data

residual = script("residual")


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_grows_with_depth_unless_there_is_a_shortcut(seed):
    x, y = data.digits().train
    growth = {}
    for shortcut in (False, True):
        model = residual.network(32, shortcut, np.random.default_rng(seed))
        norms = residual.gradient_norms(model, x[:256], y[:256])
        assert len(norms) == 32
        growth[shortcut] = norms[0] / norms[-1]
    assert growth[False] > 100
    assert growth[True] < 50


@pytest.mark.slow
def test_only_the_residual_network_learns_at_32_blocks_from_another_start():
    assert residual.train(32, shortcut=False, seed=1).accuracy < 0.3
    assert residual.train(32, shortcut=True, seed=1).accuracy > 0.8
