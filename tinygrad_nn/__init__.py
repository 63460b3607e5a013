"""Automatic differentiation on NumPy, and the neural networks built from it.

>>> import tinygrad_nn as tn
>>> x = tn.Tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> loss = (x * x).sum()
>>> loss.backward()
>>> x.grad
array([2., 4., 6.])
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

from tinygrad_nn import primitives as _rules  # first: importing the rules registers them

from tinygrad_nn import errors  # isort: skip
from tinygrad_nn.allocation import keep_freed_memory as _keep_freed_memory
from tinygrad_nn.backprop import enable_grad, no_grad
from tinygrad_nn.conversion import set_default_dtype
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

if TYPE_CHECKING:
    from tinygrad_nn import data, graph, nn, optim, persist, plot, testing, training
    from tinygrad_nn.anomaly import detect_anomaly
    from tinygrad_nn.checking.gradcheck import gradcheck
    from tinygrad_nn.checking.model import check_model
    from tinygrad_nn.graph import draw, explore
    from tinygrad_nn.persist import load, save

__version__ = "0.1.0"

__all__ = [
    "Tensor", "check_model", "checkpoint", "data", "detect_anomaly", "draw", "enable_grad", "errors", "explore",
    "grad", "gradcheck", "graph", "hessian", "hvp", "jacobian", "jvp", "load", "nn", "no_grad", "optim", "persist",
    "plot", "primitive", "save", "set_default_dtype", "stop_gradient", "testing", "training", "value_and_grad", "vjp",
]  # fmt: skip  # one name a line would be a page of names

# What differentiates is imported at once, and the rest when it is first used: who differentiates a function pays for no
# layers, which take as long to import again.
_LATER = {name: name for name in ("data", "graph", "nn", "optim", "persist", "plot", "testing", "training")} | {
    "check_model": "checking", "detect_anomaly": "anomaly", "gradcheck": "checking", "draw": "graph",
    "explore": "graph", "load": "persist", "save": "persist",
}  # fmt: skip  # a table


def __getattr__(name: str) -> _Any:
    """Import what is not needed by all."""
    if name not in _LATER:
        message = f"module 'tinygrad_nn' has no attribute '{name}'"
        raise AttributeError(message)
    room = _import_module(f"tinygrad_nn.{_LATER[name]}")
    return room if name == _LATER[name] else getattr(room, name)


def __dir__() -> list[str]:
    """List the public names, also those that are not imported yet."""
    return sorted({*globals(), *__all__})


_keep_freed_memory()

del _rules
