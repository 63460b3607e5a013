"""Samples for the file of the same name in `primitives/`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.samples.making import FLIPPED, Row, Sample, apart, case, positive, real, row


def products(samples: int, shape: Any, filters: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """Yield the places in y, w and x of each product that a convolution consists of, one at a time."""
    outputs, inputs, *window = filters
    lengths = [n + sum(zeros) for n, zeros in zip(shape, padding, strict=True)]
    spans = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    counts = [len(range(0, n - span + 1, s)) for n, span, s in zip(lengths, spans, stride, strict=True)]
    for n, o, c in np.ndindex(samples, outputs, inputs):
        channel = o // (outputs // groups) * inputs + c
        for p in np.ndindex(*counts):
            for k in np.ndindex(*window):
                axes = zip(p, stride, k, dilation, padding, strict=True)
                place = tuple(i * s + j * d - before for i, s, j, d, (before, _) in axes)
                if all(0 <= i < length for i, length in zip(place, shape, strict=True)):
                    yield (n, o, *p), (o, c, *k), (n, channel, *place)


def convolved(x: Any, weight: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    spans = [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilation, strict=True)]
    counts = [
        (n + sum(zeros) - span) // s + 1 for n, zeros, span, s in zip(x.shape[2:], padding, spans, stride, strict=True)
    ]
    y = np.zeros((len(x), len(weight), *counts), np.result_type(x, weight))
    for at_y, at_w, at_x in products(len(x), x.shape[2:], weight.shape, stride, padding, dilation, groups):
        y[at_y] += weight[at_w] * x[at_x]
    return y


def carried_to_input(g: Any, weight: Any, shape: Any, *geometry: Any, **named: Any) -> Any:
    groups = named["groups"]
    x = np.zeros((len(g), weight.shape[1] * groups, *shape), np.result_type(g, weight))
    for at_y, at_w, at_x in products(len(g), shape, weight.shape, *geometry, **named):
        x[at_x] += weight[at_w] * g[at_y]
    return x


def carried_to_weight(g: Any, x: Any, window: Any, *geometry: Any, **named: Any) -> Any:
    weight = np.zeros((g.shape[1], x.shape[1] // named["groups"], *window), np.result_type(g, x))
    for at_y, at_w, at_x in products(len(g), x.shape[2:], weight.shape, *geometry, **named):
        weight[at_w] += x[at_x] * g[at_y]
    return weight


# Shapes of x, of the weight and of the result, and the options. They are few, for each is checked against finite
# differences of finite differences; `test_windows.py` draws many. All operands are positive, so that the digits of no
# sum cancel out.
GEOMETRIES: tuple[tuple[Any, Any, Any, dict[str, Any]], ...] = (
    ((1, 1, 3), (1, 1, 2), (1, 1, 2), {"stride": (1,), "padding": ((0, 0),), "dilation": (1,), "groups": 1}),
    ((2, 2, 4), (1, 2, 2), (2, 1, 3), {"stride": (2,), "padding": ((1, 1),), "dilation": (1,), "groups": 1}),
    ((1, 2, 5), (4, 1, 2), (1, 4, 3), {"stride": (1,), "padding": ((0, 1),), "dilation": (3,), "groups": 2}),
    ((1, 1, 2, 3), (2, 1, 2, 2), (1, 2, 1, 2), {
        "stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1,
    }),
    ((1, 2, 4, 3), (2, 1, 2, 2), (1, 2, 2, 4), {
        "stride": (2, 1), "padding": ((0, 1), (1, 2)), "dilation": (1, 2), "groups": 2,
    }),
    ((1, 1, 2, 2, 3), (1, 1, 1, 2, 2), (1, 1, 2, 1, 1), {
        "stride": (1, 1, 2), "padding": ((0, 0), (0, 0), (0, 0)), "dilation": (1, 1, 1), "groups": 1,
    }),
)  # fmt: skip


def cases(left: int, right: int, **option: tuple[int, int]) -> tuple[Sample, ...]:
    """Return a call for each of the geometries; an option is read off one of the shapes, from an axis on."""
    return tuple(
        case(
            positive(*g[left]),
            positive(*g[right]),
            **{name: g[i][first:] for name, (i, first) in option.items()},
            **g[3],
        )
        for g in GEOMETRIES
    )


NONE = case(np.zeros((0, 2, 4)), positive(1, 2, 2), **GEOMETRIES[1][3])

VECTORS = [(real(3), apart(2)), (real(2), apart(4)), (real(3), apart(3)), (real(4), apart(1)), (real(6), apart(4))]


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "conv": row(*cases(0, 1), NONE, reference=convolved),
    "conv_input": row(*cases(2, 1, shape=(0, 2)), reference=carried_to_input),
    "conv_weight": row(*cases(2, 0, window=(1, 2)), reference=carried_to_weight),
    "correlate": row(
        *(case(a, v) for a, v in VECTORS),
        *(case(a, v, mode=mode) for a, v in VECTORS for mode in ("full", "same")),
        case(FLIPPED[:, 0], FLIPPED[0], mode="full"),
        case(real(3), np.array([1, 2])),
    ),
    "convolve": row(
        *(case(a, v) for a, v in VECTORS),
        *(case(a, v, mode=mode) for a, v in VECTORS for mode in ("valid", "same")),
        case(FLIPPED[:, 0], FLIPPED[0]),
        case(real(), apart(2)),
        case(real(3), np.array([1, 2]), mode="same"),
    ),
}
# fmt: on
