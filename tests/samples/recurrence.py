"""Samples for the file of the same name in `primitives/`."""

from typing import Any

import numpy as np
import scipy.special

from tests.samples.making import Row, case, real, row
from tinygrad_nn.primitives import recurrence


def rnn_tanh(x: Any, u: Any, h: Any) -> Any:
    return (np.tanh(x + u),)


def rnn_relu(x: Any, u: Any, h: Any) -> Any:
    return (np.maximum(x + u, 0),)


def gru(x: Any, u: Any, h: Any) -> Any:
    (x_r, x_z, x_n), (u_r, u_z, u_n) = np.split(x, 3), np.split(u, 3)
    r, z = scipy.special.expit(x_r + u_r), scipy.special.expit(x_z + u_z)
    return ((1 - z) * np.tanh(x_n + r * u_n) + z * h,)


def lstm(x: Any, u: Any, h: Any, c: Any) -> Any:
    i, f, g, o = np.split(x + u, 4)
    c = scipy.special.expit(f) * c + scipy.special.expit(i) * np.tanh(g)
    return scipy.special.expit(o) * np.tanh(c), c


CELLS = {getattr(recurrence, cell.__name__): cell for cell in (rnn_tanh, rnn_relu, gru, lstm)}


def recurred(x: Any, weight: Any, bias: Any, *state: Any, cell: Any, reverse: bool = False) -> Any:
    """Read each sample on its own."""
    results = []
    for n, steps in enumerate(x):
        current = tuple(array[n] for array in state)
        outputs = []
        for step in steps[::-1] if reverse else steps:
            current = CELLS[cell](step, np.einsum("gh,h->g", weight, current[0]) + bias, *current)
            outputs.append(current[0])
        results.append([*(outputs[::-1] if reverse else outputs), *current[1:]])
    return np.array(results).reshape(len(x), x.shape[1] + len(state) - 1, weight.shape[1]).astype(x.dtype)


def operands(gates: int, arrays: int, samples: int = 2, steps: int = 2, size: int = 2) -> Any:
    rows = gates * size
    return (
        real(samples, steps, rows),
        0.3 * real(rows, size),
        real(rows),
        *(real(samples, size) for _ in range(arrays)),
    )


AWAY_FROM_KINKS = (
    np.array([[[2.0, -1.0], [1.5, 2.5], [-3.0, 1.0]]]),
    np.array([[0.5, -0.4], [0.3, 0.6]]),
    np.array([0.2, -0.1]),
    np.array([[0.5, 0.7]]),
)


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "recurrence": row(
        case(*operands(1, 1), cell=recurrence.rnn_tanh),
        case(*AWAY_FROM_KINKS, cell=recurrence.rnn_relu),
        case(*operands(3, 1, samples=1), cell=recurrence.gru),
        case(*operands(3, 1, steps=3, size=1), cell=recurrence.gru, reverse=True),
        case(*operands(4, 2, samples=1, steps=1), cell=recurrence.lstm),
        case(*operands(4, 2, samples=1, steps=3, size=1), cell=recurrence.lstm, reverse=True),
        case(*operands(4, 2, samples=0), cell=recurrence.lstm),
        reference=recurred,
        rtol=1e-13,
    ),
}
# fmt: on
