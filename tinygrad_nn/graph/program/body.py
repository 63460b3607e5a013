"""The assignments of both passes as lines of text: what is used once stands where it is used, the rest gets a name."""

from __future__ import annotations

import functools
import inspect
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_nn.graph.modules import Path
from tinygrad_nn.graph.program.arguments import Arguments
from tinygrad_nn.graph.program.expressions import ATOM, UNARY, Assignment, Name, Operation, Text, operator_text, parts
from tinygrad_nn.graph.program.literals import literal, short_literal
from tinygrad_nn.graph.program.names import Names
from tinygrad_nn.graph.program.sources import Sources
from tinygrad_nn.graph.style import shown

_LONGEST = 64
"""Characters of an expression inside of another one; a longer one gets a line of its own."""

_WIDEST = 100
"""Characters of variables and arguments together; more arguments stand one below the other."""

_COMMENT = 56
"""The column where comments begin, unless the line is longer."""

_WORDS = {
    "+": "total", "-": "difference", "*": "product", "/": "quotient", "@": "product", "**": "power", "item": "part",
    "T": "transposed", "mT": "transposed",
}  # fmt: skip  # a table

_DEFAULTS = {
    *((method, "axis", "None") for method in ("sum", "prod", "max", "min", "any", "all")),
    *((method, "keepdims", "False") for method in ("sum", "prod", "max", "min", "any", "all")),
    *((method, "where", "True") for method in ("sum", "prod", "max", "min", "any", "all")),
    ("sum", "dtype", "None"), ("prod", "dtype", "None"),
    ("reshape", "order", "'C'"), ("reshape", "copy", "None"),
}  # fmt: skip  # a table
"""Options of methods, whose signatures NumPy does not tell, that need not be written."""


