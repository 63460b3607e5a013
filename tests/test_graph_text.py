"""Graphs as text: every value is there, told from all others, and nothing is wider than the terminal."""

from __future__ import annotations

import io
import re
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_nn as tn
from tests.test_folding import chain, deep, unrolled
from tests.test_graph import NASTY, net_loss, xor_loss
from tinygrad_nn import graph, nn


def lines_of(result, *inputs, **options):
    return graph.trace(result, *inputs).text(**{"width": 100} | options).splitlines()


def test_the_xor_network_is_written_as_one_reads_it():
    loss = xor_loss()
    loss.name = "loss"
    assert (
        "\n".join(lines_of(loss))
        == """\
▷ input                                          (4, 2)
Sequential
├─ 0  Dense
│  ├─ ◆ weight                                   (2, 2)
│  ├─ ◆ bias                                     (2,)
│  └─ #3 = dense, sigmoid ← input, weight, bias  (4, 2)
└─ 1  Dense
   ├─ ◆ weight                                   (2, 1)
   ├─ ◆ bias                                     (1,)
   └─ #6 = dense, sigmoid ← #3, weight, bias     (4, 1)
◇ target                                         (4, 1)
#8 = squared_error ← #6, target                  scalar
■ loss ← #8                                      scalar"""
    )


def test_print_writes_it_and_repr_says_how_large_it_is(capsys):
    traced = graph.trace(xor_loss())
    print(traced)
    assert capsys.readouterr().out.splitlines() == traced.text(width=80).splitlines()
    assert repr(traced).startswith("<Graph of 10 nodes")


def test_operands_are_written_in_their_order_and_found_again():
    a, b = (tn.Tensor(np.ones(2), requires_grad=True, name=name) for name in "ab")
    d = b - a
    d.name = "d"
    assert [line.partition("  ")[0] for line in lines_of((d * d - b / (d + 1)).sum())] == [
        "◆ b", "◆ a", "d = subtract ← b, a", "#3 = multiply ← d, d", "#4 = add 1 ← d",
        "#5 = divide ← b, #4", "#6 = subtract ← #3, #5", "#7 = sum ← #6", "■ result ← #7",
    ]  # fmt: skip  # lines


def references(lines):
    """Return the names that are given, and those that operands are called by."""
    rows = [re.sub(r"^[├└│─ ]*(?:[◆▷◇■] )?", "", line) for line in lines]
    given = {row.partition(" ← ")[0].partition(" = ")[0].partition("  ")[0] for row in rows}
    used = [
        name
        for row in rows
        if " ← " in row
        for operand in row.partition(" ← ")[2].partition("  ")[0].split(", ")
        for name in operand.removeprefix("then ").split(" then ")
    ]
    return given, used


@pytest.mark.parametrize(
    "make",
    [
        xor_loss, net_loss, unrolled, lambda: unrolled(50), lambda: chain(18), lambda: chain(2000),
        lambda: deep()(np.ones((2, 4))), lambda: nn.TransformerBlock(8, 2, 16)(np.ones((2, 5, 8))),
        lambda: nn.LSTM(3, 4)(np.ones((5, 1, 3))),
    ],
)  # fmt: skip  # graphs
@pytest.mark.parametrize("depth", [None, 0, 1])
def test_every_operand_is_the_name_of_some_line(make, depth):
    given, used = references(lines_of(make(), width=400, depth=depth))
    assert used
    assert set(used) <= given


def test_every_node_has_a_line_of_its_own():
    traced = graph.trace(net_loss())
    modules = {node.modules[:depth] for node in traced.nodes for depth in range(1, len(node.modules) + 1)}
    assert len(traced.text(width=100).splitlines()) == len(traced.nodes) + len(modules)


def test_sources_stand_above_what_uses_them_first():
    block = nn.TransformerBlock(8, 2, 16)
    lines = lines_of(block, np.random.default_rng(0).normal(size=(2, 5, 8)))
    assert lines[0].startswith("▷ input")


def test_gradients_are_told_by_their_norm_and_one_that_is_missing_is_none_not_zero():
    w, zero, unused = (tn.Tensor([3.0, 4.0], requires_grad=True, name=name) for name in ("w", "zero", "unused"))
    loss = (w * w / 2 + zero * 0).sum()
    assert not any("gradient" in line for line in lines_of(loss))
    loss.backward(retain_graph=True)
    lines = lines_of([loss, unused.sum()])
    assert lines[0].split() == ["shape", "|gradient|"]
    ends = {line.split()[1]: line.split()[-1] for line in lines if line.startswith("◆")}
    assert ends == {"w": "5", "zero": "0", "unused": "none"}


def test_norms_are_finite_where_squares_are_not():
    w = tn.Tensor([3e-200, 4e-200], requires_grad=True, name="w")
    (w * [3e200, 4e200]).sum().backward()
    w.grad = w.grad
    assert lines_of(w.sum())[1].split()[-1] == "5e+200"


def test_dtypes_are_told_where_they_differ():
    w = tn.Tensor(np.ones(2, np.float32), requires_grad=True, name="w")
    assert not any("float" in line for line in lines_of((w * 2).sum()))
    lines = lines_of(w.astype(np.float64).sum())
    assert lines[0].endswith("(2,) float32")
    assert lines[-1].endswith("scalar float64")


# The terminal


@pytest.mark.parametrize("make", [net_loss, unrolled, lambda: deep()(np.ones((2, 4)))])
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(make, width):
    loss = make().sum()
    loss.backward(retain_graph=True)
    assert max(map(len, lines_of(loss, width=width))) <= width


