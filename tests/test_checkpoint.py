"""`checkpoint`, `stop_gradient`, gradients of the user's own, and ``backward(create_graph=True)``."""

import gc
import tracemalloc

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import nn
from tinygrad_nn.errors import BackwardError, GraphReleasedError, InPlaceError


@pytest.fixture
def model():
    rng = np.random.default_rng(0)
    return nn.Sequential(nn.Dense(3, 4, activation="tanh", rng=rng), nn.Dense(4, 2, rng=rng))


X = np.random.default_rng(1).normal(size=(5, 3))


def gradients(model, loss):
    """Return the gradients of input and parameters."""
    model.zero_grad()
    x = tn.Tensor(X, requires_grad=True)
    loss(x).backward()
    return [x.grad, *(p.grad for p in model.parameters())]


def assert_same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


class TestCheckpoint:
    def test_gradients_reach_arguments_and_parameters(self, model):
        expected = gradients(model, lambda x: (model(x) ** 2).sum())
        found = gradients(model, lambda x: (tn.checkpoint(model)(x) ** 2).sum())
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)

    def test_it_nests(self, model):
        first, second = (tn.checkpoint(layer) for layer in model)
        whole = tn.checkpoint(lambda x: second(first(x) * 2.0))
        expected = gradients(model, lambda x: (model[1](model[0](x) * 2.0) ** 2).sum())
        assert_same(gradients(model, lambda x: (whole(x) ** 2).sum()), expected)

    @pytest.mark.parametrize("transform", [tn.grad, tn.hessian, lambda f: tn.jacobian(tn.hessian(f))])
    def test_any_order(self, model, transform):
        def loss(x):
            return (model(x) ** 3).sum()

        np.testing.assert_allclose(
            transform(tn.checkpoint(loss))(X[:1]), transform(loss)(X[:1]), rtol=1e-12, atol=1e-14
        )

    def test_gradient_penalty_reaches_the_parameters(self, model):
        def penalty(f):
            return lambda x: (tn.grad(lambda x: (f(x) ** 2).sum())(x) ** 2).sum()

        assert_same(gradients(model, penalty(tn.checkpoint(model))), gradients(model, penalty(model)))

    def test_forward_derivatives(self, model):
        _, expected = tn.jvp(model, (X,), (np.ones_like(X),))
        np.testing.assert_allclose(tn.jvp(tn.checkpoint(model), (X,), (np.ones_like(X),))[1], expected, rtol=1e-12)

    def test_several_results_and_what_is_no_tensor(self):
        calls = []

        def f(x, *, factor):
            calls.append(factor)
            return x * factor, {"sum": (x * x).sum(), "count": 3}

        x = tn.Tensor([1.0, 2.0], requires_grad=True)
        product, rest = tn.checkpoint(f)(x, factor=2.0)
        assert rest["count"] == 3
        (product.sum() * rest["sum"]).backward()
        np.testing.assert_array_equal(x.grad, [2 * 5 + 6 * 2, 2 * 5 + 6 * 4])
        assert calls == [2.0, 2.0]  # one run more serves both results

    def test_an_argument_that_is_handed_back(self):
        x = tn.Tensor([1.0], requires_grad=True)
        assert tn.checkpoint(lambda x: x)(x) is x

    def test_without_recording_it_runs_once(self):
        calls = []
        x = tn.Tensor([1.0], requires_grad=True)
        with tn.no_grad():
            y = tn.checkpoint(lambda x: calls.append(1) or x * 2.0)(x)
        assert not y.requires_grad
        assert calls == [1]

    def test_it_keeps_no_activations(self):
        rng = np.random.default_rng(0)
        blocks = [nn.Sequential(*(nn.Dense(64, 64, activation="tanh", rng=rng) for _ in range(6))) for _ in range(6)]
        x = rng.normal(size=(2048, 64))

        def peak(wrap):
            gc.collect()
            tracemalloc.start()
            try:
                h = tn.Tensor(x)
                for block in blocks:
                    h = wrap(block)(h)
                (h**2).sum().backward()
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        # 36 activations of 1 MiB, against the 6 between the blocks and the 6 of the block at hand.
        assert peak(tn.checkpoint) < 0.6 * peak(lambda block: block)

    def test_a_second_run_that_differs_is_an_error(self):
        rng = np.random.default_rng(0)
        x = tn.Tensor([1.0], requires_grad=True)
        y = tn.checkpoint(lambda x: x * rng.normal())(x)
        told = r"recorded at .*test_checkpoint\.py:\d+: checkpoint: expected '<lambda>' to compute the same.*random"
        with pytest.raises(BackwardError, match=told):
            y.sum().backward()

    def test_the_same_is_dropped_again_and_drawn_once(self):
        def dropping():
            rng = np.random.default_rng(3)
            return nn.Sequential(
                nn.Dense(3, 4, rng=rng), nn.Dropout(0.4, rng=rng), nn.tanh, nn.Dropout(0.4, rng=rng)
            )  # fmt: skip

        plain, again = dropping(), dropping()
        for _ in range(2):  # the second of which goes on where the first ended
            expected = gradients(plain, lambda x: (plain(x) ** 2).sum())
            found = gradients(again, lambda x: (tn.checkpoint(lambda x: again(x))(x) ** 2).sum())  # noqa: PLW0108 - each call is another function
            assert_same(found, expected)
        assert plain[1].rng.random() == again[1].rng.random()

    def test_averages_move_once(self):
        def normalising():
            rng = np.random.default_rng(3)
            return nn.Sequential(nn.Dense(3, 4, rng=rng), nn.BatchNorm(4), nn.Dropout(0.3, rng=rng), nn.BatchNorm(4))

        plain, again, nested = normalising(), normalising(), normalising()
        inside = [tn.checkpoint(lambda x, layer=layer: layer(x)) for layer in nested]
        for _ in range(2):
            expected = gradients(plain, lambda x: (plain(x) ** 3).sum())
            assert_same(gradients(again, lambda x: (tn.checkpoint(again)(x) ** 3).sum()), expected)

            def chain(x):
                for layer in inside:
                    x = layer(x)
                return x

            assert_same(gradients(nested, lambda x: (tn.checkpoint(chain)(x) ** 3).sum()), expected)
        for model in (again, nested):
            assert model[1].num_batches_tracked.item() == 2
            assert all(np.array_equal(a, b) for a, b in zip(plain.state_dict().values(), model.state_dict().values()))

    def test_each_of_several_backward_passes_drops_the_same(self):
        layer, x = nn.Dropout(0.5, rng=np.random.default_rng(0)), tn.Tensor(np.ones(40), requires_grad=True)
        y = tn.checkpoint(layer)(x)
        for count in (1, 2):
            y.sum().backward(retain_graph=True)
            np.testing.assert_array_equal(x.grad, count * y.numpy())
        dropped = tn.checkpoint(nn.Dropout(0.5, rng=np.random.default_rng(0)))
        second = tn.grad(lambda x: tn.grad(lambda x: (dropped(x) ** 2).sum())(x).sum())(X)
        np.testing.assert_array_equal(second, 2 * nn.Dropout(0.5, rng=np.random.default_rng(0))(np.ones(X.shape)) ** 2)

    @pytest.mark.parametrize(
        ("mode", "told"), [(True, "to compute the same"), (False, "more layers than before draw random numbers")]
    )
    def test_a_mode_that_changed_before_backward_is_an_error(self, mode, told):
        layer = nn.Dropout(0.5, rng=np.random.default_rng(0)).train(mode)
        y = tn.checkpoint(lambda x: layer(x) * 2.0)(tn.Tensor(X, requires_grad=True)).sum()
        layer.train(not mode)
        with pytest.raises(BackwardError, match=told):
            y.backward()

    def test_a_parameter_that_changed_is_an_error(self, model):
        loss = tn.checkpoint(model)(tn.Tensor(X)).sum()
        model[0].weight.data[0, 0] += 1
        with pytest.raises(InPlaceError, match=r"changed in place after 'checkpoint'"):
            loss.backward()

    def test_backward_again(self, model):
        x = tn.Tensor(X, requires_grad=True)
        loss = tn.checkpoint(model)(x).sum()
        loss.backward(retain_graph=True)
        first = x.grad
        loss.backward()
        np.testing.assert_allclose(x.grad, 2 * first)
        with pytest.raises(GraphReleasedError):
            loss.backward()

    def test_it_is_one_operation_in_a_picture(self, model):
        loss = tn.checkpoint(model)(tn.Tensor(X)).sum()
        labels = [node.label for node in tn.graph.trace(loss).nodes if node.kind == "operation"]
        assert any(label.startswith("checkpoint") for label in labels)
        assert len(labels) == 2

    def test_gradcheck(self):
        f = tn.checkpoint(lambda x, y: np.exp(x * y).sum(axis=0))
        assert tn.gradcheck(f, [np.array([[0.1, 0.2]]), np.array([0.3, 0.4])], order=2)


