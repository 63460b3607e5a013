"""`find_culprits`: what it names, how it says so, and what it leaves alone. (`tests/planted` has the galleries.)"""

import cProfile
import time
from pathlib import Path

import numpy as np
import pytest

import tinygrad_nn as tn
from tests.samples import ROWS as SAMPLES
from tinygrad_nn import nn
from tinygrad_nn.checking.culprit import find_culprits
from tinygrad_nn.checking.detached import find_detached
from tinygrad_nn.errors import GradientMismatch, ShapeError
from tinygrad_nn.primitive import PRIMITIVES
from tinygrad_nn.recording import record
from tinygrad_nn.tensor import raw

RNG = np.random.default_rng(2)
ROWS, ROW = RNG.normal(size=(4, 3)), RNG.normal(size=3)


def leaf(x):
    return tn.Tensor(x, requires_grad=True)


INNER = {
    "grad": lambda f, x: tn.grad(lambda t: np.sum(f(t)))(x),
    "vjp": lambda f, x: tn.vjp(f, x)[1](np.ones(x.shape))[0],
    "jvp": lambda f, x: tn.jvp(f, (x,), (np.ones(x.shape),))[1],
    "jacobian": lambda f, x: tn.jacobian(f)(x),
    "value_and_grad": lambda f, x: tn.value_and_grad(lambda t: np.sum(f(t)))(x)[1],
}


def culprits(f, *arrays, order=1):
    result = f(*map(leaf, arrays))
    return find_culprits(result._node, rng=np.random.default_rng(0), order=order)


def error(rule, *arrays):
    """Return what is said of a wrong rule, in a sum."""
    (culprit,) = culprits(lambda *x: np.sum(np.tanh(tn.primitive(rule)(*x))), *arrays)
    return culprit.error


@tn.primitive
def scale(a, factor):
    return a * factor, lambda g: 1.5 * g * factor, lambda g: g * a


class TestText:
    def test_it_names_node_line_operand_error_and_rule(self, monkeypatch):
        monkeypatch.chdir(Path(__file__).parent)
        (culprit,) = culprits(lambda x, w: np.sum(np.tanh(scale(np.exp(x), w))), ROWS, ROW)  # the line that is named
        here = Path(__file__).read_text().splitlines()
        recorded = next(i for i, line in enumerate(here, 1) if "the line that is named" in line)
        mended = next(i for i, line in enumerate(here, 1) if "1.5 * g * factor, lambda" in line)
        assert str(culprit) == (
            f"node 3 scale (test_culprit.py:{recorded}), operand 0: gradient is 1.500 times the true one everywhere; "
            f"rule at test_culprit.py:{mended}"
        )
        assert culprit.operand_name == "a"

    def test_a_closure_is_named_by_its_own_line(self):
        @tn.primitive
        def two_lines(a, b):
            return (
                a * b,
                lambda g: g * b,
                lambda g: -g * a,  # wrong here
            )

        (culprit,) = culprits(lambda a, b: np.sum(two_lines(a, b)), ROWS, ROWS + 1)
        line = int(culprit.rule.rpartition(":")[2])
        assert "# wrong here" in Path(__file__).read_text().splitlines()[line - 1]

    def test_a_closure_from_elsewhere_is_named_by_its_rule(self):
        from tinygrad_nn.primitive import vanishing

        @tn.primitive
        def no_line(a):
            return 2 * a, vanishing

        (culprit,) = culprits(lambda a: np.sum(no_line(a)), ROWS)
        line = int(culprit.rule.rpartition(":")[2])
        assert "@tn.primitive" in Path(__file__).read_text().splitlines()[line - 1]
        assert culprit.error == "gradient is zero everywhere"

    def test_the_users_name_and_the_path_of_the_module(self):
        class Scale(nn.Module):
            def forward(self, x):
                return scale(x, 2.0)

        class Net(nn.Module):
            def __init__(self):
                self.inner = Scale()

            def forward(self, x):
                return np.sum(self.inner(x))

        net = Net()
        x = leaf(ROWS)
        (culprit,) = find_culprits(net(x)._node, rng=np.random.default_rng(0))
        assert "inner" in culprit.name
        named = scale(x, 2.0)
        named.name = "stretched"
        (culprit,) = find_culprits(np.sum(named)._node, rng=np.random.default_rng(0))
        assert str(culprit).startswith("node 1 scale 'stretched' (")


