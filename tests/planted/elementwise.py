"""Mistakes in rules that work element by element."""

import numpy as np

from tests.planted.gallery import MIXED, OTHER, POSITIVE, ROW, ROWS, TINY, gallery
from tinygrad_nn import nn

MISTAKES, mistake = gallery()


@mistake(np.multiply, "constant factor", (ROWS, OTHER))
def times_one_and_a_half(a, b):
    return a * b, lambda g: 1.5 * g * b, lambda g: g * a


@mistake(np.subtract, "wrong sign", (ROWS, OTHER), 1)
def subtract_with_plus(a, b):
    return a - b, lambda g: g, lambda g: g


@mistake(np.multiply, "gradient of another input", (ROWS, OTHER), 0, 1)
def multiply_exchanged(a, b):
    return a * b, lambda g: g * a, lambda g: g * b


@mistake(np.square, "incoming gradient forgotten", (ROWS,))
def square_without_gradient(a):
    return a * a, lambda g: 2 * a


@mistake(np.exp, "wrong derivative", (ROWS,))
def exp_as_power(a):
    return np.exp(a), lambda g: g * a * np.exp(a - 1)


@mistake(np.tanh, "wrong derivative", (ROWS,))
def tanh_not_squared(a):
    y = np.tanh(a)
    return y, lambda g: g * (1 - y)


@mistake(nn.sigmoid, "wrong sign inside", (ROWS,))
def sigmoid_plus(a):
    y = 1 / (1 + np.exp(-a))
    return y, lambda g: g * y * (1 + y)


@mistake(np.log, "reciprocal forgotten", (POSITIVE,))
def log_upside_down(a):
    return np.log(a), lambda g: g * a


@mistake(np.sqrt, "constant factor", (POSITIVE,))
def sqrt_without_half(a):
    y = np.sqrt(a)
    return y, lambda g: g / y


@mistake(np.power, "exponent not lowered", (POSITIVE, OTHER))
def power_not_lowered(a, b):
    return a**b, lambda g: g * b * a**b, lambda g: g * a**b * np.log(a)


@mistake(np.divide, "square forgotten", (ROWS, POSITIVE), 1)
def divide_by_b_once(a, b):
    return a / b, lambda g: g / b, lambda g: -g * a / b


@mistake(nn.leaky_relu, "branch forgotten", (ROWS,))
def leaky_relu_dead(a):
    return np.where(a > 0, a, 0.01 * a), lambda g: g * np.where(a > 0, 1.0, 0.0)


@mistake(np.maximum, "gradient of another input", (ROWS, OTHER), 0, 1)
def maximum_to_both(a, b):
    return np.maximum(a, b), lambda g: g, lambda g: g


@mistake(np.multiply, "severed", (ROWS, ROW), 1)
def multiply_severed(a, b):
    return a * b, lambda g: g * b, None


@mistake(np.sin, "zero", (ROWS,))
def sin_without_gradient(a):
    return np.sin(a), lambda g: 0 * g


@mistake(np.cos, "wrong sign", (ROWS,))
def cos_with_plus(a):
    return np.cos(a), lambda g: g * np.sin(a)


@mistake(np.square, "one element", (ROWS,))
def square_but_one(a):
    return a * a, lambda g: g * 2 * a * np.where(np.arange(a.size).reshape(a.shape) == 5, 1.01, 1.0)


@mistake(np.arctan, "square forgotten", (ROWS,))
def arctan_not_squared(a):
    return np.arctan(a), lambda g: g / (1 + np.abs(a))


@mistake(np.square, "only for some values", (ROWS,))
def square_capped(a):
    return a * a, lambda g: g * np.clip(2 * a, -1.5, 1.5)


@mistake(nn.relu, "branches exchanged", (ROWS,))
def relu_inverted(a):
    return np.maximum(a, 0), lambda g: g * np.where(a > 0, 0.0, 1.0)


@mistake(np.add, "a small leak from all elements", (ROWS, OTHER), 1)
def add_leaking(a, b):
    return a + b, lambda g: g, lambda g: g + 1e-3 * np.sum(g)


@mistake(np.square, "one tiny element", (MIXED,))
def square_but_tiny(a):
    return a * a, lambda g: g * 2 * a * TINY
