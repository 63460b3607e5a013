"""Samples: a row for each primitive and each composition, with operands to try it on and whatever else spells it.

Whoever adds an operation adds a row here, in the file named as the one of its rule; `test_primitives.py` does the rest.
"""

import importlib
import pkgutil

import tinygrad_nn.nn  # noqa: F401 - activations are registered with the layers
from tests.samples import making
from tests.samples.making import Row


def _load(name: str) -> dict[str, Row]:
    """Return the rows of a file, whose random operands are its own: they stay when a row comes to another file."""
    making.restart(name)
    return importlib.import_module(f"{__name__}.{name}").ROWS


_FILES = [_load(file.name) for file in pkgutil.iter_modules(__path__) if file.name != "making"]

ROWS = {name: row for rows in _FILES for name, row in rows.items()}

assert len(ROWS) == sum(map(len, _FILES)), "an operation has rows in two files"