class TestWhatItFinds:
    def test_all_of_several(self):
        found = culprits(lambda x, w: np.sum(scale(np.tanh(scale(x, w)), w)), ROWS, ROW)
        assert [(culprit.number, culprit.operation, culprit.operand) for culprit in found] == [
            (2, "scale", 0),
            (4, "scale", 0),
        ]

    def test_several_results(self):
        x = leaf(ROWS)
        first, second = scale(x, 2.0), np.exp(x)
        assert len(find_culprits(first._node, second._node, rng=np.random.default_rng(0))) == 1

    def test_one_among_hundreds_that_is_wrong_only_for_some_values(self):
        @tn.primitive
        def square(a):
            return a * a, lambda g: g * np.clip(2 * a, -9, 9)

        def f(x):
            for k in range(200):
                x = square(x + (5.0 if k == 150 else 0.0)) * 0.01 + 0.5
            return np.sum(x)

        begin = time.perf_counter()
        (culprit,) = culprits(f, ROWS)
        assert time.perf_counter() - begin < 10  # it takes about one second; this is for a machine that is busy
        assert culprit.operation == "square"
        assert culprit.number == 1 + 4 * 150 + 1

    def test_an_error_in_a_tiny_element_where_nothing_else_is_wrong(self):
        @tn.primitive
        def cube(a):
            return a**3, lambda g: g * 3 * a**2 * np.array([2.0, 1.0])

        (culprit,) = culprits(lambda x: np.sum(cube(x)), np.array([0.02, 10.0]))
        assert culprit.operation == "cube"

    def test_an_error_in_a_tiny_element_beside_another_culprit(self):
        @tn.primitive
        def cube(a):
            factor = np.ones(a.shape)
            factor[17] = 2.0
            return a**3, lambda g: g * 3 * a**2 * factor

        x = np.linspace(8.0, 10.0, 100)
        x[17] = 0.02
        found = culprits(lambda x: np.sum(cube(x)) + np.sum(scale(x, 2.0)), x)
        assert [(culprit.operation, culprit.operand) for culprit in found] == [("cube", 0), ("scale", 0)]

    def test_in_the_third_order(self):
        @tn.primitive
        def quartic(a):  # the gradient is right, and so is its derivative, as long as `fixed` is `a`
            fixed = raw(a)
            return a**4, lambda g: g * (6 * fixed * a**2 - 2 * fixed**3) if isinstance(a, tn.Tensor) else g * 4 * a**3

        def f(x):
            return np.sum(np.tanh(quartic(x)))

        assert tn.gradcheck(f, [ROW], order=2)
        report = tn.gradcheck(f, [ROW], order=3, raises=False)
        (culprit,) = report.culprits
        assert (culprit.operation, culprit.operand, culprit.order) == ("quartic", 0, 3)
        assert ", operand 0, in order 3: derivative by " in str(culprit)

    @pytest.mark.parametrize("derivative", INNER)
    def test_inside_of_an_inner_derivative(self, derivative):
        @tn.primitive
        def cube(a):
            fixed = raw(a)
            return a**3, lambda g: g * 3 * a * fixed

        report = tn.gradcheck(lambda x: INNER[derivative](cube, x), [ROW], raises=False)
        (culprit,) = report.culprits
        assert (culprit.operation, culprit.operand, culprit.number) == ("cube", 0, None)
        assert str(culprit).startswith("cube (")
        assert tn.gradcheck(lambda x: INNER[derivative](np.exp, x), [ROW])

    def test_around_an_inner_derivative(self):
        def f(x, w):
            return scale(tn.grad(lambda w: np.sum(w**2 * np.exp(scale(x, 1.0))))(w), 1.0)

        def g(x):
            return tn.grad(lambda w: np.sum(w**2 * scale(x, 1.0)))(np.ones(3))  # which is an array, outside of a check

        report = tn.gradcheck(f, [ROW, ROW], raises=False)
        assert [(culprit.operation, culprit.operand) for culprit in report.culprits] == [("scale", 0), ("scale", 0)]
        (culprit,) = tn.gradcheck(g, [ROW], raises=False).culprits
        assert (culprit.operation, culprit.operand) == ("scale", 0)

    def test_a_leak_inside_of_an_inner_derivative(self):
        report = tn.gradcheck(tn.grad(lambda t: np.sum(t**2 * t.detach())), [ROW], raises=False)
        assert {culprit.operation for culprit in report.culprits} == {"multiply"}
        assert "detach() at " in str(report)

    def test_inside_of_a_checkpoint(self):
        def part(x):
            return np.tanh(scale(np.tanh(x), 2.0))

        (culprit,) = culprits(lambda x: np.sum(np.exp(tn.checkpoint(part)(np.sin(x)))), ROWS)
        assert (culprit.number, culprit.operation, culprit.operand) == (2, "scale", 0)

    def test_in_float32(self):
        (culprit,) = culprits(lambda x: np.sum(scale(np.tanh(x.astype("float32")), 2.0)), ROWS)
        assert culprit.error == "gradient is 1.500 times the true one everywhere"

    def test_a_gradient_that_is_nan_where_the_true_one_is_finite(self):
        def sin(a):
            return np.sin(a), lambda g: g * np.cos(a) * a / a

        assert "is nan, by finite differences " in error(sin, np.array([0.0, 1.0, -2.0]))


