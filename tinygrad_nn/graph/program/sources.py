"""The source text of functions, with all that they need, so that a program can call them where this library is not.

A function's text is its author's. What would tie it to this library is left out: the decorators that register it, the
annotations, and of a docstring all but the first line, for its examples import the library. What it refers to follows
it, the globals and the variables around it, function by function, until only NumPy and the standard library are left.
"""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import itertools
import re
import sys
import textwrap
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.errors import UnsupportedError
from tinygrad_nn.graph.program.literals import array_literal, literal
from tinygrad_nn.graph.program.names import Names
from tinygrad_nn.primitive import PRIMITIVES, Primitive, as_arrays
from tinygrad_nn.tensor import Tensor, raw

_LIBRARY = __name__.partition(".")[0]

_NUMPY = (("np", np), ("np.linalg", np.linalg), ("np.fft", np.fft), ("np.polynomial", np.polynomial))

_Edit: TypeAlias = tuple[int, int, str]
"""From which byte of a text to which there is to be another text."""


class Sources:
    """The definitions that a program begins with."""

    def __init__(self, names: Names) -> None:
        """Begin with none; `names` are those of the program."""
        self.names = names
        self.imports: set[str] = set()
        self.definitions: list[str] = []
        self.known: dict[int, tuple[str, Any]] = {}
        self.constants: dict[tuple[str, int], tuple[str, Any]] = {}

    def refer(self, value: Any) -> str:
        """Return the text that stands for a value in the program; what it needs is defined before.

        Raises:
            UnsupportedError: it can neither be written down nor imported, nor has it a source text.

        """
        value = raw(value) if isinstance(value, Tensor) else value
        text = array_literal(value) if isinstance(value, np.ndarray) else literal(value, self.refer)
        return text or self._known(value)

    def _known(self, value: Any) -> str:
        """Return the name of what has a definition or an import, which are made when it is asked for first."""
        if id(value) not in self.known:
            home = _home(value)
            if home is not None:
                self._import(home)
                self.known[id(value)] = home, value
            elif isinstance(getattr(value, "__self__", None), np.ufunc):  # a method, such as np.add.reduce
                return f"{self._known(value.__self__)}.{value.__name__}"
            else:
                self._define(value)
        return self.known[id(value)][0]

    def _import(self, home: str) -> None:
        module, _, _ = home.rpartition(".")
        if module and module.partition(".")[0] != "np":
            self.imports.add(f"import {module}")

    def _define(self, value: Any) -> None:
        """Write the definition of a function or a class behind those of what it needs."""
        if isinstance(getattr(value, "primitive", None), Primitive):
            self._define_operation(value)
            return
        function = inspect.unwrap(value) if callable(value) else value
        if not isinstance(function, (FunctionType, type)):
            raise UnsupportedError(_unwritable(value))
        is_rule = any(primitive.rule is function for primitive in PRIMITIVES.values())
        name = self._named(value, f"{function.__name__}_rule" if is_rule else function.__name__)
        source = _Source(function)
        needed = {own: self._needed(own, given) for own, given in source.needs()}
        self.definitions.append(source.text(needed | {function.__name__: name}))

    def _define_operation(self, value: Any) -> None:
        """Write the function that a rule is registered as: it returns the value alone, without the closures."""
        primitive = value.primitive
        name = self._named(value, primitive.name)
        rule, arrays = self.refer(primitive.rule), self.refer(as_arrays)
        given = f"*{arrays}(operands)"
        if primitive.positional_options:
            count = len(primitive.operand_names)
            given = f"*{arrays}(operands[:{count}]), *operands[{count}:]"
        self.definitions.append(f"def {name}(*operands, **options):\n    return {rule}({given}, **options)[0]")

    def _named(self, value: Any, name: str) -> str:
        # Before anything is written, for a function may refer to itself.
        own = self.names.new(name, "function")
        self.known[id(value)] = own, value
        return own

    def _needed(self, name: str, value: Any) -> str:
        """Return what to write for a global `name`: modules and constants are defined once for all functions."""
        if isinstance(value, ModuleType):
            if value.__name__.partition(".")[0] == _LIBRARY:
                raise UnsupportedError(_unwritable(value))
            if value is not np:
                self.imports.add(f"import {value.__name__}")
            return "np" if value is np else value.__name__
        text = self.refer(value)
        if callable(value):
            return text
        if (name, id(value)) not in self.constants:
            own = self.names.new(name)
            self.constants[name, id(value)] = own, value
            self.definitions.append(f"{own} = {text}")
        return self.constants[name, id(value)][0]


