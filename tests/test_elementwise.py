"""Elementwise functions: slopes over the whole domain, conventions where there is none, and the ends of the range.

The references are NumPy's own functions of complex numbers, exact fractions, and formulas of `scipy.special`.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.special
from hypothesis import example, given
from hypothesis import strategies as st

import tinygrad_nn as tn
from tinygrad_nn import errors, nn
from tinygrad_nn.primitive import CONSTANTS, PRIMITIVES
from tinygrad_nn.primitives.special import erfc

INF, NAN = math.inf, math.nan


def slope(f, order=1):
    """Return the derivative of an elementwise function of one array."""
    for _ in range(order):
        f = tn.grad(lambda x, f=f: np.sum(f(x)))
    return f


def slopes(f, *at):
    """Return the derivatives of an elementwise function for each of its operands, as floats, with the mixed ones."""
    every = tuple(range(len(at)))
    points = [np.asarray(x, float) for x in at]
    gradient = tn.grad(f, argnums=every)
    second = [tn.grad(lambda *x, i=i: gradient(*x)[i], argnums=every)(*points) for i in every]
    return [float(x) for x in gradient(*points)], [float(x) for row in second for x in row]


# Slopes over the whole domain

DOMAINS = {
    np.negative: (-10, 10), np.positive: (-10, 10), np.absolute: (0.1, 10), np.fabs: (-10, -0.1),
    np.conjugate: (-10, 10), np.exp: (-30, 30), np.exp2: (-30, 30), np.expm1: (-30, 30), np.log: (1e-3, 1e6),
    np.log2: (1e-3, 1e6), np.log10: (1e-3, 1e6), np.log1p: (-0.99, 1e6), np.sqrt: (1e-3, 1e6), np.cbrt: (0.1, 1e3),
    np.square: (-1e3, 1e3), np.reciprocal: (0.01, 1e3), np.sin: (-10, 10), np.cos: (-10, 10), np.tan: (-1.5, 1.5),
    np.arcsin: (-0.999, 0.999), np.arccos: (-0.999, 0.999), np.arctan: (-1e3, 1e3), np.sinh: (-20, 20),
    np.cosh: (-20, 20), np.tanh: (-3, 3), np.arcsinh: (-1e3, 1e3), np.arccosh: (1.001, 1e3),
    np.arctanh: (-0.999, 0.999), np.deg2rad: (-400, 400), np.radians: (-400, 400), np.rad2deg: (-7, 7),
    np.degrees: (-7, 7),
}  # fmt: skip
STEPS = {np.sign, np.floor, np.ceil, np.trunc, np.rint}
OF_REALS = {np.negative, np.positive, np.absolute, np.fabs, np.conjugate, np.cbrt, np.deg2rad, np.radians, np.rad2deg,
            np.degrees}  # fmt: skip


def test_every_ufunc_of_one_operand_has_a_domain():
    twins = {twin for primitive in PRIMITIVES.values() for twin in primitive.twins}
    assert {f for f in twins if isinstance(f, np.ufunc) and f.nin == f.nout == 1} == DOMAINS.keys() | STEPS


@pytest.mark.parametrize("f", DOMAINS, ids=lambda f: f.__name__)
@given(data=st.data())
def test_slopes_are_those_of_a_complex_or_a_central_step(f, data):
    x = data.draw(st.floats(*DOMAINS[f]))
    if f in OF_REALS:
        expected = (f(x * (1 + 1e-5)) - f(x * (1 - 1e-5))) / (2e-5 * x) if abs(x) > 1e-200 else slope(f)(x)
        np.testing.assert_allclose(slope(f)(x), expected, rtol=1e-8)
    else:
        np.testing.assert_allclose(slope(f)(x), f(x + 1e-200j).imag / 1e-200, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("f", sorted(STEPS, key=str), ids=lambda f: f.__name__)
@given(x=st.floats(-100, 100))
@example(x=0.0)
@example(x=0.5)
def test_steps_have_slope_0_everywhere(f, x):
    tensor = tn.Tensor(x, requires_grad=True)
    f(tensor).backward()
    assert tensor.grad == 0


@given(a=st.floats(-1e3, 1e3), b=st.floats(-1e3, 1e3).filter(lambda b: abs(b) > 1e-3))
@example(a=6.0, b=-2.0)
@example(a=0.3, b=0.1)
@example(a=-7.5, b=2.5)
def test_remainders_have_the_quotient_for_their_slope(a, b):
    quotient = Fraction(a) / Fraction(b)
    for f, whole in ((np.remainder, math.floor(quotient)), (np.fmod, math.trunc(quotient))):
        first, second = slopes(f, a, b)
        assert first == [1, -whole]
        assert second == [0, 0, 0, 0]
    for tensor in (quotients := np.divmod(tn.Tensor(a), tn.Tensor(b))):
        assert isinstance(tensor, tn.Tensor)
    assert [float(x) for x in quotients] == list(map(float, np.divmod(a, b)))
    assert slopes(np.floor_divide, a, b) == ([0, 0], [0, 0, 0, 0])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives_of_sinc_are_exact_near_0(order):
    x = np.array([0.0, 1e-300, 1e-9, -1e-4, 0.01, -0.3, 0.5, 1.2, -2.0, 7.7])
    # sinc(x) is the mean of cos(pi x t) for t from 0 to 1
    t, weights = np.polynomial.legendre.leggauss(60)
    t, weights = (t + 1) / 2, weights / 2
    expected = ((math.pi * t) ** order * np.cos(math.pi * (np.outer(x, t) + order / 2))) @ weights
    scale = math.pi**order
    np.testing.assert_allclose(slope(np.sinc, order)(x), expected, atol=1e-14 * scale)
    single = slope(np.sinc, order)(x.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=1e-5 * scale)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_of_i0_are_bessel_functions(order):
    x = np.array([0.0, 1e-30, 1e-9, -0.5, 3.0, -30.0, 200.0, 700.0])
    sums = {1: [(1, 1)], 2: [(0, 1 / 2), (2, 1 / 2)], 3: [(1, 3 / 4), (3, 1 / 4)]}
    expected = sum(weight * scipy.special.iv(n, x) for n, weight in sums[order])
    np.testing.assert_allclose(slope(np.i0, order)(x), expected, rtol=1e-13)


# Conventions where there is no slope, and limits where the formula has none


@pytest.mark.parametrize(
    ("f", "at", "first", "second"),
    [
        (np.abs, [0.0], [0], [0]),
        (np.fabs, [-0.0], [0], [0]),
        (np.sign, [0.0], [0], [0]),
        (np.cbrt, [-8.0], [1 / 12], [1 / 144]),
        (np.hypot, [0.0, 0.0], [0, 0], [0, 0, 0, 0]),
        (np.hypot, [3e200, 4e200], [0.6, 0.8], [0, 0, 0, 0]),
        (np.arctan2, [0.0, 0.0], [0, 0], [0, 0, 0, 0]),
        (np.arctan2, [0.0, 2.0], [0.5, 0], [0, -0.25, -0.25, 0]),
        (np.arctan2, [1e200, 1e200], [0, 0], [0, 0, 0, 0]),
        (np.arctan, [1e300], [0], [0]),
        (np.arcsinh, [-1e300], [0], [0]),
        (np.arccosh, [1e300], [0], [0]),
        (np.copysign, [0.0, -1.0], [0, 0], [0, 0, 0, 0]),
        (np.copysign, [2.0, -0.0], [-1, 0], [0, 0, 0, 0]),
        (np.copysign, [-2.0, 0.0], [-1, 0], [0, 0, 0, 0]),
        (np.heaviside, [0.0, 0.5], [0, 1], [0, 0, 0, 0]),
        (np.heaviside, [1.0, 0.5], [0, 0], [0, 0, 0, 0]),
        (np.nextafter, [0.0, 1.0], [1, 0], [0, 0, 0, 0]),
        (np.maximum, [1.0, 1.0], [0.5, 0.5], [0, 0, 0, 0]),
        (np.minimum, [1.0, 1.0], [0.5, 0.5], [0, 0, 0, 0]),
        (np.fmax, [1.0, 1.0], [0.5, 0.5], [0, 0, 0, 0]),
        (np.fmin, [1.0, 1.0], [0.5, 0.5], [0, 0, 0, 0]),
        (np.fmax, [NAN, 1.0], [0, 1], [0, 0, 0, 0]),
        (np.fmin, [1.0, NAN], [1, 0], [0, 0, 0, 0]),
        (np.clip, [0.0, 0.0, 1.0], [1, 0, 0], [0] * 9),
        (np.clip, [1.0, 0.0, 1.0], [1, 0, 0], [0] * 9),
        (np.clip, [-1.0, 0.0, 1.0], [0, 1, 0], [0] * 9),
        (np.clip, [2.0, 0.0, 1.0], [0, 0, 1], [0] * 9),
        (np.clip, [0.5, 1.0, 0.0], [0, 0, 1], [0] * 9),
        (np.nan_to_num, [NAN], [0], [0]),
        (np.nan_to_num, [INF], [0], [0]),
        (np.real, [2.0], [1], [0]),
        (np.imag, [INF], [0], [0]),
        (np.angle, [-2.0], [0], [0]),
        (np.power, [0.0, 0.0], [0, 0], None),
        (np.power, [0.0, 2.0], [0, 0], None),
        (np.power, [2.0, 0.0], [0, math.log(2)], [0, 0.5, 0.5, math.log(2) ** 2]),
        (np.power, [-2.0, 3.0], [12, 0], None),
        (np.power, [-2.0, -1.0], [-0.25, 0], None),
        (np.power, [-2.0, 0.0], [0, 0], None),
        (lambda x: x**3, [-2.0], [12], [-12]),
        (lambda x: x**-1, [-2.0], [-0.25], [-0.25]),
        (lambda x: x**1.5, [0.0], [0], None),
        (lambda y: 0.0**y, [-1.0], None, None),
        (lambda y: (-2.0) ** y, [3.0], [0], [0]),
        (np.float_power, [-2.0, 3.0], [12, 0], None),
        (np.logaddexp, [-INF, -INF], [0.5, 0.5], [0] * 4),
        (np.logaddexp, [-INF, 0.0], [0, 1], [0] * 4),
        (np.logaddexp, [INF, 0.0], [1, 0], [0] * 4),
        (np.logaddexp, [INF, -INF], [1, 0], [0] * 4),
        (np.logaddexp, [INF, INF], [0.5, 0.5], [0] * 4),
        (np.logaddexp, [0.0, -40.0], [1, math.exp(-40)], None),
        (np.logaddexp2, [-INF, -INF], [0.5, 0.5], None),
        (np.logaddexp2, [-INF, 0.0], [0, 1], [0] * 4),
        (np.logaddexp2, [0.0, -50.0], [1, 2.0**-50], None),
        (nn.xlogy, [0.0, 0.0], [0, 0], None),
        (nn.xlogy, [0.0, 2.0], [math.log(2), 0], [0, 0.5, 0.5, 0]),
        (nn.xlogy, [0.0, -1.0], [0, 0], None),
        (nn.xlogy, [0.0, INF], [0, 0], None),
    ],
)
def test_slopes_where_a_formula_has_none_are_the_documented_ones(f, at, first, second):
    with np.errstate(divide="ignore"):  # powers of 0
        found = slopes(f, *at)
    assert not np.isnan(found[0]).any()
    for values, expected in zip(found, (first, second), strict=True):
        if expected is not None:
            np.testing.assert_allclose(values, expected, rtol=1e-13, atol=1e-200)


def test_slopes_that_are_infinite():
    with np.errstate(divide="ignore"):
        assert slope(np.sqrt)(0.0) == slope(np.cbrt)(0.0) == slope(np.arcsin)(1.0) == slope(np.arctanh)(-1.0) == INF
        assert slope(np.sqrt, 2)(0.0) == slope(np.arccos)(1.0) == -INF
        assert slope(np.arccosh)(1.0) == INF


def test_frexp_and_modf_keep_the_slope_in_the_part_that_moves():
    x = np.array([-2.75, 0.3, 0.0, 1e300])
    mantissa, exponent = np.frexp(tn.Tensor(x, requires_grad=True))
    assert isinstance(exponent, np.ndarray)
    np.testing.assert_array_equal(np.ldexp(mantissa.numpy(), exponent), x)
    np.testing.assert_array_equal(slope(lambda x: np.frexp(x)[0])(x), np.ldexp(1.0, -exponent))
    fraction, whole = np.modf(tn.Tensor([2.75, -INF, -0.5]))
    assert fraction.tolist() == [0.75, 0, -0.5]
    assert whole.tolist() == [2, -INF, 0]


def test_bounds_of_clip_that_are_nan_come_through_as_in_numpy():
    for bounds in ((NAN, 1.0), (0.0, NAN), (None, NAN)):
        assert np.isnan(np.clip(tn.Tensor([0.5]), *bounds).numpy()).all()
        assert np.isnan(np.clip(np.array([0.5]), *bounds)).all()


def test_nan_and_infinities_are_replaced_as_in_numpy():
    x = np.array([1.0, NAN, INF, -INF])
    for options in ({}, {"nan": 2.0, "posinf": 3.0, "neginf": 4.0}):
        np.testing.assert_array_equal(np.nan_to_num(tn.Tensor(x), **options).numpy(), np.nan_to_num(x, **options))


# Conditions


def test_piecewise_is_the_sound_way_to_leave_a_domain():
    x = np.array([-1.0, 0.0, 4.0])
    assert slope(lambda x: np.piecewise(x, [x > 0], [np.sqrt, 0]))(x).tolist() == [0, 0, 0.25]
    assert slope(lambda x: np.piecewise(x, [x > 0], [np.log, 0]), 2)(x).tolist() == [0, 0, -1 / 16]
    with np.errstate(all="ignore"):  # as the docstring of `where` says
        assert np.isnan(slope(lambda x: np.where(x > 0, np.sqrt(x), 0))(x)[:2]).all()


def test_piecewise_has_a_gradient_for_what_its_functions_use():
    scale = tn.Tensor(3.0, requires_grad=True)
    x = tn.Tensor([-1.0, 2.0, 4.0])
    np.piecewise(x, [x > 0], [lambda x: scale * x, scale]).sum().backward()
    assert scale.grad == 7


@pytest.mark.parametrize("condition", [[True, False], [False, False]])
def test_piecewise_of_numbers_has_slope_0(condition):
    assert slope(lambda x: np.piecewise(x, [np.array(condition)], [1.0, 2.0]))(np.ones(2)).tolist() == [0, 0]


def test_numbers_among_the_choices_do_not_raise_the_precision():
    x, mask = np.array([1.0, 2.0], np.float32), np.array([True, False])
    tensor = tn.Tensor(x, requires_grad=True)
    for f in (
        lambda x: np.select([mask, mask, ~mask], [x, 2.0, 3.0], 4.0),
        lambda x: np.choose([0, 2], [x, 2.0, 3.0]),
        lambda x: np.piecewise(x, [mask], [2.0, np.exp]),
        lambda x: np.clip(x, 0.0, 1.5),
        lambda x: np.where(mask, x, 0.0),
        lambda x: np.where(mask, x, np.zeros(2)),
    ):
        assert f(tensor).dtype == f(x).dtype
        np.testing.assert_array_equal(f(tensor).numpy(), f(x))


def test_where_with_one_argument_finds_what_is_not_0():
    tensor = tn.Tensor([0.0, 2.0, 3.0], requires_grad=True)
    assert [part.tolist() for part in np.where(tensor)] == [[1, 2]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: np.select([t > 0], [t, t]), errors.ArgumentError, "1 conditions and 2 choices"),
        (lambda t: np.choose([0, 2], [t, t]), errors.ArgumentError, "numbers of one of 2 choices, 0 to 1, got 0 to 2"),
        (lambda t: np.choose([0, 1], [t, t], mode="last"), errors.ArgumentError, "'raise', 'wrap' or 'clip'"),
        (lambda t: np.piecewise(t, [t > 0], [1, 2, 3]), errors.ArgumentError, "expected 1 functions, .* got 3"),
        (lambda t: np.clip(t, 0, 1, min=0), errors.ArgumentError, "one name for each bound"),
        (lambda t: np.nan_to_num(t, copy=False), errors.UnsupportedError, "copy=True"),
        (np.emath.sqrt, errors.UnsupportedError, "the result is complex"),
        (lambda t: np.ldexp(t, t), errors.UnsupportedError, "ldexp"),
        (lambda t: np.round(t, out=t), errors.UnsupportedError, "out"),
        (lambda t: np.where(t, t), errors.TinygradError, "where: expected the operands condition, x, y"),
        (lambda t: tn.Tensor([1, 2]) ** -1, errors.DtypeError, r"power: .*np\.float_power"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(call, error, message):
    with pytest.raises(error, match=message):
        call(tn.Tensor([1.0, 2.0], requires_grad=True))


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (np.isreal, [True, True]), (np.iscomplex, [False, False]), (np.isrealobj, True), (np.iscomplexobj, False),
        (np.signbit, [True, False]), (np.isneginf, [True, False]), (np.isposinf, [False, False]),
        (np.isfinite, [False, True]), (lambda t: np.array_equiv(t, [t, t]), True),
        (lambda t: np.array_equal(t, t), True), (lambda t: np.allclose(t, t), True),
        (lambda t: np.isclose(t, 2), [False, True]), (lambda t: np.logical_xor(t, 0), [True, True]),
    ],
)  # fmt: skip
def test_questions_are_answered_without_a_gradient(f, expected):
    answer = f(tn.Tensor([-INF, 2.0], requires_grad=True))
    assert not isinstance(answer, tn.Tensor)
    assert np.array_equal(answer, expected)


def test_whole_numbers_are_computed_with_as_in_numpy():
    tensor, x = tn.Tensor([6, 4]), np.array([6, 4])
    for f in (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift, np.gcd, np.lcm):
        assert f in CONSTANTS
        np.testing.assert_array_equal(f(tensor, 3), f(x, 3))
    np.testing.assert_array_equal(np.invert(tensor), np.invert(x))
    np.testing.assert_array_equal(np.bitwise_count(tensor), np.bitwise_count(x))


# The ends of the range

FAR = [sign * x for x in (1e-30, 1, 20, 100, 1000, 1e30, 1e300) for sign in (-1, 1)]


def bell(x):
    return 2 / np.sqrt(np.pi) * np.exp(-(np.minimum(np.abs(x), 100) ** 2))


def logistic_slope(x):
    return scipy.special.expit(x) * scipy.special.expit(-x)


RANGE = {
    nn.sigmoid: (
        scipy.special.expit,
        logistic_slope,
        lambda x: logistic_slope(x) * (scipy.special.expit(-x) - scipy.special.expit(x)),
    ),
    nn.softplus: (
        lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
        scipy.special.expit,
        logistic_slope,
    ),
    nn.log_sigmoid: (scipy.special.log_expit, lambda x: scipy.special.expit(-x), lambda x: -logistic_slope(x)),
    nn.erf: (scipy.special.erf, bell, lambda x: -2 * np.clip(x, -100, 100) * bell(x)),
    erfc: (scipy.special.erfc, lambda x: -bell(x), lambda x: 2 * np.clip(x, -100, 100) * bell(x)),
}


@pytest.mark.parametrize("f", RANGE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_special_functions_are_right_over_the_whole_range(f, dtype):
    x = np.array([v for v in FAR if abs(v) < float(np.finfo(dtype).max)] + [INF, -INF], dtype)
    wide = x.astype(np.float64)
    eps, tiny = np.finfo(dtype).eps, np.finfo(dtype).tiny
    for order, reference in enumerate(RANGE[f]):
        found = slope(f, order)(x)
        assert found.dtype == dtype
        # Values are exact to a few digits of what they are, slopes to a few of the largest slope: it is `1 - s` of a
        # sigmoid near 1 that loses the digits.
        np.testing.assert_allclose(found, reference(wide), rtol=1000 * eps, atol=tiny if order == 0 else 4 * eps)


@given(x=st.floats(-26, 26))
def test_error_functions_are_exact_to_the_last_digits(x):
    np.testing.assert_allclose(nn.erf(np.array(x)), scipy.special.erf(x), rtol=1e-15)
    np.testing.assert_allclose(erfc(np.array(x)), scipy.special.erfc(x), rtol=1e-13)
    np.testing.assert_allclose(slope(nn.erf)(x), bell(x), rtol=2e-13)


@given(st.lists(st.floats(-1e3, 1e3) | st.sampled_from([INF, -INF]), min_size=2, max_size=4))
@example([-INF, -INF])
@example([INF, INF, -INF])
@example([1e3, INF])
@example([1.0, 1.0, -1e3])
def test_logsumexp_is_finite_wherever_the_limit_is_and_shares_equal_infinities(values):
    x = np.array(values)
    assert nn.logsumexp(x) == pytest.approx(np.logaddexp.reduce(x), rel=1e-12, abs=1e-12)
    gradient = slope(nn.logsumexp)(x)
    largest = x.max()
    share = (x == largest) / np.sum(x == largest) if np.isinf(largest) else scipy.special.softmax(x)
    np.testing.assert_allclose(gradient, share, rtol=1e-12, atol=1e-300)
    assert np.isfinite(slope(nn.logsumexp, 2)(x)).all()
    if len(x) == 2:
        np.testing.assert_allclose(slopes(np.logaddexp, *x)[0], gradient, rtol=1e-12, atol=1e-300)


def test_second_derivatives_of_logsumexp_at_ties():
    x = np.array([1.0, 1.0])
    second = tn.grad(lambda x: slope(nn.logsumexp)(x)[0])(x)
    np.testing.assert_allclose(second, [0.25, -0.25], rtol=1e-15)


@pytest.mark.parametrize("f", [nn.sigmoid, nn.softplus, nn.log_sigmoid, nn.erf, erfc, nn.logsumexp, np.i0, np.sinc])
def test_functions_that_numpy_lacks_take_numbers_and_whole_numbers(f):
    assert float(f(2.0)) == pytest.approx(float(f(np.array(2.0))))
    assert f(np.array([2, 3])).dtype == np.float64 if f is not nn.logsumexp else np.float64(f(np.array([2, 3])))
