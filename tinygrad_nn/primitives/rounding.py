"""What is constant between its steps, and what is made of it: signs, rounding, remainders."""

from __future__ import annotations