def _home(value: Any) -> str | None:
    """Return where a function or a class can be imported from, if that is NumPy, Python or an installed library."""
    name = getattr(value, "__name__", None)
    if not isinstance(name, str) or isinstance(value, np.generic):
        return None
    for text, namespace in _NUMPY:
        if getattr(namespace, name, None) is value:
            return f"{text}.{name}"
    if getattr(builtins, name, None) is value:
        return name
    if isinstance(value, np.ufunc):  # which does not tell where it is from
        found = [key for key, module in list(sys.modules.items()) if getattr(module, "__dict__", {}).get(name) is value]
        return next((f"{key}.{name}" for key in sorted(found, key=len)), None)
    module_name = getattr(value, "__module__", None) or ""
    module = sys.modules.get(module_name)
    package = module_name.partition(".")[0]
    is_installed = package in sys.stdlib_module_names or "site-packages" in (getattr(module, "__file__", None) or "")
    is_there = package not in (_LIBRARY, "__main__") and getattr(module, name, None) is value
    return f"{module_name}.{name}" if is_installed and is_there else None


class _Source:
    """The text of one function or class, and what it refers to."""

    def __init__(self, function: Any) -> None:
        """Find the text of `function`.

        Raises:
            UnsupportedError: there is none.

        """
        self.function = function
        try:
            lines, _ = inspect.getsourcelines(function)
            self.source = textwrap.dedent("".join(lines))
            (self.tree,) = ast.parse(self.source).body
        except (OSError, TypeError, ValueError, SyntaxError) as error:
            raise UnsupportedError(_unwritable(function)) from error
        if not isinstance(self.tree, (ast.FunctionDef, ast.ClassDef)):
            raise UnsupportedError(_unwritable(function))  # a lambda in the middle of a line
        is_class = isinstance(function, type)
        self.scope = vars(sys.modules[function.__module__]) if is_class else function.__globals__
        self.begins = [0, *itertools.accumulate(len(line.encode()) for line in self.source.splitlines(keepends=True))]
        self.own_decorators = [x for x in self.tree.decorator_list if self._is_own(x)]

    def _is_own(self, decorator: ast.expr) -> bool:
        """Tell whether a decorator is of this library, and registers what the program needs not register."""
        first = next((node.id for node in ast.walk(decorator) if isinstance(node, ast.Name)), "")
        target = self._variables().get(first)
        home = target.__name__ if isinstance(target, ModuleType) else getattr(target, "__module__", "")
        return str(home).partition(".")[0] == _LIBRARY

    def _variables(self) -> dict[str, Any]:
        """Return the globals of the function, and the variables around it that it uses."""
        around = {}
        if isinstance(self.function, FunctionType):
            cells = zip(self.function.__code__.co_freevars, self.function.__closure__ or (), strict=True)
            around = {name: cell.cell_contents for name, cell in cells}
        return self.scope | around

    def needs(self) -> Iterator[tuple[str, Any]]:
        """Yield the names that the text refers to, with what they stand for."""
        variables = self._variables()
        functions = [self.function]
        if isinstance(self.function, type):
            functions = [x for x in vars(self.function).values() if isinstance(x, FunctionType)]
        names = {name for function in functions for name in _globals_of(function.__code__)}
        names |= {name for function in functions for name in function.__code__.co_freevars}
        names |= {node.id for part in self._evaluated() for node in ast.walk(part) if isinstance(node, ast.Name)}
        for name in sorted(names):
            if name in variables and variables[name] is not self.function:
                yield name, variables[name]

    def _evaluated(self) -> list[ast.expr]:
        """List what is computed when the function is defined: decorators, defaults, base classes."""
        parts = [x for x in self.tree.decorator_list if x not in self.own_decorators]  # type: ignore[attr-defined]  # of a function or a class
        if isinstance(self.tree, ast.ClassDef):
            return parts + self.tree.bases
        arguments = self.tree.args  # type: ignore[attr-defined]  # of a function
        return parts + [x for x in (*arguments.defaults, *arguments.kw_defaults) if x is not None]

    def text(self, needed: dict[str, str]) -> str:
        """Return the text with the names that the program has for what it refers to."""
        own: str = self.tree.name  # type: ignore[attr-defined]  # of a function or a class
        edits = [*self._dropped(), *self._renamed(needed), *self._without_annotations(), *self._shortened()]
        source = self.source.encode()  # for the columns of a syntax tree count bytes
        for begin, end, new in sorted(edits, reverse=True):
            if not any(b <= begin and end <= e and (b, e) != (begin, end) for b, e, _ in edits):  # within another one
                source = source[:begin] + new.encode() + source[end:]
        text = re.sub(
            rf"^((?:def|class)\s+){own}\b", rf"\g<1>{needed[own]}", source.decode(), count=1, flags=re.MULTILINE
        )
        is_own = self.function.__module__.partition(".")[0] == _LIBRARY
        return (re.sub(r"  # (fmt|noqa|type): ?.*", "", text) if is_own else text).rstrip()  # notes for our own tools

    def _offset(self, line: int, column: int) -> int:
        return self.begins[line - 1] + column

    def _span(self, node: Any) -> tuple[int, int]:
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _dropped(self) -> Iterator[_Edit]:
        """Drop the decorators of this library."""
        for decorator in self.own_decorators:
            yield self._offset(decorator.lineno, 0), self._offset((decorator.end_lineno or 0) + 1, 0), ""

    def _renamed(self, needed: dict[str, str]) -> Iterator[_Edit]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and needed.get(node.id, node.id) != node.id:
                yield *self._span(node), needed[node.id]

    def _without_annotations(self) -> Iterator[_Edit]:
        """Drop annotations, whose names the program does not have."""
        defaults = {
            argument: default
            for node in ast.walk(self.tree)
            if isinstance(node, ast.arguments)
            for argument, default in (
                *zip([*node.posonlyargs, *node.args][::-1], node.defaults[::-1], strict=False),
                *zip(node.kwonlyargs, node.kw_defaults, strict=True),
            )
        }
        for node in ast.walk(self.tree):
            if isinstance(node, ast.arg) and node.annotation is not None:
                begin, end = self._span(node)
                default = defaults.get(node)
                end = end if default is None else self._span(default)[0]
                yield begin + len(node.arg.encode()), end, "" if default is None else "="
            if isinstance(node, ast.FunctionDef) and node.returns is not None:
                begin, end = self._span(node.returns)
                yield self.source.encode().rindex(b"->", 0, begin) - 1, end, ""
            if isinstance(node, ast.AnnAssign) and isinstance(self.tree, ast.FunctionDef):
                begin, end = self._span(node.target)[1], self._span(node.annotation)[1]
                yield begin, end, "" if node.value is not None else " = None"  # which makes it a variable all the same

    def _shortened(self) -> Iterator[_Edit]:
        """Leave the first line of a docstring."""
        doc = self.tree.body[0]  # type: ignore[attr-defined]  # of a function or a class
        if isinstance(doc, ast.Expr) and isinstance(doc.value, ast.Constant) and doc.end_lineno != doc.lineno:
            begin, end = self._span(doc)
            lines = self.source.encode()[begin:end].decode().splitlines()
            first, quotes = lines[0].rstrip(), lines[0].lstrip("rRuU")[:3]
            yield begin, end, f"{first}{' ' * first.endswith(quotes[0])}{quotes}"


def _globals_of(code: CodeType) -> Iterator[str]:
    """Yield the globals that a function and those inside of it read; annotations are never computed."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals_of(constant)


def _unwritable(value: Any) -> str:
    if isinstance(value, ModuleType):
        return (
            f"to_numpy: expected a rule that uses functions of this library by their own names, for the program has to "
            f"stand alone, got one that uses the module '{value.__name__}'. Write 'from {value.__name__} import ...'"
        )
    what = f"'{value.__name__}'" if callable(value) and hasattr(value, "__name__") else f"a {type(value).__name__}"
    reason = "a function with a source text" if callable(value) else "a number, an array, an index or a function"
    return (
        f"to_numpy: expected {reason}, for the program has to stand alone, got {what}. "
        f"Write it with 'def' in a file, in the place of a lambda, an object or what was typed at a prompt"
    )
