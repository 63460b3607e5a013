"""Functions that NumPy has renamed, as far as it still has them."""

from __future__ import annotations

import numpy as np

from tinygrad_nn.primitive import refuse

for _old, _new in {"in1d": "isin", "trapz": "trapezoid"}.items():
    if hasattr(np, _old):
        refuse(f"NumPy has renamed it. Call np.{_new}", getattr(np, _old))
