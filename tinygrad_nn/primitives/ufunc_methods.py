"""The methods of ufuncs: `reduce`, `accumulate` and `outer`, for all of them at once."""

from __future__ import annotations