class TestMisconduct:
    def test_operands_changed_in_the_forward_pass(self):
        def doubled(a):
            a *= 2
            return a, lambda g: 2 * g

        assert error(doubled, ROWS.copy()) == "its forward pass changes its operands in place"

    def test_a_result_that_is_used_again(self):
        buffer = np.empty(3)

        def buffered(a):
            return np.exp(a, out=buffer), lambda g: g * np.exp(a)

        assert error(buffered, ROW) == "its forward pass changes a result that it returned before"

    def test_a_value_that_differs(self):
        rng = np.random.default_rng(0)

        def noisy(a):
            return a + rng.normal(size=a.shape), lambda g: g

        assert error(noisy, ROW) == "its value differs from one run to the next"

    def test_a_gradient_that_differs(self):
        rng = np.random.default_rng(0)

        def noisy(a):
            return a + 1, lambda g: g * rng.normal(size=g.shape)

        assert error(noisy, ROW) == "gradient differs from one run to the next"

    def test_the_incoming_gradient_changed(self):
        def doubled(a):
            def back(g):
                g *= 2
                return g

            return 2 * a, back

        assert error(doubled, ROW) == "its closure changes the incoming gradient in place"

    def test_operands_changed_by_the_closure(self):
        def doubled(a):
            def back(g):
                np.multiply(g, 2, out=a)
                return a + 0

            return 2 * a, back

        assert error(doubled, ROW.copy()) == "its closure changes the operands in place"

    def test_a_gradient_that_is_used_again(self):
        buffer = np.empty(3)

        def doubled(a):
            return 2 * a, lambda g: np.multiply(g, 2, out=buffer)

        assert error(doubled, ROW) == "its closure changes a gradient that it returned before"

    def test_a_closure_that_fails(self):
        def doubled(a):
            return 2 * a, lambda g: g @ np.ones((5, 5))

        assert error(doubled, ROW).startswith("its closure fails with ValueError: matmul: ")

    @pytest.mark.parametrize("dtype", ["complex128", "object"])
    def test_a_gradient_that_is_no_number(self, dtype):
        def doubled(a):
            return 2 * a, lambda g: (2 * g).astype(dtype)

        assert error(doubled, ROW) == f"gradient has the dtype {dtype}, which is none of real numbers"

    def test_a_gradient_of_a_shape_that_does_not_fit(self):
        def total(a):
            return np.sum(a, axis=0), lambda g: g[:2]

        assert error(total, ROWS) == (
            "gradient has the shape (2,), which does not broadcast or sum to the operand's (4, 3)"
        )


