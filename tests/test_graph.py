"""Graphs as data, as DOT and as pictures. What a picture shows is read back from the SVG, never from our own text."""

from __future__ import annotations

import re
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import graph, nn
from tinygrad_nn.backprop import Node, calls_around
from tinygrad_nn.errors import ArgumentError, RenderError
from tinygrad_nn.graph import render as rendering
from tinygrad_nn.graph.layout import FAR, MANY

NASTY = 'a "quote" <b>bold</b> \\N \\" &lt; {x|y} -> ; // größe'


class Block(nn.Module):
    def __init__(self, rng):
        self.first = nn.Dense(4, 4, activation="relu", rng=rng)
        self.second = nn.Dense(4, 4, rng=rng)

    def forward(self, x):
        return nn.relu(x + self.second(self.first(x)))


class Net(nn.Module):
    """Nested modules, a list of modules, a layer used twice, and operations of its own."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.blocks = [Block(rng), Block(rng)]
        self.shared = nn.Dense(4, 4, rng=rng)
        self.head = nn.Sequential(nn.Dense(4, 4, rng=rng), nn.ReLU(), nn.Dense(4, 2, rng=rng))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        x = np.exp(-self.shared(x))
        return self.head(self.shared(x) * 0.5)


def xor_loss():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Dense(2, 2, activation="sigmoid", rng=rng), nn.Dense(2, 1, activation="sigmoid", rng=rng))
    return nn.squared_error(model(np.ones((4, 2))), np.ones((4, 1)))


def net_loss():
    return nn.squared_error(Net()(np.ones((3, 4))), np.zeros((3, 2)))


def leaf(*shape, name=None):
    return tn.Tensor(np.ones(shape), requires_grad=True, name=name)


def only(found):
    (one,) = found
    return one


def texts(svg):
    """Return for each element of the picture its class, its title (our id) and its lines of text."""
    name = "{http://www.w3.org/2000/svg}"
    groups = [g for g in ET.fromstring(svg).iter(f"{name}g") if g.get("class") in ("node", "cluster", "edge")]  # noqa: S314 - our own picture
    lines = [[(text.text or "").replace("\u00a0", " ").strip() for text in g.iter(f"{name}text")] for g in groups]
    return [(g.get("class"), g.findtext(f"{name}title"), shown) for g, shown in zip(groups, lines, strict=True)]


# The graph as data


def test_xor_net_is_listed_from_input_to_loss():
    nodes = graph.trace(xor_loss()).nodes
    assert [(n.kind, n.label, n.name, n.shape, n.modules) for n in nodes] == [
        ("input", "input", None, (4, 2), ()),
        ("parameter", "weight", "0.weight", (2, 2), ("Sequential", "0")),
        ("parameter", "bias", "0.bias", (2,), ("Sequential", "0")),
        ("operation", "dense, sigmoid", None, (4, 2), ("Sequential", "0")),
        ("parameter", "weight", "1.weight", (2, 1), ("Sequential", "1")),
        ("parameter", "bias", "1.bias", (1,), ("Sequential", "1")),
        ("operation", "dense, sigmoid", None, (4, 1), ("Sequential", "1")),
        ("constant", "target", None, (4, 1), ()),
        ("operation", "squared_error", None, (), ()),
        ("result", "result", None, (), ()),
    ]
    assert {n.dtype for n in nodes} == {np.dtype(np.float64)}


def test_edges_carry_operand_positions_and_run_forward():
    a, b = leaf(2, name="a"), leaf(2, name="b")
    traced = graph.trace((b - a) * b)
    names = [n.label for n in traced.nodes]
    assert [(names[e.source], names[e.target], e.position) for e in traced.edges] == [
        ("b", "subtract", 0), ("a", "subtract", 1), ("subtract", "multiply", 0), ("b", "multiply", 1),
        ("multiply", "result", 0),
    ]  # fmt: skip  # a table
    assert all(e.source < e.target for e in graph.trace(net_loss()).edges)
    assert [n.id for n in traced.nodes] == list(range(len(traced.nodes)))


def test_one_operand_twice_is_two_edges():
    w = leaf(3)
    assert [tuple(e) for e in graph.trace(w * w).edges] == [(0, 1, 0), (0, 1, 1), (1, 2, 0)]


@pytest.mark.parametrize(
    ("function", "label"),
    [
        (lambda w: w * 0.5, "multiply by 0.5"),
        (lambda w: 2 - w, "subtract from 2"),
        (lambda w: w - 2, "subtract 2"),
        (lambda w: 1 / w, "1 divided by"),
        (lambda w: w / np.float32(3), "divide by 3"),
        (lambda w: w**2, "to the power 2"),
        (lambda w: 1 + w, "add 1"),
        (lambda w: np.maximum(w, 0), "maximum(·, 0)"),
        (lambda w: np.where(True, w, 1.5), "where(True, ·, 1.5)"),  # noqa: FBT003 - a condition
        (lambda w: w.sum(axis=0), "sum, axis=0"),
        (lambda w: w.sum(axis=(0, 1), keepdims=True), "sum, axis=(0, 1), keepdims"),
        (lambda w: w.sum(), "sum"),
        (lambda w: w.reshape(-1), "reshape"),
        (lambda w: w.astype("float32"), "astype, dtype=float32"),
        (lambda w: w[:, 1:], "getitem [:, 1:]"),
        (lambda w: w[..., ::2], "getitem [..., ::2]"),
        (lambda w: w[0], "getitem [0]"),
        (lambda w: w[np.array([0, 1]), w.numpy()[0] > 0], "getitem [array (2,), mask (2,)]"),
        (lambda w: np.einsum("ij,jk->ik", w, np.eye(2)), "einsum ij,jk->ik"),
        (lambda w: np.linalg.slogdet(w + np.eye(2) * 2).logabsdet, "add; slogdet; getitem [..., 1]"),
        (lambda w: np.linalg.svd(w * 2).U, "multiply by 2; svd; part of svd"),
        (lambda w: nn.conv(np.ones((1, 1, 4, 4)), w[None, None]), "getitem [None, None]; conv"),
        (
            lambda w: nn.conv(np.ones((1, 2, 8)), w[None], stride=2, padding=1),
            "getitem [None]; conv, stride=2, padding=1",
        ),
        (
            lambda w: nn.conv(np.ones((1, 1, 4, 4)), w[None, None], stride=(2, 1)),
            "getitem [None, None]; conv, stride=(2, 1)",
        ),
        (lambda w: nn.max_pool(w[None, None], 2), "getitem [None, None]; max_pool, window=2"),
        (lambda w: nn.avg_pool(w[None, None], 2, stride=1), "getitem [None, None]; avg_pool, window=2, stride=1"),
    ],
)
def test_operations_are_labelled_with_numbers_and_options(function, label):
    labels = [n.label for n in graph.trace(function(leaf(2, 2))).nodes if n.kind == "operation"]
    assert "; ".join(labels) == label


def test_constants_are_inputs_targets_or_just_constants():
    x, mask, target = np.ones((5, 3)), np.ones((5, 1)), np.ones((5, 1))
    loss = nn.squared_error((x @ leaf(3, 1)) * mask, target)
    found = [(n.kind, n.label, n.shape) for n in graph.trace(loss).nodes if n.kind in ("input", "constant")]
    assert found == [("input", "input", (5, 3)), ("constant", "constant", (5, 1)), ("constant", "target", (5, 1))]


def test_frozen_parameters_are_called_as_their_rule_calls_them():
    model = nn.Sequential(nn.Dense(3, 8), nn.Dense(8, 8), nn.Dense(8, 2))
    for parameter in model[1].parameters():
        parameter.requires_grad = False
    frozen = [node for node in graph.trace(model, np.ones((5, 3))).nodes if node.modules[1:] == ("1",)]
    assert [(n.kind, n.label) for n in frozen[:2]] == [("constant", "weight"), ("constant", "bias")]
    assert "constant" in [n.label for n in graph.trace(np.stack([leaf(2), np.ones(2)])).nodes]  # and not "arrays"


def test_a_constant_used_twice_is_one_node():
    x = tn.Tensor(np.ones((5, 3)))
    assert [n.kind for n in graph.trace(x @ leaf(3, 3) + x).nodes].count("input") == 1


@pytest.mark.parametrize("values", [np.zeros, np.ones, lambda shape: np.arange(np.prod(shape)).reshape(shape) / 9.0])
@pytest.mark.parametrize("model", [nn.Residual(nn.Dense(8, 8)), nn.TransformerBlock(8, 2)], ids=["mlp", "transformer"])
def test_an_input_that_a_shortcut_reads_too_is_one_node(model, values):
    traced = graph.trace(model, values((5, 2, 8)))
    assert [node.kind for node in traced.nodes if node.kind in ("input", "constant")] == ["input"]


def test_an_input_of_ones_is_known_before_it_meets_a_parameter():
    mask, x = np.full((2, 4), 0.5), np.ones((2, 4))
    w = leaf(4, 4)
    kinds = [(n.kind, n.label) for n in graph.trace((np.exp(w).sum() * x + mask) * (x @ w) * mask).nodes]
    assert kinds.count(("input", "input")) == 1
    assert kinds.count(("constant", "constant")) == 2  # as alike as a mask and a target of ones


def test_released_scalars_are_not_taken_for_one_another():
    loss = leaf(2) * tn.Tensor(2.0) * tn.Tensor(3.0)
    before = len(graph.trace(loss).edges)
    loss.backward(np.ones(2))
    traced = graph.trace(loss)
    assert len(traced.edges) == before + traced.number_of("constant")
    assert len({e.source for e in traced.edges}) == len(traced.edges)


def test_names_of_results_and_of_the_loss_are_shown():
    hidden = leaf(2) * 2
    hidden.name = "hidden"
    loss = hidden.sum()
    loss.name = "loss"
    nodes = graph.trace(loss).nodes
    assert [(n.kind, n.label, n.name) for n in nodes[1:]] == [
        ("operation", "multiply by 2", "hidden"), ("operation", "sum", None), ("result", "loss", "loss"),
    ]  # fmt: skip  # a table
    assert ["hidden", "multiply by 2"] in [lines for _, _, lines in texts(graph.draw(loss).svg())]


def test_a_gradient_that_was_not_computed_is_none():
    w, unused = leaf(2, name="w"), leaf(2, name="unused")
    loss = (w * 3 + unused * 0).sum()
    assert all(n.gradient is None for n in graph.trace(loss).nodes)
    loss.backward(retain_graph=True)
    gradients = {n.label: n.gradient for n in graph.trace(loss).nodes}
    np.testing.assert_array_equal(gradients["w"], [3.0, 3.0])
    np.testing.assert_array_equal(gradients["unused"], [0.0, 0.0])
    np.testing.assert_array_equal(gradients["multiply by 3"], [1.0, 1.0])
    loss = w.sum()
    loss.backward()
    assert graph.trace(loss).nodes[1].gradient is None


def test_a_graph_inside_a_transform_is_drawn():
    found = []
    tn.grad(lambda x: found.append(graph.trace((x * x).sum())) or (x * x).sum())(np.ones(2))
    assert [n.label for n in found[0].nodes] == ["leaf", "multiply", "sum", "result"]


# Modules


def test_module_paths_are_those_of_calls_around():
    loss = net_loss()
    operations, stack = {}, [loss._node]
    while stack:
        node = stack.pop()
        if not node.is_leaf and node.stamp not in operations:
            operations[node.stamp] = node
            stack += [operand for operand in node.operands if isinstance(operand, Node)]
    expected = [[call[1] for call in calls_around(node, operations.values())] for _, node in sorted(operations.items())]
    found = [[re.sub(r" #\d+$", "", m) for m in n.modules] for n in graph.trace(loss).nodes if n.kind == "operation"]
    assert found == expected
    assert max(map(len, found)) == 3


def test_a_shared_layer_is_two_calls_and_one_weight():
    traced = graph.trace(net_loss())
    weight = only(n for n in traced.nodes if n.name == "shared.weight")
    users = [traced.nodes[e.target] for e in traced.edges if e.source == weight.id]
    assert [n.modules for n in users] == [("Net", "shared"), ("Net", "shared #2")]
    assert weight.modules == ("Net",)
    assert weight.label == "shared.weight"


def test_a_module_that_hands_its_input_through_leaves_no_trace():
    class Identity(nn.Module):
        def forward(self, x):
            return x

    step = Identity()
    assert all(n.modules == () for n in graph.trace(step(step(leaf(2)) * 2) + 1).nodes)


def test_a_module_that_returns_an_older_result_than_one_inside_it():
    class Inner(nn.Module):
        def forward(self, x):
            self.kept = x * 2
            return self.kept * 3

    class Outer(nn.Module):
        def __init__(self):
            self.inner = Inner()

        def forward(self, x):
            self.late = self.inner(x)
            return self.inner.kept

    outer = Outer()
    traced = graph.trace(outer(leaf(2)) + outer.late)
    paths = {n.label: n.modules for n in traced.nodes if n.kind == "operation"}
    assert paths == {"multiply by 2": ("Outer", "inner"), "multiply by 3": ("inner",), "add": ()}


def test_modules_are_drawn_as_boxes_inside_one_another():
    found = texts(graph.draw(net_loss()).svg())
    titles = [lines[0] for kind, _, lines in found if kind == "cluster" and lines]
    expected = [
        "Net", "head: Sequential", "0: Dense", "1: ReLU", "2: Dense", "shared: Dense", "shared #2: Dense",
        *["first: Dense", "second: Dense"] * 2, "blocks.0: Block", "blocks.1: Block",
    ]  # fmt: skip  # a table
    assert sorted(titles) == sorted(expected)


# The picture


def test_every_node_and_every_operand_is_in_the_picture():
    traced = graph.trace(net_loss())
    svg = graph.draw(net_loss()).svg()
    found = texts(svg)
    drawn = [lines for kind, _, lines in found if kind == "node" and lines]
    twice = [lines[0] for lines in drawn if lines[-1] == "drawn 2 times"]
    assert sorted(twice) == ["bias", "bias", "weight", "weight"]  # of the layer that is called twice
    assert len(drawn) == len(traced.nodes) + 2
    name = "{http://www.w3.org/2000/svg}"
    lines = [g for g in ET.fromstring(svg).iter(f"{name}g") if g.get("class") == "edge"]  # noqa: S314 - our own picture
    assert sum(len(list(line.iter(f"{name}polygon"))) for line in lines) == len(traced.edges)  # arrowheads
    assert ["dense, relu"] in drawn
    assert ["weight", "(4, 4)"] in drawn
    assert ["result", "scalar"] in drawn


def test_shapes_stand_on_the_edges_between_operations():
    found = texts(graph.draw(xor_loss()).svg())
    labels = [lines for kind, _, lines in found if kind == "edge" and lines]
    assert labels == [["(4, 2)"], ["(4, 1)"], ["scalar"]]


def test_the_same_program_gives_the_same_text():
    assert graph.draw(net_loss()).dot == graph.draw(net_loss()).dot


def test_backward_does_not_change_the_picture():
    for make, keep in ((net_loss, True), (xor_loss, True), (xor_loss, False)):  # not (net_loss, False), which reads
        loss = make()  # its input twice: once its copies are released, nobody knows that they were of one array
        before = graph.draw(loss).dot
        loss.backward(retain_graph=keep)
        assert graph.draw(loss).dot == before


@pytest.mark.parametrize("values", [False, True])
def test_kinds_differ_in_shape_and_in_lightness(values):
    looks = {}
    for drawing in (graph.draw(xor_loss(), values=values), graph.draw(xor_loss(), depth=0, values=values)):
        for node in drawing.graph.nodes:
            line = only(re.findall(rf"\tn{node.id} (\[label=[^\]]*\])", drawing.dot))
            fill = re.search(r'fillcolor="#(..)(..)(..)"', line).groups()
            lightness = np.dot([0.2126, 0.7152, 0.0722], [int(part, 16) for part in fill])
            outline = tuple(re.findall(r'(?:shape|style|peripheries)=(?:"[^"]*"|\w+)', line))
            looks.setdefault(node.kind, set()).add((outline, round(lightness)))
    assert all(len(look) == 1 for look in looks.values())
    assert len({only(look)[0] for look in looks.values()}) == 6
    assert len({only(look)[1] for look in looks.values()}) == 6


@pytest.mark.parametrize("name", [NASTY, "<b>all of it</b>", "\\", "ends with \\", '"', "&amp;", "日本 ✓"])
def test_names_stay_text(name):
    hidden = leaf(2, name=name) * 2
    hidden.name = name
    lines = [line for _, _, lines in texts(graph.draw(hidden.sum()).svg()) for line in lines]
    assert lines.count(re.sub(r"^(.{20}).+(.{20})$", r"\1…\2", name) if len(name) > 40 else name) == 2


def test_control_characters_are_shown_and_long_names_shortened():
    drawing = graph.draw(leaf(2, name="two\nlines\x00\ud800") * leaf(2, name="x" * 1000))
    lines = [line for _, _, lines in texts(drawing.svg()) for line in lines]
    assert r"two\nlines\x00\ud800" in lines
    assert "x" * 20 + "…" + "x" * 20 in lines


def test_names_of_modules_stay_text():
    class Odd(nn.Module):
        def __init__(self):
            self.parts = {'<i>"\\': nn.Dense(2, 2)}

        def forward(self, x):
            return only(self.parts.values())(x)

    found = texts(graph.draw(Odd(), np.ones((1, 2))).svg())
    titles = [lines for kind, _, lines in found if kind == "cluster" and lines]
    assert titles == [["Odd"], ['parts.<i>"\\: Dense']]


def test_what_many_operations_use_is_drawn_beside_each():
    def chain(steps):
        w = leaf(2, name="w")
        y = tn.Tensor(np.ones(2), requires_grad=True)
        for _ in range(steps):
            y = y * w
        return [lines for kind, _, lines in texts(graph.draw(y).svg()) if kind == "node" and lines[0] == "w"]

    assert chain(FAR) == [["w", "(2,)"]]
    assert chain(FAR + 1) == [["w", "(2,)", f"drawn {FAR + 1} times"]] * (FAR + 1)


def test_what_a_layer_takes_as_its_data_is_drawn_once():
    x = leaf(3, 4, name="x")
    svg = graph.draw(nn.Residual(nn.Dense(4, 4))(x)).svg()
    assert [lines for kind, _, lines in texts(svg) if kind == "node" and lines[:1] == ["x"]] == [["x", "(3, 4)"]]


def test_what_is_drawn_beside_each_operation_of_a_module_comes_in_nowhere_else():
    class Power(nn.Module):
        def forward(self, x):
            y = x * w
            for _ in range(MANY):
                y = np.maximum(y, w)
            return y

    w = leaf(2, name="w")
    svg = graph.draw(Power()(leaf(2, name="x")), repeats=False).svg()
    nodes = [lines for kind, _, lines in texts(svg) if kind == "node" and lines]
    assert len(nodes) == 1 + 2 * (MANY + 1) + 1
    assert nodes.count(["w", "(2,)", f"drawn {MANY + 1} times"]) == MANY + 1


def test_copies_that_find_no_place_beside_an_operation_are_drawn_too():
    parts = [leaf(1, name=name) for name in "abc"]
    total = sum((np.concatenate(parts).sum() for _ in range(MANY)), tn.Tensor(0.0))
    drawn = [lines[0] for kind, _, lines in texts(graph.draw(total).svg()) if kind == "node" and lines]
    assert [drawn.count(name) for name in "abc"] == [MANY] * 3


def test_parameters_stand_beside_their_operation_and_data_run_down():
    svg = ET.fromstring(graph.draw(xor_loss() + np.float64(1)).svg())  # noqa: S314 - our own picture
    places = {}
    for text in svg.iter("{http://www.w3.org/2000/svg}text"):
        places.setdefault(text.text, (float(text.get("x")), float(text.get("y"))))
    middle, row = places["dense, sigmoid"]
    assert places["weight"][0] < middle < places["bias"][0]
    assert abs(places["weight"][1] - row) < 15
    assert places["input"][1] < row < places["squared_error"][1] < places["add 1"][1] < places["result"][1]
    assert places["target"][0] > places["squared_error"][0]
    assert places["input"][0] == pytest.approx(middle, abs=1)


def test_a_lone_first_operand_stands_at_the_left():
    svg = ET.fromstring(graph.draw(np.ones(2) - leaf(2) * 2).svg())  # noqa: S314 - our own picture
    places = {text.text: float(text.get("x")) for text in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert places["constant"] < places["subtract"]


def test_a_weight_used_hundreds_of_times_is_laid_out_in_seconds():
    w = leaf(2, name="w")
    y = w
    for _ in range(240):
        y = np.maximum(y * w, y)
    begin = time.perf_counter()
    assert graph.draw(y).svg()
    assert time.perf_counter() - begin < 20  # one line for each use takes more than a minute


# Size


def test_100_000_calls_of_modules_are_told_apart_in_seconds():
    class Negate(nn.Module):
        def forward(self, x):
            return -x

    step, y = Negate(), leaf(2)
    for _ in range(100_000):
        y = step(y)
    begin = time.process_time()
    assert graph.trace(y).nodes[-2].modules == ("Negate #100000",)
    assert time.process_time() - begin < 20


# What cannot be drawn


def test_what_has_no_graph_is_refused():
    w = leaf(2)
    with tn.no_grad():
        silent = w * 2
    for constant in (silent, tn.Tensor([1.0])):
        with pytest.raises(ArgumentError, match=r"nothing was recorded.*requires_grad=True.*no_grad"):
            tn.draw(constant)
    with pytest.raises(ArgumentError, match="expected a Tensor, got ndarray"):
        tn.draw(np.ones(2))
    with pytest.raises(ArgumentError, match="expected inputs only for a module, got 1 for a Tensor"):
        tn.draw(w * 2, np.ones(2))


@pytest.mark.parametrize(
    "view", [tn.draw, graph.trace, lambda module, *inputs: tn.explore(module, "graph.html", *inputs)]
)
def test_a_module_without_its_inputs_is_refused(view):
    expected = r"expected example inputs for Net\.forward\(x\), got none: .*'x'.*tn\.draw\(model, x\)"
    with pytest.raises(ArgumentError, match=expected):
        view(Net())
    with pytest.raises(ArgumentError, match=r"Net\.forward\(x\), got 2: too many positional arguments"):
        view(Net(), np.ones((3, 4)), np.ones((3, 4)))


def test_an_error_inside_of_a_module_stays_what_it_is():
    class Wrong(nn.Module):
        def forward(self, x):
            return len()

    with pytest.raises(TypeError, match=r"len\(\) takes exactly one argument"):
        tn.draw(Wrong(), np.ones(2))


def test_a_module_is_run_on_its_inputs():
    drawing = tn.draw(Net(), np.ones((3, 4)))
    assert drawing.graph.nodes[-1].shape == (3, 2)
    assert drawing.graph.nodes[0].kind == "input"


# Files


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.svg", b"<?xml"), ("b.SVG", b"<?xml"), ("c.png", b"\x89PNG"), ("d.jpg", b"\xff\xd8"), ("e.dot", b"digraph"),
        ("f.gv", b"digraph"),
    ],
)  # fmt: skip  # a table
def test_the_suffix_chooses_the_format(tmp_path, name, start):
    assert graph.draw(xor_loss(), path=tmp_path / name).save(str(tmp_path / name)) == tmp_path / name
    assert (tmp_path / name).read_bytes().startswith(start)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_format_may_be_given_apart_from_the_name(tmp_path):
    graph.draw(xor_loss(), path=tmp_path / "picture", format="svg")
    assert (tmp_path / "picture").read_bytes().startswith(b"<?xml")


def test_unknown_formats_and_folders_are_refused(tmp_path):
    drawing = graph.draw(xor_loss())
    with pytest.raises(ArgumentError, match=r"format of dot, gv, svg.*got 'xyz'.*'graph\.svg'"):
        drawing.save(tmp_path / "graph.xyz")
    with pytest.raises(ArgumentError, match=r"got 'html'.*tn\.explore\(loss, 'graph\.html'\)"):
        drawing.save(tmp_path / "graph.html")
    with pytest.raises(ArgumentError, match=r"got ''"):
        drawing.save(tmp_path / "graph")
    with pytest.raises(ArgumentError, match=r"there is no '.*missing'"):
        drawing.save(tmp_path / "missing" / "graph.svg")
    with pytest.raises(ArgumentError, match=r"expected a path to write 'svg' to"):
        graph.draw(xor_loss(), format="svg")


@pytest.mark.parametrize("broken", ["write_bytes", "replace"])
def test_a_failed_save_leaves_the_earlier_file(tmp_path, monkeypatch, broken):
    path = tmp_path / "graph.dot"
    path.write_text("earlier")

    def fail(*_):
        message = "disk full"
        raise OSError(message)

    drawing = graph.draw(xor_loss())
    with monkeypatch.context() as patch:
        patch.setattr(Path, broken, fail)
        with pytest.raises(OSError, match="disk full"):
            drawing.save(path)
    assert path.read_text() == "earlier"
    assert [p.name for p in tmp_path.iterdir()] == ["graph.dot"]


# Engines


@pytest.fixture
def no_engine(monkeypatch, tmp_path):
    """Hide every engine: nothing on PATH, nothing installed by pip."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(rendering, "_installed", list)


