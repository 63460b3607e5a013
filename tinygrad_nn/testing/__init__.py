"""What authors of primitives test them with: one call that knows what a rule promises and looks for what breaks it."""

from tinygrad_nn.testing.case import Case
from tinygrad_nn.testing.check import check_primitive

__all__ = ["Case", "check_primitive"]
