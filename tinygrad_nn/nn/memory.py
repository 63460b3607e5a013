"""What a recorded operation holds in memory for the backward pass: the arrays that its closures have captured."""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterable, Iterator
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from tinygrad_nn.backprop import Node
from tinygrad_nn.primitive import Array

_CONTAINERS = (FunctionType, MethodType, functools.partial, dict, list, tuple)


def arrays_kept(node: Node) -> Iterator[Array]:
    """Yield the arrays that an operation keeps alive; one that two operations keep is yielded for both."""
    things: list[Any] = [*(node.closures or ()), *node.operands]
    seen: set[int] = set()
    for thing in things:  # which grow on the way
        if isinstance(thing, np.ndarray):
            yield thing
        elif isinstance(thing, _CONTAINERS) and id(thing) not in seen:
            seen.add(id(thing))
            things += _inside(thing)


def _inside(thing: Any) -> Iterable[Any]:
    """Return what a closure, or a container that one has captured, keeps alive."""
    if isinstance(thing, FunctionType):
        return [*gc.get_referents(*(thing.__closure__ or ())), thing.__defaults__]  # a cell may be empty
    if isinstance(thing, functools.partial):
        return thing.func, thing.args, thing.keywords
    if isinstance(thing, MethodType):
        return thing.__self__, thing.__func__
    return thing.values() if isinstance(thing, dict) else thing


def memory_of(array: Any) -> Any:
    """Return the array whose memory a view looks at: it is kept as a whole, however small the view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
