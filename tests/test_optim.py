"""Optimizers against their published formulas, written out with plain numbers."""

import numpy as np
import pytest

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


@pytest.mark.parametrize("make", [lambda ps: optim.SGD(ps, 0.01, momentum=0.9), optim.Adam])
def test_single_precision_stays(make):
    assert run(make, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("make", [lambda ps: optim.SGD(ps, 0.01, momentum=0.9), lambda ps: optim.Adam(ps, lr=0.01)])
def test_a_restored_optimizer_goes_on_exactly(make):
    def train(w, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            (w * w * w).sum().backward()
            optimizer.step()

    w = tn.Tensor([1.0, 2.0], requires_grad=True)
    optimizer = make([w])
    train(w, optimizer, 3)
    twin = tn.Tensor(w.numpy(), requires_grad=True)
    restored = make([twin])
    restored.load_state_dict(optimizer.state_dict())
    train(w, optimizer, 3)
    train(twin, restored, 3)
    assert np.array_equal(w.numpy(), twin.numpy())


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
        (lambda w: optim.SGD([w], -1.0), "'lr' to be at least 0, got -1.0"),
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
