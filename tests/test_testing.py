"""`check_primitive` against rules that are wrong on purpose, each in one way: it finds and shrinks what shows it."""

import subprocess
import sys

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn.errors import ArgumentError, BrokenPromise, UnsupportedError
from tinygrad_nn.testing import Case, check_primitive


@tn.primitive
def wrong_for_negative(a):
    return a * a, lambda g: g * np.where(a < 0, 3.0, 2.0) * a


@tn.primitive
def wrong_without_axes(a):
    return a * a, lambda g: g * (3.0 if a.ndim == 0 else 2.0) * a


@tn.primitive
def wrong_when_broadcast(a, b):
    return a * b, lambda g: g * b, lambda g: g * a * (1.0 if a.shape == b.shape else 2.0)


@tn.primitive
def wrong_in_float32(a):
    return a * a, lambda g: g * (3.0 if a.dtype == np.float32 else 2.0) * a


@tn.primitive
def fails_when_empty(a):
    return a * (a.max() * 0 + 1), lambda g: g


@tn.primitive
def writes_into_its_operand(a):
    if isinstance(a, np.ndarray):
        a *= 1.0
    return a * a, lambda g: g * 2 * a


@tn.primitive
def writes_into_the_gradient(a):
    def closure(g):
        if isinstance(g, np.ndarray):
            g *= 2
            return g * a
        return g * 2 * a

    return a * a, closure


@tn.primitive
def wrong_in_second_order(a):
    constant = a.numpy() if isinstance(a, tn.Tensor) else a
    return a * a * a, lambda g: g * 3 * a * constant


@tn.primitive
def depends_on_memory(a):
    is_moved = isinstance(a, np.ndarray) and not a.flags.c_contiguous
    return a * (2.0 if is_moved else 1.0), lambda g: g * (2.0 if is_moved else 1.0)


@tn.primitive
def becomes_float64(a):
    return a * np.float64(2.0), lambda g: g * 2.0


@tn.primitive
def hands_back_its_operand(a):
    return a, lambda g: g


@tn.primitive
def cannot_be_differentiated_twice(a):
    return np.sin(a), lambda g: g * np.asarray(np.cos(a), dtype=float)


@tn.primitive
def wrong_where_indices_repeat(a, /, index):
    def closure(g):
        out = np.zeros(a.shape)
        out[index] = g  # where an index is repeated, the last one wins
        return out

    return a[index], closure


@tn.primitive
def undefined_at_zero(a):
    near = a == 0
    value = np.where(near, 1.0, np.sin(a) / np.where(near, 1.0, a))
    return value, lambda g: g * (np.cos(a) - value) / a


@tn.primitive
def undefined_where_it_is_flat(a):
    return 1 / (1 + np.exp(-a)), lambda g: g * np.exp(-a) / (1 + np.exp(-a)) ** 2


@tn.primitive
def wrong_arcsine(a):
    return np.arcsin(a), lambda g: g / np.sqrt(1 + a * a)


@tn.primitive
def wrong_for_another_axis(a, /, axis=-1):
    n = a.shape[axis]
    return a.sum(axis=axis), lambda g: np.expand_dims(g, axis) * np.ones_like(a) * (a.shape[-1] / n)


@tn.primitive
def wrong_for_large(a):
    return a * a, lambda g: g * np.where(np.abs(a) > 500, 3.0, 2.0) * a


@tn.primitive
def wrong_near_zero(a):
    return a * a, lambda g: g * np.where(np.abs(a) < 1e-4, 3.0, 2.0) * a


@tn.primitive
def wrong_for_three_axes(a):
    return a * a, lambda g: g * (3.0 if a.ndim == 3 else 2.0) * a


@tn.primitive
def wrong_product(a, b):
    return a @ b, lambda g: g @ b, lambda g: a @ g


@tn.primitive
def square(a):
    return a * a, lambda g: g * 2 * a


@tn.primitive
def product(a, b):
    return a * b, lambda g: g * b, lambda g: g * a


