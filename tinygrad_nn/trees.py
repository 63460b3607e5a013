"""Trees: nested lists, tuples and dicts with arrays as leaves, taken apart into a list and put together again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def leaves(tree: Any, path: str = "") -> list[tuple[str, Any]]:
    """List the leaves of a tree, each with its path behind `path`; None is a branch without any.

    >>> leaves({"w": [1.0, 2.0], "b": None}, "parameters")
    [("parameters['w'][0]", 1.0), ("parameters['w'][1]", 2.0)]

    """
    if isinstance(tree, dict):
        return [leaf for key, branch in tree.items() for leaf in leaves(branch, f"{path}[{key!r}]")]
    if isinstance(tree, (list, tuple)):
        return [leaf for place, branch in enumerate(tree) for leaf in leaves(branch, f"{path}[{place}]")]
    return [] if tree is None else [(path, tree)]


def values(tree: Any) -> list[Any]:
    """List the leaves of a tree without their paths.

    >>> values(({"w": 1.0}, 2.0))
    [1.0, 2.0]

    """
    return [leaf for _, leaf in leaves(tree)]


def rebuild(tree: Any, replacements: Iterator[Any]) -> Any:
    """Return a tree of the same form, with its leaves taken from `replacements` in the order of `leaves`.

    >>> rebuild({"w": [1.0, 2.0], "b": None}, iter("xy"))
    {'w': ['x', 'y'], 'b': None}

    """
    if isinstance(tree, dict):
        return {key: rebuild(branch, replacements) for key, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        branches = [rebuild(branch, replacements) for branch in tree]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    return None if tree is None else next(replacements)
