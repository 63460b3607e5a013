"""Estimated floating-point operations against those that PyTorch counts, which are those of products alone."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tinygrad_nn import graph, nn

pytestmark = pytest.mark.reference

PRODUCTS = {"dense", "conv", "matmul"}


def ours(model, *inputs):
    nodes = graph.trace(model, *inputs).nodes
    return sum(node.flops for node in nodes if node.primitive is not None and node.primitive.name in PRODUCTS)


def theirs(model, *inputs):
    with FlopCounterMode(display=False) as counter:
        model(*(torch.ones(x.shape, dtype=torch.float64) for x in inputs))
    return counter.get_total_flops()


@pytest.mark.parametrize("batch", [1, 7])
def test_a_chain_of_dense_layers(batch):
    sizes = [(5, 8), (8, 3)]
    model = nn.Sequential(*(nn.Dense(a, b, bias=False) for a, b in sizes))
    twin = torch.nn.Sequential(*(torch.nn.Linear(a, b, bias=False, dtype=torch.float64) for a, b in sizes))
    x = np.ones((batch, 5))
    assert ours(model, x) == theirs(twin, x)


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 2}, {"padding": 1}, {"dilation": 2}, {"groups": 2}, {"stride": (2, 1), "padding": 2, "groups": 2}],
)
def test_a_convolutional_network(options):
    x = np.ones((2, 4, 9, 11))
    layer = nn.Conv2d(4, 6, 3, bias=False, **options)
    twin = torch.nn.Conv2d(4, 6, 3, bias=False, dtype=torch.float64, **options)
    assert ours(layer, x) == theirs(twin, x)


def test_attention():
    q, k = np.ones((2, 5, 8)), np.ones((2, 7, 8))
    assert ours(nn.Lambda(nn.scaled_dot_product_attention), *map(leaf, (q, k, k))) == theirs(attention, q, k, k)


def leaf(array):
    return nn.Parameter(array)


def attention(q, k, v):
    return torch.softmax(q @ k.transpose(1, 2) / 8**0.5, -1) @ v
