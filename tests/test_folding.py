"""Folded graphs: what repeats itself is shown once, closed modules are one node, and no edge is lost."""

from __future__ import annotations

import gc
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_nn as tn
from tinygrad_nn import graph, nn
from tinygrad_nn.errors import ArgumentError, RenderError
from tinygrad_nn.graph import choosing
from tinygrad_nn.graph.folding import fitted, foldings
from tinygrad_nn.graph.repeats import LONGEST_PERIOD, Run, runs


class Cell(nn.Module):
    def __init__(self):
        self.from_input, self.from_state = nn.Dense(3, 4), nn.Dense(4, 4)

    def forward(self, x, h):
        return np.tanh(self.from_input(x) + self.from_state(h))


def unrolled(steps=6):
    """Return the loss of a recurrent network whose loop is the user's."""
    cell, h = Cell(), np.zeros((2, 4))
    x = np.random.default_rng(0).normal(size=(steps, 2, 3))
    states = []
    for t in range(steps):
        h = cell(x[t], h)
        states.append(h)
    return np.stack(states).sum()


def deep(blocks=12):
    def block():
        return nn.Residual(nn.Sequential(nn.Dense(4, 4, activation="relu"), nn.Dense(4, 4)))

    return nn.Sequential(*(block() for _ in range(blocks)), nn.Dense(4, 1))


def chain(length):
    x = tn.Tensor(0.0, requires_grad=True)
    for _ in range(length):
        x = x + x
    return x


def boxes(folded):
    return [(node.kind, node.label, node.modules, node.folded) for node in folded.nodes if node.folded]


def shown(folded):
    return [(node.label, node.modules) for node in folded.nodes if node.kind == "operation"]


# Runs


