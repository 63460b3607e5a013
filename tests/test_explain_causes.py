"""`graph.explain` with a planted fault: the verdict, the cause and the line have to be found."""

from __future__ import annotations

import inspect
import itertools
import re

import numpy as np
import pytest

from tests.faults import W, X, leaf, line_of, rng, two_layers
from tinygrad_nn import graph, nn
from tinygrad_nn.graph.explaining import causes, inquest, sizes, zeros
from tinygrad_nn.graph.explaining.remedies import REMEDIES
from tinygrad_nn.primitive import PRIMITIVES


def clipped():
    w = leaf(W)
    out = np.clip(w * 100, -0.01, 0.01)  # fault
    return out.sum(), w


def masked():
    w = leaf(W)
    out = np.where(np.zeros((4, 3), bool), w * 2, leaf(W, "other"))  # fault
    return out.sum(), w


def loser_of_max():
    w, v = leaf(np.full((2, 3), -1.0)), leaf(np.ones((2, 3)), "v")
    pair = np.stack([w * 1.5, v])
    out = pair.max(axis=0)  # fault
    return out.sum(), w


def loser_of_maximum():
    w = leaf(-np.ones(3))
    out = np.maximum(w, leaf(np.ones(3), "v"))  # fault
    return out.sum(), w


def loser_of_max_pool():
    w = leaf(-np.ones((1, 1, 2, 2)))
    joined = np.concatenate([w, leaf(np.ones((1, 1, 2, 2)), "v")], axis=3)
    out = nn.max_pool(joined, (2, 4))  # fault
    return out.sum(), w


def rounded():
    w = leaf(W)
    out = np.round(w * 3)  # fault
    return (out * out).sum(), w


def times_zero():
    w = leaf(W)
    out = (X @ w) * np.zeros((8, 3))  # fault
    return out.sum(), w


def zero_weight():
    model = nn.Sequential(nn.Dense(4, 6, activation="tanh", rng=rng()), nn.Dense(6, 1, init="zeros", rng=rng()))
    model(X)
    out = model(X)  # fault
    return nn.squared_error(out, np.ones((8, 1))), model.parameters()[0]


def dropped():
    w = leaf(W)
    out = nn.Dropout(0.999, rng=np.random.default_rng(0))(w)  # fault
    return out.sum(), w


def underflowing():
    w = leaf(W.astype(np.float32))
    out = w * np.float32(1e-30)  # fault
    return (out * np.float32(1e-30)).sum(), w


def at_the_minimum():
    w = leaf(W)
    loss = nn.squared_error(w, W)  # fault
    return loss, w


def cut_off():
    w = leaf(W)
    joined = np.concatenate([leaf(W, "v"), w])
    out = joined[:4]  # fault
    return out.sum(), w


def empty():
    w = leaf(W)
    out = w[:0].sum()  # fault
    return out + leaf(1.0, "v"), w


def saturated_tanh():
    w = leaf([-30.0, 40.0])
    out = np.tanh(w)  # fault
    return out.sum(), w


def cancelling():
    w = leaf(W)
    twice = w * 2  # fault
    return (twice - w - w).sum(), w


def cancelling_in_a_sum():
    w = leaf(np.ones(3))
    out = w + np.zeros((2, 3))  # fault
    return (out * [[1.0], [-1.0]]).sum(), w


def relu_by_maximum():
    w = leaf(-np.absolute(W))
    out = np.maximum(w, 0)  # fault
    return out.sum(), w


def relu_by_where():
    hidden = (w := leaf(-np.absolute(W))) * 2
    out = np.where(hidden > 0, hidden, 0)  # fault
    return out.sum(), w


def relu_by_clip():
    w = leaf(-np.absolute(W))
    out = np.clip(w, 0, 6)  # fault
    return out.sum(), w


def limited_by_minimum():
    w = leaf(np.absolute(W) + 1)
    out = np.minimum(w, 1)  # fault
    return out.sum(), w


def overwritten():
    w = leaf(W)
    out = (w * 2).at[:].set(0.0)  # fault
    return out.sum() + leaf(1.0, "v"), w


