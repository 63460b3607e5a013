"""Networks: modules and layers, activations and losses, all compositions of Tensor operations."""

from tinygrad_nn.nn import init
from tinygrad_nn.nn.activations import (
    CELU,
    ELU,
    GELU,
    SELU,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
    celu,
    elu,
    gelu,
    hard_sigmoid,
    hard_swish,
    hard_tanh,
    leaky_relu,
    mish,
    relu6,
    selu,
    silu,
    softsign,
)
from tinygrad_nn.nn.dense import Dense, Sequential
from tinygrad_nn.nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    squared_error,
)
from tinygrad_nn.nn.module import Module, Parameter
from tinygrad_nn.nn.windows import avg_pool, conv, conv_transpose, max_pool
from tinygrad_nn.primitives.fused import log_softmax, softmax
from tinygrad_nn.primitives.selection import relu
from tinygrad_nn.primitives.special import erf, log_sigmoid, logsumexp, sigmoid, softplus, xlogy
from tinygrad_nn.primitives.trigonometry import tanh

__all__ = [
    "CELU", "ELU", "GELU", "SELU", "Dense", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid",
    "LogSoftmax", "Mish", "Module", "Parameter", "ReLU", "ReLU6", "Sequential", "SiLU", "Sigmoid", "Softmax",
    "Softplus", "Softsign", "Tanh", "avg_pool", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "celu", "conv", "conv_transpose", "cross_entropy", "elu", "erf", "gelu", "hard_sigmoid", "hard_swish", "hard_tanh",
    "init", "leaky_relu", "log_sigmoid", "log_softmax", "logsumexp", "max_pool", "mish", "relu", "relu6", "selu",
    "sigmoid", "silu", "softmax", "softplus", "softsign", "squared_error", "tanh", "xlogy",
]  # fmt: skip  # one name a line would be a page of names
