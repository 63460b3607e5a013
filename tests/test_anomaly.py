"""`detect_anomaly`: programs that make NaN and infinities, and the operation, line, operand and cause that it names.

The line to be named is the one that bears the comment ``# culprit``.
"""

import contextlib
import inspect
import linecache
import re
import sys
import threading

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import nn
from tinygrad_nn.backprop import MODE, PLAIN
from tinygrad_nn.errors import AnomalyError, TrainingError

CASES = []


def case(operation, phase, operand, cause, **options):
    """Register a program with what shall be said of it."""
    return lambda program: CASES.append((program, operation, phase, operand, cause, options)) or program


def leaf(*values, dtype="float64"):
    return tn.Tensor(np.array(values, dtype), requires_grad=True, name="x")


def diverging():
    model = nn.Dense(2, 1, rng=np.random.default_rng(0))
    return model, tn.optim.SGD(model.parameters(), lr=10.0)


def line_of(program):
    lines, first = inspect.getsourcelines(program)
    return f"{__file__}:{next(first + i for i, line in enumerate(lines) if '# culprit' in line)}"


def anomaly_of(program, **options):
    with pytest.raises(AnomalyError) as caught, tn.detect_anomaly(**options):
        program()
    return caught.value.anomaly


# Forward


@case("sqrt", "forward", None, "the square root of a negative number, -1")
def root_of_a_negative_number():
    x = leaf(4.0, -1.0)
    np.sqrt(x)  # culprit


@case("log", "forward", None, "the logarithm of a negative number, -2")
def log_of_a_negative_number():
    x = leaf(1.0, -2.0)
    y = x * 1.0
    np.log(y)  # culprit


@case("log", "forward", None, "the logarithm of 0")
def log_of_zero_in_the_loss():
    x = leaf(1.0, 0.0)
    y = np.log(x)  # culprit
    (y * 2.0).sum().backward()


@case("log", "forward", None, "a probability of a saturated sigmoid")
def log_of_a_saturated_sigmoid():
    p = nn.sigmoid(leaf(40.0, 0.0))
    loss = -np.log(1 - p)  # culprit
    loss.sum().backward()


@case("log", "forward", None, "a probability of a saturated softmax")
def log_of_a_saturated_softmax():
    p = nn.softmax(leaf(1000.0, 0.0))
    loss = -np.log(p)  # culprit
    loss.mean().backward()


@case("log", "forward", None, "a probability of a saturated sigmoid")
def log_of_a_saturated_layer():
    layer = nn.Dense(1, 1, activation="sigmoid")
    layer.bias.data[...] = 40.0
    loss = -np.log(1 - layer(np.zeros((1, 1))))  # culprit
    loss.sum().backward()


@case("log1p", "forward", None, "log1p of -3, the logarithm of a negative number")
def log1p_below_minus_one():
    np.log1p(leaf(0.0, -3.0))  # culprit


@case("divide", "forward", None, "0 / 0")
def zero_by_zero():
    x = leaf(0.0, 1.0)
    x / (x * 2)  # culprit


@case("divide", "forward", None, "division of 1 by 0")
def one_by_zero_in_the_loss():
    y = 1 / leaf(0.0, 1.0)  # culprit
    y.sum().backward()


@case("divide", "forward", None, "0 / 0 in a normalisation")
def a_constant_channel_is_divided_by_its_deviation():
    x = leaf([1.0, 5.0], [2.0, 5.0], [3.0, 5.0])
    (x - x.mean(axis=0)) / x.std(axis=0)  # culprit


@case("standardize", "forward", None, "a channel that does not vary, and eps=0")
def a_constant_channel_is_standardized():
    from tinygrad_nn.primitives.normalization import standardize

    standardize(leaf([1.0, 5.0], [2.0, 5.0]), axis=0)  # culprit


@case("power", "forward", None, "a negative base, -8, to the power 0.333333")
def root_by_a_power_of_a_negative_base():
    leaf(-8.0, 1.0) ** (1 / 3)  # culprit


@case("power", "forward", None, "0 to a negative power, -0.5")
def zero_to_a_negative_power():
    y = leaf(0.0, 1.0) ** -0.5  # culprit
    y.sum().backward()


@case("arccos", "forward", None, "arccos of 1.5, outside of its domain from -1 to 1")
def arccos_outside_of_its_domain():
    np.arccos(leaf(0.5, 1.5))  # culprit


@case("arcsin", "forward", None, "arcsin of -2, outside of its domain")
def arcsin_outside_of_its_domain():
    np.arcsin(leaf(-2.0))  # culprit


