"""Optimizers against their published formulas, written out with plain numbers."""

import tracemalloc

import numpy as np
import pytest
from scipy import optimize

import tinygrad_nn as tn
from tinygrad_nn import errors, optim
from tinygrad_nn.optim import optimizer as base


def run(make, steps=5, size=3, dtype=float):
    """Minimise sum(w^4) and return what w was after each step."""
    w = tn.Tensor(np.linspace(-1, 2, size), requires_grad=True, dtype=dtype)
    optimizer = make([w])
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        (w * w * w * w).sum().backward()
        optimizer.step()
        found.append(w.numpy())
    return np.array(found)


def by_formula(update, steps=5, size=3):
    """Do the same with `update(w, gradient, state, step)`."""
    w, state, found = np.linspace(-1, 2, size), {}, []
    for step in range(1, steps + 1):
        w = update(w, 4 * w**3, state, step)
        found.append(w)
    return np.array(found)


def sgd(lr, momentum, nesterov, decay):
    def update(w, g, state, step):
        g = g + decay * w
        v = state["v"] = momentum * state.get("v", 0) + g
        return w - lr * (g + momentum * v if nesterov else v)

    return update


@pytest.mark.parametrize(
    ("momentum", "nesterov", "decay"),
    [(0, False, 0), (0.9, False, 0), (0.9, True, 0), (0.5, True, 0.1), (0, False, 0.1)],
)
def test_sgd(momentum, nesterov, decay):
    found = run(lambda ps: optim.SGD(ps, 0.01, momentum=momentum, nesterov=nesterov, weight_decay=decay))
    np.testing.assert_allclose(found, by_formula(sgd(0.01, momentum, nesterov, decay)), rtol=1e-14)


def adam(w, g, state, step):
    m = state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
    v = state["v"] = 0.999 * state.get("v", 0) + 0.001 * g * g
    return w - 0.01 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)


@pytest.mark.parametrize("size", [3, base.BLOCK, base.BLOCK + 1, 3 * base.BLOCK - 5])
def test_adam_also_in_pieces(size):
    found = run(lambda ps: optim.Adam(ps, lr=0.01), size=size)
    np.testing.assert_allclose(found, by_formula(adam, size=size), rtol=1e-11, atol=1e-15)


def lion(w, g, state, step):
    m = state.get("m", 0)
    state["m"] = 0.8 * m + 0.2 * g
    return w - 0.01 * (np.sign(0.7 * m + 0.3 * g) + 0.5 * w)


def test_lion():
    found = run(lambda ps: optim.Lion(ps, lr=0.01, betas=(0.7, 0.8), weight_decay=0.5), steps=20)
    np.testing.assert_allclose(found, by_formula(lion, steps=20), rtol=1e-13)


def lamb(w, g, state, step):
    m = state["m"] = 0.8 * state.get("m", 0) + 0.2 * g
    v = state["v"] = 0.9 * state.get("v", 0) + 0.1 * g * g
    u = (m / (1 - 0.8**step)) / (np.sqrt(v / (1 - 0.9**step)) + 1e-3) + 0.5 * w
    return w - 0.01 * np.linalg.norm(w) / np.linalg.norm(u) * u


@pytest.mark.parametrize("size", [3, base.BLOCK, base.BLOCK + 1, 3 * base.BLOCK - 5])
def test_lamb_takes_the_norm_of_the_whole_parameter(size):
    found = run(lambda ps: optim.LAMB(ps, 0.01, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.5), size=size)
    np.testing.assert_allclose(found, by_formula(lamb, size=size), rtol=1e-11, atol=1e-15)


def test_lamb_moves_a_parameter_of_zeros_and_each_by_its_own_length():
    zeros, short, long = (tn.Tensor([x, -x], requires_grad=True) for x in (0.0, 1.0, 100.0))
    optimizer = optim.LAMB([zeros, short, long], lr=0.1, weight_decay=0.0)
    for w in (zeros, short, long):
        w.grad = np.array([3.0, -3.0])
    optimizer.step()
    np.testing.assert_allclose([w.data[0] for w in (zeros, short, long)], [-0.1, 0.9, 90], rtol=1e-6)


