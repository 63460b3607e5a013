"""Symbols: arrays that note what is done to them, so that a rule writes its own formulas down.

A rule is plain NumPy and knows nothing of Tensor, so whatever NumPy hands over to can run it: given symbols instead of
arrays, it leaves the expressions of its value and, when its closures are called, those of its gradients. Its shapes,
options and helper functions are worked out on the way: what is written is only what happens to arrays.
(To take the rule's source text apart would need an interpreter of Python for what Python can interpret itself.)

A symbol holds its value as well, so that shapes and dtypes are known. But a rule that asks for the value, as in ``if
np.any(a == 0)``, has no formula that holds for other values too: it is `Opaque`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_nn.graph.program.expressions import Name, Operation
from tinygrad_nn.primitive import Primitive

UFUNC_OPERATORS = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.matmul: "@", np.negative: "-",
    np.equal: "==", np.not_equal: "!=", np.less: "<", np.less_equal: "<=", np.greater: ">", np.greater_equal: ">=",
}  # fmt: skip  # a table
"""Functions that are written as their operators, which give the same bits. (``x ** 2.0`` does not: it is a square.)"""

_SHAPES = frozenset({np.shape, np.ndim, np.size, np.result_type, np.can_cast})
"""Functions whose result depends on shapes and dtypes alone."""

LONGEST = 40
"""How many operations a rule may come to: what takes more is read more easily as the rule's own text."""


class Opaque(Exception):  # noqa: N818 - it is no error, but how a rule says that it has no formula
    """A rule that asks for values, or comes to too many operations."""


class Trace:
    """What one rule does: each operation once, however often it is computed."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.known: dict[Any, Any] = {}
        self.limit: float = LONGEST

    def apply(self, form: str, what: Any, args: tuple[Any, ...], options: dict[str, Any] | None = None) -> Any:
        """Compute an operation and note it."""
        options = options or {}
        if what != "**" and (form == "operator" or isinstance(what, np.ufunc)) and what is not np.power:
            args = _with_numbers(args)
        key = (form, what if isinstance(what, str) else id(what), _key(args), _key(options))
        if key not in self.known:
            if len(self.known) == self.limit:
                raise Opaque
            value = _compute(form, what, _values(args), _values(options))
            result = self._noted(value, Operation(form, what, _plain(args), _plain(options), np.shape(value)))
            self.known[key] = result, args, options  # which keeps alive what the key names by its id
        return self.known[key][0]

    def _noted(self, value: Any, expression: Operation) -> Any:
        """Return a symbol for a value, or several for a tuple of them."""
        if isinstance(value, tuple):
            expression.shape = None
            return tuple(
                self._noted(part, Operation("item", None, (expression, place), {}, np.shape(part)))
                for place, part in enumerate(value)
            )
        if not isinstance(value, (np.ndarray, np.generic)):
            raise Opaque
        return Symbol(self, expression, value)


def _compute(form: str, what: Any, args: Any, options: Any) -> Any:
    if form == "operator":
        return OPERATORS[what, len(args)](*args)
    if form == "method":
        return getattr(args[0], what)(*args[1:], **options)
    if form == "attribute":
        return getattr(args[0], what)
    if form == "item":
        return args[0][args[1]]
    return what(*args, **options)


def _with_numbers(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments with plain numbers for constants without axes, where the dtype is that of a symbol all the same.

    Such a constant saves time, and reads worse: ``np.maximum(x, 0.0)`` is what ``np.maximum(x, np.array(0.0))`` means.
    """
    kinds = {x.dtype for x in args if isinstance(x, Symbol) and x.dtype.kind == "f"}
    is_number = [isinstance(x, (np.ndarray, np.generic)) and x.ndim == 0 and x.dtype in kinds for x in args]
    return tuple(x.item() if plain else x for x, plain in zip(args, is_number, strict=True))


def _mapped(tree: Any, change: Callable[[Any], Any]) -> Any:
    """Apply `change` to the symbols in arguments."""
    if isinstance(tree, Symbol):
        return change(tree)
    if type(tree) in (list, tuple):
        return type(tree)(_mapped(item, change) for item in tree)
    if type(tree) is dict:
        return {key: _mapped(item, change) for key, item in tree.items()}
    if type(tree) is slice and any(isinstance(x, Symbol) for x in (tree.start, tree.stop, tree.step)):
        raise Opaque
    return tree


