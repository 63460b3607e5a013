"""The promises of the engine: deep graphs, freed memory, no silent wrong gradient, modes that stay where they are."""

import asyncio
import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import errors
from tinygrad_nn.backprop import Node


def leaf(*values):
    return tn.Tensor(values, requires_grad=True, dtype=float)


def test_a_chain_of_a_million_operations_goes_forward_and_back():
    x = leaf(2.0)
    y = x
    for _ in range(1_000_000):
        y = y + 1.0
    y.backward([3.0])
    assert x.grad == 3.0


def test_a_long_chain_can_be_dropped():
    """What frees its nodes one inside the other overflows the stack of C after some ten thousand."""
    x = leaf(2.0)
    y = x
    for _ in range(200_000):
        y = y * 1.0
    start = weakref.ref(x._node)
    del x
    assert start() is not None
    del y
    assert start() is None


def test_many_paths_are_walked_once():
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.backward([1.0])
    assert x.grad == 2.0**60


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_dropped_graph_is_freed_without_the_collector(no_collector):
    x = leaf(1.0, 2.0)
    hidden = x * 2.0
    alive = weakref.ref(hidden)
    loss = (hidden.tanh() * hidden).sum()
    del hidden
    node = loss._node
    values = weakref.ref(node.operands[0].closures[0].__closure__[0].cell_contents)
    del node
    assert values() is not None
    del loss
    assert values() is None
    assert alive() is None


def test_memory_after_a_thousand_steps_equals_memory_after_ten(no_collector):
    rng = np.random.default_rng(0)
    model = tn.nn.Sequential(tn.nn.Dense(4, 64, activation="relu", rng=rng), tn.nn.Dense(64, 3, rng=rng))
    optimizer = tn.optim.Adam(model.parameters())
    x, y = tn.Tensor(rng.normal(size=(64, 4))), tn.Tensor(rng.integers(0, 3, 64))

    def steps(count):
        for _ in range(count):
            optimizer.zero_grad()
            loss = tn.nn.cross_entropy(model(x), y)
            loss.backward(retain_graph=True)
            optimizer.step()
        return sum(issubclass(type(thing), (tn.Tensor, Node)) for thing in gc.get_objects())

    tracemalloc.start()
    objects, before = steps(10), tracemalloc.get_traced_memory()[0]
    assert steps(990) == objects
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 990 * 512  # the interpreter keeps freed tuples; one array of a graph a step would be 32 kB a step


def test_backward_lets_captured_arrays_go_and_keeps_the_skeleton():
    x = leaf(1.0, 2.0)
    hidden = x.exp()
    captured = weakref.ref(hidden._data)
    loss = (hidden * hidden).sum()
    node = hidden._node
    del hidden
    loss.backward()
    assert captured() is None
    assert (node.primitive.name, node.shape, node.dtype) == ("exp", (2,), np.float64)
    assert loss._node.operands[0].operands == (node, node)


def test_backward_with_retain_graph_keeps_arrays_and_gradients_of_results():
    x = leaf(1.0, 2.0)
    hidden = x * 3.0
    loss = (hidden * hidden).sum()
    loss.backward(retain_graph=True)
    loss.backward(retain_graph=True)
    assert np.array_equal(hidden.grad, [6.0, 12.0])
    assert isinstance(loss.grad, np.ndarray)
    assert np.array_equal(x.grad, [36.0, 72.0])


def test_a_second_backward_names_the_remedy():
    x = leaf(1.0)
    y = x * x
    y.backward()
    with pytest.raises(errors.GraphReleasedError, match=r"'multiply', recorded at .*test_backprop.*retain_graph=True"):
        y.backward()
    assert x.grad == 2.0


def test_gradients_accumulate_until_they_are_zeroed():
    x = leaf(3.0)
    (x * x).backward()
    (x * x).backward()
    assert x.grad == 12.0
    x.zero_grad()
    assert x.grad is None


def test_an_accumulated_gradient_is_a_new_array():
    x = leaf(3.0)
    (x * 2.0).backward()
    first = x.grad
    (x * 2.0).backward()
    assert first == 2.0


