"""`explain`: why the gradient of a parameter is what it is."""

from tinygrad_nn.graph.explaining.explain import explain
from tinygrad_nn.graph.explaining.report import Explanation, Step

__all__ = ["Explanation", "Step", "explain"]
