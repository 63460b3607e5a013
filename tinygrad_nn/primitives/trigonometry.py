"""Trigonometric and hyperbolic functions, their inverses, and angles."""

from __future__ import annotations
