"""What Python itself asks of an array: its length, its truth, its number. `Tensor` inherits the answers, NumPy's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Self, SupportsIndex

import numpy as np

from tinygrad_nn.errors import ShapeError, UnsupportedError


class PythonProtocols:
    """The special methods of an array that are neither operators nor NumPy's."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Self:
        """Select elements."""
        raise AssertionError  # `ArrayMethods` has it

    def __raw__(self) -> Any:
        """Return the values as NumPy knows them."""
        raise AssertionError  # `Tensor` has it

    def item(self) -> Any:
        """Return the single number in it as a Python number."""
        try:
            return self.__raw__().item()
        except ValueError as error:
            message = (
                f"item: expected a single number, got shape {np.shape(self.__raw__())}. Index it first, or use tolist()"
            )
            raise ShapeError(message) from error

    def tolist(self) -> Any:
        """Return the values as nested lists of Python numbers."""
        return self.__raw__().tolist()

    def __len__(self) -> int:
        """Return the length of the first axis."""
        shape: tuple[int, ...] = np.shape(self.__raw__())
        if not shape:
            message = "len: expected at least one axis, got a single number. Use t.item() for its value"
            raise ShapeError(message)
        return shape[0]

    def __iter__(self) -> Iterator[Self]:
        """Iterate over the first axis."""
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        """Tell whether some element equals `value`."""
        return bool(np.any(self == value))

    def __bool__(self) -> bool:
        """Tell whether the single number in it is not 0."""
        values = self.__raw__()
        if values.size != 1:
            message = (
                f"bool: expected a single number, got shape {values.shape}, of which some elements may be true and "
                f"others not. Use t.any() or t.all()"
            )
            raise ShapeError(message)
        return bool(values.item())

    def __float__(self) -> float:
        """Return the single number in it."""
        return float(self.item())

    def __int__(self) -> int:
        """Return the single number in it, without its fraction."""
        return int(self.item())

    def __complex__(self) -> complex:
        """Return the single number in it."""
        return complex(self.item())

    def __index__(self) -> int:
        """Return the single whole number in it."""
        index: SupportsIndex = self.item()
        return index.__index__()

    def __round__(self, digits: int | None = None) -> Any:
        """Round the single number in it."""
        return round(self.item(), digits)

    def __floor__(self) -> int:
        """Return the largest whole number that is not above the single number in it."""
        return math.floor(self.item())

    def __ceil__(self) -> int:
        """Return the smallest whole number that is not below the single number in it."""
        return math.ceil(self.item())

    def __trunc__(self) -> int:
        """Return the single number in it, without its fraction."""
        return math.trunc(self.item())

    def __format__(self, spec: str) -> str:
        """Format a single number as a number; anything else has only its text."""
        if not spec:
            return str(self)
        shape = np.shape(self.__raw__())
        if shape:
            message = (
                f"format: expected a single number for '{spec}', got shape {shape}. "
                f"Index it first, or use numpy.array2string(t.numpy(), precision=3)"
            )
            raise UnsupportedError(message)
        return format(self.item(), spec)

    def __dlpack__(self, **options: Any) -> Any:
        """Hand a copy of a constant to another library, by the DLPack protocol."""
        return np.asarray(self).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        """Tell another library that the numbers are in ordinary memory."""
        device: tuple[int, int] = np.asarray(self.__raw__()).__dlpack_device__()
        return device
