"""A pause of the garbage collector, for as long as very many objects are made that all stay."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def no_collections() -> Iterator[None]:
    """Collect no cycles during the block, or during each call of a function that it decorates.

    Python looks for dead cycles after every so many new objects. While a graph of 100,000 nodes is built it looks at
    all of it, and at all that was recorded, again and again, and finds nothing: here nothing is made in cycles.

    >>> with no_collections():
    ...     gc.isenabled()
    False

    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
