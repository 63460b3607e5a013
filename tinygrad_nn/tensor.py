"""`Tensor`: a NumPy array that remembers how it was made.

How operations on it are recorded is the business of `recording.py`.

What may change in place, and what may not:

- ``Tensor(x)`` copies `x`, as `numpy.array` does, so a change of `x` changes no graph. An array that meets a Tensor in
  an operation is copied likewise, unless it is read-only and owns its memory.
- ``.data`` of a leaf that requires a gradient is the array itself, writable: ``w.data -= 0.1 * w.grad`` trains.
  ``backward()`` refuses a graph that was recorded before such a change (`InPlaceError`), as it does after
  ``optimizer.step()``.
- ``.data`` of every other Tensor is read-only; ``t.numpy()`` is a copy of your own.
- ``t += u`` on a Tensor binds the name to a new Tensor; on an array with a Tensor at the right it is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tinygrad_nn.array_methods import ArrayMethods
from tinygrad_nn.backprop import (
    Leaf,
    Node,
    accumulate,
    backpropagate,
    check_seed,
)
from tinygrad_nn.conversion import checked, get_default_dtype, new_array
from tinygrad_nn.errors import (
    ArgumentError,
    BackwardError,
    DtypeError,
    ShapeError,
    UnsupportedError,
)
from tinygrad_nn.primitive import COMPOSITIONS, CONSTANTS, RULES, UFUNC_METHODS, Array, compose, unsupported
from tinygrad_nn.python_protocols import PythonProtocols

Operand: TypeAlias = "Tensor | npt.ArrayLike"


class Tensor(ArrayMethods, PythonProtocols):
    """A NumPy array that remembers how it was made, so that gradients can be carried back through it.

    Args:
        data: an array, a number, or nested lists of numbers; copied. Python floats become the default dtype.
        requires_grad: whether `backward()` shall leave a gradient here.
        name: shown in pictures and messages.
        dtype: converts `data`.

    Raises:
        DtypeError: an integer or complex Tensor cannot require a gradient, and `data` must be numbers.

    >>> import tinygrad_nn as tn
    >>> x = tn.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> y.item(), x.grad
    (14.0, array([2., 4., 6.]))

    """

    __slots__ = ("__weakref__", "_data", "_name", "_node")

    _data: Any
    _node: Node | None
    _name: str | None

    level = 0
    """How many transforms deep this Tensor lives; more than 0 only for `Traced`."""

    def __init__(
        self,
        data: Operand,
        requires_grad: bool = False,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Make a Tensor of `data`."""
        self._data = new_array(raw(data), dtype)
        self._node = None
        if name is not None:
            self._name = name
        if requires_grad:
            self.requires_grad = True

    # What it is

    @property
    def data(self) -> npt.NDArray[Any]:
        """The array. Writable for a leaf that requires a gradient (see the module's text), read-only otherwise."""
        if isinstance(self._node, Leaf) and self.level == 0:
            return self._node.expose()
        view = np.asarray(raw(self)).view()  # a view: a rule may have returned the array of a leaf as it is
        view.flags.writeable = False
        return view

    @data.setter
    def data(self, value: Operand) -> None:
        if self._node is not None and not self._node.is_leaf:
            message = "Tensor.data: expected a leaf, but this is the result of an operation. Make a new Tensor instead"
            raise ArgumentError(message)
        array: Any = self._data
        if value is not array:  # `w.data -= step` has written into the array itself, and hands it back
            array = np.array(raw(value), dtype=self.dtype, order="C")
            if array.shape != self.shape:
                message = (
                    f"Tensor.data: expected an array of shape {self.shape}, got {array.shape}. "
                    f"Make a new Tensor for another shape"
                )
                raise ShapeError(message)
            self._data = array
        if isinstance(self._node, Leaf):
            self._node.array = array
            self._node.touch()

    def rebind(self, array: Array) -> None:
        """Make this leaf start anew with `array`, also of another shape or dtype, and without a gradient."""
        requires_grad = self.requires_grad
        self._node, self._data = None, array
        self.requires_grad = requires_grad

    @property
    def grad(self) -> Any:
        """What `backward()` has accumulated here: an array, or None. Also set on results by ``retain_graph=True``."""
        grad = None if self._node is None else self._node.grad
        return np.asarray(grad) if isinstance(grad, np.generic) else grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if self._node is None:
            message = "Tensor.grad: expected a Tensor that requires a gradient. Set requires_grad = True first"
            raise ArgumentError(message)
        self._node.grad = value if value is None else check_seed(np.asarray(value, dtype=self.dtype), self._node)

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are carried to this Tensor. May be set on a leaf, to freeze or to thaw a parameter."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value == self.requires_grad:
            return
        if not self.is_leaf:
            message = "requires_grad: expected a leaf, but this is the result of an operation. Use detach() instead"
            raise ArgumentError(message)
        if not value:
            self._data = self._data.copy()  # the array was writable from outside; a constant's is not
            self._node = None
            return
        if self.dtype.kind != "f":
            message = (
                f"requires_grad: expected a floating dtype, got {self.dtype}: whole numbers have no gradient. "
                f"Write Tensor(x, dtype=float) or 1.0 instead of 1"
            )
            raise DtypeError(message)
        flags = self._data.flags
        if not (flags.owndata and flags.writeable and flags.c_contiguous):  # optimizers write into flat pieces of it
            self._data = np.array(self._data, order="C")
        self._node = Leaf(self._data)
        self._node.name = self.name

    @property
    def name(self) -> str | None:
        """The name that pictures and messages show."""
        try:
            return self._name
        except AttributeError:  # results of operations leave the slot empty: filling it costs time
            return None

    @name.setter
    def name(self, value: str | None) -> None:
        self._name = value
        if self._node is not None:
            self._node.name = value

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this Tensor."""
        return self._node is None or self._node.is_leaf

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        return self._data.dtype

    @property
    def itemsize(self) -> int:
        """The bytes of an element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self.size * self.itemsize

    # Gradients

    def backward(
        self, gradient: Operand | None = None, *, retain_graph: bool = False, create_graph: bool = False
    ) -> None:
        """Add to ``.grad`` of each leaf below the gradient of this Tensor with respect to it.

        Args:
            gradient: the gradient of the final result with respect to this Tensor, of its shape. 1 for a single
                number; a Tensor of more numbers has no gradient without it.
            retain_graph: keep the graph for another `backward()`, and keep the gradient of each result on the way in
                its ``.grad``. Otherwise captured arrays are let go as the walk proceeds.
            create_graph: make the gradients Tensors that depend on the leaves, for a loss made of gradients. Its
                ``backward()`` adds to the same ``.grad``: take the gradients out, and call `zero_grad`, before. (`grad`
                gives them without that, and without a cycle of references from a leaf to itself.)

        Raises:
            ShapeError: this Tensor has more than one number and no `gradient` was given, or one of another shape.
            GraphReleasedError: an earlier `backward()` has released the graph.
            InPlaceError: a leaf was changed after the graph was recorded.
            BackwardError: nothing here requires a gradient, or the closure of a rule failed.

        >>> import tinygrad_nn as tn
        >>> w = tn.Tensor([3.0, 4.0], requires_grad=True)
        >>> (w * w).backward([1.0, 10.0])
        >>> w.grad
        array([ 6., 80.])

        """
        node = self._node
        if node is None:
            message = (
                "backward: expected a Tensor that depends on one with requires_grad=True, but nothing here requires a "
                "gradient. Set requires_grad=True on the inputs, and compute outside of no_grad()"
            )
            raise BackwardError(message)
        if self.level:
            message = (
                "backward: expected to be called outside of transforms, but this Tensor belongs to one (grad, vjp), "
                "which carries the gradient back itself. Return it from the function"
            )
            raise BackwardError(message)
        if gradient is not None:
            seed = check_seed(np.array(raw(gradient), dtype=node.dtype), node)
        elif not node.shape:
            seed = node.dtype.type(1)
        elif self.size == 1:
            seed = np.ones(node.shape, node.dtype)
        else:
            message = (
                f"backward: expected a single number, got shape {node.shape}. Reduce it first, as in y.sum().backward()"
                f", or pass its gradient, as in y.backward(np.ones({node.shape}))"
            )
            raise ShapeError(message)
        if create_graph:
            start = gradient if isinstance(gradient, Tensor) else constant(np.asarray(seed))
            accumulate(self.__gradients_as_tensors__(start), keep=True)
        else:
            accumulate(backpropagate(node, seed, retain_graph=retain_graph), keep=retain_graph)

    def __gradients_as_tensors__(self, seed: Tensor) -> dict[Node, Any]:
        """Return gradients that can be differentiated."""
        raise AssertionError  # `transforms/replay.py` has it, for it needs a transform

    def zero_grad(self) -> None:
        """Forget the gradient."""
        if self._node is not None:
            self._node.grad = None

    def detach(self) -> Tensor:
        """Return the same values as a constant, outside of the graph."""
        array = np.asarray(raw(self))
        return constant(array if self._node is None else array.copy())  # it may be a view of a leaf, which changes

    def astype(self, dtype: npt.DTypeLike, *, copy: bool = True) -> Tensor:
        """Convert to another dtype; the gradient is converted back. Whole numbers are constants.

        Without `copy`, a Tensor that has the dtype already is returned as it is.
        """
        if not copy and self.dtype == dtype:
            return self
        if np.dtype(dtype).kind != "f":
            return constant(checked(raw(self).astype(dtype), "astype"))
        return self._apply("astype", dtype=np.dtype(dtype))

    def numpy(self) -> npt.NDArray[Any]:
        """Return a copy of the values as an array of your own."""
        return np.array(raw(self))

    # How NumPy and Python meet it

    def __raw__(self) -> Array:
        """Return the raw array below all levels of transforms."""
        data = self._data
        while isinstance(data, Tensor):
            data = data._data
        return data

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Convert a constant; refuse to drop a gradient in silence."""
        if self.requires_grad:
            message = (
                "numpy.asarray: expected a Tensor without a gradient, but this one requires one, which the array would "
                "lose in silence. Write t.numpy() for a copy, t.detach() for a constant, or np.stack([t, u]) where "
                "np.array([t, u]) is meant"
            )
            raise UnsupportedError(message)
        return np.array(raw(self), dtype=dtype, copy=copy if copy is False else True)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Take over a ufunc, or a method of one, that meets a Tensor."""
        out = options.pop("out", None)
        if out is not None:
            message = (
                f"numpy.{ufunc.__name__}: expected no array to write into, but a Tensor cannot be written into an "
                f"array in place. Write x = x + t instead of x += t, and leave 'out' out"
            )
            raise UnsupportedError(message)
        if method == "__call__":
            return self.__array_function__(ufunc, (), inputs, options)
        if method not in UFUNC_METHODS:
            raise unsupported(ufunc, f".{method}")
        if ufunc in CONSTANTS:
            return getattr(ufunc, method)(*_strip(inputs), **_strip(options))
        return UFUNC_METHODS[method](ufunc, *inputs, **options)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Take over a NumPy function that meets a Tensor."""
        if function in RULES:
            primitive = RULES[function]
            return self.__record_call__(primitive, *primitive.bind_numpy(args, kwargs))
        if function in COMPOSITIONS:
            return compose(function, args, kwargs)
        if function in CONSTANTS:
            return function(*_strip(args), **_strip(kwargs))
        raise unsupported(function)

    def __repr__(self) -> str:
        """Show the values, and what is special about the Tensor."""
        values = np.array2string(np.asarray(raw(self)), separator=", ", prefix="Tensor(")
        parts = (
            [values]
            if self.dtype == get_default_dtype() or self.dtype.kind in "bi"
            else [values, f"dtype={self.dtype}"]
        )
        if self.requires_grad:
            parts.append("requires_grad=True")
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        return f"Tensor({', '.join(parts)})"

    def __copy__(self) -> Tensor:
        """Copy: a leaf as a new leaf, a result with its gradient."""
        if self.is_leaf and not self.level:
            return type(self)(*self.__reduce__()[1])
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """Do what `__copy__` does: an array of numbers holds nothing deeper."""
        memo[id(self)] = duplicate = self.__copy__()
        return duplicate

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the values, not the graph."""
        return Tensor if self.level else type(self), (self.numpy(), self.requires_grad and self.is_leaf, self.name)


def raw(value: Any) -> Any:
    """Return the raw array of a Tensor, below all levels of transforms, and anything else as it is."""
    return value.__raw__() if isinstance(value, Tensor) else value


def constant(array: Array) -> Tensor:
    """Return `array` itself as a Tensor without a gradient."""
    tensor = Tensor.__new__(Tensor)
    tensor._data = array
    tensor._node = None
    return tensor


def _strip(value: Any) -> Any:
    """Return `value` with the Tensors in it replaced by their arrays."""
    if isinstance(value, (tuple, list)):
        return [*map(_strip, value)] if isinstance(value, list) else (*map(_strip, value),)
    if isinstance(value, dict):
        return {key: _strip(item) for key, item in value.items()}
    return raw(value)
