"""Where lines of the user leave the graph, read in his source.

The result of `argmax`, `astype(int)` or ``.numpy()`` is a plain array. Nothing ties it to what it was made from, and
nothing may: every operation would pay for it. But each recorded operation knows its line, and from these lines one can
read back, by the names of the variables, what they were computed from. This is reading, not knowing: it does not see
what a name stood for, and so says "may".
"""

from __future__ import annotations

import ast
import builtins
import linecache
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

_WHOLE = dict.fromkeys(
    (
        "argmax", "argmin", "nanargmax", "nanargmin", "argsort", "argpartition", "lexsort", "searchsorted", "digitize",
        "nonzero", "flatnonzero", "argwhere", "count_nonzero", "any", "all", "isclose", "equal", "not_equal", "less",
        "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_not", "signbit",
    ),
    "integer",
)  # fmt: skip  # a table
_TAKEN = dict.fromkeys(("numpy", "item", "tolist", "detach", "stop_gradient", "float", "int"), "detached")
_LEAVING = _WHOLE | _TAKEN
"""Functions and methods whose result has no gradient, and what one calls the cause."""

_WHOLE_TYPE = re.compile(r"\b(u?int\d*|bool_?|intp)\b")
_COLLECTING = frozenset({"append", "extend", "insert"})
_LONGEST = 60


class Exit(NamedTuple):
    """A place where a value leaves the graph.

    Attributes:
        cause: "integer", where whole numbers or truth values are made; or "detached".
        text: the expression, or the beginning of the block.
        line: where it stands, as ``file:line``.
        is_its: whether the name of the parameter was read among what the value was computed from.

    """

    cause: str
    text: str
    line: str
    is_its: bool


class _Piece(NamedTuple):
    """A statement without the statements inside of it: what it calls, reads, gives a value, and its exits."""

    statement: ast.stmt
    calls: set[str]
    reads: set[str]
    gives: set[str]
    exits: dict[ast.AST, str]


def exits(lines: Iterable[str], name: str | None, asked_at: str | None, known: Mapping[str, Any]) -> list[Exit]:
    """Return where values leave the graph on their way to `lines`.

    If the name of the parameter is among what some of these values were computed from, only those are returned.

    Args:
        lines: lines that recorded operations, as ``file:line``.
        name: that of a parameter, with the modules that own it: "encoder.weight".
        asked_at: one more line to lead to.
        known: what the names there stand for. What is computed from nothing but data there leaves no graph.

    """
    files: defaultdict[str, set[int]] = defaultdict(set)
    for line in [*lines, *([asked_at] if asked_at else [])]:
        file, _, number = line.rpartition(":")
        files[file].add(int(number))
    words = set(name.split(".")) if name else set()
    found: dict[Exit, None] = {}
    for file, numbers in files.items():
        for scope, pieces, leading in _scopes(file, numbers):
            is_known = asked_at is not None and _holds(scope, file, asked_at)
            for node, cause in [item for piece in leading for item in piece.exits.items()]:
                is_its = bool(words & _origins(node, pieces))
                if (is_its or cause != "copied") and not (is_known and _is_data(node, known)):
                    line = f"{file}:{node.lineno}"  # type: ignore[attr-defined]  # an expression or a statement
                    found[Exit(cause.replace("copied", "detached"), _text(node), line, is_its)] = None
    return [exit_ for exit_ in found if exit_.is_its] or [*found]


def _scopes(file: str, numbers: set[int]) -> Iterator[tuple[Any, list[_Piece], list[_Piece]]]:
    """Yield the functions that have lines in question, and those that they call: each with its pieces, and which lead.

    The pieces that lead to a line in question come first, and those at the line before all others.
    """
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError):  # no Python, or a page of it in one expression
        return
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    targets: defaultdict[Any, set[int]] = defaultdict(set)
    for number in numbers:
        around = [function for function in functions if function.lineno <= number <= (function.end_lineno or 0)]
        targets[max(around, key=lambda function: function.lineno, default=tree)].add(number)
    waiting = list(targets)
    for scope in waiting:  # which grows meanwhile
        pieces = list(_pieces(scope.body, _silenced(scope)))
        leading = _leading(pieces, targets[scope])
        yield scope, pieces, leading
        called = set().union(*(piece.calls for piece in leading))
        for function in functions:
            if function.name in called and function not in targets:
                waiting.append(function)
                targets[function] = {node.lineno for node in ast.walk(function) if isinstance(node, ast.Return)}


def _holds(scope: Any, file: str, line: str) -> bool:
    """Tell whether a line stands in a function, or in a file outside of all functions."""
    end = getattr(scope, "end_lineno", None) or math.inf
    return line.rpartition(":")[0] == file and getattr(scope, "lineno", 0) <= int(line.rpartition(":")[2]) <= end


def _is_data(node: ast.AST, known: Mapping[str, Any]) -> bool:
    """Tell whether all that an expression reads is known to be no Tensor, and nothing that may give one."""
    names = {x.id for x in ast.walk(node) if isinstance(x, ast.Name)} - vars(builtins).keys()
    return all(isinstance(known.get(name), (np.ndarray, np.generic, int, float, ModuleType)) for name in names)