def test_the_width_is_that_of_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "45")
    lines = str(graph.trace(net_loss())).splitlines()
    assert max(map(len, lines)) == 45
    assert any("…" in line for line in lines)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_a_terminal_that_lacks_the_signs_gets_others(monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    loss = xor_loss()
    loss.name = "größe"
    loss.backward()
    monkeypatch.setattr(sys, "stdout", stream)
    print(graph.trace(loss).text(width=60))
    print(graph.trace(loss).text(width=40))
    stream.flush()
    text = stream.buffer.getvalue().decode(encoding)
    assert "|- * weight" in text
    assert "`- #3 = dense, sigmoid <- input" in text
    assert max(map(len, text.splitlines())) <= 60
    assert ("größe" in text) == (encoding != "ascii")


def test_names_stay_text():
    x = tn.Tensor([1.0], requires_grad=True, name="\x1b[31m\n" + NASTY[:20])
    text = graph.trace(x * 2).text(width=100)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 3
    assert "\\x1b[31m\\n" in text


# Large graphs


def test_twelve_blocks_are_written_once_and_it_says_so():
    lines = lines_of(deep(), np.ones((2, 4)))
    assert any("Residual × 12" in line for line in lines)
    assert " ".join(lines[-2:]).endswith(
        "4 of 37 operations are written out, 33 are folded as repetitions. .text(repeats=False) writes all of them."
    )
    assert len(lines) < 25
    assert len(lines_of(deep(), np.ones((2, 4)), repeats=False)) > 100


def test_a_closed_module_is_a_line_that_says_what_is_in_it():
    lines = lines_of(deep(2), np.ones((2, 4)), depth=1)
    assert [line.rpartition("  (")[0].rstrip() or line for line in lines[:5]] == [
        "▷ input", "Sequential", "├─ #1 = 0 (Residual, 3 operations) ← input",
        "├─ #2 = 1 (Residual, 3 operations) ← #1", "└─ #3 = 2 (Dense, 1 operation) ← #2",
    ]  # fmt: skip  # lines
    assert "0 of 7 operations are written out, 7 are in closed modules." in " ".join(lines[-2:])


def test_what_a_step_hands_on_to_the_next_is_told():
    x = tn.Tensor(1.0, requires_grad=True, name="x")
    for _ in range(1000):
        x = np.tanh(x * 0.5)
    lines = lines_of(x)
    assert lines[2:4] == ["step × 999", "├─ #2 = tanh ← #1 then #3     scalar"]


def test_what_does_not_repeat_itself_loses_its_middle():
    x = tn.Tensor(1.0, requires_grad=True)
    choices = np.random.default_rng(0).integers(4, size=500)
    for number in range(500):
        x = [np.sin, np.cos, np.tanh, np.arctan][choices[number]](x)
    lines = lines_of(x)
    assert len(lines) < 130
    assert any(line.startswith("… ") and line.endswith(" more lines") for line in lines)
    assert "are left out in the middle" in " ".join(lines[-2:])
    assert len(lines_of(x, repeats=False)) == 502


def remark(text):
    """Return the numbers that a text ends with: written, of all, folded, in closed modules, left out."""
    said = " ".join(text.partition("\n\n")[2].split())
    number = lambda pattern: int((re.search(rf"([\d,]+) {pattern}", said) or [0, "0"])[1].replace(",", ""))  # noqa: E731
    patterns = ("operations are written", "are folded", "are in closed", "are left out")
    return [number("of"), *(number(pattern.replace("are", "(?:is|are)")) for pattern in patterns)]


class Wrapped(nn.Module):
    """A module around an operation, or around another module."""

    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return self.function(x)


@st.composite
def computations(draw):
    """Draw a chain of operations, repeated, irregular or in modules, and how many there are in it."""
    x, functions = tn.Tensor(1.0, requires_grad=True), [np.sin, np.cos, np.tanh, np.arctan]
    count = 0
    parts = st.tuples(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.integers(1, 40), st.integers(0, 2))
    for choices, times, depth in draw(st.lists(parts, min_size=1, max_size=12)):
        for _ in range(times):
            for choice in choices:
                function = functions[choice]
                for _ in range(depth):
                    function = Wrapped(function)
                x = function(x)
                count += 1
    return x, count


@given(computations(), st.sampled_from([None, 0, 1, 2]), st.booleans())
@settings(deadline=None, max_examples=40)
def test_the_remark_counts_each_operation_once(computation, depth, repeats):
    x, count = computation
    text = graph.trace(x).text(width=100, depth=depth, repeats=repeats)
    lines = text.partition("\n\n")[0].splitlines()
    written = sum(bool(re.search(r"#\d+ = (?:sin|cos|tanh|arctan) ←", line)) for line in lines)
    if "\n\n" not in text:
        assert written == count
    else:
        told, there, *others = remark(text)
        assert told == written
        assert there == count == written + sum(others)


def test_repetitions_that_are_closed_are_no_modules():
    x = tn.Tensor(1.0, requires_grad=True)
    for number in range(300):
        x = [np.sin, np.cos, np.tanh][number * number % 7 % 3](x) if number % 5 else np.arctan(x)
    assert "module" not in graph.trace(x).text(width=100).rpartition("\n\n")[2]


def test_a_folded_graph_says_how_to_write_all_of_it():
    folded = graph.fold(graph.trace(chain(100)))
    assert ".unfolded.text(repeats=False) writes all of them" in folded.text(width=200)
    assert len(folded.unfolded.text(repeats=False).splitlines()) == 102


def test_ten_thousand_operations_take_a_second():
    x = chain(10_000)
    start = time.process_time()
    text = str(graph.trace(x))
    assert time.process_time() - start < 10  # half a second; an algorithm of the wrong order takes minutes
    assert len(text.splitlines()) < 10