@case("arccosh", "forward", None, "arccosh of 0.5, outside of its domain from 1 on")
def arccosh_outside_of_its_domain():
    np.arccosh(leaf(0.5))  # culprit


@case("subtract", "forward", None, "inf - inf", origin=("square", "overflow: the number is larger than float64 holds"))
def difference_of_overflows():
    x = leaf(1e200, 1.0)
    y = np.square(x)
    y - (y + 1.0)  # culprit


@case("exp", "forward", None, "overflow: exp of 1000; float64 holds it for inputs up to 709.783")
def softmax_by_hand():
    z = leaf(1000.0, 0.0)
    e = np.exp(z)  # culprit
    e / e.sum()


@case("multiply", "forward", None, r"0 \* inf")
def zero_times_infinity():
    x = leaf(0.0, 1.0)
    x * np.array([np.inf, 1.0])  # culprit


@case("exp", "forward", None, "overflow: exp of 1000; float64 holds it for inputs up to 709.78")
def exp_overflows_in_the_loss():
    y = np.exp(leaf(1000.0, 1.0))  # culprit
    y.sum().backward()


@case("exp", "forward", None, "overflow: exp of 100; float32 holds it for inputs up to 88.7")
def exp_overflows_in_float32():
    y = np.exp(leaf(100.0, 1.0, dtype="float32"))  # culprit
    y.sum().backward()


@case("square", "forward", None, r"overflow in float32: the number is 1e\+40, .* float64 would hold it")
def a_square_overflows_in_float32():
    y = np.square(leaf(1e20, dtype="float32"))  # culprit
    y.sum().backward()


@case("dense", "forward", None, r"overflow in float32: the number is 2e\+40")
def a_layer_overflows_in_float32():
    layer = nn.Dense(2, 1)
    layer.weight.rebind(np.full((2, 1), 1e20, "float32"))
    layer.bias.rebind(np.zeros(1, "float32"))
    y = layer(np.full((1, 2), 1e20, "float32"))  # culprit
    y.sum().backward()


@case("softmax", "forward", None, "softmax of nothing but -inf")
def softmax_of_a_lane_that_is_masked_whole():
    scores = leaf([1.0, 2.0], [3.0, 4.0])
    masked = np.where(np.array([[True, False], [False, False]]), scores, -np.inf)
    nn.softmax(masked)  # culprit


@case("cos", "forward", None, "cos of an infinity")
def cos_of_infinity():
    np.cos(leaf(np.inf))  # culprit


@case("divide", "forward", None, "0 / 0: an average of no elements")
def mean_of_nothing():
    x = leaf(1.0, 2.0)
    x[np.array([False, False])].mean()  # culprit


@case("sqrt", "forward", None, "the square root of a negative number")
def without_recording():
    with tn.no_grad():
        np.sqrt(leaf(-1.0))  # culprit


@case("square", "forward", None, "overflow", infinities=True)
def an_infinity_that_is_asked_for():
    np.square(leaf(1e200))  # culprit


@case("log", "forward", None, "the logarithm of 0")
def a_pole():
    np.log(leaf(0.0)).backward()  # culprit


@case("divide", "forward", None, "division of 1 by all but 0, 9.99989e-321")
def a_divisor_that_is_all_but_zero():
    y = 1.0 / leaf(1e-320)  # culprit
    y.backward()


@case("log", "forward", None, "the logarithm of 0")
def log_at_zero_behind_where():
    x = leaf(0.0, 4.0)
    np.where(x > 0, np.log(x), 0.0).sum().backward()  # culprit


@case("divide", "forward", None, "division of 1 by 0")
def quotient_behind_where():
    x = leaf(0.0, 4.0)
    y = 1.0 / x  # culprit
    np.where(x > 0, y, 0.0).sum().backward()


@case("exp", "forward", None, "overflow: exp of 1000")
def overflow_behind_where():
    x = leaf(1000.0, 1.0)
    y = np.exp(x)  # culprit
    np.where(x > 500, x, y).sum().backward()


@case("divide", "forward", None, "division of 1 by 0")
def inside_of_jvp():
    x = np.array([0.0, 1.0])
    tn.jvp(lambda x: 1.0 / x, (x,), (x,))  # culprit


# Data


@case("dense", "data", 0, "it was in the data")
def nan_in_the_data():
    layer = nn.Dense(2, 3)
    y = layer(np.array([[1.0, 2.0], [np.nan, 1.0]]))  # culprit
    y.sum().backward()


@case("dense", "data", 0, "it was in the data")
def nan_in_a_sequence():
    layer = nn.LSTM(2, 3)
    y, _ = layer(np.array([[[1.0, np.nan]]]))  # culprit
    y.sum().backward()