def test_two_leaves_never_share_a_gradient():
    a, b = leaf(1.0), leaf(2.0)
    seed = np.ones(1)
    (a + b).backward(seed)
    a.grad *= 5
    assert (b.grad, seed) == (1.0, 1.0)


def test_gradients_of_views_are_arrays_of_their_own():
    x = leaf(1.0, 2.0, 3.0)
    x.sum().backward()
    x.grad *= 2
    assert np.array_equal(x.grad, [2.0, 2.0, 2.0])


def test_a_scalar_needs_no_gradient_and_anything_larger_does():
    with pytest.raises(
        errors.ShapeError, match=r"expected a single number, got shape \(2,\).*y\.sum\(\)\.backward\(\)"
    ):
        (leaf(1.0, 2.0) * 2.0).backward()


def test_an_explicit_gradient_must_have_the_shape_of_the_value():
    with pytest.raises(
        errors.ShapeError, match=r"expected a gradient of the shape of the value, \(2,\), but got \(3,\)"
    ):
        (leaf(1.0, 2.0) * 2.0).backward(np.ones(3))


def test_backward_without_anything_that_requires_a_gradient():
    with pytest.raises(errors.BackwardError, match="nothing here requires a gradient"):
        tn.Tensor([1.0]).sum().backward()


# Changes in place


def test_data_of_a_leaf_may_be_written_between_passes():
    w = leaf(1.0, 2.0)
    for _ in range(3):
        w.zero_grad()
        (w * w).sum().backward()
        w.data -= 0.25 * w.grad
    assert np.array_equal(w.data, [0.125, 0.25])


@pytest.mark.parametrize("captures", [lambda w: w * w, lambda w: w.T.exp() * w, lambda w: w[0:1] * 2.0])
def test_writing_into_data_between_forward_and_backward_is_refused(captures):
    w = leaf(1.0, 2.0)
    held = w.data
    y = captures(w).sum()
    held[0] = 5.0
    with pytest.raises(errors.InPlaceError, match=r"leaf of shape \(2,\).*changed in place.*Call backward\(\) before"):
        y.backward()
    assert w.grad is None


def test_writing_through_data_that_was_handed_out_after_the_forward_pass_is_refused():
    w = leaf(1.0, 2.0)
    y = (w * w).sum()
    w.data[0] = 5.0
    with pytest.raises(errors.InPlaceError):
        y.backward()


def test_reading_data_between_forward_and_backward_is_fine():
    w = leaf(1.0, 2.0)
    y = (w * w).sum()
    assert w.data.sum() == 3.0
    y.backward()
    assert np.array_equal(w.grad, [2.0, 4.0])


def test_an_optimizer_step_between_forward_and_backward_is_refused():
    w = leaf(1.0, 2.0)
    optimizer = tn.optim.SGD([w], lr=0.1)
    first, second = (w * w).sum(), (w * w).sum()
    first.backward()
    optimizer.step()
    with pytest.raises(errors.InPlaceError, match=r"before optimizer\.step\(\)"):
        second.backward()


def test_a_new_graph_after_a_step_is_fine():
    w = leaf(1.0)
    held = w.data
    held[0] = 2.0
    y = w * w
    y.backward()
    assert w.grad == 4.0


def test_arrays_that_the_user_fills_again_change_no_graph():
    w, batch = leaf(1.0, 1.0), np.array([1.0, 2.0])
    t = tn.Tensor(batch, requires_grad=True)
    y = (w * batch).sum() + (t * t).sum()
    batch[:] = 100.0
    y.backward()
    assert np.array_equal(w.grad, [1.0, 2.0])
    assert np.array_equal(t.grad, [2.0, 4.0])


def test_index_arrays_that_the_user_fills_again_change_no_graph():
    w, index = leaf(1.0, 2.0), np.array([0, 0])
    y = w[index].sum()
    index[:] = 1
    y.backward()
    assert np.array_equal(w.grad, [2.0, 0.0])


