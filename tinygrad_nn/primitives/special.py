"""Special functions that networks need, stable over the whole range of floating-point numbers."""

from __future__ import annotations
