"""`graph.to_numpy`: programs that need NumPy alone and give what `backward()` gives, bit for bit."""

import builtins
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

import tinygrad_nn as tn
from tests.layer_samples import LAYERS
from tests.samples import ROWS
from tests.test_golden import golden, network
from tests.test_primitives import OWN, function_of
from tinygrad_nn import nn
from tinygrad_nn.errors import (
    ArgumentError,
    BackwardError,
    GraphReleasedError,
    InPlaceError,
    ShapeError,
    UnsupportedError,
)
from tinygrad_nn.graph.program import symbols, to_numpy
from tinygrad_nn.testing.case import flat, joined


def run(program):
    """Run a program where this library cannot be imported, and any warning is an error."""

    def without_library(name, *rest):
        assert not name.startswith("tinygrad_nn"), "a program has to stand alone"
        return __import__(name, *rest)

    guarded = vars(builtins) | {"__import__": without_library}
    namespace = {"__name__": "program", "__builtins__": guarded}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        exec(compile(str(program), "program.py", "exec"), namespace)  # noqa: S102 - a program is there to be run
        if "large[" not in str(program):
            written = namespace["values"]()
            assert {name: bits(x) for name, x in written.items()} == {k: bits(x) for k, x in program.values.items()}
        return namespace["forward_backward"](**program.values)


def bits(x):
    x = np.asarray(x)
    if x.dtype.char == "g":  # of whose bytes some mean nothing
        return x.dtype, x.shape, [str(y) for y in x.ravel()]
    return x.dtype, x.shape, np.where(np.isnan(x), np.nan, x).astype(x.dtype).tobytes()  # a NaN has many bits


def check(loss, leaves):
    """Compare the program of a loss with its `backward()`, for leaves that have names."""
    program = to_numpy(loss)
    value, gradients = run(program)
    with np.errstate(all="ignore"):
        loss.backward()
    assert bits(value) == bits(loss.numpy())
    reached = {leaf.name: leaf.grad for leaf in leaves if leaf.grad is not None}
    assert gradients.keys() == reached.keys()
    for name, gradient in reached.items():
        assert bits(gradients[name]) == bits(gradient), name
    return program


def weighted(result):
    """Make a loss of results: their sum with weights that are different everywhere."""
    result = joined(result)
    return (result * np.cos(np.arange(result.size)).reshape(result.shape).astype(result.dtype)).sum()


def named(arrays):
    return [tn.Tensor(x, requires_grad=True, name=f"leaf {place}") for place, x in enumerate(arrays)]


@pytest.mark.parametrize("name", ROWS)
def test_every_operation_gives_the_same_bits(name):
    samples = ROWS[name].samples[: 5 if name in OWN else 1]  # a composition is made of the others
    for place, sample in enumerate(samples):
        dtype = np.float32 if place % 2 else np.float64
        leaves = named([x.astype(dtype) for x in sample.floats])
        check(weighted(sample.call(function_of(name), leaves)), leaves)


@pytest.mark.parametrize("name", OWN)
def test_every_rule_can_be_called_as_its_own_text(name, monkeypatch):
    monkeypatch.setattr(symbols, "LONGEST", 0)  # no rule is that short
    for sample in ROWS[name].samples[:2]:
        leaves = named(sample.floats)
        program = check(weighted(sample.call(function_of(name), leaves)), leaves)
        assert f"_to_{'' if OWN[name].is_variadic else OWN[name].operand_names[0]}" in str(program) or name == "where"


LAYER_CASES = [
    pytest.param(sample, id=f"{name}-{number}")
    for name, samples in LAYERS.items()
    for number, sample in enumerate(samples)
]


@pytest.mark.parametrize("sample", LAYER_CASES)
def test_every_layer_gives_the_same_bits(sample):
    layer = sample.make(np.random.default_rng(0))
    inputs = [
        tn.Tensor(x, requires_grad=True, name=f"input {i}") if x.dtype.kind == "f" else x
        for i, x in enumerate(sample.inputs)
    ]
    result = layer(*inputs)
    parts = [part for part in flat([result]) if isinstance(part, tn.Tensor)]
    leaves = [*layer.parameters(), *(x for x in inputs if isinstance(x, tn.Tensor))]
    check(sum(weighted(part) for part in parts), leaves)


