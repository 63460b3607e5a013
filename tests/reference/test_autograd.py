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

from tests.reference.comparing import compare, cotangent, derivatives, joined, never
from tests.samples import ROWS
from tests.samples.making import case
from tests.test_primitives import COMPOSED, OWN, function_of
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
    "var": (has("where", "correction", "mean"), "takes no notice of these options"),
    "std": (has("where", "correction", "mean"), "likewise"),
    "max": (reaches_initial(np.max), "divides 0 by 0 where `initial` is above all elements"),
    "min": (reaches_initial(np.min), "likewise"),
    "norm": (lambda sample: sample.options.get("ord") == math.inf, "takes powers with the exponent infinity: nan"),
    "full_like": (lambda sample: True, "takes the result for a constant, but it is `fill_value` in every place"),
    "sinc": (lambda sample: 0 in sample.operands[0], "divides 0 by 0 at 0"),
    "det": (lambda sample: np.any(np.isclose(np.linalg.det(sample.operands[0]), 0)), "multiplies with the inverse"),
}

MORE_SAMPLES = {"diagonal": (case(np.arange(8.0).reshape(2, 2, 2), 0, -1, -2),)}  # the only axes that it can do


def broadcast_to(a, shape):
    return autograd.numpy.broadcast_to(a, shape)  # whose rule has another name for the shape


ADAPTED = {"broadcast_to": broadcast_to}


def symmetric(name, operands):
    """Return matrices of which one triangle is read as functions of both: which one has the gradient is convention."""
    return [(x + x.swapaxes(-1, -2)) / 2 for x in operands] if name == "eigh" else operands


def spread(function):
    """Return a function of one sequence as one of its elements."""
    return lambda *arrays, **options: function(arrays, **options)


def flat(result):
    return [y for x in result for y in flat(x)] if isinstance(result, (tuple, list, SequenceBox)) else [result]


def as_one(result):
    """Return a result of several arrays as one."""
    if not isinstance(result, (tuple, list, SequenceBox)):
        return result
    return autograd.numpy.concatenate([autograd.numpy.ravel(x) for x in flat(result) if x.dtype.kind == "f"])


def derivatives_there(f, arrays):
    def gradient(x):
        pullback, value = make_vjp(f, x)
        return as_one(pullback(cotangent(np.shape(value))))

    yield f(arrays)
    yield gradient(arrays)
    pullback, first = make_vjp(gradient, arrays)
    yield as_one(pullback(cotangent(first.shape)))


@pytest.mark.parametrize(("name", "function"), PAIRS)
def test_derivatives_of_order_0_to_2_are_those_of_autograd(name, function):
    function = ADAPTED.get(name, spread(function) if name in OWN and OWN[name].is_variadic else function)

    def here(sample):
        f = function_of(name)
        return derivatives(lambda *x: joined(sample.call(f, symmetric(name, x))), sample.floats)

    def there(sample):
        arrays = sample.floats

        def f(x):
            return as_one(sample.call(function, symmetric(name, [x[i] for i in range(len(arrays))])))

        return derivatives_there(f, arrays)

    is_wrong, _ = WRONG.get(name, (never, ""))
    compared, wrong, stops = compare(ROWS[name].samples + MORE_SAMPLES.get(name, ()), here, there, is_wrong)
    assert all(compared), stops
    assert wrong or name not in WRONG, "autograd is right; take the row out of WRONG"


def test_what_autograd_differentiates_is_differentiated_here_unless_it_is_complex():
    theirs = {getattr(function, "fun", None) for function in primitive_vjps}
    theirs = {f for f in theirs if isinstance(f, np.ufunc) or getattr(f, "__module__", None) in HOMES}
    assert len(theirs) > 100
    absent = theirs - RULES.keys() - COMPOSITIONS.keys()
    transforms = {prefix + "fft" + suffix for prefix in ("", "i", "r", "ir") for suffix in ("", "2", "n")}
    assert {f.__name__ for f in absent} == transforms | {"eig", "full"}  # `full` asks its operands for nothing
    assert absent <= REFUSED.keys()
