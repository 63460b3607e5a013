"""Functions with right gradients that are hard to check, each as a function of the arrays' library and of arrays.

The library comes first, so that PyTorch's and HIPS autograd's checkers may be given the same function. Where one lacks
what it is written with, it cannot be expressed there.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Tricky(NamedTuple):
    """A function, what to call it with, and the verdicts that mathematics allows.

    Attributes:
        function: takes the library and the inputs.
        inputs: the arrays.
        verdicts: what the check may say of it.

    """

    function: Callable[..., Any]
    inputs: tuple[Any, ...]
    verdicts: tuple[str, ...] = ("PASS",)


_RNG = np.random.default_rng(11)
ROW, ROWS = _RNG.normal(size=3), _RNG.normal(size=(4, 3))
ZEROS = np.array([-1.0, 0.0, 2.0])
HILBERT = 1 / (1 + np.arange(4.0)[:, None] + np.arange(4.0))  # of condition 1.6e4
NEARLY_SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0 + 1e-7]])

KINK, ROUGH = ("KINK", "PASS"), ("PASS", "NOISE-LIMITED")  # at a kink the mean of both slopes may pass

KINKS = {
    "relu at 0": Tricky(lambda xp, x: xp.where(x > 0, x, 0.0 * x), (ZEROS,), KINK),
    "abs at 0": Tricky(lambda xp, x: xp.abs(x), (ZEROS,), KINK),
    "abs of 0 alone": Tricky(lambda xp, x: xp.abs(x), (np.zeros(1),), KINK),
    "hinge at its corner": Tricky(lambda xp, x: xp.maximum(1 - x, 0 * x), (np.array([0.5, 1.0, 2.0]),), KINK),
    "maximum at equality": Tricky(lambda xp, x, y: xp.maximum(x, y), (ROW, ROW.copy()), KINK),
    "minimum at equality": Tricky(lambda xp, x, y: xp.minimum(x, y), (ROW, ROW.copy()), KINK),
    "clip at its bounds": Tricky(lambda xp, x: xp.clip(x, -1.0, 2.0), (ZEROS,), KINK),
    "equal maxima": Tricky(lambda xp, x: xp.max(x), (np.array([1.0, 3.0, 3.0]),), KINK),
    "sum of absolutes with a 0": Tricky(lambda xp, x: xp.sum(xp.abs(x)), (ZEROS,), KINK),
    "kinks of both directions": Tricky(lambda xp, x: xp.abs(x) - 2 * xp.abs(x - 2.0), (ZEROS,), KINK),
    "kink inside of a network": Tricky(lambda xp, x: xp.tanh(xp.where(x > 0, x, 0.1 * x)) ** 2 + x, (ZEROS,), KINK),
    "kink times 1e-12": Tricky(lambda xp, x: 1e-12 * xp.abs(x), (ZEROS,), KINK),
    "kink times 1e12": Tricky(lambda xp, x: 1e12 * xp.abs(x), (ZEROS,), KINK),
    "norm at 0": Tricky(lambda xp, x: xp.linalg.norm(x), (np.zeros(3),), KINK),
    "median of equal numbers": Tricky(lambda xp, x: xp.median(x), (np.ones(5),), KINK),
    "median of an even number of equals": Tricky(lambda xp, x: xp.median(x), (np.ones(4),), KINK),
    "quantile of equal numbers": Tricky(lambda xp, x: xp.quantile(x, 0.3), (np.ones(5),), KINK),
    "partition of equal numbers": Tricky(lambda xp, x: xp.partition(x, 2), (np.ones(4),), KINK),
    "sort of equal numbers": Tricky(lambda xp, x: xp.sort(x), (np.ones(4),), KINK),
    "median of three by minimum and maximum": Tricky(
        lambda xp, x, y, z: xp.minimum(xp.maximum(x, y), z), (ROW, ROW.copy(), ROW.copy()), KINK
    ),
    "largest of equal singular values": Tricky(lambda xp, a: xp.linalg.norm(a, 2), (np.eye(2),), KINK),
    "no kink: square of relu at 0": Tricky(lambda xp, x: xp.maximum(x, 0 * x) ** 2, (np.zeros(3),)),
    "no kink: two parabolas that meet": Tricky(lambda xp, x: xp.where(x > 0, x**2, 3 * x**2), (np.zeros(3),)),
    "a hair beside a kink": Tricky(lambda xp, x: xp.abs(x), (np.array([1e-9, -1e-9, 1.0]),)),
    "no kink: x times abs(x)": Tricky(lambda xp, x: x * xp.abs(x), (ZEROS,)),
    "huber at its corner": Tricky(
        lambda xp, x: xp.where(xp.abs(x) < 1, 0.5 * x * x, xp.abs(x) - 0.5), (np.array([-1.0, 0.3, 1.0]),)
    ),
}

SCALES = {
    "slope 1e-12": Tricky(lambda xp, x: 1e-12 * xp.tanh(x), (ROW,)),
    "slope 1e12": Tricky(lambda xp, x: 1e12 * xp.tanh(x), (ROW,)),
    "inputs of 1e-12": Tricky(lambda xp, x: xp.exp(x) * x, (1e-12 * ROW,)),
    "inputs of 1e12": Tricky(lambda xp, x: xp.sin(x * 1e-12), (1e12 * ROW,)),
    "inputs of 1e-12, slope 1e12": Tricky(lambda xp, x: xp.tanh(1e12 * x), (1e-12 * ROW,)),
    "inputs of all sizes": Tricky(lambda xp, x: x**3, (np.array([1e-6, 1.0, 1e6]),)),
    "one input huge, one tiny": Tricky(lambda xp, x, y: x * y, (1e12 * ROW, 1e-12 * ROW)),
    "outputs of all sizes": Tricky(lambda xp, x: x * 10.0 ** xp.abs(12 * x), (np.array([-1.0, 0.01, 1.0]),)),
    "outputs of 1e100": Tricky(lambda xp, x: 1e100 * xp.sin(x), (ROW,)),
    "outputs of 1e-100": Tricky(lambda xp, x: 1e-100 * xp.sin(x), (ROW,)),
    "20th power": Tricky(lambda xp, x: x**20, (np.array([0.5, 3.0, 30.0]),)),
    "exponential of 50": Tricky(lambda xp, x: xp.exp(50 * x), (np.array([0.2, 1.0]),)),
    "steep": Tricky(lambda xp, x: xp.tanh(1e4 * x), (1e-4 * ROW,)),
    "fast oscillation": Tricky(lambda xp, x: xp.sin(1e4 * x), (ROW,)),
    "oscillation next to 0": Tricky(lambda xp, x: x**2 * xp.sin(1 / x), (np.array([0.01, 0.1]),)),
    "saturated": Tricky(lambda xp, x: 1 / (1 + xp.exp(-x)), (np.array([40.0, -30.0, -300.0]),)),
    "flat but for the 4th power": Tricky(lambda xp, x: x**4, (np.array([1e-3, 0.0]),)),
    "at 0": Tricky(lambda xp, x: xp.sin(x) + x * x, (np.zeros(3),)),
}

FLOAT32 = {
    "float32 inside": Tricky(lambda xp, x: xp.tanh(_single(x)), (ROW,)),
    "float32 in the middle": Tricky(lambda xp, x: _double(xp.exp(_single(x))) * 3.3, (ROW,)),
    "float32 inputs": Tricky(lambda xp, x: xp.tanh(x) ** 3, (ROW.astype(np.float32),)),
    "float32 inputs of 1e-12": Tricky(lambda xp, x: xp.sin(x) * 2, (1e-12 * ROW.astype(np.float32),)),
    "float32, slope 1e12": Tricky(lambda xp, x: 1e12 * xp.sin(_single(x)), (ROW,)),
    "float32 sum of many": Tricky(lambda xp, x: xp.sum(xp.exp(_single(x))), (_RNG.normal(size=60),)),
    "float32, small change of a large number": Tricky(lambda xp, x: _double(_single(x + 1e6)) * 1.1, (ROW,), ROUGH),
}

SINGULAR = {
    "inverse of a nearly singular matrix": Tricky(lambda xp, a: xp.linalg.inv(a), (NEARLY_SINGULAR,), ROUGH),
    "inverse of a Hilbert matrix": Tricky(lambda xp, a: xp.linalg.inv(a), (HILBERT,), ROUGH),
    "solution with a Hilbert matrix": Tricky(lambda xp, a, b: xp.linalg.solve(a, b), (HILBERT, np.ones((4, 1))), ROUGH),
    "determinant of nearly 0": Tricky(lambda xp, a: xp.linalg.det(a), (NEARLY_SINGULAR,), ROUGH),
    "logarithm next to 0": Tricky(lambda xp, x: xp.log(x), (np.array([1e-9, 1.0, 1e9]),)),
    "square root next to 0": Tricky(lambda xp, x: xp.sqrt(x), (np.array([1e-12, 1.0]),)),
    "reciprocal next to 0": Tricky(lambda xp, x: 1 / x, (np.array([1e-6, -1e-9, 1.0]),)),
    "tangent next to its pole": Tricky(lambda xp, x: xp.tan(x), (np.array([1.5707, 0.1]),)),
    "arccos next to its end": Tricky(lambda xp, x: xp.arccos(x), (np.array([1 - 1e-9, 0.5]),), ROUGH),
    "norm next to 0": Tricky(lambda xp, x: xp.linalg.norm(x), (1e-9 * ROW,)),
    "power next to 0": Tricky(lambda xp, x: x**0.1, (np.array([1e-8, 1.0]),)),
    "cholesky next to the edge": Tricky(
        lambda xp, a: xp.linalg.cholesky(a @ a.T + 1e-6 * xp.eye(2)) * 1.0,
        (np.array([[1.0, 2.0], [0.5, 1.001]]),),
        ROUGH,
    ),
}

CONSTANT = {
    "floor": Tricky(lambda xp, x: xp.floor(x), (ROWS,)),
    "sign": Tricky(lambda xp, x: xp.sign(x), (ROWS,)),
    "rounding": Tricky(lambda xp, x: xp.round(x), (ROWS,)),
    "step": Tricky(lambda xp, x: xp.where(x > 0, 1.0 + 0 * x, -1.0 + 0 * x), (ROWS,)),
    "staircase with a slope": Tricky(lambda xp, x: xp.floor(4 * x) + 0.5 * x, (ROWS,)),
    "sawtooth": Tricky(lambda xp, x: x - xp.floor(x), (ROWS,)),
    "constant 0 times x": Tricky(lambda xp, x: 0 * x + 1, (ROWS,)),
    "one branch of two": Tricky(lambda xp, x: xp.where(x > 0, x**2, xp.sin(x)), (ROWS,)),
}

CANCELLING = {
    "softmax adds up to 1": Tricky(lambda xp, x: xp.sum(xp.exp(x) / xp.sum(xp.exp(x))), (ROW,)),
    "difference of equals": Tricky(lambda xp, x: xp.exp(x) - xp.exp(x) + 0 * x, (ROW,)),
    "small change of a large number": Tricky(lambda xp, x: 1e6 + x, (ROW,)),
    "smaller change of a larger number": Tricky(lambda xp, x: (1e10 + x) * 1.0, (ROW,), ROUGH),
    "1e8 added and taken off": Tricky(lambda xp, x: ((x + 1e8) - 1e8) * 1.0, (ROW,), ROUGH),
    "variance of large numbers": Tricky(lambda xp, x: xp.sum((x - xp.sum(x) / 3) ** 2), (1e5 + ROW,), ROUGH),
    "logarithm of a sum of exponentials": Tricky(
        lambda xp, x: xp.log(xp.sum(xp.exp(x))), (np.array([1.0, 50.0, -50.0]),)
    ),
    "sum of 1000": Tricky(lambda xp, x: xp.sum(x * x), (_RNG.normal(size=1000),)),
    "product of 30": Tricky(lambda xp, x: xp.prod(x), (_RNG.uniform(0.1, 3.0, size=30),)),
    "running product": Tricky(lambda xp, x: xp.cumprod(x, 0), (_RNG.uniform(0.1, 3.0, size=12),)),
}

TRICKY = {**KINKS, **SCALES, **FLOAT32, **SINGULAR, **CONSTANT, **CANCELLING}


def _single(x):
    """Return `x` in float32, in any of the libraries."""
    return x.float() if hasattr(x, "float") else x.astype("float32")


def _double(x):
    return x.double() if hasattr(x, "double") else x.astype("float64")