@case("multiply", "data", 0, "it was there when the leaf was made")
def nan_in_a_leaf():
    y = leaf(np.nan, 1.0) * 2  # culprit
    y.sum().backward()


@case("where", "data", 2, "the infinity was handed in, as data or as a constant")
def the_target_class_is_masked():
    z = np.where([[True, False]], leaf([1.0, 2.0]), -np.inf)  # culprit
    nn.cross_entropy(z, [1]).backward()


@case("dense", "data", 1, "a step of the optimizer, or an assignment, has put it there")
def nan_in_a_parameter():
    layer = nn.Dense(2, 1)
    layer.weight.grad = np.full((2, 1), np.nan)
    tn.optim.SGD(layer.parameters(), lr=0.1).step()
    y = layer(np.ones((1, 2)))  # culprit
    y.sum().backward()


@case("subtract", "data", 1, "it was in the data")
def nan_in_the_target():
    prediction = leaf(1.0, 2.0)
    loss = nn.absolute_error(prediction, np.array([1.0, np.nan]))  # culprit
    loss.backward()


@case("squared_error", "forward", None, r"has been trained to numbers up to .*e\+")
def a_training_that_diverges():
    model, optimizer = diverging()
    for _ in range(1000):
        optimizer.zero_grad()
        loss = nn.squared_error(model(np.ones((4, 2))), np.ones((4, 1)))  # culprit
        loss.backward()
        optimizer.step()


# Backward


@case("sqrt", "backward", 0, r"0 \* inf: sqrt at 0 behind where \(.*test_anomaly.py:\d+\)")
def root_at_zero_behind_where():
    x = leaf(0.0, 4.0)
    y = np.sqrt(x)  # culprit
    np.where(x > 0, 2.0 * y, 0.0).sum().backward()


@case("power", "backward", 0, r"0 \* inf: power at 0 behind where")
def power_at_zero_behind_where():
    x = leaf(0.0, 4.0)
    y = x**0.5  # culprit
    np.where(x > 0, y, 0.0).sum().backward()


@case("sqrt", "backward", 0, "the slope of sqrt at 0 is infinite")
def root_at_zero():
    y = np.sqrt(leaf(0.0, 4.0))  # culprit
    y.sum().backward()


@case("sqrt", "backward", 0, "the slope of sqrt at 0 is infinite")
def an_infinite_slope_that_maximum_makes_nan():
    x = leaf(-1.0, 4.0)
    y = np.sqrt(np.maximum(x, 0.0))  # culprit
    y.sum().backward()


@case("arccos", "backward", 0, "the slope of arccos at 1 is infinite")
def arccos_at_one():
    y = np.arccos(leaf(1.0, 0.0))  # culprit
    y.sum().backward()


@case("cbrt", "backward", 0, "the slope of cbrt at 0 is infinite")
def cube_root_at_zero():
    y = np.cbrt(leaf(0.0))  # culprit
    y.sum().backward()


@case("power", "backward", 0, "the slope of power at 0 is infinite")
def fractional_power_at_zero():
    y = leaf(0.0, 1.0) ** 0.5  # culprit
    y.sum().backward()


@case("multiply", "backward", 0, r"overflow in float32: the gradient is 1e\+40")
def a_gradient_overflows_in_float32():
    x = leaf(1e-30, dtype="float32")
    y = x * np.float32(1e20)  # culprit
    (y * np.float32(1e20)).sum().backward()


@case("sqrt", "backward", 0, r"0 \* inf: sqrt at 0 behind where")
def inside_of_a_transform():
    def f(x):
        y = np.sqrt(x)  # culprit
        return np.where(x > 0, y, 0.0).sum()

    tn.grad(f)(np.array([0.0, 1.0]))


@case("sqrt", "backward", 0, r"0 \* inf: sqrt at 0 behind where")
def inside_of_a_hessian():
    def f(x):
        y = np.sqrt(x)  # culprit
        return np.where(x > 0, y, 0.0).sum()

    tn.hessian(f)(np.array([0.0, 1.0]))


@case("sqrt", "backward", 0, r"0 \* inf: sqrt at 0 behind where")
def inside_of_a_checkpoint():
    @tn.checkpoint
    def f(x):
        y = np.sqrt(x)  # culprit
        return np.where(x > 0, y, 0.0).sum()

    f(leaf(0.0, 1.0)).backward()


@case("sqrt", "backward", 0, "the slope of sqrt at 0 is infinite")
def an_infinite_slope_before_a_checkpoint():
    y = tn.checkpoint(lambda x: np.maximum(x, 0.0))(leaf(-1.0, 4.0))
    np.sqrt(y).sum().backward()  # culprit