PUBLISHED = {
    "streetlights": ("relu", None),
    "xor": ("sigmoid", "sigmoid"),
    "moons": ("relu", "relu", "sigmoid"),
    "autoencoder": ("sigmoid", "sigmoid"),
}


def published_loss(name):
    """Return a published network with its initial weights, and a loss for data of its sizes."""
    run = golden(name)
    layers = len(run["W_init"])
    model = network(run, *(PUBLISHED[name] + ("sigmoid",) * layers)[:layers])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, len(run["W_init"][0]))), rng.uniform(size=(7, np.shape(run["W_init"][-1])[1]))
    return model, nn.squared_error(model(x), y)


def test_published_nets_give_the_same_bits_where_nothing_but_numpy_is_installed(tmp_path):
    expected = {}
    for name in PUBLISHED:
        model, loss = published_loss(name)
        program = check(loss, list(model.parameters()))
        program.save(tmp_path / f"{name}.py")
        expected[name] = {key: p.grad.tobytes().hex() for key, p in model.named_parameters()}
    code = (
        "import importlib, json, sys\n"
        "sys.modules['tinygrad_nn'] = None  # any import of it fails\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "found = {}\n"
        "for name in sys.argv[2:]:\n"
        "    program = importlib.import_module(name)\n"
        "    loss, gradients = program.forward_backward(**program.values())\n"
        "    found[name] = {key: g.tobytes().hex() for key, g in gradients.items()}\n"
        "print(json.dumps(found))\n"
    )
    command = [sys.executable, "-I", "-W", "error", "-c", code, str(tmp_path), *expected]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected


