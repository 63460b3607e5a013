"""Samples: a row for each primitive and each composition, with operands to try it on and whatever else spells it.

Whoever adds an operation adds a row here, in the file named as the one of its rule; `test_primitives.py` does the rest.
"""

from tests.samples import (
    elementwise,
    fused,
    indexing,
    joining,
    linalg,
    polynomials,
    products,
    reductions,
    rounding,
    scans,
    shaping,
    sorting,
    special,
    statistics,
    trigonometry,
    ufunc_methods,
    updates,
    windows,
)

_FILES = (
    elementwise,
    fused,
    indexing,
    joining,
    linalg,
    polynomials,
    products,
    reductions,
    rounding,
    scans,
    shaping,
    sorting,
    special,
    statistics,
    trigonometry,
    ufunc_methods,
    updates,
    windows,
)

ROWS = {name: row for file in _FILES for name, row in file.ROWS.items()}

assert len(ROWS) == sum(len(file.ROWS) for file in _FILES), "an operation has rows in two files"
