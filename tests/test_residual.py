"""`Residual`: the projections that its first call makes, and where it makes none."""

import json

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import errors, nn


def generator():
    return np.random.default_rng(0)


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


def test_features_are_projected_by_a_matrix():
    layer, x = nn.Residual(nn.Dense(3, 2, activation="tanh", rng=generator()), "dense", generator()), normal(4, 5, 3)
    out = layer(x)
    assert layer.projection.bias is None
    expected = np.tanh(x @ layer.body.weight.numpy() + layer.body.bias.numpy()) + x @ layer.projection.weight.numpy()
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("body", "shape", "strides"),
    [
        (nn.Conv1d(2, 3, 3, padding=1), (2, 2, 7), (1,)),
        (nn.Conv2d(2, 3, 3, stride=(2, 1), padding=1), (2, 2, 7, 4), (2, 1)),
        (nn.Conv2d(2, 2, 3, stride=3, padding=1), (2, 2, 7, 8), (3, 3)),
        (nn.MaxPool(2), (2, 2, 6, 8), (2, 2)),
        (nn.Conv3d(2, 4, 1, stride=2), (1, 2, 5, 4, 3), (2, 2, 2)),
    ],
)
def test_channels_are_projected_where_the_strides_of_the_body_stand(body, shape, strides):
    layer, x = nn.Residual(body, "conv", generator()), normal(*shape)
    out = layer(x)
    places = tuple(slice(None, None, stride) for stride in strides)
    weight = layer.projection.weight.numpy()
    picked = np.einsum("oc,nc...->no...", weight.reshape(weight.shape[:2]), x[(slice(None), slice(None), *places)])
    np.testing.assert_allclose(np.asarray((out - body(x)).numpy()), picked, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("projection", [None, "dense", "conv"])
def test_between_equal_shapes_there_is_no_projection(projection):
    layer = nn.Residual(nn.BatchNorm(3), projection)
    layer(normal(4, 3, 5))
    assert layer.projection is None
    assert layer.state_dict().keys() == {f"body.{name}" for name in nn.BatchNorm(3).state_dict()}


def test_what_the_first_call_made_is_a_part_like_any_other():
    model = nn.Sequential(
        nn.Residual(nn.Conv2d(1, 4, 3, stride=2, padding=1, rng=generator()), "conv", generator()), nn.Flatten()
    )
    written = json.loads(json.dumps(nn.to_config(model)))
    assert written["layers"][0]["projection"] == "conv"
    with pytest.raises(errors.ArgumentError, match=r"Residual '0': expected a first call .*projection='conv'"):
        tn.optim.SGD(model.parameters(), lr=0.1)
    x = normal(2, 1, 6, 6)
    model(x)
    assert model[0].projection.weight.name == "0.projection.weight"
    assert "0.projection.weight" in model.state_dict()
    known = nn.to_config(model)["layers"][0]["projection"]
    assert (known["layer"], known["stride"], known["bias"]) == ("Conv2d", [2, 2], False)
    twin = nn.from_config(json.loads(json.dumps(nn.to_config(model))))  # one that has to await nothing
    twin.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(twin(x).numpy(), model(x).numpy())
    again = nn.from_config(written, rng=generator())
    again(x)
    assert again.state_dict().keys() == model.state_dict().keys()


@pytest.mark.parametrize(
    ("layer", "shape", "said"),
    [
        (
            nn.Residual(nn.Flatten(), "dense"), (2, 3, 4),
            r"changes no axis but the last, for projection='dense', got \(2, 12\) from \(2, 3, 4\)\. For channels",
        ),
        (nn.Residual(nn.Dense(3, 2), "conv"), (4, 3), r"1 to 3 lengths.*got \(4, 2\) from \(4, 3\)\. For features"),
        (
            nn.Residual(nn.Conv1d(1, 2, 3), "conv"), (1, 1, 7),
            r"lengths that a stride leads to.*got \(5,\) from \(7,\): stride s makes ceil.*padding='same'",
        ),
        (
            nn.Residual(nn.Conv1d(1, 2, 3)), (1, 1, 7),
            r"got \(1, 2, 5\) and \(1, 1, 7\)\. Give a projection from .*'dense' for features, projection='conv'",
        ),
    ],
)  # fmt: skip
def test_shapes_that_no_projection_joins_are_refused(layer, shape, said):
    with pytest.raises(errors.ShapeError, match=said):
        layer(np.ones(shape))


def test_another_input_that_the_strides_do_not_suit_is_refused():
    layer = nn.Residual(nn.Conv1d(1, 2, 3, stride=2), "conv")  # without padding: 5 -> 2, and 6 -> 2
    layer(normal(1, 1, 5))
    assert layer.projection.options["stride"] == (3,)
    with pytest.raises(errors.ShapeError, match=r"got \(1, 2, 4\) and \(1, 2, 3\)"):
        layer(normal(1, 1, 9))


def test_a_projection_of_no_known_name_is_refused():
    with pytest.raises(
        errors.ArgumentError, match="'projection' to be 'dense', 'conv', a layer or a function, got 'x'"
    ):
        nn.Residual(nn.ReLU(), "x")
