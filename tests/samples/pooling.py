"""Samples for the file of the same name in `primitives/`."""

from typing import Any

import numpy as np

from tests.samples.making import Row, case, positive, real, row


def pooled(reduce: Any) -> Any:
    """Return pooling as a reduction of each window, one window at a time."""

    def reference(x: Any, window: Any, stride: Any, dilation: Any = None) -> Any:
        dilation = dilation or (1,) * len(window)
        axes = range(x.ndim - len(window), x.ndim)
        spans = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
        counts = [len(range(0, x.shape[a] - n + 1, s)) for a, n, s in zip(axes, spans, stride, strict=True)]
        out = np.empty((*x.shape[: x.ndim - len(window)], *counts), x.dtype)
        for place in np.ndindex(*counts):
            starts = [p * s for p, s in zip(place, stride, strict=True)]
            elements = tuple(slice(i, i + n, d) for i, n, d in zip(starts, spans, dilation, strict=True))
            out[(..., *place)] = reduce(x[(..., *elements)], axis=tuple(axes))
        return out

    return reference


# fmt: off  # a table reads better than one operand a line
ROWS: dict[str, Row] = {
    "max_pool": row(
        case(real(6), window=(2,), stride=(2,), dilation=(1,)),
        case(real(2, 5), window=(3,), stride=(1,), dilation=(1,)),
        case(real(1, 2, 4, 4), window=(2, 2), stride=(2, 2), dilation=(1, 1)),
        case(real(1, 1, 5, 4), window=(3, 2), stride=(2, 1), dilation=(1, 2)),
        case(real(4, 3, 1).T, window=(2, 3), stride=(1, 1), dilation=(1, 1)),
        case(real(3, 3, 4), window=(2, 1, 2), stride=(1, 2, 2), dilation=(1, 1, 1)),
        case(np.zeros((0, 1, 4)), window=(2,), stride=(2,), dilation=(1,)),
        reference=pooled(np.max),
    ),
    "avg_pool": row(
        case(positive(6), window=(2,), stride=(2,)),
        case(positive(2, 5), window=(3,), stride=(1,)),
        case(positive(1, 2, 4, 4), window=(2, 2), stride=(2, 2)),
        case(positive(1, 1, 5, 4), window=(3, 2), stride=(2, 1)),
        case(positive(4, 3, 1).T, window=(2, 3), stride=(1, 1)),
        case(positive(3, 3, 4), window=(2, 1, 2), stride=(1, 2, 2)),
        case(positive(1, 3), window=(1,), stride=(1,)),
        case(np.zeros((0, 1, 4)), window=(2,), stride=(2,)),
        reference=pooled(np.mean),
    ),
}
# fmt: on
