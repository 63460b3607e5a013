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
from tinygrad_nn.nn.attention import (
    MultiheadAttention,
    PositionalEncoding,
    TransformerBlock,
    scaled_dot_product_attention,
)
from tinygrad_nn.nn.cells import GRUCell, LSTMCell, RNNCell
from tinygrad_nn.nn.config import from_config, to_config
from tinygrad_nn.nn.convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from tinygrad_nn.nn.dense import Dense
from tinygrad_nn.nn.dropout import Dropout
from tinygrad_nn.nn.embedding import Embedding
from tinygrad_nn.nn.losses import (
    absolute_error,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cosine_distance,
    cross_entropy,
    gaussian_nll,
    hinge,
    huber,
    kl_divergence,
    nll,
    squared_error,
)
from tinygrad_nn.nn.merging import Add, Concatenate, Multiply
from tinygrad_nn.nn.module import Module, Parameter
from tinygrad_nn.nn.normalization import BatchNorm, LayerNorm
from tinygrad_nn.nn.pooling import AvgPool, MaxPool
from tinygrad_nn.nn.recurrent import GRU, LSTM, RNN
from tinygrad_nn.nn.residual import Residual
from tinygrad_nn.nn.sequential import Sequential
from tinygrad_nn.nn.shaping import Flatten, Lambda, Reshape
from tinygrad_nn.nn.windows import avg_pool, conv, conv_transpose, max_pool
from tinygrad_nn.primitives.fused import log_softmax, softmax
from tinygrad_nn.primitives.selection import relu
from tinygrad_nn.primitives.special import erf, log_sigmoid, logsumexp, sigmoid, softplus, xlogy
from tinygrad_nn.primitives.trigonometry import tanh

__all__ = [
    "CELU", "ELU", "GELU", "GRU", "LSTM", "RNN", "SELU", "Add", "AvgPool", "BatchNorm", "Concatenate", "Conv1d",
    "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Dense", "Dropout", "Embedding",
    "Flatten", "GRUCell", "Hardsigmoid", "Hardswish", "Hardtanh", "LSTMCell", "Lambda", "LayerNorm", "LeakyReLU",
    "LogSigmoid", "LogSoftmax", "MaxPool", "Mish", "Module", "MultiheadAttention", "Multiply", "Parameter",
    "PositionalEncoding", "RNNCell", "ReLU", "ReLU6", "Reshape", "Residual", "Sequential", "SiLU", "Sigmoid", "Softmax",
    "Softplus", "Softsign", "Tanh", "TransformerBlock", "absolute_error", "avg_pool", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "celu", "conv", "conv_transpose", "cosine_distance", "cross_entropy", "elu",
    "erf", "from_config", "gaussian_nll", "gelu", "hard_sigmoid", "hard_swish", "hard_tanh", "hinge", "huber", "init",
    "kl_divergence", "leaky_relu", "log_sigmoid", "log_softmax", "logsumexp", "max_pool", "mish", "nll", "relu",
    "relu6", "scaled_dot_product_attention", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign",
    "squared_error", "tanh", "to_config", "xlogy",
]  # fmt: skip  # one name a line would be a page of names