def softmax_of_one():
    w = leaf(W[:, :1])
    out = nn.softmax(X @ w, axis=-1)  # fault
    return np.log(out).sum(), w


def right_already():
    w = leaf([[1000.0, -1000.0]])
    loss = nn.cross_entropy(w, np.zeros(1, int))  # fault
    return loss, w


def square_at_zero():
    w = leaf(W)
    error = w - W
    out = error * error  # fault
    return out.sum(), w


def norm_of_zeros():
    w = leaf(np.zeros(3))
    out = np.linalg.norm(w)  # fault
    return out, w


def product_of_zeros():
    w = leaf([0.0, 0.0, 3.0])
    out = np.prod(w)  # fault
    return out, w


def far_below_the_largest():
    w = leaf([-2000.0])
    out = np.exp(np.concatenate([w, np.zeros(1)]))  # fault
    return np.log(out.sum()), w


def deviation_of_equal_numbers():
    w = leaf(np.ones(3))
    out = w.std()  # fault
    return out, w


def not_the_median():
    w = leaf([-7.0])
    out = np.median(np.concatenate([w, [1.0, 2.0, 3.0, 4.0]]))  # fault
    return out, w


def relu_by_product():
    hidden = (w := leaf(-np.absolute(W))) * 2
    out = hidden * (hidden > 0)  # fault
    return out.sum(), w


def relu_by_product_with_a_float():
    w = leaf([-1.0, 2.0])
    out = w * (w.numpy() > 0).astype(float)  # fault
    return (out * [1.0, 0.0]).sum(), w


def exp_of_too_little():
    w = leaf([-800.0, -900.0])
    out = np.exp(w)  # fault
    return out.sum(), w


def power_of_too_little():
    w = leaf([1e-200])
    out = w**3  # fault
    return out.sum(), w


ZERO = {
    deviation_of_equal_numbers: "zero slope", not_the_median: "another element won", relu_by_product: "dead relu",
    relu_by_product_with_a_float: "dead relu", exp_of_too_little: "small slope", power_of_too_little: "small slope",
    relu_by_maximum: "dead relu", relu_by_where: "dead relu", relu_by_clip: "dead relu", limited_by_minimum: "masked",
    overwritten: "overwritten", softmax_of_one: "constant", right_already: "at its minimum",
    square_at_zero: "zero slope", norm_of_zeros: "zero slope", product_of_zeros: "zero factor",
    far_below_the_largest: "small slope",
    clipped: "masked", masked: "masked", loser_of_max: "another element won", loser_of_maximum: "another element won",
    loser_of_max_pool: "another element won", rounded: "flat", times_zero: "zero factor", zero_weight: "zero factor",
    dropped: "dropped out", underflowing: "underflow", at_the_minimum: "at its minimum", cut_off: "cut off",
    empty: "empty", saturated_tanh: "saturated", cancelling: "cancelled", cancelling_in_a_sum: "cancelled",
}  # fmt: skip  # a table


@pytest.mark.parametrize("plant", ZERO)
def test_a_zero_is_traced_to_its_cause_and_line(plant):
    loss, w = plant()
    explanation = graph.explain(loss, w)
    assert (explanation.verdict, explanation.cause) == ("zero", ZERO[plant])
    assert explanation.source == line_of(plant, "# fault")
    assert explanation.steps[explanation.breaks_at].source == explanation.source
    assert explanation.gradient == 0
    assert explanation.remedy == REMEDIES[explanation.cause]


def test_what_stands_for_another_is_called_by_what_it_means():
    assert headline_of(*deviation_of_equal_numbers()) == (
        "The gradient of 'w' is zero: a root of 0, as the deviation of equal numbers is one, has no slope: 'where' "
        "takes 0 for it."
    )
    assert headline_of(*not_the_median()) == (
        "The gradient of 'w' is zero: of the sorted elements 'getitem' takes others, as a median takes only the one or "
        "two in the middle."
    )
    assert headline_of(*relu_by_product()) == (
        "The gradient of 'w' is zero: 'multiply' acts as a relu that is dead: all 12 of its inputs are negative or 0."
    )
    assert headline_of(*relu_by_product_with_a_float()).endswith(
        "is dead for the 1 of 2 elements that a gradient arrives at."
    )
    w = leaf([4.0])  # a mask that has nothing to do with a root of 0
    explanation = graph.explain(np.where(w.numpy() > 3, 0, np.sqrt(w)).sum(), w)
    assert explanation.cause == "masked"


