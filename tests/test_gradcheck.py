"""`gradcheck` and `check_model` against rules that are wrong on purpose, and right ones that are hard to check."""

from typing import ClassVar

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import nn
from tinygrad_nn.errors import ArgumentError, GradientMismatch
from tinygrad_nn.primitives.normalization import standardize

needs_long_doubles = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 2.0**-60, reason="long doubles are no longer than doubles on this platform"
)
"""Where they are not, as on ARM and Windows, less can be told from rounding."""

# Rules that are wrong, each in one way.


@tn.primitive
def constant_factor(a, b):
    return a * b, lambda g: 1.5 * g * b, lambda g: g * a


@tn.primitive
def wrong_sign(a, b):
    return a - b, lambda g: g, lambda g: g


@tn.primitive
def transposed(a, b):
    return a @ b, lambda g: b @ g.T, lambda g: a.T @ g


@tn.primitive
def missing_sum(a, b):
    return a + b, lambda g: g, lambda g: np.broadcast_to(g[0], g.shape) / g.shape[0]


@tn.primitive
def other_operand(a, b):
    return a * b, lambda g: g * a, lambda g: g * b


@tn.primitive
def forgets_the_gradient(a):
    return a * a, lambda g: 2 * a


@tn.primitive
def severed(a, b):
    return a * b, lambda g: g * b, None


@tn.primitive
def one_element(a):
    return a * a, lambda g: g * 2 * a * np.where(np.arange(a.size).reshape(a.shape) == 2, 1.001, 1)


@tn.primitive
def accumulates_wrongly(a):
    return a[np.array([0, 0, 1])], lambda g: np.concatenate([g[1:], np.zeros((1, *g.shape[1:]))])[: a.shape[0]]


@tn.primitive
def right_first_wrong_second(a):
    frozen = a.numpy() if isinstance(a, tn.Tensor) else a
    return a * a * a, lambda g: g * 3 * a * frozen


RNG = np.random.default_rng(3)
SQUARE, ROWS, ROW = RNG.normal(size=(3, 3)), RNG.normal(size=(4, 3)), RNG.normal(size=3)
WRONG = {
    "constant factor": (constant_factor, [ROWS, ROW], 0),
    "wrong sign": (wrong_sign, [ROWS, ROW], 1),
    "transposed": (transposed, [SQUARE, SQUARE.copy()], 0),
    "missing sum": (missing_sum, [ROWS, ROW], 1),
    "gradient of the other operand": (other_operand, [ROWS, ROWS + 1], 0),
    "incoming gradient forgotten": (forgets_the_gradient, [ROW], 0),
    "severed": (severed, [ROWS, ROW], 1),
    "one element by a thousandth": (one_element, [ROWS], 0),
    "repeated index not added up": (accumulates_wrongly, [ROW], 0),
}


@pytest.mark.parametrize("scale", [1.0, 1e-7, 1e-12, 1e12])
@pytest.mark.parametrize(("rule", "inputs", "culprit"), WRONG.values(), ids=WRONG)
def test_a_wrong_rule_fails_at_every_scale(rule, inputs, culprit, scale):
    report = tn.gradcheck(lambda *x: np.tanh(rule(*x)) * scale, inputs, raises=False)
    assert report.verdict.value == "WRONG"
    assert report.comparisons[culprit].verdict.value == "WRONG"
    assert not report


@pytest.mark.parametrize("scale", [1e-7, 1e7])
@pytest.mark.parametrize(("rule", "inputs", "culprit"), WRONG.values(), ids=WRONG)
def test_a_wrong_rule_fails_at_inputs_of_every_size(rule, inputs, culprit, scale):
    report = tn.gradcheck(rule, [x * scale for x in inputs], raises=False)
    assert report.comparisons[culprit].verdict.value == "WRONG"


@pytest.mark.parametrize(("rule", "inputs", "culprit"), WRONG.values(), ids=WRONG)
def test_random_directions_find_the_same(rule, inputs, culprit):
    report = tn.gradcheck(rule, inputs, mode="directional", raises=False)
    assert report.comparisons[culprit].verdict.value == "WRONG"