def _values(tree: Any) -> Any:
    return _mapped(tree, lambda symbol: symbol.value)


def _plain(tree: Any) -> Any:
    return _mapped(tree, lambda symbol: symbol.expression)


def _key(value: Any) -> Any:
    """Return what tells arguments apart: 0.0 from -0.0 and from 0, and arrays by their identity."""
    if isinstance(value, Symbol):
        return id(value.expression)
    if type(value) in (list, tuple):
        return (type(value), *map(_key, value))
    if type(value) is dict:
        return tuple((key, _key(item)) for key, item in value.items())
    is_text = value is None or isinstance(value, (bool, int, float, str, slice, np.generic))
    return (type(value), repr(value)) if is_text else id(value)


class Symbol:
    """An array with the expression that computes it."""

    __slots__ = ("expression", "trace", "value")

    def __init__(self, trace: Trace, expression: Name | Operation, value: Any) -> None:
        """Note in `trace` what will be done with `value`, an array or one of NumPy's numbers."""
        self.trace = trace
        self.expression = expression
        self.value = value

    # What depends on shape and dtype alone is known.

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        shape: tuple[int, ...] = self.value.shape
        return shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(self.value.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the value."""
        dtype: np.dtype[Any] = self.value.dtype
        return dtype

    def __len__(self) -> int:
        return len(self.value)

    # What is computed is noted.

    def __getattr__(self, name: str) -> Any:
        """Note an attribute such as ``T``, or a call of a method."""
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(name)
        if not callable(getattr(np.ndarray, name)):
            if name not in ("T", "mT"):
                raise Opaque
            return self.trace.apply("attribute", name, (self,))
        return lambda *args, **options: self.trace.apply("method", name, (self, *args), options)

    def __getitem__(self, index: Any) -> Any:
        return self.trace.apply("item", None, (self, index))

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if "out" in options or method == "at":
            raise Opaque
        if method != "__call__":
            return self.trace.apply("call", getattr(ufunc, method), inputs, options)
        if ufunc in UFUNC_OPERATORS and not options:
            return self.trace.apply("operator", UFUNC_OPERATORS[ufunc], inputs)
        return self.trace.apply("call", ufunc, inputs, options)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if function in _SHAPES:
            return function(*_values(args), **_values(kwargs))
        return self.trace.apply("call", function, tuple(args), kwargs)

    def __record__(self, primitive: Primitive, operands: tuple[Any, ...], options: dict[str, Any] | None = None) -> Any:
        """Compute an operation that a rule calls, such as `sigmoid`: its formulas become those of the rule."""
        return primitive.rule(*operands, **(options or {}))[0]

    __record_call__ = __record__

    # What asks for the value is no formula.

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise Opaque

    __bool__ = __int__ = __float__ = __index__ = __array__ = __setitem__ = __contains__ = _refuse
    __iadd__ = __isub__ = __imul__ = __itruediv__ = __imatmul__ = __ipow__ = _refuse
    __hash__ = object.__hash__


OPERATORS: dict[tuple[str, int], Callable[..., Any]] = {
    ("-", 1): operator.neg,
    ("+", 1): operator.pos,
    ("~", 1): operator.invert,
}
"""Operator and number of operands -> what computes it."""


def _define(name: str, symbol: str, function: Callable[..., Any]) -> None:
    """Let an operator of symbols note itself."""
    OPERATORS[symbol, 2] = function
    setattr(Symbol, f"__{name}__", lambda a, b: a.trace.apply("operator", symbol, (a, b)))
    setattr(Symbol, f"__r{name}__", lambda a, b: a.trace.apply("operator", symbol, (b, a)))


for _name, _symbol in {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "matmul": "@",
    "and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
}.items():  # fmt: skip  # a table
    _define(_name, _symbol, getattr(operator, f"__{_name}__"))

for _name, _symbol in (("neg", "-"), ("pos", "+"), ("invert", "~")):
    setattr(Symbol, f"__{_name}__", lambda a, symbol=_symbol: a.trace.apply("operator", symbol, (a,)))
