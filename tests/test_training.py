"""The training loop, its history and its metrics."""

import json
from pathlib import Path

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import errors, nn, optim, training
from tinygrad_nn.training.metrics import accuracy


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
        ({"metrics": ["precise"]}, errors.ArgumentError, "metrics: expected functions .* or accuracy, got 'precise'"),
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


def test_accuracy_of_labels_distributions_and_probabilities():
    scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
    assert accuracy(scores, np.array([1, 0, 0])) == pytest.approx(2 / 3)
    assert accuracy(scores, np.eye(2)[[1, 0, 0]]) == pytest.approx(2 / 3)
    assert accuracy(np.array([0.2, 0.8]), np.array([0.0, 0.0])) == 0.5
    with pytest.raises(errors.ArgumentError, match="accuracy: expected labels"):
        accuracy(scores, np.ones(7))


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