EVERY_OPTIMIZER = {
    "SGD": lambda ps: optim.SGD(ps, 0.01, momentum=0.9, nesterov=True, weight_decay=0.1),
    "Adam": lambda ps: optim.Adam(ps, weight_decay=0.1, amsgrad=True),
    "AdamW": optim.AdamW,
    "NAdam": lambda ps: optim.NAdam(ps, weight_decay=0.1),
    "RAdam": lambda ps: optim.RAdam(ps, betas=(0.9, 0.95), weight_decay=0.1),
    "RMSProp": lambda ps: optim.RMSProp(ps, momentum=0.9, centered=True, weight_decay=0.1),
    "Adagrad": lambda ps: optim.Adagrad(ps, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.1),
    "Adadelta": lambda ps: optim.Adadelta(ps, weight_decay=0.1),
    "Lion": lambda ps: optim.Lion(ps, weight_decay=0.1),
    "LAMB": lambda ps: optim.LAMB(ps, weight_decay=0.1),
}


def test_every_optimizer_is_tested():
    kinds = {name for name, kind in vars(optim).items() if isinstance(kind, type) and issubclass(kind, optim.Optimizer)}
    assert kinds - {"Optimizer"} == EVERY_OPTIMIZER.keys()


@pytest.fixture(params=EVERY_OPTIMIZER)
def make(request):
    return EVERY_OPTIMIZER[request.param]


def test_single_precision_stays(make):
    w = tn.Tensor(np.ones(3), requires_grad=True, dtype=np.float32)
    optimizer = make([w])
    (w * w).sum().backward()
    optimizer.step()
    arrays = [value for value in optimizer.state_dict().values() if np.shape(value) == (3,)]
    assert {array.dtype for array in [*arrays, w.data]} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    "make", [make for name, make in EVERY_OPTIMIZER.items() if not getattr(optim, name).sees_whole]
)
def test_pieces_of_a_large_parameter_are_updated_as_a_small_one(make):
    large = run(make, size=2 * base.BLOCK + 3)
    for place in (0, base.BLOCK - 1, base.BLOCK, 2 * base.BLOCK + 2):
        w = tn.Tensor(np.linspace(-1, 2, 2 * base.BLOCK + 3)[place : place + 1], requires_grad=True)
        optimizer = make([w])
        for row in large:
            optimizer.zero_grad()
            (w * w * w * w).sum().backward()
            optimizer.step()
            np.testing.assert_allclose(w.data, row[place], rtol=1e-12)


def test_no_learning_rate_is_no_step(make):
    w = tn.Tensor([1.0, -2.0], requires_grad=True)
    optimizer = make([w])
    optimizer.lr = 0
    for _ in range(3):
        (w * w).sum().backward()
        optimizer.step()
    assert w.data.tolist() == [1.0, -2.0]


def test_every_optimizer_goes_downhill(make):
    values = run(make, steps=60)
    heights = (values**4).sum(axis=1)
    assert heights[-1] < heights[0]


def test_no_update_makes_an_array_of_the_size_of_a_large_parameter(make):
    w = tn.Tensor(np.ones(40 * base.BLOCK), requires_grad=True)
    optimizer = make([w])
    w.grad = np.ones(w.shape)
    optimizer.step()  # makes what is kept
    tracemalloc.start()
    optimizer.step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < w.nbytes / 4


def test_a_gradient_that_is_a_tensor_counts_by_its_value(make):
    found = []
    for create_graph in (False, True):
        w = tn.Tensor([1.0, -2.0], requires_grad=True)
        optimizer = make([w])
        (w * w * w).sum().backward(create_graph=create_graph)
        assert isinstance(w.grad, tn.Tensor) == create_graph
        optimizer.step()
        optimizer.zero_grad()
        found.append(w.numpy())
    assert np.array_equal(*found)


def through_a_file(state):
    """Return a state as a file of arrays gives it back."""
    return {key: np.array(value) for key, value in state.items()}


@pytest.mark.parametrize("carry", [dict, through_a_file])
def test_a_restored_optimizer_goes_on_exactly(make, carry):
    def train(ws, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            sum((w * w * w).sum() for w in ws).backward()
            optimizer.step()

    def groups(ws):
        return [{"params": ws[0], "lr": 0.02}, {"params": ws[1:]}]

    ws = [tn.Tensor([1.0, 2.0], requires_grad=True), tn.Tensor([[3.0]], requires_grad=True)]
    optimizer = make(groups(ws))
    optimizer.param_groups[1]["lr"] = 0.003
    train(ws, optimizer, 3)
    twins = [tn.Tensor(w.numpy(), requires_grad=True) for w in ws]
    restored = make(groups(twins))
    restored.load_state_dict(carry(optimizer.state_dict()))
    for a, b in zip(optimizer.param_groups, restored.param_groups, strict=True):
        assert {**a, "params": None} == {**b, "params": None}
        assert [type(value) for value in a.values()] == [type(value) for value in b.values()]
    train(ws, optimizer, 3)
    train(twins, restored, 3)
    assert all(np.array_equal(w.numpy(), twin.numpy()) for w, twin in zip(ws, twins, strict=True))


# Groups


def test_groups_have_their_own_hyperparameters_and_the_rest_in_common():
    a, b = tn.Tensor([1.0], requires_grad=True), tn.Tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.25, weight_decay=1.0)
    assert optimizer.params == [a, b]
    (a + b).sum().backward()
    optimizer.step()
    assert (a.item(), b.item()) == (0.5, 0.0)
    optimizer.lr = 1
    assert [group["lr"] for group in optimizer.param_groups] == [1.0, 1.0]


