"""Activations: over the whole range, at their kinks, as layers, and next to PyTorch's."""

import math

import numpy as np
import pytest
import scipy.special

import tinygrad_nn as tn
from tinygrad_nn import errors, nn
from tinygrad_nn.nn.activations import ACTIVATIONS, ActivationLayer

FAR = [sign * x for x in (0, 1e-30, 1, 3, 6, 20, 100, 1000, 1e30) for sign in (-1, 1)]
ELEMENTWISE = {name: f for name, f in ACTIVATIONS.items() if "softmax" not in name}
LAYERS = {layer.__name__: layer for layer in ActivationLayer.__subclasses__() if layer.__module__.startswith("tiny")}


def slope(f, order=1):
    """Return the derivative of an elementwise function of one array."""
    for _ in range(order):
        f = tn.grad(lambda x, f=f: np.sum(f(x)))
    return f


@pytest.mark.parametrize("name", [*ELEMENTWISE, "gelu, tanh"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_and_slopes_are_finite_without_a_warning_wherever_the_input_is(name, dtype):
    f = ELEMENTWISE.get(name) or (lambda x: nn.gelu(x, approximate="tanh"))
    x = np.array([*FAR, *np.array([-1, 1]) * float(np.finfo(dtype).max) / 4], dtype)
    for order in (0, 1, 2):
        values = slope(f, order)(x)
        assert values.dtype == dtype
        assert np.isfinite(values).all()
    # Far out every one of them is a line or a constant.
    for end in (-1, 1):
        here, there = end * np.array([1000, 2000], dtype)
        chord = (float(f(there)) - float(f(here))) / float(there - here)
        assert slope(f)(here) == pytest.approx(chord, rel=1e-5, abs=1e-5)
        assert slope(f, 2)(here) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize(
    ("f", "at", "slopes"),
    [
        (nn.leaky_relu, [0.0], [0.01]),
        (lambda x: nn.elu(x, alpha=0.5), [0.0], [0.5]),
        (nn.selu, [0.0], [1.0507009873554805 * 1.6732632423543772]),
        (lambda x: nn.celu(x, alpha=0.5), [0.0], [1]),
        (nn.softsign, [0.0], [1]),
        (nn.relu6, [0.0, 6.0], [0, 0]),
        (nn.hard_tanh, [-1.0, 1.0], [0, 0]),
        (nn.hard_sigmoid, [-3.0, 3.0], [0, 0]),
        (nn.hard_swish, [-3.0, 3.0], [0, 1]),
    ],
)
def test_slopes_at_kinks_are_the_documented_ones(f, at, slopes):
    np.testing.assert_allclose(slope(f)(np.array(at)), slopes, rtol=1e-15)


def test_tails_are_exact_relative_to_what_they_are():
    x = np.array([-37.0, -20.0, -8.0, -1e-9, 1e-9, 8.0])
    np.testing.assert_allclose(nn.gelu(x), x * scipy.special.ndtr(x), rtol=1e-12)
    np.testing.assert_allclose(nn.silu(x), x * scipy.special.expit(x), rtol=1e-14)
    np.testing.assert_allclose(nn.mish(x), x * np.tanh(np.log1p(np.exp(x))), rtol=1e-14)
    np.testing.assert_allclose(nn.elu(x[:-1]), [*np.expm1(x[:4]), 1e-9], rtol=1e-15)


@pytest.mark.parametrize("name", sorted(ELEMENTWISE.keys() - {"softsign"}))  # the quotient of two infinities
def test_infinities_have_their_limits(name):
    low, high = ELEMENTWISE[name](np.array([-math.inf, math.inf]))
    far_low, far_high = ELEMENTWISE[name](np.array([-1e15, 1e15]))
    assert low == (pytest.approx(far_low, abs=1e-300) if abs(far_low) < 1e6 else -math.inf)
    assert high == (far_high if far_high < 1e6 else math.inf)


def test_every_activation_is_a_function_and_a_layer_and_a_name():
    assert {layer.function for layer in LAYERS.values()} == set(ACTIVATIONS.values())
    assert all(getattr(nn, name) is layer for name, layer in LAYERS.items())
    assert all(getattr(nn, name) is function for name, function in ACTIVATIONS.items())


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_layers_apply_their_function(layer):
    x = np.array([[-2.0, 0.5, 3.0]])
    np.testing.assert_array_equal(layer()(x), layer.function(x))
    assert repr(layer()) == f"{layer.__name__}()"
    assert list(nn.Sequential(layer()).named_parameters()) == []


def test_layers_take_the_options_of_their_function():
    x = np.array([[-2.0, 0.5, 3.0]])
    for layer, expected in (
        (nn.LeakyReLU(0.2), nn.leaky_relu(x, 0.2)),
        (nn.Softplus(beta=2.0), nn.softplus(x, 2.0)),
        (nn.GELU("tanh"), nn.gelu(x, approximate="tanh")),
        (nn.Softmax(axis=0), np.ones((1, 3))),
        (nn.LogSoftmax(0), np.zeros((1, 3))),
        (nn.Hardtanh(-0.5, max_val=2.0), np.array([[-0.5, 0.5, 2.0]])),
    ):
        np.testing.assert_array_equal(layer(x), expected)
    assert repr(nn.Hardtanh(-0.5, max_val=2.0)) == "Hardtanh(min_val=-0.5, max_val=2.0)"
    assert repr(nn.GELU("tanh")) == "GELU(approximate='tanh')"


def test_an_option_that_the_function_lacks_is_refused_when_the_layer_is_made():
    with pytest.raises(errors.ArgumentError, match=r"LeakyReLU: .*'slope'; expected what leaky_relu\(x: "):
        nn.LeakyReLU(slope=0.1)
    with pytest.raises(errors.ArgumentError, match="ReLU: too many positional arguments"):
        nn.ReLU(0.1)
    with pytest.raises(errors.ArgumentError, match="gelu: expected approximate to be 'none' or 'tanh', got 'fast'"):
        nn.gelu(np.ones(2), "fast")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_dense_layers_know_every_activation_by_its_name(name):
    x = np.random.default_rng(0).normal(size=(4, 3))
    layer = nn.Dense(3, 2, activation=name, rng=np.random.default_rng(1))
    plain = nn.Dense(3, 2, rng=np.random.default_rng(1))
    plain.load_state_dict(layer.state_dict())
    np.testing.assert_allclose(layer(x).numpy(), ACTIVATIONS[name](plain(x)).numpy(), rtol=1e-15)
    assert f"activation={name}" in repr(layer)
    layer(x).sum().backward()
    assert layer.weight.grad.shape == (3, 2)


# What PyTorch 2.13 gives for float64, with the defaults of each: values, and slopes.
POINTS = np.array([-6.0, -3.0, -1.0, 0.0, 0.7, 3.0, 6.0])
PYTORCH = {
    "relu": (
        [0, 0, 0, 0, 0.7, 3, 6],
        [0, 0, 0, 0, 1, 1, 1],
    ),
    "leaky_relu": (
        [-0.06, -0.03, -0.01, 0, 0.7, 3, 6],
        [0.01, 0.01, 0.01, 0.01, 1, 1, 1],
    ),
    "relu6": (
        [0, 0, 0, 0, 0.7, 3, 6],
        [0, 0, 0, 0, 1, 1, 0],
    ),
    "elu": (
        [-0.9975212, -0.9502129, -0.6321206, 0, 0.7, 3, 6],
        [0.002478752, 0.04978707, 0.3678794, 1, 1, 1, 1],
    ),
    "selu": (
        [-1.753741, -1.670569, -1.111331, 0, 0.7354907, 3.152103, 6.304206],
        [0.004357893, 0.08753061, 0.6467686, 1.758099, 1.050701, 1.050701, 1.050701],
    ),
    "celu": (
        [-0.9975212, -0.9502129, -0.6321206, 0, 0.7, 3, 6],
        [0.002478752, 0.04978707, 0.3678794, 1, 1, 1, 1],
    ),
    "gelu": (
        [-5.919526e-09, -0.004049694, -0.1586553, 0, 0.5306254, 2.99595, 6],
        [-3.546871e-08, -0.01194565, -0.08331547, 0.5, 0.9766141, 1.011946, 1],
    ),
    "silu": (
        [-0.01483574, -0.1422776, -0.2689414, 0, 0.4677314, 2.857722, 5.985164],
        [-0.01232643, -0.08810411, 0.07232949, 0.5, 0.8233868, 1.088104, 1.012326],
    ),
    "mish": (
        [-0.01485408, -0.1456475, -0.3034015, 0, 0.5611484, 2.986535, 5.999927],
        [-0.01235997, -0.09339311, 0.05921676, 0.6, 0.9687949, 1.021107, 1.000134],
    ),
    "softplus": (
        [0.002475685, 0.04858735, 0.3132617, 0.6931472, 1.103186, 3.048587, 6.002476],
        [0.002472623, 0.04742587, 0.2689414, 0.5, 0.6681878, 0.9525741, 0.9975274],
    ),
    "softsign": (
        [-0.8571429, -0.75, -0.5, 0, 0.4117647, 0.75, 0.8571429],
        [0.02040816, 0.0625, 0.25, 1, 0.3460208, 0.0625, 0.02040816],
    ),
    "sigmoid": (
        [0.002472623, 0.04742587, 0.2689414, 0.5, 0.6681878, 0.9525741, 0.9975274],
        [0.002466509, 0.04517666, 0.1966119, 0.25, 0.2217129, 0.04517666, 0.002466509],
    ),
    "log_sigmoid": (
        [-6.002476, -3.048587, -1.313262, -0.6931472, -0.403186, -0.04858735, -0.002475685],
        [0.9975274, 0.9525741, 0.7310586, 0.5, 0.3318122, 0.04742587, 0.002472623],
    ),
    "hard_sigmoid": (
        [0, 0, 0.3333333, 0.5, 0.6166667, 1, 1],
        [0, 0, 0.1666667, 0.1666667, 0.1666667, 0, 0],
    ),
    "hard_swish": (
        [-0, -0, -0.3333333, 0, 0.4316667, 3, 6],
        [0, 0, 0.1666667, 0.5, 0.7333333, 1, 1],
    ),
    "tanh": (
        [-0.9999877, -0.9950548, -0.7615942, 0, 0.6043678, 0.9950548, 0.9999877],
        [2.457655e-05, 0.009866037, 0.4199743, 1, 0.6347396, 0.009866037, 2.457655e-05],
    ),
    "hard_tanh": (
        [-1, -1, -1, 0, 0.7, 1, 1],
        [0, 0, 0, 1, 1, 0, 0],
    ),
    "gelu, tanh": (
        [-8.439649e-11, -0.003637392, -0.158808, 0, 0.5305701, 2.996363, 6],
        [-7.709976e-10, -0.01158417, -0.08296408, 0.5, 0.9763572, 1.011584, 1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PYTORCH)
def test_values_and_slopes_are_those_of_pytorch(name):
    f = ELEMENTWISE.get(name) or (lambda x: nn.gelu(x, approximate="tanh"))
    for order, expected in enumerate(PYTORCH[name]):
        np.testing.assert_allclose(slope(f, order)(POINTS), expected, rtol=1e-6)


def test_pytorch_was_asked_about_every_activation():
    assert PYTORCH.keys() == ELEMENTWISE.keys() | {"gelu, tanh"}