def test_a_wrong_rule_inside_of_a_network_fails_and_the_other_input_passes():
    weight = RNG.normal(size=(3, 2))
    report = tn.gradcheck(
        lambda x, y: nn.softmax(constant_factor(x, y) @ weight).sum(axis=0), [ROWS, ROW], raises=False
    )
    assert [row.verdict.value for row in report.comparisons] == ["WRONG", "PASS"]


def test_a_wrong_second_derivative_fails_only_at_order_2():
    assert tn.gradcheck(right_first_wrong_second, [ROW])
    report = tn.gradcheck(right_first_wrong_second, [ROW], order=2, raises=False)
    assert [(row.name, row.order, row.verdict.value) for row in report.comparisons] == [
        ("input 0", 1, "PASS"),
        ("input 0", 2, "WRONG"),
        ("cotangent 0", 2, "PASS"),
    ]


def test_an_input_that_is_dropped_on_the_way_counts_as_zero_and_fails():
    for f in (lambda x, y: x * y.numpy(), lambda x, y: (x * 1.0, y.detach() * 2.0), lambda x, y: x.numpy() * y):
        assert tn.gradcheck(f, [ROW, ROW], raises=False).verdict.value == "WRONG"


def test_an_input_that_does_not_matter_passes():
    assert tn.gradcheck(lambda x, y: x * 2.0, [ROW, ROWS], order=2)


RIGHT = {
    "several outputs": (lambda x, y: (x @ y, np.tanh(x), y.sum()), [SQUARE, SQUARE]),
    "whole numbers among the inputs": (lambda x, index: x[index] * index, [ROW, np.array([0, 2, 2])]),
    "whole numbers among the outputs": (lambda x: (x * x, tn.Tensor(np.argmax(x))), [ROW]),
    "a number": (np.exp, [0.5]),
    "an array alone": (np.exp, ROW),
    "an empty array": (lambda x: x * 2.0, [np.zeros((0, 3))]),
    "constant": (lambda x: 0 * x + 1, [ROW]),
    "piecewise constant": (lambda x: np.where(x > 0, 1.0, -1.0) * np.ones(3), [ROW]),
    "gradient 0 by cancellation": (lambda x: nn.softmax(x).sum(), [ROW]),
    "steep": (lambda x: np.tanh(1000 * x), [ROW * 1e-3]),
    "next to a pole": (np.log, [np.array([1e-6, 1.0, 1e3])]),
    "next to a kink": (nn.relu, [np.array([1e-6, -1e-6, 1.0])]),
    "saturated": (nn.sigmoid, [np.array([40.0, -30.0, -700.0])]),
    "small change of a large number": (lambda x: 1e6 + x, [ROW]),
    "in float32 inside": (lambda x: np.tanh(x.astype("float32")), [ROW]),
    "in float32 and back": (lambda x: np.exp(x.astype("float32")).astype("float64") * 3.3, [ROW]),
    "given as float32": (lambda x: np.tanh(x) ** 3, [ROW.astype(np.float32)]),
    "outputs that come and go": (lambda x: x[x > 1.0], [np.array([1.01, 2.0, -1.0])]),
    "at 0": (lambda x: x * x + x, [np.zeros(3)]),
    "of mixed size": (lambda x: x**3, [np.array([1e-6, 1.0, 1e6])]),
}


@pytest.mark.parametrize("scale", [1.0, 1e-7, 1e-12, 1e12])
@pytest.mark.parametrize(("f", "inputs"), RIGHT.values(), ids=RIGHT)
def test_a_right_gradient_passes_at_every_scale(f, inputs, scale):
    def scaled(*x):
        result = f(*x)
        return tuple(scale * y for y in result) if isinstance(result, tuple) else scale * result

    assert tn.gradcheck(scaled, inputs)