def test_a_group_may_join_later():
    a, b = tn.Tensor([1.0], requires_grad=True), tn.Tensor([1.0], requires_grad=True)
    optimizer = optim.Adam([a], lr=0.1)
    a.sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    optimizer.add_param_group({"params": [b], "lr": 0.2})
    (a + b).sum().backward()
    optimizer.step()
    assert (a.item(), b.item()) == (pytest.approx(0.8), pytest.approx(0.8))
    assert {key: value for key, value in optimizer.state_dict().items() if key.endswith("steps")} == {
        "0.steps": 2,
        "1.steps": 1,
    }


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (lambda w: [{"params": [w], "learning_rate": 1}], "with 'params' and any of 'lr', .*got 'params', 'learning_r"),
        (lambda w: [{"lr": 1}], "expected each group to be a dict with 'params'.* got 'lr'"),
        (lambda w: [{"params": [w]}, w], "expected each group to be a dict.* got Tensor"),
        (lambda w: [{"params": [w]}, {"params": [w]}], "expected each parameter once"),
        (lambda w: [{"params": [w], "lr": -1}], "expected 'lr' to be at least 0 and finite, got -1"),
        (lambda w: [{"params": [w], "nesterov": True}], "expected a momentum above 0"),
        (lambda w: [w, {"params": [w]}], "got dict at place 1"),
    ],
)
def test_wrong_groups_are_told(groups, said):
    with pytest.raises(errors.ArgumentError, match=f"SGD: .*{said}"):
        optim.SGD(groups(tn.Tensor([1.0], requires_grad=True)), lr=0.1)


def test_a_group_that_is_refused_leaves_the_optimizer_as_it_was():
    a, b = tn.Tensor([1.0], requires_grad=True), tn.Tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([a], lr=0.1)
    with pytest.raises(errors.ArgumentError, match="'momentum'"):
        optimizer.add_param_group({"params": [b], "momentum": 2})
    assert optimizer.params == [a]
    assert len(optimizer.param_groups) == 1


def test_a_state_that_does_not_fit_is_refused():
    w = tn.Tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.Adam([w])
    with pytest.raises(errors.StateError, match=r"Adam\.load_state_dict: missing: 0\.mean.*unexpected: momentum"):
        optimizer.load_state_dict({"momentum": 1.0})
    state = optimizer.state_dict() | {"0.mean": np.zeros(3)}
    with pytest.raises(errors.ShapeError, match=r"expected '0\.mean' of shape \(2,\), got \(3,\)"):
        optimizer.load_state_dict(state)


def test_parameters_without_a_gradient_are_left_alone():
    used, unused = tn.Tensor([1.0], requires_grad=True), tn.Tensor([1.0], requires_grad=True)
    optimizer = optim.Adam([used, unused])
    used.sum().backward()
    optimizer.step()
    assert unused.item() == 1.0
    assert used.item() != 1.0


def test_zero_grad_forgets_all_gradients():
    w = tn.Tensor([1.0], requires_grad=True)
    w.sum().backward()
    optim.SGD([w], 0.1).zero_grad()
    assert w.grad is None


