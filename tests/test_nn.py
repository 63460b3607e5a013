"""Modules, `Dense`, initialisers, and activations as functions and layers."""

import numpy as np
import pytest
from scipy import special

import tinygrad_nn as tn
from tinygrad_nn import errors, nn


def generator():
    return np.random.default_rng(0)


class Tower(nn.Module):
    def __init__(self):
        shared = nn.Dense(2, 2, rng=generator())
        self.first = shared
        self.again = shared
        self.rest = [nn.Dense(2, 3, rng=generator()), {"last": nn.Dense(3, 1, rng=generator())}]
        self.scale = nn.Parameter(2.0)
        self.offset = tn.Tensor(1.0)

    def forward(self, x):
        x = self.again(self.first(x))
        return self.rest[1]["last"](self.rest[0](x)) * self.scale + self.offset


def test_parameters_are_found_wherever_they_are_and_shared_ones_once():
    assert [name for name, _ in Tower().named_parameters()] == [
        "scale", "first.weight", "first.bias", "rest.0.weight", "rest.0.bias", "rest.1.last.weight", "rest.1.last.bias",
    ]  # fmt: skip


def test_parameters_know_their_names():
    model = Tower()
    assert model.rest[1]["last"].weight.name == "rest.1.last.weight"
    assert nn.Sequential(nn.Dense(1, 1))[0].weight.name == "0.weight"


def test_state_dicts_carry_a_model_over():
    model, twin = Tower(), Tower()
    for parameter in twin.parameters():
        parameter.data = parameter.data + 1.0
    twin.load_state_dict(model.state_dict())
    x = np.ones((4, 2))
    assert np.array_equal(model(x).numpy(), twin(x).numpy())
    assert "offset" in model.state_dict()


def test_a_module_may_know_the_one_around_it():
    inner, outer = nn.Dense(1, 1), nn.Sequential()
    outer.inner = inner
    inner.outer = outer
    assert [name for name, _ in outer.named_parameters()] == ["inner.weight", "inner.bias"]
    assert len(list(inner.named_modules())) == 2


def test_a_state_dict_is_a_copy():
    model = nn.Dense(2, 2)
    state = model.state_dict()
    state["weight"][:] = 9.0
    assert not np.any(model.weight.data == 9.0)


def test_a_state_dict_that_does_not_fit_changes_nothing():
    model = nn.Sequential(nn.Dense(2, 2))
    before = model.state_dict()
    wrong_names = {"0.weight": np.ones((2, 2)), "1.bias": np.ones(2)}
    with pytest.raises(errors.StateError, match=r"missing: 0\.bias; unexpected: 1\.bias"):
        model.load_state_dict(wrong_names)
    wrong_shape = {"0.weight": np.ones((2, 2)), "0.bias": np.ones(3)}
    with pytest.raises(errors.ShapeError, match=r"'0\.bias' has shape \(3,\), expected \(2,\)"):
        model.load_state_dict(wrong_shape)
    assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())


def test_train_and_eval_reach_every_module():
    model = Tower().eval()
    assert not any(module.training for _, module in model.named_modules())
    model.train()
    assert all(module.training for _, module in model.named_modules())


def test_astype_converts_values_and_results():
    model = Tower().astype(np.float32)
    assert {tensor.dtype for _, tensor in model.named_tensors()} == {np.dtype(np.float32)}
    loss = model(np.ones((1, 2), np.float32)).sum()
    loss.backward()
    assert loss.dtype == model.scale.grad.dtype == np.float32


def test_a_module_without_a_constructor_takes_no_arguments():
    with pytest.raises(TypeError):
        nn.Add(3)


def test_zero_grad_reaches_every_parameter():
    model = Tower()
    model(np.ones((1, 2))).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    model.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_layer_used_twice_adds_both_gradients():
    layer = nn.Dense(1, 1, bias=False)
    layer.weight.data = [[3.0]]
    layer(layer(np.ones((1, 1)))).sum().backward()
    assert layer.weight.grad.item() == 6.0


def test_summary_leaves_the_model_as_it_was():
    model = Tower()
    model.summary(np.ones((1, 2)))
    assert "forward" not in vars(model)


def test_repr_shows_the_layers():
    model = nn.Sequential(nn.Dense(2, 3, activation="tanh"), nn.ReLU())
    assert repr(model) == "Sequential(\n  (0): Dense(2, 3, activation=tanh)\n  (1): ReLU()\n)"


def test_a_module_that_returns_its_parameter_remembers_nothing_of_the_call():
    class Value(nn.Module):
        def __init__(self):
            self.value = nn.Parameter(1.0)

        def forward(self):
            return self.value

    module = Value()
    for _ in range(3):
        module()
    assert module.value._node.returned_by is None


def test_activations_take_numbers():
    assert [nn.relu(-1.0), nn.sigmoid(0), nn.tanh(0.0)] == [0.0, 0.5, 0.0]


def test_a_module_without_forward_says_so():
    class Empty(nn.Module):
        pass

    with pytest.raises(AttributeError, match="Empty: expected a method 'forward'"):
        Empty()(1.0)


