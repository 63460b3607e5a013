"""Pictures hold the numbers that they are given, in the Axes that they are given, and leave matplotlib as it was."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_nn as tn
from tinygrad_nn import errors, plot, training

RNG = np.random.default_rng(0)
mpl.use("agg")  # or the first figure would choose a backend, and with it change a setting


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


@pytest.fixture(autouse=True)
def _no_traces():
    """Fail a test whose picture changes a setting of matplotlib."""
    before = mpl.rcParams.copy()
    yield
    assert before == mpl.rcParams


def drawn(ax):
    """Draw with warnings as errors, which is when most of matplotlib's work is done."""
    ax.figure.canvas.draw()
    return ax


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


class Fixed(tn.nn.Module):
    """A model that returns what a function of its input does."""

    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return tn.Tensor(self.function(np.asarray(x)))


X = np.array([[0.0, 0.0], [2.0, 1.0], [0.0, 3.0], [2.0, 4.0]])
STEEP = Fixed(lambda x: 1 / (1 + np.exp(-4 * (x[:, :1] - 1))))

PICTURES = {
    "curves": lambda ax=None: plot.curves({"loss": [0.3, 0.2]}, ax),
    "sample_errors": lambda ax=None: plot.sample_errors(RNG.random((3, 4)), None, ax),
    "weights_over_time": lambda ax=None: plot.weights_over_time(RNG.random((3, 2, 4)), None, ax),
    "neurons_over_time": lambda ax=None: plot.neurons_over_time(RNG.random((3, 2, 4)), None, ax),
    "weight_images": lambda ax=None: plot.weight_images(RNG.normal(size=(6, 4)), (2, 3), ax),
    "decision_boundary": lambda ax=None: plot.decision_boundary(STEEP, X, [0, 1, 0, 1], ax, resolution=20),
    "confusion_matrix": lambda ax=None: plot.confusion_matrix(np.eye(3, dtype=int), ax),
    "gradient_norms": lambda ax=None: plot.gradient_norms({"weight": [0.1, 0.2]}, ax),
}


def test_each_picture_is_among_these():
    assert sorted(PICTURES) == sorted(plot.__all__)


@pytest.mark.parametrize("name", PICTURES)
def test_the_given_axes_are_used_and_pyplot_is_left_alone(name, ax):
    from matplotlib import pyplot as plt

    assert PICTURES[name](ax) is ax
    drawn(ax)
    assert ax.get_xlabel() or ax.get_ylabel()
    assert not plt.get_fignums()


@pytest.mark.parametrize("name", PICTURES)
def test_a_new_figure_without_axes(name):
    from matplotlib import pyplot as plt

    ax = PICTURES[name]()
    assert plt.get_fignums() == [ax.figure.number]
    plt.close(ax.figure)