FAILING = {
    "raises": (lambda a: (2 * a, lambda g: g @ np.ones((5, 5))), 1, "its closure fails with ValueError: matmul"),
    "shape": (lambda a: (2 * a, lambda g: g[:2]), 1, "gradient has the shape (2,)"),
    "no array": (lambda a: (2 * a, lambda g: [2.0]), 1, "its closure fails with AttributeError"),
    "none of real numbers": (lambda a: (2 * a, lambda g: 2j * g), 1, "gradient has the dtype complex128"),
    "raises on Tensors": (
        lambda a: (np.exp(a), lambda g: g * np.asarray(np.exp(a))),
        2,
        "it fails on Tensors with UnsupportedError: numpy.asarray",
    ),
    "forward raises on Tensors": (
        lambda a: (np.exp(a, out=np.empty(a.shape)), lambda g: g * np.exp(a)),
        2,
        "it fails on Tensors with UnsupportedError: numpy.exp: expected no array to write into",
    ),
}


@pytest.mark.parametrize("way", FAILING)
def test_a_rule_that_fails_is_wrong_and_named_in_a_report(way):
    rule, order, words = FAILING[way]
    rule = tn.primitive(rule)
    line = f"test_culprit.py:{rule.__wrapped__.__code__.co_firstlineno}"

    report = tn.gradcheck(lambda x: np.sum(np.tanh(rule(x))), [ROW], order, raises=False)
    assert report.verdict.value == "WRONG"
    assert "There is no gradient to compare: " in str(report)
    (culprit,) = report.culprits
    assert culprit.error.startswith(words)
    assert culprit.rule.endswith(line)
    with pytest.raises(GradientMismatch, match="There is no gradient to compare"):
        tn.gradcheck(lambda x: np.sum(np.tanh(rule(x))), [ROW], order)

    model = nn.Sequential(nn.Dense(3, 3, rng=np.random.default_rng(0)), rule)
    report = tn.check_model(model, ROWS[:1], np.zeros((1, 3)), nn.squared_error, order, raises=False)
    assert report.verdict.value == "WRONG"
    assert [culprit.order for culprit in report.culprits] == [order]


def test_a_gradient_that_does_not_exist_is_not_called_wrong():
    def f(a):
        return np.linalg.eigh(a + a.T).eigenvectors[0]

    report = tn.gradcheck(f, [np.eye(2)], raises=False)
    assert report.verdict.value == "NON-FINITE"
    assert "There is no gradient to compare: backward: '" in str(report)
    with pytest.raises(ShapeError):  # of the function itself
        tn.gradcheck(lambda a: a @ np.ones((5, 5)), [ROWS])


class TestWhatItLeavesAlone:
    @pytest.mark.parametrize("x", [np.array([-1.0, 0.0, 2.0]), np.zeros(3), 1e-12 * ROW, 1e12 * ROW])
    def test_kinks_and_scales(self, x):
        for f in (np.abs, nn.relu, np.sign, np.linalg.norm, lambda x: np.clip(x, 0.0, 2.0), np.max):
            assert culprits(lambda x, f=f: np.sum(f(x) * 1e-7), x, order=2) == ()

    def test_a_slope_that_is_infinite(self):
        assert culprits(lambda x: np.sum(np.sqrt(x)), np.array([0.0, 1.0]), order=2) == ()

    def test_values_that_are_not_finite(self):
        with np.errstate(divide="ignore"):
            assert culprits(lambda x: np.sum(np.log(x)), np.array([0.0, 1.0])) == ()

    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_a_network(self, dtype):
        rng = np.random.default_rng(0)
        model = nn.Sequential(
            nn.Conv1d(2, 3, 3, rng=rng), nn.ReLU(), nn.Flatten(), nn.Dense(15, 4, activation="tanh", rng=rng)
        ).astype(dtype)
        loss = nn.cross_entropy(model(RNG.normal(size=(5, 2, 7)).astype(dtype)), np.array([0, 3, 1, 1, 2]))
        assert find_culprits(loss._node, rng=rng, order=2) == ()

    def test_the_graph_and_its_leaves_are_as_before(self):
        x = leaf(ROWS)
        loss = np.sum(scale(np.tanh(x), 2.0))
        find_culprits(loss._node, rng=np.random.default_rng(0), order=2)
        np.testing.assert_array_equal(x.numpy(), ROWS)
        loss.backward()
        np.testing.assert_allclose(x.grad, 3 * (1 - np.tanh(ROWS) ** 2))


