"""Values, gradients and second derivatives against PyTorch, for every operation that both have, under whatever name."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.reference.comparing import compare, cotangent, derivatives, joined, never
from tests.reference.torch_functions import TORCH
from tests.samples import ROWS
from tests.samples.making import case
from tests.test_primitives import function_of
from tinygrad_nn import nn
from tinygrad_nn.testing.case import flat

pytestmark = pytest.mark.reference


def begins_with_number(sample):
    index = sample.options["index"]
    return isinstance(index, tuple) and type(next(iter(index), None)) is int


def is_singular(sample):
    return np.any(np.isclose(np.linalg.det(sample.operands[0]), 0))


# Where PyTorch is known to differ: for which samples, and what it does.
WRONG = {
    "getitem": (begins_with_number, "takes a number beside a list for a slice, which gives another order of axes"),
    "ldexp": (
        lambda sample: np.any(np.array(sample.operands[1]) < 0),
        "rounds 2**-n to the whole number 0 as the slope",
    ),
    "nextafter": (lambda sample: True, "has slope 0, though the result is within one unit of the first operand"),
    "sinc": (lambda sample: 0 in sample.operands[0], "divides 0 by 0 in the second derivative at 0"),
    "det": (is_singular, "divides by the determinant in the second derivative"),
}

MORE_SAMPLES = {  # PyTorch reflects no more elements than there are
    "pad": (case(np.sqrt(np.arange(12.0)).reshape(3, 4), ((1, 2), (2, 1)), "reflect"),),
}

ROUGH = {"hard_sigmoid": 1e-7}  # whose slope is 1/6 in single precision

ONCE = {"hard_sigmoid"}  # has a first derivative only

NOT_IN_TORCH = {
    # parts of others, which are compared
    "determined", "mean_of_runs_rule", "packed_eigh", "packed_qr", "packed_slogdet", "packed_svd",
    "recurrence", "sinc_derivative_rule",
    # no function of this meaning
    "append", "apply_along_axis", "apply_over_axes", "average", "block", "cbrt", "choose", "compress", "delete",
    "ediff1d", "geomspace", "histogram2d", "imag", "insert", "interp", "intersect1d", "linalg_trace",
    "linear_recurrence_rule", "nancumprod", "nancumsum", "nanmax", "nanmin", "nanprod", "nanstd", "nanvar",
    "overlap_add_rule", "partition", "piecewise", "poly", "polyadd", "polyder", "polydiv", "polyfit", "polyint",
    "polymul", "polysub", "polyval", "ptp", "real_if_close", "resize", "rollaxis", "select", "setdiff1d", "setxor1d",
    "trim_zeros", "union1d", "unique_all", "unique_counts", "unique_inverse", "unique_values", "unwrap",
    # no derivative
    "bincount", "full_like", "heaviside", "histogram", "histogramdd", "linspace", "logspace", "unique",
    # which of several values stays at an index that occurs twice is left open
    "assign",
}  # fmt: skip  # one name a line would be a page of names


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def as_one(result):
    """Return a result of several Tensors as one."""
    if not isinstance(result, (tuple, list)):
        return result
    return torch.cat([x.reshape(-1) for x in flat(result) if x.is_floating_point()])


def derivatives_there(f, arrays):
    tensors = [torch.from_numpy(np.array(x)).requires_grad_() for x in arrays]

    def gradient(value):
        if not value.requires_grad:
            return torch.zeros(sum(x.numel() for x in tensors), dtype=value.dtype)
        weights = torch.from_numpy(cotangent(value.shape))
        options = {"create_graph": True, "allow_unused": True, "materialize_grads": True}
        return as_one(torch.autograd.grad(value, tensors, weights, **options))

    value = f(*tensors)
    yield value.detach().numpy()
    first = gradient(value)
    yield first.detach().numpy()
    yield gradient(first).detach().numpy()


# Signs, and which triangle is read, are convention. These functions of operands and results do not depend on it.


def symmetric(name, sample, operands):
    is_read_by_half = name in ("cholesky", "eigh", "eigvalsh") or "hermitian" in sample.options
    return [(x + x.mT) / 2 for x in operands] if is_read_by_half else operands


def outer(x, y):
    """Return the products of each column with the column of the same number."""
    return x[..., :, None, :] * y[..., None, :, :]


def invariant(name, result):
    if name == "qr":
        q, r = result if isinstance(result, tuple) else (result.mT, result)
        return outer(q, r.mT)
    if name == "eigh":
        w, v = result
        return [w, outer(v, v)]
    if name == "svd" and isinstance(result, tuple):
        u, s, vh = result
        return [outer(u, vh.mT), s]
    return result[0] if name == "lstsq" else result


def call_torch(function, sample, tensors):
    rest = iter(tensors)

    def replaced(x):
        if isinstance(x, (tuple, list)):
            return type(x)([replaced(y) for y in x])
        if not isinstance(x, np.ndarray):
            return x
        return next(rest) if x.dtype.kind == "f" else torch.from_numpy(np.array(x))

    return function(*replaced(sample.operands), **sample.options)


def engines(ours, theirs, name=""):
    """Return what computes the derivatives of a sample here, and what computes them there."""

    def here(sample):
        def f(*x):
            return joined(invariant(name, sample.call(ours, symmetric(name, sample, x))))

        return derivatives(f, sample.floats)

    def there(sample):
        def f(*x):
            return as_one(invariant(name, call_torch(theirs, sample, symmetric(name, sample, x))))

        return derivatives_there(f, sample.floats)

    return here, there


@pytest.mark.parametrize("name", TORCH)
def test_derivatives_of_order_0_to_2_are_those_of_torch(name):
    samples = ROWS[name].samples + MORE_SAMPLES.get(name, ())
    is_wrong, _ = WRONG.get(name, (never, ""))
    here, there = engines(function_of(name), TORCH[name], name)
    compared, wrong, stops = compare(samples, here, there, is_wrong, ROUGH.get(name, 1e-9))
    assert all(compared[: 2 if name in ONCE else 3]), stops
    assert wrong or name not in WRONG, "PyTorch is right; take the row out of WRONG"


def test_every_operation_is_compared_or_known_to_be_missing_in_torch():
    assert ROWS.keys() - TORCH.keys() == NOT_IN_TORCH
    assert TORCH.keys() <= ROWS.keys()


# What `nn` has for these operations: bias and padding.


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


CONVOLUTIONS = [
    (nn.conv, functional.conv1d, case(normal(2, 4, 9), normal(6, 2, 3), normal(6), 2, 3, 2, 2)),
    (nn.conv, functional.conv1d, case(normal(1, 2, 5), normal(3, 2, 2), padding="same")),
    (nn.conv, functional.conv1d, case(normal(1, 2, 6), normal(3, 2, 2), padding="same", dilation=3)),
    (nn.conv, functional.conv2d, case(normal(2, 2, 5, 6), normal(3, 2, 2, 3), normal(3), (2, 1), (1, 2), (1, 2))),
    (nn.conv, functional.conv2d, case(normal(2, 2, 3, 4), normal(4, 1, 3, 2), padding="valid", groups=2)),
    (nn.conv, functional.conv3d, case(normal(1, 2, 3, 4, 3), normal(2, 2, 2, 1, 2), normal(2), 1, (0, 1, 1))),
]
TRANSPOSED = [
    (functional.conv_transpose1d, case(normal(2, 4, 3), normal(4, 3, 3), normal(6), stride=3, padding=1, groups=2)),
    (functional.conv_transpose1d, case(normal(1, 2, 3), normal(2, 1, 2), stride=3, output_padding=2, dilation=2)),
    (functional.conv_transpose2d, case(normal(1, 2, 2, 3), normal(2, 3, 3, 2), stride=2, output_padding=(0, 1))),
    (functional.conv_transpose3d, case(normal(1, 1, 2, 2, 2), normal(1, 2, 2, 1, 2), normal(2), padding=(1, 0, 1))),
]
POOLS = [
    (nn.max_pool, functional.max_pool1d, case(normal(2, 2, 7), 3, 2, 1, 2)),
    (nn.max_pool, functional.max_pool2d, case(normal(1, 2, 5, 4), (3, 2), None, (1, 0))),
    (nn.max_pool, functional.max_pool3d, case(normal(1, 1, 3, 4, 4), 2, 1, 1)),
    (nn.avg_pool, functional.avg_pool1d, case(normal(2, 2, 7), 3, 2, 1)),
    (nn.avg_pool, functional.avg_pool2d, case(normal(1, 2, 5, 4), (3, 2), None, (1, 0), count_include_pad=False)),
    (nn.avg_pool, functional.avg_pool3d, case(normal(1, 1, 3, 4, 4), 2, 1, 1)),
]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize(
    ("ours", "theirs", "sample"),
    [*CONVOLUTIONS, *((nn.conv_transpose, *rest) for rest in TRANSPOSED), *POOLS],
)
def test_networks_derivatives_are_those_of_torch(ours, theirs, sample):
    compared, _, stops = compare([sample], *engines(ours, theirs))
    assert compared == [1, 1, 1], stops