def test_data_of_results_and_constants_is_read_only():
    w = leaf(1.0)
    for tensor in (w * 2.0, tn.Tensor([1.0])):
        with pytest.raises(ValueError, match="read-only"):
            tensor.data[0] = 5.0


def test_views_of_a_leaf_made_without_recording_do_not_change_with_it():
    w, u = leaf(1.0, 2.0), leaf(1.0, 1.0)
    with tn.no_grad():
        view = w[:]
    y = (u * view).sum() + (u * w.detach()).sum()
    w.data[:] = 100.0
    y.backward()
    assert np.array_equal(u.grad, [2.0, 4.0])


def test_views_of_views_made_without_recording_do_not_change_with_the_leaf():
    w, u = leaf(1.0, 2.0), leaf(1.0, 1.0)
    recorded = w[:]
    with tn.no_grad():
        view = recorded[:]
    y = (u * view).sum() + (u * recorded.detach()).sum()
    w.data[:] = 100.0
    y.backward()
    assert np.array_equal(u.grad, [2.0, 4.0])


def test_a_rule_may_return_its_operand_as_it_is():
    @tn.primitive
    def reverse_gradient(a):
        return a, lambda g: -g

    w, u = leaf(1.0, 2.0), leaf(1.0, 1.0)
    y = reverse_gradient(w)
    assert not y.data.flags.writeable
    y.sum().backward()
    w.data -= w.grad
    assert np.array_equal(w.data, [2.0, 3.0])
    with tn.no_grad():
        unrecorded = reverse_gradient(w)
    product = (u * unrecorded).sum() + (u * reverse_gradient(w).detach()).sum()
    w.data[:] = 100.0
    product.backward()
    assert np.array_equal(u.grad, [4.0, 6.0])


def test_adding_in_place_to_an_array_is_refused_and_to_a_tensor_makes_a_new_one():
    array, w = np.zeros(2), leaf(1.0, 2.0)
    with pytest.raises(errors.UnsupportedError, match=r"Write x = x \+ t instead of x \+= t"):
        array += w
    before = w
    w += 1.0
    assert np.array_equal(before.data, [1.0, 2.0])
    assert not w.is_leaf


# Failures during backward


def test_a_closure_that_fails_names_the_operation_and_the_users_line():
    def explode(g):
        message = "boom"
        raise KeyError(message)

    @tn.primitive
    def fragile(a):
        return a * 1.0, explode

    x, other = leaf(1.0), leaf(1.0)
    y = fragile(x) + other
    with pytest.raises(
        errors.BackwardError, match=r"operand 0 of 'fragile', recorded at .*test_backprop\.py:\d+ failed"
    ):
        y.backward()
    assert other.grad is None


def test_a_closure_that_returns_another_shape_is_named():
    @tn.primitive
    def crooked(a, b):
        return a * b, lambda g: g * b, lambda g: np.ones(7)

    with pytest.raises(errors.BackwardError, match=r"operand 1 of 'crooked'.*to the operand's shape \(3,\)"):
        crooked(leaf(1.0, 2.0, 3.0), leaf(1.0, 2.0, 3.0)).sum().backward()


def test_a_closure_too_few_is_refused_at_the_call():
    @tn.primitive
    def short(a, b):
        return a * b, lambda g: g * b

    with pytest.raises(errors.RuleError, match="short: expected the rule to return its value and 2 closures"):
        short(leaf(1.0), leaf(2.0))


def test_a_failure_inside_a_model_names_module_and_line():
    @tn.primitive
    def bad(a):
        return a * 1.0, lambda g: None

    class Broken(tn.nn.Module):
        def __init__(self):
            self.inner = tn.nn.Sequential(tn.nn.Dense(2, 2), bad)

        def forward(self, x):
            return self.inner(x)

    loss = Broken()(np.ones((1, 2))).sum()
    with pytest.raises(errors.BackwardError, match=r"'bad' in module Broken\.inner, recorded at .*test_backprop"):
        loss.backward()


