"""Every primitive and every composition of the registry: all that `check_primitive` asks for, on all samples."""

import doctest

import numpy as np
import pytest

import tinygrad_nn as tn
from tests import strategies
from tests.samples import ROWS
from tinygrad_nn.primitive import COMPOSITIONS, PRIMITIVES, RULES
from tinygrad_nn.testing import check_primitive

OWN = {name: primitive for name, primitive in PRIMITIVES.items() if "." not in name}
COMPOSED = {function.__name__: function for function in COMPOSITIONS.values()}
CASES = [
    pytest.param(name, sample, id=f"{name}-{number}")
    for name, row in ROWS.items()
    for number, sample in enumerate(row.samples)
]


def function_of(name):
    """Return what computes an operation: the function that the registry has from `tinygrad_nn.primitive`."""
    return COMPOSED[name] if name in COMPOSED else next(f for f, rule in RULES.items() if rule is OWN[name])


def reference_of(name):
    """Return an independent formula: of the samples, or NumPy's function."""
    twins = {**COMPOSITIONS, **RULES}
    own = COMPOSED.get(name) or OWN[name]
    return ROWS[name].reference or [function for function, found in twins.items() if found is own][1]


def spellings_of(name):
    """Return every other way to write an operation, beside NumPy's functions: methods of Tensor and operators."""
    spellings = list(ROWS[name].spellings)
    otherwise = ("choose", "compress", "imag", "real", "reshape", "transpose")  # take their arguments otherwise
    refused = ("partition", "resize", "sort")  # would change the Tensor in place
    if hasattr(tn.Tensor, name) and name not in (*otherwise, *refused):
        spellings.append(lambda a, *rest, **options: getattr(a, name)(*rest, **options))
    return spellings


def check(name, samples, **terms):
    row = ROWS[name]
    terms |= {"reference": row.reference, "spellings": spellings_of(name), "domain": row.domain}
    check_primitive(function_of(name), samples, **terms)


def test_every_operation_has_samples_and_every_row_an_operation():
    assert set(ROWS) == OWN.keys() | COMPOSED.keys()


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_every_promise_is_kept_on_every_sample(name, sample):
    check(name, [sample], rtol=ROWS[name].rtol, kinks=ROWS[name].kinks, elementwise=False, examples=0)


def check_examples(name, samples, examples, rng=0):
    check(name, strategies.RULES.get(name, samples), rtol=1e-9, examples=examples, rng=rng)


