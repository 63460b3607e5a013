"""Learn to write like the documentation of Python, one character after the other.

An LSTM reads the help texts that ship with Python (``pydoc_data.topics``) and says how likely each character is to come
next. It is trained by truncated backpropagation through time: its state is carried on from one piece of the text to the
next, the gradient is not. What it has learned is measured in bits per character on text that was held back, beside what
is possible with less: the entropy of single characters, and of characters of which the one before is known. No model
that looks back less than two characters can do better than the second.

Sources: Graves, "Generating sequences with recurrent neural networks", 2013, which also clips gradients; Pascanu,
Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013, by norm as here.

Run it with ``python examples/char_lstm.py``. Half a minute makes English words and turns of phrase, at some
2.5 bits per character against 4.7 and 3.5.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from pathlib import Path
from pydoc_data import topics
from typing import Any

import numpy as np
import numpy.typing as npt

import tinygrad_nn as tn
from tinygrad_nn import nn, optim

EMBEDDING = 32
HIDDEN = 128
STREAMS = 32  # places of the text that are read at once
STEPS = 48  # characters through which the gradient goes back
UPDATES = 600
LEARNING_RATE = 0.006
MAX_NORM = 1.0
MEASURE_EVERY = 50
TEMPERATURE = 0.6  # below 1, samples keep to what is likely

Text = npt.NDArray[np.int_]
"""Characters as their places in an alphabet."""


class CharLSTM(nn.Module):
    """Return logits for the character after each one, and the state to go on from."""

    def __init__(self, characters: int, rng: np.random.Generator) -> None:
        """Draw the weights."""
        self.embedding = nn.Embedding(characters, EMBEDDING, rng=rng)
        self.lstm = nn.LSTM(EMBEDDING, HIDDEN, rng=rng)
        self.output = nn.Dense(HIDDEN, characters, rng=rng)

    def forward(self, text: Text, state: Any = None) -> tuple[Any, Any]:
        """Read `text` of shape (streams, steps)."""
        outputs, state = self.lstm(self.embedding(text), state)
        return self.output(outputs), state


def read() -> tuple[Text, Text, str]:
    """Return the text to learn from, the tenth of it that is held back, and the alphabet."""
    everything = "\n\n".join(topics.topics[name] for name in sorted(topics.topics))
    paragraphs = [" ".join(paragraph.split()) for paragraph in everything.split("\n\n")]
    prose = [
        paragraph for paragraph in paragraphs if not re.search(r"---|===|\*\*\*", paragraph)
    ]  # no tables, no headings
    # Topics quote one another: a paragraph that comes twice could be learned by heart in one part, asked in the other.
    text = "\n".join(dict.fromkeys(prose))
    alphabet = "".join(sorted(set(text)))
    numbers = np.array([alphabet.index(character) for character in text])
    end = len(numbers) * 9 // 10
    return numbers[:end], numbers[end:], alphabet


def entropies(text: Text) -> tuple[float, float]:
    """Return the bits per character of single characters, and of those whose predecessor is known."""
    pairs = np.zeros((text.max() + 1, text.max() + 1))
    np.add.at(pairs, (text[:-1], text[1:]), 1)
    joint, first = pairs / pairs.sum(), pairs.sum(axis=1) / pairs.sum()
    single = -(first[first > 0] * np.log2(first[first > 0])).sum()
    return float(single), float(-(joint[joint > 0] * np.log2(joint[joint > 0])).sum() - single)


def streams(text: Text) -> tuple[Text, Text]:
    """Cut a text into `STREAMS` rows, and return them with what comes after each character."""
    length = (len(text) - 1) // STREAMS
    return text[: STREAMS * length].reshape(STREAMS, length), text[1 : STREAMS * length + 1].reshape(STREAMS, length)


def bits_per_character(model: CharLSTM, text: Text) -> float:
    """Return the cross-entropy on a text, to base 2."""
    x, y = streams(text)
    with tn.no_grad():
        logits, _ = model(x)
        return float(nn.cross_entropy(logits, y)) / math.log(2)


def train(
    model: CharLSTM, text: Text, held_back: Text, updates: int = UPDATES
) -> tuple[list[int], list[float], list[float]]:
    """Train, and return numbers of updates with the bits per character after them, in training and on `held_back`."""
    x, y = streams(text)
    optimizer = optim.Adam(model.parameters(), lr=LEARNING_RATE)
    schedule = optim.Schedule(optimizer, optim.cosine_annealing(updates))
    places = range(0, x.shape[1] - STEPS + 1, STEPS)
    state, since = None, list[float]()
    counts, seen, unseen = list[int](), list[float](), list[float]()
    for update in range(1, updates + 1):
        start = places[(update - 1) % len(places)]
        if start == 0:
            state = None  # the beginning of the text does not follow its end
        logits, state = model(x[:, start : start + STEPS], state)
        state = tuple(array.detach() for array in state)  # the values go on, the gradient stops here
        loss = nn.cross_entropy(logits, y[:, start : start + STEPS])
        optimizer.zero_grad()
        loss.backward()
        optim.clip_by_norm(model.parameters(), MAX_NORM)  # one steep place would throw away what was learned
        optimizer.step()
        schedule.step()
        since.append(loss.item() / math.log(2))
        if update % MEASURE_EVERY == 0:
            counts.append(update)
            seen.append(float(np.mean(since)))
            unseen.append(bits_per_character(model, held_back))
            since.clear()
    return counts, seen, unseen


def write(model: CharLSTM, alphabet: str, length: int, rng: np.random.Generator) -> str:
    """Let the model write: each character is drawn as likely as it says, and read by it next."""
    character, state, written = alphabet.index("\n"), None, ""
    with tn.no_grad():
        for _ in range(length):
            logits, state = model(np.array([[character]]), state)
            likely = nn.softmax(logits[0, 0].numpy().astype(float) / TEMPERATURE)
            character = int(rng.choice(len(alphabet), p=likely))
            written += alphabet[character]
    return written


def draw(folder: Path, curves: tuple[list[int], list[float], list[float]], single: float, pair: float) -> None:
    """Draw the bits per character over the training, with the two entropies as lines."""
    import matplotlib.pyplot as plt

    counts, seen, unseen = curves
    figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    ax.plot(counts, seen, "--", color="C0", label="LSTM, text it learns from")
    ax.plot(counts, unseen, "-", color="C0", label="LSTM, held-back text")
    for bits, color, said in ((single, "C3", "no character before"), (pair, "C1", "the character before")):
        ax.axhline(bits, color=color)
        ax.annotate(f"least possible, knowing {said}", (counts[-1], bits + 0.04), ha="right", color=color)
    ax.set(xlabel="updates", ylabel="bits per character", ylim=(1.8, single + 0.3))
    ax.legend(loc="upper right", bbox_to_anchor=(1, 0.9))
    figure.savefig(folder / "char_lstm_bits.png", dpi=150)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    """Train, and print bits per character and samples of what the model writes, before and after."""
    parser = argparse.ArgumentParser(description="An LSTM that writes, character by character.")
    parser.add_argument("--plot", nargs="?", const=".", type=Path, metavar="FOLDER", help="draw the curves to a file")
    options = parser.parse_args(argv)

    rng = np.random.default_rng(0)
    text, held_back, alphabet = read()
    model = CharLSTM(len(alphabet), rng).astype(np.float32)  # half the bytes, nearly half the time
    before, untrained = bits_per_character(model, held_back), write(model, alphabet, 200, rng)
    curves = train(model, text, held_back)
    single, pair = entropies(held_back)

    print(f"{len(text):,} characters to learn from; on {len(held_back):,} others:\n")
    print("                                   bits per character")
    for name, bits in (
        ("all characters equally likely", math.log2(len(alphabet))),
        ("LSTM, untrained", before),
        ("least possible for single characters", single),
        ("the same, knowing the one before", pair),
        ("LSTM, trained", curves[2][-1]),
    ):
        print(f"{name:38}{bits:6.2f}")
    print(f"\nwritten before:\n{untrained}\n\nwritten after:\n{write(model, alphabet, 600, rng)}")
    if options.plot:
        draw(options.plot, curves, single, pair)


if __name__ == "__main__":
    main()
