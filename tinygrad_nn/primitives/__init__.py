"""The rules: one function an operation, its value and its gradient side by side. Importing them registers them."""

from tinygrad_nn.primitives import elementwise, fused, indexing, linalg, reductions, shaping

__all__ = ["elementwise", "fused", "indexing", "linalg", "reductions", "shaping"]
