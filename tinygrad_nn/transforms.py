"""Transforms: functions that take a function and return its derivative as a function.

Inside a transform each input is a `Traced` Tensor of a level of its own, which holds the array, or the Tensor of the
level below. An operation belongs to the highest level among its operands and runs its rule on what is below, so the
levels never mix: a derivative with respect to an inner variable does not see an outer one, and transforms nest to any
order. That is also why nothing here knows how deep it is nested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.backprop import MODE, Leaf, Node, backpropagate, checked_order, describe, set_mode
from tinygrad_nn.conversion import checked, frozen, get_default_dtype
from tinygrad_nn.errors import ArgumentError, DtypeError, InPlaceError, ShapeError
from tinygrad_nn.recording import Traced
from tinygrad_nn.tensor import Tensor, raw

Pullback: TypeAlias = Callable[[Any], tuple[Any, ...]]
"""Carries a gradient of the outputs back: one gradient for each input."""


def vjp(f: Callable[..., Any], *inputs: Any) -> tuple[Any, Pullback]:
    """Evaluate ``f(*inputs)`` and return the result with the function that carries a gradient back through it.

    The pullback maps ``u`` to ``u^T J``, the product of a vector and the Jacobian ``J`` of `f`, and never makes ``J``.
    It may be called any number of times.

    Args:
        f: takes one Tensor for each input and returns a Tensor or a tuple of them.
        inputs: arrays, numbers or Tensors of a floating dtype, of any shapes.

    Returns:
        the outputs, and the pullback: a function of the gradient for the output, of its shape (a tuple of them if `f`
        returns a tuple), that returns a tuple with the gradient for each input, of its shape: zeros where no output
        depends on it. All are arrays if called with arrays and numbers, and Tensors if called with a Tensor or inside
        of another transform.

    Raises:
        ArgumentError: an input is no array, number or Tensor, or `f` returns no Tensor at all.
        DtypeError: an input is not of a floating dtype.
        ShapeError: the pullback was given a gradient of another shape than the output's.
        InPlaceError: a parameter that `f` uses was changed in place before the pullback was called.

    >>> import numpy as np, tinygrad_nn as tn
    >>> product, pullback = tn.vjp(lambda x, y: x * y, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> product
    array([3., 8.])
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 3., 40.]), array([ 1., 20.]))

    """
    has_tensors = any(isinstance(x, Tensor) for x in inputs)
    result, leaves = _trace("vjp", f, inputs, range(len(inputs)), {})
    is_tuple = isinstance(result, (tuple, list))
    outputs = list(result) if is_tuple else [result]
    if not any(isinstance(output, Tensor) for output in outputs):
        raise ArgumentError(_no_tensor("vjp", result))
    nodes = [_node(output) for output in outputs]
    values = tuple(_finished(_below(output), as_tensor=has_tensors) for output in outputs)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        """Return the gradient for each input, given the gradient for each output."""
        seeds = _seeds(cotangent, values, is_tuple=is_tuple)
        as_tensor = has_tensors or any(isinstance(seed, Tensor) for seed in seeds)
        total: dict[Node, Any] = {}
        for node, seed in zip(nodes, seeds, strict=True):
            if node is not None:
                _refuse_changes(node)
                for leaf, gradient in backpropagate(node, seed, retain_graph=True).items():
                    total[leaf] = total[leaf] + gradient if leaf in total else gradient
        return _gradients(leaves, total, as_tensor=as_tensor)

    return (values if is_tuple else values[0]), pullback


def grad(f: Callable[..., Any], argnum: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return the function that computes the gradient of `f`: ``x -> df/dx``.

    Args:
        f: a function that returns a single number, made from its arguments with operations on Tensors.
        argnum: the place of the argument to differentiate by. A tuple of places gives a tuple of gradients.

    Returns:
        a function of the same arguments. It hands `f` a Tensor at `argnum` and every other argument as it is. The
        gradient has the argument's shape. It is an array when all arguments are arrays and numbers, and a Tensor when
        one is a Tensor or inside of another transform, so that it can be differentiated in its turn.

    Raises:
        ShapeError: `f` returned more than one number.
        ArgumentError: `f` returned no Tensor, there is no argument `argnum`, or it is no array, number or Tensor.
        DtypeError: the argument is not of a floating dtype. (A Python number may be whole.)

    >>> import numpy as np, tinygrad_nn as tn
    >>> tn.grad(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> tn.grad(tn.grad(tn.grad(lambda x: x**4)))(2.0)
    array(48.)

    """
    evaluate = _evaluator("grad", f, argnum)

    def gradient(*args: Any, **options: Any) -> Any:
        """Return the gradient."""
        return evaluate(args, options)[1]

    return gradient


def value_and_grad(f: Callable[..., Any], argnum: int | tuple[int, ...] = 0) -> Callable[..., tuple[Any, Any]]:
    """Return the function that computes `f` and its gradient in one pass: ``x -> (f(x), df/dx)``.

    Args:
        f: as for `grad`.
        argnum: as for `grad`.

    Raises:
        ShapeError, ArgumentError, DtypeError: as for `grad`.

    >>> import numpy as np, tinygrad_nn as tn
    >>> tn.value_and_grad(lambda x: (x * x).sum())(np.array([1.0, 2.0]))
    (array(5.), array([2., 4.]))

    """
    evaluate = _evaluator("value_and_grad", f, argnum)

    def both(*args: Any, **options: Any) -> tuple[Any, Any]:
        """Return the value and the gradient."""
        return evaluate(args, options)

    return both