def test_the_line_of_an_operation_inside_a_library_layer_is_the_users():
    @tn.primitive
    def bad(a):
        return a * 1.0, lambda g: None

    model = tn.nn.Sequential(tn.nn.Sequential(bad))
    loss = model(leaf(1.0))  # this line
    here = test_the_line_of_an_operation_inside_a_library_layer_is_the_users.__code__.co_firstlineno + 6
    with pytest.raises(
        errors.BackwardError, match=rf"in module Sequential\.0, recorded at .*test_backprop\.py:{here} "
    ):
        loss.backward()


# What is not computed


def test_the_gradient_of_the_input_batch_is_not_computed_when_nobody_asks():
    calls = []

    @tn.primitive
    def product(x, w):
        return x @ w, lambda g: calls.append("x") or g @ w.T, lambda g: calls.append("w") or x.T @ g

    w = tn.Tensor(np.ones((2, 2)), requires_grad=True)
    product(tn.Tensor(np.ones((3, 2))), w).sum().backward()
    assert calls == ["w"]


def test_a_closure_that_is_not_needed_does_not_keep_its_operands_alive():
    w = tn.Tensor(np.ones((50, 50)), requires_grad=True)
    hidden = w + 1.0
    values = weakref.ref(hidden._data)
    y = hidden * np.ones((50, 50))  # only the gradient for the constant would need `hidden`
    del hidden
    assert values() is None
    y.sum().backward()
    assert w.grad.sum() == 2500.0


# Modes


def test_no_grad_records_nothing_and_ends_with_its_block():
    x = leaf(1.0)
    with tn.no_grad():
        assert not (x * 2.0).requires_grad
        with tn.enable_grad():
            assert (x * 2.0).requires_grad
        assert not (x * 2.0).requires_grad
    assert (x * 2.0).requires_grad


def test_no_grad_decorates_functions():
    @tn.no_grad()
    def double(x):
        return x * 2.0

    assert not double(leaf(1.0)).requires_grad


def test_no_grad_ends_with_an_error_too():
    with pytest.raises(ZeroDivisionError), tn.no_grad():
        raise ZeroDivisionError
    assert (leaf(1.0) * 2.0).requires_grad


def test_modes_stay_in_their_thread():
    x, found = leaf(1.0), []
    with tn.no_grad():
        thread = threading.Thread(target=lambda: found.append((x * 2.0).requires_grad))
        thread.start()
        thread.join()
    assert found == [True]


def test_modes_stay_in_their_task():
    x, found = leaf(1.0), {}

    async def watch(name, mode):
        with mode():
            await asyncio.sleep(0)
            found[name] = (x * 2.0).requires_grad
            await asyncio.sleep(0)

    async def both():
        await asyncio.gather(watch("off", tn.no_grad), watch("on", tn.enable_grad))

    asyncio.run(both())
    assert found == {"off": False, "on": True}


def test_threads_train_side_by_side():
    def train(seed, out):
        rng = np.random.default_rng(seed)
        model = tn.nn.Sequential(tn.nn.Dense(2, 4, activation="tanh", rng=rng), tn.nn.Dense(4, 1, rng=rng))
        optimizer = tn.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(50):
            optimizer.zero_grad()
            tn.nn.squared_error(model(np.eye(2)), np.ones((2, 1))).backward()
            optimizer.step()
        out[seed] = model.state_dict()["1.bias"]

    alone, together = {}, {}
    for seed in range(4):
        train(seed, alone)
    threads = [threading.Thread(target=train, args=(seed, together)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(alone[seed], together[seed]) for seed in range(4))


@pytest.mark.parametrize("error", [FloatingPointError, RuntimeWarning])
def test_a_slope_that_numpy_warns_of_is_told_with_the_operation_and_a_way_out(error):
    x = leaf(0.0, 4.0)
    loss = np.where(x > 0, np.sqrt(x), 0).sum()
    told = rf"gradient of 'sqrt', recorded at .*test_backprop\.py:\d+ for operand 0 .*{error.__name__}.*np\.piecewise"
    mode = "raise" if error is FloatingPointError else "warn"
    with np.errstate(all=mode), pytest.raises(errors.BackwardError, match=told):
        loss.backward()
