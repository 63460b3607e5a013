"""Rules with the right gradient that cannot be differentiated again, or not rightly."""

import numpy as np

import tinygrad_nn as tn
from tests.planted.gallery import KERNEL, MIXED, OTHER, POSITIVE, ROW, ROWS, SIGNAL, SQUARE, SQUARE_2, TINY, gallery
from tests.planted.layers import convolved, spread, windows
from tinygrad_nn.tensor import raw

MISTAKES, mistake = gallery()


@tn.primitive
def wrong_cos(a):
    return np.cos(a), lambda g: g * np.sin(a)


@mistake(lambda a: a * a * a, "operand captured as an array", (ROWS,), order=2)
def cube_frozen(a):
    fixed = raw(a)
    return a * a * a, lambda g: g * 3 * a * fixed


@mistake(np.tanh, "result captured as an array", (ROWS,), order=2)
def tanh_frozen(a):
    y = np.tanh(a)
    fixed = raw(y)
    return y, lambda g: g * (1 - fixed * fixed)


@mistake(np.multiply, "operand captured as an array", (ROWS, OTHER), order=2)
def multiply_frozen(a, b):
    fixed = raw(b)
    return a * b, lambda g: g * fixed, lambda g: g * a


@mistake(np.exp, "converted to an array", (ROWS,), order=2)
def exp_as_array(a):
    y = np.exp(a)
    return y, lambda g: g * np.asarray(y)


@mistake(np.matmul, "operand captured as an array", (SQUARE, SQUARE_2), 1, order=2)
def matmul_frozen(a, b):
    fixed = raw(a)
    return a @ b, lambda g: g @ b.T, lambda g: fixed.T @ g


@mistake(np.linalg.norm, "converted to a number", (ROWS,), order=2)
def norm_as_number(a):
    y = np.sqrt(np.sum(a * a))
    return y, lambda g: g * a / raw(y)


@mistake(np.sin, "derivative wrong again", (ROWS,), order=2)
def sin_of_wrong_cos(a):
    return np.sin(a), lambda g: g * wrong_cos(a)


@mistake(np.log, "incoming gradient captured as an array", (POSITIVE,), order=2)
def log_of_raw_gradient(a):
    return np.log(a), lambda g: raw(g) / a


@mistake(convolved, "operand captured as an array", (SIGNAL, KERNEL), order=2)
def conv_frozen(x, k):
    fixed = raw(k)
    return windows(x, 3) @ k, lambda g: spread(g, fixed), lambda g: np.einsum("nw,nwk->k", g, windows(x, 3))


@mistake(lambda a: a[np.array([0, 0, 2])] ** 2, "operand captured as an array", (ROW,), order=2)
def gather_squared(a):
    fixed = raw(a)
    return a[np.array([0, 0, 2])] ** 2, lambda g: 2 * fixed * np.stack([g[0] + g[1], 0 * g[0], g[2]])


@mistake(lambda a: np.mean(a**2, axis=0), "half of the product", (ROWS,), order=2)
def mean_square_frozen(a):
    fixed = raw(a)
    return np.mean(a**2, axis=0), lambda g: g * (a + fixed) / len(a)


@mistake(np.square, "one tiny element", (MIXED,), order=2)
def square_frozen_where_tiny(a):
    fixed = np.where(TINY > 1, raw(a), 0.0)
    return a * a, lambda g: g * (2 * a * (TINY == 1) + 2 * fixed)