def _leading(pieces: list[_Piece], numbers: set[int]) -> list[_Piece]:
    """Return the pieces at the lines `numbers`, and those that give what these are computed from."""
    at = [p for p in pieces if any(p.statement.lineno <= n <= _end(p.statement) for n in numbers)]
    needed = {word for piece in at for word in piece.reads}
    return [*at, *(piece for piece in _backwards(needed, pieces) if piece not in at)]


def _origins(node: ast.AST, pieces: list[_Piece]) -> set[str]:
    """Return the names that an expression was computed from."""
    names = _reads(ast.walk(node))
    _backwards(names, pieces)
    return names


def _backwards(needed: set[str], pieces: list[_Piece]) -> list[_Piece]:
    """Return the pieces that give one of the names `needed`, which becomes all that those read as well."""
    found: list[_Piece] = []
    while more := [piece for piece in pieces if piece not in found and piece.gives & needed]:
        found += more
        needed.update(*(piece.reads for piece in more))
    return found


def _pieces(body: Iterable[ast.stmt], silent: ast.AST | None) -> Iterator[_Piece]:
    """Yield the statements of a function, also those inside of others; `silent` is the `no_grad` block around."""
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        own = list(_own(statement))
        left = {node: cause for node in _own(statement, values=True) if (cause := _cause(node))}
        left = {node: cause for node, cause in left.items() if not left.keys() & set([*ast.walk(node)][1:])}
        if silent:
            left = {silent: "detached"} if any(isinstance(node, (ast.Call, ast.BinOp)) for node in own) else {}
        calls = {_called(node) for node in own if isinstance(node, ast.Call) and _is_of_this_file(node.func)}
        yield _Piece(statement, calls, _reads(own), _gives(own), left)
        yield from _pieces(_inside(statement), _silenced(statement) or silent)


def _silenced(node: ast.AST) -> ast.AST | None:
    """Return a block or function in which `no_grad` holds, and None for all others."""
    managers = [item.context_expr for item in getattr(node, "items", [])] + getattr(node, "decorator_list", [])
    return node if any(isinstance(x, ast.Call) and _called(x) == "no_grad" for x in managers) else None


def _own(node: ast.AST, *, values: bool = False) -> Iterator[ast.AST]:
    """Yield a node and what is in it but statements; as `values`, nothing that only decides what is computed."""
    yield node
    for field, child in ast.iter_fields(node):
        if not (values and field in ("test", "ifs")):
            for part in child if isinstance(child, list) else [child]:
                if isinstance(part, ast.AST) and not isinstance(part, ast.stmt):
                    yield from _own(part, values=values)


def _inside(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements directly inside of one."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        else:
            yield from _inside(child)


def _reads(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the variables and attributes that are read; ``a.b`` counts as both."""
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in nodes
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load)
    }


def _gives(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the variables and attributes that are given a value, as a whole or in part."""
    found: set[str] = set()
    for node in nodes:
        inner: Any = node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _COLLECTING:
            inner = node.func.value
        elif not isinstance(getattr(node, "ctx", None), ast.Store):
            continue
        while isinstance(inner, (ast.Subscript, ast.Starred)):
            inner = inner.value
        found |= {inner.id} if isinstance(inner, ast.Name) else {getattr(inner, "attr", "")}
    return found - {""}


def _called(call: ast.Call) -> str:
    """Return the name of a function or method without what it belongs to."""
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _cause(node: ast.AST) -> str | None:
    """Return why the value of an expression has no gradient: None if it has one, "copied" if that is not sure."""
    if isinstance(node, ast.Compare):
        return None if isinstance(node.ops[0], (ast.Is, ast.IsNot, ast.In, ast.NotIn)) else "integer"
    if isinstance(node, ast.Attribute):
        return "detached" if node.attr == "data" and isinstance(node.ctx, ast.Load) else None
    if not isinstance(node, ast.Call):
        return None
    called, arguments = _called(node), [*node.args, *(keyword.value for keyword in node.keywords)]
    if called == "astype":
        return "integer" if any(_WHOLE_TYPE.search(ast.unparse(argument)) for argument in arguments) else None
    return "copied" if called == "Tensor" else _LEAVING.get(called)


def _is_of_this_file(function: ast.expr) -> bool:
    """Tell whether a function may be defined in the file that calls it: by its bare name, or as a method of `self`."""
    owner = function.value if isinstance(function, ast.Attribute) else None
    return isinstance(function, ast.Name) or (isinstance(owner, ast.Name) and owner.id == "self")


def _end(statement: ast.stmt) -> int:
    """Return the last line of a statement, but for the statements inside of it."""
    inside = next(_inside(statement), None)
    return (statement.end_lineno or statement.lineno) if inside is None else max(inside.lineno - 1, statement.lineno)


def _text(node: ast.AST) -> str:
    text = ast.unparse(node).partition("\n")[0].removesuffix(":")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
