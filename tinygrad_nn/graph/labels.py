"""What to write on a node: an operation with the numbers and the options that it was called with.

Numbers are written on the operation, "multiply by 0.5", for a box that holds only a number tells less than it takes up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_nn.backprop import Node
from tinygrad_nn.graph.modules import Path

PHRASES = {
    ("add", 0): "add {}", ("add", 1): "add {}",
    ("subtract", 0): "subtract from {}", ("subtract", 1): "subtract {}",
    ("multiply", 0): "multiply by {}", ("multiply", 1): "multiply by {}",
    ("divide", 0): "{} divided by", ("divide", 1): "divide by {}",
    ("power", 0): "{} to the power", ("power", 1): "to the power {}",
}  # fmt: skip  # a table
"""How an operation with a number as its operand at a position is read; all others as a call: "maximum(·, 0)"."""

_REDUNDANT = frozenset({"shape"})
"""Options that the shape of the result says already."""

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

    """
    numbers = [(position, value) for position, value in enumerate(operands) if value is not None]
    if len(numbers) == 1 and (name, numbers[0][0]) in PHRASES:
        head = PHRASES[name, numbers[0][0]].format(_text(numbers[0][1]))
    elif numbers:
        head = f"{name}({', '.join('·' if value is None else _text(value) for value in operands)})"
    else:
        head = name
    options = dict(options or {})
    if "index" in options:
        head = f"{head} {_index(options.pop('index'))}"
    return ", ".join([head, *filter(None, (_option(key, value) for key, value in options.items()))])


def _option(key: str, value: Any) -> str:
    """Return an option as it is read: "axis=0", "keepdims", "sigmoid"; nothing for one that is switched off."""
    if value is None or value is False or key in _REDUNDANT:
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
    names = operation.primitive.operand_names if operation.primitive else ()
    return names[position] if position < len(names) and len(names[position]) > 1 else "constant"


def local_name(name: str, path: Path) -> str:
    """Return the name of a parameter as one says it inside the modules `path`.

    >>> local_name("encoder.0.weight", ("Net", "encoder", "0"))
    'weight'
    >>> local_name("encoder.0.weight", ("Net",))
    'encoder.0.weight'

    """
    for start in range(len(path)):
        prefix = ".".join(path[start:]) + "."
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
