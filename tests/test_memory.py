"""How much memory a training step takes at its peak, against the sum of what its closures need."""

import tracemalloc

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import nn

WIDTH, DEPTH = 1024, 8


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_eight_dense_layers_peak_near_what_their_closures_need(activation):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(WIDTH, WIDTH)).astype(np.float32)
    x.flags.writeable = False  # so that it is not copied: it is counted for nobody
    tracemalloc.start()
    tn.set_default_dtype(np.float32)
    try:
        model = nn.Sequential(*[nn.Dense(WIDTH, WIDTH, activation=activation, init="zeros") for _ in range(DEPTH)])
        tracemalloc.reset_peak()
        model(x).sum().backward()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        tn.set_default_dtype(np.float64)
    parameters = sum(parameter.data.nbytes for parameter in model.parameters())
    activations = DEPTH * WIDTH * WIDTH * 4
    share = peak / (2 * parameters + activations)
    print(f"{activation}: peak {peak / 2**20:.1f} MiB, {share:.3f} of parameters, gradients and one activation a layer")
    assert share <= 1.15
