"""Polynomials and interpolation."""

from __future__ import annotations
