"""Street lights: the published table, and four figures of the run that it is about."""

from pathlib import Path

import numpy as np

from tests.examples.loading import script

streetlights = script("streetlights")


def test_the_published_errors_through_fit():
    model, history, recorder = streetlights.train()
    errors = [f"{history['loss'][iteration]:.5f}" for iteration in range(0, 58, 10)]
    assert errors == ["0.35238", "0.29001", "0.19074", "0.12883", "0.04666", "0.00544"]
    assert recorder.epochs.tolist() == list(range(59))  # the weights that it starts with, and those of each iteration
    np.testing.assert_array_equal(recorder.weights["0.weight"][-1], model[0].weight.numpy())
    np.testing.assert_array_equal(recorder.weights["0.weight"][0], streetlights.published_network()[0].weight.numpy())


def test_what_the_four_figures_show():
    *_, recorder = streetlights.train()
    assert recorder.errors.shape == (59, 4)
    assert recorder.weights["0.weight"].shape == (59, 3, 4)
    assert recorder.weights["1.weight"].shape == (59, 4, 1)
    assert (recorder.activations["0"].shape, recorder.activations["1"].shape) == ((59, 4, 4), (59, 4, 1))
    np.testing.assert_allclose(recorder.errors[-1], [0.00049, 0, 0.00139, 0], atol=6e-6)  # of the published predictions


def test_pictures_go_into_the_folder_that_is_given_and_nowhere_unless_asked_for(monkeypatch, capsys):
    folders = []
    monkeypatch.setattr(streetlights, "draw", lambda recorder, folder: folders.append(folder))
    printed = []
    for argv in ([], ["--plot"], ["--plot", "a/b"]):
        streetlights.main(argv)
        printed.append(capsys.readouterr().out)
    assert folders == [Path(), Path("a/b")]
    assert printed[0] == printed[1] == printed[2]
