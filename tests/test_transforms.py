"""`vjp`, `grad` and `value_and_grad`: values, nesting to any order, levels that do not mix, and what is refused."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import nn
from tinygrad_nn.errors import ArgumentError, BackwardError, DtypeError, InPlaceError, ShapeError


def nth_derivative(f, order):
    for _ in range(order):
        f = tn.grad(f)
    return f


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (0, lambda t: t),
        (1, lambda t: 1 - t**2),
        (2, lambda t: -2 * t + 2 * t**3),
        (3, lambda t: -2 + 8 * t**2 - 6 * t**4),
        (4, lambda t: 16 * t - 40 * t**3 + 24 * t**5),
        (5, lambda t: 16 - 136 * t**2 + 240 * t**4 - 120 * t**6),
    ],
)
def test_derivatives_of_tanh_agree_with_the_closed_form(order, expected):
    assert nth_derivative(np.tanh, order)(0.3) == pytest.approx(expected(np.tanh(0.3)), rel=1e-12)


def test_third_derivative_of_a_power():
    assert nth_derivative(lambda x: x**4, 3)(3.0) == 72
    assert nth_derivative(lambda x: x**4, 5)(3.0) == 0


def test_an_inner_derivative_does_not_see_the_outer_variable():
    assert tn.grad(lambda x: tn.grad(lambda y: x * y)(1.0))(3.0) == 1
    assert tn.grad(lambda x: x * tn.grad(lambda y: x + y)(1.0))(3.0) == 1
    assert tn.grad(lambda x: x * tn.grad(lambda y: x)(1.0))(3.0) == 0
    assert tn.grad(lambda x: tn.grad(lambda y: x * x * y)(x))(3.0) == 6
    assert tn.grad(lambda x: tn.grad(lambda y: tn.grad(lambda z: x * y * z)(1.0) * y)(2.0))(3.0) == 4


def test_mixed_second_derivative():
    def f(x, y):
        return np.exp(x * y)

    mixed = tn.grad(tn.grad(f, argnums=0), argnums=1)(0.5, 2.0)
    assert mixed == pytest.approx(np.exp(1.0) * (1 + 1.0))


def test_hessian_by_nesting_is_that_of_a_quadratic_form():
    matrix = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 4.0]])
    gradient = tn.grad(lambda x: x @ matrix @ x / 2)
    x = np.array([1.0, -2.0, 0.5])
    rows = [tn.grad(lambda x, i=i: gradient(x)[i])(x) for i in range(3)]
    np.testing.assert_allclose(gradient(x), matrix @ x, rtol=1e-14)
    np.testing.assert_allclose(rows, matrix, rtol=1e-14, atol=1e-14)


def test_arrays_give_arrays_of_their_own_and_tensors_give_tensors():
    x = np.ones(3)
    value, gradient = tn.value_and_grad(lambda x: x.sum())(x)
    assert type(value) is type(gradient) is np.ndarray
    gradient += 1  # writable, and nobody else's
    np.testing.assert_array_equal(tn.grad(lambda x: x.sum())(x), np.ones(3))
    value, gradient = tn.value_and_grad(lambda x: x.sum())(tn.Tensor(x))
    assert isinstance(value, tn.Tensor)
    assert isinstance(gradient, tn.Tensor)


def test_gradient_with_respect_to_a_tensor_can_be_differentiated():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    gradient = tn.grad(lambda x: (x**3).sum())(x)
    (gradient * np.array([1.0, 10.0])).sum().backward()
    np.testing.assert_allclose(x.grad, [6, 120])


def test_a_number_may_be_whole_and_keeps_no_dtype_but_the_default():
    gradient = tn.grad(lambda x: x * x)(3)
    assert gradient == 6
    assert gradient.dtype == np.float64
    assert gradient.shape == ()


def test_float32_stays_float32():
    value, gradient = tn.value_and_grad(lambda x: np.tanh(x).sum() * 2.0)(np.ones(3, np.float32))
    assert value.dtype == gradient.dtype == np.float32
    _, pullback = tn.vjp(np.tanh, np.ones(3, np.float32))
    assert pullback(np.ones(3))[0].dtype == np.float32


def test_argnum_counts_from_both_ends_and_takes_several():
    def f(x, y, *, scale):
        return scale * (x * y * y).sum()

    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    np.testing.assert_array_equal(tn.grad(f, argnums=-1)(x, y, scale=10), 20 * x * y)
    by_x, by_y = tn.grad(f, argnums=(0, 1))(x, y, scale=10)
    np.testing.assert_array_equal(by_x, 10 * y * y)
    np.testing.assert_array_equal(by_y, 20 * x * y)


def test_other_arguments_are_handed_over_as_they_are():
    seen = []
    tn.grad(lambda x, options: seen.append(options) or x)(1.0, ["anything"])
    assert seen == [["anything"]]


def test_missing_gradients_are_zeros():
    outputs, pullback = tn.vjp(lambda x, y: (x * 2, np.ones(3)), np.ones(2), np.ones((2, 2)))
    assert [output.shape for output in outputs] == [(2,), (3,)]
    by_x, by_y = pullback((np.ones(2), np.ones(3)))
    np.testing.assert_array_equal(by_x, [2, 2])
    np.testing.assert_array_equal(by_y, np.zeros((2, 2)))
    np.testing.assert_array_equal(tn.grad(lambda x: tn.Tensor(1.0))(np.ones(2)), np.zeros(2))


def test_vjp_of_a_matrix_product_is_the_transposed_jacobian():
    rng = np.random.default_rng(0)
    matrix, x, u = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=4)
    value, pullback = tn.vjp(lambda x: matrix @ x, x)
    np.testing.assert_allclose(value, matrix @ x)
    np.testing.assert_allclose(pullback(u)[0], u @ matrix)


def test_a_pullback_may_be_called_again_and_keeps_no_gradient_of_the_last_call():
    _, pullback = tn.vjp(lambda x: np.tanh(x * x), np.array([0.1, 0.2]))
    first = pullback(np.array([1.0, 0.0]))[0]
    pullback(np.array([5.0, 5.0]))
    np.testing.assert_array_equal(pullback(np.array([1.0, 0.0]))[0], first)


def test_a_pullback_is_differentiable_in_its_argument_and_in_the_inputs():
    def pulled(x, u):
        return (tn.vjp(lambda x: x**3, x)[1](u)[0]).sum()

    x, u = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    by_x, by_u = tn.grad(pulled, argnums=(0, 1))(x, u)
    np.testing.assert_allclose(by_x, 6 * x * u)
    np.testing.assert_allclose(by_u, 3 * x * x)


def test_two_pullbacks_make_a_product_of_the_jacobian_and_a_vector():
    rng = np.random.default_rng(0)
    matrix, x, v = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=4)

    def f(x):
        return np.tanh(matrix @ x)

    _, transposed = tn.vjp(lambda u: tn.vjp(f, x)[1](u)[0], np.zeros(3))
    np.testing.assert_allclose(transposed(v)[0], (1 - f(x) ** 2) * (matrix @ v), rtol=1e-14)


def test_results_do_not_share_memory_with_one_another_or_with_the_arguments():
    x, u = np.ones(2), np.ones(2)
    (value, same), pullback = tn.vjp(lambda x, y: (x + y, x), x, x)
    gradients = pullback((u, u))
    arrays = [x, u, value, same, *gradients]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_the_input_may_be_overwritten_between_the_value_and_the_gradient():
    x = np.array([1.0, 2.0])
    _, pullback = tn.vjp(lambda x: x * x, x)
    x[:] = 100
    np.testing.assert_array_equal(pullback(np.ones(2))[0], [2, 4])


def penalty(model, x):
    gradient = tn.grad(lambda x: (model(x) ** 2).sum())(tn.Tensor(x, requires_grad=True))
    return (gradient**2).sum()


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "softmax", None])
def test_gradient_penalty_reaches_the_parameters(activation):
    rng = np.random.default_rng(1)
    model = nn.Sequential(nn.Dense(3, 4, activation=activation, rng=rng), nn.Dense(4, 2, rng=rng))
    x = rng.normal(size=(5, 3))
    penalty(model, x).backward()
    for parameter in model.parameters():
        direction = rng.normal(size=parameter.shape)
        original, values = parameter.numpy(), []
        for step in (1e-5, -1e-5):
            parameter.data = original + step * direction
            values.append(penalty(model, x).item())
        parameter.data = original
        assert np.sum(parameter.grad * direction) == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-6)


def test_parameters_get_no_gradient_from_a_transform_itself():
    model = nn.Dense(2, 1, rng=np.random.default_rng(0))
    tn.grad(lambda x: model(x).sum())(np.ones((3, 2)))
    assert model.weight.grad is None


@pytest.mark.parametrize("change", ["step", "data", "input"])
def test_a_pullback_refuses_parameters_that_have_changed_since(change):
    weight = tn.Tensor([[2.0]], requires_grad=True)
    x = tn.Tensor([[1.0]], requires_grad=True)
    _, pullback = tn.vjp(lambda x: np.tanh(x @ weight), x)
    if change == "step":
        weight.grad = np.ones((1, 1))
        tn.optim.SGD([weight], lr=0.1).step()
    else:
        (weight if change == "data" else x).data[0, 0] = 5
    with pytest.raises(InPlaceError, match=r"changed in place after 'matmul'.*or call vjp again"):
        pullback(np.ones((1, 1)))


def test_backward_works_inside_of_a_transform_on_tensors_of_its_own():
    def f(x):
        w = tn.Tensor(2.0, requires_grad=True)
        (w * w).backward()
        return x * float(w.grad)

    assert tn.grad(f)(1.0) == 4


def test_under_no_grad_a_transform_still_differentiates_but_its_result_requires_no_gradient():
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    with tn.no_grad():
        gradient = tn.grad(lambda x: (x**2).sum())(x)
    np.testing.assert_array_equal(gradient.numpy(), [2, 4])
    assert not gradient.requires_grad


def test_no_grad_inside_of_the_function_cuts_the_gradient():
    def f(x):
        with tn.no_grad():
            constant = x * x
        return constant * x

    assert tn.grad(f)(3.0) == 9


def test_comparisons_branches_and_loops_follow_the_values():
    def f(x):
        while x < 100:
            x = x * x if x > 2 else x + 1
        return x

    assert tn.grad(f)(1.5) == pytest.approx(8 * 2.5**7)  # (x + 1)^8


def test_threads_do_not_disturb_one_another():
    results = {}
    barrier = threading.Barrier(4)

    def work(n):
        def f(x):
            barrier.wait(10)  # all are inside of their transform now
            return x**n

        results[n] = tn.grad(f)(2.0)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: n * 2.0 ** (n - 1) for n in range(1, 5)}


def test_a_tensor_of_a_transform_is_refused_in_a_thread_that_knows_nothing_of_it_and_after_its_end():
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(BackwardError, match=r"contextvars\.copy_context"):
            tn.grad(lambda x: pool.submit(lambda: x * 2.0).result())(3.0)
        assert tn.grad(lambda x: pool.submit(copy_context().run, lambda: x * x).result())(3.0) == 6
    kept = []
    tn.grad(lambda x: kept.append(x) or x)(1.0)
    with pytest.raises(BackwardError, match="inside of the transform"):
        kept[0] * 2.0
    assert "1." in repr(kept[0])


def test_a_function_that_fails_leaves_no_transform_under_way():
    with pytest.raises(ZeroDivisionError):
        tn.grad(lambda x: 1 / 0)(1.0)
    assert type(tn.grad(lambda x: x)(1.0)) is np.ndarray


class TestRefusals:
    def test_more_than_one_number(self):
        with pytest.raises(ShapeError, match=r"^grad: expected .* a single number, got shape \(2,\)\. Reduce it"):
            tn.grad(lambda x: x * 2)(np.ones(2))
        with pytest.raises(ShapeError, match=r"^value_and_grad: "):
            tn.value_and_grad(lambda x: x * 2)(np.ones(2))

    @pytest.mark.parametrize("f", [lambda x: 3.0, lambda x: x.numpy(), lambda x: x.item(), lambda x: None])
    def test_a_result_that_is_no_tensor(self, f):
        with pytest.raises(
            ArgumentError, match=r"^grad: expected the function to return a Tensor made from its arguments"
        ):
            tn.grad(f)(1.0)
        with pytest.raises(ArgumentError, match=r"^vjp: expected the function to return a Tensor"):
            tn.vjp(f, 1.0)

    def test_whole_numbers_in_an_array(self):
        with pytest.raises(DtypeError, match=r"^grad: expected argument 0 to have a floating dtype, got int64"):
            tn.grad(lambda x: x.sum())(np.arange(3))

    def test_an_argument_that_is_no_array(self):
        with pytest.raises(ArgumentError, match=r"^grad: expected argument 1 to be an array.*got str"):
            tn.grad(lambda x, y: x, argnums=1)(1.0, "y")

    def test_an_argnum_that_is_not_there(self):
        with pytest.raises(ArgumentError, match=r"^grad: expected 'argnums' to name one of the 1 positional.*got 1"):
            tn.grad(lambda x: x, argnums=1)(1.0)

    def test_a_gradient_of_another_shape(self):
        _, pullback = tn.vjp(lambda x: x * 2, np.ones(2))
        with pytest.raises(ShapeError, match=r"a gradient of shape \(2,\), got \(3,\)\. Reshape it"):
            pullback(np.ones(3))

    def test_too_few_gradients(self):
        _, pullback = tn.vjp(lambda x: (x, x), np.ones(2))
        with pytest.raises(ArgumentError, match=r"a gradient of the form \[0\], \[1\], got a single array"):
            pullback(np.ones(2))


def test_backward_inside_of_a_transform_is_told():
    def f(x):
        y = x * x
        y.backward()
        return y

    with pytest.raises(BackwardError, match="expected to be called outside of transforms"):
        tn.grad(f)(1.0)


def test_a_pullback_called_without_recording_first_is_differentiable_afterwards():
    layer = nn.Dense(2, 2, activation="tanh", rng=np.random.default_rng(0))
    x, seed = tn.Tensor(np.ones((1, 2)), requires_grad=True), tn.Tensor(np.ones((1, 2)))
    _, pullback = tn.vjp(layer, x)
    with tn.no_grad():
        pullback(seed)
    (gradient,) = pullback(seed)
    gradient.sum().backward()
    expected = tn.grad(lambda x: tn.grad(lambda x: layer(x).sum())(x).sum())(np.ones((1, 2)))
    np.testing.assert_allclose(x.grad, expected, rtol=1e-12)