# name: rule, arguments, part of the name of the promise, what the smallest operands must be like
WRONG = {
    "for negative numbers": (wrong_for_negative, {}, "gradient of order 1", lambda a: a.size == 1 and a < 0),
    "without axes": (wrong_without_axes, {}, "gradient of order 1", lambda a: a.ndim == 0),
    "when broadcast": (
        wrong_when_broadcast, {}, "gradient of order 1", lambda a, b: a.shape != b.shape and a.size == b.size == 1,
    ),
    "at 0 itself": (undefined_at_zero, {}, "gradient of order 1", lambda a: a == 0),
    "where it is flat": (undefined_where_it_is_flat, {}, "gradient of order 1", lambda a: a == -1100),
    "on a domain that nobody tells": (wrong_arcsine, {}, "gradient of order 1", lambda a: a.size == 1 and abs(a) < 1),
    "along an axis that no sample names": (
        wrong_for_another_axis, {"samples": [np.arange(1.0, 13.0).reshape(3, 4)]}, "gradient", lambda a: a.size <= 6,
    ),
    "far out": (wrong_for_large, {}, "gradient of order 1", lambda a: a.size == 1 and a > 500),
    "next to 0": (wrong_near_zero, {}, "gradient of order 1", lambda a: a.size == 1 and abs(a) < 1e-4),
    "for three axes": (wrong_for_three_axes, {}, "gradient of order 1", lambda a: a.ndim == 3 and a.size == 1),
    "for matrices, of which nothing is told": (wrong_product, {}, "gradient of order 1", lambda a, b: a.ndim == 2),
    "in float32": (wrong_in_float32, {}, "float32 stays float32", lambda a: a.size == 1),
    "when empty": (fails_when_empty, {"elementwise": True}, "value", lambda a: a.size == 0),
    "writing into an operand": (writes_into_its_operand, {}, "operands untouched", lambda a: a.size <= 1),
    "writing into the gradient": (writes_into_the_gradient, {}, "operands untouched", lambda a: a.size <= 1),
    "in the second order": (wrong_in_second_order, {}, "gradient of order 2", lambda a: a.size == 1),
    "by layout in memory": (depends_on_memory, {}, "layout in memory", lambda a: a.size == 2),
    "by promotion": (becomes_float64, {}, "float32 stays float32", lambda a: a.size <= 1),
    "by handing back": (hands_back_its_operand, {}, "operands untouched", lambda a: a.size <= 1),
    "by leaving the graph": (cannot_be_differentiated_twice, {}, "gradient", lambda a: a.size <= 1),
    "in its value": (square, {"reference": lambda a: a * np.abs(a)}, "value", lambda a: a.size == 1 and a < 0),
    "in a spelling": (square, {"spellings": (lambda a: a**3,)}, "spellings", lambda a: a.size == 1),
    "in its shape": (
        tn.primitive(lambda a: (a * np.ones(1), lambda g: g)), {"elementwise": True}, "shape", lambda a: a.ndim == 0,
    ),
    "where indices repeat": (
        wrong_where_indices_repeat,
        {"samples": [Case(np.array([0.3, 1.7, -0.8]), index=[2, 0])], "order": 1},
        "gradient of order 1",
        lambda a: a.size >= 1,
    ),
}  # fmt: skip  # a table


SLOW = {"for matrices, of which nothing is told"}


@pytest.mark.parametrize(
    ("rule", "terms", "promise", "is_smallest"),
    [pytest.param(*row, id=name, marks=[pytest.mark.slow] * (name in SLOW)) for name, row in WRONG.items()],
)
def test_a_rule_that_is_wrong_is_found_and_what_shows_it_is_small(rule, terms, promise, is_smallest):
    with pytest.raises(BrokenPromise) as caught:
        check_primitive(rule, **terms)
    assert promise in caught.value.promise
    assert is_smallest(*caught.value.case.operands), caught.value


def test_repeated_indices_are_drawn():
    with pytest.raises(BrokenPromise) as caught:
        check_primitive(wrong_where_indices_repeat, [Case(np.array([0.3, 1.7, -0.8]), index=[2, 0])], order=1)
    index = caught.value.case.options["index"]
    assert len(set(index)) < len(index)


def test_the_message_is_read_aloud_and_its_call_shows_the_failure():
    with pytest.raises(BrokenPromise) as caught:
        check_primitive(wrong_for_negative)
    text = str(caught.value)
    assert text.startswith("wrong_for_negative: broken promise: gradient of order 1\n")
    assert "ratio 1.5" in text
    assert text.endswith("shown by\n    wrong_for_negative(np.array(-0.7))")
    assert eval(text.splitlines()[-1], {"np": np, "wrong_for_negative": wrong_for_negative}) == pytest.approx(0.49)  # noqa: S307 - our own text


def test_a_failing_sample_is_replaced_by_a_smaller_example():
    with pytest.raises(BrokenPromise) as caught:
        check_primitive(wrong_for_negative, [np.linspace(-1.9, 2.0, 40).reshape(8, 5)])
    assert caught.value.case.operands[0].size == 1
    with pytest.raises(BrokenPromise) as caught:
        check_primitive(wrong_for_negative, [np.linspace(-1.9, 2.0, 40).reshape(8, 5)], examples=0)
    assert caught.value.case.operands[0].size == 40


@pytest.mark.parametrize("rng", [lambda: 3, lambda: np.random.default_rng(0)])
def test_the_same_seed_finds_the_same(rng):
    def message():
        with pytest.raises(BrokenPromise) as caught:
            check_primitive(wrong_for_negative, rng=rng(), examples=20)
        return str(caught.value)

    assert message() == message()