@pytest.mark.parametrize("mode", ["full", "directional"])
def test_a_right_gradient_passes_in_every_mode(mode):
    weight = RNG.normal(size=(40, 5))
    assert tn.gradcheck(
        lambda x, w: nn.log_softmax(np.tanh(x @ w)), [RNG.normal(size=(6, 40)), weight], mode=mode, order=1
    )


def test_right_gradients_pass_for_any_seed():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=5) * 10.0 ** rng.integers(-6, 6)
        assert tn.gradcheck(lambda x: np.tanh(x) * np.exp(-x * x) + np.sqrt(1 + x * x), [x], rng=seed, order=2)


def test_third_order():
    assert tn.gradcheck(lambda x: np.exp(np.tanh(x)), [np.array([0.3, -1.0])], order=3)


class TestOtherVerdicts:
    def test_a_kink_passes_if_the_gradient_lies_between_the_slopes(self):
        report = tn.gradcheck(nn.relu, [np.array([-1.0, 0.0, 1.0])])
        assert report.verdict.value == "KINK"
        assert report.comparisons[0].worst.element == (1,)

    def test_a_kink_fails_if_the_gradient_lies_beyond(self):
        @tn.primitive
        def steeper(a):
            return np.maximum(a, 0), lambda g: g * np.where(a > 0, 1.0, 0.0) + 2 * g * (a == 0)

        assert tn.gradcheck(steeper, [np.zeros(2)], raises=False).verdict.value == "WRONG"

    @pytest.mark.parametrize("mode", ["auto", "directional"])
    def test_a_gradient_that_is_wrong_beside_kinks_fails_with_its_operation_alone(self, mode):
        @tn.primitive
        def relu_and_more(a):
            return np.maximum(a, 0), lambda g: g * np.where(a > 0, 1.01, 0.0)

        x = RNG.normal(size=200)
        x[:100] = 0
        for seed in range(3):
            report = tn.gradcheck(lambda x: np.sort(relu_and_more(x)), [x], mode=mode, rng=seed, raises=False)
            assert report.verdict.value == "WRONG"
            assert {culprit.operation for culprit in report.culprits} == {"relu_and_more"}

    @pytest.mark.parametrize("function", [np.median, np.sort, np.ptp, lambda x: np.linalg.norm(x, np.inf)])
    def test_at_ties_nothing_is_blamed_but_what_is_wrong(self, function):
        @tn.primitive
        def one_and_a_half(a):
            return a * 1.0, lambda g: 1.5 * g

        assert tn.gradcheck(function, [np.ones(4)]).verdict.value == "KINK"
        report = tn.gradcheck(lambda x: function(one_and_a_half(x)), [np.ones(4)], raises=False)
        assert [culprit.operation for culprit in report.culprits] == ["one_and_a_half"]
        assert "compared beside the point" in str(report)

    def test_what_one_sided_slopes_do_not_show_is_said(self):
        report = tn.gradcheck(np.median, [np.ones(5)])
        assert "beside it the gradient is right, and not the same on all sides" in str(report)

    def test_a_wrong_gradient_of_a_steep_function_is_no_noise(self):
        rule = tn.primitive(lambda a: (np.sin(a), lambda g: 1.5 * g * np.cos(a)))
        assert tn.gradcheck(lambda x: rule(1e5 * x), [ROW], raises=False).verdict.value == "WRONG"

    def test_a_gradient_that_is_nothing_but_rounding_is_not_wrong(self):
        for seed in range(4):
            x = np.random.default_rng(seed).normal(size=2)
            report = tn.gradcheck(lambda x: standardize(x, axis=0), [x], order=2, rng=seed, raises=False)
            assert report.verdict.value != "WRONG"

    def test_two_runs_that_differ(self):
        rng = np.random.default_rng(0)
        report = tn.gradcheck(lambda x: x * rng.normal(), [ROW], raises=False)
        assert report.verdict.value == "NON-DETERMINISTIC"
        assert "model.eval()" in str(report)

    def test_a_value_that_is_not_finite(self):
        with np.errstate(divide="ignore"):
            report = tn.gradcheck(np.log, [np.array([1.0, 0.0])], raises=False)
        assert report.verdict.value == "NON-FINITE"
        assert "Output 0 is -inf at [1]" in str(report)

    def test_an_input_that_is_not_finite(self):
        report = tn.gradcheck(nn.sigmoid, [np.array([1.0, np.inf])], raises=False)
        assert "Input 0 is inf at [1]" in str(report)

    def test_a_gradient_that_is_not_finite(self):
        with np.errstate(divide="ignore"):
            report = tn.gradcheck(np.sqrt, [np.array([1.0, 0.0])], raises=False)
        assert report.verdict.value == "NON-FINITE"
        assert "element [1]: analytic inf" in str(report)

    def test_noise_that_drowns_the_derivative(self):
        report = tn.gradcheck(lambda x: (x + 1e9).astype("float32").astype("float64") * 1.1, [ROW], raises=False)
        assert report.verdict.value in ("NOISE-LIMITED", "PASS")
        assert tn.gradcheck(lambda x: np.exp(x + 1e-3), [ROW])


