"""Optimizers: what turns gradients into steps; schedules of their learning rates, clipping, and a bridge to SciPy."""

from tinygrad_nn.optim.adam import Adam, AdamW, NAdam, RAdam
from tinygrad_nn.optim.adaptive import Adadelta, Adagrad, RMSProp
from tinygrad_nn.optim.clipping import clip_by_norm, clip_by_value
from tinygrad_nn.optim.lamb import LAMB
from tinygrad_nn.optim.lion import Lion
from tinygrad_nn.optim.optimizer import Optimizer
from tinygrad_nn.optim.schedules import (
    ReduceOnPlateau,
    Schedule,
    cosine_annealing,
    exponential_decay,
    linear_warmup,
    one_cycle,
    sequence,
    step_decay,
)
from tinygrad_nn.optim.scipy_bridge import minimize
from tinygrad_nn.optim.sgd import SGD

__all__ = [
    "LAMB", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Lion", "NAdam", "Optimizer", "RAdam", "RMSProp",
    "ReduceOnPlateau", "Schedule", "clip_by_norm", "clip_by_value", "cosine_annealing", "exponential_decay",
    "linear_warmup", "minimize", "one_cycle", "sequence", "step_decay",
]  # fmt: skip  # one name a line would be a page of names
