"""Learn a sine wave well enough to go on without it.

A recurrent network (Elman, "Finding structure in time", 1990) reads a sine wave, sampled at 25 points a period, and
predicts each next value from those so far. Then it runs freely: after one period of the true wave each prediction is
the next input, so that errors feed on themselves. To last, it must have learned the oscillation, and not only that the
next value is near the last one.

The data fit into one batch, and there L-BFGS (`optim.minimize`) needs no learning rate and a second or two.

Run it with ``python examples/sine_rnn.py``. Over two periods the free run stays within 0.05 of the sine, and mostly
within 0.01.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_nn as tn
from tinygrad_nn import nn, optim

PERIOD = 25  # samples
WAVES = 16  # to learn from, of different phases
LEARNED = 3 * PERIOD  # samples of each of them
SETTLE = 10  # samples whose predictions do not count: the first one does not even tell whether the wave rises
HIDDEN = 16
ITERATIONS = 300
WARM_UP = PERIOD  # samples that the free run is given
FREE = 2 * PERIOD


class SineRNN(nn.Module):
    """Predict the next value after each one, and return the state to go on from."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Draw the weights."""
        self.rnn = nn.RNN(1, HIDDEN, rng=rng)
        self.output = nn.Dense(HIDDEN, 1, rng=rng)

    def forward(self, x: Any, state: Any = None) -> tuple[Any, Any]:
        """Read waves of shape (waves, steps, 1)."""
        outputs, state = self.rnn(x, state)
        return self.output(outputs), state


def sine(phases: Any, steps: int) -> Any:
    """Return sine waves of shape (waves, steps, 1) that begin at `phases`, in radians."""
    return np.sin(np.reshape(phases, (-1, 1)) + 2 * np.pi * np.arange(steps) / PERIOD)[..., None]


def train(rng: np.random.Generator) -> SineRNN:
    """Return a network that has learned to predict."""
    model = SineRNN(rng)
    x = sine(rng.uniform(0, 2 * np.pi, WAVES), LEARNED + 1)

    def loss() -> Any:
        predictions, _ = model(x[:, :-1])
        return nn.squared_error(predictions[:, SETTLE:], x[:, SETTLE + 1 :])

    optim.minimize(model, loss, tol=1e-10, options={"maxiter": ITERATIONS})
    return model


def run_freely(model: SineRNN, start: Any, steps: int) -> Any:
    """Read `start`, of shape (waves, steps, 1), and return what the network then makes out of itself."""
    with tn.no_grad():
        predictions, state = model(start)
        values = [predictions[:, -1:]]
        while len(values) < steps:
            value, state = model(values[-1], state)
            values.append(value)
    return np.concatenate([value.numpy() for value in values], axis=1)


def draw(folder: Path, truth: Any, free: Any) -> None:
    """Draw a wave and the free run that begins in it, and how far they are apart."""
    import matplotlib.pyplot as plt

    steps = np.arange(len(truth))
    figure, (above, below) = plt.subplots(2, sharex=True, figsize=(8, 5), height_ratios=[2, 1], layout="constrained")
    above.plot(steps, truth, color="0.6", linewidth=4, label="sine")
    above.plot(steps[WARM_UP:], free, ".-", color="C1", label="free run")
    above.axvline(WARM_UP - 0.5, color="0.7", linestyle=":")
    above.text(WARM_UP - 1, 1.15, "reads the sine", ha="right", color="0.4")
    above.text(WARM_UP, 1.15, "reads its own predictions", color="0.4")
    above.set(ylabel="value", ylim=(-1.2, 1.4))
    above.legend(loc="lower left")
    below.semilogy(steps[WARM_UP:], np.abs(free - truth[WARM_UP:]), ".-", color="C1")
    below.set(xlabel="step", ylabel="distance from the sine")
    figure.savefig(folder / "sine_rnn_free_run.png", dpi=150)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    """Train, let the network run freely, and print how far it strays."""
    parser = argparse.ArgumentParser(description="An RNN that goes on with a sine wave.")
    parser.add_argument("--plot", nargs="?", const=".", type=Path, metavar="FOLDER", help="draw the free run to a file")
    options = parser.parse_args(argv)

    model = train(np.random.default_rng(0))
    truth = sine(1.0, WARM_UP + FREE)  # a phase of its own
    free = run_freely(model, truth[:, :WARM_UP], FREE)
    print("step   sine  free run")
    for step in range(0, FREE, 5):
        print(f"{step + 1:4}{truth[0, WARM_UP + step, 0]:7.3f}{free[0, step, 0]:10.3f}")
    print(f"\nlargest distance in {FREE // PERIOD} periods: {np.abs(free - truth[:, WARM_UP:]).max():.4f}")
    if options.plot:
        draw(options.plot, truth[0, :, 0], free[0, :, 0])


if __name__ == "__main__":
    main()
