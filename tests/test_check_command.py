"""`python -m tinygrad_nn check FILE.py[:function]`: what it collects, what it prints, and its exit status."""

import subprocess
import sys

import pytest

from tinygrad_nn.cli import main

RIGHT = """
import numpy as np
import tinygrad_nn as tn

@tn.primitive
def cube(a):
    return a**3, lambda g: g * 3 * a**2

@tn.primitive
def total(a):
    return a.sum(), lambda g: g * np.ones(a.shape)

def check_total():
    return total, [np.arange(1.0, 4.0)]

def check_net():
    model = tn.nn.Dense(2, 1, rng=np.random.default_rng(0))
    return model, np.ones((3, 2)), np.zeros((3, 1)), tn.nn.squared_error

def check_alone():
    tn.gradcheck(np.sin, [np.ones(2)])

def check_report():
    return tn.gradcheck(np.sin, [np.ones(2)], raises=False)
"""

WRONG = """
import numpy as np
import tinygrad_nn as tn

@tn.primitive
def cube(a):
    return a**3, lambda g: g * 2 * a**2

@tn.primitive
def scale(a):
    return a * 2, lambda g: g * 3

def check_scale():
    return scale, [np.ones(2)]

def check_raising():
    tn.gradcheck(scale, [np.ones(2)])

def check_fails():
    def helper():
        return np.ones(2) @ np.ones(3)
    return helper()

def check_other():
    return 5

def check_right():
    return np.sin, [np.ones(2)]
"""


TOLD_NOTHING = """
import numpy as np
import tinygrad_nn as tn
from tinygrad_nn import nn

rng = np.random.default_rng(0)

@tn.primitive
def product(a, b):
    return a @ b, lambda g: g @ b.T, lambda g: a.T @ g

@tn.primitive
def means(a):
    return a.mean(axis=(2, 3)), lambda g: g[:, :, None, None] * np.ones(a.shape) / (a.shape[2] * a.shape[3])

@tn.primitive
def positive(a):
    if not isinstance(a, tn.Tensor) and (a < 0).any():
        raise ValueError("negative")
    return a * a, lambda g: g * 2 * a

net = nn.Sequential(nn.Dense(5, 4, activation="tanh", rng=rng), nn.Dense(4, 2, rng=rng))
reader = nn.LSTM(3, 4, rng=rng)
table = nn.Embedding(7, 4, rng=rng)
images = nn.Sequential(nn.Conv2d(3, 2, 3, rng=rng), nn.ReLU(), nn.Flatten(), nn.Dense(2 * 6 * 6, 2, rng=rng))

class Line(nn.Module):
    def __init__(self):
        self.slope = nn.Parameter(2.0)

    def forward(self, x):
        return self.slope * x

def loss(w, x):
    return ((x @ w) ** 2).mean()

def pooled(x, scale=2.0):
    return scale * x.sum(axis=(2, 3))

def with_defaults(x=np.ones(3), k=2.0):
    return np.log(x) * k

def main():
    print("called")
"""

TOLD_NOTHING_WRONG = """
import tinygrad_nn as tn
from tinygrad_nn import nn

@tn.primitive
def product(a, b):
    return a @ b, lambda g: g @ b, lambda g: a @ g

@tn.primitive
def scale(a):
    return a * 2, lambda g: g * 3

class Net(nn.Module):
    def __init__(self):
        self.weight = nn.Parameter([1.0, 2.0, 3.0])

    def forward(self, x):
        return scale(self.weight) * x

net = Net()

def loss(x, y=2.0):
    return (scale(x) * y).sum()

def with_defaults(x=1.5):
    return scale(x)
"""

UNKNOWN = """
import numpy as np
import tinygrad_nn as tn
from tinygrad_nn import nn

@tn.primitive
def applied(a, x):
    return a @ x, lambda g: g[:, None] * x, lambda g: a.T @ g

@tn.primitive
def taken(a, /, index):
    return a[index], lambda g: g

class Two(nn.Module):
    def __init__(self, size):
        self.weight = nn.Parameter(np.ones(size))

    def forward(self, x, y):
        return self.weight * x * y

two = Two(3)

def of_text(text):
    return text.upper()

def main():
    pass
"""


@pytest.fixture
def check(tmp_path, capsys):
    def run(text, function=""):
        (tmp_path / "rules.py").write_text(text)
        status = main(["check", f"{tmp_path / 'rules.py'}{function}"])
        return status, *capsys.readouterr()

    return run


def test_what_is_right_passes_and_every_kind_of_offer_is_collected(check):
    status, out, err = check(RIGHT)
    assert (status, err) == (0, "")
    head, *rows = [line.split()[:2] for line in out.splitlines()[:-2]]
    assert head == ["function", "verdict"]
    assert rows == [[name, "PASS"] for name in ("cube", "check_total", "check_net", "check_alone", "check_report")]
    assert out.endswith("5 of 5 passed\n")
    assert "input 0 (3,)" in out
    assert "weight (2, 1), bias (1,)" in out


def test_what_is_wrong_fails_each_with_what_to_read(check):
    status, out, _ = check(WRONG)
    assert status == 1
    assert "1 of 6 passed" in out
    assert "cube: broken promise: gradient of order 1" in out
    assert "shown by\n    cube(np.array(0.7))" in out
    assert out.count("ratio 1.5") >= 2
    assert "expected (f, inputs), (model, x, y, loss), a report or nothing to be returned, got int" in out


