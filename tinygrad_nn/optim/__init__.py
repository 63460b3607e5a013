"""Optimizers: what turns gradients into steps."""

from tinygrad_nn.optim.adam import Adam
from tinygrad_nn.optim.optimizer import Optimizer
from tinygrad_nn.optim.sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer"]
