"""Recurrent layers: their options, their state, and what they refuse. `test_torch_recurrent.py` has their numbers."""

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import errors, nn

CLASSES = [nn.RNN, nn.GRU, nn.LSTM]
every_class = pytest.mark.parametrize("cls", CLASSES)


def generator():
    return np.random.default_rng(0)


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


def make(cls, *sizes, **options):
    return cls(*(sizes or (3, 4)), rng=generator(), **options)


def arrays_of(state):
    return [x.numpy() for x in (state if isinstance(state, tuple) else (state,))]


def test_an_rnn_is_elmans_formula():
    layer, x = make(nn.RNN), normal(2, 3, 3)
    w, u, b, b_h = (p.numpy() for p in layer.parameters())
    h = np.zeros((2, 4))
    outputs, state = layer(x)
    for t in range(3):
        h = np.tanh(x[:, t] @ w.T + b + h @ u.T + b_h)
        np.testing.assert_allclose(outputs.numpy()[:, t], h, rtol=1e-13)
    np.testing.assert_allclose(state.numpy(), h[None], rtol=1e-13)


def test_the_rnn_of_relu_counts_without_end():
    layer = nn.RNN(1, 1, nonlinearity="relu")
    for parameter, value in zip(layer.parameters(), ([[1.0]], [[1.0]], [0.0], [0.0]), strict=True):
        parameter.data = value
    assert layer(np.ones((1, 50, 1)))[1].item() == 50