def logistic_map(x):
    for _ in range(60):
        x = 4 * x * (1 - x)
    return x


def sine(factor):
    """Return a rule whose gradient is `factor` times the true one."""

    @tn.primitive
    def rule(a):
        return np.sin(a), lambda g: factor * g * np.cos(a)

    return rule


def single(x):
    return x.astype("float32")


class TestRounding:
    PLATEAUS: ClassVar = {
        "of 1": (lambda x: ((1 + 1e-9 * x) - 1) * x, np.array(1.0)),
        "of 1, of a few digits": (lambda x: ((1 + 1e-14 * x) - 1) * x, np.array(1.0)),
        "of tanh": (lambda x: (1 - np.tanh(x) ** 2) / x, np.array(12.0)),
        "of cos": (lambda x: (1 - np.cos(x)) / x**3, np.array(1e-5)),
        "of sigmoid": (lambda x: nn.sigmoid(x) * (1 - nn.sigmoid(x)) * x, np.array(30.0)),
        "of softmax": (nn.softmax, np.array([30.0, 0.0, 0.0])),
        "of logits": (lambda x: nn.binary_cross_entropy_with_logits(x, [1.0, 0.0]), np.array([36.0, -36.0])),
        "at the end of the range": (nn.sigmoid, np.array([-800.0])),
    }  # fmt: skip

    @pytest.mark.parametrize(("f", "x"), PLATEAUS.values(), ids=PLATEAUS)
    @needs_long_doubles
    def test_what_stands_still_inside_does_not_convict(self, f, x):
        assert tn.gradcheck(f, [x], raises=False).verdict.value in ("PASS", "NOISE-LIMITED")

    def test_the_edge_of_the_domain_ends_no_report(self):
        def loss(x):
            return nn.binary_cross_entropy(x, np.zeros(3))

        assert not tn.gradcheck(loss, [np.ones(3)], raises=False)

    ROUNDED: ClassVar = {
        "1e13 added and taken off": (lambda x: (x + 1e13) - 1e13, ROW),
        "1e16 added and taken off": (lambda x: (x + 1e16) - 1e16, np.array([0.5, 1.0, 3.0])),
        "1e5 added and taken off in float32": (lambda x: (single(x) + 1e5) - 1e5, ROW),
        "and back in float64": (lambda x: ((single(x) + 1e5) - 1e5).astype("float64"), ROW),
        "oscillation in float32": (lambda x: np.sin(single(x) * 1e4), ROW),
        "chaos": (logistic_map, np.array([0.3, 0.71])),
        "fast oscillation": (lambda x: np.sin(1e11 * x), ROW),
        "oscillation that is not resolved": (lambda x: 1 + 1e-3 * np.sin(1e20 * x), ROW),
        "oscillation far from 0": (lambda x: np.sin(x + 1e13), ROW),
        "small change of 1, made large": (lambda x: (np.sin(x) * 1e-14 + 1) * 1e14 - 1e14, ROW),
        "small change that is lost": (lambda x: (single(x) * 1e-12 + 1e5) - 1e5, ROW),
        "1e20 added and taken off": (lambda x: (x + 1e20) - 1e20, ROW),
        "loss of what is certain": (lambda x: nn.cross_entropy(x, np.array([1])), np.array([[0.0, 40.0, -40.0]])),
    }  # fmt: skip

    @pytest.mark.parametrize("mode", ["full", "directional"])
    @pytest.mark.parametrize(("f", "x"), ROUNDED.values(), ids=ROUNDED)
    def test_a_right_gradient_is_not_called_wrong_where_rounding_hides_it(self, f, x, mode):
        assert tn.gradcheck(f, [x], mode=mode, raises=False).verdict.value in ("PASS", "NOISE-LIMITED")

    def test_a_gradient_of_what_is_always_0_is_wrong_and_not_hidden(self):
        @tn.primitive
        def leak(a):
            return 0 * a, lambda g: 0.5 * g

        for f in (leak, lambda x: np.sum(x) + np.sum(leak(x))):
            report = tn.gradcheck(f, [ROW], raises=False)
            assert report.verdict.value == "WRONG"
            assert [culprit.operation for culprit in report.culprits] == ["leak"]

    HIDDEN: ClassVar = {
        "of 1": lambda y, rule: 1.0 + 1e-13 * np.sum(rule(y)),
        "of 1, to its last digits": lambda y, rule: 1.0 + 1e-15 * np.sum(rule(y)),
        "of another element": lambda y, rule: 3.0 + 1e-20 * np.sum(rule(y)),
        "in float32": lambda y, rule: 1 + 1e-5 * rule(single(y)),
        "in float32 and back": lambda y, rule: (1 + 1e-5 * rule(single(y))).astype("float64"),
        "of 1e13": lambda y, rule: (rule(y) + 1e13) - 1e13,
    }

    @pytest.mark.parametrize("mode", ["full", "directional"])
    @pytest.mark.parametrize("f", HIDDEN.values(), ids=HIDDEN)
    def test_a_wrong_gradient_is_not_passed_where_rounding_hides_it(self, f, mode):
        for factor, verdicts in ((1.0, ("PASS", "NOISE-LIMITED")), (1.5, ("WRONG",))):
            rule = sine(factor)
            report = tn.gradcheck(lambda y, rule=rule: f(y, rule), [ROW], mode=mode, raises=False)
            assert report.verdict.value in verdicts

    @needs_long_doubles
    def test_more_digits_tell_right_from_wrong(self):
        for factor, verdict in ((1.0, "PASS"), (1.5, "WRONG")):
            rule = sine(factor)
            for f in (lambda y, rule=rule: 1 + 1e-13 * rule(y), lambda y, rule=rule: (rule(y) + 1e13) - 1e13):
                assert tn.gradcheck(f, [ROW], raises=False).verdict.value == verdict
        for steps in (1.0, 1e3, 1e6):
            assert tn.gradcheck(lambda x, steps=steps: np.floor(x * steps) / steps, [ROW])

    EDGES: ClassVar = {
        "reciprocal": (lambda x: 1 / x, [1e-20, 1.0]),
        "logarithm": (np.log, [1e-30, 1.0]),
        "square root": (np.sqrt, [1e-30, 1.0]),
        "arc cosine": (np.arccos, [1 - 1e-12, 0.0]),
    }

    @pytest.mark.parametrize(("f", "x"), EDGES.values(), ids=EDGES)
    def test_the_step_is_as_small_as_the_domain_asks_for(self, f, x):
        assert tn.gradcheck(f, [np.array(x)])

    def test_a_gradient_of_0_where_only_the_curvature_jumps_passes(self):
        assert tn.gradcheck(lambda x: np.maximum(x, 0) ** 2, [np.zeros(3)])
        assert tn.gradcheck(lambda x: np.where(x > 0, x**2, 3 * x**2), [np.zeros(2)])

    @needs_long_doubles
    def test_what_is_left_of_a_gradient_that_cancels_counts_as_0(self):
        assert tn.gradcheck(lambda x: np.sum((x - np.mean(x)) / np.std(x)), [ROW])
        assert tn.gradcheck(np.tanh, [np.array([15.0, 17.0, 18.0, 19.0, 30.0])])


