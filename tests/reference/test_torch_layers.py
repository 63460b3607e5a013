"""Layers against PyTorch's: its state dict is taken over, then values, gradients and ten steps of Adam are compared."""

import numpy as np
import pytest
import torch

import tinygrad_nn as tn
from tinygrad_nn import nn

pytestmark = pytest.mark.reference


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


NUMBERS = np.array([[0, 4, 2], [2, 2, 1]])

PAIRS = {
    "Dense": (nn.Dense(3, 2), torch.nn.Linear(3, 2), normal(4, 3)),
    "Dense without bias": (nn.Dense(3, 2, bias=False), torch.nn.Linear(3, 2, bias=False), normal(2, 4, 3)),
    "Conv1d": (
        nn.Conv1d(4, 6, 3, 2, 3, 2, 2),
        torch.nn.Conv1d(4, 6, 3, 2, 3, 2, 2),
        normal(2, 4, 9),
    ),
    "Conv2d": (
        nn.Conv2d(2, 3, (2, 3), padding="same", bias=False),
        torch.nn.Conv2d(2, 3, (2, 3), padding="same", bias=False),
        normal(2, 2, 4, 5),
    ),
    "Conv3d": (nn.Conv3d(1, 2, 2, (1, 2, 1)), torch.nn.Conv3d(1, 2, 2, (1, 2, 1)), normal(1, 1, 3, 4, 3)),
    "ConvTranspose1d": (
        nn.ConvTranspose1d(4, 2, 3, 3, 1, 2, 2, dilation=2),
        torch.nn.ConvTranspose1d(4, 2, 3, 3, 1, 2, 2, dilation=2),
        normal(2, 4, 3),
    ),
    "ConvTranspose2d": (
        nn.ConvTranspose2d(2, 3, (2, 3), 2, (0, 1), bias=False),
        torch.nn.ConvTranspose2d(2, 3, (2, 3), 2, (0, 1), bias=False),
        normal(2, 2, 2, 3),
    ),
    "ConvTranspose3d": (nn.ConvTranspose3d(2, 1, 2), torch.nn.ConvTranspose3d(2, 1, 2), normal(1, 2, 2, 1, 2)),
    "MaxPool": (nn.MaxPool(3, 2, 1), torch.nn.MaxPool2d(3, 2, 1), normal(2, 2, 5, 6)),
    "AvgPool": (
        nn.AvgPool(2, padding=1, count_include_pad=False),
        torch.nn.AvgPool3d(2, padding=1, count_include_pad=False),
        normal(1, 2, 3, 4, 2),
    ),
    "Flatten": (nn.Flatten(), torch.nn.Flatten(), normal(2, 3, 4)),
    "Embedding": (nn.Embedding(5, 3), torch.nn.Embedding(5, 3), NUMBERS),
    "Embedding with padding": (nn.Embedding(5, 3, padding_idx=2), torch.nn.Embedding(5, 3, padding_idx=2), NUMBERS),
    "BatchNorm of rows": (nn.BatchNorm(3), torch.nn.BatchNorm1d(3), normal(5, 3)),
    "BatchNorm of images": (
        nn.BatchNorm(2, 0.1, None, affine=False),
        torch.nn.BatchNorm2d(2, 0.1, None, affine=False),
        normal(3, 2, 2, 3),
    ),
    "BatchNorm without averages": (
        nn.BatchNorm(2, track_running_stats=False),
        torch.nn.BatchNorm3d(2, track_running_stats=False),
        normal(2, 2, 2, 1, 3),
    ),
    "LayerNorm": (nn.LayerNorm(4), torch.nn.LayerNorm(4), normal(2, 3, 4)),
    "LayerNorm of pictures": (
        nn.LayerNorm((3, 4), bias=False),
        torch.nn.LayerNorm((3, 4), bias=False),
        normal(2, 3, 4),
    ),
}


def in_our_layout(module, state):
    """Return PyTorch's arrays by name; the weight of a Linear has its axes exchanged here."""
    arrays = {name: array.detach().numpy() for name, array in state.items()}
    return {
        name: array.T if isinstance(module, torch.nn.Linear) and name == "weight" else array
        for name, array in arrays.items()
    }


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-9, atol=1e-10, err_msg=name, strict=True)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize("name", PAIRS)
def test_values_gradients_and_ten_steps_are_those_of_torch(name):
    ours, theirs, x = PAIRS[name]
    theirs.double().train()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(torch.from_numpy(normal(*parameter.shape)))
    ours.load_state_dict(in_our_layout(theirs, theirs.state_dict()))
    is_learned = bool(ours.parameters())
    optimizer = tn.optim.Adam(ours.parameters(), lr=0.03) if is_learned else None
    reference = torch.optim.Adam(theirs.parameters(), lr=0.03) if is_learned else None

    for _ in range(10 if is_learned else 1):
        here = tn.Tensor(x, requires_grad=x.dtype.kind == "f")
        there = torch.from_numpy(x.copy()).requires_grad_(x.dtype.kind == "f")
        y, z = ours(here), theirs(there)
        np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-9, atol=1e-11, strict=True)
        target = normal(*y.shape)
        theirs.zero_grad()
        ours.zero_grad()
        ((y - target) ** 2).sum().backward()
        ((z - torch.from_numpy(target)) ** 2).sum().backward()
        if x.dtype.kind == "f":
            np.testing.assert_allclose(here.grad, there.grad.numpy(), rtol=1e-9, atol=1e-10, strict=True)
        gradients = {name: parameter.grad for name, parameter in theirs.named_parameters()}
        assert_same({name: p.grad for name, p in ours.named_parameters()}, in_our_layout(theirs, gradients))
        if is_learned:
            optimizer.step()
            reference.step()
        assert_same(ours.state_dict(), in_our_layout(theirs, theirs.state_dict()))

    np.testing.assert_allclose(
        ours.eval()(tn.Tensor(x)).numpy(), theirs.eval()(torch.from_numpy(x)).detach().numpy(), rtol=1e-9, atol=1e-10
    )


def test_a_flat_weight_loads_where_the_features_have_shapes():
    ours, theirs = nn.Dense((2, 3), (2, 2)), torch.nn.Linear(6, 4).double()
    ours.load_state_dict(in_our_layout(theirs, theirs.state_dict()))
    x = normal(5, 2, 3)
    expected = theirs(torch.from_numpy(x).reshape(5, 6)).reshape(5, 2, 2).detach().numpy()
    np.testing.assert_allclose(ours(x).numpy(), expected, rtol=1e-12, atol=1e-14)


def test_dropout_scales_as_torch_does():
    layer, theirs = nn.Dropout(0.25, rng=np.random.default_rng(0)), torch.nn.Dropout(0.25)
    kept, expected = layer(np.ones(1000)), theirs(torch.ones(1000, dtype=torch.float64)).numpy()
    assert set(kept.tolist()) == set(expected.tolist()) == {0.0, 1 / 0.75}
