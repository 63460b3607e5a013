"""The page of `explore` as data and as text. How it behaves in a browser is tested in `tests/browser`."""

import graphlib
import json
import re
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_nn as tn
from tinygrad_nn import nn
from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.graph import trace
from tinygrad_nn.graph.explorer import data as data_module
from tinygrad_nn.graph.explorer.arrays import Arrays, statistics, thumbnail
from tinygrad_nn.graph.explorer.backward import backward_steps
from tinygrad_nn.graph.explorer.data import LEFT_OUT, page_data
from tinygrad_nn.graph.explorer.groups import MOST, grouped
from tinygrad_nn.graph.explorer.page import SCRIPTS, packed
from tinygrad_nn.graph.explorer.rules import rule_text
from tinygrad_nn.primitive import PRIMITIVES

HOSTILE = '</script><script>document.title="caught"</script><img src=x onerror=alert(1)> "quoted" <!-- \\ größe'


def network():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Dense(3, 4, activation="tanh", rng=rng), nn.Dense(4, 2, rng=rng))
    x = rng.normal(size=(5, 3))
    hidden = model(x)
    return model, nn.squared_error(hidden * hidden + hidden, np.ones((5, 2)))


def unrolled(steps=8):
    rng = np.random.default_rng(0)
    weight = tn.Tensor(rng.normal(size=(4, 4)), requires_grad=True, name="W")
    state = np.zeros((2, 4))
    for step in range(steps):
        gate = nn.sigmoid(state @ weight + step)
        state = np.tanh(gate * (state @ weight))
        state = state * gate + 0.5
    return state.sum()


def irregular(count, value=None):
    """Return a loss after operations among which nothing repeats itself for long."""
    value = tn.Tensor(1.0, requires_grad=True, name="x") if value is None else value
    for choice in np.random.default_rng(0).integers(3, size=count):
        value = (np.sin, np.cos, np.tanh)[choice](value)
    return value


def mixed(count):
    """Return a loss after what repeats itself as single operations, and in steps."""
    y = tn.Tensor(1.0, requires_grad=True)
    for _ in range(count):
        y = y * 0.999
    for _ in range(200):
        y = np.sin(y) * np.tanh(y) + np.cos(y) - y
    return y


def bundle(count):
    """Return results of a computation in which each of many parameters is read at both ends."""
    parameters = [tn.Tensor(float(i), requires_grad=True, name=f"w{i}") for i in range(count)]
    begin = np.stack(parameters).sum()
    end = irregular(100, begin)
    return [end + np.stack(parameters).mean(), *([end * 2.0] * count)]


class Halving(nn.Module):
    """A module with a few operations inside."""

    def forward(self, x):
        return np.tanh(x * 0.5)


@st.composite
def recorded(draw):
    """Draw a computation: irregular stretches, repetitions, calls of modules, and values read again much later."""
    functions = (np.sin, np.cos, np.tanh, np.arctan, np.negative, Halving())
    values = [tn.Tensor(0.5, requires_grad=True, name="x")]
    for _ in range(draw(st.integers(1, 4))):
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        stretch = rng.integers(len(functions), size=draw(st.integers(0, 60)))
        step = rng.integers(len(functions), size=draw(st.integers(1, 5)))
        for index in (*stretch, *np.tile(step, draw(st.integers(0, 12)))):
            values.append(functions[index](values[-1]))
        values.append(values[-1] * values[draw(st.integers(0, len(values) - 1))])
    return values[-1]


def chain_of(groups, group):
    """Return the groups around one and itself, from the outermost in."""
    found = []
    while group is not None:
        found.insert(0, group)
        group = groups[group].parent
    return found


def array_of(data, number):
    summary = data["arrays"][number]
    return np.reshape(np.array(summary["values"], dtype=float), summary["shape"])