@every_class
@pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"bias": False}])
def test_a_sequence_in_two_pieces_is_the_whole_with_its_state_and_gradients(cls, options):
    layer, x = make(cls, **options), normal(2, 5, 3)
    whole, last = layer(x)
    (whole * whole).sum().backward()
    expected = [p.grad for p in layer.parameters()]
    layer.zero_grad()
    first, state = layer(x[:, :2])
    second, end = layer(x[:, 2:], state)
    pieces = np.concatenate([first, second], axis=1)
    (pieces * pieces).sum().backward()
    np.testing.assert_allclose(pieces.numpy(), whole.numpy(), rtol=1e-12)
    for found, wanted in zip(arrays_of(end), arrays_of(last), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    for parameter, wanted in zip(layer.parameters(), expected, strict=True):
        np.testing.assert_allclose(parameter.grad, wanted, rtol=1e-10, atol=1e-13)


@every_class
def test_reading_backwards_is_reading_the_reversed_sequence(cls):
    layer, backwards, x = make(cls), make(cls, reverse=True), normal(2, 4, 3)
    assert all(name.endswith("_reverse") for name in backwards.state_dict())
    outputs, state = layer(x[:, ::-1])
    found, end = backwards(x)
    np.testing.assert_array_equal(found.numpy(), outputs.numpy()[:, ::-1])
    assert all(map(np.array_equal, arrays_of(end), arrays_of(state)))


@every_class
def test_a_bidirectional_layer_is_one_of_each_direction_side_by_side(cls):
    both, x = make(cls, bidirectional=True), normal(2, 4, 3)
    halves = [make(cls), make(cls, reverse=True)]
    for half in halves:
        half.load_state_dict({name: both.state_dict()[name] for name in half.state_dict()})
    outputs, state = both(x)
    parts = [half(x) for half in halves]
    np.testing.assert_array_equal(outputs.numpy(), np.concatenate([part[0].numpy() for part in parts], axis=-1))
    for place, found in enumerate(arrays_of(state)):
        np.testing.assert_array_equal(found, np.concatenate([arrays_of(part[1])[place] for part in parts]))


@every_class
@pytest.mark.parametrize(
    "options", [{}, {"reverse": True}, {"bidirectional": True}, {"bidirectional": True, "num_layers": 2}]
)
def test_what_is_returned_can_be_chosen(cls, options):
    x = normal(2, 4, 3)
    outputs, state = make(cls, **options)(x)
    assert np.array_equal(make(cls, returns="outputs", **options)(x), outputs)
    h = arrays_of(state)[0]
    ways = 2 if "bidirectional" in options else 1
    assert np.array_equal(make(cls, returns="last", **options)(x), np.concatenate(list(h[-ways:]), axis=-1))


@every_class
def test_stacked_layers_are_layers_on_top_of_one_another(cls):
    both, x = make(cls, num_layers=2, returns="outputs"), normal(2, 4, 3)
    state = both.state_dict()
    below, above = make(cls, 3, 4, returns="outputs"), make(cls, 4, 4, returns="outputs")
    below.load_state_dict({name: state[name] for name in below.state_dict()})
    above.load_state_dict({name: state[name.replace("_l0", "_l1")] for name in above.state_dict()})
    np.testing.assert_allclose(both(x).numpy(), above(below(x)).numpy(), rtol=1e-14)


@every_class
def test_dropout_is_between_layers_and_in_training_only(cls):
    x = normal(2, 4, 3)
    dropped, plain = (make(cls, num_layers=2, dropout=p, returns="outputs") for p in (0.5, 0.0))
    assert not np.allclose(dropped(x), plain(x))
    assert np.array_equal(dropped.eval()(x), plain(x))
    assert dropped.state_dict().keys() == plain.state_dict().keys()
    single = make(cls, dropout=0.5, returns="outputs")
    assert np.array_equal(single(x), make(cls, returns="outputs")(x))


@every_class
@pytest.mark.parametrize("options", [{"num_layers": 2}, {"bidirectional": True}])
def test_gradients_of_input_state_and_parameters_agree_with_finite_differences(cls, options):
    layer = make(cls, 2, 2, **options)
    rows = 2 if options else 1
    states = [normal(rows, 1, 2) for _ in range(layer.arrays)]

    def f(x, *state):  # of order 1: that of the rule is checked to order 2 with its samples
        outputs, end = layer(x, state if len(state) > 1 else state[0])
        return (outputs, *(end if isinstance(end, tuple) else (end,)))

    assert tn.gradcheck(f, [normal(1, 2, 2), *states])
    assert tn.check_model(layer, normal(2, 3, 2), np.zeros(()), lambda y, _: (y[0] * y[0]).sum())


def test_a_long_sequence_keeps_its_graph_in_a_few_nodes():
    layer = make(nn.LSTM, 1, 2, returns="last")
    layer(normal(1, 2000, 1)).sum().backward()
    assert all(np.isfinite(p.grad).all() for p in layer.parameters())


@every_class
def test_weights_are_drawn_by_the_width_of_the_layer_from_the_generator(cls):
    layer, twin = (make(cls, 50, 100) for _ in range(2))
    for name, array in layer.state_dict().items():
        assert np.array_equal(array, twin.state_dict()[name])
        assert abs(array).max() <= 0.1
    weight = layer.state_dict()["weight_ih_l0"]
    assert weight.shape == (cls.gates * 100, 50)
    assert weight.var() == pytest.approx(0.1**2 / 3, rel=0.05)


@every_class
def test_the_size_of_the_input_may_come_with_the_first_call(cls):
    layer = make(cls, None, 4, returns="last")
    x = normal(2, 4, 3)
    assert np.array_equal(layer(x), make(cls, returns="last")(x))
    assert layer.input_size == 3


def test_repr_shows_sizes_and_what_is_no_default():
    assert repr(nn.LSTM(3, 4)) == "LSTM(3, 4)"
    assert repr(nn.GRU(3, 4, 2, bias=False, bidirectional=True, returns="last")) == (
        "GRU(3, 4, num_layers=2, bias=False, bidirectional=True, returns='last')"
    )


@every_class
@pytest.mark.parametrize("shape", [(4, 3), (2, 4, 5), (2, 0, 3)])
def test_what_is_no_sequence_is_refused(cls, shape):
    said = rf"{cls.__name__}: expected sequences of shape \(samples, steps, 3\) with at least one step, got shape \("
    with pytest.raises(errors.ShapeError, match=said):
        make(cls)(np.ones(shape))


def test_states_that_do_not_fit_are_refused():
    x = normal(2, 4, 3)
    with pytest.raises(errors.ShapeError, match=r"GRU: expected a state of shape \(1, 2, 4\), got \(2, 4\)\. Pass on"):
        make(nn.GRU)(x, np.zeros((2, 4)))
    said = r"LSTM: expected a state \(h, c\), each of shape \(2, 2, 4\), got \(2, 2, 4\) and \(1, 2, 4\)"
    with pytest.raises(errors.ShapeError, match=said):
        make(nn.LSTM, num_layers=2)(x, (np.zeros((2, 2, 4)), np.zeros((1, 2, 4))))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hidden_size": 0}, "LSTM: expected sizes of at least 1, got input_size=3, hidden_size=0 and num_layers=1"),
        ({"num_layers": 0}, "num_layers=0"),
        ({"returns": "all"}, "expected 'returns' to be 'both', 'outputs' or 'last', got 'all'"),
        ({"bidirectional": True, "reverse": True}, "expected one of 'bidirectional'.*'reverse'.*got both"),
        ({"dropout": 1.0}, "Dropout: expected 'p'"),
    ],
)
def test_layers_that_cannot_be_built(options, said):
    with pytest.raises(errors.ArgumentError, match=said):
        nn.LSTM(**{"input_size": 3, "hidden_size": 4} | options)


