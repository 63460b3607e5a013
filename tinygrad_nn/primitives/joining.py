"""What joins arrays, and what takes them apart."""

from __future__ import annotations
