"""Callbacks: stopping, checkpoints and going on after a kill, learning rates, logs, and the recorder."""

import csv
import os
import signal
import struct
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import errors, nn, optim, training


def network(seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Dense(2, 6, activation="tanh", rng=rng), nn.Dense(6, 1, activation="sigmoid", rng=rng))


def learn(model, epochs=10, optimizer=None, **options):
    optimizer = optimizer or optim.SGD(model.parameters(), lr=0.1)
    return training.fit(model, tn.data.xor(), nn.squared_error, optimizer, epochs, **options)


class Constant(nn.Module):
    """Always answers one number, which a callback sets: so a test decides how the loss goes."""

    def __init__(self):
        self.value = nn.Parameter(0.0)

    def forward(self, x):
        return self.value + np.zeros((len(x), 1))


def lose(sequence, *callbacks, **options):
    """Train for as many epochs as the sequence is long, with these losses."""
    model = Constant()
    losses = iter(np.sqrt(sequence))

    class Dictate(training.Callback):
        def begin(self, run):
            self.after_epoch(run)

        def after_epoch(self, run):
            run.model.value.data = next(losses, 0.0)

    data = np.zeros((3, 1)), np.zeros((3, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.0)
    callbacks = [*callbacks, Dictate()]  # so that the others still see what this epoch was measured with
    history = training.fit(model, data, nn.squared_error, optimizer, len(sequence), callbacks=callbacks, **options)
    return model, history


# The protocol


def test_the_order_of_calls():
    calls = []

    class Spy(training.Callback):
        def __init__(self, name, order=0):
            self.name, self.order = name, order

        def begin(self, run):
            calls.append(f"{self.name} begin {run.epoch}")

        def after_batch(self, run):
            calls.append(f"{self.name} batch {run.epoch}")

        def after_epoch(self, run):
            calls.append(f"{self.name} epoch {run.epoch} {len(run.history)} {run.finished}")

        def end(self, run):
            calls.append(f"{self.name} end")

    learn(network(), epochs=2, batch_size=4, callbacks=[Spy("late", order=1), Spy("a"), lambda run: calls.append("f")])
    assert calls == [
        "a begin 0", "late begin 0",
        "a batch 0", "late batch 0", "a epoch 1 1 False", "f", "late epoch 1 1 False",
        "a batch 1", "late batch 1", "a epoch 2 2 True", "f", "late epoch 2 2 True",
        "a end", "late end",
    ]  # fmt: skip


def test_a_function_stops_a_run():
    assert len(learn(network(), epochs=50, callbacks=[lambda run: run.stop("enough") if run.epoch == 4 else None])) == 4


def test_the_end_is_told_also_of_a_failure():
    ended = []

    class Ended(training.Callback):
        def after_batch(self, run):
            run.model[0].weight.data[:] = np.nan

        def end(self, run):
            ended.append(run.epoch)

    with pytest.raises(errors.TrainingError, match="in epoch 2"):
        learn(network(), callbacks=[Ended()])
    assert ended == [1]


# EarlyStopping


@pytest.mark.parametrize(
    ("losses", "options", "epochs", "best_epoch"),
    [
        ([5, 4, 3, 4, 5, 6, 1], {"patience": 2}, 5, 3),
        ([5, 4, 3, 4, 5, 6, 1], {"patience": 4}, 7, 7),
        ([5, 4.9, 4.8, 4.7, 4.6], {"patience": 3, "min_delta": 0.25}, 5, 4),
        ([5, 4.9, 4.8, 4.7], {"patience": 2, "min_delta": 0.5}, 3, 1),
        ([5, 5, 5, 5], {"patience": 2}, 3, 1),
        ([1, 2, 3, 2, 1], {"patience": 2, "mode": "max"}, 5, 3),
    ],
)
def test_early_stopping(losses, options, epochs, best_epoch):
    stop = training.EarlyStopping("loss", **options)
    model, history = lose(losses, stop)
    assert len(history) == epochs
    assert stop.best_epoch == best_epoch
    assert stop.best == pytest.approx(losses[best_epoch - 1])
    assert model.value.item() ** 2 == pytest.approx(losses[best_epoch - 1])


def test_early_stopping_may_leave_the_last_weights_and_may_be_used_again():
    stop = training.EarlyStopping("loss", patience=2, restore=False)
    model, _ = lose([5, 6, 7, 8], stop)
    assert model.value.item() ** 2 == pytest.approx(8)  # what was dictated after the third epoch
    _, history = lose([9, 8, 7], stop)
    assert len(history) == 3
    assert stop.best == pytest.approx(7)


def test_the_best_weights_survive_an_interruption():
    def interrupt(run):
        if run.epoch == 3:
            raise KeyboardInterrupt

    model = network()
    kept = []
    stop = training.EarlyStopping("loss")
    with pytest.raises(KeyboardInterrupt):
        learn(model, callbacks=[stop, lambda run: kept.append(run.model.state_dict()), interrupt])
    assert all(np.array_equal(kept[stop.best_epoch - 1][name], value) for name, value in model.state_dict().items())


# Checkpoint


def test_checkpoints_every_n_epochs_and_after_the_last(tmp_path):
    path, written = tmp_path / "run", []

    class Look(training.Callback):
        order = 2

        def after_epoch(self, run):
            if path.exists():
                written.append(len(tn.load(path)["history"]["loss"]))

    learn(network(), epochs=8, callbacks=[training.Checkpoint(path, every=3), Look()])
    assert written == [3, 3, 3, 6, 6, 8]


def test_the_best_checkpoint_is_kept(tmp_path):
    path = tmp_path / "best"
    lose([5, 3, 4, 2.5, 6], training.Checkpoint(path, best="loss"))
    assert tn.load(path)["history"]["loss"].tolist() == pytest.approx([5, 3, 4, 2.5])


def test_a_finished_run_is_not_trained_further(tmp_path):
    path = tmp_path / "run"

    def callbacks():
        return [training.EarlyStopping("loss", patience=2), training.Checkpoint(path)]

    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.0)
    assert len(learn(model, 50, optimizer, callbacks=callbacks())) == 3
    twin = network(seed=1)
    optimizer = optim.SGD(twin.parameters(), lr=0.0)
    assert len(learn(twin, 50, optimizer, callbacks=callbacks(), resume=path)) == 3
    assert all(np.array_equal(value, twin.state_dict()[name]) for name, value in model.state_dict().items())
    assert len(learn(network(), 50, callbacks=[], resume=path, stop_when=1.0)) == 3


