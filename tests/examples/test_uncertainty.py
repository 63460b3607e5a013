"""The networks learn how large the noise is, are as often right as they say, and disagree where there are no data."""

import numpy as np
import pytest

from tests.examples.loading import script

uncertainty = script("uncertainty")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_the_noise_is_learned_and_calibrated(seed):
    rng = np.random.default_rng(seed)
    data = uncertainty.draw_data(uncertainty.SAMPLES, rng)
    models = [uncertainty.train(*data, rng) for _ in range(uncertainty.NETWORKS)]
    x, y = uncertainty.draw_data(20_000, rng)
    mean, noise, doubt = uncertainty.predict(models, x)
    assert np.mean(np.abs(noise / uncertainty.true_sigma(x) - 1)) < 0.1
    distance = np.abs(y - mean) / np.hypot(noise, doubt)
    assert np.mean(distance < 1) == pytest.approx(0.683, abs=0.03)
    assert np.mean(distance < 2) == pytest.approx(0.954, abs=0.015)
    in_gap = uncertainty.predict(models, np.linspace(*uncertainty.GAP, 11)[:, None])[2]
    assert in_gap.max() > 4 * doubt.mean()
