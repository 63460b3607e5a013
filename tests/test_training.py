"""The training loop, its history and its metrics."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import errors, nn, optim, training
from tinygrad_nn.training import progress
from tinygrad_nn.training.metrics import accuracy, confusion_matrix, mae, r2, top_k


def xor_model(seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Dense(2, 8, activation="tanh", rng=rng), nn.Dense(8, 1, activation="sigmoid", rng=rng))


def learn(model, **options):
    options = {"epochs": 3, "progress": False} | options
    return training.fit(
        model, tn.data.xor(), nn.binary_cross_entropy, optim.Adam(model.parameters(), lr=0.1), **options
    )


def test_fit_learns_xor():
    model = xor_model()
    history = learn(model, epochs=200, metrics=["accuracy"])
    assert history["accuracy"][-1] == 1.0
    assert history["loss"][-1] < 0.01 < history["loss"][0]


def test_fit_reproduces_the_published_streetlights_curve():
    golden = json.loads((Path(__file__).parent / "golden" / "streetlights.json").read_text())
    model = nn.Sequential(nn.Dense(3, 4, bias=False, activation="relu"), nn.Dense(4, 1, bias=False))
    model.load_state_dict({f"{i}.weight": weight for i, weight in enumerate(golden["W_init"])})
    optimizer = optim.SGD(model.parameters(), lr=golden["learning_rate"] / 2)
    history = training.fit(
        model, (golden["X"], golden["Y"]), nn.squared_error, optimizer, len(golden["errors"]), batch_size=1
    )
    np.testing.assert_allclose(history["loss"], golden["errors"], rtol=1e-7)


def test_the_loss_of_an_epoch_weights_a_smaller_last_batch():
    model = nn.Sequential(nn.Dense(1, 1, init="zeros"))
    y = np.array([[1.0], [1.0], [4.0]])
    optimizer = optim.SGD(model.parameters(), lr=0.0)
    history = training.fit(model, (np.zeros((3, 1)), y), nn.squared_error, optimizer, 1, batch_size=2)
    assert history["loss"] == [pytest.approx((1 + 1 + 16) / 3)]


def test_shuffling_is_the_generators_and_repeats():
    def curve(seed):
        return learn(xor_model(), batch_size=1, rng=np.random.default_rng(seed))["loss"]

    assert curve(1) == curve(1)
    assert curve(1) != curve(2)


def test_validation_is_measured_and_not_trained_on():
    model, twin = xor_model(), xor_model()
    with_validation = learn(model, validation=(np.ones((2, 2)), np.ones((2, 1))), metrics=["accuracy"])
    learn(twin)
    assert set(with_validation.columns) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(np.array_equal(a.data, b.data) for a, b in zip(model.parameters(), twin.parameters(), strict=True))


def test_stop_when_ends_the_training():
    history = learn(xor_model(), epochs=100, stop_when=lambda history: len(history) == 7)
    assert len(history) == 7


def test_stop_when_a_threshold_is_reached():
    history = learn(xor_model(), epochs=1000, stop_when=0.05)
    assert history["loss"][-1] <= 0.05 < history["loss"][-2]
    assert len(learn(xor_model(), epochs=5, stop_when=0.0)) == 5


def test_a_loss_that_is_not_finite_stops_before_the_step():
    model = nn.Sequential(nn.Dense(1, 1))
    before = model.state_dict()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(errors.TrainingError, match=r"fit: expected a finite loss, got nan in epoch 1"):
        training.fit(model, ([[np.nan]], [[1.0]]), nn.squared_error, optimizer, 5)
    assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"epochs": 0}, errors.ArgumentError, "at least 1 epoch"),
        ({"batch_size": 0}, errors.ArgumentError, "batch_size"),
        (
            {"metrics": ["precise"]},
            errors.ArgumentError,
            "metrics: expected functions .* or accuracy, mae, r2, got 'prec",
        ),
        ({"validation": (np.ones((2, 2)), np.ones((3, 1)))}, errors.ShapeError, r"evaluate: .*\(2, 2\) and \(3, 1\)"),
    ],
)
def test_wrong_arguments_are_told(options, error, said):
    with pytest.raises(error, match=said):
        learn(xor_model(), **options)


def test_data_must_be_a_pair_of_equally_many_rows():
    model = xor_model()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for data, error in (
        ((np.ones((4, 2)), np.ones((3, 1))), errors.ShapeError),
        (np.ones((4, 2, 2)), errors.ArgumentError),
    ):
        with pytest.raises(error, match="fit: expected"):
            training.fit(model, data, nn.squared_error, optimizer, 1)


def test_a_column_against_a_row_is_refused_in_training_too():
    model = xor_model()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(errors.ShapeError, match=r"got \(4, 1\) and \(4,\)"):
        training.fit(model, (np.ones((4, 2)), np.ones(4)), nn.squared_error, optimizer, 1)


def test_evaluate_leaves_the_mode_as_it_was_and_records_nothing():
    model = xor_model()
    found = training.evaluate(model, tn.data.xor(), nn.binary_cross_entropy, metrics=["accuracy"])
    assert set(found) == {"loss", "accuracy"}
    assert model.training
    model.eval()
    training.evaluate(model, tn.data.xor())
    assert not model.training


def weighted(prediction, target):
    return nn.cross_entropy(prediction, target, weight=[1.0, 5.0, 0.2])


def test_in_batches_loss_and_metrics_are_those_of_all_samples_together():
    rng = np.random.default_rng(0)
    calls = []

    class Counting(nn.Sequential):
        def forward(self, x):
            calls.append(len(x))
            return super().forward(x)

    model = Counting(nn.Dense(4, 8, activation="relu", rng=rng), nn.BatchNorm(8), nn.Dense(8, 3, rng=rng))
    data = rng.normal(size=(10, 4)), rng.integers(3, size=10)
    options = {"metrics": ["accuracy", top_k(2), lambda p, t: np.median(p[t == 1])]}
    whole = training.evaluate(model, data, weighted, **options)
    assert training.evaluate(model, data, weighted, batch_size=4, **options) == pytest.approx(whole, rel=1e-12)
    assert calls == [10, 4, 4, 2]
    line, (x, y) = nn.Dense(4, 2, rng=rng), (data[0], rng.normal(size=(10, 2)))
    found = training.evaluate(line, (x, y), metrics=["r2"], batch_size=3)["r2"]
    assert found == pytest.approx(r2(line(x).numpy(), y))  # which no mean over batches is


def test_fit_measures_in_batches_that_are_not_too_small(monkeypatch):
    sizes = []

    class Counting(nn.Sequential):
        def forward(self, x):
            sizes.append(len(x))
            return super().forward(x)

    model = Counting(nn.Dense(2, 1, activation="sigmoid"))
    learn(model, epochs=1, batch_size=3, metrics=["accuracy"], validation=(np.ones((7, 2)), np.ones((7, 1))))
    assert sizes == [3, 1, 4, 7]
    sizes.clear()
    monkeypatch.setattr(sys.modules["tinygrad_nn.training.fit"], "_MEASURED_AT_ONCE", 2)
    learn(model, epochs=1, batch_size=3, metrics=["accuracy"], validation=(np.ones((7, 2)), np.ones((7, 1))))
    assert sizes == [3, 1, 3, 1, 3, 3, 1]


def test_predictions_of_several_parts_are_joined_and_what_has_no_rows_is_refused():
    class Two(nn.Module):
        def __init__(self, state):
            self.state = state

        def forward(self, x):
            return {"out": x * 2, "more": (x[0] if self.state else x + 1,)}

    def loss(prediction, target):
        return (prediction["out"] + prediction["more"][0] - target).sum()

    data = np.ones((5, 2)), np.zeros((5, 2))
    assert training.evaluate(Two(state=False), data, loss, batch_size=2) == {"loss": 40}
    with pytest.raises(errors.ShapeError, match=r"evaluate: expected predictions with a row for each of 3 samples"):
        training.evaluate(Two(state=True), data, loss, batch_size=3)
    for wrong in (0, 1.5):
        with pytest.raises(errors.ArgumentError, match="expected 'batch_size' to be a whole number of at least 1"):
            training.evaluate(Two(state=False), data, loss, batch_size=wrong)


class Branches(nn.Module):
    """Two inputs of which one is weighted by the other, and two outputs."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.left, self.right = nn.Dense(2, 4, rng=rng), nn.Dense(3, 4, rng=rng)
        self.value, self.label = nn.Dense(4, 1, rng=rng), nn.Dense(4, 2, rng=rng)

    def forward(self, x, z):
        h = np.tanh(self.left(x)) * self.right(z)
        return self.value(h), self.label(h)