class TestNumbers:
    def test_values_are_those_of_numpy(self):
        a, b = np.array([[1.0, -2.0], [3.0, 4.0]]), np.array([0.5, -1.0])
        w = tn.Tensor(a, requires_grad=True, name="w")
        data = page_data(np.exp(w * b).sum(), 64)
        found = {node["label"]: array_of(data, node["value"]) for node in data["nodes"]}
        np.testing.assert_allclose(found["w"], a, rtol=1e-5)
        np.testing.assert_allclose(found["multiply"], a * b, rtol=1e-5)
        np.testing.assert_allclose(found["exp"], np.exp(a * b), rtol=1e-5)
        np.testing.assert_allclose(found["result"], np.exp(a * b).sum(), rtol=1e-5)

    def test_gradients_are_those_of_backward(self):
        model, loss = network()
        data = page_data(loss, 64)
        loss.backward()
        found = {node.get("name"): node for node in data["nodes"] if node["kind"] == "parameter"}
        for name, parameter in model.named_parameters():
            np.testing.assert_allclose(array_of(data, found[name]["gradient"]), parameter.grad, rtol=1e-5)

    def test_what_flows_along_the_edges_from_a_value_adds_up_to_its_gradient(self):
        _, loss = network()
        data = page_data(loss, 64)
        flows = {}
        for source, _, _, flow in data["edges"]:
            if flow is not None:
                flows.setdefault(source, []).append(array_of(data, flow))
        assert max(map(len, flows.values())) == 3  # hidden is read three times
        for source, parts in flows.items():
            np.testing.assert_allclose(sum(parts), array_of(data, data["nodes"][source]["gradient"]), atol=1e-5)

    def test_the_first_gradient_is_the_one_that_backward_was_given(self):
        w = tn.Tensor([1.0, 2.0], requires_grad=True)
        y = w * 3
        y.backward(np.array([10.0, 20.0]), retain_graph=True)
        data = page_data(y, 64)
        assert [array_of(data, node["gradient"]).tolist() for node in data["nodes"][:2]] == [[30.0, 60.0], [10.0, 20.0]]

    def test_an_operand_used_twice_by_one_operation_has_a_flow_for_each(self):
        w = tn.Tensor([3.0], requires_grad=True)
        (*_, (_, gradient, _)) = backward_steps([(w * w).sum()._node])
        assert gradient == [6.0]
        data = page_data((w * w).sum(), 64)
        assert [array_of(data, flow).tolist() for *_, flow in data["edges"][:2]] == [[3.0], [3.0]]

    def test_several_results_each_have_their_gradient(self):
        w = tn.Tensor([2.0], requires_grad=True, name="w")
        a = w * 3
        data = page_data({"a": a, "b": [a * 5], "c": w}, 64)
        results = [node for node in data["nodes"] if node["kind"] == "result"]
        assert [array_of(data, node["value"]).tolist() for node in results] == [[6.0], [30.0], [2.0]]
        assert [array_of(data, node["gradient"]).tolist() for node in results] == [[6.0], [1.0], [19.0]]

    def test_nothing_of_the_users_changes(self):
        model, loss = network()
        loss.backward(retain_graph=True)
        before = [parameter.grad.copy() for parameter in model.parameters()]
        inner = loss._node.grad.copy()
        page_data(loss, 64)
        for parameter, gradient in zip(model.parameters(), before, strict=True):
            np.testing.assert_array_equal(parameter.grad, gradient)
        np.testing.assert_array_equal(loss._node.grad, inner)
        loss.backward()  # the graph is still whole

    def test_after_a_backward_that_released_the_graph_the_page_says_so(self):
        model, loss = network()
        loss.backward()
        data = page_data(loss, 64)
        assert "released" in data["remark"]
        found = {node.get("name"): node for node in data["nodes"] if node["kind"] == "parameter"}
        np.testing.assert_allclose(array_of(data, found["0.bias"]["gradient"]), model[0].bias.grad, rtol=1e-5)
        assert all("gradient" not in node for node in data["nodes"] if node["kind"] == "operation")

    def test_after_a_step_of_an_optimizer_no_wrong_gradient_is_shown(self):
        model, loss = network()
        loss.backward(retain_graph=True)
        tn.optim.SGD(model.parameters(), lr=0.1).step()
        data = page_data(loss, 64)
        assert "changed in place" in data["remark"]
        assert all(flow is None for *_, flow in data["edges"])

    def test_of_a_rule_that_fails_the_page_shows_what_was_before_it(self):
        @tn.primitive
        def broken_on_the_way_back(a):
            """Double."""
            return a * 2, lambda g: g.reshape(7)

        try:
            x = tn.Tensor([2.0], requires_grad=True)
            data = page_data((broken_on_the_way_back(x) * 3).sum(), 64)
        finally:
            del PRIMITIVES[f"{__name__}.broken_on_the_way_back"]
        assert "the closure for operand 0 of 'broken_on_the_way_back', recorded at" in data["remark"]
        found = {node["label"]: node.get("gradient") for node in data["nodes"]}
        assert array_of(data, found["multiply by 3"]).tolist() == [1.0]
        assert found["leaf"] is None
        flows = [array_of(data, flow).tolist() for *_, flow in data["edges"] if flow is not None]
        assert flows == [[3.0], [1.0]]

    def test_numbers_that_are_not_finite_are_named(self):
        x = tn.Tensor([0.0, 1.0], requires_grad=True)
        with np.errstate(divide="ignore"):
            data = page_data(np.log(x).sum(), 64)
        text = json.dumps(data, allow_nan=False)
        assert '"-Infinity"' in text
        assert '"Infinity"' in text


