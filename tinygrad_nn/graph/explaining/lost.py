"""Where a parameter was lost that is not in the graph of a loss, as far as the graph can tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn.backprop import Leaf, Node
from tinygrad_nn.graph.modules import Call, path_of
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw

_USE = "Compute with the Tensor itself: not with its .data, .numpy(), detach() or item(), and outside of no_grad()."


class Absence(NamedTuple):
    """How a parameter came not to be in a graph.

    Attributes:
        cause: in a word or two.
        says: a clause that completes "There is no gradient: ...".
        remedy: what to do.
        operation: the one in which the values of the parameter are a constant; None if there is none.

    """

    cause: str
    says: str
    remedy: str
    operation: Node | None = None


def lost(parameter: Tensor, around: Mapping[Node, tuple[Call, ...]]) -> Absence:
    """Return why `parameter` is not among what a graph depends on; `around` has its operations, and their modules."""
    constant = next(_as_constant(raw(parameter), around), None)
    if parameter._node is None and parameter.dtype.kind != "f":
        return Absence(
            "integer",
            f"its dtype is {parameter.dtype}, and whole numbers have no gradient",
            "Make it of a floating dtype, as in Tensor(x, dtype=float, requires_grad=True).",
            constant,
        )
    if parameter._node is None:
        return Absence(
            "not required",
            "its requires_grad is False",
            "Set requires_grad = True before the loss is computed.",
            constant,
        )
    if constant is not None:
        name = constant.primitive.name if constant.primitive else ""
        return Absence(
            "detached",
            f"'{name}' has used its values as a constant",
            f"{_USE} If requires_grad was False then, compute the loss again.",
            constant,
        )
    return _without_trace(parameter, around)


def _as_constant(array: Array, operations: Iterable[Node]) -> Any:
    """Yield the operations among whose constants the values of an array are, also transposed or in another dtype."""
    if array.size and not (array == array.flat[0]).all():  # arrays of one number all over may be alike by chance
        for node in operations:
            for operand in node.operands:
                value = raw(operand)
                if isinstance(value, np.ndarray) and value.size == array.size and value.dtype.kind == "f":
                    same = array.astype(value.dtype, copy=False)
                    if any(np.array_equal(value, form) for form in (same, same.T)):
                        yield node


def _without_trace(parameter: Tensor, around: Mapping[Node, tuple[Call, ...]]) -> Absence:
    """Return what the names in a graph tell about a parameter that has left no values there."""
    name = parameter._node.name if parameter._node is not None else None
    leaves = {x for node in around for x in node.operands if isinstance(x, Leaf)}
    if name and any(leaf.name == name for leaf in leaves):
        return Absence(
            "replaced",
            f"the loss was computed with another Tensor of the name '{name}'",
            "Compute the loss again with the model as it is now: astype(), or setting requires_grad, makes a new leaf. "
            "Or ask for the parameter of the model that was used.",
        )
    module = name.rpartition(".")[0] if name else ""
    paths = {path_of(calls) for calls in around.values()}
    if module and not any(f".{module}." in f".{'.'.join(path)}." for path in paths):
        return Absence(
            "module not in the graph",
            f"no call of '{module}', the module that owns it, is in the graph of this loss: it was not called, or its "
            f"result was detached",
            f"Call the module in forward(), and let its result reach the loss as a Tensor. {_USE}",
        )
    return Absence(
        "never used",
        "nothing that the loss was computed from depends on it",
        f"Use it in what the loss is computed from. {_USE}",
    )


def underivable(target: Node | None, operations: Mapping[Node, Any]) -> tuple[Node, str]:
    """Return an operation that depends on `target`, but has no gradient for the operand, and how that is called."""
    leading: set[Any] = {target}
    for node in operations:  # in the order of their recording
        for position, operand in enumerate(node.operands):
            if isinstance(operand, Node) and operand in leading:
                if node.closures is not None and node.closures[position] is None:
                    names = node.primitive.operand_names if node.primitive else ()
                    return node, f"'{names[position]}'" if position < len(names) else f"{position}"
                leading.add(node)
    raise AssertionError(target)
