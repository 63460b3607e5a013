"""`jvp`, `jacobian`, `hessian` and `hvp` against closed forms, and with lists, tuples and dicts of arrays."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.optimize

import tinygrad_nn as tn
from tinygrad_nn import nn
from tinygrad_nn.errors import ArgumentError, DtypeError, ShapeError


class Point(NamedTuple):
    x: Any
    y: Any


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.parametrize("size", [2, 5, 20])
def test_rosenbrock_agrees_with_the_closed_forms_of_scipy(size):
    rng = np.random.default_rng(size)
    x, v = rng.normal(size=size), rng.normal(size=size)
    np.testing.assert_allclose(tn.grad(rosenbrock)(x), scipy.optimize.rosen_der(x), rtol=1e-10)
    np.testing.assert_allclose(tn.hessian(rosenbrock)(x), scipy.optimize.rosen_hess(x), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(tn.hvp(rosenbrock)(x, v), scipy.optimize.rosen_hess_prod(x, v), rtol=1e-10, atol=1e-10)


def test_hvp_is_what_minimize_takes():
    found = scipy.optimize.minimize(
        rosenbrock, np.zeros(4), jac=tn.grad(rosenbrock), hessp=tn.hvp(rosenbrock), method="trust-ncg"
    )
    np.testing.assert_allclose(found.x, np.ones(4), rtol=1e-6)


def test_hvp_hands_on_other_arguments():
    product = tn.hvp(lambda x, a, power: (a * x**power).sum())
    np.testing.assert_allclose(product(np.array([1.0, 2.0]), np.array([1.0, 10.0]), 5.0, power=3), [30, 600])


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Dense(3, 4, activation="tanh", rng=rng), nn.Dense(4, 1, activation="sigmoid", rng=rng))
    x, y = rng.normal(size=(5, 3)), rng.uniform(size=(5, 1))

    def loss(w):
        hidden = np.tanh(x @ np.reshape(w[:12], (3, 4)) + w[12:16])
        return nn.binary_cross_entropy(nn.sigmoid(hidden @ np.reshape(w[16:20], (4, 1)) + w[20]), y)

    return loss, np.concatenate([p.numpy().ravel() for p in model.parameters()])


def test_hessian_of_a_network_is_symmetric_and_hvp_multiplies_by_it(network):
    loss, w = network
    hessian = tn.hessian(loss)(w)
    assert hessian.shape == (21, 21)
    np.testing.assert_allclose(hessian, hessian.T, rtol=0, atol=1e-12)
    for v in np.random.default_rng(1).normal(size=(3, 21)):
        np.testing.assert_allclose(tn.hvp(loss)(w, v), hessian @ v, rtol=0, atol=1e-12)
        step = 1e-5
        numeric = (tn.grad(loss)(w + step * v) - tn.grad(loss)(w - step * v)) / (2 * step)
        np.testing.assert_allclose(hessian @ v, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("rows", [2, 3, 6])
def test_jacobian_of_wide_and_tall_functions(rows):
    rng = np.random.default_rng(rows)
    matrix, x = rng.normal(size=(rows, 3)), rng.normal(size=3)
    np.testing.assert_allclose(
        tn.jacobian(lambda x: np.tanh(matrix @ x))(x), (1 - np.tanh(matrix @ x) ** 2)[:, None] * matrix, rtol=1e-13
    )


@pytest.mark.parametrize(
    "shapes", [((), ()), ((2,), ()), ((), (2,)), ((2, 3), (3,)), ((4,), (2, 1)), ((0,), (2,)), ((2,), (0,))]
)
def test_shape_of_a_jacobian_is_that_of_the_output_followed_by_that_of_the_input(shapes):
    out, inside = shapes
    rng = np.random.default_rng(0)
    tensor = rng.normal(size=(*out, *inside))
    found = tn.jacobian(lambda x: np.tensordot(tensor, x, len(inside)))(rng.normal(size=inside))
    np.testing.assert_allclose(found, tensor)
    assert found.shape == (*out, *inside)


def test_jacobian_by_several_arguments_and_of_several_outputs():
    x, y = np.array([1.0, 2.0]), 3.0
    by_x, by_y = tn.jacobian(lambda x, y: {"product": x * y, "sum": x.sum() + y}, argnums=(0, 1))(x, y)["product"]
    np.testing.assert_array_equal(by_x, 3 * np.eye(2))
    np.testing.assert_array_equal(by_y, x)
    point = Point(x, y)
    of_sum = tn.jacobian(lambda p: (p.x * p.y, p.x.sum() + p.y))(point)[1]
    np.testing.assert_array_equal(of_sum.x, [1, 1])
    np.testing.assert_array_equal(of_sum.y, 1)


def test_hessian_by_several_arguments():
    hessian = tn.hessian(lambda x, y: (x**2 * y).sum(), argnums=(0, 1))
    (by_xx, by_xy), (by_yx, by_yy) = hessian(np.array([1.0, 2.0]), 3.0)
    np.testing.assert_array_equal(by_xx, 6 * np.eye(2))
    np.testing.assert_array_equal(by_xy, [2, 4])
    np.testing.assert_array_equal(by_yx, [2, 4])
    np.testing.assert_array_equal(by_yy, 0)


def test_jacobians_nest():
    assert tn.jacobian(tn.jacobian(tn.jacobian(lambda x: x**4)))(2.0) == 48
    x = np.array([1.0, 2.0, 3.0])
    third = tn.jacobian(tn.hessian(lambda x: x[0] * x[1] * x[2]))(x)
    assert third[0, 1, 2] == third[2, 0, 1] == 1
    assert third.sum() == 6


@pytest.mark.parametrize("order", [1, 2])
def test_jvp_is_the_derivative_along_a_direction(order):
    rng = np.random.default_rng(0)
    matrix, x, v = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=4)

    def f(x):
        return np.tanh(matrix @ x)

    def along(x):
        return tn.jvp(f, (x,), (v,))[1]

    t, d = np.tanh(matrix @ x), matrix @ v
    if order == 1:
        value, tangent = tn.jvp(f, (x,), (v,))
        np.testing.assert_allclose(value, t)
        np.testing.assert_allclose(tangent, (1 - t**2) * d, rtol=1e-13)
    else:
        np.testing.assert_allclose(tn.jvp(along, (x,), (v,))[1], -2 * t * (1 - t**2) * d**2, rtol=1e-12)


def test_jvp_of_trees_and_of_outputs_without_a_gradient():
    (product, places), (tangent, zeros) = tn.jvp(
        lambda p, y: (p["w"] * y, np.argsort(p["w"])), ({"w": np.array([2.0, 1.0])}, 3.0), ({"w": np.ones(2)}, 10.0)
    )
    np.testing.assert_array_equal(product, [6, 3])
    np.testing.assert_array_equal(tangent, [23, 13])
    np.testing.assert_array_equal(places, [1, 0])
    np.testing.assert_array_equal(zeros, [0, 0])


def test_gradient_through_a_jvp():
    assert tn.grad(lambda s: tn.jvp(lambda x: (x * s) ** 2, (1.0,), (1.0,))[1])(3.0) == 12
    assert tn.grad(lambda v: tn.jvp(np.exp, (0.0,), (v,))[1])(3.0) == 1


def test_gradients_of_trees_have_their_form():
    parameters = {"layers": [{"w": np.array([1.0, 2.0]), "b": 0.5}, (np.array(3.0), None)], "scale": 2.0}

    def loss(p, x):
        first, (second, nothing) = p["layers"]
        assert nothing is None
        return ((first["w"] * x + first["b"]) * second).sum() * p["scale"]

    value, gradient = tn.value_and_grad(loss)(parameters, np.array([1.0, 10.0]))
    assert value == 132
    np.testing.assert_array_equal(gradient["layers"][0]["w"], [6, 60])
    assert gradient["layers"][0]["b"] == 12
    assert gradient["layers"][1][0] == 44
    assert gradient["layers"][1][1] is None
    assert gradient["scale"] == 66
    by_parameters, by_x = tn.grad(loss, argnums=(0, 1))(parameters, np.array([1.0, 10.0]))
    np.testing.assert_array_equal(by_x, [6, 12])
    np.testing.assert_array_equal(by_parameters["layers"][0]["w"], [6, 60])


def test_auxiliary_results_are_handed_on_at_the_level_of_the_caller():
    def f(x):
        return (x**2).sum(), {"double": 2 * x, "note": "kept"}

    gradient, aux = tn.grad(f, has_aux=True)(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(gradient, [2, 4])
    assert type(aux["double"]) is np.ndarray
    np.testing.assert_array_equal(aux["double"], [2, 4])
    assert aux["note"] == "kept"
    (value, aux), gradient = tn.value_and_grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert value == 5
    _, pullback, aux = tn.vjp(f, np.array([1.0, 2.0]), has_aux=True)
    np.testing.assert_array_equal(pullback(10.0)[0], [20, 40])
    value, tangent, aux = tn.jvp(f, (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),), has_aux=True)
    assert (value, tangent) == (5, 2)
    # Inside of another transform what is handed on can be differentiated.
    outer = tn.grad(lambda x: tn.grad(f, has_aux=True)(x)[1]["double"].sum())(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(outer, [2, 2])


def test_pullbacks_take_and_return_trees():
    outcome, pullback = tn.vjp(lambda p: {"a": p[0] * 2, "b": [p[1] * 3]}, (np.ones(2), 1.0))
    assert outcome["b"] == [3]
    ((by_first, by_second),) = pullback({"b": (10.0,), "a": np.array([1.0, 2.0])})
    np.testing.assert_array_equal(by_first, [2, 4])
    assert by_second == 30


def test_float32_stays_float32():
    x = np.ones(2, np.float32)
    for found in (
        tn.jacobian(lambda x: x * x)(x),
        tn.jacobian(lambda x: np.concatenate([x, x]))(x),
        tn.hessian(lambda x: (x**3).sum())(x),
        tn.hvp(lambda x: (x**3).sum())(x, x),
        tn.jvp(np.exp, (x,), (np.ones(2),))[1],
    ):
        assert found.dtype == np.float32


class TestRefusals:
    def test_another_form(self):
        with pytest.raises(ArgumentError, match=r"^jvp: expected 'primals' to be a tuple.*got ndarray.*jvp\(f, \(x,\)"):
            tn.jvp(np.exp, np.ones(2), (np.ones(2),))
        with pytest.raises(ArgumentError, match=r"^jvp: expected a tangent of the form \[0\]\['w'\], got \[0\]\['v'\]"):
            tn.jvp(lambda p: p["w"], ({"w": 1.0},), ({"v": 1.0},))
        with pytest.raises(ShapeError, match=r"^hvp: expected a vector of shape \(2,\), got \(3,\)"):
            tn.hvp(rosenbrock)(np.ones(2), np.ones(3))
        with pytest.raises(ShapeError, match=r"a gradient of shape \(2,\) at \['a'\], got \(\)"):
            tn.vjp(lambda x: {"a": x}, np.ones(2))[1]({"a": 1.0})

    def test_whole_numbers_are_named_by_their_path(self):
        with pytest.raises(
            DtypeError, match=r"^grad: expected argument 0\['w'\]\[1\] to have a floating dtype, got int"
        ):
            tn.grad(lambda p: p["w"][0])({"w": [1.0, np.arange(2)]})
        with pytest.raises(ArgumentError, match=r"^grad: expected argument 0\['name'\] to be an array.*got str"):
            tn.grad(lambda p: p["w"])({"w": 1.0, "name": "x"})

    def test_nothing_to_differentiate_by(self):
        with pytest.raises(ArgumentError, match=r"^grad: expected an array, a number or a Tensor.*got none"):
            tn.grad(lambda p: 1.0)([])

    def test_a_missing_auxiliary_result(self):
        with pytest.raises(ArgumentError, match=r"^grad: .*a pair \(result, aux\), as has_aux=True says, got Traced"):
            tn.grad(lambda x: x, has_aux=True)(1.0)

    def test_more_than_one_number(self):
        with pytest.raises(ShapeError, match=r"^hessian: expected .* a single number, got shape \(2,\)"):
            tn.hessian(lambda x: x * 2)(np.ones(2))


# Every transform as a function from f to its derivative, and how many times it differentiates.
DERIVATIVES = {
    "grad": (tn.grad, 1),
    "value_and_grad": (lambda f: lambda x: tn.value_and_grad(f)(x)[1], 1),
    "vjp": (lambda f: lambda x: tn.vjp(f, x)[1](1.0)[0], 1),
    "jvp": (lambda f: lambda x: tn.jvp(f, (x,), (1.0,))[1], 1),
    "jacobian": (tn.jacobian, 1),
    "hessian": (tn.hessian, 2),
    "hvp": (lambda f: lambda x: tn.hvp(f)(x, 1.0), 2),
    "checkpoint": (tn.checkpoint, 0),
}


@pytest.mark.parametrize("inner", DERIVATIVES)
@pytest.mark.parametrize("middle", DERIVATIVES)
@pytest.mark.parametrize("outer", DERIVATIVES)
def test_transforms_nest_in_every_order(outer, middle, inner):
    f, order = np.sin, 0
    for name in (inner, middle, outer):
        transform, orders = DERIVATIVES[name]
        f, order = transform(f), order + orders
    for x in (0.3, np.array(0.3)):
        assert float(np.asarray(f(x))) == pytest.approx(np.sin(0.3 + order * np.pi / 2), rel=1e-12)
