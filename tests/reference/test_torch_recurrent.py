"""Recurrent layers and attention against PyTorch: outputs, states, gradients, and ten steps of an optimizer."""

import numpy as np
import pytest
import torch
from torch.nn import functional

import tinygrad_nn as tn
from tinygrad_nn import nn

pytestmark = pytest.mark.reference


def generator():
    return np.random.default_rng(0)


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


def leaf(array):
    return tn.Tensor(array, requires_grad=True)


def leaf_there(array):
    return torch.tensor(array, requires_grad=True)


def agree(ours, theirs, rtol=1e-9):
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=rtol, atol=1e-11)


def flat(result):
    """List the arrays of an output and a state."""
    outputs, state = result
    return [outputs, *(state if isinstance(state, tuple) else (state,))]


def weighted(results):
    """Return a number that every element of the results has a part in."""
    cosines = [np.cos(np.arange(np.prod(x.shape))).reshape(tuple(x.shape)) for x in results]
    return sum((x * (w if isinstance(x, tn.Tensor) else torch.from_numpy(w))).sum() for x, w in zip(results, cosines))


SIZES = {"input_size": 3, "hidden_size": 4}

RECURRENT = [
    (ours, theirs, SIZES | options)
    for ours, theirs, own in (
        (nn.RNN, torch.nn.RNN, {}),
        (nn.RNN, torch.nn.RNN, {"nonlinearity": "relu"}),
        (nn.GRU, torch.nn.GRU, {}),
        (nn.LSTM, torch.nn.LSTM, {}),
    )
    for options in (
        own,
        own | {"bias": False},
        own | {"num_layers": 3},
        own | {"bidirectional": True},
        own | {"num_layers": 2, "bidirectional": True},
    )
]
every_recurrent_layer = pytest.mark.parametrize(("ours", "theirs", "options"), RECURRENT)


def recurrent_twins(ours, theirs, options, dtype=torch.float64):
    """Return a layer of PyTorch's, and one of ours that has taken over its state dict as it is."""
    torch.manual_seed(0)
    twin = theirs(**options, batch_first=True, dtype=dtype)
    layer = ours(**options).astype(str(dtype).removeprefix("torch."))
    layer.load_state_dict({name: value.numpy() for name, value in twin.state_dict().items()})
    return layer, twin


@every_recurrent_layer
@pytest.mark.parametrize("with_state", [False, True])
def test_outputs_states_and_gradients_are_those_of_torch(ours, theirs, options, with_state):
    layer, twin = recurrent_twins(ours, theirs, options)
    x, rows = normal(2, 5, 3), options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
    states = [normal(rows, 2, 4) + place for place in range(layer.arrays)] if with_state else []
    here, there = [leaf(x), *map(leaf, states)], [leaf_there(x), *map(leaf_there, states)]
    found, expected = (
        flat(f(inputs[0], *([tuple(inputs[1:]) if layer.arrays > 1 else inputs[1]] if with_state else [])))
        for f, inputs in ((layer, here), (twin, there))
    )
    for a, b in zip(found, expected, strict=True):
        agree(a.numpy(), b)
    weighted(found).backward()
    weighted(expected).backward()
    for a, b in zip(here, there, strict=True):
        agree(a.grad, b.grad)
    for (name, a), (same, b) in zip(layer.named_parameters(), twin.named_parameters(), strict=True):
        assert name == same
        agree(a.grad, b.grad)


@pytest.mark.parametrize(("ours", "theirs", "options"), RECURRENT[::5])
def test_second_derivatives_are_those_of_torch(ours, theirs, options):
    layer, twin = recurrent_twins(ours, theirs, options)
    x, there = normal(2, 3, 3), leaf_there(normal(2, 3, 3))
    found = tn.grad(lambda x: (tn.grad(lambda x: weighted(flat(layer(x))))(x) ** 2).sum())(x)
    (first,) = torch.autograd.grad(weighted(flat(twin(there))), there, create_graph=True)
    agree(found, torch.autograd.grad((first**2).sum(), there)[0])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("ours", "theirs", "options"), [RECURRENT[4], *RECURRENT[10::5]])
def test_ten_steps_of_an_optimizer_end_where_those_of_torch_end(ours, theirs, options, dtype):
    layer, twin = recurrent_twins(ours, theirs, options, dtype)
    x = normal(4, 6, 3).astype(str(dtype).removeprefix("torch."))
    here, there = tn.optim.Adam(layer.parameters(), lr=0.01), torch.optim.Adam(twin.parameters(), lr=0.01)
    for _ in range(10):
        here.zero_grad()
        (layer(x)[0] ** 2).mean().backward()
        here.step()
        there.zero_grad()
        (twin(torch.from_numpy(x))[0] ** 2).mean().backward()
        there.step()
    for name, value in layer.state_dict().items():
        assert value.dtype == x.dtype
        agree(value, twin.state_dict()[name], 1e-3 if dtype == torch.float32 else 1e-8)


CELLS = [
    (nn.RNNCell, torch.nn.RNNCell, {}),
    (nn.RNNCell, torch.nn.RNNCell, {"nonlinearity": "relu"}),
    (nn.GRUCell, torch.nn.GRUCell, {}),
    (nn.LSTMCell, torch.nn.LSTMCell, {}),
    (nn.LSTMCell, torch.nn.LSTMCell, {"bias": False}),
]


