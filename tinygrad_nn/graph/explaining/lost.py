"""Where a parameter was lost that is not in the graph of a loss, as far as the graph can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn.backprop import Leaf, Node
from tinygrad_nn.graph.explaining.source import Exit
from tinygrad_nn.graph.explaining.stages import name_of
from tinygrad_nn.graph.modules import Call, path_of
from tinygrad_nn.graph.trace import operations_below
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw

_USE = "Compute with the Tensor itself: not with its .data, .numpy(), detach() or item(), and outside of no_grad()."

WHOLE = (
    "Whole numbers and truth values have no gradient: compute the loss from the numbers that they were made of, as "
    "nn.cross_entropy does from logits."
)


class Absence(NamedTuple):
    """How a parameter came not to be in a graph.

    Attributes:
        cause: in a word or two.
        says: a clause that completes "There is no gradient: ...".
        remedy: what to do.
        operation: the one in which the values of the parameter are a constant; None if there is none.
        ends: where the way to the loss may have ended.

    """

    cause: str
    says: str
    remedy: str
    operation: Node | None = None
    ends: Sequence[Exit] = ()


def lost(parameter: Tensor, around: Mapping[Node, tuple[Call, ...]], exits: Callable[[], Sequence[Exit]]) -> Absence:
    """Return why a parameter is not among what a graph depends on.

    Args:
        parameter: it.
        around: the operations of the graph, and their modules.
        exits: reads in the user's source where values leave the graph.

    """
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
        return Absence(
            "detached",
            f"'{name_of(constant)}' has used its values as a constant",
            f"{_USE} If requires_grad was False then, compute the loss again.",
            constant,
        )
    return _result(parameter, around) or _namesake(parameter, around) or _without_trace(parameter, around, exits())


def _as_constant(array: Array, operations: Iterable[Node]) -> Any:
    """Yield the operations among whose constants the values of an array are, also transposed or in another dtype."""
    if not _is_uniform(array):
        for node in operations:
            for operand in node.operands:
                value = raw(operand)
                if isinstance(value, np.ndarray) and value.size == array.size and value.dtype.kind == "f":
                    same = array.astype(value.dtype, copy=False)
                    if any(np.array_equal(value, form) for form in (same, same.T)):
                        yield node


def _is_uniform(array: Array) -> bool:
    """Tell whether an array is one number all over: such ones may be alike by chance."""
    return array.size == 0 or bool((array == array.flat[0]).all())


def _namesake(parameter: Tensor, around: Iterable[Node]) -> Absence | None:
    """Return what there is to say where the loss uses another leaf, of the same name or nameless and of its values."""
    values, name = raw(parameter), parameter.name
    found: list[tuple[bool, bool, Leaf]] = []
    for leaf in dict.fromkeys(x for node in around for x in node.operands if isinstance(x, Leaf)):
        is_alike = leaf.shape == values.shape
        is_equal = is_alike and np.array_equal(raw(leaf.array), values)
        if not (name and leaf.name):
            is_namesake = is_equal and not _is_uniform(values)
        else:  # a new parameter has no path yet: "weight" has taken the place of "encoder.weight"
            is_namesake = leaf.name == name or (is_alike and leaf.name.endswith(f".{name}"))
        if is_namesake:
            found.append((is_equal, is_alike, leaf))
    if not found:
        return None
    is_equal, is_alike, leaf = max(found, key=itemgetter(0, 1))
    called = f"named '{leaf.name}'" if leaf.name else "without a name"
    says = f"the loss does not use it, but another Tensor {called}, of "
    if not is_alike:
        return Absence(
            "another of its name",
            f"{says}shape {leaf.shape}",
            "Ask for the one that the loss uses, or use this one in what the loss is computed from.",
        )
    return Absence(
        "replaced",
        f"{says}the same shape and {'values' if is_equal else 'other values'}",
        "Were there two of them from the start, ask for the one that the loss uses. Otherwise the model was copied "
        "(deepcopy, load), or the parameter replaced (by an assignment, astype(), or setting requires_grad): compute "
        "the loss with the model whose parameter this is.",
    )


def _result(parameter: Tensor, around: Iterable[Node]) -> Absence | None:
    """Return what there is to say of a result that the loss does not use, though it uses what that was made of."""
    if parameter._node is None or parameter._node.is_leaf:
        return None
    below = {x for node in operations_below([parameter._node]) for x in (node, *node.operands) if isinstance(x, Node)}
    used = next((x for node in around for x in node.operands if isinstance(x, Node) and x in below), None)
    if used is None:
        return None
    made_of = f"'{used.name}'" if used.name else f"the leaf of shape {used.shape}" if used.is_leaf else "the value"
    return Absence(
        "another result",
        f"it is a result of '{name_of(parameter._node)}' of its own, which the loss does not use, although it does use "
        f"{made_of} below",
        "Each call makes a new Tensor, and so does an index, as in w[0]: keep the result in a variable, compute the "
        "loss from this very Tensor, and then ask for it.",
    )


def _without_trace(parameter: Tensor, around: Mapping[Node, tuple[Call, ...]], ends: Sequence[Exit]) -> Absence:
    """Return what modules and lines tell about a parameter that has left no values in a graph."""
    name = parameter.name
    module = name.rpartition(".")[0] if name else ""
    paths = {path_of(calls) for calls in around.values()}
    remedy = WHOLE if ends and ends[0].cause == "integer" else _USE
    if module and not any(f".{module}." in f".{'.'.join(path)}." for path in paths):
        return Absence(
            "module not in the graph",
            f"no call of '{module}', the module that owns it, is in the graph of this loss: it was not called, or its "
            f"result was cut off",
            f"Call the module in forward(), and let its result reach the loss as a Tensor. {remedy}",
            ends=ends,
        )
    cause = ends[0].cause if ends else "never used"
    remedy = remedy if ends else f"Use it in what the loss is computed from. {_USE}"
    return Absence(cause, "nothing that the loss was computed from depends on it", remedy, ends=ends)


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
