"""Averages and spreads, also those that pass over NaN."""

from __future__ import annotations