def test_a_file_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run"
    learn(network(), callbacks=[training.Checkpoint(path)])
    model = nn.Sequential(nn.Dense(2, 1))
    with pytest.raises(errors.StateError, match=r"load_state_dict: .*unexpected: 1\.bias, 1\.weight"):
        learn(model, resume=path)
    model = network()
    with pytest.raises(errors.StateError, match="'optimizer' was saved from SGD, and cannot be restored into Adam"):
        learn(model, optimizer=optim.Adam(model.parameters()), resume=path)
    with pytest.raises(errors.StateError, match=r"expected a part named 'rng.shuffling', but"):
        learn(network(), resume=path, rng=np.random.default_rng(0))


SCRIPT = '''
import os, signal, sys
import numpy as np
import tinygrad_nn as tn
from tinygrad_nn import nn, optim, training

folder, kill_at = sys.argv[1], int(sys.argv[2])


class Noise(nn.Module):
    """A layer with chance of its own, as Dropout is."""

    def __init__(self, rng):
        self.rng = rng

    def forward(self, x):
        return x * (self.rng.random(x.shape) < 0.9) if self.training else x


class Kill(training.Callback):
    batches = 0

    def after_batch(self, run):
        self.batches += run.epoch == kill_at
        if self.batches == 3:
            os.kill(os.getpid(), signal.SIGKILL)


rng = np.random.default_rng(0)
x, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 1))
layers = nn.Dense(3, 8, activation="tanh", rng=rng), Noise(np.random.default_rng(5)), nn.Dense(8, 1, rng=rng)
model = nn.Sequential(*layers)
optimizer = optim.Adam(model.parameters(), lr=0.05)
cosine = optim.Schedule(optimizer, optim.cosine_annealing(100, floor=0.1))
plateau = optim.ReduceOnPlateau(optimizer, patience=2)
recorder = training.Recorder(capacity=6)
history = training.fit(
    model, (x[:40], y[:40]), nn.squared_error, optimizer, 20, batch_size=6, rng=rng, validation=(x[40:], y[40:]),
    metrics=["r2"], resume=folder + "/run", callbacks=[
        training.Checkpoint(folder + "/run", every=2), training.LearningRate(cosine, each="batch"),
        training.LearningRate(plateau, monitor="val_loss"),
        training.EarlyStopping(patience=15), training.CSVLog(folder + "/log.csv"), recorder, Kill(),
    ],
)
tn.save(folder + "/end", model=model, optimizer=optimizer, rng=rng, history=history, recorder=recorder)
'''


