"""Mistakes in rules that reduce or broadcast."""

import numpy as np

from tests.planted.gallery import COLUMN, MIXED, POSITIVE, ROW, ROWS, SQUARE, TINY, gallery
from tinygrad_nn import nn

MISTAKES, mistake = gallery()


@mistake(np.mean, "off by the size", (ROWS,))
def mean_undivided(a):
    return np.mean(a), lambda g: g * np.ones_like(a)


@mistake(lambda a: np.sum(a, axis=0), "off by the batch size", (ROWS,))
def sum_divided(a):
    return np.sum(a, axis=0), lambda g: g * np.ones_like(a) / len(a)


@mistake(lambda a: np.sum(a, axis=1), "transposed", (SQUARE,))
def sum_along_the_other_axis(a):
    return np.sum(a, axis=1), lambda g: g * np.ones_like(a)


@mistake(lambda a: np.max(a, axis=1), "branches forgotten", (ROWS,))
def max_to_all(a):
    return np.max(a, axis=1), lambda g: g[:, None] * np.ones_like(a)


@mistake(np.var, "constant factor", (ROWS,))
def var_without_two(a):
    centred = a - np.mean(a)
    return np.mean(centred * centred), lambda g: g * centred / a.size


@mistake(lambda a: nn.logsumexp(a, axis=0), "wrong axis", (ROWS,))
def logsumexp_wrong_axis(a):
    e = np.exp(a)
    return np.log(np.sum(e, axis=0)), lambda g: g * e / np.sum(e, axis=1, keepdims=True)


@mistake(np.linalg.norm, "not normalised", (ROWS,))
def norm_not_normalised(a):
    return np.sqrt(np.sum(a * a)), lambda g: g * a


@mistake(np.cumsum, "not reversed", (ROW,))
def cumsum_not_reversed(a):
    return np.cumsum(a), lambda g: np.cumsum(g, axis=0)


@mistake(np.prod, "product forgotten", (POSITIVE,))
def prod_as_sum(a):
    return np.prod(a), lambda g: g * np.ones_like(a)


@mistake(lambda a: nn.softmax(a, axis=1), "cross terms forgotten", (ROWS,))
def softmax_diagonal(a):
    e = np.exp(a)
    s = e / np.sum(e, axis=1, keepdims=True)
    return s, lambda g: g * s * (1 - s)


@mistake(np.add, "missing sum over a broadcast axis", (ROWS, ROW), 1)
def add_first_row_only(a, b):
    return a + b, lambda g: g, lambda g: g[0]


@mistake(np.multiply, "mean instead of sum over a broadcast axis", (ROWS, COLUMN), 1)
def scale_by_mean(a, b):
    return a * b, lambda g: g * b, lambda g: np.mean(g * a, axis=1, keepdims=True)


@mistake(np.add, "summed twice", (ROWS, ROW), 1)
def add_summed_twice(a, b):
    return a + b, lambda g: g, lambda g: np.sum(g, axis=0) * len(g)


@mistake(np.multiply, "missing sum over a broadcast axis", (ROWS, np.array(1.5)), 1)
def multiply_by_number(a, b):
    return a * b, lambda g: g * b, lambda g: (g * a)[0, 0]


@mistake(lambda a: np.broadcast_to(a, (4, 3)), "off by the batch size", (ROW,))
def broadcast_averaged(a):
    return np.broadcast_to(a, (4, 3)), lambda g: np.mean(g, axis=0)


@mistake(lambda a: np.sum(a * a), "one tiny element", (MIXED,))
def sum_of_squares_but_tiny(a):
    return np.sum(a * a), lambda g: g * 2 * a * TINY
