"""`record`, the path of every operation: from operands to a result, and the node that remembers how it was made.

It calls the rule on raw arrays and, if some operand needs a gradient, leaves a node with the closures behind. For
higher derivatives Tensors nest: inside a transform such as `grad`, a `Traced` Tensor holds Tensors of the level below
as its data, `record` calls the same rule on those, and the rule's own operators record there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_nn.backprop import EXPOSED, MODE, OWN_FILES, PLAIN, Node, make_node
from tinygrad_nn.conversion import frozen, operand
from tinygrad_nn.errors import BackwardError, OutOfRangeError, RuleError, ShapeError, TinygradError, UnsupportedError
from tinygrad_nn.primitive import Array, Primitive
from tinygrad_nn.tensor import Tensor, constant, raw

_NUMBERS = frozenset({float, int, bool, np.float64, np.float32, np.int64, np.bool_})

_PASSED_OVER = frozenset(name for name in OWN_FILES if not name.endswith("module.py"))
"""Files whose frames are never "the user's line". `Module` is left out: it notes itself where it was called."""

_getframe = sys._getframe

_new = Tensor.__new__


class Traced(Tensor):
    """A Tensor inside a transform: its data are the Tensors, or arrays, of the level below."""

    __slots__ = ("_below", "level")

    def __init__(self, data: Any, node: Node, level: int) -> None:
        """Make a Tensor of the transform at `level`."""
        self._below = data
        self._node = node
        self.level = level

    @property
    def _data(self) -> Any:
        """What is below. Refused where no transform is under way, for there the operation would lose its gradient."""
        if MODE.get() is PLAIN:
            message = (
                "Tensor: expected to be used inside of the transform (grad, vjp) that made it, but none is under way "
                "here. Return it from the function; start threads inside of it with contextvars.copy_context().run"
            )
            raise BackwardError(message)
        return self._below

    @_data.setter
    def _data(self, value: Any) -> None:
        self._below = value

    def __float__(self) -> float:
        """Refuse: `math.sqrt(x)` and ``array[0] = x`` ask for a number, and would lose the gradient in silence."""
        message = (
            "float: expected no Tensor of a transform (grad, vjp), for the number has no gradient. Compute with NumPy "
            "(np.sqrt instead of math.sqrt), write x.at[i].set(v) instead of array[i] = v, or x.item() for the number"
        )
        raise UnsupportedError(message)

    # What its picture needs also works when the transform has ended.

    def __raw__(self) -> Array:
        """Return the raw array below all levels."""
        array: Array = raw(self._below)
        return array

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        dtype: np.dtype[Any] = self._below.dtype
        return dtype


def record(primitive: Primitive, operands: tuple[Any, ...], options: dict[str, Any] | None = None) -> Tensor:
    """Run `primitive` on `operands`, of which at least one is a Tensor, and leave a node if one needs a gradient.

    The path of every operation, so what is not needed for each is not done for each: one look at `MODE` tells whether
    recording is off, transforms are under way, or somebody watches. Calls of two or three operands are what its shape
    is tuned to.
    """
    mode = MODE.get()
    level = 0
    if mode is not PLAIN:
        if mode.watch is not None:
            watched: Tensor = mode.watch.record(primitive, operands, options)
            return watched
        if not mode.recording:
            return _unrecorded(primitive, operands, options)
        level = max([x.level for x in operands if isinstance(x, Tensor)])
    arrays: list[Any] = []
    sources: list[Any] = []
    constants = 0
    for x in operands:
        if isinstance(x, Tensor) and (level == 0 or x.level == level):  # noqa: PLR1714 - no attribute is read at level 0
            array = x._data
            source = x._node
            if source is None:
                source = array
                constants += 1
        else:
            array = source = x if type(x) in _NUMBERS else _borrowed(x, primitive, len(arrays))
            constants += 1
        arrays.append(array)
        sources.append(source)
    try:
        result = primitive.rule(*arrays, **options) if options else primitive.rule(*arrays)
    except (ValueError, IndexError, TypeError) as error:
        raise _explained(primitive, arrays, options, error) from error
    if level == 0:
        tensor = _new(Tensor)
    else:
        tensor = _new(Traced)
        tensor.level = level
    tensor._data = out = result[0]
    if constants == len(sources):
        tensor._node = None
        return tensor
    closures: Any = result[1:]
    if len(closures) != len(sources):
        raise RuleError(_miscounted(primitive, len(sources), len(closures)))
    if constants:  # a closure that nobody will call must not keep its operands alive
        closures = list(closures)
        for i, source in enumerate(sources):
            if not isinstance(source, Node):
                closures[i] = None
    if EXPOSED:
        _inspect(sources)
    frame = _getframe(2)  # 1 is the operator, method or function that calls here: never the user's
    while frame.f_code.co_filename in _PASSED_OVER and frame.f_back is not None:
        frame = frame.f_back
    tensor._node = make_node(primitive, sources, closures, options, out, frame)
    return tensor


def record_call(primitive: Primitive, operands: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
    """Do what `record` does with options of the user's, such as an index that he may go on to change."""
    return record(primitive, operands, {key: _option(key, value, primitive) for key, value in options.items()})