class TestStopGradient:
    def test_it_is_a_constant_for_every_order(self):
        assert tn.grad(lambda x: x * tn.stop_gradient(x))(3.0) == 3
        assert tn.grad(tn.grad(lambda x: x**2 * tn.stop_gradient(x)))(3.0) == 6
        assert tn.jvp(lambda x: x * tn.stop_gradient(x), (3.0,), (1.0,))[1] == 3
        assert tn.grad(lambda x: tn.grad(lambda y: y * tn.stop_gradient(x * y))(2.0))(3.0) == 0

    def test_trees_and_what_is_no_tensor(self):
        x = tn.Tensor([1.0], requires_grad=True)
        stopped = tn.stop_gradient({"x": [x], "n": 3})
        assert stopped["n"] == 3
        assert not stopped["x"][0].requires_grad


class TestCreateGraph:
    def test_derivatives_of_a_power_one_after_the_other(self):
        w = tn.Tensor(2.0, requires_grad=True)
        found = []
        value = w**4
        for _ in range(4):
            w.zero_grad()
            value.backward(create_graph=True)
            value = w.grad
            found.append(value.item())
        w.zero_grad()
        assert found == [32, 48, 48, 24]

    @pytest.mark.parametrize("wrap", [lambda f: f, tn.checkpoint], ids=["plain", "checkpoint"])
    def test_gradient_penalty_is_that_of_grad(self, model, wrap):
        f = wrap(lambda x: (model(x) ** 2).sum())

        def penalty(x):
            f(x).backward(create_graph=True)
            gradient = x.grad
            x.zero_grad()
            model.zero_grad()
            return (gradient**2).sum()

        expected = gradients(model, lambda x: (tn.grad(lambda x: (model(x) ** 2).sum())(x) ** 2).sum())
        assert_same(gradients(model, penalty), expected)

    def test_the_gradient_that_is_handed_in_is_differentiated_too(self):
        x, u = tn.Tensor([1.0, 2.0], requires_grad=True), tn.Tensor([3.0, 4.0], requires_grad=True)
        (x**3).backward(u, create_graph=True)
        x.grad.sum().backward()
        np.testing.assert_array_equal(u.grad, [3, 12])

    def test_masks_indices_and_constants_are_run_again_as_they_were(self):
        x = tn.Tensor([1.0, -2.0, 3.0], requires_grad=True)
        y = np.where(x > 0, x**3, x * 2.0)[[0, 2, 2]] @ np.array([1.0, 2.0, 3.0])
        y.backward(create_graph=True)
        gradient = x.grad
        x.zero_grad()
        np.testing.assert_array_equal(gradient.numpy(), [3, 0, 5 * 27])
        gradient.sum().backward()
        np.testing.assert_array_equal(x.grad, [6, 0, 5 * 18])

    def test_it_accumulates(self):
        w = tn.Tensor([2.0], requires_grad=True)
        for _ in range(2):
            (w**2).sum().backward(create_graph=True)
        assert w.grad.item() == 8
        w.zero_grad()

    def test_the_graph_stays_whole_and_a_released_one_is_refused(self):
        w = tn.Tensor([2.0], requires_grad=True)
        y = np.exp(w).sum()
        y.backward(create_graph=True)
        w.zero_grad()
        y.backward()
        with pytest.raises(GraphReleasedError):
            y.backward(create_graph=True)


