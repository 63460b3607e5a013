"""What to write on a node: an operation with the numbers and the options that it was called with.

Numbers are written on the operation, "multiply by 0.5", for a box that holds only a number tells less than it takes up.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from tinygrad_nn.backprop import Node
from tinygrad_nn.graph.modules import Path
from tinygrad_nn.primitive import Primitive

PHRASES = {
    ("add", 0): "add {}", ("add", 1): "add {}",
    ("subtract", 0): "subtract from {}", ("subtract", 1): "subtract {}",
    ("multiply", 0): "multiply by {}", ("multiply", 1): "multiply by {}",
    ("divide", 0): "{} divided by", ("divide", 1): "divide by {}",
    ("power", 0): "{} to the power", ("power", 1): "to the power {}",
}  # fmt: skip  # a table
"""How an operation with a number as its operand at a position is read; all others as a call: "maximum(·, 0)"."""

NAMES = {
    "contract": "einsum", "conv_input": "conv_transpose", "euclidean_norm": "norm", "least_squares": "lstsq",
    "packed_eigh": "eigh", "packed_qr": "qr", "packed_slogdet": "slogdet", "packed_svd": "svd",
    "cumulative_max": "maximum.accumulate", "cumulative_min": "minimum.accumulate", "set_at": "setitem",
}  # fmt: skip  # a table
"""What the user called, for rules that have another name than that."""

_WRITTEN = {"shape", "index", "subscripts"}
"""Options that the shape of the result says already, and those that are written without their name."""

_HIDDEN = {
    "contract": _WRITTEN | {"optimize"}, "determined": _WRITTEN | {"start", "stop", "values", "operation"},
    "squared_error": _WRITTEN | {"count"}, "standardize": _WRITTEN | {"eps"},
}  # fmt: skip  # a table
"""Besides those, options of rules that no user wrote."""

_NEUTRAL: dict[str, Any] = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "UPLO": "L"}
"""Options of which this value changes nothing."""

_LENGTHS = frozenset({"window", "stride", "padding", "dilation"})
"""Options that have a number for each axis, written as one where all are the same."""

_LONGEST = 32
"""Characters of an option; what is longer is left out as "..."."""


def operation_label(name: str, operands: list[Any], options: Mapping[str, Any] | None) -> str:
    """Return the label of an operation.

    Args:
        name: that of the primitive.
        operands: for each operand its number, or None where it is no number.
        options: the keyword arguments of the call.

    >>> operation_label("multiply", [None, 0.5], None)
    'multiply by 0.5'
    >>> operation_label("maximum", [None, 0], None)
    'maximum(·, 0)'
    >>> operation_label("sum", [None], {"axis": -1, "keepdims": True})
    'sum, axis=-1, keepdims'
    >>> operation_label("getitem", [None], {"index": (slice(None), slice(1, None))})
    'getitem [:, 1:]'
    >>> operation_label("conv", [None, None], {"stride": (2, 2), "padding": ((0, 0), (0, 0)), "groups": 1})
    'conv, stride=2'

    """
    called = NAMES.get(name, name).removesuffix("_rule")
    if name == "determined" and options:
        called = f"part of {options['operation'].rpartition('.')[2]}"
    numbers = [(position, value) for position, value in enumerate(operands) if value is not None]
    if len(numbers) == 1 and (name, numbers[0][0]) in PHRASES:
        head = PHRASES[name, numbers[0][0]].format(_text(numbers[0][1]))
    elif numbers:
        head = f"{called}({', '.join('·' if value is None else _text(value) for value in operands)})"
    else:
        head = called
    return _with_options(name, head, options) if options else head


def _with_options(name: str, head: str, options: Mapping[str, Any]) -> str:
    """Return `head`, the label so far, with the options that tell something."""
    if "index" in options:
        head = f"{head} {_index(options['index'])}"
    if "subscripts" in options:
        head = f"{head} {_text(options['subscripts'])}"
    hidden = _HIDDEN.get(name, _WRITTEN)
    told = {key: _one_for_all(key, value) for key, value in options.items() if key not in hidden}
    neutral = _NEUTRAL | {"stride": told["window"]} if "window" in told else _NEUTRAL  # pooling, side by side
    shown = [_option(key, value) for key, value in told.items() if not _is_same(value, neutral.get(key))]
    return ", ".join([head, *filter(None, shown)])


def _is_same(value: Any, neutral: Any) -> bool:
    """Tell whether an option has its neutral value; not by == alone, which arrays answer element by element."""
    return type(value) is type(neutral) and isinstance(value, (int, str, tuple)) and value == neutral


def _one_for_all(key: str, value: Any) -> Any:
    """Return one number for all axes, where it is the same for each."""
    if isinstance(value, tuple) and value and (key in _LENGTHS or len(value) == 1):
        first, *others = _flat(value)
        if isinstance(first, int) and all(_is_same(other, first) for other in others):
            return first
    return value


def _flat(value: Any) -> list[Any]:
    return [number for part in value for number in _flat(part)] if isinstance(value, tuple) else [value]


def _option(key: str, value: Any) -> str:
    """Return an option as it is read: "axis=0", "keepdims", "sigmoid"; nothing for one that is switched off."""
    if value is None or value is False:
        return ""
    if value is True:
        return key
    if callable(value) and hasattr(value, "__name__") and not isinstance(value, type):
        return str(value.__name__)
    return f"{key}={_text(value)}"


def _index(index: Any) -> str:
    """Return an index as it is written: "[0]", "[:, 1:]"."""
    return f"[{', '.join(map(_text, index)) if isinstance(index, tuple) else _text(index)}]"


def _text(value: Any) -> str:
    """Write a number, an index or an option in a few characters."""
    if isinstance(value, (float, np.floating)) or (isinstance(value, np.ndarray) and value.ndim == 0):
        text = f"{value.item() if isinstance(value, np.ndarray) else value:.6g}"
    elif isinstance(value, np.ndarray):
        text = f"{'mask' if value.dtype.kind == 'b' else 'array'} {value.shape}"
    elif isinstance(value, slice):
        parts = ("" if part is None else _text(part) for part in (value.start, value.stop, value.step))
        text = ":".join(parts).removesuffix(":") if value.step is None else ":".join(parts)
    elif value is Ellipsis:
        text = "..."
    else:
        text = str(value)
    return text if len(text) <= _LONGEST else "..."


def operand_label(operation: Node, position: int) -> str:
    """Return what a constant is called: as the rule calls its operand, if by a word such as "target".

    >>> import tinygrad_nn as tn
    >>> p = tn.Tensor([1.0, 2.0], requires_grad=True)
    >>> operand_label(tn.nn.squared_error(p, [0.0, 0.0])._node, 1)
    'target'
    >>> operand_label((p * [3.0, 4.0])._node, 1)
    'constant'

    """
    names = _operand_names(operation.primitive) if operation.primitive else ()
    name = names[min(position, len(names) - 1)] if names else ""
    return name if len(name) > 1 else "constant"


@cache
def _operand_names(primitive: Primitive) -> tuple[str, ...]:
    """Return how the rule of `primitive` calls its operands, the last name for all that follow.

    Of ``(x, weight, *bias)`` three, but of ``*arrays`` none, which tells nothing.
    """
    if not primitive.is_variadic:
        return primitive.operand_names
    names = [p.name for p in inspect.signature(primitive.rule).parameters.values() if p.kind != p.KEYWORD_ONLY]
    return tuple(names) if len(names) > 1 else ()


def local_name(name: str, path: Path) -> str:
    """Return the name of a parameter as one says it inside the modules `path`.

    >>> local_name("encoder.0.weight", ("Net", "encoder", "0"))
    'weight'
    >>> local_name("encoder.0.weight", ("Net",))
    'encoder.0.weight'
    >>> local_name("shared.weight", ("Net", "shared #2"))
    'weight'

    """
    path = tuple(re.sub(r" #\d+$", "", name) for name in path)
    for start in range(len(path)):
        prefix = ".".join(path[start:]) + "."
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