def _option(name: str, value: Any, primitive: Primitive) -> Any:
    """Return an option that nobody changes; refuse a Tensor whose gradient would be lost in silence."""
    if not isinstance(value, Tensor):
        return frozen(value)
    if value.requires_grad:
        message = (
            f"{primitive.name}: expected the option '{name}' to be a constant, got a Tensor that requires a gradient, "
            f"and it has none with respect to '{name}'. Pass {name}=t.detach()"
        )
        raise UnsupportedError(message)
    return raw(value)


def record_pair(primitive: Primitive, a: Any, b: Any) -> Tensor:
    """Do what `record` does for two operands, at once in the two cases that nearly all arithmetic consists of.

    Two Tensors that need a gradient, or one and a Python number: no lists, no loops. `chain` and `leaves` in
    `tests/benchmarks/steps.py` measure what it is for.
    """
    if MODE.get() is not PLAIN or not isinstance(a, Tensor):
        return record(primitive, (a, b))
    x, source = a._data, a._node
    y: Any
    other: Any  # a node, or the number
    if type(b) is float:
        y = other = b
    elif isinstance(b, Tensor):
        y, other = b._data, b._node
    else:
        other = None
    if source is None or other is None:
        return record(primitive, (a, b))
    try:
        out, to_a, to_b = primitive.rule(x, y)
    except (ValueError, TypeError) as error:
        raise _explained(primitive, [x, y], None, error) from error
    if EXPOSED:
        _inspect((source, other))
    frame = _getframe(2)
    while frame.f_code.co_filename in _PASSED_OVER and frame.f_back is not None:
        frame = frame.f_back
    tensor = _new(Tensor)
    tensor._data = out
    closures = (to_a, None if y is other else to_b)  # `other` is the number itself where `b` is one
    tensor._node = make_node(primitive, (source, other), closures, None, out, frame)
    return tensor


def _inspect(sources: Iterable[Any]) -> None:
    """Look whether exposed leaves among `sources` were changed from outside, before an operation is recorded."""
    for source in sources:
        if id(source) in EXPOSED:
            source.inspect()


def _explained(primitive: Primitive, arrays: list[Any], options: dict[str, Any] | None, error: Exception) -> Exception:
    """Return what NumPy refused, told with the operation and what it was given."""
    if isinstance(error, TinygradError):
        return error
    given = ", ".join(f"operand {i} of shape {np.shape(x)}" for i, x in enumerate(map(raw, arrays)))
    settings = f" with {', '.join(f'{k}={v!r}' for k, v in options.items())}" if options else ""
    kinds = {TypeError: UnsupportedError, IndexError: OutOfRangeError}
    kind = next((own for builtin, own in kinds.items() if isinstance(error, builtin)), ShapeError)
    return kind(f"{primitive.name}: expected operands that fit together, got {given}{settings}. NumPy says: {error}")


def _miscounted(primitive: Primitive, expected: int, came: int) -> str:
    return (
        f"{primitive.name}: expected the rule to return its value and {expected} closures, one for each operand, but "
        f"it returned {came} closures. Return None for an operand that has no gradient"
    )


def _unrecorded(primitive: Primitive, operands: tuple[Any, ...], options: dict[str, Any] | None) -> Tensor:
    """Run `primitive` on values alone, as `no_grad` asks."""
    arrays = [raw(x) for x in operands]
    try:
        out = primitive.rule(*arrays, **(options or {}))[0]
    except (ValueError, IndexError, TypeError) as error:
        raise _explained(primitive, arrays, options, error) from error
    is_view = out.base is not None or any(out is array for array in arrays)
    if is_view and any(isinstance(x, Tensor) and x.requires_grad for x in operands):
        out = out.copy()  # a view of a leaf would change with it, and be a constant in other graphs
    return constant(out)


def _borrowed(value: Any, primitive: Primitive, position: int) -> Any:
    """Return an operand that is no Tensor of this level: a lower one as it is, an array as one that nobody changes."""
    return value if isinstance(value, Tensor) else frozen(operand(value, primitive.name, position))


Tensor.__record_pair__ = staticmethod(record_pair)  # type: ignore[assignment,method-assign]  # likewise
Tensor.__record_call__ = staticmethod(record_call)  # type: ignore[assignment,method-assign]  # likewise
Tensor.__record__ = staticmethod(record)  # type: ignore[assignment,method-assign]  # no `self`, one call less