def test_a_slope_that_underflows_is_not_to_be_mended_by_a_larger_loss():
    for plant in (exp_of_too_little, power_of_too_little):
        loss, w = plant()
        assert graph.explain(loss * 1e300, w).cause == graph.explain(loss, w).cause == "small slope"
        assert "loss up" not in graph.explain(loss, w).remedy
    w = leaf([-350.0])
    explanation = graph.explain(np.exp(w).sum(), w)
    assert (explanation.verdict, explanation.cause) == ("tiny", "small slope")
    assert "'exp' is nearly flat at its operand (-350)" in explanation.headline
    assert not any("activation" in graph.explain(*plant()).remedy for plant in (exp_of_too_little, saturated_tanh))


def test_a_dead_relu_is_named_with_how_many_inputs_are_dead():
    loss, weight = two_layers("relu", bias=-100.0)
    explanation = graph.explain(loss, weight)
    assert (explanation.verdict, explanation.cause) == ("zero", "dead relu")
    assert explanation.headline.startswith(
        "The gradient of '0.weight' is zero: relu is dead: all 48 of its inputs are negative or 0 ("
    )
    assert explanation.steps[explanation.breaks_at].module == ("Sequential", "0")


def test_a_relu_that_is_alive_for_some_samples_is_healthy_and_the_share_is_told():
    w, b = leaf(np.eye(4)), leaf(np.full(4, -0.5), "b")
    loss = nn.relu(X @ w + b).sum()
    explanation = graph.explain(loss, w)
    assert explanation.verdict == "healthy"
    assert explanation.cause == ""
    assert "dead" not in str(explanation)


def test_units_that_are_dead_among_others_are_counted():
    b = leaf([0.0, -100.0, 0.0, -100.0], "b")
    explanation = graph.explain(nn.relu(np.ones((8, 4)) + b).sum(), b)
    assert explanation.verdict == "healthy"
    assert any(
        note.startswith("2 of its 4 numbers are 0: 50% of the results of relu are 0") for note in explanation.notes
    )


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_a_saturated_layer_is_not_taken_for_a_dead_one(activation):
    loss, weight = two_layers(activation, bias=1000.0)
    explanation = graph.explain(loss, weight)
    assert (explanation.verdict, explanation.cause) == ("zero", "saturated")
    assert f"'{activation}' is saturated" in explanation.headline


# Not finite, tiny, huge


def sqrt_at_zero():
    w = leaf([0.0, 1.0])
    root = np.sqrt(w)  # fault
    return root.sum(), w


def masked_sqrt():
    w = leaf([-1.0, 0.0, 1.0])
    root = np.sqrt(w)  # fault
    return np.where(w.numpy() > 0, root, 0).sum(), w


def log_of_zero():
    w = leaf(W)
    out = np.log(w * 0)  # fault
    return out.sum(), w


def exp_of_much():
    w = leaf(np.float32([100.0]))
    out = np.exp(w)  # fault
    return (out * 2).sum(), w


def overflow_on_the_way_back():
    w = leaf(np.float32([1e-30, 1e-35]))
    out = w * np.float32(1e20)  # fault
    return (out * np.float32(1e20)).sum(), w


def sum_that_overflows():
    w = leaf(np.float32([1e-30]))
    scale = lambda x, factor: x * np.float32(factor)  # noqa: E731 - fault
    return scale((scale(scale(w, 3e38), 1e-38) + scale(scale(w, 3e38), 1e-38)).sum(), 1e38), w


def data_with_a_hole():
    w, x = leaf(W), X.copy()
    x[2, 1] = np.nan
    out = x @ w  # fault
    return (out * out).sum(), w


