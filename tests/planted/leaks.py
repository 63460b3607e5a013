"""Functions in which a value leaves the graph on its way: where that spoils the gradient, and where it may do so."""

import numpy as np

import tinygrad_nn as tn

X = np.random.default_rng(13).uniform(0.5, 2.0, size=(4, 3))


def unrecorded(x):
    with tn.no_grad():
        return np.exp(x)


LEAKS = {
    "numpy()": (lambda x: np.sum(np.sin(x) * np.exp(x.numpy())), [("multiply", 1)]),
    "detach()": (lambda x: np.sum(np.sin(x) + x.detach() ** 2), [("add", 1)]),
    "stop_gradient()": (lambda x: np.sum(np.sin(x) / tn.stop_gradient({"x": x})["x"]), [("divide", 1)]),
    "item()": (lambda x: np.sum(np.sin(x) * x[0, 0].item()), [("multiply", 1)]),
    "data": (lambda x: np.sum(x.data @ np.sin(x).T), [("matmul", 0)]),
    "no_grad()": (lambda x: np.sum(np.sin(x) * unrecorded(x)), [("multiply", 1)]),
    "numpy() in one of two": (lambda x: (np.sum(np.sin(x)), np.sum(x * np.exp(x.numpy()))), [("multiply", 1)]),
    "numpy() twice": (
        lambda x: np.sum(np.tanh(x * x.numpy()) - np.exp(x.numpy())), [("multiply", 1), ("subtract", 1)],
    ),
    "numpy() of everything": (lambda x: tn.Tensor(np.exp(x.numpy())), [("output 0", None)]),
    "tolist() of everything": (lambda x: np.sum(tn.Tensor(x.tolist())), [("output 0", None)]),
    "detach() of one output": (lambda x: (np.sin(x), np.exp(x).detach()), [("output 1", None)]),
}  # fmt: skip  # one a line
"""By where the value leaves: the function, and the operations and operands where it comes back as a constant."""


def logsumexp(x):
    largest = np.max(x, axis=-1, keepdims=True).numpy()
    return np.log(np.sum(np.exp(x - largest), axis=-1)) + largest[:, 0]


def softmax(x):
    powers = np.exp(x - np.max(x, axis=-1, keepdims=True).detach())
    return powers / np.sum(powers, axis=-1, keepdims=True)


HARMLESS = {
    "softmax": lambda x: np.sum(softmax(x) ** 2),
    "logsumexp": lambda x: np.sum(logsumexp(x)),
    "scale that is divided out": lambda x: np.sum(np.tanh(x / x.numpy().max() * x.numpy().max())),
    "minimum": lambda x: np.sum((x - np.mean(x.numpy())) ** 2),
    "mask": lambda x: np.sum(np.where(x.numpy() > 1, x, 0.1 * x)),
    "step": lambda x: np.sum(x * np.floor(x.numpy())),
    "count": lambda x: np.sum(x) / float(np.sum(x.numpy() > 1)),
}
"""Functions with the right gradient although a value leaves: the result does not change with it."""
