"""`Operation`: one recorded node, taken out of its graph as functions of arrays that can be checked by themselves.

A graph keeps closures, not values. So the rule is run again, on the operands that it was recorded with: what a rule
computes depends on nothing else. It is given copies, and what it does to them, and to the gradients that come in, is
seen: a rule that writes where it should not spoils other operations than itself, and no difference quotient shows it.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

import numpy as np

from tinygrad_nn.backprop import Node, unbroadcast
from tinygrad_nn.primitive import Array, Primitive
from tinygrad_nn.tensor import Tensor, raw
from tinygrad_nn.transforms import vjp


class Operation:
    """The rule of a node at its recorded operands, and the gradient for each operand as the engine computes it.

    Attributes:
        node: the node.
        operands: the values of all operands.
        places: the positions of those that a gradient is computed for.
        point: their values, in float64, so that a gradient can be told from its rounding.
        kind: the same for operations of one rule with operands of the same shapes and the same options.

    """

    def __init__(self, node: Node, operands: Sequence[Any]) -> None:
        """Take `node` out of its graph, where its operands have the values `operands`."""
        self.node = node
        self.rule: Any = node.primitive.rule if node.primitive else None
        self.operands = [_double(x) for x in operands]
        self.places = [place for place, source in enumerate(node.operands) if isinstance(source, Node)]
        self.point = [self.operands[place] for place in self.places]
        self.kind = (node.primitive, *map(np.shape, self.operands), str(node.options))

    def run(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """Return the value and the closures of the rule, given the operands at `places`."""
        operands = list(self.operands)
        for place, array in zip(self.places, arrays, strict=True):
            operands[place] = array
        result: tuple[Any, ...] = self.rule(*operands, **(self.node.options or {}))
        return result

    def value(self, arrays: Sequence[Array]) -> Array:
        """Return the value alone."""
        return np.asarray(self.run(arrays)[0])

    def gradient(self, place: int, arrays: Sequence[Any], g: Any) -> Any:
        """Return the gradient for the operand `place`: un-broadcast, as the engine does; 0 where the rule has None."""
        closure, shape = self.run(arrays)[1 + place], np.shape(self.operands[place])
        return np.zeros(shape) if closure is None else unbroadcast(closure(g), shape)

    def derivative(self, place: int, order: int) -> Callable[..., Any]:
        """Return a function that is the gradient for the operand `place`, or derivatives of it of a higher `order`.

        The first takes the operands at `places` and the incoming gradient. Each of the next takes a cotangent more, and
        returns all derivatives by what the one before takes, as a single vector.
        """
        if order == 1:
            return lambda *inputs: self.gradient(place, inputs[:-1], inputs[-1])
        lower = self.derivative(place, order - 1)

        def higher(*inputs: Any) -> Any:
            return np.concatenate([np.ravel(x) for x in self.pullback(lower, inputs[:-1])(inputs[-1])])

        return higher

    @staticmethod
    def pullback(function: Callable[..., Any], point: Sequence[Any]) -> Callable[[Any], Sequence[Any]]:
        """Return what carries a gradient of `function` at `point` back to its inputs.

        The rule runs on Tensors, inside of a transform, as it does for ``tn.grad(tn.grad(f))``.
        """

        def traced(*tensors: Any) -> Tensor:
            result = function(*tensors)
            return result if isinstance(result, Tensor) else Tensor(result)

        pull: Callable[[Any], Sequence[Any]] = vjp(traced, *point)[1]
        return pull

    def misconduct(self) -> str:
        """Say what the rule itself does that no rule may do; "" if nothing."""
        arrays = [array.copy() for array in self.point]
        value = self.value(arrays)
        before = value.copy()
        if not all(map(_same, arrays, self.point)):
            return "its forward pass changes its operands in place"
        if not _alike(self.value(self.point), before):
            return "its value differs from one run to the next"
        with contextlib.suppress(ValueError, ArithmeticError):  # halved, they may lie outside of the domain
            self.value([array / 2 for array in self.point])
        return "" if _same(value, before) else "its forward pass changes a result that it returned before"

    def misconduct_of(self, place: int, g: Array) -> str:
        """Say what the closure for the operand `place` does that no closure may do; "" if nothing."""
        arrays = [array.copy() for array in self.point]
        closure, given = self.run(arrays)[1 + place], g.copy()
        if closure is None:
            return ""
        try:
            gradient = closure(given)
            before, shape = np.array(gradient), gradient.shape
        except Exception as error:  # noqa: BLE001 - whatever a rule may raise: it is told
            return f"its closure fails with {type(error).__name__}: {error}"
        expected = np.shape(self.operands[place])
        if not _reaches(shape, expected):
            return f"gradient has the shape {shape}, which does not broadcast or sum to the operand's {expected}"
        if before.dtype.kind not in "biuf":
            return f"gradient has the dtype {before.dtype}, which is none of real numbers"
        if not _same(given, g):
            return "its closure changes the incoming gradient in place"
        again = closure(g.copy())
        if not all(map(_same, arrays, self.point)):
            return "its closure changes the operands in place"
        if not _alike(again, before):
            return "gradient differs from one run to the next"
        closure(g / 2)
        return "" if _same(gradient, before) else "its closure changes a gradient that it returned before"

    def line(self, place: int | None) -> str:
        """Return ``file:line`` of the closure for an operand, or of the rule where no closure in it is that one."""
        closure = None if place is None else self.run(self.point)[1 + place]
        rule, *closures = codes_of(self.node.primitive)
        code = next((code for code in closures if code is getattr(closure, "__code__", None)), rule)
        return f"{code.co_filename}:{code.co_firstlineno}"


def _double(value: Any) -> Any:
    """Return an operand with its floats in float64; a plain number as it is, as the engine hands it over."""
    if isinstance(value, (int, float)):
        return value
    array = np.asarray(raw(value))
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _same(a: Any, b: Any) -> bool:
    return np.array_equal(a, b, equal_nan=True)


def _alike(a: Any, b: Any) -> bool:
    """Tell whether two results are the same but for rounding, which may depend on where in memory an array lies."""
    with np.errstate(invalid="ignore"):
        return np.shape(a) == np.shape(b) and np.allclose(
            a, b, rtol=1e-6, atol=1e-9 * np.abs(b).max(initial=0.0), equal_nan=True
        )


def _reaches(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Tell whether the engine can make `expected` of `shape`."""
    try:
        return unbroadcast(np.broadcast_to(0.0, shape), expected).shape == expected
    except ValueError:
        return False


def codes_of(primitive: Primitive | None) -> list[CodeType]:
    """List the code of a rule, and of all functions that are written in it, such as its closures."""
    codes = [] if primitive is None else [inspect.unwrap(primitive.rule).__code__]
    for code in codes:  # which grows on the way
        codes += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    return codes