def both(prediction, target):
    return nn.squared_error(prediction[0], target[0]) + nn.cross_entropy(prediction[1], target[1])


def right(prediction, target):
    return accuracy(prediction[1], target[1])


def branched():
    rng = np.random.default_rng(1)
    x, z = rng.normal(size=(30, 2)), rng.normal(size=(30, 3))
    value = x[:, :1] * z[:, :1]
    return (x, z), (value, (value[:, 0] > 0).astype(int))


def test_several_inputs_and_outputs_are_tuples():
    model, data = Branches(), branched()
    recorder = training.Recorder(activations=True, error=None)
    history = training.fit(
        model, data, both, optim.Adam(model.parameters(), lr=0.1), 50, batch_size=8, rng=np.random.default_rng(2),
        validation=data, metrics=[right], callbacks=[recorder], progress=False,
    )  # fmt: skip
    assert history["loss"][-1] < 0.2 < history["loss"][0]
    assert history["val_right"][-1] == history["right"][-1] > 0.9
    assert recorder.activations["label"].shape[1:] == (30, 2)
    found = training.evaluate(model, data, both, metrics=[right], batch_size=7)
    with tn.no_grad():
        assert found["loss"] == pytest.approx(float(both(model(*data[0]), data[1])))


def test_several_inputs_are_what_a_loop_by_hand_makes_of_them():
    (model, twin), data = (Branches(), Branches()), branched()
    training.fit(model, data, both, optim.SGD(model.parameters(), lr=0.1), 3, batch_size=10, progress=False)
    optimizer = optim.SGD(twin.parameters(), lr=0.1)
    for start in [0, 10, 20] * 3:
        (x, z), target = (tuple(array[start : start + 10] for array in arrays) for arrays in data)
        optimizer.zero_grad()
        both(twin(x, z), target).backward()
        optimizer.step()
    for name, value in twin.state_dict().items():
        np.testing.assert_allclose(model.state_dict()[name], value, rtol=1e-12)


