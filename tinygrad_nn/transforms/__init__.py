"""Transforms: functions that take a function and return its derivative as a function, and nest to any order."""

from tinygrad_nn.transforms import replay
from tinygrad_nn.transforms.checkpointing import checkpoint
from tinygrad_nn.transforms.forward import jvp
from tinygrad_nn.transforms.jacobians import hessian, hvp, jacobian
from tinygrad_nn.transforms.reverse import grad, value_and_grad, vjp
from tinygrad_nn.transforms.stopping import stop_gradient

__all__ = [
    "checkpoint", "grad", "hessian", "hvp", "jacobian", "jvp", "replay", "stop_gradient", "value_and_grad", "vjp",
]  # fmt: skip  # one name a line would be a page of names
