"""Networks: modules and layers, activations and losses, all compositions of Tensor operations."""

from tinygrad_nn.nn import init
from tinygrad_nn.nn.activations import ReLU, Sigmoid, Softmax, Tanh, log_softmax, relu, sigmoid, softmax, tanh
from tinygrad_nn.nn.dense import Dense, Sequential
from tinygrad_nn.nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    squared_error,
)
from tinygrad_nn.nn.module import Module, Parameter

__all__ = [
    "Dense", "Module", "Parameter", "ReLU", "Sequential", "Sigmoid", "Softmax", "Tanh",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "init", "log_softmax", "relu",
    "sigmoid", "softmax", "squared_error", "tanh",
]  # fmt: skip  # one name a line would be a page of names
