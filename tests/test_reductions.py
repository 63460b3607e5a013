"""Reductions, scans, sorting and statistics where samples do not reach: zeros, ties, NaN, emptiness, ufunc methods."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_nn as tn
from tinygrad_nn.errors import ArgumentError, DtypeError, ShapeError, TinygradError, UnsupportedError
from tinygrad_nn.primitive import COMPOSITIONS, RULES

NAN, INF = np.nan, np.inf


def gradient(f, x, order=1):
    """Return the gradient of ``sum f(x)``; of order 2, the gradient of the sum of that."""
    for _ in range(order):
        f = tn.grad(lambda t, f=f: np.sum(f(t)))
    return f(np.asarray(x, float))


def pulled_back(f, x, u):
    """Return what the gradient `u` of ``f(x)`` becomes at `x`."""
    return tn.vjp(f, np.asarray(x, float))[1](np.asarray(u, float))[0]


# Products: the gradient of one factor is the product of the others, with nothing divided by.

FACTORS = ([2.0, 3.0, 4.0], [2.0, 0.0, 4.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0], [0.0, 3.0, 0.0, 2.0, 0.0], [5.0], [0.0])


def product_without(x, *left_out):
    return math.prod(a for i, a in enumerate(x) if i not in left_out)


def mixed(x):
    """Return the second derivatives of a product: the product without two, and 0 on the diagonal."""
    n = range(len(x))
    return np.array([[0.0 if i == j else product_without(x, i, j) for j in n] for i in n])


@pytest.mark.parametrize("x", FACTORS)
def test_products_are_differentiated_exactly_whatever_is_zero(x):
    for f in (np.prod, np.nanprod, np.multiply.reduce, lambda t: np.cumprod(t)[-1]):
        np.testing.assert_array_equal(gradient(f, x), [product_without(x, i) for i in range(len(x))])
        np.testing.assert_array_equal(tn.hessian(f)(np.array(x)), mixed(x))


def test_products_over_several_axes_are_exact_too():
    x = np.array([[[0.0, 2.0], [3.0, 4.0]], [[5.0, 0.0], [0.0, 6.0]]])
    expected = np.zeros((2, 2, 2))
    for i in range(2):  # the middle axis is kept
        block = x[:, i].ravel()
        expected[:, i] = np.reshape([product_without(block, n) for n in range(4)], (2, 2))
    for axis in ((0, 2), (2, 0), (-1, -3)):
        np.testing.assert_array_equal(gradient(lambda t, axis=axis: np.prod(t, axis=axis), x), expected)


@pytest.mark.parametrize("x", FACTORS)
def test_running_products_are_differentiated_exactly_whatever_is_zero(x):
    u = np.arange(1.0, 1 + len(x))
    slopes = np.array(
        [[product_without(x[: k + 1], i) if i <= k else 0.0 for i in range(len(x))] for k in range(len(x))]
    )
    np.testing.assert_array_equal(pulled_back(np.cumprod, x, u), u @ slopes)
    curvature = sum(u[k] * np.pad(mixed(x[: k + 1]), (0, len(x) - k - 1)) for k in range(len(x)))
    np.testing.assert_array_equal(tn.hessian(lambda t: np.sum(u * np.cumprod(t)))(np.array(x)), curvature)


def test_third_derivatives_of_a_product():
    third = tn.grad(lambda x: tn.grad(lambda y: tn.grad(np.prod)(y)[0])(x)[1])(np.array([0.0, 0.0, 0.0, 7.0]))
    np.testing.assert_array_equal(third, [0, 0, 7, 0])


# Ties share the gradient evenly.


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x: np.max(x, axis=(0, 1)), [[1.0, 5.0], [5.0, 5.0]], [[0, 1 / 3], [1 / 3, 1 / 3]]),
        (lambda x: np.min(x, axis=0, keepdims=True), [[1.0, 5.0], [1.0, 2.0]], [[0.5, 0], [0.5, 1]]),
        (lambda x: np.max(x, initial=2.0), [1.0, 2.0, 2.0], [0, 1 / 3, 1 / 3]),
        (lambda x: np.max(x, initial=5.0), [1.0, 2.0, 2.0], [0, 0, 0]),
        (lambda x: np.max(x, initial=0.0), [1.0, 2.0, 2.0], [0, 0.5, 0.5]),
        (lambda x: np.max(x, initial=0.0, where=[True, True, False]), [1.0, 2.0, 2.0], [0, 1, 0]),
        (lambda x: np.max(x, initial=0.0, where=False), [1.0, 2.0], [0, 0]),
        (lambda x: np.max(x, axis=1), [[1.0, NAN], [NAN, NAN]], [[0, 1], [0.5, 0.5]]),
        (np.min, [1.0, NAN, 0.0, NAN], [0, 0.5, 0, 0.5]),
        (lambda x: np.max(x, initial=NAN), [1.0, 2.0], [0, 0]),
        (np.nanmax, [1.0, NAN, 3.0, 3.0], [0, 0, 0.5, 0.5]),
        (lambda x: np.nanmin(x, axis=0), [[NAN, 1.0], [2.0, NAN]], [[0, 1], [1, 0]]),
        (np.fmin.reduce, [1.0, NAN, 1.0], [0.5, 0, 0.5]),
        (np.ptp, [1.0, 3.0, 3.0], [-1, 0.5, 0.5]),
        (np.ptp, [2.0, 2.0], [0, 0]),
        (lambda x: np.maximum.accumulate(x)[2:], [1.0, 1.0, 0.0, 2.0, 2.0], [0.5, 0.5, 0, 1.5, 0.5]),
        (np.minimum.accumulate, [1.0, NAN, 0.0], [1, 2, 0]),
        (np.median, [1.0, 1.0, 2.0, 1.0], [1 / 3, 1 / 3, 0, 1 / 3]),
        (np.median, [3.0, 1.0, 2.0, 1.0], [0, 0.25, 0.5, 0.25]),
        (np.median, [1.0, NAN, 2.0, NAN], [0, 0.5, 0, 0.5]),
        (np.median, [1.0, INF, INF], [0, 0.5, 0.5]),
        (np.nanmedian, [1.0, NAN, 2.0, 5.0, 2.0], [0, 0, 0.5, 0, 0.5]),
        (lambda x: np.quantile(x, 0.25), [1.0, 2.0, 2.0, 3.0, 2.0], [0, 1 / 3, 1 / 3, 0, 1 / 3]),
        (lambda x: np.quantile(x, [0.0, 1.0]), [1.0, 1.0, 5.0], [0.5, 0.5, 1]),
        (lambda x: np.percentile(x, 10), [[7.0, 7.0], [7.0, 7.0]], [[0.25, 0.25], [0.25, 0.25]]),
        (
            lambda x: np.nanquantile(x, [0.5, 1.0], axis=1),
            [[1.0, NAN, 3.0], [NAN, NAN, NAN]],
            [[0.5, 0, 1.5], [0, 0, 0]],
        ),
        (lambda x: np.sort(x)[-1], [3.0, 1.0, 3.0], [0.5, 0, 0.5]),
        (lambda x: np.partition(x, 1, axis=None)[:2], [[3.0, 1.0], [1.0, 3.0]], [[0, 1], [1, 0]]),
        (lambda x: np.sort(x)[:1], [NAN, 1.0], [0, 1]),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_ties_share_the_gradient_and_nan_has_it_only_where_it_is_the_result(f, x, slope, dtype):
    x = np.array(x, dtype)
    found = tn.grad(lambda t: np.sum(f(t)))(x)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, slope, rtol=1e-6)
    np.testing.assert_array_equal(gradient(f, x, order=2), np.zeros(x.shape))


def test_a_median_at_infinity_is_the_one_of_numpy():
    for x in ([1.0, INF, INF], [-INF, 2.0], [INF], [1.0, 2.0, INF, INF]):
        np.testing.assert_array_equal(np.median(tn.Tensor(x)).numpy(), np.median(x))


# Spreads: the standard deviation has gradient 0 where it is 0.


def test_standard_deviation_of_equal_numbers_has_gradient_0():
    x = np.array([[2.0, 2.0, 2.0], [1.0, 2.0, 3.0]])
    expected = np.array([[0, 0, 0], [-1, 0, 1]]) / (3 * np.sqrt(2 / 3))
    for f in (np.std, np.nanstd):
        np.testing.assert_allclose(gradient(lambda t, f=f: f(t, axis=1), x), expected, rtol=1e-14)
        np.testing.assert_array_equal(tn.hessian(f)(x[0]), np.zeros((3, 3)))
        np.testing.assert_array_equal(gradient(lambda t, f=f: f(t, axis=()), x), np.zeros((2, 3)))


def test_masked_nan_and_infinity_leave_no_trace_in_the_gradient():
    x = np.array([1.0, NAN, 4.0, INF])
    where = np.isfinite(x)
    for f in (np.mean, np.var, np.std, np.sum, np.prod, np.nanmean, np.nanvar):
        masked = lambda t, f=f: f(t, where=where)  # noqa: E731
        alone = gradient(f, [1.0, 4.0])
        np.testing.assert_allclose(gradient(masked, x), [alone[0], 0, alone[1], 0], rtol=1e-15)
        assert np.isfinite(gradient(masked, x, order=2)).all()


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (np.nansum, [[1, 0, 1], [0, 0, 0]]),
        (np.nanprod, [[3, 0, 1], [0, 0, 0]]),
        (np.nanmean, [[0.5, 0, 0.5], [0, 0, 0]]),
        (np.nanvar, [[-1, 0, 1], [0, 0, 0]]),
        (np.nanstd, [[-0.5, 0, 0.5], [0, 0, 0]]),
        (np.nancumsum, [[3, 0, 1], [0, 0, 0]]),
        (np.nancumprod, [[5, 0, 1], [0, 0, 0]]),
    ],
)
@pytest.mark.filterwarnings("ignore:Mean of empty slice:RuntimeWarning", "ignore:Degrees of freedom:RuntimeWarning")
def test_nan_gets_gradient_0_and_gives_none(f, expected):
    x = np.array([[1.0, NAN, 3.0], [NAN, NAN, NAN]])
    np.testing.assert_array_equal(f(tn.Tensor(x), axis=1).numpy(), f(x, axis=1))
    np.testing.assert_array_equal(gradient(lambda t: f(t, axis=1), x), expected)
    assert np.isfinite(gradient(lambda t: f(t, axis=1), x, order=2)).all()


# Emptiness.


def test_reductions_of_nothing_are_those_of_numpy():
    x = np.zeros((0, 3))
    for f in (
        np.sum,
        np.prod,
        np.nansum,
        lambda t: np.sum(t, axis=0, initial=2.0),
        lambda t: np.prod(t, axis=1),
        lambda t: np.max(t, axis=0, initial=-1.0),
        lambda t: np.max(t, axis=1),
        lambda t: np.mean(t, axis=1),
        lambda t: np.median(t, axis=1, keepdims=True),
        np.cumsum,
        lambda t: np.cumprod(t, axis=0),
        lambda t: np.sort(t, axis=0),
        np.hypot.reduce,
        lambda t: np.logaddexp.reduce(t, keepdims=True),
        np.subtract.accumulate,
    ):
        t = tn.Tensor(x, requires_grad=True)
        y = f(t)
        np.testing.assert_array_equal(y.numpy(), f(x))
        assert y.shape == np.shape(f(x))
        y.sum().backward()
        assert t.grad.shape == (0, 3)


@pytest.mark.filterwarnings("ignore:Mean of empty slice:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_averages_of_nothing_are_nan_and_extremes_an_error():
    for f in (np.mean, np.median, np.nanmedian):
        assert np.isnan(f(tn.Tensor(np.zeros(0))).numpy())
    for f in (np.max, np.min):
        with pytest.raises(ShapeError, match="no identity"):
            f(tn.Tensor(np.zeros(0)))
    with pytest.raises(ArgumentError, match=r"quantile: expected at least one element .* got none"):
        np.quantile(tn.Tensor(np.zeros((0, 2))), 0.5, axis=0)


@pytest.mark.filterwarnings("ignore:All-NaN:RuntimeWarning")
def test_nothing_but_nan_has_gradient_0():
    for f in (np.nanmax, np.nanmin, np.fmax.reduce):
        assert np.isnan(f(tn.Tensor([NAN, NAN])).numpy())
        np.testing.assert_array_equal(gradient(f, [NAN, NAN]), [0, 0])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_covariances_of_too_few_observations_are_those_of_numpy():
    x = np.array([[1.0, 2.0], [4.0, 3.0]])
    for ddof in (2, 3):
        np.testing.assert_array_equal(np.cov(tn.Tensor(x), ddof=ddof).numpy(), np.cov(x, ddof=ddof))
    np.testing.assert_array_equal(np.var(tn.Tensor(x), ddof=5).numpy(), np.var(x, ddof=5))


# Quantiles, by all of NumPy's methods.

METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull",
    "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_quantiles_by_every_method_are_linear_in_the_elements(method, count):
    x = np.random.default_rng(count).normal(size=count)
    q = np.array([0.0, 0.03, 0.25, 0.5, 0.77, 1.0])
    np.testing.assert_allclose(
        np.quantile(tn.Tensor(x), q, method=method).numpy(), np.quantile(x, q, method=method), rtol=1e-13
    )
    for i, one in enumerate(q):
        step = 1e-7
        numeric = [
            (np.quantile(x + step * e, one, method=method) - np.quantile(x - step * e, one, method=method)) / (2 * step)
            for e in np.eye(count)
        ]
        u = np.arange(len(q)) == i
        np.testing.assert_allclose(
            pulled_back(lambda t: np.quantile(t, q, method=method), x, u), numeric, rtol=1e-6, atol=1e-7
        )


@given(
    x=hnp.arrays(np.float64, st.integers(1, 9), elements=st.integers(-2, 2)),
    q=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]),
)
def test_gradients_of_quantiles_are_weights_equal_for_equal_elements(x, q):
    found = gradient(lambda t: np.quantile(t, q), x)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(), 1, rtol=1e-14)
    np.testing.assert_allclose(found @ x, np.quantile(x, q), rtol=1e-14, atol=1e-14)
    for value in x:
        assert np.ptp(found[x == value]) == 0


@given(x=hnp.arrays(np.float64, hnp.array_shapes(max_dims=2, max_side=5), elements=st.integers(-2, 2)))
def test_sorting_carries_each_gradient_to_the_elements_that_have_its_value(x):
    u = np.random.default_rng(0).normal(size=x.shape)
    for f in (np.sort, lambda t: np.partition(t, 0)):
        found, out = pulled_back(f, x, u), f(x)
        for row_found, row_x, row_u, row_out in zip(
            *(a.reshape(-1, a.shape[-1]) for a in (found, x, u, out)), strict=True
        ):
            for place, value in enumerate(row_x):
                np.testing.assert_allclose(row_found[place], row_u[row_out == value].mean(), rtol=1e-12, atol=1e-15)


# Axes, masks and kept axes in all combinations.


@st.composite
def reductions(draw):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=3))
    axis = draw(st.none() | st.integers(-len(shape), len(shape) - 1) | hnp.valid_tuple_axes(len(shape)))
    mask = draw(
        st.sampled_from([True]) | hnp.arrays(np.bool_, hnp.broadcastable_shapes(shape, max_dims=len(shape), max_side=3))
    )
    if mask is not True and np.broadcast_shapes(mask.shape, shape) != shape:
        mask = True
    size = math.prod(shape)
    x = draw(st.permutations(range(1, size + 1)))
    return np.array(x, float).reshape(shape) / 3, {"axis": axis, "keepdims": draw(st.booleans()), "where": mask}


@given(case=reductions())
def test_sums_products_and_extremes_for_all_axes_and_masks(case):
    x, options = case
    starts = {np.sum: 0.5, np.prod: 2.0, np.max: -1.0, np.min: 100.0, np.nansum: 0.5, np.nanmax: -1.0}
    for f, initial in starts.items():
        value = f(x, **options, initial=initial)
        np.testing.assert_allclose(f(tn.Tensor(x), **options, initial=initial).numpy(), value, rtol=1e-14)
        u = np.cos(np.arange(value.size)).reshape(np.shape(value))
        found = pulled_back(lambda t, f=f, i=initial: f(t, **options, initial=i), x, u)
        step = 1e-6
        numeric = np.reshape(
            [
                np.sum(u * (f(x + d, **options, initial=initial) - f(x - d, **options, initial=initial))) / (2 * step)
                for d in step * np.eye(x.size).reshape(-1, *x.shape)
            ],
            x.shape,
        )
        np.testing.assert_allclose(found, numeric, rtol=1e-6, atol=1e-6 * max(1, np.max(np.abs(value))))


@given(case=reductions(), ddof=st.sampled_from([0, 1]))
def test_averages_for_all_axes_and_masks(case, ddof):
    x, options = case
    count = np.sum(np.broadcast_to(options["where"], x.shape), axis=options["axis"], keepdims=True)
    assume((count > ddof + 1).all())  # enough for a spread that is not 0
    for f, more in ((np.mean, {}), (np.var, {"ddof": ddof}), (np.std, {"ddof": ddof}), (np.nanvar, {"ddof": ddof})):
        value = f(x, **options, **more)
        np.testing.assert_allclose(f(tn.Tensor(x), **options, **more).numpy(), value, rtol=1e-13)
        u = np.cos(np.arange(value.size)).reshape(np.shape(value))
        found = pulled_back(lambda t, f=f, more=more: f(t, **options, **more), x, u)
        numeric = [
            np.sum(u * (f(x + d, **options, **more) - f(x - d, **options, **more))) / 2e-5
            for d in 1e-5 * np.eye(x.size).reshape(-1, *x.shape)
        ]
        np.testing.assert_allclose(found, np.reshape(numeric, x.shape), rtol=1e-6, atol=1e-7)


# Methods of Tensor, and of ufuncs.


def test_methods_take_the_options_of_numpy_and_agree_with_its_functions():
    x = np.array([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]])
    mask = x > 1.5
    t = tn.Tensor(x, requires_grad=True)
    for name, options in itertools.product(
        ("sum", "mean", "prod", "var", "std"), ({}, {"axis": 1}, {"where": mask}, {"dtype": np.float32, "axis": 0})
    ):
        found = getattr(t, name)(**options)
        np.testing.assert_allclose(found.numpy(), getattr(np, name)(x, **options), rtol=1e-6)
        assert found.dtype == options.get("dtype", np.float64)
        assert found.requires_grad
    for name in ("max", "min"):
        options = {"axis": 0, "initial": 3.5, "where": mask, "keepdims": True}
        np.testing.assert_array_equal(getattr(t, name)(**options).numpy(), getattr(np, name)(x, **options))
    for name in ("cumsum", "cumprod"):
        np.testing.assert_array_equal(getattr(t, name)(axis=1).numpy(), getattr(np, name)(x, axis=1))
    for name in ("argmax", "argmin", "argsort", "any", "all"):
        np.testing.assert_array_equal(getattr(t, name)(axis=1), getattr(np, name)(x, axis=1))
    np.testing.assert_array_equal(t[0].searchsorted(2.5), np.searchsorted(x[0], 2.5))
    with pytest.raises(TypeError):
        t.sum(foo=1)


def test_results_that_have_no_gradient_are_arrays():
    x = np.array([3.0, 1.0, NAN, 2.0])
    t = tn.Tensor(x, requires_grad=True)
    for found, expected in (
        (np.argmax(t), np.argmax(x)),
        (np.nanargmin(t), np.nanargmin(x)),
        (np.count_nonzero(t), 4),
        (np.argsort(t), np.argsort(x)),
        (np.lexsort((t, t)), np.lexsort((x, x))),
        (np.argpartition(t, 1)[1], np.argpartition(x, 1)[1]),
        (np.digitize(t[:2], [2.0]), [1, 0]),
        (np.histogram(t[:2], 2)[0], [1, 1]),
        (np.histogram2d(t[:2], t[:2], 1)[0], [[2.0]]),
        (np.histogram_bin_edges(t[:2], 1), [1, 3]),
        (np.bincount(tn.Tensor([0, 2, 2])), [1, 0, 2]),
        (np.logical_and.reduce(t), True),
        (np.greater.outer(t[:2], t[:2]), [[False, True], [False, False]]),
        (np.logical_or.accumulate(t), [True] * 4),
    ):
        assert not isinstance(found, tn.Tensor)
        np.testing.assert_array_equal(found, expected)
    assert np.histogram(t[:2], 2)[0].dtype == int


BINARY = [
    ufunc
    for ufunc in dict.fromkeys(f for f in (*RULES, *COMPOSITIONS) if isinstance(f, np.ufunc))
    if ufunc.nin == 2 and ufunc.nout == 1 and ufunc.signature is None and ufunc is not np.ldexp  # takes whole numbers
]
POINT = np.array([[1.3, 0.7], [0.9, 1.6], [1.1, 0.4]])


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda ufunc: ufunc.__name__)
@pytest.mark.parametrize(
    ("method", "order"),
    [
        pytest.param(lambda f: f.reduce, 2, id="reduce"),
        pytest.param(lambda f: lambda x: f.reduce(x, axis=-1, keepdims=True), 1, id="reduce_last"),
        pytest.param(lambda f: lambda x: f.reduce(x[:1, 0]), 2, id="reduce_one"),
        pytest.param(lambda f: lambda x: f.accumulate(x, axis=1), 2, id="accumulate"),
        pytest.param(lambda f: f.accumulate, 1, id="accumulate_first"),
        pytest.param(lambda f: lambda x: f.reduceat(x, [0, 2, 1]), 1, id="reduceat"),
        pytest.param(lambda f: lambda x: f.outer(x[:2, 0], x[0]), 2, id="outer"),
    ],
)
def test_methods_of_every_binary_ufunc(ufunc, method, order):
    f = method(ufunc)
    found = f(tn.Tensor(POINT))
    assert isinstance(found, tn.Tensor)
    np.testing.assert_allclose(found.numpy(), f(POINT), rtol=1e-14)
    assert found.shape == f(POINT).shape
    tn.gradcheck(f, [POINT], order=order)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum, np.fmin, np.logaddexp, np.hypot, np.logaddexp2])
def test_reductions_by_ufuncs_whose_order_does_not_matter(ufunc):
    x = POINT.reshape(3, 1, 2)
    mask = np.array([True, False, True]).reshape(3, 1, 1)
    for options in (
        {"axis": None},
        {"axis": (0, 2)},
        {"axis": (2, 0), "keepdims": True},
        {"axis": (), "keepdims": True},
        {"axis": 0, "initial": 0.5},
        {"axis": (0, -1), "where": mask, "initial": 0.25},
        {"axis": 0, "dtype": np.float32},
    ):
        found = ufunc.reduce(tn.Tensor(x), **options)
        np.testing.assert_allclose(found.numpy(), ufunc.reduce(x, **options), rtol=1e-6)
        assert found.dtype == options.get("dtype", np.float64)
        assert found.shape == ufunc.reduce(x, **options).shape
        if "dtype" not in options:
            tn.gradcheck(lambda t, options=options: ufunc.reduce(t, **options), [x])


def test_ufunc_methods_of_several_operands():
    a, b = POINT[0], POINT[:, 1]
    for ufunc in (np.multiply, np.divide, np.hypot):
        tn.gradcheck(ufunc.outer, [a, b], order=2)
        np.testing.assert_array_equal(ufunc.outer(a, tn.Tensor(b)).numpy(), ufunc.outer(a, b))
        np.testing.assert_array_equal(ufunc.outer(tn.Tensor(a), 2.0).numpy(), ufunc.outer(a, 2.0))
    np.testing.assert_array_equal(
        np.subtract.reduce(tn.Tensor(a), initial=5.0).numpy(), np.subtract.reduce(a, initial=5.0)
    )
    assert np.add.accumulate(tn.Tensor(a), dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: np.add.at(t, [0], 1.0), UnsupportedError, r"numpy.add.at: .* in place. Write t = t.at\[indices\]"),
        (lambda t: np.greater.at(t, [0], 1.0), UnsupportedError, "in place"),
        (lambda t: np.add.reduce(t, out=np.zeros(2)), UnsupportedError, "out"),
        (lambda t: np.cumsum(t, out=np.zeros(4)), UnsupportedError, "out"),
        (lambda t: np.nansum(t, out=np.zeros(())), UnsupportedError, "out"),
        (np.exp.reduce, ValueError, "binary"),
        (lambda t: np.matmul.outer(t, t), TypeError, "signature"),
        (lambda t: np.subtract.reduce(t, axis=(0, 1)), ValueError, "not reorderable"),
        (lambda t: np.divide.reduce(t, where=[True, False]), ValueError, "initial"),
        (lambda t: np.sum(t, axis=2), ShapeError, r"sum: .* axis 2 is out of bounds"),
        (lambda t: np.sum(t, dtype=int), DtypeError, "sum: expected a floating dtype .* got int64"),
        (lambda t: np.cumprod(t, dtype="int32"), DtypeError, "cumprod: expected a floating dtype .* got int32"),
        (lambda t: np.power.reduce(t, dtype=int), DtypeError, "power: expected a floating dtype"),
        (lambda t: np.sum(t, initial=tn.Tensor(1.0, requires_grad=True)), UnsupportedError, "'initial'"),
        (lambda t: np.max(t, where=[True, False]), ShapeError, "initial"),
        (lambda t: np.median(t, axis=3), ValueError, "axis 3 is out of bounds"),
        (lambda t: np.quantile(t, tn.Tensor(0.5, requires_grad=True)), UnsupportedError, "quantile: expected 'q'"),
        (lambda t: np.percentile(t, tn.Tensor(5.0, requires_grad=True)), UnsupportedError, "percentile: expected 'q'"),
        (lambda t: np.quantile(t, 0.5, weights=[1.0, 2.0], axis=1), UnsupportedError, "weights"),
        (lambda t: np.quantile(t, 1.5), ValueError, "range"),
        (lambda t: np.var(t, ddof=1, correction=1), ArgumentError, "var: expected 'ddof' or 'correction', got both"),
        (lambda t: np.average(t, weights=[1.0, 2.0]), ShapeError, r"average: .* \(2, 2\).* got \(2,\) with axis=None"),
        (lambda t: np.average(t, 0, [1.0, -1.0]), ArgumentError, "average: .* not 0"),
        (np.cumulative_sum, ArgumentError, "cumulative_sum: expected 'axis'"),
        (lambda t: np.diff(t, n=-1), ArgumentError, "diff: .* got -1"),
        (lambda t: np.gradient(t, 1.0, 2.0, 3.0), ArgumentError, "gradient: .* got 3"),
        (lambda t: np.gradient(t, edge_order=3), ArgumentError, "gradient: expected edge_order 1 or 2, got 3"),
        (lambda t: np.gradient(t, edge_order=2), ShapeError, "gradient: expected at least .* 3 samples"),
        (lambda t: np.cov(t[None]), ShapeError, r"cov: expected at most two axes.* got the shape \(1, 2, 2\)"),
        (lambda t: np.bincount([0, 1], t), ShapeError, "bincount: expected a weight for each number"),
        (lambda t: np.bincount(t[0]), UnsupportedError, "bincount: expected 'x' to be a constant"),
        (lambda t: np.sort(t, order="x"), UnsupportedError, "order"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, error, message):
    t = tn.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    with pytest.raises(error, match=message):
        call(t)
    np.testing.assert_array_equal(t.numpy(), [[1, 2], [3, 4]])
    assert issubclass(error, TinygradError) or error in (ValueError, TypeError)


# What only large or odd inputs show.


def test_averages_of_float16_do_not_overflow():
    x = tn.Tensor(np.ones(70000, np.float16), requires_grad=True)
    assert np.mean(x).item() == 1.0
    assert np.mean(x).dtype == np.float16


def test_long_running_products_keep_their_zeros_and_their_speed():
    x = np.full(5000, 1.0)
    x[[10, 4000]] = 0.0
    expected = np.zeros(5000)
    expected[:10] = 10 - np.arange(10)  # each of the ones before the first zero counts until that
    expected[10] = 4000 - 10
    np.testing.assert_array_equal(gradient(np.cumprod, x), expected)


def test_variables_that_never_vary_have_a_covariance_with_a_gradient():
    x = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]])
    tn.gradcheck(np.cov, [x], order=2)


def test_integers_are_reduced_as_numpy_reduces_them():
    x = np.array([[3, 1, 2], [4, 6, 5]])
    t = tn.Tensor(x)
    for f in (
        np.sum,
        np.prod,
        np.max,
        np.mean,
        np.var,
        np.std,
        np.median,
        np.cumsum,
        np.cumprod,
        np.ptp,
        np.sort,
        np.diff,
        np.nansum,
        np.nanmax,
        lambda a: np.quantile(a, 0.3),
        lambda a: np.quantile(a, 0.3, method="lower"),
    ):
        np.testing.assert_allclose(np.asarray(f(t)), f(x), rtol=1e-14)
        assert f(t).dtype == f(x).dtype
