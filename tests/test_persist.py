"""Saving and loading: what is written is what comes back, to the bit, and a kill leaves the old file whole."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import tinygrad_nn as tn
from tests.layer_samples import LAYERS
from tinygrad_nn import errors, nn, optim, persist
from tinygrad_nn.tensor import raw

SAMPLES = [
    pytest.param(sample, id=f"{name}-{place}") for name, row in LAYERS.items() for place, sample in enumerate(row)
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "saved.safetensors"


def network(seed=0, hidden=5):
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Dense(3, hidden, activation="tanh", rng=rng), nn.Dense(hidden, 2, rng=rng))


def train(model, optimizer, steps):
    x, y = np.arange(12.0).reshape(4, 3) / 10, np.eye(2)[[0, 1, 1, 0]]
    for _ in range(steps):
        optimizer.zero_grad()
        nn.squared_error(model(x), y).backward()
        optimizer.step()


def same(a, b):
    """Tell whether two trees are equal: types, dtypes, shapes and every bit."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    if isinstance(a, (list, tuple)):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and (a == b or (a != a and b != b))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, 0.1, momentum=0.9), lambda p: optim.Adam(p, lr=0.01)])
def test_model_and_optimizer_go_on_exactly(path, make, dtype):
    model = network().astype(dtype)
    optimizer = make(model.parameters())
    train(model, optimizer, 3)
    tn.save(path, model=model, optimizer=optimizer)
    train(model, optimizer, 5)
    twin = network(seed=1).astype(dtype)
    restored = make(twin.parameters())
    tn.load(path, model=twin, optimizer=restored)
    train(twin, restored, 5)
    assert same(model.state_dict(), twin.state_dict())
    assert same(optimizer.state_dict(), restored.state_dict())


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, min_side=0),
    )
)
names = st.text(alphabet="ab.'", max_size=3)  # few letters, so that dotted names collide
trees = st.recursive(leaves, lambda part: st.lists(part, max_size=3) | st.dictionaries(names, part, max_size=4))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees)
def test_any_tree_comes_back(path, tree):
    tn.save(path, tree=tree)
    assert same(tree, tn.load(path)["tree"])


