"""The free run of the sine network stays near the true sine."""

import numpy as np
import pytest

from tests.examples.loading import script

sine_rnn = script("sine_rnn")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_two_periods_of_free_running_stay_near_the_sine(seed):
    model = sine_rnn.train(np.random.default_rng(seed))
    phases = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    step = np.arange(sine_rnn.WARM_UP + sine_rnn.FREE)
    truth = np.sin(phases[:, None] + 2 * np.pi * step / sine_rnn.PERIOD)[..., None]
    free = sine_rnn.run_freely(model, truth[:, : sine_rnn.WARM_UP], sine_rnn.FREE)
    np.testing.assert_allclose(free, truth[:, sine_rnn.WARM_UP :], rtol=0, atol=0.05)