@case("sqrt", "backward", 0, r"0 \* inf: sqrt at 0 behind where")
def with_create_graph():
    x = leaf(0.0, 4.0)
    y = np.sqrt(x)  # culprit
    np.where(x > 0, y, 0.0).sum().backward(create_graph=True)


@case("sqrt", "backward", 0, "the slope of sqrt at 0 is infinite")
def inside_of_a_module():
    class Distance(nn.Module):
        def forward(self, x):
            return np.sqrt((x * x).sum())  # culprit

    Distance()(leaf(0.0, 0.0)).backward()


@case(
    "power", "backward", 0, r"0 \* NaN: operand 0 holds NaN, and what is dropped behind where \(.*\) has the gradient 0"
)
def missing_targets_behind_where():
    target = np.array([np.nan, 1.0])
    error = (leaf(1.0, 2.0) - target) ** 2  # culprit
    np.where(np.isnan(target), 0.0, error).sum().backward()


@case("dense", "backward", 1, r"0 \* NaN: operand 0 holds NaN, and what is dropped has the gradient 0")
def rows_that_are_dropped_too_late():
    y = nn.Dense(2, 1)(np.array([[1.0, np.nan], [1.0, 2.0]]))  # culprit
    y[1:].sum().backward()


@case("exp", "forward", None, "overflow: exp of 1000")
def an_infinity_far_from_the_nan_that_is_made_of_it():
    e = np.exp(leaf(1000.0, 0.0))  # culprit
    total = e.sum() * 2.0
    total - total


@pytest.mark.parametrize("planted", CASES, ids=[program.__name__ for program, *_ in CASES])
def test_names_operation_line_operand_and_cause(planted):
    program, operation, phase, operand, cause, options = planted
    origin = options.pop("origin", None)
    found = anomaly_of(program, **options)
    assert (found.operation, found.phase, found.operand) == (operation, phase, operand)
    assert found.line == line_of(program)
    assert re.search(cause, found.cause), found.cause
    text = str(found)
    assert all(part in text for part in (operation, found.line, "expected", "got", found.cause, "what to do: "))
    if origin:
        assert found.origin.operation == origin[0]
        assert origin[1] in found.origin.cause


# Harmless

HARMLESS = {}


def harmless(program):
    HARMLESS[program.__name__] = program
    return program


@harmless
def scores_masked_with_infinity():
    scores = leaf([1.0, 2.0], [3.0, 4.0])
    p = nn.softmax(np.where(np.array([[True, False], [True, True]]), scores, -np.inf))
    (p * np.arange(2.0)).sum().backward()


@harmless
def scores_to_which_infinity_is_added():
    scores = leaf([1.0, 2.0], [3.0, 4.0])
    nn.softmax(scores + np.array([[0.0, -np.inf], [0.0, 0.0]]))[:, 0].sum().backward()


@harmless
def causal_attention():
    q = tn.Tensor(np.random.default_rng(0).normal(size=(1, 2, 4, 3)), requires_grad=True)
    nn.scaled_dot_product_attention(q, q, q, is_causal=True).sum().backward()


@harmless
def cross_entropy_with_an_excluded_class():
    z = np.where(np.array([True, True, False]), leaf(1.0, 2.0, 3.0), -np.inf)
    nn.cross_entropy(z.reshape(1, 3), np.array([[0.5, 0.5, 0.0]])).backward()


@harmless
def maximum_that_starts_from_infinity():
    x = leaf(1.0, 2.0)
    np.max(x, initial=-np.inf).backward()


@harmless
def maximum_with_infinity():
    np.maximum(leaf(1.0, 2.0), -np.inf).sum().backward()


@harmless
def clip_without_an_upper_bound():
    np.clip(leaf(-1.0, 2.0), 0.0, np.inf).sum().backward()


@harmless
def minimum_of_distances_that_exclude_themselves():
    x = leaf(0.0, 1.0, 5.0)
    distances = np.absolute(x[:, None] - x[None, :]) + np.diag(np.full(3, np.inf))
    distances.min(axis=1).sum().backward()


@harmless
def sigmoid_by_hand_far_below_zero():
    with tn.no_grad():
        1 / (1 + np.exp(-leaf(-1000.0, 0.0)))


@harmless
def log_of_zero_that_where_drops_without_a_gradient():
    x = tn.Tensor([0.0, 1.0])
    w = leaf(1.0, 1.0)
    (w * np.where(np.array([False, True]), np.log(x), 0.0)).sum().backward()


@harmless
def an_infinite_slope_that_where_drops():
    x = leaf(-1.0, 4.0)
    np.sqrt(np.where(x > 0, x, 0.0)).sum().backward()


