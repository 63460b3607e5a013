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


@pytest.mark.parametrize(
    ("text", "function", "message"),
    [
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