def _evaluator(
    name: str, f: Callable[..., Any], argnum: int | tuple[int, ...]
) -> Callable[[tuple[Any, ...], dict[str, Any]], tuple[Any, Any]]:
    """Return the function of ``(args, options)`` behind `grad` and `value_and_grad`, whose `name` messages bear."""
    argnums = argnum if isinstance(argnum, tuple) else (argnum,)

    def evaluate(args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any]:
        output, leaves = _trace(name, f, args, [_place(name, n, len(args)) for n in argnums], options)
        if not isinstance(output, Tensor):
            raise ArgumentError(_no_tensor(name, output))
        value, node = _below(output), _node(output)
        if value.size != 1:
            message = (
                f"{name}: expected the function to return a single number, got shape {value.shape}. Reduce it, as in "
                f"lambda x: f(x).sum(), or use vjp(f, x), which takes a gradient for each output"
            )
            raise ShapeError(message)
        found = {} if node is None else backpropagate(node, np.ones(value.shape, value.dtype))
        as_tensor = any(isinstance(x, Tensor) for x in args)
        gradients = _gradients(leaves, found, as_tensor=as_tensor)
        return _finished(value, as_tensor=as_tensor), gradients if argnum is argnums else gradients[0]

    return evaluate


# Into a transform


def _trace(
    name: str, f: Callable[..., Any], args: Sequence[Any], places: Iterable[int], options: dict[str, Any]
) -> tuple[Any, list[Leaf]]:
    """Call `f` with Tensors of a new level at `places`, and return its result with the leaves of these Tensors."""
    level = MODE.get().level + 1
    arguments = list(args)
    leaves = []
    for place in places:
        data = _differentiable(name, args[place], place)
        leaves.append(Leaf(data))
        arguments[place] = Traced(data, leaves[-1], level)
    with set_mode(recording=True, level=level):
        return f(*arguments, **options), leaves


def _place(name: str, argnum: int, count: int) -> int:
    """Return the place of an argument among `count`, counted from the end if it is negative."""
    if not -count <= argnum < count:
        message = (
            f"{name}: expected 'argnum' to name one of the {count} positional arguments of the call, got {argnum}. "
            f"Pass the argument by position"
        )
        raise ArgumentError(message)
    return argnum % count


def _differentiable(name: str, value: Any, place: int) -> Any:
    """Return an argument as it can be differentiated by: an array that nobody else changes, or a Tensor."""
    if isinstance(value, (int, float)) and not isinstance(value, np.generic):
        return np.asarray(value, dtype=get_default_dtype())
    if not isinstance(value, (Tensor, np.ndarray, np.generic)):
        message = (
            f"{name}: expected argument {place} to be an array, a number or a Tensor, got {type(value).__name__}. "
            f"Convert it with np.array(...), or use it inside of the function without passing it"
        )
        raise ArgumentError(message)
    if value.dtype.kind != "f":
        message = (
            f"{name}: expected argument {place} to have a floating dtype, got {value.dtype}: whole numbers have no "
            f"gradient. Convert it with astype(float), or use it inside of the function without passing it"
        )
        raise DtypeError(message)
    return value if isinstance(value, Tensor) else frozen(checked(np.asarray(value), f"{name}: argument {place}"))


# ... and out of it


def _is_inside(output: Any) -> bool:
    """Tell whether `output` belongs to the level of a transform that was just left."""
    return isinstance(output, Traced) and output.level > MODE.get().level


def _below(output: Any) -> Any:
    """Return an output with the level of the transform taken off."""
    return output._below if _is_inside(output) else output


def _node(output: Any) -> Node | None:
    """Return the node of an output at the level of the transform; None for one that no input leads to."""
    return output._node if _is_inside(output) else None


def _finished(value: Any, *, as_tensor: bool) -> Any:
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


def _gradients(leaves: list[Leaf], found: dict[Node, Any], *, as_tensor: bool) -> tuple[Any, ...]:
    """Return the gradient for each leaf, zeros where none was `found`."""
    return tuple(
        _finished(found[leaf] if leaf in found else np.zeros(leaf.shape, leaf.dtype), as_tensor=as_tensor)
        for leaf in leaves
    )


def _seeds(cotangent: Any, values: tuple[Any, ...], *, is_tuple: bool) -> list[Any]:
    """Return the gradient for each of the outputs `values`, checked, as arrays that nobody else changes or Tensors."""
    given = cotangent if is_tuple else (cotangent,)
    if not isinstance(given, (tuple, list)) or len(given) != len(values):
        message = f"vjp: expected the pullback to be given a tuple of {len(values)} gradients, one for each output"
        raise ArgumentError(message)
    seeds: list[Any] = []
    for place, (seed, value) in enumerate(zip(given, values, strict=True)):
        if isinstance(seed, Tensor):
            seeds.append(seed if seed.dtype == value.dtype else seed.astype(value.dtype))
        else:
            seeds.append(np.array(seed, dtype=value.dtype))
        if seeds[-1].shape != value.shape:
            message = (
                f"vjp: expected the pullback to be given a gradient of shape {value.shape}, that of output {place}, "
                f"got {seeds[-1].shape}. Reshape it"
            )
            raise ShapeError(message)
    return seeds


def _refuse_changes(root: Node) -> None:
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


def _no_tensor(name: str, output: Any) -> str:
    return (
        f"{name}: expected the function to return a Tensor made from its arguments, got {type(output).__name__}. "
        f"Compute with operators and NumPy functions on its arguments, and without float(), item(), numpy() or data"
    )
