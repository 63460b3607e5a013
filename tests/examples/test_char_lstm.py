"""The character LSTM beats what single characters and pairs of them can tell, on text that was held back."""

import numpy as np
import pytest

from tests.examples.loading import script

char_lstm = script("char_lstm")


def test_entropies_are_those_of_texts_with_known_ones():
    rng = np.random.default_rng(0)
    assert char_lstm.entropies(rng.integers(8, size=100_000)) == pytest.approx((3, 3), abs=0.01)
    assert char_lstm.entropies(np.arange(8000) % 4) == pytest.approx((2, 0), abs=0.001)


def test_what_is_held_back_is_nowhere_in_what_is_learned():
    text, held_back, alphabet = char_lstm.read()
    learned, tested = ({*"".join(alphabet[i] for i in part).split("\n")} for part in (text, held_back))
    assert len({*learned} & {*tested}) == 0


@pytest.mark.slow
def test_the_lstm_beats_characters_and_pairs_on_held_back_text_from_another_start():
    text, held_back, alphabet = char_lstm.read()
    model = char_lstm.CharLSTM(len(alphabet), np.random.default_rng(1)).astype(np.float32)
    _, _, bits = char_lstm.train(model, text, held_back, updates=200)
    single, pair = char_lstm.entropies(held_back)
    assert bits[-1] < pair - 0.3 < single
