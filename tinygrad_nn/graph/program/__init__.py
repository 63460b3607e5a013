"""A recorded computation as a NumPy program that stands alone: a teaching page, and an oracle."""

from tinygrad_nn.graph.program.program import Program, to_numpy

__all__ = ["Program", "to_numpy"]