def test_a_saved_program_can_be_run_as_a_script(tmp_path):
    w = tn.Tensor(np.linspace(0.1, 1, 200), requires_grad=True, name="w")
    path = to_numpy((w * w).sum()).save(tmp_path / "square.py")
    assert {file.name for file in tmp_path.iterdir()} == {"square.py", "square.npz"}
    done = subprocess.run([sys.executable, "-I", "-W", "error", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"loss: {(w.numpy() ** 2).sum()}\ngradient for w:\n[0.2 ")


# What random graphs look like: some operands are shared, some are constants, some are broadcast.


@st.composite
def expressions(draw):
    """Make a scalar of shared, broadcast and constant operands, and return it with its leaves."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shapes = st.sampled_from([(), (3,), (1, 3), (2, 1), (2, 3)])
    dtypes = st.sampled_from([np.float64, np.float32])
    leaves = named([np.asarray(rng.normal(size=draw(shapes)), draw(dtypes)) for _ in range(draw(st.integers(1, 3)))])
    known = list(leaves)
    for _ in range(draw(st.integers(1, 12))):
        a, b = draw(st.sampled_from(known)), draw(st.sampled_from(known))
        made = draw(st.sampled_from([
            lambda a, b: a * b, lambda a, b: a - b, lambda a, b: a / (2 + np.square(b)), np.maximum,
            lambda a, b: np.tanh(a), lambda a, b: a * rng.normal(size=(2, 3)), lambda a, b: 0.5 - a, lambda a, b: a**2,
            lambda a, b: a.max() + b, lambda a, b: np.exp(-a * a), lambda a, b: np.where(a > b, a, b),
            lambda a, b: a.astype(np.float32) + b.astype(np.float64), lambda a, b: np.float32(3) * a + b + b,
        ]))(a, b)  # fmt: skip
        known.append(made)
    return sum(x.sum() for x in known[-3:]), leaves


@settings(max_examples=30)
@given(expressions())
def test_random_expressions_give_the_same_bits(made):
    loss, leaves = made
    check(loss, leaves)


# What a program looks like


def lines(program):
    """Return the lines of the two passes, without comments and blank ones."""
    text = str(program).partition('for each parameter."""\n')[2].partition("    return ")[0]
    found = [line.partition("  #")[0].strip() for line in text.splitlines()]
    return [line for line in found if line and not line.startswith("#")]


def test_formulas_stand_where_they_are_computed():
    w = tn.Tensor([1.0, 2.0], requires_grad=True, name="w")
    x = np.array([3.0, 4.0])
    h = np.tanh(w * x)
    h.name = "h"
    assert lines(to_numpy((h * h).sum())) == [
        "multiply = w * constant",
        "h = np.tanh(multiply)",
        "multiply_2 = h * h",
        "loss = multiply_2.sum(initial=0)",
        "d_loss = np.float64(1.0)",
        "d_multiply_2 = np.broadcast_to(np.reshape(d_loss, (1,)), (2,))",
        "delta = d_multiply_2 * h",
        "d_h = delta",
        "d_h = d_h + delta",
        "d_multiply = d_h * (1 - h * h)",
        "d_w = d_multiply * constant",
    ]


def test_sums_of_gradients_are_in_place_from_the_third_on_as_in_the_engine():
    w = tn.Tensor([1.0, 2.0], requires_grad=True, name="w")
    found = [line for line in lines(to_numpy((w * 2 + w * 3 + w * 4).sum())) if line.startswith("d_w ")]
    assert found == ["d_w = d_multiply_3 * 4", "d_w = d_w + d_multiply_2 * 3", "d_w += d_multiply * 2"]


def test_shapes_lines_modules_and_the_users_names_are_in_comments():
    model = nn.Sequential(nn.Dense(2, 3, activation="tanh"), nn.Dense(3, 1))
    text = str(to_numpy(nn.squared_error(model(np.ones((4, 2))), np.zeros((4, 1)))))
    assert "    weight_0,             # (2, 3) parameter '0.weight'\n" in text
    assert "    x,                    # (4, 2) input\n" in text
    assert "    # Sequential > 0\n    dense = np.tanh(np.dot(x, weight_0) + bias_0)" in text
    assert "# (4, 3) dense test_program.py:" in text


def test_what_a_rule_names_has_that_name():
    p = tn.Tensor([0.5, 0.25], requires_grad=True, name="p")
    loss = nn.binary_cross_entropy(p, np.array([1.0, 0.0]), reduction="sum")
    assert [line.partition(" = ")[0] for line in lines(to_numpy(loss))][:4] == [
        "log_p",
        "difference",
        "difference_2",
        "log_q",
    ]


def test_a_rule_that_asks_for_values_is_called_and_its_text_stands_above():
    w = tn.Tensor([1.0, 3.0, 2.0], requires_grad=True, name="w")
    program = check(w.max(), [w])
    assert lines(program)[:2] == ["loss, loss_to_a = max_rule(w)", "d_loss = np.float64(1.0)"]
    assert "def _shared_by_ties(" in str(program)
    _, gradients = program.run(w=np.array([5.0, 5.0, 0.0]))
    assert gradients["w"].tolist() == [0.5, 0.5, 0.0]  # another branch than for the recorded values


@pytest.mark.parametrize(
    "name", ["x y", "0", "", "_", "lambda", "np", "values", "é", "'; import os #", '"""', "a\nb\\", "ﬁ", "²"]
)
def test_any_name_stays_text(name):
    leaves = [tn.Tensor([1.0, 2.0], requires_grad=True, name=name), tn.Tensor(2.0, requires_grad=True, name=f"{name}2")]
    loss = (leaves[0] * leaves[1]).sum()
    loss.name = name
    value, gradients = run(to_numpy(loss))
    assert value == 6
    assert [g.tolist() for g in gradients.values()] == [[2, 2], 3]
    assert list(gradients)[1] == f"{name}2"


def test_leaves_of_one_name_or_of_none_are_told_apart():
    a, b, c, d = (tn.Tensor(float(i), requires_grad=True, name=name) for i, name in enumerate(["w", "w", None, None]))
    assert run(to_numpy(a * b * c * d + d))[1] == {"w": 6, "w_2": 0, "leaf": 0, "leaf_2": 1}


def test_a_leaf_may_be_the_loss_itself():
    w = tn.Tensor([[3.0]], requires_grad=True, name="w")
    value, gradients = run(to_numpy(w))
    assert value == [[3]]
    assert gradients == {"w": [[1]]}


def test_programs_are_the_same_before_and_after_a_backward_that_retains_the_graph():
    w = tn.Tensor([1.0, 2.0], requires_grad=True, name="w")
    loss = np.exp(w * w).sum()
    before = str(to_numpy(loss))
    loss.backward(retain_graph=True)
    assert str(to_numpy(loss)) == before


def test_a_program_is_a_function_of_its_arguments():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.LSTM(2, 3, rng=rng, returns="last"), nn.Dense(3, 1, rng=rng))
    x, other = rng.normal(size=(2, 5, 3, 2))
    target = np.zeros((5, 1))
    value, gradients = to_numpy(nn.squared_error(model(x), target)).run(x=other)
    loss = nn.squared_error(model(other), target)
    loss.backward()
    assert value == loss.item()
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(gradients[name], parameter.grad)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_numbers_keep_their_dtype_and_their_bits(dtype):
    third, edges = dtype(1) / dtype(3), np.array([0.1, -0.0, np.inf, 1e-40], dtype)
    w = tn.Tensor(np.array([0.1, 0.2, 0.3, 1e-7], dtype), requires_grad=True, name="w")
    check((w * third + w * edges * np.float64(0.1) + np.maximum(w, -np.inf)).sum(), [w])


