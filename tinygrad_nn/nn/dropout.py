"""`Dropout`: noise in training that keeps units from relying on one another."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.nn.module import Module
from tinygrad_nn.tensor import Operand
from tinygrad_nn.transforms.effects import drawing


class Dropout(Module):
    """Set each element to 0 with probability p in training, and divide the others by ``1 - p``.

    So each element keeps its expected value, and evaluation needs no factor: there the input is returned as it is.
    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    Args:
        p: the probability of a 0, at least 0 and less than 1.
        rng: where the chance comes from; a freshly seeded generator when None.

    Attributes:
        rng: the generator, whose state goes on with each call in training.

    Raises:
        ArgumentError: `p` is out of its range.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> layer = nn.Dropout(0.5, rng=np.random.default_rng(1))
    >>> layer(np.ones(6)).tolist(), layer.eval()(np.ones(2)).tolist()
    ([0.0, 2.0, 2.0, 2.0, 0.0, 0.0], [1.0, 1.0])

    """

    def __init__(self, p: float = 0.5, rng: np.random.Generator | None = None) -> None:
        """Keep probability and generator."""
        if not 0 <= p < 1:
            message = f"Dropout: expected 'p' to be at least 0 and less than 1, got {p}. It is the share of zeros"
            raise ArgumentError(message)
        self.p = p
        self.rng = rng or np.random.default_rng()

    def forward(self, x: Operand) -> Any:
        """Drop elements, in training."""
        if not self.training or self.p == 0:
            return x
        shape: tuple[int, ...] = np.shape(x)
        drawn = drawing(self.rng).random(shape, np.float32)  # half the time of float64, and as good for a comparison
        kept = drawn >= self.p
        return x * np.multiply(kept, 1 / (1 - self.p), dtype=getattr(x, "dtype", None))

    def extra_repr(self) -> str:
        """Show the probability."""
        return f"p={self.p}"
