"""What rules and compositions ask of their arguments, beyond what the registry has seen to."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tinygrad_nn.errors import DtypeError, UnsupportedError
from tinygrad_nn.primitive import Array


def as_array(x: Any) -> Any:
    """Return a list or a number as an array, and an array or a Tensor as it is."""
    return x if hasattr(x, "shape") else np.asarray(x)


def as_constant(value: Any, name: str, argument: str) -> Any:
    """Return an argument as an array, or as the Python number that it is, which promotes no dtype; refuse gradients."""
    if getattr(value, "requires_grad", False):
        message = (
            f"{name}: expected '{argument}' to be a constant, got a Tensor that requires a gradient, and it has none "
            f"with respect to '{argument}'. Pass {argument}=t.detach()"
        )
        raise UnsupportedError(message)
    return value if type(value) in (int, float) else np.asarray(value)


def refuse_whole_numbers(name: str, a: Array, dtype: npt.DTypeLike) -> None:
    """Refuse an option `dtype` that would make whole numbers of floats: their gradient would be lost in silence."""
    if a.dtype.kind == "f" and np.dtype(dtype).kind != "f":
        message = (
            f"{name}: expected a floating dtype for operand 0 of {a.dtype}, got {np.dtype(dtype)}, which has no "
            f"gradient. Leave 'dtype' out and convert the result with astype, or call NumPy on t.numpy()"
        )
        raise DtypeError(message)
