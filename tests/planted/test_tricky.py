"""No gradient that is right is called wrong, however hard it is to check."""

import numpy as np
import pytest

import tinygrad_nn as tn
from tests.planted.tricky import CANCELLING, CONSTANT, FLOAT32, KINKS, SCALES, SINGULAR, TRICKY


def test_the_gallery_is_large_enough_and_no_name_is_given_twice():
    parts = (KINKS, SCALES, FLOAT32, SINGULAR, CONSTANT, CANCELLING)
    assert len(TRICKY) == sum(map(len, parts)) >= 40


@pytest.mark.parametrize("name", TRICKY)
@pytest.mark.parametrize("mode", ["full", "directional"])
def test_a_right_gradient_is_not_called_wrong(name, mode):
    function, inputs, verdicts = TRICKY[name]
    report = tn.gradcheck(lambda *x: function(np, *x), list(inputs), mode=mode, raises=False)
    assert report.verdict.value in verdicts, report
