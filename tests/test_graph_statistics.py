"""What computations cost, against closed forms and counts by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_nn as tn
from tests.test_folding import unrolled
from tests.test_graph import Net, net_loss
from tinygrad_nn import graph, nn
from tinygrad_nn.graph import Costs


def total(result, *inputs):
    return graph.statistics(graph.trace(result, *inputs)).costs[()]


@given(st.lists(st.integers(1, 9), min_size=2, max_size=6), st.integers(1, 5))
def test_a_chain_of_dense_layers_costs_what_its_sizes_say(sizes, batch):
    pairs = list(pairwise(sizes))
    model = nn.Sequential(*(nn.Dense(a, b) for a, b in pairs))
    assert total(model, np.ones((batch, sizes[0]))) == Costs(
        operations=len(pairs),
        parameters=sum(a * b + b for a, b in pairs),
        flops=sum(batch * (2 * a * b + b) for a, b in pairs),
        kept=8 * batch * sum(sizes[:-1]),  # the input of each; weights are there anyway
    )


def test_a_convolutional_network_costs_what_is_counted_by_hand():
    model = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.MaxPool(2), nn.Flatten(), nn.Dense(8 * 6 * 6, 10))
    costs = graph.statistics(graph.trace(model, np.zeros((2, 3, 16, 16)))).costs
    pixels = 2 * 8 * 12 * 12
    assert costs["Sequential", "0"].parameters == 8 * 3 * 25 + 8
    assert costs["Sequential", "0"].flops == 2 * pixels * 3 * 25 + pixels  # products and sums, and the bias
    assert costs["Sequential", "1"][:3] == (1, 0, pixels)
    assert costs["Sequential", "2"][:3] == (1, 0, pixels)  # each pixel is looked at once
    assert costs["Sequential", "3"] == (1, 0, 0, 0)
    assert costs["Sequential", "4"][:3] == (1, 8 * 36 * 10 + 10, 2 * (2 * 8 * 36) * 10 + 20)
    assert costs[()] == costs["Sequential",]


def test_modules_add_up_and_do_not_depend_on_the_depth():
    traced = graph.trace(net_loss())
    costs = graph.statistics(traced).costs
    for path, own in costs.items():
        inside = [costs[other] for other in costs if len(other) == len(path) + 1 and other[: len(path)] == path]
        assert all(whole >= sum(parts) for whole, *parts in zip(own, *inside, strict=True))
    assert costs[()].operations == traced.number_of("operation")
    assert costs[()].flops == sum(node.flops for node in traced.nodes)
    assert costs[()].kept == sum(node.kept for node in traced.nodes)
    assert all(graph.statistics(traced, depth).costs == costs for depth in (0, 2, 9))


def test_parameters_count_once_however_often_they_are_used():
    costs = graph.statistics(graph.trace(net_loss())).costs
    assert costs["Net", "shared"].parameters == sum(p.size for p in Net().shared.parameters())
    assert costs["Net", "shared"].operations == 2
    assert costs["Net",].parameters == sum(p.size for p in Net().parameters())


def test_memory_is_that_of_the_summary_of_the_model():
    model = nn.Sequential(nn.Dense(50, 40, activation="tanh"), nn.Dropout(0.5), nn.Dense(40, 9), nn.Softmax())
    x = np.random.default_rng(0).normal(size=(60, 50))
    assert graph.statistics(graph.trace(model, x)).rows[-1][-1] == model.summary(x).rows[-1][-1]


def test_a_buffer_is_counted_once_and_none_that_was_released():
    w = tn.Tensor(np.zeros(100), requires_grad=True)
    y = np.exp(w)  # keeps its result, 800 bytes
    loss = (y * y).sum()  # keeps the same
    assert total(loss).kept == 800
    loss.backward()
    assert total(loss) == Costs(operations=3, parameters=100, flops=300, kept=0)


def test_the_table_shows_levels_and_what_stands_in_no_module():
    table = graph.statistics(graph.trace(net_loss()), depth=1)
    names = [row[0] for row in table.rows]
    assert names == [
        "name", "Net", "  blocks.0", "  blocks.1", "  shared × 2 calls", "  head", "(no module)", "total",
    ]  # fmt: skip
    assert [row[0] for row in graph.statistics(graph.trace(net_loss()), depth=0).rows] == [
        "name", "Net", "(no module)", "total",
    ]  # fmt: skip
    assert "    first" in [row[0] for row in graph.statistics(graph.trace(net_loss()), depth=2).rows]
    assert repr(table) == str(table)
    assert {len(line) for line in str(table).splitlines()} == {len(str(table).splitlines()[1])}


def test_a_notebook_shows_it_as_a_table_whose_names_stay_text():
    class Evil(nn.Module):
        def forward(self, x):
            return x * 2

    Evil.__name__ = "<script>"
    html = graph.statistics(graph.trace(Evil(), tn.Tensor(np.ones(3), requires_grad=True)))._repr_html_()
    assert html.startswith("<table")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_without_modules_there_is_the_total_alone():
    w = tn.Tensor(np.ones(3), requires_grad=True)
    table = graph.statistics(graph.trace((w * w).sum()))
    assert [row[0] for row in table.rows] == ["name", "total"]
    assert [line[:4] for line in table.splitlines()] == ["name", "----", "tota"]


def test_parameters_belong_to_the_module_that_is_called_several_times():
    layer, h = nn.Dense(3, 3, activation="tanh"), np.ones((2, 3))
    for _ in range(12):
        h = layer(h)
    table = graph.statistics(h.sum())
    assert [row[:4] for row in table.rows[1:]] == [
        ("Dense × 12 calls", "", "12", "12"), ("(no module)", "", "1", "0"), ("total", "", "13", "12"),
    ]  # fmt: skip  # a table
    assert table.costs["Dense",].parameters == sum(p.size for p in layer.parameters())


def test_two_modules_of_one_class_are_not_calls_of_one_also_where_they_read_the_same():
    x = tn.Tensor(np.ones((2, 3)), requires_grad=True, name="x")
    first, second = nn.Dense(3, 3), nn.Dense(3, 3)
    table = graph.statistics((first(x) * second(x) * first(second(x))).sum())
    assert [row[:4] for row in table.rows[1:-2]] == [
        ("Dense × 2 calls", "", "2", "12"), ("Dense #2 × 2 calls", "Dense", "2", "12"),
    ]  # fmt: skip  # a table
    assert table.costs[()].parameters == 12 + 12 + x.size


def test_what_is_inside_a_module_that_is_called_again_is_counted_with_it():
    block, h = nn.Sequential(nn.Dense(3, 3), nn.ReLU()), np.ones((2, 3))
    for _ in range(3):
        h = block(h)
    names = [row[:4] for row in graph.statistics(h.sum()).rows[1:4]]
    assert names == [
        ("Sequential × 3 calls", "", "6", "12"), ("  0 × 3 calls", "Dense", "3", "12"),
        ("  1 × 3 calls", "ReLU", "3", "0"),
    ]  # fmt: skip  # a table


@pytest.mark.parametrize("options", [{}, {"depth": 0}, {"depth": 1, "repeats": False}])
def test_of_a_folded_graph_everything_counts_that_it_stands_for(options):
    traced = graph.trace(unrolled(30))
    assert graph.statistics(graph.fold(traced, **options)) == graph.statistics(traced)
    assert graph.statistics(graph.fold(traced, **options)).costs == graph.statistics(traced).costs


def test_a_recorded_tensor_will_do():
    loss = net_loss()
    assert graph.statistics(loss) == graph.statistics(graph.trace(loss))