def naive_runs(sequence, least):
    """Say the same as `runs` in the slowest way."""
    found, place = [], 0
    while place < len(sequence):
        best = Run(place, 1, 1)
        for period in range(1, min(LONGEST_PERIOD, len(sequence) // least) + 1):
            step, times = sequence[place : place + period], 1
            while sequence[place + times * period : place + (times + 1) * period] == step and len(step) == period:
                times += 1
            if times >= least and times * period > best.times * best.period:
                best = Run(place, period, times)
        if best.times >= least:
            found.append(best)
        place += best.times * best.period
    return found


@given(st.lists(st.integers(0, 2), max_size=40), st.integers(2, 4))
def test_runs_are_the_longest_repetitions(sequence, least):
    assert runs(sequence, least) == naive_runs(sequence, least)


# Repetitions


def test_twelve_blocks_are_shown_as_one():
    folded = graph.fold(graph.trace(deep(), np.ones((2, 4))))
    home = ("Sequential", "Residual × 12", "0")
    assert shown(folded) == [
        ("dense, relu", (*home, "body", "0")), ("dense", (*home, "body", "1")), ("add", home),
        ("dense", ("Sequential", "12")),
    ]  # fmt: skip  # a table


def test_what_goes_from_one_block_to_the_next_is_carried():
    folded = graph.fold(graph.trace(deep(), np.ones((2, 4))))
    labels = [node.label for node in folded.nodes]
    assert {(labels[e.source], labels[e.target]) for e in folded.carried} == {("add", "dense, relu"), ("add", "add")}
    assert all(e.source < e.target for e in folded.edges)


def test_the_steps_of_a_loop_are_shown_as_one():
    folded = graph.fold(graph.trace(unrolled()))
    assert {modules[:1] for label, modules in shown(folded) if modules} == {("Cell × 6",)}
    assert sum(node.kind == "parameter" for node in folded.nodes) == 4
    labels = [node.label for node in folded.nodes]
    assert [(labels[e.source], labels[e.target]) for e in folded.carried] == [("tanh", "dense")]
    assert sum(labels[e.target] == "stack" for e in folded.edges) == 1


def test_an_input_that_stands_for_those_of_all_steps_says_for_how_many():
    h, w = tn.Tensor(np.zeros((2, 3)), requires_grad=True, name="h"), tn.Tensor(np.ones((3, 3)), requires_grad=True)
    for x in np.random.default_rng(0).normal(size=(32, 2, 3)):
        h = np.tanh(x @ w + h)
    folded = graph.fold(graph.trace(h))
    # The first step adds a parameter, which makes it another one.
    assert [node.label for node in folded.nodes if node.kind == "input"] == ["input", "input × 31"]
    assert [node.label for node in folded.nodes if node.kind == "parameter"] == ["leaf", "h"]
    assert "▷ input × 31" in folded.text(width=100)
    assert "input × 31" in graph.draw(h, repeats=True).dot


def test_what_stands_in_a_repetition_has_its_number_from_there():
    traced = graph.trace(deep(), np.ones((2, 4)))
    assert {node.label for node in graph.fold(traced).nodes if node.kind == "parameter"} == {"weight", "bias"}


def test_a_folded_graph_knows_the_whole():
    traced = graph.trace(deep(), np.ones((2, 4)))
    assert traced.unfolded is None
    assert graph.fold(graph.fold(traced), depth=1).unfolded is traced


def test_different_blocks_are_not_taken_for_one_another():
    widths = [4, 5, 4, 6, 4, 7, 4]
    model = nn.Sequential(*(nn.Dense(n, m) for n, m in pairwise(widths)))
    traced = graph.trace(model, np.ones((2, 4)))
    assert graph.fold(traced) == traced


def test_two_are_no_repetition():
    traced = graph.trace(deep(2), np.ones((2, 4)))
    assert len(graph.fold(traced).nodes) == len(traced.nodes)


def test_two_runs_of_one_name_have_two_titles():
    def make(n):
        return [nn.Dense(n, n, activation="tanh") for _ in range(3)]

    model = nn.Sequential(*make(2), nn.Dense(2, 3), *make(3))
    titles = {node.modules[1] for node in graph.fold(graph.trace(model, np.ones((1, 2)))).nodes if node.modules}
    assert titles == {"Dense × 3", "3", "Dense × 3 #2"}


def operands(folded, label):
    """Return by position what feeds the operations of a label."""
    found = [node.id for node in folded.nodes if node.label == label]
    return [[(e.position, folded.nodes[e.source].label) for e in folded.edges if e.target == node] for node in found]


def test_what_comes_out_of_a_repetition_is_the_operand_that_it_was():
    x = tn.Tensor(np.eye(2), requires_grad=True, name="x")
    h = x
    for _ in range(5):
        h = np.tanh(h)
    folded = graph.fold(graph.trace((np.exp(x) - h * h).sum()))
    assert operands(folded, "subtract") == [[(0, "exp"), (1, "multiply")]]
    assert operands(folded, "multiply") == [[(0, "tanh"), (1, "tanh")]]
    folded = graph.fold(graph.trace((np.exp(x) - h).sum()))
    assert operands(folded, "subtract") == [[(0, "exp"), (1, "tanh")]]


@pytest.mark.parametrize("blocks", [1, 3, 4])
def test_hidden_blocks_add_no_edges_to_the_one_that_is_shown(blocks):
    model = nn.Sequential(*(nn.TransformerBlock(8, 2) for _ in range(blocks)))
    folded = graph.fold(graph.trace(model, np.random.default_rng(0).normal(size=(2, 6, 8))))
    value = "swapaxes, axis1=1, axis2=2"
    assert operands(folded, "matmul")[1] == [(0, "softmax"), (1, value)]
    pairs = [(edge.source, edge.target) for edge in graph.fold(folded, depth=3).edges]
    assert len(set(pairs)) == len(pairs)


def test_the_state_of_a_loop_stays_in_its_order():
    cell, state = nn.LSTMCell(3, 4), None
    for x in np.random.default_rng(0).normal(size=(5, 2, 3)):
        state = cell(x, state)
    folded = graph.fold(graph.trace(state[0].sum()))
    inside = ["bias_hh", "getitem [:, 0]", "getitem [:, 1]"]
    assert [label for _, label in operands(folded, "recurrence, lstm")[-1]] == ["dense", "weight_hh", *inside]


# Closed modules


def test_closed_modules_say_what_is_in_them():
    traced = graph.trace(deep(2), np.ones((2, 4)))
    assert boxes(graph.fold(traced, depth=0)) == [("module", "Sequential", (), 7)]
    assert boxes(graph.fold(traced, depth=1)) == [
        ("module", "0", ("Sequential",), 3), ("module", "1", ("Sequential",), 3), ("module", "2", ("Sequential",), 1),
    ]  # fmt: skip  # a table
    inside = ("Sequential", "0")
    assert ("module", "body", inside, 2) in boxes(graph.fold(traced, depth=2))
    assert graph.fold(traced, depth=9) == traced


def test_closing_keeps_every_path_from_input_to_result():
    folded = graph.fold(graph.trace(deep(2), np.ones((2, 4))), depth=1)
    assert [tuple(edge) for edge in folded.edges] == [(0, 1, 0), (1, 2, 0), (2, 3, 0), (3, 4, 0)]


def test_a_closed_repetition_counts_all_that_it_stands_for():
    folded = graph.fold(graph.trace(deep(), np.ones((2, 4))), depth=1)
    assert boxes(folded)[0] == ("module", "Residual × 12", ("Sequential",), 36)
    assert sum(node.flops for node in folded.nodes) == sum(n.flops for n in graph.trace(deep(), np.ones((2, 4))).nodes)


def test_the_shape_of_a_closed_module_is_that_of_what_leaves_it():
    model = nn.Sequential(nn.Dense(3, 5), nn.Dense(5, 2))
    folded = graph.fold(graph.trace(model, np.ones((4, 3)), values=True), depth=0)
    (module,) = [node for node in folded.nodes if node.kind == "module"]
    assert module.shape == (4, 2)
    np.testing.assert_array_equal(module.value, model(np.ones((4, 3))).numpy())
    assert module.name == "Sequential"


def test_numbers_in_an_open_repetition_are_those_of_the_first_and_of_a_closed_one_the_last():
    model = deep()
    traced = graph.trace(model, np.ones((2, 4)), values=True)
    adds = [node.value for node in traced.nodes if node.label == "add"]
    by_depth = {depth: graph.fold(traced, depth).nodes for depth in (1, 3)}
    (repetition,) = [node for node in by_depth[1] if node.label == "Residual × 12"]
    np.testing.assert_array_equal(repetition.value, adds[-1])
    (body,) = [node for node in by_depth[3] if node.label == "body"]
    np.testing.assert_array_equal(body.value, model[0].body(np.ones((2, 4))).numpy())
    assert body.folded == 24


@pytest.mark.parametrize("depth", [None, 0, 1, 2])
@pytest.mark.parametrize("make", [lambda: graph.trace(deep(), np.ones((2, 4))), lambda: graph.trace(unrolled())])
def test_a_folded_graph_is_a_graph(make, depth):
    folded = graph.fold(make(), depth)
    assert [node.id for node in folded.nodes] == list(range(len(folded.nodes)))
    assert all(edge.source < edge.target for edge in folded.edges)
    assert {e.target for e in folded.edges} | {e.source for e in folded.edges} == set(range(len(folded.nodes)))
    assert folded == graph.fold(make(), depth)


# By themselves


def test_what_can_be_read_is_not_folded():
    traced = graph.trace(deep(2), np.ones((2, 4)))
    assert fitted(traced) is traced


@pytest.mark.parametrize("make", [lambda: chain(18), lambda: chain(2000), unrolled, lambda: unrolled(200)])
def test_what_is_too_large_is_folded_until_it_can_be_read(make):
    assert len(fitted(graph.trace(make()), limit=14).nodes) <= 14


def test_what_cannot_be_folded_far_enough_is_folded_only_once(monkeypatch):
    folded = []
    monkeypatch.setattr(choosing, "foldings", lambda *given: folded.append(given) or foldings(*given))
    x = tn.Tensor(1.0, requires_grad=True)
    for choice in np.random.default_rng(0).integers(0, 3, 1000):
        x = (np.sin, np.cos, np.tanh)[choice](x)
    with pytest.raises(RenderError, match="folded as far as they can be"):
        graph.draw(x)
    assert len(folded) == 1


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(is_enabled):
    was_enabled = gc.isenabled()
    try:
        (gc.enable if is_enabled else gc.disable)()
        graph.draw(chain(3))
        assert gc.isenabled() is is_enabled
        with pytest.raises(ArgumentError):
            graph.draw(chain(3), max_nodes=0)
        assert gc.isenabled() is is_enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()


def test_a_hundred_thousand_operations_are_folded_in_seconds():
    traced = graph.trace(chain(100_000))
    start = time.process_time()
    assert len(fitted(traced).nodes) == 4
    assert time.process_time() - start < 30  # some two seconds; an algorithm of the wrong order takes hours


def test_a_graph_cannot_be_traced_or_computed_again(tmp_path):
    traced = graph.trace(chain(3))
    for refused in (lambda: graph.trace(traced), lambda: graph.explore(traced, tmp_path / "graph.html")):
        with pytest.raises(ArgumentError, match=r"expected a Tensor, got Graph\. Pass what it was traced from"):
            refused()


@pytest.mark.parametrize("depth", [-1, "2", 1.5])
def test_a_depth_is_a_number_of_levels(depth):
    with pytest.raises(ArgumentError, match="fold: expected 'depth' to be a number of levels from 0 on"):
        graph.draw(chain(3), depth=depth)