def test_an_rnn_knows_two_nonlinearities():
    with pytest.raises(errors.ArgumentError, match="RNN: expected 'nonlinearity' to be 'tanh' or 'relu', got 'gelu'"):
        nn.RNN(1, 1, nonlinearity="gelu")


# Cells


CELLS = [(nn.RNNCell, nn.RNN), (nn.GRUCell, nn.GRU), (nn.LSTMCell, nn.LSTM)]


@pytest.mark.parametrize(("cell_of", "layer_of"), CELLS)
@pytest.mark.parametrize("options", [{}, {"bias": False}])
def test_steps_of_a_cell_are_those_of_the_layer(cell_of, layer_of, options):
    cell, layer, x = make(cell_of, **options), make(layer_of, **options), normal(2, 5, 3)
    cell.load_state_dict({name.removesuffix("_l0"): array for name, array in layer.state_dict().items()})
    outputs, end = layer(x)
    (outputs * outputs).sum().backward()
    state, total = None, 0.0
    for t in range(5):
        state = cell(x[:, t], state)
        h = state[0] if isinstance(state, tuple) else state
        np.testing.assert_allclose(h.numpy(), outputs.numpy()[:, t], rtol=1e-13)
        total = total + (h * h).sum()
    assert all(np.allclose(a, b[0]) for a, b in zip(arrays_of(state), arrays_of(end), strict=True))
    total.backward()
    for mine, other in zip(cell.parameters(), layer.parameters(), strict=True):
        np.testing.assert_allclose(mine.grad, other.grad, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("cell_of", [nn.RNNCell, nn.GRUCell, nn.LSTMCell])
def test_cells_refuse_what_is_no_step(cell_of):
    cell = make(cell_of)
    for shape in [(2, 5), (3,), (2, 4, 3)]:
        with pytest.raises(errors.ShapeError, match=rf"{cell_of.__name__}: .*\(samples, 3\), got shape \(.*x\[None\]"):
            cell(np.ones(shape))
    with pytest.raises(errors.ShapeError, match=rf"{cell_of.__name__}: expected a state .*of shape \(2, 4\), got"):
        cell(np.ones((2, 3)), [np.zeros((1, 4))] * cell.arrays if cell.arrays > 1 else np.zeros((1, 4)))
    with pytest.raises(errors.ArgumentError, match=f"{cell_of.__name__}: .*got input_size=3 and hidden_size=0"):
        cell_of(3, 0)


def test_an_rnn_cell_knows_two_nonlinearities():
    with pytest.raises(errors.ArgumentError, match="RNNCell: expected 'nonlinearity' to be 'tanh' or 'relu', got 'x'"):
        nn.RNNCell(1, 1, nonlinearity="x")