def test_an_update_happens_in_the_array_that_was_handed_out():
    w = tn.Tensor([1.0], requires_grad=True)
    held = w.data
    w.sum().backward()
    optim.SGD([w], 0.5).step()
    assert held == 0.5


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda w: optim.SGD([], 0.1), "SGD: expected parameters, got none"),
        (lambda w: optim.SGD([w, w], 0.1), "expected each parameter once"),
        (lambda w: optim.SGD([w * 2.0], 0.1), "that no operation made, got Tensor at place 0"),
        (lambda w: optim.SGD([w, tn.Tensor([1.0])], 0.1), "requires_grad=True .* at place 1"),
        (lambda w: optim.SGD([np.ones(1)], 0.1), "got ndarray at place 0"),
        (lambda w: optim.SGD([w], -1.0), "'lr' to be at least 0 and finite, got -1.0"),
        (lambda w: optim.SGD([w], 0.1, momentum=1.0), "'momentum' to be at least 0 and below 1"),
        (lambda w: optim.SGD([w], 0.1, nesterov=True), "expected a momentum above 0 with nesterov=True"),
        (lambda w: optim.Adam([w], betas=(0.9, 1.5)), r"'betas\[1\]'"),
        (lambda w: optim.Adam([w], eps=-1.0), "'eps'"),
    ],
)
def test_wrong_arguments_are_told(make, said):
    with pytest.raises(errors.ArgumentError, match=said):
        make(tn.Tensor([1.0], requires_grad=True))


@pytest.mark.parametrize(
    "make",
    [
        lambda values: tn.Tensor(values, requires_grad=True),
        lambda values: tn.Tensor(values, requires_grad=True, dtype=float),
        lambda values: tn.nn.Parameter(read_only(values)),
        lambda values: with_data(values),  # noqa: PLW0108 - defined below
    ],
)
def test_large_parameters_are_updated_whatever_their_layout(make):
    values = np.asfortranarray(np.ones((200, 200)))
    assert values.size > base.BLOCK
    w = make(values)
    w.sum().backward()
    optim.Adam([w], lr=0.5).step()
    np.testing.assert_allclose(w.numpy(), 0.5)


def read_only(values):
    values = values.copy(order="F")
    values.flags.writeable = False
    return values


def with_data(values):
    w = tn.Tensor(np.zeros(values.shape), requires_grad=True)
    w.data = values
    return w


def test_a_parameter_that_is_frozen_meanwhile_is_left_alone():
    frozen, other = tn.Tensor([1.0], requires_grad=True), tn.Tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([frozen, other], 0.5)
    frozen.requires_grad = False
    optimizer.zero_grad()
    (frozen * other).sum().backward()
    optimizer.step()
    assert (frozen.item(), other.item()) == (1.0, 0.5)


# Clipping


def with_gradients(*gradients, dtype=float):
    params = [tn.Tensor(np.zeros(np.shape(g)), requires_grad=True, dtype=dtype) for g in gradients]
    for param, gradient in zip(params, gradients, strict=True):
        param.grad = np.array(gradient, dtype)
    return params


def test_clipping_by_norm_looks_at_all_gradients_together():
    params = [*with_gradients([3.0, 0.0], [[4.0]]), tn.Tensor([1.0], requires_grad=True)]
    assert optim.clip_by_norm(params, 10) == 5
    assert params[0].grad.tolist() == [3, 0]
    assert optim.clip_by_norm(params, 1) == 5
    np.testing.assert_allclose(params[0].grad, [0.6, 0])
    np.testing.assert_allclose(params[1].grad, [[0.8]])
    assert params[2].grad is None
    assert optim.clip_by_norm(params[2:], 1) == 0


@pytest.mark.parametrize(("size", "dtype"), [(1e-200, float), (1e200, float), (1e30, np.float32), (1e-30, np.float32)])
def test_a_norm_neither_overflows_nor_vanishes(size, dtype):
    params = with_gradients([3 * size], [-4 * size], dtype=dtype)
    assert optim.clip_by_norm(params, size) == pytest.approx(5 * size, rel=1e-6)
    assert params[1].grad == pytest.approx(-0.8 * size, rel=1e-6)
    assert params[1].grad.dtype == dtype


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_is_told_and_nothing_is_changed(wrong):
    params = with_gradients([30.0], [0.0, wrong])
    params[1].name = "decoder.weight"
    with pytest.raises(errors.TrainingError, match=f"expected finite gradients, got {wrong} in that of decoder.weight"):
        optim.clip_by_norm(params, 1)
    assert params[0].grad == 30


def test_clipping_takes_gradients_that_are_tensors():
    for clip in (optim.clip_by_value, optim.clip_by_norm):
        w = tn.Tensor([1.0, 0.0], requires_grad=True)
        (w * w).sum().backward(create_graph=True)
        clip([w], 0.5)
        assert type(w.grad) is np.ndarray
        assert w.grad.tolist() == [0.5, 0]


