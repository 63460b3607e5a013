"""Tensors among arrays, numbers and the arrays of other libraries."""

import operator
from typing import NamedTuple

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn.errors import DtypeError, UnsupportedError

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
OTHERS = [2, 2.5, True, np.float64(2.5), np.float32(2.5), np.int64(2), np.array(2.5), np.array([2.0, 3.0]), [2.0, 3.0]]


@pytest.mark.parametrize("other", OTHERS, ids=lambda x: f"{type(x).__name__} {x}")
@pytest.mark.parametrize("operation", ARITHMETIC, ids=lambda f: f.__name__)
def test_numbers_and_arrays_on_either_side_mean_what_numpy_means(operation, other):
    for dtype in (np.float64, np.float32):
        values = np.array([1.5, 0.5], dtype)
        for f in (lambda x: operation(x, other), lambda x: operation(other, x)):
            x = tn.Tensor(values, requires_grad=True)
            found, expected = f(x), f(values)
            assert isinstance(found, tn.Tensor)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found.numpy(), expected)
            found.sum().backward()
            step = 1e-6
            numeric = (f(values.astype(float) + step) - f(values.astype(float) - step)) / (2 * step)
            np.testing.assert_allclose(x.grad, numeric, rtol=1e-5)


@pytest.mark.parametrize("other", OTHERS, ids=lambda x: f"{type(x).__name__} {x}")
@pytest.mark.parametrize(
    "comparison",
    [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne],
    ids=lambda f: f.__name__,
)
def test_comparisons_are_arrays_of_bools(comparison, other):
    values = np.array([2.0, 2.5])
    x = tn.Tensor(values, requires_grad=True)
    for found, expected in (
        (comparison(x, other), comparison(values, other)),
        (comparison(other, x), comparison(other, values)),
    ):
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "operation",
    [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift, operator.floordiv],
    ids=lambda f: f.__name__,
)
def test_whole_numbers_and_their_bits(operation):
    a, b = np.array([5, 6]), np.array([1, 2])
    for x, y in ((tn.Tensor(a), b), (a, tn.Tensor(b)), (tn.Tensor(a), tn.Tensor(b))):
        np.testing.assert_array_equal(np.asarray(operation(x, y)), operation(a, b))
    np.testing.assert_array_equal(np.asarray(operation(tn.Tensor(a), 2)), operation(a, 2))
    np.testing.assert_array_equal(np.asarray(operation(20, tn.Tensor(b))), operation(20, b))
    np.testing.assert_array_equal(~tn.Tensor([True, False]), [False, True])


class Exchanging:
    """What another library's array offers."""

    def __init__(self, array):
        self.array = array


class WithArray(Exchanging):
    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype)


class WithDlpack(Exchanging):
    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@pytest.mark.parametrize("kind", [WithArray, WithDlpack])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_a_tensor_is_made_from_what_offers_an_array(kind, dtype):
    source = np.array([1, 2], dtype)
    tensor = tn.Tensor(kind(source))
    source[0] = 9
    assert tensor.tolist() == [1, 2]
    assert tensor.dtype == dtype


def test_a_constant_is_handed_to_other_libraries_and_a_gradient_is_not_lost():
    tensor = tn.Tensor([1.0, 2.0])
    taken = np.from_dlpack(tensor)
    np.testing.assert_array_equal(taken, [1, 2])
    assert not np.shares_memory(taken, tensor.data)
    with pytest.raises(UnsupportedError, match=r"t\.detach\(\)"):
        np.from_dlpack(tn.Tensor([1.0], requires_grad=True))


def test_complex_numbers_are_refused_at_every_door():
    x = tn.Tensor([1.0], requires_grad=True)
    for door in (
        lambda: tn.Tensor(1j),
        lambda: tn.Tensor([1.0], dtype=complex),
        lambda: x * 1j,
        lambda: 1j * x,
        lambda: x + np.array([1j]),
        lambda: np.array([1j]) @ x,
        lambda: np.where([True], x, 1j),
        lambda: x.astype(complex),
        lambda: np.sum(x, dtype=complex),
        lambda: tn.grad(lambda z: z)(1j),
        lambda: tn.vjp(lambda z: z, np.array([1j])),
    ):
        with pytest.raises((DtypeError, UnsupportedError), match=r"(?i)complex|real numbers"):
            door()


def test_structured_and_object_arrays_are_refused():
    for data in (np.array([object()]), np.array(["a"]), np.array([(1, 2.0)], "i,f"), "text", None, {1: 2}):
        with pytest.raises(DtypeError, match="expected real numbers"):
            tn.Tensor(data)


def test_numpy_functions_without_dispatch_do_not_lose_a_gradient_in_silence():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    for function in (np.asarray, np.array, np.asanyarray, np.ascontiguousarray, lambda t: np.full((2,), t)):
        with pytest.raises(UnsupportedError, match=r"t\.numpy\(\)"):
            function(x)
    array = np.zeros(2)
    with pytest.raises(UnsupportedError, match="x = x \\+ t"):
        array += x
    with pytest.raises(UnsupportedError, match=r"t\.numpy\(\)"):
        array[:] = x


def test_a_named_tuple_is_an_index_as_any_tuple_is():
    class Place(NamedTuple):
        row: int
        column: int

    x = tn.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    x[Place(1, 2)].backward()
    assert x.grad[1, 2] == x.grad.sum() == 1
    assert np.array_equal(Place(1, 2), tn.Tensor([1, 2]))
