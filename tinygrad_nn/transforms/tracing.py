"""Into a transform and out of it again: what `vjp`, `grad` and the rest have in common.

Inside a transform each input is a `Traced` Tensor of a level of its own, which holds the array, or the Tensor of the
level below. An operation belongs to the highest level among its operands and runs its rule on what is below, so the
levels never mix: a derivative with respect to an inner variable does not see an outer one, and transforms nest to any
order. That is also why nothing here knows how deep it is nested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_nn import trees
from tinygrad_nn.backprop import MODE, Leaf, Node, checked_order, describe, set_mode
from tinygrad_nn.conversion import checked, frozen, get_default_dtype
from tinygrad_nn.errors import ArgumentError, DtypeError, InPlaceError, ShapeError
from tinygrad_nn.recording import Traced
from tinygrad_nn.tensor import Tensor, raw

# Into a transform


def trace(
    name: str, f: Callable[..., Any], args: Sequence[Any], places: Iterable[int], options: dict[str, Any]
) -> tuple[Any, list[Leaf]]:
    """Call `f` with Tensors of a new level at `places`, and return its result with the leaves of these Tensors."""
    level = MODE.get().level + 1
    arguments = list(args)
    sources: list[Leaf] = []
    for place in places:
        tensors = []
        for path, value in trees.leaves(args[place], f"argument {place}"):
            data = _differentiable(name, value, path)
            sources.append(Leaf(data))
            tensors.append(Traced(data, sources[-1], level))
        arguments[place] = trees.rebuild(args[place], iter(tensors))
    if not sources:
        message = f"{name}: expected an array, a number or a Tensor to differentiate by, got none. Pass one"
        raise ArgumentError(message)
    with set_mode(recording=True, level=level):
        return f(*arguments, **options), sources


def places_of(name: str, argnums: int | tuple[int, ...], count: int) -> list[int]:
    """Return the places among `count` arguments that `argnums` means, which counts from the end if it is negative."""
    given = argnums if isinstance(argnums, tuple) else (argnums,)
    for argnum in given:
        if not -count <= argnum < count:
            message = (
                f"{name}: expected 'argnums' to name one of the {count} positional arguments of the call, got "
                f"{argnum}. Pass the argument by position"
            )
            raise ArgumentError(message)
    return [argnum % count for argnum in given]


def _differentiable(name: str, value: Any, path: str) -> Any:
    """Return an input as it can be differentiated by: an array that nobody else changes, or a Tensor."""
    if isinstance(value, (int, float)) and not isinstance(value, np.generic):
        return np.asarray(value, dtype=get_default_dtype())
    if not isinstance(value, (Tensor, np.ndarray, np.generic, complex)):
        message = (
            f"{name}: expected {path} to be an array, a number or a Tensor, or a list, tuple or dict of them, got "
            f"{type(value).__name__}. Convert it with np.array(...), or use it inside of the function without passing "
            f"it"
        )
        raise ArgumentError(message)
    if not isinstance(value, Tensor):
        value = checked(np.asarray(value), f"{name}: {path}")
    if value.dtype.kind != "f":
        message = (
            f"{name}: expected {path} to have a floating dtype, got {value.dtype}: whole numbers have no "
            f"gradient. Convert it with astype(float), or use it inside of the function without passing it"
        )
        raise DtypeError(message)
    return frozen(value)


def matched(name: str, expected: str, given: Any, like: Any) -> list[Any]:
    """Return the leaves of `given`, checked against those of `like`, as arrays that nobody else changes or Tensors.

    They are compared by their paths, so that a dict may name them in another order, and a list stand for a tuple.
    """
    wanted, found = dict(trees.leaves(like)), dict(trees.leaves(given))
    if wanted.keys() != found.keys():
        form = ", ".join(f"{path or 'a single array'}" for path in wanted)
        message = (
            f"{name}: expected {expected} of the form {form}, got {', '.join(p or 'a single array' for p in found)}. "
            f"Arrange it likewise"
        )
        raise ArgumentError(message)
    checked: list[Any] = []
    for path, value in wanted.items():
        item = found[path]
        if isinstance(item, Tensor):
            checked.append(item if item.dtype == value.dtype else item.astype(value.dtype))
        else:
            checked.append(np.array(item, dtype=value.dtype))
        if checked[-1].shape != value.shape:
            message = (
                f"{name}: expected {expected} of shape {value.shape}{f' at {path}' if path else ''}, got "
                f"{checked[-1].shape}. Reshape it"
            )
            raise ShapeError(message)
    return checked


# ... and out of it


def split_aux(name: str, result: Any, *, has_aux: bool) -> tuple[Any, Any]:
    """Return what shall be differentiated of a result, and what shall only be handed on."""
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        message = (
            f"{name}: expected the function to return a pair (result, aux), as has_aux=True says, got "
            f"{type(result).__name__}. Return a tuple of two, or leave has_aux out"
        )
        raise ArgumentError(message)
    return result


def handed_on(aux: Any, *, as_tensor: bool) -> Any:
    """Return auxiliary results with the level of the transform taken off the Tensors in them."""
    taken_off = [finished(below(x), as_tensor=as_tensor) if isinstance(x, Tensor) else x for x in trees.values(aux)]
    return trees.rebuild(aux, iter(taken_off))


def _is_inside(output: Any) -> bool:
    """Tell whether `output` belongs to the level of a transform that was just left."""
    return isinstance(output, Traced) and output.level > MODE.get().level


def below(output: Any) -> Any:
    """Return an output with the level of the transform taken off."""
    return output._below if _is_inside(output) else output


def node_of(output: Any) -> Node | None:
    """Return the node of an output at the level of the transform; None for one that no input leads to."""
    return output._node if _is_inside(output) else None


def has_tensors(tree: Any) -> bool:
    """Tell whether a tree of arguments holds a Tensor: then the results are Tensors, too."""
    return any(isinstance(x, Tensor) for x in trees.values(tree))


def finished(value: Any, *, as_tensor: bool) -> Any:
    """Return a result as the caller wants it: as an array of his own, or as a Tensor that can be differentiated.

    Inside of another transform it is always a Tensor: the arguments may be plain numbers there, and the function still
    depend on the outer variable.
    """
    mode = MODE.get()
    if not as_tensor and mode.level == 0:
        return np.array(raw(value))
    if isinstance(value, Tensor) and mode.recording:
        return value
    return Tensor(raw(value))


def gradients(sources: list[Leaf], found: dict[Node, Any], *, as_tensor: bool) -> list[Any]:
    """Return the gradient for each of the inputs, zeros where none was `found`."""
    return [
        finished(found[leaf] if leaf in found else np.zeros(leaf.shape, leaf.dtype), as_tensor=as_tensor)
        for leaf in sources
    ]


def refuse_changes(root: Node) -> None:
    """Refuse a graph that uses a leaf of a lower level as a constant, if the leaf was changed in place since.

    At its own level `backpropagate` sees to that, but parameters that a function under a transform uses live below.
    """
    order = checked_order(root)
    for node in order:
        for operand in node.operands:
            value = operand.array if isinstance(operand, Leaf) else operand
            while isinstance(value, Traced):
                value = value._below
            leaf = value._node if isinstance(value, Tensor) else None
            if isinstance(leaf, Leaf) and leaf.changed > node.stamp:
                message = (
                    f"vjp: expected the leaf {leaf.name or ''} of shape {leaf.shape} to be as it was when the function "
                    f"was evaluated, but it was changed in place after {describe(node, order)}. Call the pullback "
                    f"before optimizer.step() or before you write into .data, or call vjp again"
                )
                raise InPlaceError(message)


def refuse_no_tensor(name: str, output: Any) -> None:
    """Refuse a result that does not depend on the arguments by operations."""
    message = (
        f"{name}: expected the function to return a Tensor made from its arguments, got {type(output).__name__}. "
        f"Compute with operators and NumPy functions on its arguments, and without float(), item(), numpy() or data"
    )
    raise ArgumentError(message)