def recorded(primitive, sample):
    """Return the node of a sample's call, or None where nothing is recorded."""
    floats = [isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in sample.operands]
    tensors = [leaf(x.astype(float)) if f else x for x, f in zip(sample.operands, floats, strict=True)]
    return record(primitive, tuple(tensors), sample.options or None)._node if any(floats) else None


@pytest.mark.parametrize(("order", "count"), [(1, 1), pytest.param(2, None, marks=pytest.mark.slow)])
def test_no_rule_of_this_library_is_ever_named(order, count):
    number = 0
    for name, primitive in PRIMITIVES.items():
        for sample in SAMPLES[name].samples[:count] if name in SAMPLES else ():
            node = recorded(primitive, sample)
            if node is not None:
                assert find_culprits(node, rng=np.random.default_rng(0), order=order) == (), name
                number += 1
    assert number > 100


class TestDetached:
    def detached(self, f):
        return find_detached([f(leaf(ROWS))._node], [f(leaf(ROWS * (1 + 1e-6)))._node])

    @pytest.mark.parametrize("cut", [lambda x: x.detach(), lambda x: x.numpy(), tn.stop_gradient])
    def test_a_constant_that_depends_on_the_inputs_is_named(self, cut):
        (culprit,) = self.detached(lambda x: np.sum(np.tanh(x) * cut(np.exp(x))))
        assert (culprit.operation, culprit.operand) == ("multiply", 1)
        assert str(culprit).endswith("detach(), numpy(), item() or float() cut it off")

    def test_a_number(self):
        (culprit,) = self.detached(lambda x: np.sum(x * float(np.max(x.numpy()))))
        assert (culprit.operation, culprit.operand) == ("multiply", 1)

    def test_a_result_that_is_cut_off_completely(self):
        report = tn.gradcheck(lambda x: tn.Tensor(np.exp(x.numpy())), [ROW], raises=False)  # here
        line = next(i for i, text in enumerate(Path(__file__).read_text().splitlines(), 1) if text.endswith("# here"))
        (culprit,) = report.culprits
        assert str(culprit).startswith("output 0: no recorded operation connects it with the inputs; numpy() at ")
        assert str(culprit).endswith(
            f"test_culprit.py:{line} cut it off. Compute with operators and NumPy functions on Tensors"
        )

    def test_the_loss_of_a_model_that_is_cut_off(self):
        model = nn.Dense(3, 1, rng=np.random.default_rng(0))
        report = tn.check_model(
            model, ROWS, np.zeros((4, 1)), lambda p, y: tn.Tensor(np.mean((p.numpy() - y) ** 2)), raises=False
        )
        assert "output 0: no recorded operation connects it with the inputs; numpy() at " in str(report)

    def test_where_no_operation_shows_it_the_exits_are_named(self):
        report = tn.gradcheck(lambda x: np.sum(tn.checkpoint(lambda t: np.exp(t) * t.numpy())(x)), [ROW], raises=False)
        (culprit,) = report.culprits
        assert str(culprit).startswith("numpy() (")
        assert str(culprit).endswith("takes a value out of the graph, where no operation is wrong by itself")

    def test_under_a_profiler_it_says_what_may_have_cut_it_off(self):
        profiler = cProfile.Profile()
        report = profiler.runcall(tn.gradcheck, lambda x: np.sum(x * x.numpy()), [ROW], raises=False)
        (culprit,) = report.culprits
        assert (culprit.operation, culprit.operand) == ("multiply", 1)
        assert profiler.getstats()  # it has gone on

    def test_constants_that_stay_and_masks_are_left_alone(self):
        assert self.detached(lambda x: np.sum(np.where(x > 0, x, ROWS) * 2.0)) == ()
