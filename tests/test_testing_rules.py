"""Rules of all kinds as an author writes them, each right and with one plausible mistake: one call tells them apart."""

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn.errors import BrokenPromise
from tinygrad_nn.testing import Case, check_primitive

NORMAL = np.random.default_rng(0).normal
MATRIX = NORMAL(size=(3, 3)) + 3 * np.eye(3)
RULES = []


def rule(mistake, samples=None, promise="gradient of order 1", **terms):
    """Register what makes a rule: right if it is told so, and else with the mistake."""
    return lambda make: RULES.append(pytest.param(make, samples, promise, terms, id=mistake)) or make


@rule("a factor of the chain rule is missing")
def swish(*, right):
    def swish(a):
        s = 0.5 * (1 + np.tanh(a / 2))
        return a * s, lambda g: g * (s + (a if right else 1) * s * (1 - s))

    return swish


@rule("inf / inf far out, where the slope is 0")
def sigmoid(*, right):
    def sigmoid(a):
        s = 1 / (1 + np.exp(-a))
        return s, lambda g: g * s * (1 - s) if right else g * np.exp(-a) / (1 + np.exp(-a)) ** 2

    return sigmoid


@rule("wrong sign of the square, on a domain that nobody tells")
def arcsine(*, right):
    return lambda a: (np.arcsin(a), lambda g: g / np.sqrt(1 - a * a if right else 1 + a * a))


@rule("the root is missing, on a domain that nobody tells")
def arccosine(*, right):
    return lambda a: (np.arccosh(a), lambda g: g / (np.sqrt(a * a - 1) if right else a * a - 1))


@rule("a factor is missing, on a domain between 0 and 1")
def logit(*, right):
    return lambda p: (np.log(p / (1 - p)), lambda g: g / (p * (1 - p) if right else p))


@rule("the axis is counted from the front", [Case(NORMAL(size=(3, 4)), axis=1)], "")
def root_mean_square(*, right):
    def root_mean_square(a, /, axis=0):
        value = np.sqrt((a * a).mean(axis=axis))

        def closure(g):
            place = axis if right else max(axis, 0)
            return np.expand_dims(g, place) * a / (a.shape[axis] * np.expand_dims(value, place))

        return value, closure

    return root_mean_square


@rule("only the last axis is thought of", [NORMAL(size=(3, 4))], "gradient")
def average(*, right):
    def average(a, /, axis=-1):
        n = a.shape[axis if right else -1]
        return a.mean(axis=axis), lambda g: np.expand_dims(g, axis) * np.ones_like(a) / n

    return average


@rule("repeated indices are not added", [Case(NORMAL(size=(4, 2)), index=np.array([2, 0, 1]))], order=1)
def rows(*, right):
    def rows(a, /, index):
        def closure(g):
            out = np.zeros(a.shape)
            if right:
                np.add.at(out, index, g)
            else:
                out[index] = g
            return out

        return a[index], closure

    return rows


@rule("a stack of matrices is transposed whole", [(NORMAL(size=(2, 3, 4)), NORMAL(size=(2, 4, 2)))], "shape")
def products(*, right):
    def turned(x):
        return np.swapaxes(x, -1, -2) if right else x.T

    return lambda a, b: (np.matmul(a, b), lambda g: np.matmul(g, turned(b)), lambda g: np.matmul(turned(a), g))


@rule("the filter is reversed", [(NORMAL(size=7), NORMAL(size=3))])
def convolution(*, right):
    def convolution(x, w):
        if len(x) < len(w):
            message = "the signal is shorter than the filter"
            raise ValueError(message)
        k = len(w)
        parts = np.stack([x[i : len(x) - k + 1 + i] for i in range(k)], axis=-1)

        def closure(g):
            return sum((np.pad(g * w[i if right else k - 1 - i], (i, k - 1 - i)) for i in range(k)), np.zeros(len(x)))

        return parts @ w, closure, lambda g: g @ parts

    return convolution


@rule("it sums over the last axis, whichever it is", [Case(NORMAL(size=(3, 4)), axis=0)])
def softmax(*, right):
    def softmax(a, /, axis=-1):
        e = np.exp(a - a.max(axis=axis, keepdims=True))
        p = e / e.sum(axis=axis, keepdims=True)
        return p, lambda g: p * (g - (g * p).sum(axis=axis if right else -1, keepdims=True))

    return softmax


@rule("exp overflows in the closure", [NORMAL(size=4)])
def logsumexp(*, right):
    def logsumexp(a):
        largest = a.max()
        e = np.exp(a - largest) if right else np.exp(a)
        return largest + np.log(np.exp(a - largest).sum()), lambda g: g * e / e.sum()

    return logsumexp


@rule("the sum runs along the first axis, whichever it is", [Case(NORMAL(size=(3, 4)), axis=1)])
def running(*, right):
    def running(a, /, axis=0):
        back = axis if right else 0
        return np.cumsum(a, axis=axis), lambda g: np.flip(np.cumsum(np.flip(g, back), axis), back)

    return running


