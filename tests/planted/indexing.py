"""Mistakes in rules that pick, place and move elements."""

import numpy as np

from tests.planted.gallery import OTHER, ROW, ROWS, SQUARE, gallery

MISTAKES, mistake = gallery()

TWICE = np.array([0, 2, 0, 1])


@mistake(lambda a: a[TWICE], "forgotten accumulation", (ROWS,))
def gather_overwriting(a):
    return a[TWICE], lambda g: np.stack([g[2], g[3], g[1], 0 * g[0]])  # row 0 was taken twice


@mistake(lambda a: a[TWICE], "wrong places", (ROWS,))
def gather_shifted(a):
    return a[TWICE], lambda g: np.stack([0 * g[0], g[0] + g[2], g[3], g[1]])


@mistake(lambda a, b: np.concatenate([a, b]), "gradient of another input", (ROWS, OTHER), 0, 1)
def concatenate_exchanged(a, b):
    return np.concatenate([a, b]), lambda g: g[len(a) :], lambda g: g[: len(a)]


@mistake(np.transpose, "transposed", (SQUARE,))
def transpose_forgotten(a):
    return a.T, lambda g: g


@mistake(lambda a: a[::-1], "reversed", (ROWS,))
def reverse_forgotten(a):
    return a[::-1], lambda g: g


@mistake(lambda a: np.pad(a, 1), "wrong places", (ROWS,))
def pad_wrong_corner(a):
    return np.pad(a, 1), lambda g: g[: a.shape[0], : a.shape[1]]


@mistake(lambda a, b: np.where(ROWS > 0, a, b), "branches exchanged", (ROWS, OTHER), 0, 1)
def where_exchanged(a, b):
    return np.where(ROWS > 0, a, b), lambda g: np.where(ROWS > 0, 0, g), lambda g: np.where(ROWS > 0, g, 0)


@mistake(lambda a: np.roll(a, 1), "wrong direction", (ROW,))
def roll_on(a):
    return np.roll(a, 1), lambda g: np.roll(g, 1)


@mistake(np.ravel, "wrong order", (SQUARE,))
def ravel_in_columns(a):
    return a.reshape(-1), lambda g: g.reshape(a.shape).T


@mistake(lambda a: np.repeat(a, 2), "missing sum", (ROW,))
def repeat_first_only(a):
    return np.repeat(a, 2), lambda g: g[::2]


@mistake(np.sort, "order forgotten", (np.array([3.0, 1.0, 2.0]),))
def sort_in_place(a):
    return np.sort(a), lambda g: g


@mistake(lambda a: a[:, :2], "spilled over", (ROWS,))
def columns_spilled(a):
    return a[:, :2], lambda g: np.concatenate([g, g[:, :1]], axis=1)


@mistake(np.diagonal, "spread over the row", (SQUARE,))
def diagonal_spread(a):
    return np.diagonal(a), lambda g: g[:, None] * np.ones_like(a)