def test_arrays_are_those_of_the_recording_whatever_happens_to_them_later():
    w = tn.Tensor([1.0, 2.0], requires_grad=True, name="w")
    program = to_numpy((w * w).sum())
    w.data -= 1
    assert program.run()[0] == 5


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_arrays_lie_in_memory_as_they_did(order, tmp_path):
    w = tn.Tensor(np.float32(0.1), requires_grad=True, name="w")
    with tn.no_grad():
        x = tn.Tensor(np.random.default_rng(0).normal(size=(8, 9, 10)).astype(np.float32)).transpose(order)
    path = check((x * w).sum(), [w]).save(tmp_path / "program.py")
    namespace = {"__name__": "program", "__file__": str(path)}
    exec(path.read_text(), namespace)  # noqa: S102 - likewise
    assert namespace["values"]()["x"].strides == x.data.strides


def test_equal_constants_are_one_argument_unless_they_lie_otherwise_in_memory():
    w = tn.Tensor(2.0, requires_grad=True, name="w")
    rows, columns = np.eye(3), np.asfortranarray(np.eye(3))
    columns.flags.writeable = False  # so that it is taken as it is
    program = check((w * rows + w * rows.copy() + w * columns).sum(), [w])
    assert [(x.flags.c_contiguous, x.shape) for x in program.values.values()] == [
        (True, ()),
        (True, (3, 3)),
        (False, (3, 3)),
    ]


@tn.primitive
def halved(a, /, by=2):
    return a / by, lambda g: g / by


SCALE = np.array([1.0, 2.0])


def clipped_at(limit, start={"e": 0.5}, *, _scale=SCALE):  # noqa: B006 - which a program has to copy
    def places(g, a):  # there is another function of this name in the library
        return g * (a < limit) * _scale

    @tn.primitive
    def clipped(a):
        """Cut off.

        A program has only the first line of this.
        """
        if np.any(a > limit):
            return np.minimum(a, limit) * start["e"], lambda g: places(g, a) * start["e"]
        return a * start["e"], lambda g: g * start["e"]

    return clipped


def test_rules_of_the_user_are_written_down_with_all_that_they_need():
    w = tn.Tensor([1.0, 3.0], requires_grad=True, name="w")
    program = check((clipped_at(2.0)(halved(w[[0, 1, 1, 0]][:2], by=0.5))).sum(), [w])
    assert "getitem_2 / 0.5" in str(program)
    assert '"""Cut off."""' in str(program)
    assert "only the first line" not in str(program)
    assert "tinygrad_nn" not in str(program)


class SteepError(Exception):
    """What a rule may raise."""

    steepest = 4


xp = np  # another name than that of the program


def doubled_at_last(a: xp.ndarray, times: int) -> xp.ndarray:
    if times == 0:
        return a
    return doubled_at_last(a, times - 1) * 2


@tn.primitive
def steep(a):
    if not xp.all(a < SteepError.steepest):
        message = "too steep"
        raise SteepError(message)
    out = expit(doubled_at_last(a, 2))
    return out, lambda g: g * 4 * out * (1 - out)


def test_rules_may_use_classes_recursion_and_installed_libraries():
    w = tn.Tensor([1.0, 3.0], requires_grad=True, name="w")
    program = check(steep(w).sum(), [w])
    assert "import scipy.special\n" in str(program)
    assert "def doubled_at_last(a, times):\n" in str(program)
    with pytest.raises(Exception, match="too steep") as raised:
        program.run(w=np.array([1.0, 5.0]))
    assert raised.type.__name__ == "SteepError"
    assert raised.type is not SteepError  # but the program's own


@tn.primitive
def doubled(a):
    """Double, by another formula where it sees no array: such a formula is not the rule's."""
    if isinstance(a, np.ndarray):
        return a + a, lambda g: g + g
    return a * 3, lambda g: g * 3