def test_several_inputs_of_unequal_lengths_are_refused():
    model = Branches()
    (x, z), y = branched()
    with pytest.raises(errors.ShapeError, match=r"equally many.*\(30, 2\) and \(29, 3\) and \(30, 1\) and \(30,\)"):
        training.fit(model, ((x, z[1:]), y), both, optim.SGD(model.parameters(), lr=0.1), 3)
    with pytest.raises(errors.ShapeError, match=r"batches: .*equally many.*\(30, 2\) and \(29, 3\) and \(30,\)"):
        tn.data.batches((x, z[1:]), y[1], 4)


def test_accuracy_of_labels_distributions_and_probabilities():
    scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
    assert accuracy(scores, np.array([1, 0, 0])) == pytest.approx(2 / 3)
    assert accuracy(scores, np.eye(2)[[1, 0, 0]]) == pytest.approx(2 / 3)
    assert accuracy(np.array([0.2, 0.8]), np.array([0.0, 0.0])) == 0.5
    with pytest.raises(errors.ArgumentError, match="accuracy: expected labels"):
        accuracy(scores, np.ones(7))


def test_top_k_by_counting():
    scores, labels = np.random.default_rng(0).normal(size=(50, 7)), np.random.default_rng(1).integers(7, size=50)
    for k in (1, 3, 7):
        hits = [label in sorted(range(7), key=lambda c, row=row: -row[c])[:k] for row, label in zip(scores, labels)]
        assert top_k(k)(scores, labels) == pytest.approx(np.mean(hits))
        assert top_k(k)(scores, np.eye(7)[labels]) == top_k(k)(scores, labels)
    assert top_k(1)(scores, labels) == accuracy(scores, labels)
    assert top_k(5).__name__ == "top_5"
    with pytest.raises(errors.ArgumentError, match=r"top_8: expected at least 8 classes, got .* \(50, 7\)"):
        top_k(8)(scores, labels)
    with pytest.raises(errors.ArgumentError, match="top_2: expected labels of shape"):
        top_k(2)(scores, labels[:9])
    with pytest.raises(errors.ArgumentError, match="top_k: expected 'k' to be at least 1, got 0"):
        top_k(0)