def test_a_closure_that_raises_is_wrong_with_its_line(check):
    text = """
import numpy as np
import tinygrad_nn as tn

@tn.primitive
def double(a):
    return 2 * a, lambda g: g @ np.ones((5, 5))

def check_double():
    return lambda x: np.sum(double(x)), [np.ones(2)]
"""
    status, out, _ = check(text)
    assert status == 1
    assert out.splitlines()[1].split()[:2] == ["check_double", "WRONG"]
    assert "its closure fails with ValueError: matmul" in out
    assert "rule at" in out
    assert "rules.py:7" in out


def test_an_error_shows_the_lines_of_the_file_alone(check):
    status, out, _ = check(WRONG, ":check_fails")
    assert status == 1
    assert "return np.ones(2) @ np.ones(3)" in out
    assert "return helper()" in out
    assert "ValueError: matmul" in out
    assert "/testing/files.py" not in out


@pytest.mark.parametrize("function", [":check_right", ":right"])
def test_one_function_can_be_chosen(check, function):
    status, out, _ = check(WRONG, function)
    assert status == 0
    assert "1 of 1 passed" in out


def test_what_comes_without_inputs_is_tried_on_what_it_does_not_refuse(check):
    status, out, _ = check(TOLD_NOTHING)
    names = ("product", "means", "positive", "net", "reader", "table", "images")
    assert [line.split()[:2] for line in out.splitlines()[1:8]] == [[name, "PASS"] for name in names]
    assert out.endswith(
        "7 of 7 passed\nnot called unasked: Line, loss, pooled, with_defaults, main. Ask for one, as in rules.py:Line\n"
    )
    assert "called\n" not in out
    assert status == 0


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("loss", "input 0 (3,), input 1 (3,)"),
        ("pooled", "input 0 (3, 3, 3, 3)"),
        ("with_defaults", "input 0 (3,), input 1 ()"),
        ("Line", "slope ()"),
    ],
)
def test_any_function_and_class_of_models_is_checked_if_it_is_asked_for(check, name, inputs):
    status, out, _ = check(TOLD_NOTHING, f":{name}")
    assert out.splitlines()[1].split()[:2] == [name, "PASS"]
    assert inputs in out
    assert status == 0


@pytest.mark.parametrize("name", ["product", "scale", "net", "Net", "loss", "with_defaults"])
def test_what_is_tried_and_wrong_is_called_wrong(check, name):
    status, out, _ = check(TOLD_NOTHING_WRONG, f":{name}")
    assert out.splitlines()[1].split()[:2] == [name, "WRONG"]
    assert "rule at" in out
    assert status == 1


@pytest.mark.parametrize(
    ("name", "reason", "remedy"),
    [
        (
            "applied",
            "applied: its gradient is right for (3, 3), (3,), and is not for (3, 3), (3, 3) or (3,), (3, 3)",
            "def check_applied(): return applied, [a, x]",
        ),
        ("taken", "missing 1 required", "def check_taken(): return lambda a: taken(a, index=...), [a]"),
        ("two", "missing 1 required positional argument: 'y'", "def check_two(): return two, x, y, loss"),
        ("Two", "Two: its constructor takes arguments, missing a", "def check_Two(): return Two(...), x, y, loss"),
        ("of_text", "of_text: it refuses arrays of (3,), (3, 3), ()", "def check_of_text(): return of_text, [text]"),
        ("main", "main: it takes no inputs and returns none", "def check_main(): return f, inputs"),
    ],
)
def test_what_cannot_be_tried_is_not_called_wrong_and_what_to_write_is_told(check, name, reason, remedy):
    status, out, _ = check(UNKNOWN, f":{name}")
    assert out.splitlines()[1].split()[:3] == [name, "NOT", "CHECKED"]
    assert reason in out
    assert f"\nWrite {remedy}\n" in out
    assert "0 of 1 passed, 1 not checked" in out
    assert status == 2


def test_what_is_wrong_counts_more_than_what_could_not_be_checked(check):
    status, out, _ = check(UNKNOWN + "\n@tn.primitive\ndef scale(a):\n    return a * 2, lambda g: g * 3\n")
    assert "0 of 4 passed, 3 not checked" in out
    assert status == 1


@pytest.mark.parametrize(
    ("text", "function", "message"),
    [
        ("def f(x):\n    return x", "", "or a model, but it has none. Of f ask for one: rules.py:f"),
        ("x = iter", ":x", "expected a function whose parameters can be known, but no signature found"),
        ("x = 1", ":x", "expected rules.py to define a function or model x or a function check_x, but it is int"),
        ("x = 1", "", "expected rules.py to define a primitive (@tn.primitive) or a function check_..."),
        (RIGHT, ":nothing", "it offers cube, check_total, check_net, check_alone, check_report"),
        ("x = (", "", "SyntaxError: '(' was never closed"),
        ("def f():\n    return 1 / 0\nf()", "", "line 2, in f\n    return 1 / 0"),
    ],
)
def test_what_cannot_be_checked_is_told(check, text, function, message):
    status, out, err = check(text, function)
    assert (status, out) == (2, "")
    assert message in err


@pytest.mark.parametrize(("offered", "status"), [("np.sin", 0), ("lambda x: x * x.detach()", 1)])
def test_a_ci_sees_the_exit_status(tmp_path, offered, status):
    file = tmp_path / "rules.py"
    file.write_text(f"import numpy as np\ndef check_f():\n    return {offered}, [np.ones(2)]\n")
    done = subprocess.run([sys.executable, "-m", "tinygrad_nn", "check", file], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (status, b"")


def test_a_file_that_is_not_there_is_told(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.py")]) == 2
    assert "expected a file, but there is no" in capsys.readouterr().err
