"""Expressions: what a program computes, as a tree that can be written down.

Precedence and parentheses are Python's. Nothing is simplified or reordered, for the program must give the same bits as
the engine: ``a * b * c`` stays ``(a * b) * c``.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

ATOM = 20
"""The precedence of what needs no parentheses: names, calls, numbers."""

BINARY = {
    "**": 14, "*": 12, "/": 12, "//": 12, "%": 12, "@": 12, "+": 11, "-": 11, "<<": 10, ">>": 10, "&": 9, "^": 8,
    "|": 7, "<": 6, "<=": 6, ">": 6, ">=": 6, "==": 6, "!=": 6,
}  # fmt: skip  # a table
"""Operators and how strongly they bind, as in the language reference."""

UNARY = {"-": 13, "+": 13, "~": 13}


class Name:
    """A variable of the program."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        """Refer to the variable `text`."""
        self.text = text


class Operation:
    """An operator, a call, a method, an attribute or an index, with what it is applied to.

    Attributes:
        form: "operator", "call", "method", "attribute" or "item".
        what: the operator, the function itself, or the name of the method or the attribute; None for an item.
        args, options: expressions and concrete values, also nested in lists, tuples and dicts.
        shape: that of the value, None where it has none.

    """

    __slots__ = ("args", "form", "options", "shape", "what")

    def __init__(self, form: str, what: Any, args: tuple[Any, ...], options: dict[str, Any], shape: Any = None) -> None:
        """Note what is applied to what."""
        self.form = form
        self.what = what
        self.args = args
        self.options = options
        self.shape = shape


Expression: TypeAlias = Name | Operation


class Assignment(NamedTuple):
    """A line of the program.

    Attributes:
        targets: the variables that it sets; several for a rule that is called.
        sign: "=" or "+=".
        expression: what is computed.
        path: the modules around the operation.
        comment: the shape, the operation and the user's line.
        gradient: in the backward pass, the variable that is carried back.

    """

    targets: tuple[str, ...]
    sign: str
    expression: Expression
    path: tuple[str, ...]
    comment: str
    gradient: Name | None = None


class Text(NamedTuple):
    """An expression written down, and how strongly it binds."""

    text: str
    precedence: int = ATOM

    def inside(self, precedence: int) -> str:
        """Return the text as a part of what binds with `precedence`."""
        return self.text if self.precedence >= precedence else f"({self.text})"


def operator_text(symbol: str, operands: list[Text]) -> Text:
    """Write an operator between, or in front of, its operands.

    >>> operator_text("-", [Text("a"), operator_text("-", [Text("b"), Text("c")])]).text
    'a - (b - c)'
    >>> operator_text("**", [operator_text("-", [Text("a")]), Text("2")]).text
    '(-a) ** 2'

    """
    if len(operands) == 1:
        own = UNARY[symbol]
        return Text(f"{symbol}{operands[0].inside(own + 1)}", own)
    own = BINARY[symbol]
    # Equal ones are read from the left, but powers from the right, and comparisons would be chained.
    left = own + (own in (BINARY["**"], BINARY["<"]))
    return Text(f"{operands[0].inside(left)} {symbol} {operands[1].inside(own + 1)}", own)


def parts(value: Any) -> list[Operation]:
    """List the operations that are operands of an operation, or of what it is called with, in the order of reading."""
    if isinstance(value, Operation):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, slice):
        value = [value.start, value.stop, value.step]
    return [part for item in value for part in parts(item)] if isinstance(value, (list, tuple)) else []
