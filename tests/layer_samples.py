"""One table of samples for all layers: how each is made, and what it is called with.

`tests/test_layers.py` goes through the public modules of `nn` and fails for one without a row here.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn import nn
from tinygrad_nn.nn.activations import ActivationLayer


class LayerSample(NamedTuple):
    """A layer and its inputs.

    Attributes:
        make: makes the layer with a generator for what is drawn.
        inputs: the arrays that it is called with; gradients are checked for those of floats.

    """

    make: Callable[[np.random.Generator], nn.Module]
    inputs: tuple[Any, ...]


def sample(make, *inputs):
    return LayerSample(make, inputs)


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


def called(layer, *inputs):
    """Return a layer that its first call has told the size of its input."""
    layer(*inputs)
    return layer


def shared(rng):
    layer = nn.Dense(3, 3, rng=rng)
    return nn.Sequential(layer, nn.tanh, layer)


LAYERS = {
    "Dense": [
        sample(lambda rng: nn.Dense(3, 2, rng=rng), normal(4, 3)),
        sample(lambda rng: nn.Dense(3, 2, bias=False, activation="tanh", init="he_uniform", rng=rng), normal(3)),
        sample(lambda rng: nn.Dense(3, 2, activation=nn.ELU(0.5), rng=rng), normal(2, 2, 3)),
        sample(lambda rng: nn.Dense((2, 3), (3, 1, 2), activation="sigmoid", rng=rng), normal(4, 2, 3)),
        sample(lambda rng: nn.Dense([6], 4, activation=nn.gelu, rng=rng), normal(2, 6)),
        sample(lambda rng: called(nn.Dense(None, (2, 2), rng=rng), normal(2, 5)), normal(4, 5)),
    ],
    "Sequential": [
        sample(lambda rng: nn.Sequential(), normal(2, 3)),  # the identity
        sample(lambda rng: nn.Sequential(nn.Dense(3, 4, rng=rng), nn.ReLU(), nn.Dense(4, 2, rng=rng)), normal(2, 3)),
        sample(shared, normal(2, 3)),
    ],
    "Conv1d": [
        sample(lambda rng: nn.Conv1d(2, 4, 3, stride=2, padding=2, groups=2, rng=rng), normal(2, 2, 7)),
        sample(lambda rng: nn.Conv1d(2, 3, 2, padding="same", dilation=2, bias=False, rng=rng), normal(2, 2, 5)),
        sample(lambda rng: called(nn.Conv1d(None, 3, 2, activation="tanh", rng=rng), normal(1, 2, 4)), normal(1, 2, 4)),
    ],
    "Conv2d": [
        sample(lambda rng: nn.Conv2d(2, 3, (3, 2), (1, 2), (0, 1), activation="sigmoid", rng=rng), normal(2, 2, 4, 3)),
    ],
    "Conv3d": [sample(lambda rng: nn.Conv3d(1, 2, (1, 2, 2), rng=rng), normal(1, 1, 2, 3, 3))],
    "ConvTranspose1d": [
        sample(lambda rng: nn.ConvTranspose1d(4, 2, 3, 3, 1, 2, groups=2, dilation=2, rng=rng), normal(2, 4, 3)),
        sample(lambda rng: called(nn.ConvTranspose1d(None, 2, 2, rng=rng), normal(1, 3, 2)), normal(2, 3, 2)),
    ],
    "ConvTranspose2d": [
        sample(lambda rng: nn.ConvTranspose2d(2, 3, (2, 3), 2, bias=False, activation="tanh", rng=rng),
               normal(1, 2, 2, 3)),
    ],
    "ConvTranspose3d": [sample(lambda rng: nn.ConvTranspose3d(1, 2, 2, rng=rng), normal(1, 1, 2, 1, 2))],
    "MaxPool": [
        sample(lambda rng: nn.MaxPool(3, 2, 1, 2), normal(2, 2, 7)),
        sample(lambda rng: nn.MaxPool((2, 3)), normal(1, 2, 4, 6)),
    ],
    "AvgPool": [
        sample(lambda rng: nn.AvgPool(2), normal(2, 1, 3, 4)),
        sample(lambda rng: nn.AvgPool((2, 3), stride=1, padding=1, count_include_pad=False), normal(1, 1, 3, 3)),
    ],
    "Flatten": [sample(lambda rng: nn.Flatten(), normal(2, 3, 2)), sample(lambda rng: nn.Flatten(-2), normal(2, 3, 2))],
    "Reshape": [
        sample(lambda rng: nn.Reshape((2, 3)), normal(2, 6)),
        sample(lambda rng: nn.Reshape([3, -1, 1]), normal(2, 6)),
    ],
    "Lambda": [sample(lambda rng: nn.Lambda(np.square), normal(2, 3))],
    "Add": [sample(lambda rng: nn.Add(), normal(2, 3), normal(3, 2).T, normal(2, 3) + 1)],
    "Multiply": [sample(lambda rng: nn.Multiply(), normal(2, 3), normal(3, 2).T)],
    "Concatenate": [
        sample(lambda rng: nn.Concatenate(), normal(2, 3), normal(2, 1)),
        sample(lambda rng: nn.Concatenate(axis=-2), normal(2, 3), normal(1, 3), normal(4, 3)),
    ],
    "Residual": [
        sample(lambda rng: nn.Residual(nn.Dense(3, 3, activation="tanh", rng=rng)), normal(2, 3)),
        sample(
            lambda rng: nn.Residual(nn.Dense(3, 2, rng=rng), projection=nn.Dense(3, 2, bias=False, rng=rng)),
            normal(2, 3),
        ),
        sample(
            lambda rng: called(nn.Residual(nn.Dense(3, 2, activation="tanh", rng=rng), "dense", rng), normal(4, 3)),
            normal(2, 2, 3),
        ),
        sample(lambda rng: called(nn.Residual(nn.Dense(3, 3, rng=rng), "dense", rng), normal(4, 3)), normal(2, 3)),
        sample(
            lambda rng: called(nn.Residual(nn.Conv2d(2, 3, 3, (1, 2), 1, rng=rng), "conv", rng), normal(1, 2, 3, 4)),
            normal(2, 2, 2, 5),
        ),
    ],
    "Embedding": [
        sample(lambda rng: nn.Embedding(5, 3, rng=rng), np.array([[0, 4, 2], [2, 2, 1]])),
        sample(lambda rng: nn.Embedding(5, 2, init="glorot_uniform", rng=rng), np.array([3, 3])),
        sample(lambda rng: nn.Embedding(5, 2, padding_idx=4, rng=rng), np.array([3, 0])),
    ],
    "Dropout": [
        sample(lambda rng: nn.Dropout(0.4, rng=rng), normal(5, 4)),
        sample(lambda rng: nn.Dropout(0), normal(3)),
    ],
    "BatchNorm": [
        sample(lambda rng: nn.BatchNorm(3), normal(4, 3)),
        sample(lambda rng: nn.BatchNorm(2, eps=0.1, momentum=None, affine=False), normal(2, 2, 3)),
        sample(lambda rng: nn.BatchNorm(2, track_running_stats=False), normal(2, 2, 2, 3)),
        sample(lambda rng: called(nn.BatchNorm(None), normal(2, 3, 2)), normal(2, 3, 2)),
    ],
    "LayerNorm": [
        sample(lambda rng: nn.LayerNorm(4), normal(2, 3, 4)),
        sample(lambda rng: nn.LayerNorm((3, 4), eps=0.01, bias=False), normal(2, 3, 4)),
        sample(lambda rng: nn.LayerNorm(4, elementwise_affine=False), normal(4)),
    ],
    "RNN": [
        sample(lambda rng: nn.RNN(2, 3, rng=rng), normal(2, 3, 2)),
        sample(lambda rng: nn.RNN(2, 3, num_layers=2, nonlinearity="relu", dropout=0.3, rng=rng), normal(2, 3, 2)),
        sample(lambda rng: called(nn.RNN(None, 2, reverse=True, returns="last", rng=rng), normal(1, 2, 2)),
               normal(2, 3, 2)),
    ],
    "GRU": [
        sample(lambda rng: nn.GRU(2, 3, bidirectional=True, rng=rng), normal(2, 3, 2)),
        sample(lambda rng: nn.GRU(2, 3, bias=False, returns="outputs", rng=rng), normal(2, 2, 2)),
    ],
    "LSTM": [
        sample(lambda rng: nn.LSTM(2, 3, rng=rng), normal(2, 3, 2)),
        sample(lambda rng: nn.LSTM(2, 2, num_layers=2, bidirectional=True, rng=rng), normal(2, 3, 2)),
        sample(lambda rng: nn.LSTM(2, 3, bias=False, reverse=True, returns="last", rng=rng), normal(2, 3, 2)),
    ],
    "RNNCell": [
        sample(lambda rng: nn.RNNCell(2, 3, rng=rng), normal(4, 2)),
        sample(lambda rng: called(nn.RNNCell(None, 2, nonlinearity="relu", rng=rng), normal(1, 3)), normal(2, 3)),
    ],
    "GRUCell": [sample(lambda rng: nn.GRUCell(2, 3, bias=False, rng=rng), normal(4, 2), normal(4, 3))],
    "LSTMCell": [sample(lambda rng: nn.LSTMCell(2, 3, rng=rng), normal(4, 2))],
    "MultiheadAttention": [
        sample(lambda rng: nn.MultiheadAttention(4, 2, rng=rng), normal(2, 3, 4)),
        sample(lambda rng: nn.MultiheadAttention(4, 2, dropout=0.3, rng=rng), normal(1, 3, 4)),
        sample(lambda rng: nn.MultiheadAttention(4, 1, bias=False, rng=rng), normal(2, 2, 4), normal(2, 3, 4)),
    ],
    "TransformerBlock": [
        sample(lambda rng: nn.TransformerBlock(4, 2, activation="gelu", norm_first=True, rng=rng), normal(2, 3, 4)),
        sample(lambda rng: nn.TransformerBlock(4, 2, 5, dropout=0.2, activation="tanh", rng=rng), normal(1, 3, 4)),
    ],
    "PositionalEncoding": [sample(lambda rng: nn.PositionalEncoding(5), normal(2, 3, 5))],
}  # fmt: skip  # a table
"""Name of a public module -> samples."""

LAYERS |= {
    name: [sample(lambda rng, cls=cls: cls(), normal(3, 4))]
    for name, cls in vars(nn).items()
    if isinstance(cls, type) and issubclass(cls, ActivationLayer)
}
