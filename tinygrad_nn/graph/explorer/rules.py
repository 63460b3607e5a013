"""What the page says of an operation in words and in code: its formula, its rule, and the closure for each operand."""

from __future__ import annotations

import ast
import inspect
import linecache
import os
import textwrap
from collections.abc import Callable
from typing import Any

from tinygrad_nn.primitive import Primitive


def rule_text(primitive: Primitive) -> dict[str, Any]:
    """Return the name, the formula, the source of the rule and that of the closure for each of its operands.

    The formula is the docstring of the rule, the user's own as well. Of fewer closures than operands the last stands
    for all others: some rules make them in a loop. Where there is no source, as for a rule typed at the prompt of
    Python, the texts are empty.

    >>> import numpy as np
    >>> from tinygrad_nn.primitive import RULES
    >>> text = rule_text(RULES[np.multiply])
    >>> text["operands"], text["closures"]
    (['a', 'b'], ['lambda g: g * b', 'lambda g: g * a'])

    """
    rule = inspect.unwrap(primitive.rule)
    source = source_of(rule)
    return {
        "name": primitive.name,
        "formula": inspect.getdoc(rule) or "",
        "source": source,
        "operands": list(primitive.operand_names),
        "closures": _closures(rule, source),
    }


def source_of(function: Callable[..., Any]) -> str:
    """Return the text of a function, or nothing where there is none."""
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return ""


def _closures(rule: Callable[..., Any], source: str) -> list[str]:
    """Return the text of each closure: of what stands behind the value in the ``return`` of a rule.

    Of several ones the last counts, for the others are special cases. A name is followed to what it names: a function
    inside the rule, or one such as `unchanged` beside it.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a rule that is a lambda inside of something else
        return []
    returns = [node.value for node in _own_statements(tree) if isinstance(node, ast.Return)]
    if not returns or not isinstance(returns[-1], ast.Tuple):
        return []
    inner = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return [_closure(node, source, inner, rule.__globals__) for node in returns[-1].elts[1:]]


def _own_statements(tree: ast.Module) -> list[ast.AST]:
    """List what stands in the function of `tree`, but not in functions inside of it."""
    found: list[ast.AST] = []
    stack: list[ast.AST] = list(reversed(tree.body[0].body if isinstance(tree.body[0], ast.FunctionDef) else []))
    while stack:
        node = stack.pop()
        found.append(node)
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            stack.extend(reversed(list(ast.iter_child_nodes(node))))
    return found


def _closure(node: ast.expr, source: str, inner: dict[str, ast.FunctionDef], names: dict[str, Any]) -> str:
    """Return the text of one closure; of ``*closures(...)`` that of the function that makes them."""
    whole, node = node, node.value if isinstance(node, ast.Starred) else node
    named = node.func if whole is not node and isinstance(node, ast.Call) else node
    if isinstance(named, ast.Name) and named.id in inner:
        return textwrap.dedent(ast.get_source_segment(source, inner[named.id], padded=True) or named.id)
    if isinstance(named, ast.Name) and inspect.isfunction(names.get(named.id)):
        return source_of(names[named.id]).strip() or named.id
    return ast.get_source_segment(source, whole) or ""


def source_line(place: str) -> dict[str, Any]:
    """Return file, number and text of a line given as ``file:line``; the text is empty where nobody knows it.

    A file in the current folder, or below, is told from there: a page that is handed on need not say whose it was.
    """
    file, _, line = place.rpartition(":")
    shown = file.removeprefix(os.getcwd() + os.sep)  # noqa: PTH109 - importing pathlib takes its time
    return {"file": shown, "line": int(line), "text": linecache.getline(file, int(line)).strip()}