def program(folder, name, script):
    """Write a program that stands in for a layout engine."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_without_an_engine_the_message_names_the_command(no_engine, tmp_path):
    drawing = graph.draw(xor_loss())
    with pytest.raises(RenderError, match=r"pip install 'tinygrad_nn\[render\]'"):
        drawing.save(tmp_path / "graph.svg")
    assert list(tmp_path.iterdir()) == []
    assert drawing.save(tmp_path / "graph.dot").read_text() == drawing.dot


@pytest.mark.parametrize(
    ("platform", "command"),
    [
        ("linux", "apt-get install graphviz"), ("darwin", "brew install graphviz"),
        ("win32", "winget install Graphviz.Graphviz"),
    ],
)  # fmt: skip  # a table
@pytest.mark.parametrize(
    ("engines", "instead"), [([], ".dot needs none"), (["/bin/graphviz-pure"], ".svg needs no more")]
)
def test_without_graphviz_itself_pdf_names_the_command(monkeypatch, platform, command, engines, instead):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(rendering, "find_engines", lambda: engines)
    with pytest.raises(RenderError, match=rf"'dot' for pdf.*Run: {re.escape(command)} \(saving as \{instead}"):
        rendering.render("digraph{}", "pdf")


def test_a_notebook_shows_the_picture():
    drawing = graph.draw(xor_loss())
    assert drawing._repr_mimebundle_() == {"image/svg+xml": drawing.svg(), "text/plain": repr(drawing)}
    assert drawing._repr_svg_() == drawing.svg()
    assert repr(drawing) == f"<Drawing of {drawing.graph!r}>"
    assert repr(drawing.graph) == "<Graph of 10 nodes: 1 input, 4 parameters, 3 operations, 1 constant, 1 result>"


def test_a_notebook_without_an_engine_shows_reason_and_text(no_engine):
    drawing = graph.draw(xor_loss())
    shown = drawing._repr_mimebundle_()
    assert list(shown) == ["text/plain"]
    assert "pip install" in shown["text/plain"]
    assert drawing.dot in shown["text/plain"]
    assert drawing._repr_svg_() is None


def test_the_pip_engine_is_found_without_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [Path(engine).stem for engine in rendering.find_engines()] == ["graphviz-pure"]
    assert graph.draw(xor_loss()).svg().startswith("<?xml")


def test_graphviz_itself_comes_first(no_engine, tmp_path):
    pure, system = program(tmp_path, "graphviz-pure", "echo pure"), program(tmp_path, "dot", 'echo "$@"')
    assert rendering.find_engines() == [system, pure]
    assert rendering.render("digraph{}", "pdf") == b"-Kdot -Tpdf\n"


@pytest.mark.parametrize("script", ["exit 0", "echo half; exit 1", "exec /nowhere"])
def test_a_broken_dot_gives_way_to_the_next_engine(no_engine, tmp_path, script):
    program(tmp_path, "dot", script)
    program(tmp_path, "graphviz-pure", "echo pure")
    assert rendering.render("digraph{}") == b"pure\n"


def test_an_engine_that_fails_is_quoted(no_engine, tmp_path):
    program(tmp_path, "dot", "echo 'syntax error in line 1' >&2; exit 1")
    with pytest.raises(RenderError, match=r"dot, but it ended with status 1 and said: syntax error in line 1"):
        rendering.render("digraph{")


def test_an_engine_that_hangs_is_stopped(no_engine, tmp_path, monkeypatch):
    program(tmp_path, "dot", "exec /bin/sleep 60")
    monkeypatch.setattr(rendering, "_TIMEOUT", 0.2)
    with pytest.raises(RenderError, match=r"timed out.*smaller graph"):
        rendering.render("digraph{}")