class TestReport:
    def test_it_names_input_element_values_ratio_and_seed(self):
        with pytest.raises(GradientMismatch) as caught:
            tn.gradcheck(constant_factor, [np.array([2.0, 3.0]), np.array([5.0, 7.0])], rng=11)
        text = str(caught.value)
        assert text.splitlines()[0] == "gradcheck of constant_factor: WRONG"
        assert "ratio 1.5 " in text
        assert "2 of 2 elements are wrong, each by the ratio 1.5" in text
        assert "repeat with rng=11" in text
        assert caught.value.report.comparisons[1].verdict.value == "PASS"

    def test_a_single_number_is_reported_without_the_random_cotangent(self):
        report = tn.gradcheck(lambda a, b: constant_factor(a, b).sum(), [[2.0], [5.0]], raises=False)
        (sample,) = report.comparisons[0].samples
        assert sample.element == (0,)
        assert sample.analytic == pytest.approx(7.5)
        assert sample.numeric == pytest.approx(5)
        assert sample.ratio == pytest.approx(1.5)

    def test_a_wrong_direction_is_narrowed_down_to_the_element(self):
        x = np.random.default_rng(0).normal(size=(40, 50))

        @tn.primitive
        def one_of_many(a):
            factor = np.ones(a.shape)
            factor[17, 23] = 1.5
            return a * a, lambda g: g * 2 * a * factor

        report = tn.gradcheck(one_of_many, [x], raises=False)
        worst = report.comparisons[0].worst
        assert worst.element == (17, 23)
        assert worst.ratio == pytest.approx(1.5)
        assert report.evaluations < 500

    def test_the_same_seed_gives_the_same_report_and_another_one_another(self):
        x = RNG.normal(size=100)
        reports = [tn.gradcheck(np.tanh, [x], rng=rng) for rng in (None, 0, 1, np.random.default_rng(5))]
        assert reports[0] == reports[1]
        assert reports[1].comparisons[0].samples != reports[2].comparisons[0].samples
        assert tn.gradcheck(np.tanh, [x], rng=reports[3].seed) == reports[3]

    def test_inputs_are_left_as_they_are(self):
        x = ROW.copy()
        x.flags.writeable = False
        tensor = tn.Tensor(ROW, requires_grad=True)
        tn.gradcheck(lambda a, b: a * b, [x, tensor])
        assert tensor.grad is None
        np.testing.assert_array_equal(tensor.numpy(), ROW)


