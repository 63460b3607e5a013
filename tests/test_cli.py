"""The command line: what it prints, what it writes, and when its exit status is not 0."""

import re

import numpy as np
import pytest

from tinygrad_nn import demos
from tinygrad_nn.cli import main
from tinygrad_nn.errors import RenderError
from tinygrad_nn.graph import Drawing


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    return status, *capsys.readouterr()


@pytest.mark.parametrize("name", demos.DEMOS)
def test_every_network_reaches_its_goal_draws_its_graph_and_passes_the_check(name, capsys, tmp_path):
    status, out, err = run(capsys, name, "--out", tmp_path)
    assert status == 0
    assert ": reached" in out
    assert "check_model of Sequential: PASS" in out
    assert (tmp_path / f"{name}_graph.svg").read_text().rstrip().endswith("</svg>")
    assert "100%" in err
    assert float(re.search(r"trained in +(.*) s of process time", out)[1]) < 10


def test_digits_are_the_default(capsys, tmp_path):
    _, out, _ = run(capsys, "--epochs", 1, "--out", tmp_path)
    assert "parameters" in out
    assert "read as" in out


def test_training_that_misses_its_goal_fails(capsys, tmp_path):
    status, out, _ = run(capsys, "moons", "--epochs", 1, "--out", tmp_path)
    assert status == 1
    assert ": MISSED" in out


def test_a_gradient_that_is_wrong_fails(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tinygrad_nn.cli.check_model", lambda *args, **options: "")
    status, _, _ = run(capsys, "xor", "--out", tmp_path)
    assert status == 1


def test_the_graph_is_text_where_nothing_can_lay_it_out(capsys, tmp_path, monkeypatch):
    save = Drawing.save

    def without_engine(self, path):
        if str(path).endswith(".svg"):
            message = "no layout engine"
            raise RenderError(message)
        return save(self, path)

    monkeypatch.setattr(Drawing, "save", without_engine)
    status, out, _ = run(capsys, "xor", "--out", tmp_path / "new" / "folder")
    assert status == 0
    assert "text only: no layout engine" in out
    assert (tmp_path / "new" / "folder" / "xor_graph.dot").read_text().startswith("digraph")


def test_the_seed_decides_everything(capsys, tmp_path):
    def numbers(seed):
        _, out, _ = run(capsys, "moons", "--epochs", 2, "--seed", seed, "--out", tmp_path)
        return [line for line in out.splitlines() if "process time" not in line]

    assert numbers(1) == numbers(1)
    assert numbers(1) != numbers(2)


def test_an_output_folder_that_cannot_be_made_is_told(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, err = run(capsys, "xor", "--out", tmp_path / "file" / "folder")
    assert status == 1
    assert "failed: " in err
    assert "file" in err


@pytest.mark.parametrize("arguments", [["--epochs", "0"], ["--epochs", "x"], ["--seed", "-1"], ["sonar"]])
def test_arguments_that_make_no_sense_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "error: argument" in capsys.readouterr().err


def test_demos_have_a_first_line_each():
    for make in demos.DEMOS.values():
        assert make.__doc__.splitlines()[0].endswith(".")
        assert len(make(np.random.default_rng(0)).train.x) > 0