def parameter_with_a_hole():
    w = leaf([np.nan, 1.0])
    out = w * 2  # fault
    return out.sum(), w


def masked_throughout():
    w = leaf(W)
    scores = np.where(np.eye(4, 3), -np.inf, w)
    scores = np.where(np.arange(4)[:, None] == 2, -np.inf, scores)
    out = nn.softmax(scores, axis=-1)  # fault
    return out.sum(), w


def infinity_times_zero():
    w = leaf([1.0, 2.0])
    scaled = w * [np.inf, 1.0]
    out = scaled * 0  # fault
    return out.sum(), w


def square_of_too_much():
    w = leaf([1e200])
    out = w**2  # fault
    return out.sum(), w


def infinity_over_infinity():
    w = leaf([800.0, 1.0])
    out = np.exp(w)  # fault
    return (out / out.sum()).sum(), w


NOT_FINITE = {
    masked_throughout: "infinity", infinity_times_zero: "infinity", square_of_too_much: "steep",
    infinity_over_infinity: "steep",
    sqrt_at_zero: "edge of the domain", masked_sqrt: "masked infinity", log_of_zero: "edge of the domain",
    exp_of_much: "steep", sum_that_overflows: "overflow",
    overflow_on_the_way_back: "overflow", data_with_a_hole: "not finite before",
    parameter_with_a_hole: "not finite before",
}  # fmt: skip  # a table


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("plant", NOT_FINITE)
def test_what_is_not_finite_is_traced_to_its_cause_and_line(plant):
    loss, w = plant()
    explanation = graph.explain(loss, w)
    assert (explanation.verdict, explanation.cause) == ("not finite", NOT_FINITE[plant])
    assert explanation.source == line_of(plant, "fault")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_elements_at_the_edge_of_a_domain_are_counted():
    headline = graph.explain(*sqrt_at_zero()).headline
    assert headline.startswith(
        "The gradient of 'w' is not finite in 1 of 2 numbers: 'sqrt' has no finite slope at 1 of 2 elements, where its "
        "operand is 0 ("
    )


def small_factor():
    w = leaf(W)
    out = w * np.full((4, 3), 1e-12)  # fault
    return (out * 3).sum(), w


def nearly_saturated():
    w = leaf([17.5, 18.0])
    out = np.tanh(w)  # fault
    return out.sum(), w


def bias_before_a_normalisation():
    model = nn.Sequential(nn.Dense(4, 4, rng=rng()), nn.BatchNorm(4), nn.Dense(4, 1, rng=rng()))
    out = model(X)  # fault
    return nn.squared_error(out, np.ones((8, 1))), model.parameters()[1]


def large_factor():
    w = leaf(W)
    out = w * np.full((4, 3), 1e12)  # fault
    return out.sum(), w


def small_divisor():
    w = leaf(W)
    out = w / np.full((4, 3), 1e-12)  # fault
    return out.sum(), w


def steep_exp():
    w = leaf([30.0])
    out = np.exp(w)  # fault
    return out.sum(), w


def small_quotient():
    w = leaf(W)
    out = (w / 1e12).sum()  # fault
    return out, w


def sum_of_a_softmax():
    w = leaf(W)
    out = nn.softmax(X @ w, axis=-1)  # fault
    return out.sum(), w


def saturated_softmax():
    w = leaf(W * 500)
    out = nn.softmax(X @ w, axis=-1)  # fault
    return ((out - np.eye(8, 3)) ** 2).sum(), w


def standardised_by_hand():
    w = leaf(W)
    hidden = X @ w
    mean = hidden.mean(axis=0)
    out = hidden - mean  # fault
    return (out / out.std(axis=0)).mean(), w


def wrong_by_millions():
    w = leaf(W)
    loss = nn.squared_error(X @ w, np.full((8, 3), 1e8))  # fault
    return loss, w


