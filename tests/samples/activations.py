"""Samples for `nn/activations.py`."""

import numpy as np
import scipy.special

from tests.samples.making import EMPTY, Row, case, real, row


def cut(x, lower=-1.0, upper=1.0):
    return np.minimum(np.maximum(x, lower), upper)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(x))


def gelu(x, approximate="none"):
    if approximate == "none":
        return x * scipy.special.ndtr(x)
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


HERE = case(real(3)), case(real(2, 2).T), case(real()), case(EMPTY)
FAR = case(np.array([-4.0, -0.5, 0.5, 8.0]))


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "leaky_relu": row(
        *HERE,
        case(real(3), negative_slope=0.3),
        case(real(3), 0.3),
        reference=lambda x, negative_slope=0.01: np.maximum(x, 0) + negative_slope * np.minimum(x, 0),
    ),
    "elu": row(*HERE, case(real(3), alpha=2.0), reference=elu),
    "selu": row(*HERE, reference=lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772)),
    "celu": row(
        *HERE,
        case(real(3), alpha=2.0),
        reference=lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x / alpha)),
    ),
    "gelu": row(
        *HERE,
        FAR,
        *(case(x, approximate="tanh") for x in (real(3), real())),
        case(real(3), "none"),
        reference=gelu,
    ),
    "silu": row(*HERE, FAR, reference=lambda x: x / (1 + np.exp(-x))),
    "mish": row(*HERE, FAR, reference=lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    "softsign": row(*HERE, reference=lambda x: x / (1 + np.abs(x))),
    "hard_tanh": row(
        *HERE,
        FAR,
        case(real(3), min_val=-0.5, max_val=0.4),
        case(real(3), -0.5, 0.4),
        reference=lambda x, min_val=-1.0, max_val=1.0: cut(x, min_val, max_val),
    ),
    "relu6": row(*HERE, FAR, reference=lambda x: cut(x, 0, 6)),
    "hard_sigmoid": row(*HERE, FAR, reference=lambda x: cut(x / 6 + 0.5, 0, 1)),
    "hard_swish": row(*HERE, FAR, reference=lambda x: x * cut(x / 6 + 0.5, 0, 1)),
}
# fmt: on
