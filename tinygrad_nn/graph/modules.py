"""Which calls of modules each operation of a graph was recorded in, found for all operations together.

The engine leaves one interval of time for each call of a module: from its beginning to the stamp of its result.
`backprop.calls_around` asks all intervals about one operation, which is right for a message and quadratic for a
picture. Here one sweep through time opens and closes them, as a reader follows brackets.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import CodeType
from typing import NamedTuple, TypeAlias

from tinygrad_nn.backprop import Node

Path: TypeAlias = tuple[str, ...]


class Call(NamedTuple):
    """One call of a module.

    Attributes:
        begin, end: when it began, and the stamp of the last of its results in the graph.
        name: the module's name, numbered where it is called again inside the same module: "layer #2".
        kind: the module's class.
        code, offset: where it was called.

    """

    begin: int
    end: int
    name: str
    kind: str
    code: CodeType
    offset: int


def calls_around_each(operations: Sequence[Node]) -> list[tuple[Call, ...]]:
    """Return the calls of modules around each of `operations`, which are given in the order of their recording."""
    upcoming = _calls(operations)[::-1]
    begun: list[Call] = []
    running: tuple[Call, ...] = ()
    seen: dict[tuple[Path, str], int] = {}
    path: Path = ()
    found = []
    for node in operations:
        over = next((depth for depth, call in enumerate(begun) if call.end < node.stamp), None)
        if over is not None:
            # Not only the last to begin may be over: a module may return an older result than one inside it. What goes
            # on stands elsewhere from here on and begins anew, so that no path is taken up again after a break.
            upcoming += [call for call in reversed(begun[over:]) if call.end >= node.stamp]
            begun, running, path = begun[:over], running[:over], path[:over]
        while upcoming and upcoming[-1].begin < node.stamp:
            call = upcoming.pop()
            begun.append(call)
            seen[path, call.name] = times = seen.get((path, call.name), 0) + 1
            name = call.name if times == 1 else f"{call.name} #{times}"
            running = (*running, Call(call.begin, call.end, name, call.kind, call.code, call.offset))
            path = (*path, name)
        found.append(running)
    return found


def path_of(calls: Sequence[Call]) -> Path:
    """Return the names of `calls`. So a path belongs to one call, and an unrolled loop reads as its steps."""
    return tuple(call.name for call in calls)


def _calls(operations: Sequence[Node]) -> list[Call]:
    """List the calls of modules by their beginning, each with the stamp of the last of its results in the graph."""
    calls: dict[int, Call] = {}
    for node in operations:  # by rising stamps, so that a later result of the same call extends it
        returned = node.returned_by
        while returned is not None:
            begin, name, kind, code, offset, inner = returned
            if begin < node.stamp:  # otherwise the module handed its input through and recorded nothing
                calls[begin] = Call(begin, node.stamp, name, kind, code, offset)
            returned = inner
    return [calls[begin] for begin in sorted(calls)]


def common_path(first: Path, second: Path) -> Path:
    """Return the modules that both paths go through.

    >>> common_path(("model", "encoder", "0"), ("model", "decoder"))
    ('model',)

    """
    if first == second:  # as it is for nearly all
        return first
    length = 0
    while length < min(len(first), len(second)) and first[length] == second[length]:
        length += 1
    return first[:length]