class TestGradientsOfTheUsersOwn:
    def test_a_gradient_that_is_reversed_and_one_that_is_straight_through(self):
        @tn.primitive
        def reversed_gradient(a):
            return a, np.negative

        @tn.primitive
        def binarized(a):
            return np.where(a > 0, 1.0, -1.0), lambda g: g

        assert tn.grad(lambda x: reversed_gradient(x) * 3.0)(2.0) == -3
        np.testing.assert_array_equal(tn.grad(lambda x: (binarized(x) * x).sum())(np.array([2.0, -3.0])), [3, -4])

    def test_a_fixed_point_by_the_implicit_function_theorem(self):
        @tn.primitive
        def square_root(a):
            """Return the x with ``a / x = x``, found by iteration, with the derivative of the equation."""
            x = np.ones_like(np.add(a, 0.0))
            for _ in range(60):
                x = (x + a / x) / 2
            return x, lambda g: g / (2 * x)

        for order, expected in enumerate([np.sqrt(2), 0.5 / np.sqrt(2), -0.25 / 2**1.5, 0.375 / 2**2.5]):
            f = square_root
            for _ in range(order):
                f = tn.grad(f)
            assert float(np.asarray(f(2.0))) == pytest.approx(expected, rel=1e-12)

    def test_it_composes_with_the_transforms(self):
        @tn.primitive
        def cube(a):
            return a**3, lambda g: g * 3 * a**2

        x = np.array([1.0, 2.0])
        np.testing.assert_array_equal(tn.hessian(lambda x: cube(x).sum())(x), np.diag(6 * x))
        np.testing.assert_array_equal(tn.jvp(tn.checkpoint(cube), (x,), (x,))[1], 3 * x**3)
        np.testing.assert_array_equal(tn.hvp(lambda x: tn.checkpoint(cube)(x).sum())(x, x), 6 * x**2)


def test_outputs_may_share_operations():
    def pair(x):
        h = np.tanh(x)
        return h * x, h + x

    a, b = (tn.Tensor([0.5, -1.0], requires_grad=True) for _ in range(2))
    (u, v), (p, q) = tn.checkpoint(pair)(a), pair(b)
    (u.sum() + 2 * v.sum()).backward()
    (p.sum() + 2 * q.sum()).backward()
    np.testing.assert_allclose(a.grad, b.grad, rtol=1e-14)
