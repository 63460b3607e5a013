"""What holds for every layer: the public modules of `nn`, each with the samples of its row."""

import json

import numpy as np
import pytest

import tinygrad_nn as tn
from tests.layer_samples import LAYERS
from tinygrad_nn import nn


def made(sample, seed=0):
    return sample.make(np.random.default_rng(seed))


def floats(sample):
    return [x for x in sample.inputs if x.dtype.kind == "f"]


SAMPLES = {f"{name}-{n}": sample for name, samples in LAYERS.items() for n, sample in enumerate(samples)}


def each_with(condition):
    """Run a test for the samples for which `condition` holds."""
    found = {name: sample for name, sample in SAMPLES.items() if condition(sample)}
    return pytest.mark.parametrize("sample", found.values(), ids=found)


each = each_with(lambda sample: True)


def test_every_layer_has_samples():
    public = {name for name, value in vars(nn).items() if isinstance(value, type) and issubclass(value, nn.Module)}
    assert public - {"Module"} == LAYERS.keys()
    assert all(isinstance(made(samples[0]), getattr(nn, name)) for name, samples in LAYERS.items())


def restarted(layer):
    """Let all that is drawn in a call be drawn again in the next, so that the layer is a function."""
    for _, module in layer.named_modules():
        if hasattr(module, "rng"):
            module.rng = np.random.default_rng(3)
    return layer


def outputs(result):
    """Return the arrays, or Tensors, of a result, which may be several ones in any order of nesting."""
    return [part for item in result for part in outputs(item)] if isinstance(result, (tuple, list)) else [result]


def values(layer, *inputs):
    return [tn.Tensor(part).numpy() for part in outputs(restarted(layer)(*inputs))]


def projected(result, _):
    """Return a number that depends on every element of a result in its own way."""
    return sum((part * np.cos(np.arange(part.size)).reshape(part.shape)).sum() for part in outputs(result))


def assert_equal(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


@each_with(floats)
@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
def test_gradients_with_respect_to_inputs(sample, mode):
    layer = made(sample).train(mode)

    def f(*given):
        rest = iter(given)
        return projected(restarted(layer)(*(next(rest) if x.dtype.kind == "f" else x for x in sample.inputs)), None)

    assert tn.gradcheck(f, floats(sample))


@each_with(lambda sample: made(sample).parameters())
@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
def test_gradients_with_respect_to_parameters(sample, mode):
    layer = made(sample).train(mode)

    class Whole(nn.Module):
        def __init__(self):
            self.layer = layer

        def forward(self, _):
            return restarted(layer)(*sample.inputs)

    report = tn.check_model(Whole(), 0.0, 0.0, projected)
    assert len(report.comparisons) >= len(layer.parameters())


@each
def test_evaluation_repeats_itself_and_changes_nothing(sample):
    layer = made(sample).eval()
    before = layer.state_dict()
    first, again = (layer(*sample.inputs) for _ in range(2))
    assert_equal(map(tn.Tensor.numpy, map(tn.Tensor, outputs(first))), map(np.asarray, values(layer, *sample.inputs)))
    assert len(outputs(first)) == len(outputs(again))
    assert_equal(layer.state_dict().values(), before.values())
    assert all(module.training for _, module in layer.train().named_modules())


@each
def test_single_precision_stays_single(sample):
    layer = made(sample).astype(np.float32)
    halved = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in sample.inputs]
    given = [tn.Tensor(x, requires_grad=x.dtype.kind == "f") for x in halved]
    for mode in (True, False):
        result = layer.train(mode)(*given)
        assert {part.dtype for part in outputs(result)} == {np.dtype(np.float32)}
        projected(result, None).backward()
    learned = [*(x for x in given if x.requires_grad), *layer.parameters()]
    assert {x.grad.dtype for x in learned} <= {np.dtype(np.float32)}
    assert {array.dtype for array in layer.state_dict().values() if array.dtype.kind == "f"} <= {np.dtype(np.float32)}


@each
def test_a_state_dict_carries_the_layer_over(sample):
    layer, twin = made(sample), made(sample, seed=1)
    layer(*sample.inputs)
    twin.load_state_dict(layer.state_dict())
    assert_equal(values(twin.eval(), *sample.inputs), values(layer.eval(), *sample.inputs))


@each
def test_a_config_of_plain_data_makes_the_same_layer(sample):
    layer = made(sample)
    written = json.dumps(nn.to_config(layer))
    twin = nn.from_config(json.loads(written), rng=np.random.default_rng(1))
    assert type(twin) is type(layer)
    assert repr(twin) == repr(layer)
    assert json.dumps(nn.to_config(twin)) == written
    twin.load_state_dict(layer.state_dict())
    assert_equal(values(twin.eval(), *sample.inputs), values(layer.eval(), *sample.inputs))


@each
def test_summary_and_repr_name_the_layer(sample):
    layer = made(sample)
    name = type(layer).__name__
    assert repr(layer).startswith(f"{name}(")
    text = layer.summary(*sample.inputs)
    assert name in text
    assert f"{sum(parameter.size for parameter in layer.parameters()):,}" in text
