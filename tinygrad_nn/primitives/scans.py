"""Running sums and products, and differences of neighbours."""

from __future__ import annotations