@harmless
def a_root_by_piecewise():
    x = leaf(-1.0, 4.0)
    np.piecewise(x, [x > 0], [np.sqrt, 0.0]).sum().backward()


@harmless
def norms_and_deviations_of_zeros():
    x = leaf(0.0, 0.0)
    (np.linalg.norm(x) + x.std() + np.hypot(x, x).sum()).backward()


@harmless
def zeros_in_a_product_and_a_power():
    x = leaf(0.0, 0.0, 2.0)
    (x.prod() + (x**0).sum() + (x**2).sum()).backward()


@harmless
def xlogy_at_zero():
    nn.xlogy(leaf(0.0, 1.0), np.array([0.0, 2.0])).sum().backward()


@harmless
def certain_probabilities():
    p = leaf(0.0, 1.0)
    nn.binary_cross_entropy(p, np.array([0.0, 0.0])).backward()


@harmless
def logits_beyond_exp():
    z = leaf(1000.0, -1000.0)
    (nn.binary_cross_entropy_with_logits(z, np.array([0.0, 1.0])) + nn.logsumexp(z)).backward()


@harmless
def logsumexp_of_nothing_but_infinity():
    z = np.where(np.array([False, False]), leaf(1.0, 2.0), -np.inf)
    np.where(z > 0, nn.logsumexp(z), 0.0).sum().backward()


@harmless
def missing_values_that_are_skipped():
    x = leaf(np.nan, 1.0, 3.0)
    (np.nansum(x) + np.nanmax(x) + np.nan_to_num(x).sum()).backward()


@harmless
def statistics_that_skip_missing_values():
    x = leaf(np.nan, 1.0, 2.0, 4.0)
    (np.nanvar(x) + np.nanstd(x) + np.nanmedian(x) + np.nanpercentile(x, 30)).backward()


@harmless
def a_perplexity_that_is_only_logged():
    x = leaf(30.0, 1.0)
    loss = (x * x).sum()
    float(np.exp(loss))
    loss.backward()


@harmless
def missing_values_in_what_is_only_looked_at():
    (leaf(1.0, 2.0) * np.array([np.nan, 1.0])).mean().item()


@harmless
def targets_without_the_missing_ones():
    target = np.array([np.nan, 1.0])
    known = np.isfinite(target)
    ((leaf(1.0, 2.0)[known] - target[known]) ** 2).sum().backward()


@harmless
def missing_values_that_are_replaced():
    x = tn.Tensor([np.nan, 1.0])
    (np.where(np.isnan(x), 0.0, x) * leaf(1.0, 2.0)).sum().backward()


@harmless
def rows_without_missing_values():
    x = leaf([np.nan, 1.0], [2.0, 3.0])
    x[np.isfinite(x).all(axis=1)].sum().backward()


@harmless
def tangents_whose_infinity_where_drops():
    x = np.array([0.0, 4.0])
    tn.jvp(lambda x: np.where(x > 0, np.sqrt(x), 0.0), (x,), (np.ones(2),))


@harmless
def masked_scores_as_a_result():
    masked = np.where(np.array([True, False]), leaf(1.0, 2.0), -np.inf)
    masked.backward(np.array([1.0, 0.0]))


@harmless
def an_infinite_slope_that_where_drops_around_a_checkpoint():
    x = leaf(-1.0, 4.0)
    np.sqrt(tn.checkpoint(lambda x: np.where(x > 0, x, 0.0))(x)).sum().backward()


@harmless
def overflow_to_infinity_and_back_to_zero():
    (1.0 / (1.0 + np.square(leaf(1e200, 1.0)))).sum().backward()


@harmless
def poles_where_nothing_goes_back():
    with tn.no_grad():
        np.where(np.array([False, True]), np.log(leaf(0.0, 1.0)), 0.0)


@harmless
def underflow_to_zero():
    (np.exp(leaf(-1000.0, 1.0)) * 2.0).sum().backward()


@harmless
def training_with_dropout_and_normalisation():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Dense(2, 8, rng=rng), nn.BatchNorm(8), nn.ReLU(), nn.Dropout(0.5, rng=rng), nn.Dense(8, 1))
    optimizer = tn.optim.Adam(model.parameters(), lr=0.01)
    tn.training.fit(model, tn.data.xor(), nn.squared_error, optimizer, epochs=3)


@harmless
def an_empty_array():
    leaf()[:0].sum().backward()


@pytest.mark.parametrize("program", HARMLESS.values(), ids=HARMLESS)
def test_reports_nothing_where_infinities_and_zeros_are_meant(program):
    with tn.detect_anomaly():
        program()