CHANGED = {
    small_quotient: ("tiny", "small factor"), sum_of_a_softmax: ("tiny", "cancelled"),
    saturated_softmax: ("tiny", "saturated"), standardised_by_hand: ("tiny", "cancelled"),
    wrong_by_millions: ("huge", "large error"),
    small_factor: ("tiny", "small factor"), nearly_saturated: ("tiny", "saturated"),
    bias_before_a_normalisation: ("tiny", "cancelled"), large_factor: ("huge", "large factor"),
    small_divisor: ("huge", "edge of the domain"), steep_exp: ("huge", "steep"),
}  # fmt: skip  # a table


@pytest.mark.parametrize("plant", CHANGED)
def test_a_jump_in_size_is_traced_to_its_cause_and_line(plant):
    loss, w = plant()
    explanation = graph.explain(loss, w)
    assert (explanation.verdict, explanation.cause) == CHANGED[plant]
    assert explanation.source == line_of(plant, "# fault")


def test_of_a_number_its_size_is_told_once():
    assert headline_of(*small_quotient()).endswith(": 'divide' divides it by 1e+12.")
    w = leaf(W)
    assert headline_of((w * 1e-12).sum(), w).endswith(": 'multiply' multiplies it by 1e-12.")
    assert headline_of(*wrong_by_millions()).endswith(": the prediction is far from the target, by up to 1e+08.")


@pytest.mark.parametrize(("scale", "verdict", "cause"), [(1e-9, "huge", "small value"), (1e9, "tiny", "large value")])
def test_a_gradient_of_ordinary_size_is_compared_with_its_value(scale, verdict, cause):
    w = leaf(W * scale)
    explanation = graph.explain(w.sum(), w)
    assert (explanation.verdict, explanation.cause, explanation.breaks_at) == (verdict, cause, None)
    assert explanation.headline.endswith(
        f"that is an ordinary size, but its value is far {'smaller' if scale < 1 else 'larger'}, of norm "
        f"{np.linalg.norm(W) * scale:.3g}."
    )


def test_the_tables_of_operations_name_operations():
    tables = (
        causes.SATURATING, causes.ODD, causes.CHOOSING, causes.PRODUCTS, causes.SINGULAR, causes.STEEP, causes.LOSSES,
    )  # fmt: skip  # a table
    assert set().union(*tables) <= PRIMITIVES.keys()


def test_a_gradient_that_vanishes_little_by_little_blames_no_single_operation():
    rng = np.random.default_rng(0)
    model = nn.Sequential(*(nn.Dense(4, 4, activation="sigmoid", rng=rng) for _ in range(30)))
    explanation = graph.explain((model(X) ** 2).mean(), model.parameters()[0])
    assert (explanation.verdict, explanation.cause, explanation.breaks_at) == ("tiny", "vanishing", None)
    model = nn.Sequential(*(nn.Dense(4, 4, rng=rng) for _ in range(30)))
    for weight in model.parameters()[::2]:
        weight.data = 3 * weight.numpy() + 3
    explanation = graph.explain(model(X).mean(), model.parameters()[0])
    assert (explanation.verdict, explanation.cause, explanation.breaks_at) == ("huge", "exploding", None)


def headline_of(loss, w):
    """Return the headline without the lines, on one line."""
    return re.sub(r" \([^ ]*test_explain_causes.py:[^)]*\)", "", graph.explain(loss, w).headline)


def test_what_shrinks_is_named_and_not_what_stands_between():
    w, n = leaf(np.ones(3)), 60
    x, values = w, []
    for _ in range(n):
        x = np.tanh(x * 0.1)
        values.append(x.numpy())
    by_hand = np.prod([(1 - value**2) * 0.1 for value in values], axis=0)
    explanation = graph.explain(x.sum(), w)
    assert explanation.gradient == pytest.approx(np.linalg.norm(by_hand))
    assert headline_of(x.sum(), w) == (
        f"The gradient of 'w' is tiny, of norm {np.linalg.norm(by_hand):.3g}: it shrinks little by little: "
        f"60 × 'multiply by 0.1' multiply its norm by 0.1 each, by 1e-60 in all."
    )
    assert f"{__file__}:" in explanation.headline


