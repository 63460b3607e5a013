"""Adam in place."""

from __future__ import annotations

from typing import Any

import numpy as np


class Adam:
    """Kingma and Ba, 2015, algorithm 1, with the usual constants."""

    def __init__(self, parameters: dict[str, Any], lr: float) -> None:
        """Start with moments of zero."""
        self.parameters, self.lr, self.steps = parameters, lr, 0
        self.means = {name: np.zeros_like(p) for name, p in parameters.items()}
        self.squares = {name: np.zeros_like(p) for name, p in parameters.items()}

    def step(self, gradients: dict[str, Any]) -> None:
        """Update all parameters."""
        self.steps += 1
        rate, correction = self.lr / (1 - 0.9**self.steps), 1 - 0.999**self.steps
        for name, g in gradients.items():
            mean, square = self.means[name], self.squares[name]
            mean *= 0.9
            mean += 0.1 * g
            square *= 0.999
            square += 0.001 * (g * g)
            self.parameters[name] -= rate * mean / (np.sqrt(square / correction) + 1e-8)