class TestArrays:
    def test_a_large_array_is_told_in_statistics_and_a_small_picture(self):
        rng = np.random.default_rng(0)
        values = rng.normal(size=(100, 60))
        arrays = Arrays(64, expected=10)
        told = arrays.summaries[arrays.add(values)]
        assert "values" not in told
        assert told["norm"] == pytest.approx(np.linalg.norm(values), rel=1e-5)
        assert (told["low"], told["high"]) == pytest.approx((values.min(), values.max()), rel=1e-5)
        picture = told["picture"]
        cells = np.reshape(picture["cells"], (picture["rows"], picture["columns"])) * picture["scale"] / 100
        assert picture["block"] == [4, 3]
        np.testing.assert_allclose(cells, values.reshape(25, 4, 20, 3).mean(axis=(1, 3)), atol=picture["scale"] / 199)

    @pytest.mark.parametrize("size", [1e-300, 1e-170, 1e160, 1e300])
    def test_norms_whose_squares_no_number_can_hold(self, size):
        told = statistics(np.full(100, size))
        assert told["norm"] == pytest.approx(10 * size, rel=1e-5, abs=0.0)
        assert told["mean"] == pytest.approx(size, rel=1e-5, abs=0.0)

    @pytest.mark.parametrize("size", [1e-320, 1.0, 1.7e308])
    def test_blocks_whose_sums_no_number_can_hold(self, size):
        values = np.full((100, 3), size)
        values[50:] *= -0.5
        values[0, 0] = np.inf  # which is no mean to measure the others by
        picture = thumbnail(values, 4)
        assert picture["scale"] == pytest.approx(size, rel=1e-3, abs=0.0)
        assert picture["cells"] == [100] * 6 + [-50] * 6

    def test_of_what_is_written_out_but_too_long_for_a_table_there_is_a_picture_too(self):
        arrays = Arrays(1000, expected=1)
        for length in (400, 401, 1001):
            arrays.add(np.ones(length))
        assert ["values" in told for told in arrays.summaries] == [True, True, False]
        assert ["picture" in told for told in arrays.summaries] == [False, True, True]

    def test_pictures_shrink_where_there_are_many(self):
        assert Arrays(64, expected=10).side > Arrays(64, expected=5000).side > Arrays(64, expected=1_000_000).side

    def test_equal_arrays_are_told_once(self):
        arrays = Arrays(64, expected=10)
        assert arrays.add(np.ones(3)) == arrays.add(np.ones(3)) != arrays.add(np.ones((3, 1)))

    @pytest.mark.parametrize("shape", [(0,), (3, 0), ()])
    def test_arrays_without_extent(self, shape):
        arrays = Arrays(0, expected=10)
        told = arrays.summaries[arrays.add(np.ones(shape))]
        assert told["shape"] == list(shape)
        json.dumps(told, allow_nan=False)


class TestRules:
    def test_each_primitive_has_a_formula_and_a_closure_for_each_operand(self):
        for name, primitive in PRIMITIVES.items():
            if not primitive.rule.__module__.startswith("tinygrad_nn."):
                continue
            told = rule_text(primitive)
            assert told["formula"], name
            assert told["source"].lstrip().startswith(("@", "def ")), name
            assert all(told["closures"]), name
            if not primitive.is_variadic and len(told["closures"]) != len(primitive.operand_names):
                assert re.search(r"return .*\*|return _\w+\(", told["source"]), name  # made in a loop

    def test_a_named_closure_is_shown_whole(self):
        assert "return g" in rule_text(PRIMITIVES["add"])["closures"][0]

    def test_a_rule_of_the_users(self):
        @tn.primitive
        def cube_for_the_page(a):
            """Cube: ``a**3``, with gradient ``3 g a^2``."""

            def back(g):
                return 3 * g * a**2

            return a**3, back

        try:
            x = tn.Tensor([2.0], requires_grad=True)
            data = page_data(cube_for_the_page(x), 64)
        finally:
            del PRIMITIVES[f"{__name__}.cube_for_the_page"]
        (told,) = data["rules"]
        assert told["formula"] == "Cube: ``a**3``, with gradient ``3 g a^2``."
        assert told["closures"] == ["def back(g):\n    return 3 * g * a**2"]

    def test_the_line_of_the_program_is_quoted(self, monkeypatch):
        monkeypatch.chdir(Path(__file__).parent)
        x = tn.Tensor([2.0], requires_grad=True)
        data = page_data(x * 3, 64)  # this very line
        (line,) = data["lines"]
        assert line["file"] == Path(__file__).name  # told from the current folder
        assert line["text"] == "data = page_data(x * 3, 64)  # this very line"