def test_a_slow_leak_is_told_each_and_in_all():
    def leaking(n):
        x = w = leaf(np.ones(3))
        for _ in range(n):
            x = x * 0.99 + 0.01
        return x.sum(), w

    assert headline_of(*leaking(2000)).endswith(
        f"2,000 × 'multiply by 0.99' multiply its norm by 0.99 each, by {0.99**2000:.3g} in all."
    )
    explanation = graph.explain(*leaking(500))
    assert explanation.verdict == "healthy"
    assert explanation.notes[0].startswith("Along this path it shrinks: 500 × 'multiply by 0.99' (")
    assert explanation.notes[0].endswith(f" multiply its norm by 0.99 each, by {0.99**500:.3g} in all.")
    assert not any(note.startswith("Along") for note in graph.explain(*leaking(100)).notes)


def test_factors_that_differ_are_told_from_the_smallest_to_the_largest():
    weight, h0 = leaf(rng().normal(size=(8, 8)), "W"), leaf(np.ones((1, 8)), "h0")
    h, norms = h0, [np.sqrt(8)]
    gradient = np.ones((1, 8))
    for _ in range(30):
        h = h @ weight
        gradient = gradient @ weight.numpy().T
        norms.append(np.linalg.norm(gradient))
    factors = np.divide(norms[1:], norms[:-1])
    assert headline_of(h.sum(), h0).endswith(
        f"30 × 'matmul' multiply its norm by {factors.min():.3g} to {factors.max():.3g} each, "
        f"by {norms[-1] / norms[0]:.3g} in all."
    )


def test_of_a_fused_layer_the_activation_is_told_from_the_weights():
    model = nn.Sequential(*(nn.Dense(4, 4, activation="sigmoid", rng=np.random.default_rng(i)) for i in range(30)))
    x, outputs = X, []
    for layer in model:
        x = 1 / (1 + np.exp(-(x @ layer.weight.numpy() + layer.bias.numpy())))
        outputs.append(x)
    gradient, whole, slopes, products = np.ones((8, 4)), [], [], []
    for layer, out in zip(list(model)[:0:-1], outputs[:0:-1], strict=True):
        sloped = gradient * out * (1 - out)
        slopes.append(np.linalg.norm(sloped) / np.linalg.norm(gradient))
        products.append(np.linalg.norm(sloped @ layer.weight.numpy().T) / np.linalg.norm(sloped))
        whole.append(slopes[-1] * products[-1])
        gradient = sloped @ layer.weight.numpy().T
    middle = np.argsort(whole)[len(whole) // 2]
    assert headline_of(model(X).sum(), model.parameters()[0]).endswith(
        f"29 × 'dense, sigmoid' multiply its norm by {min(whole):.3g} to {max(whole):.3g} each, "
        f"by {np.prod(whole):.3g} in all (of a middle one 'sigmoid' by {slopes[middle]:.3g} and 'dense' by "
        f"{products[middle]:.3g})."
    )


def test_kinds_of_operations_on_several_lines_are_one_kind():
    x = w = leaf(np.ones(3))
    for _ in range(4):
        x = np.sin(x * 0.001)
        x = x / 1000
    explanation = graph.explain(x.sum(), w)
    assert "4 × 'divide by 1000' (" in explanation.headline
    assert "; 4 × 'multiply by 0.001' (" in explanation.headline
    x = w = leaf(np.ones(3))
    x = x * 0.011 * 0.012
    x = x * 0.013
    x = x * 0.014 * 0.015
    assert re.search(
        r"5 × 'multiply' \(.*test_explain_causes.py:\d+ and 2 other lines\) multiply its norm by 0.011 to 0.015 each",
        graph.explain(x.sum(), w).headline,
    )


def test_every_remedy_and_headline_is_a_sentence():
    for plant in itertools.chain(ZERO, CHANGED):
        explanation = graph.explain(*plant())
        assert explanation.headline.endswith(").")
        assert "  " not in explanation.headline
        assert explanation.remedy.endswith(".")


def test_every_cause_has_a_remedy():
    text = "".join(inspect.getsource(module) for module in (causes, inquest, sizes, zeros))
    named = set(re.findall(r'Cause\(\s*"([^"]+)"', text))
    assert len(named) > 15
    assert named <= REMEDIES.keys()
