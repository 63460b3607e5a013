"""Whole matrices of derivatives, `jacobian` and `hessian`, and `hvp`, the product of a Hessian that is never made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_nn import trees
from tinygrad_nn.conversion import get_default_dtype
from tinygrad_nn.transforms.forward import transposed
from tinygrad_nn.transforms.reverse import grad, value_and_gradients, vjp
from tinygrad_nn.transforms.tracing import matched, places_of


def jacobian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return the function that computes all derivatives of all outputs of `f`: ``J[i, j] = d f_i / d x_j``.

    Args:
        f: as for `vjp`.
        argnums: the place of the argument to differentiate by. A tuple of places gives a tuple of Jacobians.

    Returns:
        a function of the same arguments. The Jacobian has the output's shape followed by the input's. Where output or
        input is a list, tuple or dict, it is one of the output's form, with one of the input's form at each leaf.

    It takes one pass for each output or for each input, whichever are fewer.

    Raises:
        ArgumentError, DtypeError: as for `vjp`, and there is no argument `argnums`.

    >>> import numpy as np, tinygrad_nn as tn
    >>> tn.jacobian(lambda x: np.stack([x[0] * x[1], x[1] ** 2]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 6.]])

    """

    def matrix(*args: Any, **options: Any) -> Any:
        """Return the Jacobian."""
        places = places_of("jacobian", argnums, len(args))

        def chosen(*inputs: Any) -> Any:
            given = dict(zip(places, inputs, strict=True))
            return f(*(given.get(place, x) for place, x in enumerate(args)), **options)

        inputs = [args[place] for place in places]
        outcome, pullback = vjp(chosen, *inputs)
        outputs, flat = trees.values(outcome), _arrays(inputs)
        if sum(x.size for x in outputs) <= sum(x.size for x in flat):
            blocks = [
                [np.reshape(rows, (*y.shape, *x.shape)) for x, rows in zip(flat, of_y, strict=True)]
                for y, of_y in zip(outputs, _images(outputs, outcome, pullback, flat), strict=True)
            ]
        else:
            push = transposed(pullback, outcome)
            columns = _images(flat, tuple(inputs), push, outputs)
            blocks = [
                [
                    np.moveaxis(np.reshape(of_x[i], (*x.shape, *y.shape)), range(x.ndim), range(-x.ndim, 0))
                    for x, of_x in zip(flat, columns, strict=True)
                ]
                for i, y in enumerate(outputs)
            ]
        form = tuple(inputs) if isinstance(argnums, tuple) else inputs[0]
        return trees.rebuild(outcome, iter([trees.rebuild(form, iter(row)) for row in blocks]))

    return matrix


def _arrays(tree: Any) -> list[Any]:
    """List the leaves of a tree, Python numbers as arrays."""
    return [x if hasattr(x, "dtype") else np.asarray(x, get_default_dtype()) for x in trees.values(tree)]


def _images(domain: list[Any], form: Any, linear: Callable[[Any], Any], codomain: list[Any]) -> list[list[Any]]:
    """Apply a linear function to each unit vector of its domain, a list of arrays that it takes in another form.

    Returns:
        for each array of the domain and each array of the codomain: the images of its unit vectors, stacked.

    """
    found = []
    zeros = [np.zeros(x.shape, x.dtype) for x in domain]
    for place, x in enumerate(domain):
        images = []
        for index in np.ndindex(x.shape):
            unit = np.zeros(x.shape, x.dtype)
            unit[index] = 1
            given = [*zeros[:place], unit, *zeros[place + 1 :]]
            images.append(trees.values(linear(trees.rebuild(form, iter(given)))))
        found.append(
            [
                np.stack([image[i] for image in images]) if images else np.zeros((0, *y.shape), y.dtype)
                for i, y in enumerate(codomain)
            ]
        )
    return found


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return the function that computes all second derivatives of `f`: ``H[i, j] = d^2 f / d x_i d x_j``.

    Args:
        f: a function that returns a single number, as for `grad`.
        argnums: the place of the argument to differentiate by. A tuple of places gives a tuple of tuples.

    Returns:
        a function of the same arguments. The Hessian has the argument's shape twice.

    Raises:
        ShapeError, ArgumentError, DtypeError: as for `grad`.

    >>> import numpy as np, tinygrad_nn as tn
    >>> tn.hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])

    """
    evaluate = value_and_gradients("hessian", f, argnums, has_aux=False)
    return jacobian(lambda *args, **options: evaluate(args, options)[1], argnums)


def hvp(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that multiplies the Hessian of `f` by a vector, and never makes it: ``(x, v) -> H(x) v``.

    Args:
        f: a function that returns a single number, as for `grad`. Its first argument is what it is differentiated by.

    Returns:
        a function ``(x, v, *args, **options)``, with ``v`` of the form and shape of ``x`` and the rest handed on to
        `f`. `scipy.optimize.minimize` takes it as its ``hessp``.

    It is the gradient of ``v . grad f``, and takes about as long as four evaluations of a network `f`.

    Raises:
        ShapeError, ArgumentError, DtypeError: as for `grad`, and ``v`` is not of the form and shape of ``x``.

    >>> import numpy as np, tinygrad_nn as tn
    >>> tn.hvp(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0]), np.array([1.0, 10.0]))
    array([46.,  4.])

    """
    gradient = grad(f)

    def product(x: Any, v: Any, *args: Any, **options: Any) -> Any:
        """Return the Hessian at `x` times `v`."""
        vector = matched("hvp", "a vector", v, trees.rebuild(x, iter(_arrays(x))))

        def along(x: Any) -> Any:
            slopes = trees.values(gradient(x, *args, **options))
            return sum(np.sum(slope * part) for slope, part in zip(slopes, vector, strict=True))

        return grad(along)(x)

    return product
