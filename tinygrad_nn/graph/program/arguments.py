"""What a program is given: its parameters, its inputs, and the constants that are too large to be written into it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn.graph.program.expressions import Name
from tinygrad_nn.graph.program.names import Names
from tinygrad_nn.primitive import Array


class Argument(NamedTuple):
    """One of the arrays that a program is given.

    Attributes:
        variable: what the program calls it.
        array: its value, a copy that nobody else changes.
        label: what the user calls it, or what it is.
        is_parameter: whether it has a gradient.

    """

    variable: Name
    array: Array
    label: str
    is_parameter: bool


class Arguments:
    """The arrays that a program is given, each once."""

    def __init__(self, names: Names) -> None:
        """Begin with none; `names` are those of the program."""
        self.names = names
        self.all: list[Argument] = []
        self.constants: dict[Any, Name] = {}

    def leaf(self, leaf: Any) -> Name:
        """Return the variable of a parameter, or of an input that has a gradient."""
        return self._add(leaf.array.copy(order="K"), leaf.name or "", leaf.name or "leaf", is_parameter=True)

    def constant(self, array: Array, label: str) -> Name:
        """Return the variable of a constant: one for all that are equal, for each use of an array copies it."""
        import hashlib

        key = array.shape, array.strides, array.dtype, hashlib.sha256(array.tobytes()).digest()
        if key not in self.constants:
            self.constants[key] = self._add(array, label, "x" if label == "input" else label, is_parameter=False)
        return self.constants[key]

    def _add(self, array: Array, label: str, wanted: str, *, is_parameter: bool) -> Name:
        variable = Name(self.names.new(wanted))
        self.all.append(Argument(variable, array, label, is_parameter))
        return variable


def in_memory_order(array: Array) -> tuple[Array, tuple[int, ...] | None]:
    """Return an array that lies in memory as files keep it, and the axes that make it the given one again.

    Sums are added up in the order of memory, so that an array with its axes in another order would give other bits.
    """
    if array.flags.c_contiguous or array.flags.f_contiguous:
        return array, None
    axes = np.argsort([-abs(step) for step in array.strides], kind="stable")
    return np.ascontiguousarray(array.transpose(axes)), tuple(np.argsort(axes).tolist())
