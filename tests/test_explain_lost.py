"""`graph.explain` where there is no gradient: parameters that were lost on the way, and where."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_nn as tn
from tests.faults import W, X, leaf, line_of, rng
from tinygrad_nn import graph, nn


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


def by_astype(w, v):
    whole = (X @ w).astype(int)  # fault
    return (whole * v).sum()


def by_argmax(w, v):
    best = np.argmax(X @ w, axis=1)  # fault
    return ((best - 1) ** 2 * v.sum()).mean()


def by_a_comparison(w, v):
    hidden = np.tanh(X @ w)
    hard = (hidden > 0).astype(float)  # fault
    return (hard * v).sum()


def by_one_hot(w, v):
    probabilities = nn.softmax(X @ w, axis=-1)
    return (np.eye(3)[probabilities.argmax(axis=-1)] * v).sum()  # fault


def by_numpy(w, v):
    hidden = np.tanh(X @ w).numpy()  # fault
    return (hidden * v).sum()


def by_item(w, v):
    scale = (w * w).sum().item()  # fault
    return (v * scale).sum()


def by_float(w, v):
    return (v * float((w * w).sum())).sum()  # fault


def by_stop_gradient(w, v):
    return (tn.stop_gradient(X @ w) * v).sum()  # fault


def by_no_grad(w, v):
    with tn.no_grad():  # fault
        hidden = np.tanh(X @ w)
    return (hidden * v).sum()


def by_a_new_tensor(w, v):
    doubled = w * 2
    start = tn.Tensor(doubled, requires_grad=True)  # fault
    return (start * v).sum()


def hard_choice(scores):
    return scores.argmax(axis=1)  # fault


def by_a_function(w, v):
    return (hard_choice(X @ w) * v.sum()).sum()


@tn.no_grad()
def features(x, w):  # fault
    return np.tanh(x @ w)


def by_a_function_that_records_nothing(w, v):
    return (features(X, w) * v).sum()


def by_a_list(w, v):
    kept = []
    for row in X:
        kept.append((row @ w).numpy())  # noqa: PERF401 - fault
    return (np.stack(kept) * v).sum()


CUT_OFF = {
    by_astype: "integer", by_argmax: "integer", by_a_comparison: "integer", by_one_hot: "integer",
    by_numpy: "detached", by_item: "detached", by_float: "detached", by_stop_gradient: "detached",
    by_no_grad: "detached", by_a_new_tensor: "detached", by_a_function: "integer",
    by_a_function_that_records_nothing: "detached", by_a_list: "detached",
}  # fmt: skip  # a table


@pytest.mark.parametrize("plant", CUT_OFF)
def test_the_line_where_a_result_leaves_the_graph_is_read_in_the_source(plant):
    w, v = leaf(W), leaf(np.ones(3), "v")
    explanation = graph.explain(plant(w, v), w)
    assert (explanation.verdict, explanation.cause) == ("none", CUT_OFF[plant])
    at = {by_a_function: hard_choice, by_a_function_that_records_nothing: features}.get(plant, plant)
    assert explanation.source == line_of(at, "fault")
    assert ". Its way may have ended at `" in explanation.headline
    assert explanation.headline.count("`") == 2


def test_lines_that_lead_nowhere_and_data_are_not_suspected():
    w, v, targets = leaf(W), leaf(np.ones(3), "v"), np.arange(8.0)
    labels = targets.astype(int) % 3
    history = []
    for _ in range(2):
        loss = nn.cross_entropy((X @ w.detach()) * v, labels)  # fault
        history.append(loss.item())
        accuracy = (np.argmax((X @ w).numpy(), axis=1) == labels).mean()
        if loss.item() > accuracy:
            history.append(float(accuracy))
    w.data *= 2  # so that its values are not found in the graph
    explanation = graph.explain(loss, w)
    here = test_lines_that_lead_nowhere_and_data_are_not_suspected
    assert explanation.source == line_of(here, "# fault")
    assert explanation.headline.count("`") == 2


def test_where_nothing_was_recorded_the_function_that_asks_is_read():
    w = leaf(W)
    right = (X @ w).argmax(axis=1) == np.zeros(8)  # fault
    loss = tn.Tensor(1 - right.mean())
    explanation = graph.explain(loss, w)
    assert (explanation.verdict, explanation.cause) == ("none", "nothing recorded")
    here = test_where_nothing_was_recorded_the_function_that_asks_is_read
    assert explanation.source == line_of(here, "# fault")
    assert "nn.cross_entropy" in explanation.remedy
    assert graph.explain(tn.Tensor(1.0), tn.Tensor(1.0)).cause == "not required"


def test_without_a_source_the_constants_are_told():
    scope = {"w": leaf(W), "v": leaf(np.ones(3), "v"), "X": X, "tn": tn, "np": np, "graph": graph}
    exec("h = np.tanh(X @ w).numpy(); e = graph.explain((h * v).sum(), w)", scope)  # noqa: S102 - has no source
    assert scope["e"].cause == "never used"
    assert scope["e"].notes[0] == (
        "The loss reads constants: one of shape (8, 3) in 'multiply' (<string>:1). If 'w' went into one of them, it "
        "was cut off there."
    )


@pytest.mark.parametrize(
    ("other", "cause", "says"),
    [
        (W, "replaced", "another Tensor named 'weight', of the same shape and values"),
        (2 * W, "replaced", "another Tensor named 'weight', of the same shape and other values"),
        (X, "another of its name", "another Tensor named 'weight', of shape (8, 4)"),
    ],
)
def test_a_leaf_of_the_same_name_is_compared(other, cause, says):
    explanation = graph.explain((leaf(other, "weight") * 2).sum(), leaf(W, "weight"))
    assert explanation.cause == cause
    assert explanation.headline == f"There is no gradient for 'weight': the loss does not use it, but {says}."


def test_the_parameter_of_a_copied_model_is_told_from_that_of_the_model():
    model = nn.Sequential(nn.Dense(4, 3, rng=rng()))
    copied = copy.deepcopy(model)
    explanation = graph.explain(model(X).sum(), copied[0].weight)
    assert explanation.cause == "replaced"
    assert "named '0.weight', of the same shape and values" in explanation.headline
    assert "the model was copied (deepcopy, load)" in explanation.remedy
    model[0].weight = leaf(W, "weight")
    assert graph.explain(copied(X).sum(), model[0].weight).cause == "replaced"
    unnamed = tn.Tensor(W, requires_grad=True)
    assert graph.explain((X @ unnamed).sum(), copy.copy(unnamed)).cause == "replaced"


def test_a_result_made_anew_is_told_from_the_one_that_was_used():
    table = leaf(W, "table")
    explanation = graph.explain((table[0] * 2).sum(), table[0])
    assert explanation.cause == "another result"
    assert "it is a result of 'getitem' of its own" in explanation.headline
    assert "although it does use 'table'" in explanation.headline
    assert graph.explain((X @ table).sum(), X @ table).cause == "another result"


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