def test_views_come_back_as_they_looked(path):
    whole = np.arange(24.0).reshape(4, 6)
    views = {"transposed": whole.T, "strided": whole[::2, ::-1], "swapped": whole.astype(">f8"), "one": whole[1, 2]}
    tn.save(path, views=views, tensor=tn.Tensor([1.0, 2.0]))
    found = tn.load(path)
    assert all(np.array_equal(found["views"][name], view) for name, view in views.items())
    assert found["tensor"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_generators_go_on_where_they_were(path, kind):
    rng, twin = np.random.Generator(kind(0)), np.random.Generator(kind(1))
    rng.random(7), rng.integers(5, dtype=np.int32)  # an odd number of half words is kept back by the generator
    tn.save(path, rng=rng)
    tn.load(path, rng=twin)
    assert np.array_equal(rng.integers(9, size=99, dtype=np.int32), twin.integers(9, size=99, dtype=np.int32))


def trees_of(result):
    return [trees_of(part) for part in result] if isinstance(result, (tuple, list)) else raw(result)


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_layer_comes_back(path, sample):
    model, other = sample.make(np.random.default_rng(0)), sample.make(np.random.default_rng(1))
    model(*sample.inputs)  # in training: running statistics are state too
    tn.save(path, model=model.eval())
    expected = trees_of(model(*sample.inputs))
    tn.load(path, model=other)
    assert same(expected, trees_of(other.eval()(*sample.inputs)))
    with safe_open(path, framework="numpy") as file:
        config = json.loads(file.metadata()["tinygrad_nn"])["configs"]["model"]
    if isinstance(config, dict):
        rebuilt = persist.load_model(path)
        assert rebuilt.training
        assert same(expected, trees_of(rebuilt.eval()(*sample.inputs)))
    else:  # a lambda is code, which no file here holds
        assert config.startswith("to_config: expected")


def test_a_model_that_data_cannot_describe_is_saved_and_restored(path):
    model, twin = (nn.Sequential(network(seed), lambda x: x * 2) for seed in (0, 1))
    tn.save(path, model=model, other=nn.Dense(1, 1))
    tn.load(path, model=twin)
    assert same(model.state_dict(), twin.state_dict())
    assert isinstance(persist.load_model(path, "other"), nn.Dense)
    with pytest.raises(errors.StateError, match=r"how 'model' was made, but: .*lambda.*write tn.load\(path, model="):
        persist.load_model(path)
    with pytest.raises(errors.StateError, match="but: no module of that name is there, only 'model', 'other'"):
        persist.load_model(path, "net")


def test_other_readers_see_arrays_and_text(path):
    model = network()
    tn.save(path, model=model, optimizer=optim.SGD(model.parameters(), 0.5), note="größer")
    found = load_file(path)
    assert sorted(found) == ["model.0.bias", "model.0.weight", "model.1.bias", "model.1.weight"]
    assert np.array_equal(found["model.0.weight"], model[0].weight.numpy())
    with safe_open(path, framework="numpy") as file:
        text = json.loads(file.metadata()["tinygrad_nn"])
    assert text["kinds"] == {"model": "Sequential", "optimizer": "SGD"}
    assert text["state"]["optimizer"]["groups.0.lr"] == 0.5
    assert text["state"]["note"] == "größer"


def test_the_same_state_makes_the_same_file(path, tmp_path):
    tn.save(path, model=network(), epoch=1)
    tn.save(tmp_path / "again", model=network(), epoch=1)
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


def test_a_failure_restores_nothing_and_writes_nothing(path):
    model = network()
    tn.save(path, model=model, optimizer=optim.SGD(model.parameters(), 0.5, momentum=0.5))
    content = path.read_bytes()
    twin = network(seed=1)
    before = twin.state_dict()
    plain = optim.SGD(twin.parameters(), 0.1)
    with pytest.raises(errors.StateError, match=r"unexpected: 0\.velocity"):
        tn.load(path, model=twin, optimizer=plain)
    assert same(before, twin.state_dict())
    assert plain.lr == 0.1
    with pytest.raises(errors.ArgumentError):
        tn.save(path, model=model, loss=nn.squared_error)
    with pytest.raises(OSError):
        tn.save(path.parent, model=model)  # a folder stands in the place of the file
    assert path.read_bytes() == content
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_messages(path, tmp_path):
    model = network()
    tn.save(path, model=model, optimizer=optim.Adam(model.parameters()), epoch=3)
    foreign, junk = tmp_path / "foreign", tmp_path / "junk"
    save_file({"weight": np.ones(2)}, foreign)
    junk.write_bytes(b"PK")
    for call, error, said in (
        (lambda: tn.save(path), errors.ArgumentError, r"save: .* got nothing. Name it, as in save\(path, model=model"),
        (lambda: tn.save(path, a={"b": [1, {2}]}), errors.ArgumentError, "save: .* got set as 'a.b.1'"),
        (lambda: tn.save(path, a={1: 2}), errors.ArgumentError, "dicts with names.* got dict as 'a'"),
        (lambda: tn.save(path, a=np.ones(2, complex)), errors.DtypeError, "got complex128 as 'a'"),
        (lambda: tn.load(path, net=model), errors.StateError, "named 'net', but '.*' has 'model', 'optimizer', 'epoch"),
        (
            lambda: tn.load(path, optimizer=optim.SGD(model.parameters(), 0.1)),
            errors.StateError,
            "load: 'optimizer' was saved from Adam, and cannot be restored into SGD",
        ),
        (lambda: tn.load(path, epoch=3), errors.StateError, "'epoch' was saved from plain data, .* into int"),
        (
            lambda: tn.load(path, model=network(hidden=4)),
            errors.ShapeError,
            r"'0.weight' has shape \(3, 5\), expected \(3, 4\)",
        ),
        (lambda: tn.load(foreign), errors.StateError, "only holds the arrays 'weight'. Use tn.persist.load_torch"),
        (lambda: tn.load(junk), errors.StateError, "load: expected '.*junk' to be a safetensors file"),
        (lambda: persist.load_torch(model, junk), errors.StateError, "load_torch: .*safetensors.torch.save_file"),
        (lambda: tn.load(tmp_path / "none"), FileNotFoundError, "none"),
    ):
        with pytest.raises(error, match=said):
            call()


def test_pytorchs_layout_is_transposed(path):
    weight, bias = np.arange(6.0).reshape(2, 3), np.ones(2)  # those of torch.nn.Linear(3, 2)
    square = np.arange(4.0).reshape(2, 2)
    counter = np.array(7)
    saved = {"0.weight": weight, "0.bias": bias, "1.weight": square, "1.num_batches_tracked": counter}
    save_file(saved, path)
    model = nn.Sequential(nn.Dense(3, 2), nn.Dense(2, 2, bias=False))
    persist.load_torch(model, path)
    x = np.ones((4, 3))
    np.testing.assert_allclose(model(x).numpy(), (x @ weight.T + bias) @ square.T)
    with pytest.raises(errors.StateError, match=r"unexpected: 1\.weight"):
        persist.load_torch(nn.Sequential(nn.Dense(3, 2)), path)


WRITER = """
import sys
import numpy as np
import tinygrad_nn as tn
for number in range(10**9):
    tn.save(sys.argv[1], number=number, array=np.full(300_000, number))
    print(number, flush=True)
"""


def test_a_kill_while_writing_leaves_a_whole_file(path):
    for attempt in range(4):
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(0.011 * attempt)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        found = tn.load(path)
        assert np.array_equal(found["array"], np.full(300_000, found["number"]))


def test_the_content_is_on_disk_before_the_name_is(path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (done.append("fsync"), fsync(number)))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("replace"), replace(a, b)))
    tn.save(path, number=1)
    assert done == ["fsync", "replace"]