class TestGroups:
    def test_the_steps_of_an_unrolled_loop_are_groups_from_the_first_on(self):
        groups, homes = grouped(trace(unrolled()))
        assert [group.title for group in groups[1:]] == ["step × 8", *(f"step {step}" for step in range(1, 9))]
        counts = np.bincount(homes)
        assert len(set(counts[2:])) <= 2  # the first step has an operand more, the state of zeros

    @settings(max_examples=30, deadline=None)
    @given(recorded())
    def test_lines_between_the_groups_of_a_group_run_one_way(self, loss):
        """Whatever repeats itself where: no path leaves a group and comes back, so that there are layers to draw."""
        graph = trace(loss)
        groups, homes = grouped(graph)
        between = defaultdict(lambda: defaultdict(set))
        for edge in graph.edges:
            source = [*chain_of(groups, homes[edge.source]), f"node {edge.source}"]
            target = [*chain_of(groups, homes[edge.target]), f"node {edge.target}"]
            depth = next(depth for depth, (a, b) in enumerate(zip(source, target, strict=False)) if a != b)
            between[source[depth - 1]][target[depth]].add(source[depth])
        for readers in between.values():
            graphlib.TopologicalSorter(readers).prepare()  # raises CycleError where there is one
        times = defaultdict(list)
        for node in graph.nodes:
            if node.kind == "operation":
                for group in chain_of(groups, homes[node.id]):
                    times[group].append(node.id)
        operations = {number: place for place, number in enumerate(times[0])}
        for inside in times.values():  # what is in a group was recorded without a break
            assert all(operations[later] == operations[first] + 1 for first, later in pairwise(inside))
        assert all(group.parent < number for number, group in enumerate(groups) if number)

    def test_a_module_that_goes_on_after_the_one_that_called_it(self):
        """It stands elsewhere from then on: taken up again after the next call, it would feed that and read from it."""

        class Inner(nn.Module):
            def forward(self, x):
                first = np.sin(x)
                return first, np.tanh(first)

        class Outer(nn.Module):
            def __init__(self):
                self.inner = Inner()

            def forward(self, x):
                first, self.second = self.inner(np.cos(x))
                return first

        model, y = Outer(), tn.Tensor(1.0, requires_grad=True)
        for _ in range(3):
            y = model(y) + model.second
        graph = trace(y)
        assert [node.modules for node in graph.nodes if node.label == "tanh"] == [
            ("inner",),
            ("inner #2",),
            ("inner #3",),
        ]
        groups, _ = grouped(graph)
        assert [group.title for group in groups if group.parent == 0] == [
            "Outer",
            "inner · Inner",
            "Outer #2",
            "inner #2 · Inner",
            "Outer #3",
            "inner #3 · Inner",
        ]

    @pytest.mark.parametrize(
        "make",
        [lambda: mixed(5000), lambda: mixed(60), lambda: irregular(2000), lambda: bundle(3), lambda: bundle(900)],
    )
    def test_no_group_has_more_boxes_than_a_page_opens_with(self, make):
        groups, homes = grouped(trace(make()))
        assert max(np.bincount(homes + [group.parent for group in groups[1:]])) <= MOST

    def test_stretches_are_alike(self):
        """Nine of 22 or 23 rather than eight of 25 and a last one of a single operation."""
        _, homes = grouped(trace(irregular(201)))
        counts = np.bincount(homes)[1:]
        assert counts.min() > 20
        assert max(counts) - min(counts) <= 2  # the first holds the parameter too

    def test_parameters_that_all_layers_share_fold_into_one_box(self):
        groups, _ = grouped(trace(bundle(90)))
        assert [group.title for group in groups if group.title.endswith("parameters")] == ["90 parameters"]