def test_clipping_refuses_negative_limits():
    for clip, name in ((optim.clip_by_value, "limit"), (optim.clip_by_norm, "max_norm")):
        with pytest.raises(errors.ArgumentError, match=f"{clip.__name__}: expected '{name}' to be at least 0, got -1"):
            clip(with_gradients([1.0]), -1)


# SciPy


def rosenbrock():
    x, y = tn.Tensor([-1.2], requires_grad=True), tn.Tensor(1.0, requires_grad=True)
    return x, y, lambda: np.sum((1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x))


@pytest.mark.parametrize("method", ["L-BFGS-B", "BFGS", "CG", "Newton-CG", "trust-ncg", "trust-constr"])
def test_scipy_finds_the_bottom_of_the_banana(method):
    x, y, loss = rosenbrock()
    result = optim.minimize([x, y], loss, method=method, tol=1e-9)
    assert result.x.tolist() == [x.item(), y.item()]
    np.testing.assert_allclose(result.x, [1, 1], atol=1e-5)
    assert x.grad is None
    assert result.njev > 1


def test_scipy_is_handed_exact_products_of_the_hessian():
    found = []
    x, y, loss = rosenbrock()
    optim.minimize(
        [x, y], loss, method="Newton-CG", options={"maxiter": 1}, callback=lambda at: found.append(at.copy())
    )
    assert not np.array_equal(found[0], [-1.2, 1.0])

    expected = optimize.minimize(
        optimize.rosen, [-1.2, 1.0], jac=optimize.rosen_der, hessp=optimize.rosen_hess_prod, method="Newton-CG",
        options={"maxiter": 1},
    )  # fmt: skip
    np.testing.assert_allclose([x.item(), y.item()], expected.x, rtol=1e-10)


def test_logistic_regression_by_scipy_has_no_gradient_left_in_single_precision_too():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(40, 3)), rng.integers(0, 2, (40, 1)).astype(float)
    for dtype, bound in ((float, 1e-5), (np.float32, 1e-3)):
        model = tn.nn.Dense(3, 1, rng=rng).astype(dtype)
        inputs, targets = x.astype(dtype), labels.astype(dtype)
        optim.minimize(model, lambda: tn.nn.binary_cross_entropy_with_logits(model(inputs), targets))  # noqa: B023
        tn.nn.binary_cross_entropy_with_logits(model(inputs), targets).backward()
        assert model.weight.dtype == dtype
        assert np.abs(model.weight.grad).max() < bound


def test_a_parameter_that_the_loss_ignores_and_one_that_is_frozen_stay():
    used, unused = tn.Tensor([3.0], requires_grad=True), tn.Tensor([5.0], requires_grad=True)
    for method in ("L-BFGS-B", "Newton-CG"):
        optim.minimize([used, unused], lambda: np.sum(used * used), method=method)
        assert (used.item(), unused.item()) == (pytest.approx(0, abs=1e-6), 5.0)
    model = tn.nn.Dense(2, 1, rng=np.random.default_rng(0))
    model.bias.requires_grad = False
    optim.minimize(model, lambda: np.sum(model(np.eye(2)) * model(np.eye(2))))
    assert model.bias.item() == 0


def test_a_search_that_fails_leaves_the_parameters_as_they_were():
    w = tn.Tensor([3.0], requires_grad=True)
    calls = []

    def loss():
        calls.append(w.item())
        if len(calls) == 3:
            raise ZeroDivisionError
        return (w * w * w * w).sum()

    with pytest.raises(ZeroDivisionError):
        optim.minimize([w], loss)
    assert len(set(calls)) == 3
    assert w.item() == 3
    assert w.grad is None


def test_the_bridge_refuses_what_it_cannot_minimise(monkeypatch):
    w = tn.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(errors.ShapeError, match=r"'loss' to return a Tensor with a single number, got shape \(2,\)"):
        optim.minimize([w], lambda: w * w)
    with pytest.raises(errors.ShapeError, match="got float"):
        optim.minimize([w], lambda: 1.0)
    with pytest.raises(errors.ArgumentError, match=r"optim\.minimize: expected a model with parameters.*got none"):
        optim.minimize([], lambda: w)
    with pytest.raises(errors.ArgumentError, match=r"got Tensor\. Pass the model"):
        optim.minimize([w * 1.0], lambda: w)
    monkeypatch.setitem(__import__("sys").modules, "scipy", None)
    with pytest.raises(errors.UnsupportedError, match=r"expected the library scipy\. Run pip install '.*\[optimize\]'"):
        optim.minimize([w], lambda: np.sum(w))