# Dense


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (0, 3)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", [None, "relu", "sigmoid", "tanh", "softmax", nn.relu, nn.Tanh(), np.exp])
def test_dense_is_an_affine_map_and_an_activation(shape, bias, activation):
    layer = nn.Dense(3, 2, bias=bias, activation=activation, rng=generator())
    x = generator().normal(size=shape)
    z = x @ layer.weight.numpy() + (layer.bias.numpy() if bias else 0)
    expected = {
        None: z, "relu": np.maximum(z, 0), nn.relu: np.maximum(z, 0), "sigmoid": special.expit(z), np.exp: np.exp(z),
        "softmax": special.softmax(z, axis=-1),
    }  # fmt: skip
    found = layer(x).numpy()
    np.testing.assert_allclose(found, expected.get(activation if activation != "tanh" else "", np.tanh(z)), rtol=1e-12)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
@pytest.mark.parametrize("activation", [None, "relu", "sigmoid", "tanh", "softmax"])
def test_the_fused_layer_has_the_gradients_of_the_separate_operations(shape, activation):
    layer = nn.Dense(3, 2, activation=activation, rng=generator())
    layer.bias.data = [0.3, -0.2]
    x = tn.Tensor(generator().normal(size=shape), requires_grad=True)
    weights = generator().normal(size=(*shape[:-1], 2))
    (layer(x) * weights).sum().backward()
    fused = [x.grad, layer.weight.grad, layer.bias.grad]
    x.zero_grad()
    layer.zero_grad()
    z = x @ layer.weight + layer.bias
    (weights * (z if activation is None else getattr(nn, activation)(z))).sum().backward()
    for a, b in zip(fused, [x.grad, layer.weight.grad, layer.bias.grad], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


def test_dense_refuses_inputs_of_another_width():
    model = nn.Sequential(nn.Dense(3, 2))
    with pytest.raises(
        errors.ShapeError, match=r"Dense '0': expected an input whose last axis has length 3, got shape \(4,"
    ):
        model(np.ones((4, 5)))


def test_dense_refuses_what_it_cannot_build():
    with pytest.raises(errors.ArgumentError, match="sizes of at least 1, got 0 inputs"):
        nn.Dense(0, 2)
    with pytest.raises(errors.ArgumentError, match=r"activation: expected None.*got 'rely'"):
        nn.Dense(1, 1, activation="rely")
    with pytest.raises(errors.ArgumentError, match="init: expected one of glorot_uniform"):
        nn.Dense(1, 1, init="xavier")
    with pytest.raises(errors.ArgumentError, match="Sequential: expected layers or functions, got 3 at place 1"):
        nn.Sequential(nn.ReLU(), 3)


@pytest.mark.parametrize(
    ("name", "bound", "variance"),
    [("glorot_uniform", (6 / 500) ** 0.5, 2 / 500), ("glorot_normal", 1, 2 / 500),
     ("he_uniform", (6 / 200) ** 0.5, 2 / 200), ("he_normal", 1, 2 / 200), ("zeros", 0, 0)],
)  # fmt: skip
def test_initialisers_have_their_spread(name, bound, variance):
    draw = nn.init.INITIALIZERS[name]((200, 300), generator())
    assert abs(draw).max() <= bound
    assert draw.var() == pytest.approx(variance, rel=0.05)


def test_the_initialiser_suits_the_activation_and_can_be_chosen():
    spread = {a: nn.Dense(200, 300, activation=a, rng=generator()).weight.numpy().var() for a in ("relu", "tanh", None)}
    assert spread["relu"] == pytest.approx(2 / 200, rel=0.05)
    assert spread["tanh"] == spread[None] == pytest.approx(2 / 500, rel=0.05)
    assert not nn.Dense(2, 2, init="zeros").weight.numpy().any()
    assert nn.Dense(2, 3, init=lambda shape, rng: np.full(shape, 7.0)).weight.numpy().sum() == 42.0


@pytest.mark.parametrize("activation", ["gelu", nn.leaky_relu, nn.LeakyReLU(0.1), nn.ReLU(), "silu"])
def test_relatives_of_relu_start_as_relu_does(activation):
    layer = nn.Dense(30, 40, activation=activation, rng=generator())
    assert np.array_equal(layer.weight.data, nn.Dense(30, 40, activation="relu", rng=generator()).weight.data)


def test_the_same_generator_gives_the_same_weights():
    a, b = (nn.Dense(3, 3, rng=np.random.default_rng(5)).weight.numpy() for _ in range(2))
    assert np.array_equal(a, b)


# Activations


def test_activations_are_functions_and_layers():
    x = np.array([[-1.0, 0.5]])
    for function, layer in (
        (nn.relu, nn.ReLU()),
        (nn.sigmoid, nn.Sigmoid()),
        (nn.tanh, nn.Tanh()),
        (nn.softmax, nn.Softmax()),
    ):
        assert np.array_equal(function(x), layer(x))
        assert np.array_equal(function(tn.Tensor(x)).numpy(), function(x))
