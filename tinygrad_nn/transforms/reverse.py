"""Reverse mode: `vjp`, and `grad` and `value_and_grad` for functions that return a single number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn import trees
from tinygrad_nn.backprop import Node, backpropagate
from tinygrad_nn.errors import ShapeError
from tinygrad_nn.tensor import Tensor
from tinygrad_nn.transforms.tracing import (
    below,
    finished,
    gradients,
    handed_on,
    has_tensors,
    matched,
    node_of,
    places_of,
    refuse_changes,
    refuse_no_tensor,
    split_aux,
    trace,
)

Pullback: TypeAlias = Callable[[Any], tuple[Any, ...]]
"""Carries a gradient of the outputs back: one gradient for each input."""


def vjp(f: Callable[..., Any], *inputs: Any, has_aux: bool = False) -> Any:
    """Evaluate ``f(*inputs)`` and return the result with the function that carries a gradient back through it.

    The pullback maps ``u`` to ``u^T J``, the product of a vector and the Jacobian ``J`` of `f`, and never makes ``J``.
    It may be called any number of times.

    Args:
        f: takes a Tensor for each array and returns a Tensor, or a list, tuple or dict of them.
        inputs: arrays, numbers or Tensors of a floating dtype, of any shapes, or lists, tuples and dicts of them.
        has_aux: whether `f` returns a pair, of which the second is only handed on.

    Returns:
        the outputs, and the pullback: a function of the gradient for the outputs, of their form and shapes, that
        returns a tuple with the gradient for each input, of its form and shape: zeros where no output depends on it.
        All are arrays if called with arrays and numbers, and Tensors if called with a Tensor or inside of another
        transform. With `has_aux` the second result of `f` comes third.

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
    wants_tensors = has_tensors(inputs)
    result, sources = trace("vjp", f, inputs, range(len(inputs)), {})
    result, aux = split_aux("vjp", result, has_aux=has_aux)
    outputs = trees.values(result)
    if not any(isinstance(output, Tensor) for output in outputs):
        refuse_no_tensor("vjp", result)
    nodes = [node_of(output) for output in outputs]
    values = [finished(below(output), as_tensor=wants_tensors) for output in outputs]
    outcome = trees.rebuild(result, iter(values))

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        """Return the gradient for each input, given the gradient for each output."""
        seeds = matched("vjp", "the pullback to be given a gradient", cotangent, outcome)
        as_tensor = wants_tensors or has_tensors(seeds)
        total: dict[Node, Any] = {}
        for node, seed in zip(nodes, seeds, strict=True):
            if node is not None:
                refuse_changes(node)
                for leaf, gradient in backpropagate(node, seed, retain_graph=True).items():
                    total[leaf] = total[leaf] + gradient if leaf in total else gradient
        found: tuple[Any, ...] = trees.rebuild(inputs, iter(gradients(sources, total, as_tensor=as_tensor)))
        return found

    if has_aux:
        return outcome, pullback, handed_on(aux, as_tensor=wants_tensors)
    return outcome, pullback


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """Return the function that computes the gradient of `f`: ``x -> df/dx``.

    Args:
        f: a function that returns a single number, made from its arguments with operations on Tensors.
        argnums: the place of the argument to differentiate by. A tuple of places gives a tuple of gradients.
        has_aux: whether `f` returns a pair, of which the second is only handed on: the new function then returns the
            pair ``(gradient, aux)``.

    Returns:
        a function of the same arguments. It hands `f` a Tensor for each array at `argnums`, which may be a list, tuple
        or dict of arrays, and every other argument as it is. The gradient has the argument's form and shape. It is an
        array when all arguments are arrays and numbers, and a Tensor when one is a Tensor or inside of another
        transform, so that it can be differentiated in its turn.

    Raises:
        ShapeError: `f` returned more than one number.
        ArgumentError: `f` returned no Tensor, there is no argument `argnums`, or it is no array, number or Tensor.
        DtypeError: the argument is not of a floating dtype. (A Python number may be whole.)

    >>> import numpy as np, tinygrad_nn as tn
    >>> tn.grad(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> tn.grad(lambda p: p["slope"] * 2.0 + p["offset"])({"slope": 3.0, "offset": 1.0})
    {'slope': array(2.), 'offset': array(1.)}
    >>> tn.grad(tn.grad(tn.grad(lambda x: x**4)))(2.0)
    array(48.)

    """
    evaluate = value_and_gradients("grad", f, argnums, has_aux=has_aux)

    def gradient(*args: Any, **options: Any) -> Any:
        """Return the gradient."""
        _, found, aux = evaluate(args, options)
        return (found, aux) if has_aux else found

    return gradient


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """Return the function that computes `f` and its gradient in one pass: ``x -> (f(x), df/dx)``.

    Args:
        f: as for `grad`.
        argnums: as for `grad`.
        has_aux: as for `grad`: the new function then returns ``((f(x), aux), df/dx)``.

    Raises:
        ShapeError, ArgumentError, DtypeError: as for `grad`.

    >>> import numpy as np, tinygrad_nn as tn
    >>> tn.value_and_grad(lambda x: (x * x).sum())(np.array([1.0, 2.0]))
    (array(5.), array([2., 4.]))

    """
    evaluate = value_and_gradients("value_and_grad", f, argnums, has_aux=has_aux)

    def both(*args: Any, **options: Any) -> tuple[Any, Any]:
        """Return the value and the gradient."""
        value, found, aux = evaluate(args, options)
        return ((value, aux) if has_aux else value), found

    return both


def value_and_gradients(
    name: str, f: Callable[..., Any], argnums: int | tuple[int, ...], *, has_aux: bool
) -> Callable[[tuple[Any, ...], dict[str, Any]], tuple[Any, Any, Any]]:
    """Return the function of ``(args, options)`` behind `grad` and its like, whose `name` messages bear."""

    def evaluate(args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any, Any]:
        places = places_of(name, argnums, len(args))
        result, sources = trace(name, f, args, places, options)
        output, aux = split_aux(name, result, has_aux=has_aux)
        if not isinstance(output, Tensor):
            refuse_no_tensor(name, output)
        value, node = below(output), node_of(output)
        if value.size != 1:
            message = (
                f"{name}: expected the function to return a single number, got shape {value.shape}. Reduce it, as in "
                f"lambda x: f(x).sum(), or use vjp(f, x), which takes a gradient for each output"
            )
            raise ShapeError(message)
        as_tensor = has_tensors(args)
        total = {} if node is None else backpropagate(node, np.ones(value.shape, value.dtype))
        flat = iter(gradients(sources, total, as_tensor=as_tensor))
        found = tuple(trees.rebuild(args[place], flat) for place in places)
        return (
            finished(value, as_tensor=as_tensor),
            found if isinstance(argnums, tuple) else found[0],
            handed_on(aux, as_tensor=as_tensor),
        )

    return evaluate
