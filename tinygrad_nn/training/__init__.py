"""Training: the loop, what it remembers, and what it shows meanwhile."""

from tinygrad_nn.training.fit import evaluate, fit
from tinygrad_nn.training.history import History

__all__ = ["History", "evaluate", "fit"]
