"""Examples for operations whose operands must fit their options, or one another in more than their lengths."""

import numpy as np
from hypothesis import strategies as st

from tests.samples import ROWS
from tests.samples.making import case
from tinygrad_nn import nn
from tinygrad_nn.primitives import recurrence

CELLS = {  # cell: rows of the weight for each element of the state, arrays of the state
    recurrence.rnn_tanh: (1, 1), recurrence.gru: (3, 1), recurrence.lstm: (4, 2),
}  # fmt: skip  # a table

LENGTHS = st.integers(0, 2)


def numbers(draw, *shape, factor=1.0):
    """Return numbers of both signs, away from 0 and from one another, so that no maximum is at a kink."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    size = int(np.prod(shape))
    line = factor * rng.permutation(np.linspace(0.3, 2.0, size)) * rng.choice((-1.0, 1.0), size)
    return line.reshape(shape)


def scaled(name):
    """Return the samples of a row by positive numbers: an exact 0 is where LAPACK turns the sign of a vector."""
    factors = st.sampled_from([1.0, 0.5, 1e-3, 1.1e3])
    return st.tuples(st.sampled_from(ROWS[name].samples), factors).map(lambda x: x[0].mapped(lambda a: a * x[1]))


def per_axis(draw, axes, least, most):
    return tuple(draw(st.integers(least, most)) for _ in range(axes))


@st.composite
def geometry(draw):
    """Return the shapes of the input, the filters and the result of a convolution, and its options."""
    axes, groups = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    window, stride, dilation = (per_axis(draw, axes, 1, 2) for _ in range(3))
    padding = tuple(per_axis(draw, 2, 0, 1) for _ in range(axes))
    outputs = per_axis(draw, axes, 1, 2)
    rest = per_axis(draw, axes, 0, 1)  # what is left over behind the last window, as far as the stride lets it
    spans = [(k - 1) * d + (p - 1) * s + 1 for k, d, p, s in zip(window, dilation, outputs, stride, strict=True)]
    lengths = [
        max(1, n + min(r, s - 1) - sum(zeros)) for n, r, s, zeros in zip(spans, rest, stride, padding, strict=True)
    ]
    outputs = [
        (n + sum(zeros) - (k - 1) * d - 1) // s + 1
        for n, zeros, k, d, s in zip(lengths, padding, window, dilation, stride, strict=True)
    ]
    samples, channels, filters = draw(LENGTHS), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    x, weight = (samples, groups * channels, *lengths), (groups * filters, channels, *window)
    return x, weight, (samples, groups * filters, *outputs), options


@st.composite
def convolutions(draw, left, right, option=None, of=0, first=2):
    shapes = draw(geometry())
    extra = {} if option is None else {option: tuple(shapes[of][first:])}
    return case(numbers(draw, *shapes[left]), numbers(draw, *shapes[right]), **extra, **shapes[3])


@st.composite
def windows(draw):
    axes = draw(st.integers(1, 2))
    window, stride, dilation = (per_axis(draw, axes, 1, 2) for _ in range(3))
    lengths = [(k - 1) * d + 1 + draw(LENGTHS) for k, d in zip(window, dilation, strict=True)]
    before = per_axis(draw, draw(LENGTHS), 0, 2)
    return case(numbers(draw, *before, *lengths), window=window, stride=stride, dilation=dilation)


@st.composite
def recurrences(draw):
    cell = draw(st.sampled_from(list(CELLS)))
    gates, arrays = CELLS[cell]
    samples, steps, size = draw(LENGTHS), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    rows = gates * size
    shapes = (samples, steps, rows), (rows, size), (rows,), *[(samples, size)] * arrays
    return case(*(numbers(draw, *shape) for shape in shapes), cell=cell, reverse=draw(st.booleans()))


@st.composite
def indices(draw, *, unique):
    shape = (draw(st.integers(1, 3)), draw(LENGTHS))
    index = draw(st.lists(st.integers(-shape[0] * (not unique), shape[0] - 1), max_size=3, unique=unique))
    return shape, draw(st.sampled_from([index, (index, slice(None, None, -1)), (index, None)]))


@st.composite
def scatterings(draw):
    shape, index = draw(indices(unique=False))
    return case(numbers(draw, *np.zeros(shape)[index].shape), index=index, shape=shape)


@st.composite
def assignments(draw):
    shape, index = draw(indices(unique=True))
    place = np.zeros(shape)[index].shape
    values = draw(st.sampled_from([place, place[-1:], ()]))  # which broadcast
    return case(numbers(draw, *shape), numbers(draw, *values, factor=1.07), index=index)


@st.composite
def reductions(draw, least, *, affine):
    """Return cases along some axes; at least so many elements are reduced."""
    shape = per_axis(draw, draw(st.integers(1, 3)), 1, 3)
    axis = tuple(draw(st.lists(st.integers(-len(shape), -1), min_size=1, unique=True)))
    if np.prod([shape[place] for place in axis]) < least:
        shape = tuple(n + least - 1 if place - len(shape) in axis else n for place, n in enumerate(shape))
    if not affine:
        return case(numbers(draw, *shape), axis=axis, keepdims=draw(st.booleans()))
    lengths = [draw(st.sampled_from([1, n])) for n in shape][draw(st.integers(0, len(shape))) :]
    rest = (numbers(draw, *lengths) for _ in range(draw(LENGTHS)))
    return case(numbers(draw, *shape), *rest, axis=axis, eps=draw(st.sampled_from([0.5, 1e-5])))


@st.composite
def decompositions(draw):
    count, stop = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    packed = numbers(draw, *per_axis(draw, draw(st.integers(0, 1)), 0, 2), 1 + stop, count)
    return case(packed, start=draw(st.integers(1, stop)), stop=1 + stop, values=0, operation="eigh")


@st.composite
def attentions(draw):
    t, s, e, v = per_axis(draw, 4, 1, 2)
    before = per_axis(draw, draw(LENGTHS), 0, 2)
    shapes = (*before, t, e), (*before, s, e), (*before, s, v)
    return case(*(numbers(draw, *shape) for shape in shapes), is_causal=draw(st.booleans()))


@st.composite
def classifications(draw, *, logarithms):
    count, classes = draw(st.integers(1, 3)), draw(st.integers(2, 3))
    x = numbers(draw, count, classes)
    labels = [draw(st.integers(0, classes - 1)) for _ in range(count)]
    target = draw(st.sampled_from([np.array(labels), np.full((count, classes), 1 / classes)]))
    reduction = draw(st.sampled_from(["mean", "sum", "none"]))
    return case(-np.abs(x) if logarithms else x, target, reduction=reduction)


@st.composite
def errors(draw, *, signs=False):
    shape = per_axis(draw, draw(st.integers(0, 3)), 1, 2)
    prediction, target = numbers(draw, *shape), numbers(draw, *shape, factor=1.07)
    reduction = draw(st.sampled_from(["mean", "sum", "none"]))
    return case(prediction, np.asarray(np.sign(target), int) if signs else target, reduction=reduction)


@st.composite
def layers(draw, function):
    """Return cases for a `function` of windows: its options are one number for all axes, or one for each."""
    axes = draw(st.integers(1, 2))
    shape = draw(st.integers(1, 2)), 2, *(draw(st.integers(3, 4)) for _ in range(axes))
    options = {"stride": draw(st.integers(1, 2)), "padding": draw(st.integers(0, 1))}
    if function in (nn.max_pool, nn.avg_pool):
        return case(numbers(draw, *shape), draw(st.sampled_from([2, (2,) * axes])), **options)
    weight, bias = numbers(draw, 2, 2, *(2,) * axes), numbers(draw, 2)
    return case(numbers(draw, *shape), weight, bias, dilation=draw(st.integers(1, 2)), **options)


RULES = {
    "conv": convolutions(0, 1),
    "conv_input": convolutions(2, 1, "shape", 0),
    "conv_weight": convolutions(2, 0, "window", 1),
    "determined": decompositions(),
    "logsumexp": reductions(1, affine=False),
    "max_pool": windows(),
    **{name: scaled(name) for name in ("packed_qr", "packed_eigh", "packed_svd", "qr", "eigh", "svd", "cond")},
    "recurrence": recurrences(),
    "scatter_add_rule": scatterings(),
    "set_at": assignments(),
    "standardize": reductions(3, affine=True),  # of two elements it is constant, and its gradient nothing but rounding
}
"""Name of a rule of the registry -> what stands in the place of variations of its samples."""

NETWORKS = {
    **{function: layers(function) for function in (nn.conv, nn.conv_transpose, nn.max_pool, nn.avg_pool)},
    nn.scaled_dot_product_attention: attentions(),
    nn.cross_entropy: classifications(logarithms=False),
    nn.nll: classifications(logarithms=True),
    nn.squared_error: errors(),
    nn.absolute_error: errors(),
    nn.huber: errors(),
    nn.hinge: errors(signs=True),
}
"""Function of `nn` that the registry has not -> its examples."""
