"""Pictures of computations: `trace` gives a graph as plain data, `draw` shows it."""

from tinygrad_nn.graph import text as _text  # noqa: F401 - gives `Graph` its methods
from tinygrad_nn.graph.drawing import Drawing, draw
from tinygrad_nn.graph.explaining import Explanation, Step, explain
from tinygrad_nn.graph.explorer import explore
from tinygrad_nn.graph.folding import fold
from tinygrad_nn.graph.program import Program, to_numpy
from tinygrad_nn.graph.statistics import Costs, Statistics, statistics
from tinygrad_nn.graph.structure import Edge, Graph, GraphNode
from tinygrad_nn.graph.trace import trace

__all__ = [
    "Costs", "Drawing", "Edge", "Explanation", "Graph", "GraphNode", "Program", "Statistics", "Step", "draw", "explain",
    "explore", "fold", "statistics", "to_numpy", "trace",
]  # fmt: skip  # one name a line would be a page of names
