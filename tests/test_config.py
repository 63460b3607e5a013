"""Models as plain data, and layers that learn the size of their input from the first call."""

import copy
import json

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import errors, nn


def generator():
    return np.random.default_rng(0)


class Wrapper(nn.Module):
    def __init__(self, body, *more, table=None, **options):
        self.body, self.more, self.table, self.options = body, list(more), table, options

    def forward(self, x):
        return self.body(x)


def round_trip(module):
    return nn.from_config(json.loads(json.dumps(nn.to_config(module))), rng=generator())


def test_the_published_form_of_a_config_makes_a_chain_of_dense_layers():
    config = [
        {"input_dim": 2, "output_dim": 25, "activation": "relu"},
        {"input_dim": 25, "output_dim": 1, "activation": "sigmoid"},
    ]
    model = nn.Sequential.from_config(config, rng=generator())
    assert repr(model) == repr(nn.Sequential(nn.Dense(2, 25, activation="relu"), nn.Dense(25, 1, activation="sigmoid")))
    rng = generator()
    expected = nn.Dense(2, 25, activation="relu", rng=rng).weight.numpy(), nn.Dense(25, 1, rng=rng).weight.numpy()
    assert all(np.array_equal(layer.weight.numpy(), weight) for layer, weight in zip(model, expected, strict=True))
    again = nn.Sequential.from_config(json.loads(json.dumps(model.to_config())))
    assert repr(again) == repr(model)


def test_a_config_says_what_was_given_and_nothing_else():
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding="same", rng=generator()), np.tanh, nn.relu, nn.Flatten())
    assert model.to_config() == [
        {"layer": "Conv2d", "in_channels": 1, "out_channels": 8, "kernel_size": 3, "padding": "same"},
        {"function": "numpy.tanh"},
        {"function": "relu"},
        {"layer": "Flatten"},
    ]
    assert [*round_trip(model)][1:3] == [np.tanh, nn.relu]
    assert nn.Sequential().to_config() == []


def test_what_was_shared_is_shared_again():
    layer = nn.Dense(2, 2, rng=generator())
    model = Wrapper(nn.Sequential(layer, nn.Sequential(nn.ReLU(), layer)), layer)
    config = nn.to_config(model)
    assert config["body"]["layers"][1]["layers"][1] == config["more"][0] == {"same_as": "body.layers.0"}
    twin = round_trip(model)
    assert twin.body[0] is twin.body[1][1] is twin.more[0]
    assert len(twin.parameters()) == 2


def test_arguments_of_every_kind_come_back():
    model = Wrapper(
        nn.ReLU(), nn.Tanh(), 3, table={"a": [1, {"b": nn.ReLU()}]}, size=np.int64(4), share=np.float32(0.5)
    )
    twin = round_trip(model)
    assert repr(twin) == repr(model)
    assert twin.more[1] == 3
    assert twin.options == {"size": 4, "share": 0.5}
    assert type(twin.options["size"]) is int


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        (lambda x: x, r"to_config: expected 'body' to be plain data, a layer or a function.*Write a subclass"),
        (np.ones(2), r"expected 'body'.*got array"),
        (np.save, r"expected 'body'.*got <function save"),
        ({"layer": 1}, r"expected 'body'.*got {'layer': 1}"),
        ({1: 2}, r"got {1: 2}"),
    ],
)
def test_what_is_no_data_is_refused(argument, said):
    with pytest.raises(errors.ArgumentError, match=said):
        nn.to_config(Wrapper(argument))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "from_config: expected a dict with the name of a class as 'layer', got the keys"),
        ({"layer": "Dens"}, r"a class of modules that is defined, got 'Dens'. Known are .*Conv2d.*Import or define"),
        (
            {"layer": "Flatten", "size": 3},
            "Flatten: got an unexpected keyword argument 'size'; expected the arguments start_dim",
        ),
        ({"layer": "Add", "size": 3}, "Add: got an unexpected keyword argument 'size'; expected the arguments none"),
        ({"layer": "Dense"}, "Dense: missing a required argument: 'in_features'"),
        (
            {"layer": "Lambda", "function": {"function": "numpy.load"}},
            "differentiable function of NumPy, got 'numpy.load",
        ),
        ({"layer": "Lambda", "function": {"function": "os.system"}}, "got 'os.system'"),
        ({"layer": "Residual", "body": {"same_as": "x"}}, "expected a layer at 'x' before 'body'"),
    ],
)
def test_a_config_that_makes_no_model_is_refused(config, said):
    with pytest.raises(errors.ArgumentError, match=said):
        nn.from_config(config)


