"""What single layers promise beyond what holds for all of them: closed forms, statistics, and their errors."""

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import errors, nn


def generator(seed=0):
    return np.random.default_rng(seed)


def test_dense_flattens_the_features_and_shapes_the_outputs():
    layer = nn.Dense((2, 3), (4, 1), activation="tanh", rng=generator())
    x = generator(1).normal(size=(5, 7, 2, 3))
    expected = np.tanh(x.reshape(5, 7, 6) @ layer.weight.numpy()).reshape(5, 7, 4, 1)
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-13)
    assert nn.Dense(3, (2, 2))(np.ones(3)).shape == (2, 2)
    assert nn.Dense((2, 2), 3)(np.ones((2, 2))).shape == (3,)


@pytest.mark.parametrize("activation", ["softmax", lambda z: nn.softmax(z)])  # noqa: PLW0108 - no primitive is fused
def test_the_activation_of_dense_sees_all_outputs_as_one_axis(activation):
    out = nn.Dense(3, (2, 2), activation=activation, rng=generator())(np.ones((4, 3))).numpy()
    np.testing.assert_allclose(out.sum(axis=(1, 2)), 1)


@pytest.mark.parametrize(
    ("layer", "shape", "said"),
    [
        (nn.Dense((2, 3), 1), (4, 3, 2), r"Dense: .* last axes have the lengths \(2, 3\), got shape \(4, 3, 2\)"),
        (nn.Dense((2, 3), 1), (3, 2), r"Reshape the input, or build the layer for it, as in Dense\(\(3, 2\), \.\.\.\)"),
        (nn.Dense((2, 3), 1), (3,), r"last axes have the lengths \(2, 3\), got shape \(3,\)"),
        (nn.Dense([6], 1), (4, 5), r"last axis has length 6, got shape \(4, 5\).*Dense\(5, \.\.\.\)"),
        (nn.BatchNorm(3), (4, 2), r"BatchNorm: expected .* with 3 channels, got shape \(4, 2\)\. Move the channels"),
        (nn.BatchNorm(3), (3,), r"got shape \(3,\)"),
        (nn.BatchNorm(3), (1, 3), "expected at least 2 values in each channel in training, got 1.*Use larger batches"),
        (nn.LayerNorm((2, 3)), (4, 3), r"LayerNorm: expected .*lengths \(2, 3\), got shape \(4, 3\)"),
        (nn.Flatten(2), (4, 3), r"Flatten: expected an input with an axis 2, got shape \(4, 3\)"),
        (nn.Reshape((2, 2)), (5, 6), r"Reshape: expected samples .* fill the shape \(2, 2\), got .*\(5, 6\)"),
        (nn.Reshape((4, -1)), (5, 6), r"fill the shape \(4, -1\)"),
        (nn.Residual(nn.Dense(3, 2)), (4, 3), r"Residual: .* one shape, got \(4, 2\) and \(4, 3\)\. Give a projection"),
        (nn.Conv2d(3, 2, 3), (1, 5, 5, 3), r"conv: expected 'x' with 3 channels.*np\.moveaxis\(x, -1, 1\)"),
        (nn.MaxPool(3), (1, 1, 2), r"max_pool: expected a window that fits"),
    ],
)  # fmt: skip
def test_inputs_that_do_not_fit(layer, shape, said):
    with pytest.raises(errors.ShapeError, match=said):
        layer(np.ones(shape))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nn.Dense((2, 0), 3), r"Dense: expected sizes of at least 1, got \(2, 0\) inputs and 3 outputs"),
        (lambda: nn.Dense(None, 0), "got None inputs and 0 outputs"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "Conv2d: expected numbers of channels.*in_channels=3.*groups=2"),
        (lambda: nn.Conv2d(4, 3, 3, groups=2), "out_channels=3 and groups=2"),
        (lambda: nn.Conv2d(1, 1, (3, 3, 3)), r"Conv2d: expected 'kernel_size' .*or 2 of them.*got \(3, 3, 3\)"),
        (lambda: nn.ConvTranspose1d(1, 1, 3, stride=0), "ConvTranspose1d: expected 'stride' .*at least 1, got 0"),
        (lambda: nn.BatchNorm(0), "BatchNorm: expected num_features of at least 1"),
        (lambda: nn.BatchNorm(2, momentum=1.5), "momentum from 0 to 1.*got num_features=2 and momentum=1.5"),
        (lambda: nn.BatchNorm(2, eps=0), "BatchNorm: expected 'eps' to be above 0, got 0"),
        (lambda: nn.LayerNorm(()), r"LayerNorm: expected a normalized_shape .*, got \(\)"),
        (lambda: nn.Dropout(1), "Dropout: expected 'p' to be at least 0 and less than 1, got 1"),
        (lambda: nn.Embedding(0, 3), "Embedding: expected sizes of at least 1, got 0 vectors of length 3"),
        (lambda: nn.Embedding(5, 3, padding_idx=5), r"padding_idx from 0 to 4 \(or None\), got 5"),
        (lambda: nn.Reshape((-1, -1)), r"at most one -1, got \(-1, -1\)"),
        (lambda: nn.Residual(3), "Residual: expected 'body' to be a layer or a function, got 3"),
        (lambda: nn.Residual(nn.relu, 3), "expected 'projection' to be"),
        (lambda: nn.Lambda("relu"), "Lambda: expected a function, got 'relu'"),
    ],
)
def test_layers_that_cannot_be_built(make, said):
    with pytest.raises(errors.ArgumentError, match=said):
        make()


