"""NumPy's operators and methods, for whatever can record an operation: `Tensor` inherits them from here.

Each is one line: it names a primitive and hands over to ``__record__``. A file of its own, because a reader of
`tensor.py` wants to see how operations are recorded and not which ones there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

import numpy as np

from tinygrad_nn.errors import UnsupportedError
from tinygrad_nn.primitive import COMPOSITIONS, PRIMITIVES, Array, Axis, Primitive
from tinygrad_nn.primitives.updates import Updates

_BinaryOperator: TypeAlias = Callable[[Any, Any], Any]


def _arithmetic(name: str) -> tuple[_BinaryOperator, _BinaryOperator]:
    """Return the operator of a binary primitive, and its reflection for a Tensor at the right."""

    def operator(self: ArrayMethods, other: Any) -> Any:
        return self.__record_pair__(PRIMITIVES[name], self, other)

    def reflected(self: ArrayMethods, other: Any) -> Any:
        return self.__record_pair__(PRIMITIVES[name], other, self)

    return operator, reflected


def _ufunc(ufunc: np.ufunc) -> tuple[_BinaryOperator, _BinaryOperator]:
    """Return the operator of a ufunc, and its reflection for a Tensor at the right."""
    return lambda self, other: ufunc(self, other), lambda self, other: ufunc(other, self)  # noqa: PLW0108 - a ufunc is no method


def _comparison(ufunc: np.ufunc) -> _BinaryOperator:
    """Return a comparison: an array of bools, without a gradient."""

    def operator(self: ArrayMethods, other: Any) -> Any:
        return ufunc(self.__raw__(), other)  # a Tensor at the right takes over through NumPy's dispatch

    return operator


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a NumPy function as the method that is spelt and takes its arguments like it."""

    def method(self: ArrayMethods, *args: Any, **options: Any) -> Any:
        return function(self, *args, **options)

    method.__name__ = function.__name__
    method.__doc__ = f"Do what `numpy.{function.__name__}` does."
    return method


def _refused(name: str, instead: str) -> Callable[..., Any]:
    """Return a method of arrays that would change this one in place, which cannot be."""

    def method(*_: Any, **__: Any) -> Any:
        message = (
            f"Tensor.{name}: expected no change in place, for a recorded operation may need the array as it is. "
            f"Write {instead}"
        )
        raise UnsupportedError(message)

    method.__doc__ = f"Refuse, and say to write ``{instead}``."
    return method


def _plain(index: Any) -> Any:
    """Return an index with the Tensors in it replaced by their arrays: there is no gradient for a place."""
    if isinstance(index, (tuple, list)):
        return [*map(_plain, index)] if isinstance(index, list) else (*map(_plain, index),)
    return index.__raw__() if isinstance(index, ArrayMethods) else index


class _At:
    """What ``x.at`` returns, to be indexed."""

    __slots__ = ("_array",)

    def __init__(self, array: ArrayMethods) -> None:
        """Make ready to index `array`."""
        self._array = array

    def __getitem__(self, index: Any) -> Updates:
        """Name the elements to update."""
        return Updates(self._array, _plain(index))