@pytest.mark.parametrize("name", sorted(OWN))
def test_every_promise_of_a_rule_is_kept_on_examples_that_nobody_chose(name):
    samples = ROWS[name].samples  # all of them are checked above: here some to begin with
    check_examples(name, samples[:: 1 + len(samples) // 3], 6)


SAMPLES_ALONE = {
    "bincount", "corrcoef", "poly", "polydiv", "polymul",  # differ from NumPy's where there are no elements
    "nanpercentile", "nanquantile",  # likewise, for NumPy forgets the axes of q
    "ravel", "tensorsolve",  # likewise, and where there are no axes
    "geomspace",  # refuses a range through 0, of which NumPy returns the first number if it is asked for one
    "frexp", "histogram2d", "norm",  # jump, or have kinks in their gradient, wherever they are drawn
}  # fmt: skip  # a set of names


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # such as NumPy's that there is no mean of nothing
@pytest.mark.parametrize("name", sorted((OWN.keys() | COMPOSED.keys()) - SAMPLES_ALONE))
def test_every_promise_of_an_operation_is_kept_on_many_examples(name):
    check_examples(name, ROWS[name].samples, 30 if name in OWN else 6, rng=1)  # others than above


@pytest.mark.parametrize("function", strategies.NETWORKS, ids=lambda function: function.__name__)
@pytest.mark.parametrize(("examples", "rng"), [(3, 0), pytest.param(20, 1, marks=pytest.mark.slow)])
def test_every_promise_is_kept_by_functions_of_networks(function, examples, rng):
    def call(*operands, **options):
        result = function(*operands, **options)
        is_given_tensors = any(isinstance(x, tn.Tensor) for x in operands)
        return result if is_given_tensors else tn.tensor.raw(result)  # for arrays, some return Tensors

    check_primitive(call, strategies.NETWORKS[function], examples=examples, rng=rng)


@pytest.mark.parametrize("name", OWN)
def test_examples_in_the_docstrings_of_rules(name):
    module = OWN[name].rule.__globals__
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for example in doctest.DocTestFinder().find(OWN[name].rule, name, globs=dict(module)):
        assert runner.run(example).failed == 0


@pytest.mark.parametrize(
    "name", ["sigmoid", "relu", "squared_error", "binary_cross_entropy", "binary_cross_entropy_with_logits"]
)
def test_functions_that_numpy_lacks_take_numbers_as_well(name):
    (sample,) = [s for s in ROWS[name].samples if all(isinstance(x, np.ndarray) and x.ndim == 0 for x in s.operands)]
    found = function_of(name)(*(float(x) for x in sample.operands))
    np.testing.assert_allclose(found, reference_of(name)(*sample.operands), rtol=1e-14)


# Conventions: what happens where a function has no derivative, or where the plain formula overflows.


def gradients(f, *arrays, order=1):
    """Return the gradients of the sum of `f` for each operand; of order 2, the gradients of the sum of these."""
    for _ in range(order - 1):
        f = summed_gradient(f, len(arrays))
    return tn.grad(lambda *x: f(*x).sum(), argnums=tuple(range(len(arrays))))(*map(np.asarray, arrays))


def summed_gradient(f, count):
    def summed(*x):
        return sum(g.sum() for g in tn.grad(lambda *x: f(*x).sum(), argnums=tuple(range(count)))(*x))

    return summed


@pytest.mark.parametrize(
    ("f", "at", "slope"),
    [
        (np.abs, [-2.0, 0.0, -0.0, 3.0], [-1, 0, 0, 1]),
        (tn.nn.relu, [-2.0, 0.0, -0.0, 3.0], [0, 0, 0, 1]),
        (lambda x: np.maximum(x, 1.0), [0.0, 1.0, 2.0], [0, 0.5, 1]),
        (lambda x: np.minimum(x, 1.0), [0.0, 1.0, 2.0], [1, 0.5, 0]),
        (lambda x: x.max(), [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
        (lambda x: x.min(), [1.0, 1.0, 1.0, 2.0], [1 / 3, 1 / 3, 1 / 3, 0]),
        (lambda x: x.max(axis=0), [[1.0, 5.0], [1.0, 2.0]], [[0.5, 1], [0.5, 0]]),
        (lambda x: x.max(axis=(0, 1)), [[1.0, 5.0], [5.0, 2.0]], [[0, 0.5], [0.5, 0]]),
        (lambda x: x.min(axis=1, keepdims=True), [[1.0, 1.0], [5.0, 2.0]], [[0.5, 0.5], [0, 1]]),
        (lambda x: x**0, [-1.0, 0.0, 2.0], [0, 0, 0]),
        (lambda x: x**0.0, [-1.0, 0.0, 2.0], [0, 0, 0]),
        (lambda x: x**1, [-1.0, 0.0, 2.0], [1, 1, 1]),
        (lambda x: x**2, [-1.0, 0.0, 2.0], [-2, 0, 4]),
        (lambda x: x ** np.array([0, 1, 2]), [0.0, 0.0, 0.0], [0, 1, 0]),
        (lambda y: 0.0**y, [0.0, 1.0, 2.0], [0, 0, 0]),
        (tn.nn.sigmoid, [-1000.0, 0.0, 1000.0], [0, 0.25, 0]),
        (lambda z: tn.nn.softmax(z)[0], [1000.0, -1000.0], [0, 0]),
        (lambda z: tn.nn.log_softmax(z)[1], [1000.0, -1000.0], [-1, 1]),
        (lambda z: tn.nn.log_softmax(z)[0], [1000.0, 1000.0], [0.5, -0.5]),
        (
            lambda z: tn.nn.binary_cross_entropy_with_logits(z, [1, 0, 1, 0], "sum"),
            [1000.0, 1000.0, -1000.0, -1000.0],
            [0, 1, -1, 0],
        ),
        (lambda p: tn.nn.binary_cross_entropy(p, [1, 0], "sum"), [1.0, 0.0], [-1, 1]),
        (lambda p: tn.nn.binary_cross_entropy(p, [0, 1], "sum"), [1.0, 0.0], [1e12, -1e12]),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_slopes_at_kinks_and_far_out_are_the_documented_ones(f, at, slope, dtype):
    (found,) = gradients(f, np.array(at, dtype))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, slope, rtol=1e-6, atol=1e-35)


def test_equal_operands_share_the_gradient():
    for f in (np.maximum, np.minimum):
        np.testing.assert_array_equal(gradients(f, [1.0, 2.0], [1.0, 2.0]), np.full((2, 2), 0.5))


@pytest.mark.parametrize(("name", "options"), [("avg_pool", {}), ("max_pool", {"dilation": (1, 1)})])
@pytest.mark.parametrize("shape", [(1, 1, 2, 0), (1, 1, 2, 3)])
def test_pooling_of_less_than_a_window_gives_no_elements_and_a_gradient_of_0(name, options, shape):
    x = tn.Tensor(np.ones(shape), requires_grad=True)
    y = function_of(name)(x, window=(3, 2), stride=(2, 1), **options)
    y.sum().backward()
    assert y.shape == (1, 1, 0, max(shape[-1] - 1, 0))
    np.testing.assert_array_equal(x.grad, np.zeros(shape))


def test_second_derivatives_of_powers_at_0():
    for exponent, expected in ((0, 0), (1, 0), (2, 2), (3, 0)):
        (found,) = gradients(lambda x, n=exponent: x**n, [0.0], order=2)
        np.testing.assert_array_equal(found, [expected])


def like(x, *values):
    return np.array(values, x.dtype)


def test_sqrt_has_an_infinite_slope_at_0():
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(gradients(np.sqrt, [0.0, 4.0])[0], [np.inf, 0.25])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("f", "at", "expected"),
    [
        (tn.nn.sigmoid, [-1000.0, -20.0, 1000.0], [0, 2.061153618e-09, 1]),
        (tn.nn.softmax, [1000.0, 1000.0, -1000.0], [0.5, 0.5, 0]),
        (tn.nn.log_softmax, [1000.0, -1000.0], [0, -2000]),
        (
            lambda z: tn.nn.binary_cross_entropy_with_logits(z, like(z, 1, 0, 1), "none"),
            [1000.0, 1000.0, -1000.0],
            [0, 1000, 1000],
        ),
        (lambda p: tn.nn.binary_cross_entropy(p, like(p, 1, 0, 1, 0), "none"), [1.0, 1.0, 0.0, 0.0], [0, 100, 100, 0]),
    ],
)
def test_values_far_out_are_exact_and_second_derivatives_finite(f, at, expected, dtype):
    at = np.array(at, dtype)
    np.testing.assert_allclose(f(at), expected, rtol=1e-6, atol=1e-35)
    assert f(at).dtype == dtype
    assert np.isfinite(gradients(f, at, order=2)).all()