def test_regression_metrics():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=30), rng.normal(size=(30, 2))
    for column in y.T:  # of the best line, R2 is the squared correlation
        line = np.polyval(np.polyfit(x, column, 1), x)
        assert r2(line, column) == pytest.approx(np.corrcoef(x, column)[0, 1] ** 2)
    assert r2(np.broadcast_to(y.mean(axis=0), y.shape), y) == pytest.approx(0, abs=1e-12)
    assert r2(np.ones((4, 1)), np.ones((4, 1))) == 1
    assert r2(np.zeros(4), np.ones(4)) == 0
    assert mae(y, y + np.array([1, -3])) == pytest.approx(2)
    for metric in (mae, r2):
        with pytest.raises(errors.ShapeError, match=r"got \(30, 1\) and \(30,\). Reshape the target"):
            metric(x[:, None], x)


def test_confusion_matrix():
    scores = np.eye(3)[[0, 1, 1, 2, 0]]
    labels = np.array([0, 1, 2, 2, 2])
    expected = [[1, 0, 0], [0, 1, 0], [1, 1, 1]]
    assert confusion_matrix(scores, labels).tolist() == expected
    assert confusion_matrix(scores, np.eye(3)[labels]).tolist() == expected
    single = np.array([[0.9], [0.2], [0.7]])
    assert confusion_matrix(single, np.array([[1.0], [1.0], [0.0]])).tolist() == [[0, 1], [1, 1]]
    with pytest.raises(errors.ArgumentError, match="expected labels from 0 to 2, got 0 to 3"):
        confusion_matrix(scores, np.array([0, 1, 2, 3, 0]))


def test_metrics_are_named_in_the_history():
    def worst(prediction, target):
        return np.abs(prediction - target).max()

    history = learn(xor_model(), metrics=["mae", "r2", worst], validation=tn.data.xor())
    assert list(history.columns) == ["loss", "mae", "r2", "worst", "val_loss", "val_mae", "val_r2", "val_worst"]
    assert history["mae"] == history["val_mae"]
    assert list(learn(xor_model(), metrics="mae").columns) == ["loss", "mae"]


def test_parts_in_evaluation_mode_stay_so():
    model = xor_model()
    model.train()
    model[0].eval()
    training.evaluate(model, tn.data.xor())
    assert (model.training, model[0].training, model[1].training) == (True, False, True)


def test_a_column_that_was_not_measured_is_told():
    with pytest.raises(errors.StateError, match="History: expected one of loss, got 'val_loss'"):
        learn(xor_model())["val_loss"]


def test_a_long_history_prints_a_short_table():
    history = training.History()
    for epoch in range(1000):
        history.append({"loss": 1 / (epoch + 1)})
    lines = str(history).splitlines()
    assert len(lines) == 12
    assert lines[-1].split() == ["1000", "0.001"]
    assert history.to_dict()["loss"].shape == (1000,)
    assert repr(history) == "<History of 1000 epochs: loss>"
    assert history.last() == {"loss": 0.001}


def test_progress_is_shown_when_asked_for(capsys):
    learn(xor_model(), progress=True)
    assert "3/3" in capsys.readouterr().err
    learn(xor_model(), progress=False)
    assert capsys.readouterr().err == ""
    learn(xor_model(), progress=None)  # nobody watches
    assert capsys.readouterr().err == ""


def test_a_log_file_gets_a_line_now_and_then(capsys, monkeypatch):
    learn(xor_model(), epochs=2000, progress=True)
    text = capsys.readouterr().err
    assert "\r" not in text
    assert len(text.splitlines()) <= 3
    assert text.splitlines()[-1].startswith("100%")
    assert "2000/2000" in text.splitlines()[-1]
    assert "loss=" in text.splitlines()[-1]
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    learn(xor_model(), epochs=5, progress=True)
    lines = capsys.readouterr().err.splitlines()[:6]  # the last state may come twice, with another time
    assert [f"{epoch}/5" in line for epoch, line in enumerate(lines)] == [True] * 6


def test_a_terminal_gets_a_bar_in_one_line(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    learn(xor_model(), epochs=3, progress=None)
    text = capsys.readouterr().err
    assert "3/3" in text
    assert text.count("\n") == 1
    assert text.count("\r") >= 2
