"""Automatic differentiation on NumPy, and the neural networks built from it.

>>> import tinygrad_nn as tn
>>> x = tn.Tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> loss = (x * x).sum()
>>> loss.backward()
>>> x.grad
array([2., 4., 6.])
"""

from tinygrad_nn import primitives as _rules  # first: importing the rules registers them

from tinygrad_nn import data, errors, graph, nn, optim, persist, training  # isort: skip
from tinygrad_nn.backprop import enable_grad, no_grad
from tinygrad_nn.checking import check_model, gradcheck
from tinygrad_nn.conversion import set_default_dtype
from tinygrad_nn.graph import draw
from tinygrad_nn.persist import load, save
from tinygrad_nn.primitive import primitive
from tinygrad_nn.tensor import Tensor
from tinygrad_nn.transforms import (
    checkpoint,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    stop_gradient,
    value_and_grad,
    vjp,
)

__version__ = "0.1.0"

__all__ = [
    "Tensor", "check_model", "checkpoint", "data", "draw", "enable_grad", "errors", "grad", "gradcheck", "graph",
    "hessian", "hvp", "jacobian", "jvp", "load", "nn", "no_grad", "optim", "persist", "primitive", "save",
    "set_default_dtype", "stop_gradient", "training", "value_and_grad", "vjp",
]  # fmt: skip  # one name a line would be a page of names

del _rules
