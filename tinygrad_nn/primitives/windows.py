"""Windows that slide over an array: convolution, correlation and pooling."""

from __future__ import annotations