def test_changes_no_value_and_no_gradient():
    def gradients():
        model = nn.Sequential(nn.Dense(3, 4, activation="tanh", rng=np.random.default_rng(0)), nn.LayerNorm(4))
        nn.squared_error(model(np.arange(6.0).reshape(2, 3)), np.zeros((2, 4))).backward()
        return [parameter.grad for parameter in model.parameters()]

    plain = gradients()
    with tn.detect_anomaly():
        watched = gradients()
    assert all(map(np.array_equal, plain, watched))


# Messages, read aloud


def message_of(program, **options):
    with pytest.raises(AnomalyError) as caught, tn.detect_anomaly(**options):
        program()
    return str(caught.value)


def test_message_of_a_forward_pass():
    assert message_of(root_of_a_negative_number) == (
        f"sqrt: expected finite numbers in the result, got 1 NaN among 2 elements, the first at [1], at "
        f"{line_of(root_of_a_negative_number)}\n"
        f"  operand 0 'x': float64 of shape (2,), from -1 to 4; at [1] it is -1\n"
        f"  cause: the square root of a negative number, -1\n"
        f"  what to do: Keep the operand inside, with np.clip or np.maximum, or compute only where it is, with "
        f"np.piecewise"
    )


def test_message_of_a_nan_that_was_made_of_an_infinity():
    line = line_of(difference_of_overflows)
    file, number = line.rsplit(":", 1)
    assert message_of(difference_of_overflows) == (
        f"subtract: expected finite numbers in the result, got 1 NaN among 2 elements, the first at [0], at {line}\n"
        f"  operand 0: float64 of shape (2,), from 1 to 1, and 1 inf, the first at [0]; at [0] it is inf\n"
        f"  operand 1: float64 of shape (2,), from 2 to 2, and 1 inf, the first at [0]; at [0] it is inf\n"
        f"  cause: inf - inf\n"
        f"  the infinity: square: expected finite numbers in the result, got 1 inf among 2 elements, the first at [0], "
        f"at {file}:{int(number) - 1}\n"
        f"    cause: overflow: the number is larger than float64 holds, 1.8e+308\n"
        f"  what to do: Scale the numbers down before, or work with their logarithms"
    )


def test_message_of_an_infinity_where_the_slope_is_infinite():
    assert message_of(softmax_by_hand) == (
        f"exp: expected finite numbers in the result, got 1 inf among 2 elements, the first at [0], at "
        f"{line_of(softmax_by_hand)}\n"
        f"  operand 0 'x': float64 of shape (2,), from 0 to 1000; at [0] it is 1000\n"
        f"  its slope there is infinite, too: on the way back even a gradient of 0, as np.where hands on, becomes NaN\n"
        f"  cause: overflow: exp of 1000; float64 holds it for inputs up to 709.783\n"
        f"  what to do: Take the maximum off first, as nn.softmax, nn.log_softmax and nn.logsumexp do, use nn.softplus "
        f"or nn.sigmoid for their formulas, or scale the input down"
    )


REMEDIES = {
    "arccos": (np.arccos, 1.0, "as in np.arccos(np.clip(x, -1 + 1e-7, 1 - 1e-7)), or take the angle"),
    "arcsin": (np.arcsin, -1.0, "as in np.arcsin(np.clip(x, -1 + 1e-7, 1 - 1e-7))"),
    "arccosh": (np.arccosh, 1.0, "as in np.arccosh(np.maximum(x, 1 + 1e-7))"),
    "cbrt": (np.cbrt, 0.0, "as in np.cbrt(x + 1e-12)"),
    "power": (lambda x: x**0.5, 0.0, "as in (x + 1e-12) ** p"),
    "sqrt": (np.sqrt, 0.0, "as in np.sqrt(x + 1e-12), or use a function that has a slope there, as np.linalg.norm"),
}


@pytest.mark.parametrize(("f", "at", "remedy"), REMEDIES.values(), ids=REMEDIES)
def test_what_to_do_about_an_infinite_slope_fits_the_function(f, at, remedy):
    assert remedy in anomaly_of(lambda: f(leaf(at)).sum().backward()).remedy


MASKED = {
    "arccos": (np.arccos, 1.0, "[np.abs(x) < 1]", "np.arccos(np.where(np.abs(x) < 1, x, 0.0)), 0.0)"),
    "arccosh": (np.arccosh, 1.0, "[x > 1], [np.arccosh, 0.0]", "np.arccosh(np.where(x > 1, x, 2.0)), 0.0)"),
    "power": (lambda x: x**0.5, 0.0, "[x > 0], [lambda x: x ** p, 0.0]", "np.where(x > 0, x, 1.0) ** p, 0.0)"),
}