@pytest.mark.parametrize(
    ("layer", "shapes", "said"),
    [
        (nn.Add(), [(3, 1), (3,)], r"Add: expected inputs of one shape, got \(3, 1\), \(3,\).*write x \+ y"),
        (nn.Multiply(), [], r"Multiply: expected inputs of one shape, got none.*write x \* y"),
        (nn.Concatenate(), [(2, 3), (3, 3)], r"Concatenate: .*an axis 1 and agree.*got \(2, 3\), \(3, 3\)"),
        (nn.Concatenate(), [(2,), (2,)], "have an axis 1"),
        (nn.Concatenate(-1), [(2, 3), (2,)], "have an axis -1"),
        (nn.Concatenate(), [], "got none"),
    ],
)
def test_inputs_that_cannot_be_merged(layer, shapes, said):
    with pytest.raises(errors.ShapeError, match=said):
        layer(*map(np.ones, shapes))


def test_a_network_with_several_inputs_and_outputs_is_an_ordinary_module():
    class Both(nn.Module):
        def __init__(self):
            self.left, self.right = nn.Dense(3, 4, rng=generator()), nn.Dense(2, 4, rng=generator(1))
            self.merge, self.join = nn.Multiply(), nn.Concatenate()

        def forward(self, x, y):
            a, b = self.left(x), self.right(y)
            return self.merge(a, b), self.join(a, b)

    model = Both()
    product, joined = model(np.ones((5, 3)), np.ones((5, 2)))
    a, b = np.split(joined.numpy(), 2, axis=1)
    np.testing.assert_allclose(product.numpy(), a * b, rtol=1e-14)
    (product.sum() + joined.sum()).backward()
    np.testing.assert_allclose(model.left.bias.grad, (1 + b).sum(axis=0), rtol=1e-13)
    assert "Multiply" in model.summary(np.ones((5, 3)), np.ones((5, 2)))


def test_the_same_layer_used_twice_shares_its_weights():
    layer = nn.Dense(2, 2, activation="tanh", rng=generator())
    model = nn.Sequential(layer, nn.Residual(layer), layer)
    assert list(model.state_dict()) == ["0.weight", "0.bias"]
    assert tn.check_model(model, generator().normal(size=(3, 2)), np.zeros((3, 2)), nn.squared_error)
    before = layer.weight.numpy()
    optimizer = tn.optim.SGD(model.parameters(), lr=0.1)
    nn.squared_error(model(np.ones((1, 2))), np.zeros((1, 2))).backward()
    optimizer.step()
    np.testing.assert_allclose(layer.weight.data, before - 0.1 * layer.weight.grad)
    assert model[2].weight is model[0].weight


def test_filters_are_drawn_with_the_spread_that_suits_their_fan_in():
    relu = nn.Conv2d(20, 50, 5, activation="relu", rng=generator()).weight.numpy()
    assert relu.var() == pytest.approx(2 / (20 * 25), rel=0.05)
    linear = nn.Conv2d(20, 50, 5, rng=generator()).weight.numpy()
    assert linear.var() == pytest.approx(2 / (70 * 25), rel=0.05)
    assert nn.Conv1d(2, 3, 4, init=lambda shape, rng: np.full(shape, 7.0)).weight.numpy().sum() == 7 * 24


def test_dropout_keeps_the_expectation_and_draws_from_its_generator():
    x = np.full((200, 500), 3.0)
    layer = nn.Dropout(0.3, rng=generator())
    out = layer(x)
    assert (out == 0).mean() == pytest.approx(0.3, abs=0.005)
    assert out.mean() == pytest.approx(3, rel=0.01)
    assert not np.array_equal(out, layer(x))
    assert np.array_equal(out, nn.Dropout(0.3, rng=generator())(x))
    assert layer.eval()(x) is x


