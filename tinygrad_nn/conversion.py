"""What may come in: how numbers, lists and arrays of the user become arrays that a graph can rely on."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy as np
import numpy.typing as npt

from tinygrad_nn.errors import DtypeError
from tinygrad_nn.primitive import Array

_FLOAT64: np.dtype[Any] = np.dtype(np.float64)

_default_dtype: ContextVar[np.dtype[Any]] = ContextVar("tinygrad_nn.default_dtype", default=_FLOAT64)


def set_default_dtype(dtype: npt.DTypeLike) -> None:
    """Set the dtype of Tensors and parameters that are made from Python numbers; float64 at the start.

    Arrays keep their own dtype. The setting belongs to the current thread or task.

    Raises:
        DtypeError: `dtype` is no floating dtype.

    >>> import tinygrad_nn as tn
    >>> tn.set_default_dtype("float32")
    >>> tn.Tensor([1.0]).dtype
    dtype('float32')
    >>> tn.set_default_dtype("float64")

    """
    wanted = np.dtype(dtype)
    if wanted.kind != "f":
        message = f"set_default_dtype: expected a floating dtype, got {wanted}. Use 'float32' or 'float64'"
        raise DtypeError(message)
    _default_dtype.set(wanted)


def get_default_dtype() -> np.dtype[Any]:
    """Return the dtype of Tensors and parameters that are made from Python numbers."""
    return _default_dtype.get()


def new_array(data: Any, dtype: npt.DTypeLike | None = None) -> Array:
    """Return a new array of `data`, or `data` itself if nobody can change it; Python floats get the default dtype.

    `data` may be whatever NumPy makes an array of: numbers, lists, objects with ``__array__`` or ``__dlpack__``.
    """
    if isinstance(data, np.ndarray) and dtype is None:
        array: Array = frozen(checked(data, "Tensor"))
        return array
    if hasattr(data, "__dlpack__") and not hasattr(data, "__array__"):
        data = np.from_dlpack(data)
    array = checked(np.array(data, dtype=dtype, order="C"), "Tensor")
    if dtype is None and array.dtype == np.float64 and not hasattr(data, "dtype"):
        return array.astype(get_default_dtype(), copy=False)
    return array


def frozen(value: Any) -> Any:
    """Return an array that nobody else can write into: a copy, unless it is read-only and owns its memory.

    A closure may hold on to it until `backward()`, and the user may fill his buffer with the next batch before.
    """
    if type(value) is np.ndarray and (value.flags.writeable or value.base is not None):
        return value.copy()
    if isinstance(value, (tuple, list)):
        return [*map(frozen, value)] if isinstance(value, list) else (*map(frozen, value),)
    return value


def operand(value: Any, name: str, position: int) -> Any:
    """Return a number or array as a rule may use it; refuse what is neither."""
    if isinstance(value, (int, float, np.floating, np.integer, np.bool_)):
        return value
    try:
        array = np.asarray(value)
    except ValueError as error:
        message = f"{name}: expected operand {position} to be numbers in a regular shape; {error}"
        raise DtypeError(message) from error
    return checked(array, f"{name}: operand {position}")


def checked(array: Array, what: str) -> Array:
    """Refuse arrays of anything but real numbers and bools."""
    if array.dtype.kind not in "fiub":
        kind = "complex numbers" if array.dtype.kind == "c" else f"dtype {array.dtype}"
        message = (
            f"{what}: expected real numbers, got {kind}. "
            f"{'Work on the real and the imaginary part' if array.dtype.kind == 'c' else 'Convert with astype(float)'}"
        )
        raise DtypeError(message)
    return array
