"""Functional updates: what NumPy does by assignment, as a new array with a gradient."""

from __future__ import annotations
