"""What depends on the order of elements: sorting, medians, quantiles."""

from __future__ import annotations
