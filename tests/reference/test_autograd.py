"""Values, gradients and second derivatives against HIPS autograd, for every NumPy function that both differentiate.

Which functions these are is read off the two registries, and what they are called with is `tests/samples`.
"""

import inspect
import math

import autograd.numpy
import numpy as np
import pytest
from autograd.builtins import SequenceBox
from autograd.core import VJPNode, make_vjp, primitive_vjps
from autograd.tracer import notrace_primitives

import tinygrad_nn as tn
from tests.samples import ROWS
from tests.samples.making import case
from tests.test_primitives import COMPOSED, OWN, call, floats, function_of, spread
from tinygrad_nn.primitive import COMPOSITIONS, REFUSED, RULES

pytestmark = [
    pytest.mark.reference,
    pytest.mark.filterwarnings("ignore:Output seems independent of input:UserWarning"),  # that of floor is
]

HOMES = {"numpy": autograd.numpy, "numpy.linalg": autograd.numpy.linalg, "numpy.fft": autograd.numpy.fft}


def counterpart(twin):
    """Return autograd's function of the same name, or None if autograd has no derivative of it."""
    home = HOMES.get("numpy" if isinstance(twin, np.ufunc) else twin.__module__)
    function = getattr(home, twin.__name__, None)
    is_composition = inspect.isfunction(function) and not hasattr(function, "fun")
    is_primitive = function in primitive_vjps or function in notrace_primitives[VJPNode]
    return function if is_composition or is_primitive else None


def twins(name):
    if name in OWN:
        return OWN[name].twins
    return [twin for twin, function in COMPOSITIONS.items() if function is COMPOSED[name] is not twin]


PAIRS = [
    pytest.param(name, counterpart(twin), id=twin.__name__)
    for name in ROWS
    for twin in twins(name)
    if counterpart(twin) is not None
]


def has(*options):
    return lambda sample: not sample.options.keys().isdisjoint(options)


def reaches_initial(function):
    return lambda sample: np.any(function(*sample.operands, **sample.options) == sample.options.get("initial"))


# Where autograd is known to be wrong: for which samples, and what it does.
WRONG = {
    "sum": (has("where"), "gives the gradient to the elements that `where` leaves out too"),
    "prod": (has("where"), "likewise"),
    "mean": (has("where"), "likewise, and divides by the number of all"),
    "var": (has("where", "correction"), "takes no notice of either option"),
    "std": (has("where", "correction"), "likewise"),
    "max": (reaches_initial(np.max), "divides 0 by 0 where `initial` is above all elements"),
    "min": (reaches_initial(np.min), "likewise"),
    "norm": (lambda sample: sample.options.get("ord") == math.inf, "takes powers with the exponent infinity: nan"),
    "full_like": (lambda sample: True, "takes the result for a constant, but it is `fill_value` in every place"),
    "sinc": (lambda sample: 0 in sample.operands[0], "divides 0 by 0 at 0"),
    "det": (lambda sample: np.any(np.isclose(np.linalg.det(sample.operands[0]), 0)), "multiplies with the inverse"),
}

# What it raises where it knows no rule, no such option, or where its rule lacks a sum over broadcast axes.
UNABLE = (AssertionError, IndexError, KeyError, NotImplementedError, TypeError, ValueError, ZeroDivisionError)

MORE_SAMPLES = {"diagonal": (case(np.arange(8.0).reshape(2, 2, 2), 0, -1, -2),)}  # the only axes that it can do

ADAPTED = {"broadcast_to": lambda a, shape: autograd.numpy.broadcast_to(a, shape)}  # its rule has other names


def flat(results):
    return [y for x in results for y in flat(x)] if isinstance(results, (tuple, list, SequenceBox)) else [results]


def joined(numpy, result):
    """Return the floats of a result of several arrays as one array; `numpy` is NumPy, or autograd's."""
    if not isinstance(result, (tuple, list, SequenceBox)):
        return result
    return numpy.concatenate([numpy.ravel(x) for x in flat(result) if x.dtype.kind == "f"])


def symmetric(name, operands):
    """Return matrices of which one triangle is read as functions of both: who gets the gradient is convention."""
    return [(x + x.swapaxes(-1, -2)) / 2 for x in operands] if name == "eigh" else operands


def cotangent(x):
    return np.random.default_rng(len(np.shape(x))).normal(size=np.shape(x))


def derivatives_here(name, sample):
    """Return a value, its gradients for all operands as one array, and the gradients of these."""
    arrays = floats(sample)

    def f(*x):
        return joined(np, call(function_of(name), sample, symmetric(name, x)))

    def gradient(*x):
        value, pullback = tn.vjp(f, *x)
        return joined(np, pullback(cotangent(value)))

    first, pullback = tn.vjp(gradient, *arrays)
    return f(*arrays), first, joined(np, pullback(cotangent(first)))


def derivatives_there(name, function, sample):
    """Return the same by autograd, as far as it gets; or the error that stopped it in place of the next."""
    arrays = floats(sample)

    def f(x):
        tensors = symmetric(name, [x[i] for i in range(len(arrays))])
        return joined(autograd.numpy, call(function, sample, tensors))

    def gradient(x):
        pullback, value = make_vjp(f, x)
        return joined(autograd.numpy, pullback(cotangent(value)))
