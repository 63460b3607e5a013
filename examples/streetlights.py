"""Learn from street lights when people walk: a published run, number for number.

The data are those of Trask's "Grokking Deep Learning", chapter 6. The network has four hidden relu units and no biases,
and learns from one sample at a time. Run it with ``python examples/streetlights.py``; the published errors at the
iterations 0, 10, 20, 30, 40 and 50 are 0.35238, 0.29001, 0.19074, 0.12883, 0.04666 and 0.00544.
"""

from __future__ import annotations

import numpy as np

from tinygrad_nn import data, nn, optim

ITERATIONS = 58
LEARNING_RATE = 0.2


def published_network() -> nn.Sequential:
    """Return the network with the weights that the published run began with."""
    rng = np.random.RandomState(0)  # not default_rng(0): only the legacy generator draws the published numbers
    to_output = 2 * rng.random_sample((4, 1)) - 1  # drawn first
    to_hidden = 2 * rng.random_sample((3, 4)) - 1
    hidden = nn.Dense(3, 4, bias=False, activation="relu")
    output = nn.Dense(4, 1, bias=False)
    hidden.weight.data, output.weight.data = to_hidden, to_output
    return nn.Sequential(hidden, output)


def main() -> None:
    """Train, and print a table of errors and the final predictions."""
    x, y = data.streetlights()
    samples = list(data.batches(x, y, batch_size=1))
    model = published_network()
    optimizer = optim.SGD(model.parameters(), lr=LEARNING_RATE)

    print("iteration  mean squared error")
    for iteration in range(ITERATIONS):
        errors = []
        for sample in samples:
            error = nn.squared_error(model(sample.x), sample.y)
            optimizer.zero_grad()
            (error / 2).backward()  # half of it has the published gradient, prediction - target
            optimizer.step()
            errors.append(error.item())  # from before the update
        if iteration % 10 == 0:
            print(f"{iteration:9}  {np.mean(errors):.5f}")

    print("\nlights  walk  prediction")
    for lights, walk, prediction in zip(x, y, model(x).numpy(), strict=True):
        print(f"{' '.join('.*'[int(light)] for light in lights)}   {walk.item():.0f}     {prediction.item():.5f}")


if __name__ == "__main__":
    main()