@pytest.mark.parametrize(("f", "at", "piecewise", "harmless"), MASKED.values(), ids=MASKED)
def test_what_to_do_about_a_mask_behind_fits_the_function(f, at, piecewise, harmless):
    found = anomaly_of(lambda: np.where(np.array([False]), f(leaf(at)), 0.0).sum().backward())
    assert "behind where" in found.cause
    assert piecewise in found.remedy
    assert harmless in found.remedy


def test_message_of_a_backward_pass():
    line = line_of(root_at_zero_behind_where)
    file, number = line.rsplit(":", 1)
    assert message_of(root_at_zero_behind_where) == (
        f"backward: expected a finite gradient of 'sqrt' for operand 0 'x', got 1 NaN among 2 elements, the first at "
        f"[0], recorded at {line}\n"
        f"  operand 0 'x': float64 of shape (2,), from 0 to 4; at [0] it is 0\n"
        f"  incoming gradient: float64 of shape (2,), from 0 to 2; at [0] it is 0\n"
        f"  cause: 0 * inf: sqrt at 0 behind where ({file}:{int(number) + 1}): its slope there is infinite, and the "
        f"incoming gradient is 0\n"
        f"  what to do: Compute only where the operand is inside, with np.piecewise(x, [x > 0], [np.sqrt, 0.0]), or "
        f"put a harmless number in its place before: np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0)"
    )


def test_message_of_a_nan_in_the_data():
    message = message_of(nan_in_the_data)
    assert message.startswith(
        f"backward: expected a finite value to start from, got NaN. dense: expected finite numbers in "
        f"operand 0, got 1 NaN among 4 elements, the first at [1, 0], before any "
        f"operation, at {line_of(nan_in_the_data)} in module Dense\n"
    )
    assert message.endswith(
        "  cause: it was in the data\n"
        "  what to do: Leave out the rows, as in x[np.isfinite(x).all(axis=1)], or fill the gaps, as with np.nan_to_num"
    )


def test_tells_what_made_an_infinite_slope_into_nan():
    assert "it came to light in the gradient of 'maximum'" in message_of(an_infinite_slope_that_maximum_makes_nan)


def test_shows_the_elements_that_were_broadcast():
    assert "operand 1: float64 of shape (2,), from 0 to 0.816497; at [1] it is 0\n" in message_of(
        a_constant_channel_is_divided_by_its_deviation
    )


def test_names_the_path_of_modules():
    class Root(nn.Module):
        def forward(self, x):
            return np.sqrt(x)

    model = nn.Sequential(nn.Dense(2, 2), Root())
    model[0].weight.data[...] = -1.0
    assert " in module Sequential.1\n" in message_of(lambda: model(np.ones((1, 2))))


# Where it holds


def test_names_operations_that_were_recorded_before_the_block():
    x = leaf(0.0, 4.0)
    loss = np.where(x > 0, np.sqrt(x), 0.0).sum()
    found = anomaly_of(loss.backward)
    assert (found.operation, found.phase, found.operand) == ("sqrt", "backward", 0)


def test_traces_a_nan_to_an_operation_before_the_block():
    with np.errstate(all="ignore"):
        y = np.log(leaf(-1.0, 1.0))
    found = anomaly_of(lambda: (y * 2.0).sum().backward())
    assert (found.operation, found.phase, found.cause) == ("log", "forward", "the logarithm of a negative number, -1")


def test_takes_a_nan_for_data_whose_graph_is_released():
    with np.errstate(all="ignore"):
        y = np.log(leaf(-1.0, 1.0))
        y.sum().backward()
    assert anomaly_of(lambda: (y.detach() * leaf(1.0, 1.0)).sum().backward()).phase == "data"


def test_refuses_a_gradient_to_start_from_that_is_not_finite():
    y = leaf(1.0, 2.0) * 2
    found = anomaly_of(lambda: y.backward([1.0, np.nan]))
    assert (found.phase, found.index) == ("data", (1,))


def test_names_the_sum_of_gradients_that_overflows():
    def program():
        y = leaf(1e-300) * 1.0
        (y * 1e308 + y * 1e308).sum().backward()

    found = anomaly_of(program)
    assert (found.operation, found.phase) == ("multiply", "backward")
    assert "sum of the gradients" in found.cause


