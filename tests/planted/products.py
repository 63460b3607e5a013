"""Mistakes in rules of linear algebra."""

import numpy as np

from tests.planted.gallery import MIXED, OTHER, ROW, ROWS, SQUARE, SQUARE_2, TINY, gallery

MISTAKES, mistake = gallery()

WEIGHT = SQUARE[:, :2]


@mistake(np.matmul, "transposed", (SQUARE, SQUARE_2))
def matmul_transposed(a, b):
    return a @ b, lambda g: (g @ b.T).T, lambda g: a.T @ g


@mistake(np.matmul, "operand not transposed", (SQUARE, SQUARE_2), 1)
def matmul_not_transposed(a, b):
    return a @ b, lambda g: g @ b.T, lambda g: a @ g


@mistake(lambda x, w, b: x @ w + b, "missing sum over a broadcast axis", (ROWS, WEIGHT, ROW[:2]), 2)
def dense_first_row(x, w, b):
    return x @ w + b, lambda g: g @ w.T, lambda g: x.T @ g, lambda g: g[0]


@mistake(lambda x, w, b: x @ w + b, "off by the batch size", (ROWS, WEIGHT, ROW[:2]), 1, 2)
def dense_averaged(x, w, b):
    return x @ w + b, lambda g: g @ w.T, lambda g: x.T @ g / len(x), lambda g: np.mean(g, axis=0)


@mistake(np.linalg.inv, "wrong sign", (SQUARE,))
def inverse_with_plus(a):
    y = np.linalg.inv(a)
    return y, lambda g: y.T @ g @ y.T


@mistake(np.linalg.det, "transposed", (SQUARE,))
def det_transposed(a):
    d = np.linalg.det(a)
    return d, lambda g: g * d * np.linalg.inv(a)


@mistake(lambda x, a: x @ a @ x, "half forgotten", (ROW, SQUARE))
def quadratic_form(x, a):
    return x @ a @ x, lambda g: g * (a @ x), lambda g: g * np.outer(x, x)


@mistake(np.outer, "gradient of another input", (ROW, ROW + 1), 0, 1)
def outer_exchanged(a, b):
    return np.outer(a, b), lambda g: a @ g, lambda g: g @ b


@mistake(np.linalg.solve, "transposed", (SQUARE, ROW), 1)
def solve_not_transposed(a, b):
    x = np.linalg.solve(a, b)
    return x, lambda g: -np.outer(np.linalg.solve(a.T, g), x), lambda g: np.linalg.solve(a, g)


@mistake(lambda a, b: np.einsum("ij,ij->i", a, b), "incoming gradient summed", (ROWS, OTHER))
def row_products(a, b):
    return np.sum(a * b, axis=1), lambda g: np.sum(g) * b / len(b), lambda g: g[:, None] * a


@mistake(np.dot, "one tiny element", (MIXED, MIXED[::-1].copy()), 1)
def dot_but_tiny(a, b):
    return np.sum(a * b), lambda g: g * b, lambda g: g * a * TINY