def test_the_gradient_of_dropout_passes_where_the_value_did():
    x = tn.Tensor(np.ones(50), requires_grad=True)
    out = nn.Dropout(0.5, rng=generator())(x)
    out.sum().backward()
    assert np.array_equal(x.grad, out.numpy())


def test_batch_norm_evaluates_with_running_averages():
    layer, x = nn.BatchNorm(2, momentum=0.5), generator().normal(3.0, 2.0, size=(10, 2, 5))
    layer(x)
    np.testing.assert_allclose(layer.running_mean.data, 0.5 * x.mean(axis=(0, 2)))
    np.testing.assert_allclose(layer.running_var.data, 0.5 + 0.5 * x.var(axis=(0, 2), ddof=1))
    assert layer.num_batches_tracked.data == 1
    mean, variance = layer.running_mean.numpy(), layer.running_var.numpy()
    expected = (x - mean[:, None]) / np.sqrt(variance[:, None] + 1e-5)
    np.testing.assert_allclose(layer.eval()(x).numpy(), expected)
    assert np.array_equal(layer.running_mean.data, mean)


def test_batch_norm_without_a_momentum_averages_all_batches_alike():
    layer, batches = nn.BatchNorm(2, momentum=None), generator().normal(size=(7, 5, 2))
    for batch in batches:
        layer(batch)
    np.testing.assert_allclose(layer.running_mean.data, batches.mean(axis=(0, 1)))


def test_batch_norm_counts_batches_in_whole_numbers_whatever_the_dtype():
    layer = nn.BatchNorm(2).astype("float32")
    assert layer.num_batches_tracked.dtype == np.int64
    assert list(layer.state_dict()) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]


@pytest.mark.parametrize(
    ("numbers", "error", "said"),
    [
        ([-1, 2], errors.OutOfRangeError, "Embedding: expected numbers from 0 to 4, for 5 vectors, got -1 to 2"),
        ([0, 5], errors.OutOfRangeError, "got 0 to 5.*make num_embeddings larger"),
        ([0.0], errors.DtypeError, r"Embedding: expected whole numbers, got float64.*astype\(int\)"),
    ],
)
def test_embedding_refuses_what_has_no_vector(numbers, error, said):
    with pytest.raises(error, match=said):
        nn.Embedding(5, 2)(numbers)


def test_embedding_adds_the_gradients_of_all_places():
    layer = nn.Embedding(4, 2, rng=generator())
    layer(tn.Tensor(np.array([[1, 1], [3, 1]]))).sum().backward()
    assert layer.weight.grad.tolist() == [[0, 0], [3, 3], [0, 0], [1, 1]]
    assert layer(np.zeros((0, 3), int)).shape == (0, 3, 2)


def test_padding_starts_as_zeros_and_gets_no_gradient():
    layer, plain = nn.Embedding(4, 2, padding_idx=3, rng=generator()), nn.Embedding(4, 2, rng=generator())
    expected = plain.weight.numpy()
    expected[3] = 0
    assert np.array_equal(layer.weight.numpy(), expected)
    out = layer(np.array([[1, 3], [3, 0]]))
    assert out[0, 1].tolist() == out[1, 0].tolist() == [0, 0]
    (out * 3.0).sum().backward()
    assert layer.weight.grad.tolist() == [[3, 3], [3, 3], [0, 0], [0, 0]]
    layer.load_state_dict({"weight": np.arange(8.0).reshape(4, 2)})  # one that was trained elsewhere may have another
    assert layer(np.array([3])).tolist() == [[6, 7]]


def test_empty_batches_pass():
    assert nn.Flatten()(np.zeros((0, 2, 3))).shape == (0, 6)
    assert nn.Reshape((3, -1))(np.zeros((0, 6))).shape == (0, 3, 2)


@pytest.fixture
def single():
    tn.set_default_dtype("float32")
    yield
    tn.set_default_dtype("float64")


@pytest.mark.parametrize(
    "make",
    [lambda: nn.Dense(2, 2), lambda: nn.Conv1d(2, 2, 1), lambda: nn.Embedding(2, 2), lambda: nn.BatchNorm(2),
     lambda: nn.LayerNorm(2)],
)  # fmt: skip
def test_parameters_are_made_in_the_default_dtype(single, make):
    floats = {array.dtype for array in make().state_dict().values() if array.dtype.kind == "f"}
    assert floats == {np.dtype(np.float32)}