def test_a_formula_that_is_not_what_the_rule_does_to_arrays_is_not_used():
    w = tn.Tensor([1.0, 3.0], requires_grad=True, name="w")
    assert lines(check(doubled(w).sum(), [w]))[0] == "doubled, doubled_to_a = doubled_rule(w)"


def test_checkpointed_functions_are_written_in_full():
    rng = np.random.default_rng(0)
    a, b = named(rng.normal(size=(2, 3, 3)))

    def two(x, y):
        return np.tanh(x @ y) * x, tn.checkpoint(np.exp)(y) * x

    for loss in [
        tn.checkpoint(lambda x: (x @ b).sum())(a),
        sum(x.sum() for x in tn.checkpoint(two)(a * b, b)) + b.sum(),
        tn.checkpoint(two)(a, b)[1].max(),
    ]:
        a.grad = b.grad = None
        check(loss, [a, b])


def test_a_long_chain_of_operations_and_many_paths():
    w = tn.Tensor([0.5, 0.25], requires_grad=True, name="w")
    x = w
    for _ in range(600):
        x = np.tanh(x) * w
    check(x.sum(), [w])
    w.grad = None
    x = w
    for _ in range(18):
        x = x + x
    assert check(x.sum(), [w]).run()[0] == 0.75 * 2**18


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda w: 3.0, ArgumentError, "expected a Tensor, got float"),
        (lambda w: tn.Tensor(1.0), BackwardError, "nothing was recorded"),
        (lambda w: w * 2, ShapeError, "expected a single number, got shape (2,). Reduce it first"),
        (lambda w: tn.nn.relu(uncomputed(w)).sum(), UnsupportedError, "got 'helper'. Write it with 'def' in a file"),
    ],
)
def test_what_cannot_be_written_is_refused(make, error, message):
    with pytest.raises(error) as raised:
        to_numpy(make(tn.Tensor([1.0, 2.0], requires_grad=True)))
    assert str(raised.value).startswith("to_numpy: ")
    assert message in str(raised.value)


_typed = {}
exec("def helper(a):\n    return a * bool(a.all())", _typed)  # noqa: S102 - as at a prompt: it has no file


@tn.primitive
def uncomputed(a):
    """Use a function that has no source text."""
    return _typed_helper(a), lambda g: g


_typed_helper = _typed["helper"]


def test_a_graph_that_was_released_or_changed_is_refused():
    w = tn.Tensor([1.0, 2.0], requires_grad=True, name="w")
    loss = (w * w).sum()
    w.data += 1
    with pytest.raises(InPlaceError, match=r"^to_numpy: .*changed in place"):
        to_numpy(loss)
    loss = (w * w).sum()
    loss.backward()
    with pytest.raises(GraphReleasedError, match=r"^to_numpy: .*backward\(retain_graph=True\)"):
        to_numpy(loss)


def test_inside_of_a_transform_it_is_refused():
    with pytest.raises(BackwardError, match="outside of transforms"):
        tn.grad(lambda x: to_numpy(x * x).run()[0])(1.0)


def test_run_and_save_say_what_they_expect(tmp_path):
    program = to_numpy((tn.Tensor([1.0, 2.0], requires_grad=True, name="w") * 2).sum())
    with pytest.raises(ArgumentError, match="expected the name of an argument, one of w, got 'v'"):
        program.run(v=np.ones(2))
    with pytest.raises(ShapeError, match=r"expected 'w' to have shape \(2,\) and dtype float64.*got \(3,\)"):
        program.run(w=np.ones(3))
    for path in (tmp_path / "program.txt", tmp_path / "missing" / "program.py"):
        with pytest.raises(ArgumentError, match=r"expected a path to a \.py file in a folder that exists"):
            program.save(path)
    assert repr(program).startswith("<Program of ")


def test_the_page_shows_what_its_script_prints(tmp_path):
    page = (Path(__file__).parent.parent / "docs" / "program.md").read_text()
    script, printed = re.findall(r"```python\n(.*?)\n```", page, re.DOTALL)
    (tmp_path / "xor.py").write_text(script)
    environment = os.environ | {"PYTHONPATH": str(Path(tn.__file__).parent.parent)}
    command = [sys.executable, "xor.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.rstrip() == printed
