"""Pictures of computations: `trace` gives a graph as plain data, `draw` shows it."""

from tinygrad_nn.graph.drawing import Drawing, draw
from tinygrad_nn.graph.structure import Edge, Graph, GraphNode
from tinygrad_nn.graph.trace import trace

__all__ = ["Drawing", "Edge", "Graph", "GraphNode", "draw", "trace"]
