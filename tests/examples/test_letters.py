"""Block letters: what is drawn, and that all of them are read in places that were held back."""

import sys

import numpy as np
import pytest

from tests.examples.loading import script
from tinygrad_nn import data
from tinygrad_nn.errors import ArgumentError, UnsupportedError

letters = script("letters")


def test_a_held_back_place_has_its_neighbours_among_those_that_are_learnt():
    assert len(letters.LEARNT) == 20
    assert len(letters.HELD_BACK) == 5
    for down, right in letters.HELD_BACK:
        around = {(down + 1, right), (down - 1, right), (down, right + 1), (down, right - 1)}
        assert around & set(letters.PLACES) <= set(letters.LEARNT)


@pytest.mark.slow
def test_all_letters_in_held_back_places_are_read_from_another_start():
    _, history = letters.train(letters.samples(), seed=1)
    assert history["val_accuracy"][-1] == 1


def test_letters_are_grey_images_and_all_different():
    x, y = data.letters()
    assert x.shape == (6 * 26, 32, 32)
    assert x.dtype == np.float64
    assert (x.min(), x.max()) == (0, 1)
    assert ((x > 0) & (x < 1)).any()
    assert y.tolist() == 6 * list(range(26))
    assert len(np.unique(x, axis=0)) == len(x)


def test_a_shift_moves_the_image_and_loses_no_ink():
    x = data.letters(shifts=[(0, 0), (-3, 3), (3, -3)]).x.reshape(6, 3, 26, 32, 32)
    np.testing.assert_array_equal(x[:, 1], np.roll(x[:, 0], (-3, 3), axis=(-2, -1)))
    np.testing.assert_array_equal(x[:, 2], np.roll(x[:, 0], (3, -3), axis=(-2, -1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["Comic"],), "letters: expected 'fonts' to name fonts of matplotlib, such as DejaVuSans.*; got 'Comic'"),
        (([],), "letters: expected at least one font and one shift"),
        ((["DejaVuSans"], []), "letters: expected at least one font and one shift"),
        ((["DejaVuSans"], [(0, 4)]), r"letters: expected 'shifts' to be pairs of whole numbers from -3 to 3.*\(0, 4\)"),
        ((["DejaVuSans"], [(0.5, 0)]), "letters: expected 'shifts' to be pairs of whole numbers"),
        ((["DejaVuSans"], [1]), "letters: expected 'shifts' to be pairs of whole numbers"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        data.letters(*arguments)


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UnsupportedError, match=r"pip install 'tinygrad_nn\[plot\]'"):
        data.letters()
