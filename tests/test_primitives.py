"""Every primitive and every composition of the registry, on every sample of `samples.py`."""

import doctest

import numpy as np
import pytest

import tinygrad_nn as tn
from tests.samples import ROWS
from tinygrad_nn.primitive import COMPOSITIONS, PRIMITIVES, RULES

OWN = {name: primitive for name, primitive in PRIMITIVES.items() if "." not in name}
COMPOSED = {function.__name__: function for function in COMPOSITIONS.values()}
CASES = [
    pytest.param(name, sample, id=f"{name}-{number}")
    for name, row in ROWS.items()
    for number, sample in enumerate(row.samples)
]
every_sample = pytest.mark.parametrize(("name", "sample"), CASES)
every_sample_of_a_rule = pytest.mark.parametrize(("name", "sample"), [case for case in CASES if case.values[0] in OWN])


def is_array_of_floats(x):
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def mapped(change, operands):
    """Apply `change` to each array of floats among operands, of which some may be lists of operands."""
    if isinstance(operands, (tuple, list)):
        return type(operands)([mapped(change, x) for x in operands])
    return change(operands) if is_array_of_floats(operands) else operands


def flat(operands):
    """List operands, or results, with those that lists and tuples of them hold."""
    return [y for x in operands for y in flat(x)] if isinstance(operands, (tuple, list)) else [operands]


def floats(sample):
    return [x for x in flat(sample.operands) if is_array_of_floats(x)]


def call(function, sample, tensors):
    """Call a function on a sample with `tensors` in the place of its arrays of floats."""
    rest = iter(tensors)
    return function(*mapped(lambda _: next(rest), sample.operands), **sample.options)


def joined(result):
    """Return a result of several Tensors as one."""
    if not isinstance(result, (tuple, list)):
        return result
    return np.concatenate([np.ravel(x) for x in flat(result) if isinstance(x, tn.Tensor) and x.dtype.kind == "f"])


def callables(name):
    """Return what computes an operation: the function, and NumPy's functions that it stands for."""
    if name in COMPOSED:
        own = COMPOSED[name]
        return [own, *(twin for twin, composition in COMPOSITIONS.items() if composition is own is not twin)]
    primitive = OWN[name]
    functions = [function for function, rule in RULES.items() if rule is primitive]
    return [
        spread(function) if primitive.is_variadic and function in primitive.twins else function
        for function in functions
    ]


def spread(function):
    """Return a function of one sequence as one of its elements."""
    return lambda *arrays, **options: function(arrays, **options)


def function_of(name):
    return callables(name)[0]


def reference_of(name):
    return ROWS[name].reference or callables(name)[1]


def spellings_of(name):
    """Return every other way to write an operation: methods of Tensor and operators."""
    spellings = list(ROWS[name].spellings)
    otherwise = ("choose", "compress", "imag", "real", "reshape", "transpose")  # take their arguments otherwise
    refused = ("partition", "resize", "sort")  # would change the Tensor in place
    if hasattr(tn.Tensor, name) and name not in (*otherwise, *refused):
        spellings.append(lambda a, *rest, **options: getattr(a, name)(*rest, **options))
    return spellings


def test_every_operation_has_samples_and_every_row_an_operation():
    assert set(ROWS) == OWN.keys() | COMPOSED.keys()


@every_sample
def test_values_and_dtypes_are_those_of_numpy(name, sample):
    expected = flat([reference_of(name)(*sample.operands, **sample.options)])
    for function in callables(name):
        from_arrays = flat([function(*sample.operands, **sample.options)])
        from_tensors = flat([call(function, sample, [tn.Tensor(x) for x in floats(sample)])])
        assert not any(isinstance(result, tn.Tensor) for result in from_arrays)
        for results in (from_arrays, from_tensors):
            for result, wanted in zip(results, map(np.asarray, expected), strict=True):
                np.testing.assert_allclose(np.asarray(result), wanted, rtol=ROWS[name].rtol, atol=1e-300)
                assert np.asarray(result).dtype == wanted.dtype
                assert np.shape(result) == wanted.shape