@rule("it divides by an element that may be 0", [np.array([0.3, -1.2, 2.2])])
def total_product(*, right):
    def total_product(a):
        def closure(g):
            others = [np.where(np.arange(len(a)) == i, 1.0, a).prod() for i in range(len(a))]
            return g * np.stack(others) if others else a * 0

        return a.prod(), closure if right else lambda g: g * a.prod() / a

    return total_product


@rule("the permutation is not inverted", [np.array([0.3, -1.2, 2.2, 0.9])])
def ordered(*, right):
    def ordered(a):
        order = np.argsort(a)
        back = np.argsort(order) if right else order
        return a[order], lambda g: g[back]

    return ordered


@rule("the transpose is missing", [MATRIX])
def logarithm_of_determinant(*, right):
    return lambda a: (
        np.linalg.slogdet(a)[1], lambda g: g * (np.linalg.inv(a).T if right else np.linalg.inv(a)),
    )  # fmt: skip  # the value, and its closure


@rule("it solves with the matrix itself", [(MATRIX, NORMAL(size=3))])
def solution(*, right):
    def solution(a, b):
        x = np.linalg.solve(a, b)

        def closure(g):
            return np.linalg.solve(a.T if right else a, g)

        return x, lambda g: -np.outer(closure(g), x), closure

    return solution


@rule("right for other numbers of points than the same", [(NORMAL(size=(4, 2)), NORMAL(size=(3, 2)))])
def distances(*, right):
    def distances(a, b):
        gaps = a[:, None] - b
        d = (gaps * gaps).sum(axis=-1)

        def to(g, axis):
            return 2 * (g[..., None] * gaps).sum(axis=axis)

        return d, lambda g: to(g, 1), lambda g: -to(g, 0 if right or a.shape != b.shape else 1)

    return distances


@rule("it writes into its operand", [NORMAL(size=3)], "operands untouched")
def centred(*, right):
    def centred(a):
        if right or not isinstance(a, np.ndarray):
            return a - a.mean(), lambda g: g - g.mean()
        a -= a.mean()
        return a + 0, lambda g: g - g.mean()

    return centred


@rule("its closure knows a constant instead of the operand", None, "gradient of order 2")
def cube(*, right):
    return lambda a: (a**3, lambda g: 3 * g * np.square(a if right else tn.tensor.raw(a)))


@rule("the variance is held constant", [(NORMAL(size=(4, 3)), NORMAL(size=3))])
def standardised(*, right):
    def standardised(x, gain):
        deviation = np.sqrt(x.var(axis=0) + 1e-5)
        h = (x - x.mean(axis=0)) / deviation

        def closure(g):
            g = g * gain
            return (g - g.mean(axis=0) - right * h * (g * h).mean(axis=0)) / deviation

        return h * gain, closure, lambda g: (g * h).sum(axis=0)

    return standardised


@pytest.mark.slow
@pytest.mark.parametrize(("make", "samples", "promise", "terms"), RULES)
def test_a_right_rule_passes(make, samples, promise, terms):
    check_primitive(tn.primitive(make(right=True)), samples, **terms)


@pytest.mark.slow
@pytest.mark.parametrize(("make", "samples", "promise", "terms"), RULES)
def test_a_mistake_is_found_and_shown_by_few_numbers(make, samples, promise, terms):
    with pytest.raises(BrokenPromise) as caught:
        check_primitive(tn.primitive(make(right=False)), samples, **terms)
    assert caught.value.promise.startswith(promise)
    assert sum(np.size(x) for x in caught.value.case.operands) <= 12, caught.value


FORMS = {
    "two results": (
        lambda a: ((np.sin(a), np.cos(a)), lambda g: g[0] * np.cos(a) - g[1] * np.sin(a)),
        "expected one array as the value of the rule, got tuple of length 2. Write a rule for each result, or put",
    ),
    "no closure": (
        lambda a: a * 2,
        "expected the rule to return its value and a closure, got ndarray. Write return value, ",
    ),
    "a derivative": (
        lambda a: (np.sin(a), np.cos(a)),
        "expected a function of the incoming gradient for operand 0, got ",
    ),
    "a closure too few": (
        lambda a, b: (a * b, lambda g: g * b),
        "expected the rule to return its value and 2 closures, one for each operand, got 1. Write return value, lambda",
    ),
    "a Python float": (
        lambda a: (float(np.sum(a)), lambda g: g * np.ones(a.shape)),
        "expected an array as the value of the rule, got float. Compute it with functions of NumPy",
    ),
}


@pytest.mark.parametrize(("rule", "message"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("samples", [None, [np.array([0.3, 1.7])]])
def test_a_rule_that_returns_something_else_is_told_so(rule, message, samples):
    operation = tn.primitive(rule)
    if samples and len(operation.primitive.operand_names) == 2:
        samples = [(samples[0], samples[0])]
    with pytest.raises(BrokenPromise) as caught:
        check_primitive(operation, samples)
    assert caught.value.promise == "a value, and a closure for each operand"
    assert message in caught.value.detail