class TestRefusals:
    def test_no_input_that_has_a_gradient(self):
        with pytest.raises(ArgumentError, match="at least one input of a floating dtype"):
            tn.gradcheck(lambda x: x * 1.0, [np.arange(3)])

    def test_no_output_that_has_one(self):
        with pytest.raises(ArgumentError, match="return a Tensor of a floating dtype, got int64"):
            tn.gradcheck(np.argmax, [ROW])

    def test_an_unknown_mode(self):
        with pytest.raises(ArgumentError, match="'mode' to be one of auto, full, directional, got 'fast'"):
            tn.gradcheck(np.exp, [ROW], mode="fast")


class TestCheckModel:
    @staticmethod
    def model(dtype="float64", activation="tanh"):
        rng = np.random.default_rng(0)
        return nn.Sequential(nn.Dense(4, 20, activation=activation, rng=rng), nn.Dense(20, 3, rng=rng)).astype(dtype)

    X, Y = RNG.normal(size=(8, 4)), RNG.integers(0, 3, 8)

    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    @pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
    def test_a_right_model_passes_with_a_row_for_each_parameter(self, dtype, activation):
        report = tn.check_model(self.model(dtype, activation), self.X.astype(dtype), self.Y, nn.cross_entropy)
        assert [(row.name, row.shape, row.verdict.value) for row in report.comparisons] == [
            ("0.weight", (4, 20), "PASS"),
            ("0.bias", (20,), "PASS"),
            ("1.weight", (20, 3), "PASS"),
            ("1.bias", (3,), "PASS"),
        ]
        assert len(str(report).splitlines()) == 7

    def test_parameters_gradients_and_buffers_are_left_untouched(self):
        model = self.model("float32")
        model.constant = tn.Tensor([1.0, 2.0])
        nn.cross_entropy(model(self.X), self.Y).backward()
        before = [(p._data, p._data.tobytes(), p._node, p.grad) for p in model.parameters()]
        loss = nn.cross_entropy(model(self.X), self.Y)
        tn.check_model(model, self.X, self.Y, nn.cross_entropy)
        for parameter, (data, values, node, grad) in zip(model.parameters(), before, strict=True):
            assert parameter._data is data
            assert data.tobytes() == values
            assert parameter._node is node
            assert parameter.grad is grad
        loss.backward()  # a graph that was recorded before is still valid

    def test_a_wrong_layer_fails_at_its_parameter(self):
        class Scale(nn.Module):
            def __init__(self):
                self.factor = nn.Parameter(np.ones(20))

            def forward(self, x):
                return constant_factor(self.factor, x)

        rng = np.random.default_rng(0)
        model = nn.Sequential(nn.Dense(4, 20, rng=rng), Scale(), nn.Dense(20, 3, rng=rng))
        report = tn.check_model(model, self.X, self.Y, nn.cross_entropy, raises=False)
        assert [row.verdict.value for row in report.comparisons] == ["PASS", "PASS", "WRONG", "PASS", "PASS"]
        assert report.comparisons[2].worst.ratio == pytest.approx(1.5)
        with pytest.raises(GradientMismatch, match=r"check_model of Sequential: WRONG"):
            tn.check_model(model, self.X, self.Y, nn.cross_entropy)

    def test_a_parameter_that_is_not_used_passes_and_one_that_is_cut_off_fails(self):
        model = self.model()
        model.unused = nn.Parameter([1.0])
        assert tn.check_model(model, self.X, self.Y, nn.cross_entropy)
        cut = nn.Parameter(2.0)
        model.cut = cut
        report = tn.check_model(
            model, self.X, self.Y, lambda p, t: nn.cross_entropy(p, t) * float(cut.numpy()), raises=False
        )
        assert [row.name for row in report.comparisons if row.verdict.value == "WRONG"] == ["cut"]

    def test_dropout_left_on_is_named(self):
        rng = np.random.default_rng(0)
        model = nn.Sequential(self.model(), lambda x: x * rng.integers(0, 2, x.shape))
        report = tn.check_model(model, self.X, self.Y, nn.cross_entropy, raises=False)
        assert report.verdict.value == "NON-DETERMINISTIC"

    def test_a_model_without_parameters_is_refused(self):
        with pytest.raises(ArgumentError, match="a model with parameters, but this ReLU has none"):
            tn.check_model(nn.ReLU(), self.X, self.X, nn.squared_error)

    def test_a_loss_that_is_no_tensor_is_refused(self):
        with pytest.raises(ArgumentError, match="the loss to return a Tensor, got float"):
            tn.check_model(self.model(), self.X, self.Y, lambda p, t: 1.0)

    def test_a_failure_inside_of_the_model_gives_the_parameters_back(self):
        model = self.model()
        before = model.state_dict()
        with pytest.raises(tn.errors.ShapeError):
            tn.check_model(model, self.X[:, :2], self.Y, nn.cross_entropy)
        assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())
        assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_report_shows_itself_where_an_assertion_fails():
    report = tn.gradcheck(np.sin, [np.ones(2)])
    assert repr(report) == str(report)


def test_an_order_below_1_is_refused():
    with pytest.raises(ArgumentError, match="gradcheck: expected 'order' to be at least 1"):
        tn.gradcheck(np.sin, [np.ones(2)], order=0)
