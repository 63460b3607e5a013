"""`graph.explain`: networks with a planted fault, whose verdict, cause and line have to be found; and healthy ones."""

from __future__ import annotations

import io
import itertools
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_nn as tn
from tests.layer_samples import LAYERS
from tinygrad_nn import graph, nn, optim, trees
from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.graph.explaining.causes import REMEDIES

X = np.random.default_rng(0).normal(size=(8, 4))
W = np.random.default_rng(1).normal(size=(4, 3))


def rng():
    return np.random.default_rng(0)


def leaf(values, name="w"):
    return tn.Tensor(values, requires_grad=True, name=name)


def line_of(function, marker):
    """Return the line of a planted fault, which a comment marks."""
    with open(__file__, encoding="utf-8") as file:  # noqa: PTH123 - as short as with a path
        lines = file.read().splitlines()
    start = function.__code__.co_firstlineno
    return next(f"{__file__}:{place}" for place, line in enumerate(lines, 1) if place > start and marker in line)


def two_layers(activation, bias, target=1.0):
    model = nn.Sequential(nn.Dense(4, 6, activation=activation, rng=rng()), nn.Dense(6, 1, rng=rng()))
    model.parameters()[1].data = np.full(6, bias)
    loss = nn.squared_error(model(X), np.full((8, 1), target))
    return loss, model.parameters()[0]


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