def test_blames_the_line_in_the_rule_of_a_user():
    @tn.primitive
    def careless(a):
        def closure(g):
            return g / (a - a)  # culprit

        return a * 1.0, closure

    @tn.primitive
    def total(a):
        return (a / (a - a)).sum(), lambda g: g  # culprit

    found = anomaly_of(lambda: careless(leaf(1.0, 2.0)).sum().backward())
    assert (found.operation, found.phase, found.operand) == ("careless", "backward", 0)
    line = line_of(careless)
    words = "divide by zero encountered in divide, in the rule of 'careless'"
    assert found.cause.startswith(f"{words} at {line}: return g / (a - a)")
    assert found.remedy.startswith("Mend that line")
    found = anomaly_of(lambda: total(leaf(1.0, 2.0)).backward())
    assert (found.operation, found.phase) == ("total", "forward")
    assert f"in the rule of 'total' at {line_of(total)}: return" in found.cause


def test_a_failed_backward_leaves_gradients_as_they_were():
    x, w = leaf(0.0, 4.0), leaf(1.0, 1.0)
    with pytest.raises(AnomalyError), tn.detect_anomaly():
        (w * np.where(x > 0, np.sqrt(x), 0.0)).sum().backward()
    assert x.grad is None
    assert w.grad is None


def test_as_a_decorator_and_for_each_call_anew():
    @tn.detect_anomaly()
    def root(x):
        return np.sqrt(x)

    assert root(leaf(4.0)).item() == 2.0
    for _ in range(2):
        with pytest.raises(AnomalyError):
            root(leaf(-1.0))
    assert MODE.get() is PLAIN


def test_nested_blocks_and_other_modes():
    x = leaf(1e200)
    with tn.detect_anomaly():
        with tn.detect_anomaly(infinities=True), pytest.raises(AnomalyError):
            np.square(x)
        np.square(x)  # the outer block holds again
        with tn.no_grad(), tn.enable_grad(), pytest.raises(AnomalyError):
            np.sqrt(-x)
    assert MODE.get() is PLAIN


def test_holds_for_its_own_thread_only():
    failures = []

    def run():
        with np.errstate(all="ignore"), contextlib.suppress(AnomalyError):
            np.sqrt(leaf(-1.0))
            return
        failures.append("watched")

    with tn.detect_anomaly():
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert not failures


def test_keeps_no_graph_alive():
    import gc
    import weakref

    gc.disable()
    try:
        with tn.detect_anomaly():
            x = leaf(1e200, 1.0)
            y = np.square(x)  # infinite, and noted
            reference = weakref.ref(x._node)
            del x, y
            assert reference() is None
    finally:
        gc.enable()


def test_fit_recommends_it():
    model = nn.Dense(2, 1)
    data = np.full((2, 2), np.nan), np.ones((2, 1))
    optimizer = tn.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(TrainingError, match=r"'with tn.detect_anomaly\(\):' around fit names the operation"):
        tn.training.fit(model, data, nn.squared_error, optimizer, epochs=1)
    with pytest.raises(AnomalyError, match="it was in the data"), tn.detect_anomaly():
        tn.training.fit(model, data, nn.squared_error, optimizer, epochs=1)


def test_fit_names_what_made_its_loss_infinite():
    model, optimizer = diverging()
    with (
        pytest.raises(AnomalyError, match=r"'(weight|bias)' has been trained to numbers up to") as caught,
        tn.detect_anomaly(),
    ):
        tn.training.fit(model, (np.ones((4, 2)), np.ones((4, 1))), nn.squared_error, optimizer, epochs=1000)
    assert caught.value.anomaly.operation == "squared_error"


# Its price


def test_runs_nothing_of_its_own_when_it_is_off():
    with tn.detect_anomaly():
        pass  # so that it is imported
    called = []
    sys.setprofile(lambda frame, *_: called.append(frame.f_code.co_filename))
    try:
        model = nn.Sequential(nn.Dense(2, 3, activation="tanh"), nn.Dense(3, 1))
        nn.squared_error(model(np.ones((2, 2))), np.zeros((2, 1))).backward()
        tn.grad(lambda x: (x * x).sum())(np.ones(2))
    finally:
        sys.setprofile(None)
    assert any("recording.py" in file for file in called)
    assert not any("anomaly" in file.replace(__file__, "") for file in called)


def test_asks_for_a_watch_once_in_a_walk_and_never_in_an_operation():
    x = leaf(1.0, 2.0)
    for count in (1, 100):
        lines = []

        def trace(frame, event, _, lines=lines):
            if event == "line" and frame.f_code.co_name in {"record", "record_pair", "make_node", "backpropagate"}:
                lines.append(linecache.getline(frame.f_code.co_filename, frame.f_lineno))
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            y = x
            for _ in range(count):
                y = np.tanh(y * 0.5)
            y.sum().backward()
        finally:
            sys.settrace(before)
        assert len(lines) > 10 * count
        assert len([line for line in lines if "watch" in line]) == 2
