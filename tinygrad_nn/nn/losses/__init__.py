"""Losses: one number that says how far predictions are from their targets.

Every loss refuses predictions and targets of different shapes. Between ``(N, 1)`` and ``(N,)`` NumPy would broadcast
to ``(N, N)``, and a network trained on that learns the mean of all targets, without an error anywhere.
"""

from tinygrad_nn.nn.losses.binary import binary_cross_entropy, binary_cross_entropy_with_logits, hinge
from tinygrad_nn.nn.losses.categorical import cross_entropy, kl_divergence, nll
from tinygrad_nn.nn.losses.regression import absolute_error, cosine_distance, gaussian_nll, huber, squared_error

__all__ = [
    "absolute_error", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_distance", "cross_entropy",
    "gaussian_nll", "hinge", "huber", "kl_divergence", "nll", "squared_error",
]  # fmt: skip  # one name a line would be a page of names
