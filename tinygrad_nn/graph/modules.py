"""Which modules each operation of a graph was recorded in, found for all operations together.

The engine leaves one interval of time for each call of a module: from its beginning to the stamp of its result.
`backprop.calls_around` asks all intervals about one operation, which is right for a message and quadratic for a
picture. Here one sweep through time opens and closes them, as a reader follows brackets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from tinygrad_nn.backprop import Node

Path: TypeAlias = tuple[str, ...]


class _Call(NamedTuple):
    begin: int
    end: int
    name: str


def module_paths(operations: Sequence[Node]) -> list[Path]:
    """Return the modules around each of `operations`, which are given in the order in which they were recorded.

    A name that is called again inside the same module is numbered: ``("encoder", "layer #2")``. So a path belongs to
    one call, and an unrolled loop reads as its steps.
    """
    upcoming = _calls(operations)[::-1]
    running: list[_Call] = []
    seen: Counter[tuple[Path, str]] = Counter()
    path: Path = ()
    paths = []
    for node in operations:
        # Any of them may be over, not only the last to begin: a module may return an older result than one inside it.
        if any(call.end < node.stamp for call in running):
            running = [call for call in running if call.end >= node.stamp]
            path = tuple(call.name for call in running)
        while upcoming and upcoming[-1].begin < node.stamp:
            call = upcoming.pop()
            seen[path, call.name] += 1
            times = seen[path, call.name]
            running.append(call if times == 1 else call._replace(name=f"{call.name} #{times}"))
            path = (*path, running[-1].name)
        paths.append(path)
    return paths


def _calls(operations: Sequence[Node]) -> list[_Call]:
    """List the calls of modules by their beginning, each with the stamp of the last of its results in the graph."""
    calls: dict[int, _Call] = {}
    for node in operations:  # by rising stamps, so that a later result of the same call extends it
        returned = node.returned_by
        while returned is not None:
            begin, name, *_, inner = returned
            if begin < node.stamp:  # otherwise the module handed its input through and recorded nothing
                calls[begin] = _Call(begin, node.stamp, name)
            returned = inner
    return sorted(calls.values())


def common_path(first: Path, second: Path) -> Path:
    """Return the modules that both paths go through.

    >>> common_path(("model", "encoder", "0"), ("model", "decoder"))
    ('model',)

    """
    length = 0
    while length < min(len(first), len(second)) and first[length] == second[length]:
        length += 1
    return first[:length]