@pytest.mark.parametrize(("ours", "theirs", "options"), CELLS)
def test_steps_of_a_cell_and_their_gradients_are_those_of_torch(ours, theirs, options):
    torch.manual_seed(0)
    twin = theirs(3, 4, dtype=torch.float64, **options)
    cell = ours(3, 4, **options)
    cell.load_state_dict({name: value.numpy() for name, value in twin.state_dict().items()})
    x = normal(5, 2, 3)
    here, there = leaf(x), leaf_there(x)
    state = expected = None
    for step in range(5):
        state, expected = cell(here[step], state), twin(there[step], expected)
    found, wanted = (result if isinstance(result, tuple) else (result,) for result in (state, expected))
    for a, b in zip(found, wanted, strict=True):
        agree(a.numpy(), b)
    weighted(found).backward()
    weighted(wanted).backward()
    agree(here.grad, there.grad)
    for (name, a), (same, b) in zip(cell.named_parameters(), twin.named_parameters(), strict=True):
        assert name == same
        agree(a.grad, b.grad)


# Attention


MASK = generator().random((3, 4)) < 0.6
MASK[0] = False  # PyTorch, too, gives zeros to a query that may attend to nothing


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"attn_mask": MASK}, {"scale": 2.0}])
def test_attention_is_that_of_torch(options):
    arrays = normal(2, 3, 5), normal(2, 4, 5), normal(2, 4, 6)
    here, there = [*map(leaf, arrays)], [*map(leaf_there, arrays)]
    found = nn.scaled_dot_product_attention(*here, **options)
    mask = {"attn_mask": torch.from_numpy(MASK)} if "attn_mask" in options else {}
    expected = functional.scaled_dot_product_attention(*there, **options | mask)
    agree(found.numpy(), expected)
    weighted([found]).backward()
    weighted([expected]).backward()
    for a, b in zip(here, there, strict=True):
        agree(a.grad, b.grad)


def taken_over(layer, twin):
    """Give a layer the state dict of PyTorch's: the weights of `Dense` are the other way round."""
    dense = {name for name, part in layer.named_modules() if isinstance(part, nn.Dense)}
    state = {name: value.numpy() for name, value in twin.state_dict().items()}
    layer.load_state_dict(
        {
            name: value.T if name.endswith(".weight") and name.removesuffix(".weight") in dense else value
            for name, value in state.items()
        }
    )
    return dense


def compare_parameters(layer, twin, dense):
    for (name, a), (same, b) in zip(sorted(layer.named_parameters()), sorted(twin.named_parameters()), strict=True):
        assert name == same
        agree(a.grad.T if name.endswith(".weight") and name.removesuffix(".weight") in dense else a.grad, b.grad)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("masked", [False, True])
def test_multi_head_attention_is_that_of_torch(bias, masked):
    torch.manual_seed(0)
    twin = torch.nn.MultiheadAttention(8, 2, bias=bias, batch_first=True, dtype=torch.float64)
    layer = nn.MultiheadAttention(8, 2, bias=bias)
    dense = taken_over(layer, twin)
    mask = generator().random((3, 4)) < 0.7
    mask[:, 0] = True
    arrays = normal(2, 3, 8), normal(2, 4, 8), normal(2, 4, 8) + 1
    here, there = [*map(leaf, arrays)], [*map(leaf_there, arrays)]
    found = layer(*here, attn_mask=mask if masked else None)
    expected, _ = twin(*there, attn_mask=torch.from_numpy(~mask) if masked else None)  # there, True forbids
    agree(found.numpy(), expected)
    weighted([found]).backward()
    weighted([expected]).backward()
    for a, b in zip(here, there, strict=True):
        agree(a.grad, b.grad)
    compare_parameters(layer, twin, dense)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("is_causal", [False, True])
def test_a_transformer_block_is_the_encoder_layer_of_torch(norm_first, activation, is_causal):
    torch.manual_seed(0)
    options = {"activation": activation, "norm_first": norm_first, "dropout": 0.0}
    twin = torch.nn.TransformerEncoderLayer(8, 2, 16, **options, batch_first=True, dtype=torch.float64)
    block = nn.TransformerBlock(8, 2, 16, **options)
    dense = taken_over(block, twin)
    x = normal(2, 5, 8)
    here, there = leaf(x), leaf_there(x)
    future = torch.nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64) if is_causal else None
    found, expected = block(here, is_causal=is_causal), twin(there, src_mask=future)
    agree(found.numpy(), expected)
    weighted([found]).backward()
    weighted([expected]).backward()
    agree(here.grad, there.grad)
    compare_parameters(block, twin, dense)


def test_ten_steps_with_a_transformer_block_end_where_those_of_torch_end():
    torch.manual_seed(0)
    twin = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, dtype=torch.float64)
    block = nn.TransformerBlock(8, 2, 16)
    dense = taken_over(block, twin)
    x, target = normal(2, 5, 8), normal(5, 2, 8).swapaxes(0, 1)
    here, there = tn.optim.SGD(block.parameters(), lr=0.1), torch.optim.SGD(twin.parameters(), lr=0.1)
    for _ in range(10):
        here.zero_grad()
        ((block(x) - target) ** 2).mean().backward()
        here.step()
        there.zero_grad()
        ((twin(torch.from_numpy(x)) - torch.from_numpy(target)) ** 2).mean().backward()
        there.step()
    for name, value in block.state_dict().items():
        is_dense = name.endswith(".weight") and name.removesuffix(".weight") in dense
        agree(value.T if is_dense else value, twin.state_dict()[name], 1e-8)
