"""How much arithmetic an operation does: an estimate from shapes alone, good to compare layers with.

A multiplication and an addition are two operations, as they are in the data sheet of a processor; so is every other
elementary function one, `exp` as well as `+`. Moving and choosing elements costs none.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeAlias

from tinygrad_nn.backprop import Node
from tinygrad_nn.primitive import Primitive

Shape: TypeAlias = tuple[int, ...]

Formula: TypeAlias = Callable[[list[Shape], Shape, dict[str, Any]], int]
"""From the shapes of operands and result, and the options, to a number of operations."""


def estimated_flops(operation: Node) -> int:
    """Return the floating-point operations of an operation's forward pass.

    >>> import numpy as np, tinygrad_nn as tn
    >>> w = tn.Tensor(np.ones((3, 4)), requires_grad=True)
    >>> estimated_flops((np.ones((2, 3)) @ w)._node)  # 2 * 4 products of 3 numbers, each with its sum
    48

    """
    if operation.primitive is None:
        return 0
    # Of an operand that was released the shape itself is left, and numbers have none.
    shapes = [x if isinstance(x, tuple) else getattr(x, "shape", ()) for x in operation.operands]
    return _formula(operation.primitive)(shapes, operation.shape, operation.options or {})


@functools.lru_cache(maxsize=256)  # of a primitive, and not its name: two users may give theirs the same
def _formula(primitive: Primitive) -> Formula:
    """Return the formula of a primitive: its own, or that of the file of rules that it is defined in."""
    family = str(primitive.rule.__module__).rpartition(".")[2]
    return _FORMULAS.get(primitive.name) or _BY_FAMILY.get(family, _elementwise)


def _elementwise(shapes: list[Shape], result: Shape, _: dict[str, Any]) -> int:
    """One for each element of the largest array: for a reduction that is the operand, for a broadcast the result."""
    return max(map(math.prod, [*shapes, result]))


def _none(shapes: list[Shape], result: Shape, options: dict[str, Any]) -> int:  # noqa: ARG001 - a formula
    return 0


def _product(shapes: list[Shape], result: Shape, _: dict[str, Any]) -> int:
    """A sum of products of length k for each element of the result."""
    return 2 * math.prod(result) * (shapes[0][-1] if shapes[0] else 1)


def _dense(shapes: list[Shape], result: Shape, options: dict[str, Any]) -> int:
    """The product, the bias, and the activation once for each element."""
    extra = (len(shapes) > 2) + (options.get("activation") is not None)
    return _product(shapes, result, options) + extra * math.prod(result)


def _einsum(shapes: list[Shape], result: Shape, options: dict[str, Any]) -> int:  # noqa: ARG001 - a formula
    """All labels run through their lengths, with a product of all operands and a sum at each place."""
    terms = options["subscripts"].partition("->")[0].split(",")
    lengths = dict(pair for term, shape in zip(terms, shapes, strict=True) for pair in zip(term, shape, strict=True))
    return len(terms) * math.prod(lengths.values())


def _conv(shapes: list[Shape], result: Shape, _: dict[str, Any]) -> int:
    """A product with each weight of a filter for each place of the output."""
    return 2 * math.prod(result) * math.prod(shapes[1][1:])


def _conv_input(shapes: list[Shape], result: Shape, _: dict[str, Any]) -> int:  # noqa: ARG001 - a formula
    """The same products as those of the convolution that it transposes, whose result is the first operand."""
    return 2 * math.prod(shapes[0]) * math.prod(shapes[1][1:])


def _pool(shapes: list[Shape], result: Shape, options: dict[str, Any]) -> int:  # noqa: ARG001 - a formula
    return math.prod(result) * math.prod(options["window"])


def _recurrence(shapes: list[Shape], result: Shape, _: dict[str, Any]) -> int:  # noqa: ARG001 - a formula
    """In each step a product of the state with the weight, and some three operations a gate."""
    samples, steps, gates = shapes[0]
    return samples * steps * gates * (2 * shapes[1][1] + 3)


def _matrix(shapes: list[Shape], result: Shape, options: dict[str, Any]) -> int:  # noqa: ARG001 - a formula
    """Cubic in the size of the matrix, as elimination and its relatives are."""
    *_, rows, columns = shapes[0]
    return 2 * math.prod(shapes[0]) * min(rows, columns)


_FORMULAS: dict[str, Formula] = {
    "matmul": _product, "dot": _product, "dense": _dense, "contract": _einsum, "recurrence": _recurrence,
    "conv": _conv, "conv_weight": _conv_input, "conv_input": _conv_input, "max_pool": _pool, "avg_pool": _pool,
    "sliding_window_view": _none, "packed_eigh": _matrix, "eigvalsh": _matrix,
}  # fmt: skip  # a table

_BY_FAMILY: dict[str, Formula] = {
    **dict.fromkeys(("shaping", "moving", "joining", "indexing", "padding", "updates"), _none),
    **dict.fromkeys(("linalg", "decompositions"), _matrix),
}
"""Formulas of all operations of a file of rules that have none of their own."""
