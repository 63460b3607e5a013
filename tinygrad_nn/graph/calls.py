"""Which calls are of one module: a graph knows only calls, each by a path of its own, "layer" and "layer #2"."""

from __future__ import annotations

import re
from collections import defaultdict

from tinygrad_nn.graph.layout import contents
from tinygrad_nn.graph.modules import Path
from tinygrad_nn.graph.structure import Graph


def modules_of_calls(graph: Graph) -> dict[Path, Path]:
    """Return for the path of each call that of the first call of the same module; ``()`` for itself.

    Calls of one name inside one module are calls of the same, unless they read different parameters of one name: the
    outermost modules are named by their class, which several may share. What reads no parameter is told by its name.

    >>> import numpy as np, tinygrad_nn as tn
    >>> first, second = tn.nn.Dense(2, 2), tn.nn.Dense(2, 2)
    >>> modules_of_calls(tn.graph.trace(second(first(first(np.ones((1, 2)))))))
    {(): (), ('Dense',): ('Dense',), ('Dense #2',): ('Dense',), ('Dense #3',): ('Dense #3',)}

    """
    read = _parameters_read(graph)
    modules: dict[Path, Path] = {(): ()}
    known: dict[tuple[Path, str], dict[int | None, Path]] = {}
    names: dict[Path, dict[str, int]] = {}
    for path in contents(graph):  # each after those around it
        if not path:
            continue
        around = modules[path[:-1]]
        own = read[path]
        alike = known.setdefault((around, re.sub(r" #\d+$", "", path[-1])), {})
        candidates = dict.fromkeys(alike[key] for key in (own.values() or [None]) if key in alike)
        same = (first for first in candidates if all(names[first].get(name, key) == key for name, key in own.items()))
        first = next(same, (*around, path[-1]))
        modules[path] = first
        names[first] = own | names.get(first, {})
        alike.update(dict.fromkeys(own.values() or [None], first))
    return modules


def _parameters_read(graph: Graph) -> defaultdict[Path, dict[str, int]]:
    """Return for each call the parameters that are read in it, by name. Without a name it is an input, of no module."""
    found: defaultdict[Path, dict[str, int]] = defaultdict(dict)
    for source, target, _ in graph.edges:
        node, path = graph.nodes[source], graph.nodes[target].modules
        if node.kind == "parameter" and node.name is not None:
            for depth in range(1, len(path) + 1):
                found[path[:depth]].setdefault(node.name, source)
    return found
