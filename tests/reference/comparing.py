"""What the comparisons with either engine share: derivatives of order 0 to 2 by ours, and what agreement is."""

import numpy as np

import tinygrad_nn as tn
from tinygrad_nn.testing.case import flat

UNABLE = (
    AssertionError,
    IndexError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    ZeroDivisionError,
)
"""What an engine raises where it knows no rule or no such option, or where its rule is wrong about shapes."""


def never(sample):
    return False


def joined(result):
    """Return a result of several arrays, or Tensors, as one."""
    if not isinstance(result, (tuple, list)):
        return result
    return np.concatenate([np.ravel(x) for x in flat(result) if x.dtype.kind == "f"])


def cotangent(shape):
    return np.asarray(np.random.default_rng(sum(shape)).normal(size=shape))


def derivatives(f, arrays):
    """Return the value of `f`, its gradients for all operands as one array, and the gradients of these."""

    def gradient(*x):
        value, pullback = tn.vjp(f, *x)
        return joined(pullback(cotangent(value.shape)))

    value = tn.vjp(f, *arrays)[0]
    first, pullback = tn.vjp(gradient, *arrays)
    return value, first, joined(pullback(cotangent(first.shape)))


def compare(samples, here, there, is_wrong=never, rtol=1e-9):
    """Compare both engines on samples; `there` yields one order after the other, as far as the other engine gets.

    Returns how many samples were compared for each order, for how many the other engine was wrong, and where and why it
    stopped at the others.
    """
    compared, wrong, stops = [0, 0, 0], 0, []
    for number, sample in enumerate(samples):
        found, theirs = here(sample), there(sample)
        for order in range(3):
            place = f"sample {number}, order {order}"
            try:
                with np.errstate(all="ignore"):  # its way may lead through what ours avoids
                    expected = next(theirs)
            except UNABLE as error:
                stops.append(f"{place}: {error!r}")
                break
            compared[order] += 1
            if is_wrong(sample):
                wrong += not np.allclose(found[order], expected, rtol, atol=1e-11)
            else:
                np.testing.assert_allclose(found[order], expected, rtol, atol=1e-11, err_msg=place, strict=True)
    return compared, wrong, stops
