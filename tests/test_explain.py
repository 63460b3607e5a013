"""`graph.explain`: healthy networks, what the walk finds in them, and how it reads."""

from __future__ import annotations

import io
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_nn as tn
from tests.faults import W, X, leaf, rng, two_layers
from tests.layer_samples import LAYERS
from tinygrad_nn import graph, nn, optim, trees
from tinygrad_nn.errors import ArgumentError, ShapeError

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
    text = str(graph.explain(np.round(w := leaf(W)).sum(), w))
    assert text.isascii()
    assert "x round" in text


def test_rows_that_were_not_looked_up_are_no_fault_of_a_relu():
    table = leaf(W)
    loss = nn.relu(table[np.array([0, 1])] @ np.ones((3, 5))).sum() + table[0].sum() + table[1].sum()
    explanation = graph.explain(loss, table)
    assert explanation.verdict == "healthy"
    assert explanation.notes[0].startswith("2 of its 4 rows are 0: the zeros begin in 'getitem [")


def test_a_notebook_shows_it_and_names_stay_text():
    w = leaf(W, name="<script>alert(1)</script>")
    html = graph.explain((w * w).sum(), w)._repr_html_()
    assert "<script>" not in html
    assert "<table" in html
    assert "&lt;script&gt;" in html


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
