"""Digits: a small convolutional network reads at least 98.5 % of the test part."""

import pytest

from tests.examples.loading import script

digits = script("digits")


@pytest.mark.slow
def test_the_test_part_is_read_from_another_start():
    _, history = digits.train(digits.samples(), seed=1)
    assert history["val_accuracy"][-1] >= 0.985