class Body:
    """Writes assignments, with the names that are needed on the way."""

    def __init__(self, names: Names, arguments: Arguments, sources: Sources, hints: dict[int, str]) -> None:
        """Begin with no line; `hints` has good names for some of the expressions, by id."""
        self.names, self.arguments, self.sources, self.hints = names, arguments, sources, hints
        self.lines: list[str] = []
        self.named: dict[int, str] = {}
        self.uses: Counter[int] = Counter()
        self.gradient: Name | None = None
        self.path: Path = ()
        self.room = _WIDEST

    def count(self, assignments: list[Assignment]) -> None:
        """Count how often each expression is used."""
        stack = [expression for *_, expression, _, _, _ in assignments if isinstance(expression, Operation)]
        self.uses.update(map(id, stack))
        seen = set(map(id, stack))
        while stack:
            operation = stack.pop()
            for part in parts([operation.args, operation.options]):
                self.uses[id(part)] += 1
                if id(part) not in seen:
                    seen.add(id(part))
                    stack.append(part)

    def begin(self, title: str) -> None:
        """Write the title of a part."""
        self.lines += ["", title]
        self.path = ()

    def write(self, assignment: Assignment) -> None:
        """Write a line, with those that it needs before it."""
        if assignment.path != self.path:
            self.path = assignment.path
            self.lines += ["", f"# {' > '.join(map(shown, self.path)) or 'Outside of the modules'}"]
        self.gradient = assignment.gradient
        expression, targets = assignment.expression, ", ".join(assignment.targets)
        self.room = _WIDEST - len(targets)
        is_shared = assignment.gradient is not None and self.uses[id(expression)] > 1
        is_own = isinstance(expression, Operation) and not is_shared
        text = (self._expression(expression) if is_own else self._text(expression)).text  # type: ignore[arg-type]  # an operation
        self._line(f"{targets} {assignment.sign} {text}", assignment.comment)
        if assignment.gradient is None and len(assignment.targets) == 1:
            self.named[id(expression)] = assignment.targets[0]

    def _line(self, code: str, comment: str) -> None:
        first, *rest = code.split("\n")
        self.lines += [f"{first:<{_COMMENT}}  # {shown_comment(comment)}", *rest]

    def _expression(self, operation: Operation) -> Text:
        """Write an operation, whether or not it has a name."""
        form, what, args, options = operation.form, operation.what, operation.args, operation.options
        if form == "operator":
            return operator_text(what, [self._text(x) for x in args])
        if form == "value":
            return self._text(what)
        if form == "call":
            function = what.text if isinstance(what, Name) else self.sources.refer(what)
            if not isinstance(what, Name):
                args, options = _without_defaults(what, args, options)
            return Text(f"{function}({self._arguments(args, options)})")
        owner = self._text(args[0]).inside(15)
        if form == "item":
            return Text(f"{owner}[{self._index(args[1])}]")
        if form == "attribute":
            return Text(f"{owner}.{what}")
        taken = {key for key, value in options.items() if (what, key, repr(value)) in _DEFAULTS}
        options = {key: value for key, value in options.items() if key not in taken}
        return Text(f"{owner}.{what}({self._arguments(args[1:], options)})")

    def _arguments(self, args: tuple[Any, ...], options: dict[str, Any]) -> str:
        given = [self._text(x).text for x in args]
        given += [f"{key}={self._text(value).text}" for key, value in options.items()]
        text = ", ".join(given)
        return text if len(text) <= self.room else "".join(f"\n    {one}," for one in given) + "\n"

    def _index(self, index: Any) -> str:
        """Write an index as one does between brackets."""
        if isinstance(index, slice):
            ends = ["" if end is None else self._text(end).text for end in (index.start, index.stop, index.step)]
            return ":".join(ends[:2] if index.step is None else ends)
        if type(index) is tuple and index:
            return ", ".join(map(self._index, index)) + "," * (len(index) == 1)
        return self._text(index).text

    def _text(self, value: Any) -> Text:
        """Write an operand: a name where it has or needs one, or else the expression itself."""
        if isinstance(value, Name):
            return Text(value.text)
        if isinstance(value, Operation):
            if id(value) in self.named:
                return Text(self.named[id(value)])
            text = self._expression(value)
            is_shared = self.uses[id(value)] > 1 or id(value) in self.hints
            is_named = value.form != "value" and (is_shared or len(text.text) > _LONGEST)
            return Text(self._name(value, text)) if is_named else text
        if isinstance(value, np.ndarray):
            return Text(short_literal(value) or self.arguments.constant(value, "constant").text)
        written = literal(value, lambda part: self._text(part).text) or self.sources.refer(value)
        return Text(written, UNARY["-"] if written.startswith("-") else ATOM)

    def _name(self, operation: Operation, text: Text) -> str:
        """Give an expression a line and a name of its own: the rule's, or that of what it does."""
        if self.gradient is not None and _depends(operation, self.gradient):
            wanted = "delta"  # the textbooks' name for what is carried back
        else:
            what = operation.what if isinstance(operation.what, str) else getattr(operation.what, "__name__", "part")
            wanted = self.hints.get(id(operation)) or _WORDS.get(what, what)
        name = self.names.new(wanted, "part")
        self._line(f"{name} = {text.text}", "" if operation.shape is None else f"{operation.shape}")
        self.named[id(operation)] = name
        return name


def _without_defaults(
    function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Leave out what a function takes for granted: ``axis=None`` and the like."""
    defaults = _defaults_of(function)

    def is_default(name: str, value: Any) -> bool:
        default = defaults.get(name, inspect.Parameter.empty)
        return isinstance(value, (bool, int, str, type(None))) and type(value) is type(default) and value == default

    options = {key: value for key, value in options.items() if not is_default(key, value)}
    names = list(defaults)
    while args and len(args) <= len(names) and args[-1] is None and is_default(names[len(args) - 1], None):
        args = args[:-1]
    return args, options


@functools.lru_cache(maxsize=256)
def _defaults_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the parameters of a function with their defaults; nothing for a function that does not tell."""
    try:
        return {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}
    except (ValueError, TypeError):  # a ufunc, in older versions of NumPy
        return {}


def _depends(operation: Operation, name: Name) -> bool:
    stack: list[Any] = [operation]
    while stack:
        value = stack.pop()
        if value is name:
            return True
        if isinstance(value, Operation):
            stack += [value.what, *value.args, *value.options.values()]
        elif isinstance(value, (list, tuple)):
            stack += value
    return False


def shown_comment(text: str) -> str:
    """Return `text` on one line, whatever is in it."""
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() or c == " " else "\ufffd" for c in text))