class TestPage:
    def test_the_same_program_gives_the_same_bytes(self, tmp_path):
        pages = [tn.explore(network()[1], tmp_path / "page.html").read_bytes() for _ in range(2)]
        assert pages[0] == pages[1]

    def test_nothing_is_loaded_from_elsewhere(self, tmp_path):
        page = tn.explore(network()[1], tmp_path / "page.html").read_text()
        assert set(re.findall(r"https?://[^\"' ]*", page)) == {"http://www.w3.org/2000/svg"}  # a namespace
        assert not re.findall(r"<(?:link|script|img|iframe)[^>]*\s(?:src|href)=", page)
        assert not re.findall(r"@import|url\((?!#)|fetch\(|XMLHttpRequest|import\(", page)
        assert "default-src 'none'" in page

    def test_no_text_of_the_users_is_markup(self, tmp_path):
        w = tn.Tensor([1.0], requires_grad=True, name=HOSTILE)
        page = tn.explore((w * 2).sum(), tmp_path / "page.html").read_text()
        assert "<img" not in page
        assert page.count("</script>") == 2
        block = re.search('<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
        assert json.loads(block[1])["nodes"]["name"]["of"] == [HOSTILE]

    def test_the_program_never_makes_markup_of_text(self, tmp_path):
        page = tn.explore(network()[1], tmp_path / "page.html").read_text()
        assert not re.findall("innerHTML|outerHTML|insertAdjacentHTML|document.write|eval", page)

    def test_all_scripts_of_the_package_are_in_the_page(self):
        from importlib import resources

        folder = resources.files("tinygrad_nn.graph.explorer").joinpath("assets")
        assert sorted(SCRIPTS) == sorted(file.name for file in folder.iterdir() if file.name.endswith(".js"))

    def test_a_page_of_the_digits_network_stays_small(self, tmp_path):
        rng = np.random.default_rng(0)
        train, _ = tn.data.digits()
        model = nn.Sequential(nn.Dense(64, 128, activation="relu", rng=rng), nn.Dense(128, 10, rng=rng))
        loss = nn.cross_entropy(model(train.x), train.y)
        assert tn.explore(loss, tmp_path / "digits.html").stat().st_size < 300_000

    def test_a_module_is_run_on_its_inputs(self, tmp_path):
        page = tn.explore(nn.Dense(2, 3), tmp_path / "dense.html", np.ones((1, 2)))
        assert page == tmp_path / "dense.html"
        assert '"dense"' in page.read_text()

    def test_ten_thousand_operations(self, tmp_path):
        x = tn.Tensor(1.0, requires_grad=True)
        for _ in range(10_000):
            x = x * 1.00001
        begin = time.process_time()
        page = tn.explore(x, tmp_path / "page.html")
        assert time.process_time() - begin < 5  # half a second on an idle machine
        assert page.stat().st_size < 4_000_000

    def test_of_very_many_operations_numbers_are_left_out_and_it_says_so(self, monkeypatch):
        monkeypatch.setattr(data_module, "LARGEST", 3)
        model, loss = network()
        small, large = page_data(nn.squared_error(model(np.ones((1, 3))), np.ones((1, 2))), 64), page_data(loss, 64)
        assert not small["remark"]
        assert "Values and gradients are left out" in large["remark"]
        assert not large["arrays"]
        assert not any("value" in node or "gradient" in node for node in large["nodes"])
        monkeypatch.undo()
        known = [flow is not None for *_, flow in page_data(loss, 64)["edges"]]
        assert [flow == LEFT_OUT for *_, flow in large["edges"]] == known  # the way of a gradient is still told

    def test_columns_hold_what_the_rows_did(self):
        rows = page_data(network()[1], 64)["nodes"]
        columns = packed(rows)
        for name, column in columns.items():
            cells = column if isinstance(column, list) else [c if c is None else column["of"][c] for c in column["at"]]
            assert cells == [row.get(name) for row in rows]
        assert columns.keys() == {name for row in rows for name in row}


class TestErrors:
    def test_a_folder_that_does_not_exist(self, tmp_path):
        loss = network()[1]
        message = f"explore: expected a folder for 'page.html', but there is no '{tmp_path}/nowhere'. Make it first"
        with pytest.raises(ArgumentError, match=re.escape(message)):
            tn.explore(loss, tmp_path / "nowhere" / "page.html")

    def test_inputs_without_a_module(self, tmp_path):
        with pytest.raises(ArgumentError, match="explore: expected inputs only for a module, got 1 for a Tensor"):
            tn.explore(network()[1], tmp_path / "page.html", np.ones(3))

    def test_nothing_recorded(self, tmp_path):
        with pytest.raises(ArgumentError, match="nothing was recorded"):
            tn.explore(tn.Tensor([1.0]), tmp_path / "page.html")
        assert not list(tmp_path.iterdir())