class ArrayMethods:
    """Operators and methods with NumPy's names and NumPy's meanings."""

    __slots__ = ()

    def __record__(self, primitive: Primitive, operands: tuple[Any, ...]) -> Self:
        """Run a primitive on operands, of which one is this."""
        raise AssertionError  # `Tensor` has it

    def __record_call__(self, primitive: Primitive, operands: tuple[Any, ...], options: dict[str, Any]) -> Self:
        """Run a primitive on operands, of which one is this, with options of the user's."""
        raise AssertionError  # `Tensor` has it

    def __record_pair__(self, primitive: Primitive, a: Any, b: Any) -> Self:
        """Run a primitive on two operands, of which one is this."""
        raise AssertionError  # `Tensor` has it

    def __raw__(self) -> Array:
        """Return the values as NumPy knows them."""
        raise AssertionError  # `Tensor` has it

    def _apply(self, name: str, **options: Any) -> Self:
        return self.__record_call__(PRIMITIVES[name], (self,), options)

    __add__, __radd__ = _arithmetic("add")
    __sub__, __rsub__ = _arithmetic("subtract")
    __mul__, __rmul__ = _arithmetic("multiply")
    __truediv__, __rtruediv__ = _arithmetic("divide")
    __pow__, __rpow__ = _arithmetic("power")
    __matmul__, __rmatmul__ = _arithmetic("matmul")

    __lt__, __le__ = _comparison(np.less), _comparison(np.less_equal)
    __gt__, __ge__ = _comparison(np.greater), _comparison(np.greater_equal)
    __eq__, __ne__ = _comparison(np.equal), _comparison(np.not_equal)
    __hash__ = object.__hash__  # by identity: `==` is elementwise, as in NumPy, but a Tensor may be a key

    def __neg__(self) -> Self:
        """Negate."""
        return self.__record__(PRIMITIVES["negative"], (self,))

    def __pos__(self) -> Self:
        """Copy."""
        return self.__record__(PRIMITIVES["positive"], (self,))

    def __abs__(self) -> Self:
        """Take the absolute value."""
        return self.abs()

    def __invert__(self) -> Any:
        """Invert bools, or the bits of whole numbers: an array, without a gradient."""
        return ~self.__raw__()

    def __getitem__(self, index: Any) -> Self:
        """Select elements, with everything that NumPy indexes by; the gradient adds up where one is named twice."""
        return self._apply("getitem", index=_plain(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        """Refuse: a closure may hold the array."""
        message = (
            "Tensor: expected no assignment to elements, for a recorded operation may need them. "
            "Write t = t.at[index].set(value), or np.where(mask, new, t), for a new Tensor, or t.data[...] = new on a "
            "leaf between two passes"
        )
        raise UnsupportedError(message)

    @property
    def at(self) -> _At:
        """What makes new arrays by updating elements: ``t = t.at[index].set(values)`` stands for an assignment.

        The index is any that NumPy takes; the updates are the methods of `Updates`: `set`, `add`, `multiply`, ...

        >>> import tinygrad_nn as tn
        >>> x = tn.Tensor([1.0, 2.0, 3.0], requires_grad=True)
        >>> y = x.at[[0, 0]].add(5.0)
        >>> y = y.at[y > 10].set(0.0)
        >>> y.sum().backward()
        >>> y.tolist(), x.grad
        ([0.0, 2.0, 3.0], array([0., 1., 1.]))

        """
        return _At(self)

    if not TYPE_CHECKING:  # a type checker shall go on to find names that are misspelt

        def __getattr__(self, name: str) -> Any:
            """Tell who looks for an attribute of arrays where to find it."""
            message = f"'{type(self).__name__}' object has no attribute '{name}'"
            if hasattr(np.ndarray, name) and not name.startswith("_"):
                message += f", for it is of the memory and not of the numbers. Write t.numpy().{name}"
            raise AttributeError(message)

    @property
    def flat(self) -> Self:
        """All elements along one axis, to iterate over and to index."""
        return cast("Self", np.ravel(cast("Any", self)))

    @property
    def T(self) -> Self:  # noqa: N802 - NumPy's name
        """The array with its axes reversed."""
        return self._apply("transpose")

    @property
    def real(self) -> Self:
        """The array itself: its elements are real."""
        return np.real(cast("Any", self))

    @property
    def imag(self) -> Self:
        """Zeros: the elements are real."""
        return np.imag(cast("Any", self))

    @property
    def mT(self) -> Self:  # noqa: N802 - NumPy's name
        """The array with its last two axes swapped: each matrix of a stack transposed."""
        return self._apply("swapaxes", axis1=-1, axis2=-2)

    def sum(self, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, **options: Any) -> Self:
        """Sum over `axis`; `dtype`, `initial` and `where` are NumPy's."""
        if dtype is not None or options:
            return np.sum(cast("Any", self), axis, dtype, keepdims=keepdims, **options)
        return self._apply("sum", axis=axis, keepdims=keepdims)  # at once, without the way through NumPy

    def mean(self, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, **options: Any) -> Self:
        """Average over `axis`; `dtype` and `where` are NumPy's."""
        if dtype is not None or options:
            return np.mean(cast("Any", self), axis, dtype, keepdims=keepdims, **options)
        return cast("Self", COMPOSITIONS[np.mean](self, axis, keepdims=keepdims))

    def max(self, axis: Axis = None, *, keepdims: bool = False, **options: Any) -> Self:
        """Take the largest along `axis`; ties share the gradient evenly. `initial` and `where` are NumPy's."""
        if options:
            return np.max(cast("Any", self), axis, keepdims=keepdims, **options)
        return self._apply("max", axis=axis, keepdims=keepdims)

    def min(self, axis: Axis = None, *, keepdims: bool = False, **options: Any) -> Self:
        """Take the smallest along `axis`; ties share the gradient evenly. `initial` and `where` are NumPy's."""
        if options:
            return np.min(cast("Any", self), axis, keepdims=keepdims, **options)
        return self._apply("min", axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any, **options: Any) -> Self:
        """Give the elements another shape, as one tuple or as separate lengths; the options are `numpy.reshape`'s."""
        wanted = shape[0] if len(shape) == 1 else shape
        return self._apply("reshape", shape=wanted, **options)

    def transpose(self, *axes: Any) -> Self:
        """Permute the axes, given as one tuple or separately; reverse them when none are given."""
        wanted = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return self._apply("transpose", axes=wanted)

    def swapaxes(self, axis1: int, axis2: int) -> Self:
        """Swap two axes."""
        return self._apply("swapaxes", axis1=axis1, axis2=axis2)

    def squeeze(self, axis: int | tuple[int, ...] | None = None) -> Self:
        """Remove axes of length 1."""
        return self._apply("squeeze", axis=axis)

    all, any = _method(np.all), _method(np.any)
    argmax, argmin = _method(np.argmax), _method(np.argmin)
    argsort, argpartition, searchsorted = _method(np.argsort), _method(np.argpartition), _method(np.searchsorted)
    nonzero = _method(np.nonzero)
    prod, cumprod, cumsum = _method(np.prod), _method(np.cumprod), _method(np.cumsum)
    var, std = _method(np.var), _method(np.std)
    clip, round = _method(np.clip), _method(np.round)
    choose, repeat, take = _method(np.choose), _method(np.repeat), _method(np.take)
    diagonal, trace = _method(np.diagonal), _method(np.trace)
    conj = conjugate = _method(np.conjugate)

    __floordiv__, __rfloordiv__ = _ufunc(np.floor_divide)
    __mod__, __rmod__ = _ufunc(np.remainder)
    __divmod__, __rdivmod__ = _ufunc(np.divmod)
    __and__, __rand__ = _ufunc(np.bitwise_and)
    __or__, __ror__ = _ufunc(np.bitwise_or)
    __xor__, __rxor__ = _ufunc(np.bitwise_xor)
    __lshift__, __rlshift__ = _ufunc(np.left_shift)
    __rshift__, __rrshift__ = _ufunc(np.right_shift)

    fill = _refused("fill", "np.full_like(t.numpy(), value)")
    partition = _refused("partition", "np.partition(t, kth)")
    put = _refused("put", "t.at[indices].set(values)")
    resize = _refused("resize", "np.resize(t, shape)")
    sort = _refused("sort", "np.sort(t)")

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """Select along `axis` where `condition` holds, as `numpy.compress` does."""
        return np.compress(condition, cast("Any", self), axis=axis)

    def copy(self, order: str = "C") -> Self:
        """Copy; the gradient passes through."""
        return self._apply("copy", order=order)

    flatten = ravel = _method(np.ravel)

    def dot(self, other: Any) -> Self:
        """Multiply as `numpy.dot` does: matrices as ``@``, stacks pair by pair."""
        return self.__record_pair__(PRIMITIVES["dot"], self, other)

    def exp(self) -> Self:
        """Exponentiate."""
        return self._apply("exp")

    def log(self) -> Self:
        """Take the natural logarithm."""
        return self._apply("log")

    def sqrt(self) -> Self:
        """Take the square root."""
        return self._apply("sqrt")

    def abs(self) -> Self:
        """Take the absolute value."""
        return self._apply("absolute")

    def tanh(self) -> Self:
        """Take the hyperbolic tangent."""
        return self._apply("tanh")

    def sigmoid(self) -> Self:
        """Take the logistic function."""
        return self._apply("sigmoid")

    def relu(self) -> Self:
        """Take the larger of each element and 0."""
        return self._apply("relu")

    def softmax(self, axis: int = -1) -> Self:
        """Normalise exponentials along `axis`."""
        return self._apply("softmax", axis=axis)

    def log_softmax(self, axis: int = -1) -> Self:
        """Take the logarithm of the softmax along `axis`."""
        return self._apply("log_softmax", axis=axis)