@tn.primitive
def matrices(a, b):
    return a @ b, lambda g: g @ b.T, lambda g: a.T @ g


@tn.primitive
def matrix_and_vector(a, x):
    return a @ x, lambda g: g[:, None] * x, lambda g: a.T @ g


@tn.primitive
def norm(a):
    return np.sqrt(a * a), lambda g: g * a / np.sqrt(a * a)


@tn.primitive
def saturated(a):
    out = 1 / (1 + np.exp(-a))
    return out, lambda g: g * out * (1 - out)


@tn.primitive
def of_positive_numbers(a):
    if not isinstance(a, tn.Tensor) and (a < 0).any():
        message = "negative"
        raise ValueError(message)
    return a * a, lambda g: g * 2 * a


RIGHT = {
    "matrices, of which nothing is told": (matrices, {}),
    "a kink where the slope is NaN": (norm, {"order": 1}),
    "a slope that is infinite": (np.cbrt, {"domain": (-np.inf, np.inf)}),
    "far out, where it is constant but for rounding": (saturated, {}),
    "sin(x^2), which float32 does not know far out": (
        tn.primitive(lambda a: (np.sin(a * a), lambda g: g * np.cos(a * a) * 2 * a)),
        {},
    ),
    "an inverse of the sine": (tn.primitive(lambda a: (np.arcsin(a), lambda g: g / np.sqrt(1 - a * a))), {}),
    "a logit": (tn.primitive(lambda p: (np.log(p / (1 - p)), lambda g: g / (p * (1 - p)))), {}),
    "refusing values": (of_positive_numbers, {}),
    "an operand": (square, {}),
    "two operands": (product, {"reference": np.multiply}),
    "a domain": (np.log, {"domain": (0.0, np.inf)}),
    "a domain for each operand": (np.power, {"domain": [(0.1, 3.0), (-2.0, 2.0)]}),
    "a kink": (np.abs, {"samples": [np.array([-1.0, 0.0, 2.0])], "order": 1}),
    "a reduction": (np.sum, {"samples": [np.ones(3), Case(np.ones((2, 3)), axis=0)]}),
    "a matrix product": (np.matmul, {"samples": [(np.eye(2) + 0.5, np.array([1.0, -0.4]))]}),
    "a composition": (np.mean, {"samples": [np.array([[0.4, 1.0], [-2.0, 3.0]])]}),
    "indices": (np.take, {"samples": [(np.array([0.4, 1.0, -2.0]), [2, 0])]}),
    "a sequence": (np.concatenate, {"samples": [(np.ones(3), np.array([2.0, 5.0]))]}),
    "a function without a rule": (lambda a: np.tanh(a) * a, {"samples": [np.array([0.4, -1.0])]}),
}


@pytest.mark.parametrize(("rule", "terms"), RIGHT.values(), ids=RIGHT)
def test_a_rule_that_is_right_passes(rule, terms):
    check_primitive(rule, examples=8, **terms)


def test_strategies_of_the_author_are_drawn_from():
    from hypothesis import strategies as st

    sizes = []
    operands = st.integers(1, 4).map(lambda n: (sizes.append(n), np.eye(n) + n)[1])
    check_primitive(np.linalg.inv, [operands], examples=15)
    assert len(set(sizes)) == 4


def test_arguments_that_make_no_sense_are_refused():
    with pytest.raises(ArgumentError, match="expected 'samples' for <lambda>, for nothing tells how many operands"):
        check_primitive(lambda a: a * 2)
    with pytest.raises(ArgumentError, match=r"its gradient is right for \(3, 3\), \(3,\), and is not for"):
        check_primitive(matrix_and_vector)
    with pytest.raises(ArgumentError, match=r"expected 'domain' to be \(low, high\).*got \(2, 1\)"):
        check_primitive(square, domain=(2, 1))


def test_without_hypothesis_the_samples_alone_can_be_checked(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    check_primitive(square, examples=0)
    with pytest.raises(UnsupportedError, match=r"Run pip install 'tinygrad_nn\[testing\]', or pass examples=0"):
        check_primitive(square)


def test_importing_needs_no_hypothesis():
    code = "import sys, tinygrad_nn.testing; assert 'hypothesis' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_function_that_only_looks_elementwise_for_one_axis_is_not_broadcast():
    @tn.primitive
    def turned(a):
        return np.transpose(a) * 2.0, lambda g: np.transpose(g) * 2.0

    @tn.primitive
    def swapped(a):
        return np.swapaxes(a, 0, -1) * 2.0, lambda g: np.swapaxes(g, 0, -1) * 2.0

    check_primitive(turned, examples=20)
    check_primitive(swapped, examples=20)