@pytest.mark.parametrize("name", PICTURES)
def test_without_matplotlib_the_extra_is_named(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(errors.UnsupportedError, match=rf"plot.{name}: .* pip install 'tinygrad_nn\[plot\]'"):
        PICTURES[name]()


def test_importing_plot_and_training_does_not_import_matplotlib():
    code = "import sys, tinygrad_nn as tn; tn.plot.curves, tn.training.fit; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_curves_are_the_columns_over_epochs_from_1(ax):
    columns = {"loss": [0.5, 0.25, 0.125], "val_loss": [0.6, 0.5, 0.4], "accuracy": [0.1, 0.2, 0.9]}
    drawn(plot.curves(columns, ax))
    for line, values in zip(ax.lines, columns.values(), strict=True):
        assert_array_equal(line.get_xdata(), [1, 2, 3])
        assert_array_equal(line.get_ydata(), values)
    loss, validation, accuracy = ax.lines
    assert loss.get_color() == validation.get_color() != accuracy.get_color()
    assert loss.get_linestyle() == accuracy.get_linestyle() != validation.get_linestyle()
    assert legend(ax) == list(columns)


@pytest.mark.parametrize("count", [1, 10_000])
def test_curves_of_any_length_on_a_logarithmic_axis(ax, count):
    drawn(plot.curves({"loss": np.linspace(1, 0, count)}, ax, log=True))
    assert ax.get_yscale() == "log"
    assert ax.lines[0].get_marker() == ("o" if count == 1 else "")
    assert (ticks(ax.xaxis) == ["1"]) == (count == 1)


def test_history_plots_itself(ax):
    history = training.History()
    with pytest.raises(errors.ArgumentError, match="at least one epoch"):
        history.plot(ax=ax)
    history.append({"loss": 0.5, "accuracy": 0.75})
    assert history.plot(["accuracy"], ax) is ax
    assert [line.get_label() for line in ax.lines] == ["accuracy"]
    assert ax.get_ylabel() == "accuracy"


@pytest.mark.parametrize("samples", [4, 100])
def test_sample_errors_and_their_mean(ax, samples):
    found, epochs = RNG.random((5, samples)), [0, 2, 4, 6, 8]
    drawn(plot.sample_errors(found, epochs, ax, log=True))
    for line, values in zip(ax.lines, [*found.T, found.mean(axis=1)], strict=True):
        assert_array_equal(line.get_xdata(), epochs)
        assert_array_equal(line.get_ydata(), values)
    assert len(legend(ax)) == (5 if samples == 4 else 2)
    assert ax.lines[-1].get_linewidth() > ax.lines[0].get_linewidth()


def test_exact_zeros_do_not_stretch_a_logarithmic_axis(ax):
    drawn(plot.sample_errors([[1.0, 1.0], [0.0, 1e-80], [1.0, 1.0]], ax=ax, log=True))
    assert ax.get_ylim()[0] >= 1e-84


@pytest.mark.parametrize("sources", [3, 20])
def test_weights_have_the_source_as_colour_and_the_target_as_width(ax, sources):
    found = RNG.normal(size=(6, sources, 4))
    drawn(plot.weights_over_time(found, ax=ax))
    lines = {tuple(line.get_ydata()): line for line in ax.lines}
    by = [[lines[tuple(found[:, source, target])] for target in range(4)] for source in range(sources)]
    assert len({row[0].get_color() for row in by}) == sources
    assert all(len({line.get_color() for line in row}) == 1 for row in by)
    assert all(np.diff([line.get_linewidth() for line in row]).min() > 0 for row in by)
    assert len(ax.figure.axes) == (1 if sources == 3 else 2)  # the second is the colour bar


@pytest.mark.parametrize(("samples", "neurons"), [(4, 4), (2, 256), (10, 3)])
def test_neurons_have_a_colour_and_samples_a_line_style(ax, samples, neurons):
    found = RNG.normal(size=(3, samples, neurons))
    drawn(plot.neurons_over_time(found, ax=ax, labels=[f"s{number}" for number in range(samples)]))
    assert len(ax.lines) == samples * neurons
    for line, values in zip(ax.lines, found.reshape(3, -1).T, strict=True):
        assert_array_equal(line.get_ydata(), values)
    assert (len({line.get_linestyle() for line in ax.lines}) > 1) == (samples <= 4)
    assert len({tuple(mpl.colors.to_rgb(line.get_color())) for line in ax.lines[:neurons]}) > neurons * 0.9
    assert ("s1" in legend(ax)) == (samples <= 4)


def test_the_legend_of_many_lines_is_placed_without_a_search(ax):
    plot.weights_over_time(np.zeros((500, 10, 10)), ax=ax)
    assert ax.get_legend()._loc == mpl.legend.Legend.codes["upper right"]


def test_weight_images_stand_in_order_with_gaps_between(ax):
    weight = RNG.normal(size=(6, 5))
    drawn(plot.weight_images(weight, (2, 3), ax, columns=2))
    mosaic = ax.images[0].get_array()
    assert mosaic.shape == (8, 7)
    assert_array_equal(mosaic[0:2, 0:3], weight[:, 0].reshape(2, 3))
    assert_array_equal(mosaic[3:5, 4:7], weight[:, 3].reshape(2, 3))
    assert mosaic.mask[2].all()
    assert mosaic.mask[6:, 4:].all()
    low, high = ax.images[0].get_clim()
    assert -low == high == np.abs(weight).max()
    assert ticks(ax.yaxis) == ["0-1", "2-3", "4-4"]


def boundary(ax, function, y, **options):
    return drawn(plot.decision_boundary(Fixed(function), X, y, ax, resolution=41, **options))


@pytest.mark.parametrize(
    "y",
    [[0, 1, 0, 1], [[0.0], [1.0], [0.0], [1.0]], [False, True, False, True], [-1, 1, -1, 1], np.eye(2)[[0, 1, 0, 1]]],
)
@pytest.mark.parametrize(
    "function",
    [
        lambda x: 1 / (1 + np.exp(-4 * (x[:, 0] - 1))),
        lambda x: 4 * (x[:, :1] - 1),
        lambda x: np.stack([-2 * (x[:, 0] - 1), 2 * (x[:, 0] - 1)], axis=1),
    ],
    ids=["probability", "logit", "one a class"],
)
def test_the_boundary_is_where_the_probability_is_a_half(ax, function, y):
    boundary(ax, function, y)
    line = ax.collections[0].get_paths()[0].vertices
    assert_allclose(line[:, 0], 1.0, atol=1e-12)
    assert_array_equal(ax.collections[1].get_offsets(), X[[0, 2]])
    assert_array_equal(ax.collections[2].get_offsets(), X[[1, 3]])
    image = ax.images[0].get_array()
    assert_allclose(image[:, 20], 1.0, atol=1e-12)  # white where nothing is certain
    assert image[:, 0, 2].min() > image[:, -1, 2].max()  # blue at the left, orange at the right


def test_logits_may_be_said_to_be_none(ax):
    boundary(ax, lambda x: (x[:, 0] - 0.5) * 1.2, [0, 1, 0, 1], logits=False)  # a regression on 0 and 1
    assert_allclose(ax.collections[0].get_paths()[0].vertices[:, 0], 0.5 + 0.5 / 1.2)


def test_three_classes_one_of_them_nowhere(ax):
    boundary(ax, lambda x: np.stack([1 - x[:, 0], x[:, 0] - 1, 0 * x[:, 0] - 9], axis=1), [0, 1, 0, 2])
    assert legend(ax) == ["class 0", "class 1", "class 2"]


def test_the_model_keeps_its_mode_and_records_nothing(ax):
    model = tn.nn.Sequential(tn.nn.Dense(2, 4), tn.nn.Dropout(0.5, rng=np.random.default_rng(0)), tn.nn.Dense(4, 1))
    list(model.named_modules())[1][1].eval()
    before = [module.training for _, module in model.named_modules()]
    plot.decision_boundary(model, X, [0, 1, 0, 1], ax, resolution=5)
    assert [module.training for _, module in model.named_modules()] == before
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_numbers_of_a_confusion_matrix_are_readable_on_their_cells(ax):
    matrix = [[90, 10, 0], [5, 1995, 0], [1, 1, 1]]
    drawn(plot.confusion_matrix(matrix, ax, labels=["a", "b", "c"]))
    assert [text.get_text() for text in ax.texts] == ["90", "10", "0", "5", "1,995", "0", "1", "1", "1"]
    assert [text.get_position() for text in ax.texts][1] == (1, 0)  # across, down
    assert ticks(ax.xaxis) == ticks(ax.yaxis) == ["a", "b", "c"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")
    shares = ax.images[0].get_array()
    assert_allclose(shares[0], [0.9, 0.1, 0.0])
    for text, share in zip(ax.texts, shares.ravel(), strict=True):
        assert (text.get_color() == "white") == (share > 0.5)


def test_a_large_confusion_matrix_has_a_colour_bar(ax):
    drawn(plot.confusion_matrix(np.eye(100, dtype=int), ax))
    assert not ax.texts
    assert len(ax.figure.axes) == 2


def test_gradient_norms_are_counted_on_a_logarithmic_axis(ax):
    norms = {"0.weight": 10.0 ** RNG.normal(size=100), "0.bias": [np.nan, 0.0, 0.0, 1.0], "dead": [0.0]}
    drawn(plot.gradient_norms(norms, ax))
    assert ax.get_xscale() == "log"
    assert ticks(ax.yaxis) == ["0.weight", "0.bias (67 % zero)", "dead (100 % zero)"]
    values, edges, base = ax.patches[0].get_data()
    counts, _ = np.histogram(norms["0.weight"], edges)
    assert counts.sum() == 100
    assert_allclose((base - values) / 0.85 * counts.max(), counts, atol=1e-12)


def test_recorded_gradient_norms_are_those_of_the_last_batch():
    model = tn.nn.Sequential(tn.nn.Dense(2, 3, activation="tanh"), tn.nn.Dense(3, 1))
    frozen = model.parameters()[-1]
    frozen.requires_grad = False
    recorder, seen = training.Recorder(gradients=True), []

    class Watch(training.Callback):
        def after_epoch(self, run):
            seen.append([np.sqrt((p.grad**2).sum()) for p in run.model.parameters() if p is not frozen])

    optimizer = tn.optim.SGD([p for p in model.parameters() if p is not frozen], lr=0.1)
    training.fit(
        model, tn.data.xor(), tn.nn.squared_error, optimizer, epochs=3, batch_size=2, callbacks=[recorder, Watch()]
    )
    norms = recorder.gradient_norms
    assert list(norms) == [name for name, _ in model.named_parameters()]
    *learned, last = norms.values()
    assert np.isnan(last).all()
    for column, hand in zip(learned, np.transpose(seen), strict=True):
        assert np.isnan(column[0])
        assert_allclose(column[1:], hand, rtol=1e-12)
    other = training.Recorder(gradients=True)
    other.load_state_dict(recorder.state_dict())
    assert_array_equal(other.gradient_norms["0.weight"], norms["0.weight"])
    assert training.Recorder().gradient_norms == {}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plot.curves({}), errors.ArgumentError, "at least one column with at least one epoch, got none"),
        (lambda: plot.curves({"loss": [1]}, names="acc"), errors.ArgumentError, "among loss, got acc"),
        (lambda: plot.curves({"loss": [0]}, log=True), errors.ArgumentError, "above 0 for log=True"),
        (lambda: plot.sample_errors([1.0]), errors.ShapeError, r"'errors' to have the shape \(T, N\).*got \(1,\)"),
        (lambda: plot.sample_errors([[0.0]], log=True), errors.ArgumentError, "above 0 for log=True"),
        (lambda: plot.sample_errors([[1.0]], [1, 2]), errors.ShapeError, r"'epochs' .* of shape \(1,\), got \(2,\)"),
        (lambda: plot.sample_errors([[1.0]], labels="ab"), errors.ArgumentError, "expected 1 labels, got 2"),
        (lambda: plot.weights_over_time(np.ones((2, 3))), errors.ShapeError, r"\(T, in, out\).*got \(2, 3\)"),
        (lambda: plot.neurons_over_time(np.ones((2, 3))), errors.ShapeError, r"\(T, N, H\).*got \(2, 3\)"),
        (lambda: plot.neurons_over_time(np.ones((0, 3, 2))), errors.ShapeError, r"got \(0, 3, 2\)"),
        (lambda: plot.weight_images(np.ones((6, 4)), (2, 2)), errors.ShapeError, r"2 \* 2 = 4 rows.*got.*\(6, 4\)"),
        (lambda: plot.weight_images(np.ones((6, 4)), (2, 3), columns=0), errors.ArgumentError, "'columns'.*got 0"),
        (lambda: plot.confusion_matrix(np.ones((2, 3))), errors.ShapeError, r"\(C, C\), got \(2, 3\)"),
        (lambda: plot.confusion_matrix([[-1]]), errors.ArgumentError, "at least 0, got -1"),
        (lambda: plot.confusion_matrix([["a"]]), errors.ArgumentError, "hold numbers"),
        (lambda: plot.gradient_norms({}), errors.ArgumentError, r"got none.*gradients=True"),
        (lambda: plot.gradient_norms({"w": [[1.0]]}), errors.ShapeError, r"norms\['w'\].*\(T,\).*got \(1, 1\)"),
        (lambda: plot.decision_boundary(STEEP, X[:, :1], X[:, 0]), errors.ShapeError, r"\(N, 2\), got \(4, 1\)"),
        (lambda: plot.decision_boundary(tn.nn.Dense(3, 1), X, X[:, 0]), errors.ShapeError, r"points of shape \(N, 2\)"),
        (lambda: plot.decision_boundary(STEEP, X, [0, 1]), errors.ShapeError, r"'y'.*\(4,\).*got \(2,\)"),
        (lambda: plot.decision_boundary(STEEP, X, [0, 1, 2, 3]), errors.ArgumentError, "from 0 to 1.*got 0 to 3"),
        (lambda: plot.decision_boundary(STEEP, X, [0] * 4, resolution=1), errors.ArgumentError, "'resolution'"),
        (lambda: plot.decision_boundary(Fixed(np.sum), X, [0] * 4), errors.ShapeError, "one output a point"),
    ],
)
def test_bad_input_is_refused_before_a_figure_is_made(call, error, message):
    from matplotlib import pyplot as plt

    with pytest.raises(error, match=message):
        call()
    assert not plt.get_fignums()
