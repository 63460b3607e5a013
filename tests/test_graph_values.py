"""Values of intermediate results, and what operations cost: computed again from a recorded graph."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_nn as tn
from tests.layer_samples import LAYERS
from tinygrad_nn import graph, nn, trees
from tinygrad_nn.graph.values import node_values

each_layer = pytest.mark.parametrize(
    "sample", [pytest.param(sample, id=f"{name}-{n}") for name, row in LAYERS.items() for n, sample in enumerate(row)]
)

X = np.random.default_rng(0).normal(size=(4, 3))


def intermediate():
    """Return the Tensors of a small computation: leaves, results, and the loss."""
    w, b = tn.Tensor(X[:3, :2].copy(), requires_grad=True), tn.Tensor([0.5, -0.5], requires_grad=True)
    z = X @ w
    h = np.tanh(z + b)
    return w, b, z, h, (h * h).mean()


def test_values_are_those_of_the_forward_pass():
    tensors = intermediate()
    found = node_values([tensors[-1]._node])
    for tensor in tensors:
        np.testing.assert_array_equal(found[tensor._node], tensor.numpy(), strict=True)


def results_of(sample):
    """Return the recorded results of a layer."""
    layer = sample.make(np.random.default_rng(0))
    result = layer(*(tn.Tensor(x, requires_grad=x.dtype.kind == "f") for x in sample.inputs))
    return [tensor for tensor in trees.values(result) if not tensor.is_leaf]


@each_layer
def test_values_of_layers_are_those_of_the_forward_pass(sample):
    for tensor in results_of(sample):
        np.testing.assert_array_equal(node_values([tensor._node])[tensor._node], tensor.numpy(), strict=True)


def test_values_survive_a_backward_that_keeps_the_graph():
    *_, h, loss = intermediate()
    loss.backward(retain_graph=True)
    np.testing.assert_array_equal(node_values([loss._node])[h._node], h.numpy())


def test_what_was_released_has_no_value_and_what_it_leads_to_neither():
    w, b, z, h, loss = intermediate()
    loss.backward()
    found = node_values([loss._node])
    assert w._node in found
    assert b._node in found
    assert not {z._node, h._node, loss._node} & found.keys()
    nodes = graph.trace(loss, values=True).nodes
    assert {node.value is None for node in nodes if node.kind == "operation"} == {True}


def test_a_parameter_that_has_changed_gives_no_values():
    w, _, z, h, loss = intermediate()
    w.data = w.numpy() + 1
    assert not {z._node, h._node, loss._node} & node_values([loss._node]).keys()


def test_a_parameter_that_was_written_into_gives_no_values():
    w, _, z, _, loss = intermediate()
    array = w.data
    array[0] = 7
    assert z._node not in node_values([loss._node])


def test_values_of_a_picture_stay_when_parameters_change():
    w, *_, loss = intermediate()
    before = w.numpy()
    traced = graph.trace(loss, values=True)
    w.data = before + 1
    (parameter,) = [node for node in traced.nodes if node.shape == w.shape and node.kind == "parameter"]
    np.testing.assert_array_equal(parameter.value, before)


def test_the_value_of_a_checkpoint_is_that_of_its_function():
    w, _, z, _, _ = intermediate()
    y = tn.checkpoint(lambda z: np.exp(z) * w.sum())(z)
    np.testing.assert_array_equal(node_values([y._node])[y._node], y.numpy())


def test_without_values_the_nodes_have_none():
    assert all(node.value is None for node in graph.trace(intermediate()[-1]).nodes)


def test_a_model_is_traced_on_its_inputs_with_all_its_results():
    nodes = graph.trace(nn.LSTM(3, 4), X[:, None, :], values=True).nodes
    results = [(node.label, node.shape) for node in nodes if node.kind == "result"]
    assert results == [("result[0]", (4, 1, 4)), ("result[1][0]", (1, 4, 4)), ("result[1][1]", (1, 4, 4))]
    assert all(node.value.shape == node.shape for node in nodes)


def test_the_users_line_is_where_he_called():
    here = f"{__file__}:{test_the_users_line_is_where_he_called.__code__.co_firstlineno + 2}"
    loss = nn.Dense(3, 2)(X).sum()
    assert {node.source for node in graph.trace(loss).nodes if node.kind == "operation"} == {here}


# What operations cost


def test_bytes_kept_count_each_buffer_once():
    x = tn.Tensor(np.zeros((10, 10)), requires_grad=True)
    y = np.exp(x)  # keeps its result, 800 bytes
    z = y * y  # keeps the same
    nodes = graph.trace((z + 1).sum()).nodes
    assert [node.kept for node in nodes if node.kind == "operation"] == [800, 0, 0, 0]


def test_a_released_graph_keeps_nothing():
    loss = intermediate()[-1]
    loss.backward()
    assert sum(node.kept for node in graph.trace(loss).nodes) == 0


def tensor(*shape):
    return tn.Tensor(np.ones(shape), requires_grad=True)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: tensor(5, 7) @ np.ones((7, 3)), 2 * 5 * 7 * 3),
        (lambda: tensor(2, 5, 7) @ np.ones((7, 3)), 2 * 2 * 5 * 7 * 3),
        (lambda: np.dot(tensor(7), np.ones(7)), 2 * 7),
        (lambda: nn.Dense(7, 3)(np.ones((5, 7))), 2 * 5 * 7 * 3 + 15),
        (lambda: nn.Dense(7, 3, activation="tanh")(np.ones((5, 7))), 2 * 5 * 7 * 3 + 30),
        (lambda: nn.conv(np.ones((2, 3, 8, 8)), tensor(4, 3, 5, 5)), 2 * (2 * 4 * 4 * 4) * 3 * 5 * 5),
        (lambda: nn.conv(np.ones((1, 4, 8)), tensor(4, 2, 3), groups=2), 2 * 4 * 6 * 2 * 3),
        (lambda: np.einsum("ij,jk->ik", tensor(5, 7), np.ones((7, 3))), 2 * 5 * 7 * 3),
        (lambda: nn.max_pool(tensor(1, 2, 4, 4), 2), 2 * 2 * 2 * 4),
        (lambda: tensor(5, 7).sum(), 35),
        (lambda: tensor(5, 1) + np.ones(7), 35),
        (lambda: tensor(5, 7).reshape(35).T, 0),
    ],
)
def test_flops_are_those_of_the_textbook(function, expected):
    assert sum(node.flops for node in graph.trace(function()).nodes) == expected