def test_a_class_of_the_user_hides_none_of_the_library():
    own = type("Dense", (nn.Module,), {})
    with pytest.raises(errors.ArgumentError, match="a name of its own, but two are named Dense"):
        nn.to_config(own())
    assert type(nn.from_config({"layer": "Dense", "in_features": 1, "out_features": 1})) is nn.Dense


def test_an_argument_may_not_be_called_layer():
    class Taking(nn.Module):
        def __init__(self, layer):
            self.layer = layer

    with pytest.raises(errors.ArgumentError, match="expected no argument 'layer' of Taking"):
        nn.to_config(Taking(nn.ReLU()))


def test_models_can_be_copied():
    model = nn.Sequential(nn.Dense(2, 3, rng=generator()), nn.Dropout(rng=generator()))
    twin = copy.deepcopy(model)
    assert nn.to_config(twin) == nn.to_config(model)
    assert twin[0].weight is not model[0].weight
    assert np.array_equal(twin[0].weight.data, model[0].weight.data)


# Layers that await the size of their input


def lazy():
    return nn.Sequential(
        nn.Conv2d(None, 4, 3, activation="relu", rng=generator()), nn.BatchNorm(None), nn.Flatten(),
        nn.Dense(None, (2, 3), rng=generator()),
    )  # fmt: skip


@pytest.mark.parametrize(
    "use",
    [
        lambda model: tn.optim.SGD(model.parameters(), lr=0.1), lambda model: model.state_dict(),
        lambda model: model.load_state_dict({}), lambda model: model.astype("float32"),
        lambda model: model.summary(np.ones((2, 3, 5, 4))),
        lambda model: model.zero_grad(),
    ],
)  # fmt: skip
def test_parameters_that_are_not_there_yet_are_not_forgotten_in_silence(use):
    with pytest.raises(
        errors.ArgumentError,
        match=r"Conv2d '0': expected a first call.*in_channels=None.*as in model\(x\[:1\]\), or give in_channels",
    ):
        use(lazy())
    with pytest.raises(errors.ArgumentError, match=r"^Dense: expected a first call.*in_features=None"):
        use(nn.Dense(None, 1))


def test_the_first_call_tells_the_sizes():
    model, x = lazy(), np.ones((2, 3, 5, 4))
    assert repr(model[3]) == "Dense(None, (2, 3))"
    assert model(x).shape == (2, 2, 3)
    known = nn.Sequential(
        nn.Conv2d(3, 4, 3, activation="relu", rng=generator()), nn.BatchNorm(4), nn.Flatten(),
        nn.Dense(24, (2, 3), rng=generator()),
    )  # fmt: skip
    assert repr(known) == repr(model)
    assert {name: p.name for name, p in model.named_parameters()} == {n: p.name for n, p in known.named_parameters()}
    assert all(np.array_equal(p.data, q.data) for p, q in zip(model.parameters(), known.parameters(), strict=True))
    assert model.to_config() == known.to_config()


def test_a_lazy_layer_is_checked_like_any_other():
    layer = nn.Dense(None, 2)
    with pytest.raises(errors.ShapeError, match=r"Dense: expected an input with an axis -1.*got shape \(\)"):
        layer(1.0)
    layer(np.ones((1, 3)))
    with pytest.raises(errors.ShapeError, match="last axis has length 3"):
        layer(np.ones((1, 4)))
    with pytest.raises(errors.ArgumentError, match=r"Conv1d: expected numbers of channels.*got in_channels=3, out"):
        nn.Conv1d(None, 4, 3, groups=2)(np.ones((1, 3, 5)))


def test_a_subclass_may_leave_the_size_open():
    class Head(nn.Dense):
        def __init__(self, classes):
            super().__init__(None, classes, activation="softmax")

    head = Head(3)
    assert head(np.ones((2, 5))).shape == (2, 3)
    assert nn.to_config(head) == {"layer": "Head", "classes": 3}