@every_sample
def test_float32_stays_float32_unless_numpy_promotes_it(name, sample):
    others = [x for x in flat(sample.operands) if isinstance(x, np.ndarray) and x.dtype.kind == "i"]
    if name != "astype" and not others:
        singles = [x.astype(np.float32) for x in floats(sample)]
        tensors = [tn.Tensor(x, requires_grad=True) for x in singles]
        results = call(function_of(name), sample, tensors)
        expected = call(reference_of(name), sample, singles)
        for found, wanted in zip(flat([results]), flat([expected]), strict=True):
            if isinstance(found, tn.Tensor) and found.dtype.kind == "f":
                assert found.dtype == (np.float32 if ROWS[name].reference else wanted.dtype)
        result = joined(results)
        result.backward(np.ones(result.shape))
        assert {x.grad.dtype for x in tensors if x.grad is not None} <= {np.dtype(np.float32)}


@every_sample_of_a_rule
def test_operands_are_left_alone_and_never_handed_back(name, sample):
    operands = [np.array(x) if isinstance(x, np.ndarray) else x for x in sample.operands]
    for x in operands:
        if isinstance(x, np.ndarray):
            x.flags.writeable = False
    result, *closures = OWN[name].rule(*operands, **sample.options)
    gradient = np.ones_like(result)
    gradient.flags.writeable = False
    for operand, closure in zip(operands, closures, strict=True):
        assert result is not operand
        if closure is not None and is_array_of_floats(operand):
            closure(gradient)  # raises where it writes


@every_sample
def test_gradients_of_first_and_second_order_agree_with_finite_differences(name, sample):
    report = tn.gradcheck(lambda *tensors: joined(call(function_of(name), sample, tensors)), floats(sample), order=2)
    assert report.verdict.value == "PASS", str(report)


@pytest.mark.parametrize("constant", [lambda x: x, lambda x: tn.Tensor(x, requires_grad=True)], ids=["array", "Tensor"])
@every_sample_of_a_rule
def test_second_order_for_one_operand_is_the_same_whatever_the_others_are(name, sample, constant):
    places = [i for i, x in enumerate(sample.operands) if is_array_of_floats(x)]
    arrays = [sample.operands[i] for i in places]

    def second(f, x):
        """Return the gradient of the gradient, each for cotangents that are different everywhere."""
        u = np.cos(np.arange(f(*x).size)).reshape(np.shape(f(*x)))
        weights = [np.sin(1 + np.arange(a.size)).reshape(a.shape) for a in x]
        return tn.vjp(lambda *x: tn.vjp(f, *x)[1](u), *x)[1], weights

    def full(*tensors):
        given = dict(zip(places, tensors, strict=True))
        return function_of(name)(*(given.get(i, x) for i, x in enumerate(sample.operands)), **sample.options)

    pullback, weights = second(full, arrays)
    for n, (place, x) in enumerate(zip(places, arrays, strict=True)):

        def alone(tensor, place=place):
            others = [constant(y) if is_array_of_floats(y) else y for y in sample.operands]
            return function_of(name)(*others[:place], tensor, *others[place + 1 :], **sample.options)

        expected = pullback(tuple(w if i == n else np.zeros(w.shape) for i, w in enumerate(weights)))[n]
        only, (weight,) = second(alone, [x])
        np.testing.assert_allclose(only((weight,))[0], expected, rtol=1e-12, atol=1e-15)


@every_sample
def test_all_spellings_agree(name, sample):
    def value_and_gradients(function):
        tensors = [tn.Tensor(x, requires_grad=True) for x in floats(sample)]
        result = joined(call(function, sample, tensors))
        result.backward(np.cos(np.arange(result.size)).reshape(result.shape))
        return [result.numpy(), *(x.grad for x in tensors)]

    expected = value_and_gradients(function_of(name))
    for spelling in [*callables(name)[1:], *spellings_of(name)]:
        for found, wanted in zip(value_and_gradients(spelling), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


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