def test_a_killed_run_ends_as_one_that_was_not(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)

    def run(folder, kill_at):
        folder.mkdir(exist_ok=True)
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, script, folder, str(kill_at)], env=environment, check=False)
        return done.returncode

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert run(whole, -1) == 0
    assert [run(broken, epoch) for epoch in (1, 5, 12)] == [-signal.SIGKILL] * 3
    assert run(broken, -1) == 0
    for name in ("end", "run", "log.csv"):
        assert (whole / name).read_bytes() == (broken / name).read_bytes(), name
    history = tn.load(whole / "end")["history"]
    assert len(history["val_r2"]) > 12


# LearningRate


class Halving:
    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.given = []

    def step(self, *measured):
        self.given.append(measured)
        self.optimizer.lr /= 2


@pytest.mark.parametrize(("each", "halvings"), [("epoch", 3), ("batch", 6)])
def test_learning_rate(each, halvings):
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    learn(model, 3, optimizer, batch_size=2, callbacks=[training.LearningRate(Halving(optimizer), each)])
    assert optimizer.lr == 0.5**halvings


def test_a_schedule_may_be_given_what_is_measured():
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    schedule = Halving(optimizer)
    history = learn(model, 3, optimizer, callbacks=[training.LearningRate(schedule, monitor="loss")])
    assert schedule.given == [(loss,) for loss in history["loss"]]


# Logs


def test_csv_log(tmp_path):
    path = tmp_path / "log.csv"
    history = learn(network(), 4, metrics=["accuracy"], callbacks=[training.CSVLog(path)])
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    for name in ("loss", "accuracy"):
        assert [float(row[name]) for row in rows] == history[name]