ZERO = {
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


# No gradient


@pytest.mark.parametrize(
    "take",
    [lambda w: w.numpy(), lambda w: w.data, lambda w: w.detach(), tn.stop_gradient, lambda w: w.numpy().tolist()],
)
def test_a_parameter_whose_values_were_taken_out_is_found_where_they_are(take):
    w, v = leaf(W), leaf(X, "v")
    loss = (v @ take(w)).sum()
    explanation = graph.explain(loss, w)
    assert (explanation.verdict, explanation.cause) == ("none", "detached")
    here = test_a_parameter_whose_values_were_taken_out_is_found_where_they_are
    assert explanation.source == line_of(here, "loss = ")
    assert explanation.gradient is None


def test_values_are_known_again_transposed_and_in_another_dtype():
    w, v = leaf(W), leaf(X[:, :3], "v")
    assert graph.explain((v @ w.numpy().T).sum(), w).cause == "detached"
    v = leaf(X.astype(np.float32), "v")
    assert graph.explain((v @ w.numpy().astype(np.float32)).sum(), w).cause == "detached"


def test_equal_by_chance_is_not_detached():
    w, v = leaf(np.ones((4, 3))), leaf(X, "v")
    assert graph.explain((v @ np.ones((4, 3))).sum(), w).cause == "never used"


class Net(nn.Module):
    def __init__(self, without_gradient):
        self.first, self.second, self.unused = (nn.Dense(4, 4, rng=rng()) for _ in range(3))
        self.without_gradient = without_gradient

    def forward(self, x):
        if self.without_gradient:
            with tn.no_grad():
                x = self.first(x)
        else:
            x = self.first(x)
        return self.second(x)


def test_a_result_that_was_detached_is_found_where_it_is_a_constant():
    w, v = leaf(W), leaf(np.ones((3, 2)), "v")
    hidden = X @ w
    loss = (hidden.detach() @ v).sum()  # detached
    explanation = graph.explain(loss, hidden)
    assert explanation.cause == "detached"
    assert explanation.source == line_of(test_a_result_that_was_detached_is_found_where_it_is_a_constant, "# detached")
    assert graph.explain(loss, w).verdict == "none"


@pytest.mark.parametrize(("without_gradient", "layer"), [(True, "first"), (True, "unused"), (False, "unused")])
def test_a_module_that_is_not_in_the_graph_is_named(without_gradient, layer):
    net = Net(without_gradient)
    explanation = graph.explain(net(X).sum(), getattr(net, layer).weight)
    assert (explanation.verdict, explanation.cause) == ("none", "module not in the graph")
    assert f"no call of '{layer}', the module that owns it, is in the graph" in explanation.headline


def test_a_parameter_that_does_not_require_a_gradient_says_so():
    frozen = tn.Tensor(W, name="frozen")
    explanation = graph.explain((leaf(X, "v") @ frozen).sum(), frozen)
    assert (explanation.verdict, explanation.cause) == ("none", "not required")
    whole = tn.Tensor([1, 2], name="n")
    assert graph.explain((leaf([1.0, 2.0]) * whole).sum(), whole).cause == "integer"


def test_a_leaf_that_was_replaced_after_the_forward_pass_is_told_from_one_never_used():
    model = nn.Sequential(nn.Dense(4, 3, rng=rng()))
    loss = model(X).sum()
    model.astype(np.float32)
    assert graph.explain(loss, model.parameters()[0]).cause == "replaced"
    assert graph.explain(leaf(1.0, "v") * 2, leaf(1.0)).cause == "never used"


def test_a_loss_of_which_nothing_was_recorded_is_told():
    w = leaf(W)
    with tn.no_grad():
        loss = (w * w).sum()
    assert graph.explain(loss, w).cause == "nothing recorded"


def test_an_operand_without_a_gradient_is_named():
    w = leaf([1.0, 0.0])
    loss = np.where(w, leaf([1.0, 2.0], "v"), 1.0).sum()
    explanation = graph.explain(loss, w)
    assert (explanation.verdict, explanation.cause) == ("none", "no derivative")
    assert "'where' has none with respect to its operand 'condition'" in explanation.headline


def test_what_was_released_is_told_with_the_gradient_that_is_left():
    w = leaf([3.0, 4.0])
    loss = (w * w).sum() / 2
    loss.backward()
    explanation = graph.explain(loss, w)
    assert (explanation.verdict, explanation.cause, explanation.gradient) == ("healthy", "released", 5.0)
    assert "call explain before backward()" in explanation.remedy


def test_a_leaf_that_was_changed_is_told():
    w = leaf(W)
    loss = (w * w).sum()
    w.data -= 0.1
    assert graph.explain(loss, w).cause == "changed"


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


NOT_FINITE = {
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


CHANGED = {
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


# Healthy ones, and what the walk finds


@pytest.mark.parametrize(
    "sample", [pytest.param(sample, id=f"{name}-{n}") for name, row in LAYERS.items() for n, sample in enumerate(row)]
)
def test_the_gradient_of_every_layer_is_that_of_backward_and_nothing_is_written(sample):
    layer = sample.make(np.random.default_rng(0))
    inputs = [tn.Tensor(x, requires_grad=x.dtype.kind == "f") for x in sample.inputs]
    results = [tensor for tensor in trees.values(layer(*inputs)) if not tensor.is_leaf]
    if not results:
        return
    loss = sum((result * result).sum() for result in results)
    tensors = [*(x for x in inputs if x.requires_grad), *layer.parameters()]
    explanations = [graph.explain(loss, tensor) for tensor in tensors]
    assert all(tensor.grad is None for tensor in tensors)
    loss.backward()
    for tensor, explanation in zip(tensors, explanations, strict=True):
        if tensor.grad is None:
            assert explanation.verdict == "none"
        else:
            assert explanation.gradient == pytest.approx(np.linalg.norm(tensor.grad), rel=1e-12, abs=1e-300)


def test_a_healthy_network_is_called_healthy_before_and_after_backward():
    loss, weight = two_layers("relu", bias=0.1)
    before = graph.explain(loss, weight)
    assert before.verdict == "healthy"
    assert before.breaks_at is None
    assert before.remedy == ""
    loss.backward(retain_graph=True)
    after = graph.explain(loss, weight)
    assert after._replace(notes=()) == before._replace(notes=())
    assert [step.gradient for step in after.steps][-1] == pytest.approx(np.linalg.norm(weight.grad))


def test_norms_along_the_path_are_those_that_backward_leaves():
    w = leaf(W)
    h = np.tanh(X @ w)
    loss = (h * h).sum()
    explanation = graph.explain(loss, w)
    loss.backward(retain_graph=True)
    kept = [np.linalg.norm(t.grad) for t in (loss, h, w)]
    assert [step.label for step in explanation.steps] == ["sum", "multiply", "tanh", "matmul", "w"]
    np.testing.assert_allclose([explanation.steps[place].gradient for place in (0, 2, 4)], kept)


def test_a_result_on_the_way_can_be_asked_for():
    w = leaf(W)
    h = w * 2
    assert graph.explain((h * h).sum(), h).gradient == pytest.approx(np.linalg.norm(4 * W))
    assert graph.explain(w.sum(), w).verdict == "healthy"
    one = leaf(2.0)
    assert graph.explain(one, one).gradient == 1


def brute_force(root, target):
    """Count the ways by walking each of them."""
    if root is target:
        return 1
    return sum(brute_force(operand, target) for operand in root.operands if hasattr(operand, "operands"))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=10))
def test_paths_are_counted_exactly(pairs):
    w = leaf(1.0)
    values = [w]
    for a, b in pairs:
        values.append(values[a % len(values)] + values[b % len(values)])
    assert graph.explain(values[-1], w).paths == brute_force(values[-1]._node, w._node)


def test_paths_are_counted_where_nobody_can_walk_them():
    x = w = leaf(1e6)
    for _ in range(18):
        x = x + x
    explanation = graph.explain(x, w)
    assert explanation.paths == 2**18
    assert "262,144 paths lead to it" in str(explanation)
    for _ in range(982):
        x = x + x
    assert graph.explain(x, w).paths == 2**1000
    assert "2^1,000 paths" in str(graph.explain(x, w))


def test_ten_thousand_operations_take_a_second():
    x = w = leaf(1.0)
    for _ in range(5000):
        x = x + x * 1e-9
    start = time.process_time()
    explanation = graph.explain(x, w)
    text = str(explanation)
    assert time.process_time() - start < 15  # half a second; an algorithm of the wrong order takes minutes
    assert explanation.paths == 2**5000
    assert len(text.splitlines()) < 40
    assert "more" in text


# Notes on what has been accumulated


def note_of(change):
    w = leaf([3.0, 4.0])
    loss = (w * w).sum()
    change(loss, w)
    return " ".join(graph.explain(loss, w).notes)


def repeatedly(loss, _):
    for _ in range(3):
        loss.backward(retain_graph=True)


def clip(loss, w):
    loss.backward(retain_graph=True)
    optim.clip_by_norm([w], 1.0)


def other(loss, w):
    loss.backward(retain_graph=True)
    w[0].backward()


def test_what_backward_has_left_is_compared():
    assert note_of(lambda loss, _: loss.backward(retain_graph=True)) == ""
    assert note_of(lambda *_: None) == "Its .grad is None: no backward() since the last zero_grad()."
    assert note_of(repeatedly).startswith("Its .grad is 3 times this, for backward() adds")
    assert note_of(clip) == "Its .grad is 0.1 times this: it was scaled after backward(), as clipping does."
    assert note_of(other).endswith("is another: other losses were added, or it was changed.")


def test_a_checkpoint_is_gone_through_as_one_operation():
    w = leaf(W)
    loss = tn.checkpoint(lambda w: (np.tanh(w) * 3).sum())(w)
    explanation = graph.explain(loss, w)
    assert [step.label.partition(",")[0] for step in explanation.steps] == ["checkpoint", "w"]
    assert explanation.gradient == pytest.approx(np.linalg.norm(3 * (1 - np.tanh(W) ** 2)))
    loss = tn.checkpoint(lambda w: np.round(w).sum())(w)
    assert graph.explain(loss, w).verdict == "zero"


def test_every_edge_that_breaks_is_told():
    w = leaf(W)
    loss = (np.round(w) + np.floor(w) + w * 0).sum()
    explanation = graph.explain(loss, w)
    assert explanation.verdict == "zero"
    assert len([note for note in explanation.notes if "breaks on other paths too" in note]) == 1
    assert sum(name in str(explanation) for name in ("round", "floor", "multiply by 0")) == 3


# How it reads


def test_it_reads_as_a_page():
    w = leaf([[-3.0, -2.0]])
    loss = nn.relu(np.ones((4, 1)) @ w).sum()
    lines = str(graph.explain(loss, w)).splitlines()
    assert " ".join(lines[:2]).startswith(
        "The gradient of 'w' is zero: relu is dead: all 8 of its inputs are negative or 0 ("
    )
    table = lines[lines.index("") + 1 :]
    cells = [line.split() for line in table[2:5]]
    assert [(row[0], row[-1]) for row in cells] == [("sum", "1"), ("✗", "2.83"), ("matmul", "%")]
    assert "\n".join(lines).count("What to do: ") == 1
    assert repr(graph.explain(loss, w)) == "\n".join(lines)
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("width", [80, 90, 120])
def test_it_fits_into_the_terminal(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    rows, columns = np.arange(3), np.zeros(3, int)
    model = nn.Sequential(nn.Sequential(nn.TransformerBlock(4, 2, 8, rng=rng()), nn.Dense(4, 3, rng=rng())))
    loss = model(X[:6].reshape(2, 3, 4))[:, rows, columns].sum()
    lines = str(graph.explain(loss, model.parameters()[0])).splitlines()
    assert max(map(len, lines)) <= min(width, 100)
    assert sum("attn" in line for line in lines) > 2


def test_a_terminal_that_lacks_the_signs_gets_others(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    text = str(graph.explain(*rounded()))
    assert text.isascii()
    assert "x round" in text


def test_rows_that_were_not_looked_up_are_no_fault_of_a_relu():
    table = leaf(W)
    loss = nn.relu(table[np.array([0, 1])] @ np.ones((3, 5))).sum() + table[0].sum() + table[1].sum()
    explanation = graph.explain(loss, table)
    assert explanation.verdict == "healthy"
    assert explanation.notes[0].startswith("6 of its 12 numbers are 0: they begin in 'getitem [")


def test_a_notebook_shows_it_and_names_stay_text():
    w = leaf(W, name="<script>alert(1)</script>")
    html = graph.explain((w * w).sum(), w)._repr_html_()
    assert "<script>" not in html
    assert "<table" in html
    assert "&lt;script&gt;" in html


def test_every_remedy_and_headline_is_a_sentence():
    for plant in itertools.chain(ZERO, CHANGED):
        explanation = graph.explain(*plant())
        assert explanation.headline.endswith(").")
        assert "  " not in explanation.headline
        assert explanation.remedy.endswith(".")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1.0, leaf(1.0)), ArgumentError, "explain: expected a Tensor as 'loss', got float"),
        ((leaf(1.0), "w"), ArgumentError, "explain: expected a Tensor as 'parameter', got str"),
        ((leaf(W), leaf(W)), ShapeError, r"explain: expected a loss of a single number, got shape \(4, 3\)"),
    ],
)
def test_what_cannot_be_explained_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        graph.explain(*arguments)


def test_inside_a_transform_it_is_refused():
    with pytest.raises(ArgumentError, match="outside of transforms"):
        tn.grad(lambda x: graph.explain((x * x).sum(), x))(np.ones(2))