def events(folder):
    """Read event files by their specification: records of length, checksum, bytes and checksum, in protobuf."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        while content:
            (size,) = struct.unpack("<Q", content[:8])
            event = event_pb2.Event.FromString(content[12 : 12 + size])
            content = content[12 + size + 4 :]
            yield from ((event.step, value.tag, value.simple_value) for value in event.summary.value)


def test_tensorboard(tmp_path):
    history = learn(network(), 3, callbacks=[training.TensorBoard(tmp_path)])
    found = list(events(tmp_path))
    assert [step for step, tag, _ in found if tag == "loss"] == [1, 2, 3]
    np.testing.assert_allclose([value for _, tag, value in found if tag == "loss"], history["loss"], rtol=1e-6)
    np.testing.assert_allclose([value for _, tag, value in found if tag == "learning_rate"], 0.1, rtol=1e-6)


def test_tensorboard_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(errors.UnsupportedError, match=r"pip install 'tinygrad_nn\[tensorboard\]'"):
        training.TensorBoard("runs")


# Recorder


@pytest.mark.parametrize("capacity", [2, 5, 8, 100])
def test_records_are_bounded_and_evenly_spread(capacity):
    recorder = training.Recorder(capacity=capacity, activations=False)
    learn(network(), epochs=100, callbacks=[recorder])
    assert capacity / 2 <= len(recorder.epochs) <= capacity
    assert recorder.epochs.tolist() == list(range(0, 101, recorder.stride))


def test_what_is_recorded_is_what_was():
    model = network()
    x, y = tn.data.xor()
    recorder, looked = training.Recorder(), []

    class Look(training.Callback):
        def begin(self, run):
            self.after_epoch(run)

        def after_epoch(self, run):
            hidden = run.model[0](x).numpy()
            looked.append((run.model.state_dict(), hidden, run.model(x).numpy()))

    learn(model, epochs=3, callbacks=[recorder, Look()])
    assert recorder.epochs.tolist() == [0, 1, 2, 3]
    assert set(recorder.weights) == set(model.state_dict())
    assert set(recorder.activations) == {"", "0", "1"}
    for time, (state, hidden, output) in enumerate(looked):
        assert all(np.array_equal(recorder.weights[name][time], value) for name, value in state.items())
        np.testing.assert_array_equal(recorder.activations["0"][time], hidden)
        np.testing.assert_array_equal(recorder.activations[""][time], output)
        np.testing.assert_allclose(recorder.errors[time], (output - y)[:, 0] ** 2)


def test_recording_changes_nothing():
    model, twin = network(), network()
    recorder = training.Recorder(
        (np.ones((2, 2)), np.ones(2, int)), weights=False, error=lambda prediction, target: prediction[:, 0] - target
    )
    a = learn(model, batch_size=1, rng=np.random.default_rng(0), callbacks=[recorder])
    b = learn(twin, batch_size=1, rng=np.random.default_rng(0))
    assert a["loss"] == b["loss"]
    assert "forward" not in vars(model)
    assert recorder.weights == {}
    assert recorder.errors.shape == (11, 2)


def test_a_recorder_of_weights_alone_needs_no_run_of_the_model():
    recorder = training.Recorder(activations=False, error=None)
    learn(network(), 2, callbacks=[recorder])
    assert recorder.activations == {}
    assert recorder.errors.shape == (3, 0)


def test_errors_of_several_outputs_are_their_mean():
    class Twins(tn.nn.Module):
        def __init__(self):
            self.one, self.two = tn.nn.Dense(2, 1, rng=np.random.default_rng(0)), tn.nn.Dense(2, 3)

        def forward(self, x):
            return self.one(x), self.two(x)

    def loss(prediction, target):
        return sum(np.mean((p - t) ** 2) for p, t in zip(prediction, target, strict=True))

    model, recorder = Twins(), training.Recorder(activations=False)
    x, y = np.eye(2), (np.zeros((2, 1)), np.ones((2, 3)))
    optimizer, options = tn.optim.SGD(model.parameters(), 0.1), {"progress": False, "callbacks": [recorder]}
    training.fit(model, (x, y), loss, optimizer, 2, **options)
    one, two = (output.numpy() for output in model(x))
    np.testing.assert_allclose(recorder.errors[-1], ((one**2).sum(1) + ((two - 1) ** 2).sum(1)) / 4)
    with pytest.raises(errors.ShapeError, match=r"predictions, \(2, 1\) and \(2, 3\), got \(2, 1\) and \(2,\)"):
        training.fit(model, (x, (y[0], np.ones(2))), loss, optimizer, 1, **options)


# Messages


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: training.EarlyStopping(patience=0), "EarlyStopping: expected 'patience' to be at least 1, got 0"),
        (lambda: training.EarlyStopping(mode="low"), "EarlyStopping: expected mode 'min' .* or 'max' .*, got 'low'"),
        (lambda: training.Checkpoint("x", every=0), "Checkpoint: expected 'every' to be at least 1 epoch, got 0"),
        (lambda: training.Checkpoint("x", mode=""), "Checkpoint: expected mode"),
        (lambda: training.LearningRate(Halving(None), "step"), "each='epoch' or each='batch'.*got each='step'"),
        (
            lambda: training.LearningRate(Halving(None), "batch", "loss"),
            "only with 'epoch'.*got each='batch', monitor=",
        ),
        (lambda: training.Recorder(capacity=1), "Recorder: expected 'capacity' to be at least 2 records, got 1"),
    ],
)
def test_wrong_arguments_are_told(make, said):
    with pytest.raises(errors.ArgumentError, match=said):
        make()


@pytest.mark.parametrize("make", [training.EarlyStopping, lambda: training.Checkpoint("never", best="val_loss")])
def test_a_column_that_is_not_measured_is_told(make):
    with pytest.raises(errors.ArgumentError, match=r"columns loss, got 'val_loss'; pass validation=\(x, y\) to fit"):
        learn(network(), callbacks=[make()])


def test_errors_that_are_not_one_a_sample_are_told():
    labels = np.ones((4, 2)), np.ones(4)
    with pytest.raises(errors.ShapeError, match=r"Recorder: .* predictions, \(4, 1\), got \(4,\).*pass error="):
        learn(network(), callbacks=[training.Recorder(labels)])
    with pytest.raises(errors.ShapeError, match=r"'error' to return one number a sample, of shape \(4,\), got \(\)"):
        learn(network(), callbacks=[training.Recorder(labels, error=lambda p, t: 0.0)])
