"""The page of `explore` as a reader uses it: by pointer and by keys, in light and in dark, small and very large."""

import time

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import nn
from tinygrad_nn.backprop import Node

pytestmark = pytest.mark.browser

WHOLE = {"width": 1400, "height": 9000}
"""A window that shows everything at once: what is far out of sight is not drawn."""

HOSTILE = '</script><script>document.title="caught"</script><img src=x onerror=alert(1)>"\'<b>&lt;'


INKS_AND_PAPERS = """
  [...document.querySelectorAll('#scene .item:not(.frame)')].flatMap((item) => {
    const paper = getComputedStyle(item.querySelector('.shape')).fill;
    return [...item.querySelectorAll('text')].map((text) => [getComputedStyle(text).fill, paper]);
  })
"""

SPILT_TEXTS = """
  [...document.querySelectorAll('#scene .item:not(.frame)')].filter((item) => {
    const box = item.querySelector('.shape').getBoundingClientRect();
    const texts = [...item.querySelectorAll('text')].map((text) => text.getBoundingClientRect());
    return texts.some(({ left, right }) => left < box.left || right > box.right);
  }).length
"""

CROSSED_BOXES = """() => {
  const boxes = [...document.querySelectorAll('#scene .item:not(.frame)')].map((item) => {
    const [x, y] = item.getAttribute('transform').match(/[-.0-9]+/g).map(Number);
    const { width, height } = item.querySelector('.shape').getBBox();
    return { left: x + 3, top: y + 3, right: x + width - 3, bottom: y + height - 8 };
  });
  let found = 0;
  for (const line of document.querySelectorAll('.lines path, path.lit')) {
    for (let at = 0; at <= line.getTotalLength(); at += 2) {
      const { x, y } = line.getPointAtLength(at);
      if (boxes.some((box) => x > box.left && x < box.right && y > box.top && y < box.bottom)) found += 1;
    }
  }
  return found;
}"""

MOVES = """async (what) => {
  const canvas = document.getElementById('canvas'), times = [];
  const send = (type, step) => canvas.dispatchEvent({
    pan: () => new PointerEvent(type, { clientX: 100 + 4 * step, clientY: 300, pointerId: 1, bubbles: true }),
    zoom: () => new WheelEvent('wheel', { deltaY: step % 8 < 4 ? -40 : 40, clientX: 400, clientY: 300, bubbles: true }),
    step: () => new KeyboardEvent('keydown', { key: '.', bubbles: true }),
  }[what]());
  canvas.setPointerCapture = () => {};  // there is no real pointer to capture
  if (what === 'pan') send('pointerdown', 0);
  let last = await new Promise(requestAnimationFrame);
  for (let step = 1; step <= 40; step += 1) {
    send('pointermove', step);
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  if (what === 'pan') send('pointerup', 41);
  return times.sort((a, b) => a - b);
}"""


def xor():
    rng = np.random.default_rng(0)
    table = tn.data.xor()
    layers = (nn.Dense(2, 4, activation="tanh", rng=rng), nn.Dense(4, 1, activation="sigmoid", rng=rng))
    return nn.binary_cross_entropy(nn.Sequential(*layers)(table.x), table.y)


def chain(length):
    x = tn.Tensor(1.0, requires_grad=True, name="start")
    for _ in range(length):
        x = x * 1.00001
    return x


def irregular(length=200):
    """Return a loss after a long chain in which little repeats itself, and something does in the middle."""
    x = tn.Tensor(np.ones(3), requires_grad=True, name="start")
    for place, choice in enumerate(np.random.default_rng(0).integers(3, size=length)):
        x = (np.sin, np.cos, np.tanh)[choice](x)
        if place == 100:
            for _ in range(4):
                x = np.exp(-x)
    return x.sum()


def unrolled():
    rng = np.random.default_rng(0)
    weight = tn.Tensor(rng.normal(size=(4, 4)), requires_grad=True, name="W")
    state = np.ones((2, 4))
    for _ in range(8):
        gate = nn.sigmoid(state @ weight)
        state = np.tanh(gate * 2 + gate * gate)
    return state.sum()


def parallel():
    """Return a loss in which each step reads the weight five times, side by side."""
    w = tn.Tensor(np.eye(3), requires_grad=True, name="w")
    h = np.ones((2, 3))
    for _ in range(6):
        h = (np.sin(h @ w) + np.cos(h @ w) + np.tanh(h @ w) + np.exp(-(h @ w)) + h @ w) * 0.2
    return (h**2).mean()


def tangled():
    """Return a loss after 300 operations of which many read an older value again."""
    rng = np.random.default_rng(3)
    x = tn.Tensor(np.ones(3), requires_grad=True, name="start")
    old = [x]
    for choice in rng.integers(6, size=300):
        if choice < 4:
            x = (np.sin, np.cos, np.tanh, lambda t: t * 0.9)[choice](x)
        else:
            x = x + old[int(rng.integers(len(old)))] * 0.1
        old.append(x)
    return x.sum()


def cells():
    rng = np.random.default_rng(0)
    cell = nn.LSTMCell(3, 4, rng=rng)
    state = None
    for x in rng.normal(size=(50, 2, 3)):
        state = cell(x) if state is None else cell(x, state)
    return (state[0] ** 2).mean()


def recurrent():
    rng = np.random.default_rng(0)
    return nn.LSTM(3, 4, rng=rng)(rng.normal(size=(5, 2, 3)))


def transformer():
    rng = np.random.default_rng(0)
    return (nn.TransformerBlock(8, 2, rng=rng)(rng.normal(size=(2, 3, 8))) ** 2).mean()


class Block(nn.Module):
    def __init__(self, rng):
        self.first = nn.Dense(8, 8, activation="relu", rng=rng)
        self.second = nn.Dense(8, 8, rng=rng)

    def forward(self, x):
        return nn.relu(x + self.second(self.first(x)))


def residual():
    rng = np.random.default_rng(0)
    model = nn.Sequential(*(Block(rng) for _ in range(12)))
    return nn.squared_error(model(rng.normal(size=(4, 8))), np.zeros((4, 8)))


def convolutional():
    rng = np.random.default_rng(0)
    layers = nn.Conv2d(1, 4, 3, rng=rng), nn.ReLU(), nn.MaxPool(2), nn.Flatten(), nn.Dense(36, 10, rng=rng)
    return nn.cross_entropy(nn.Sequential(*layers)(rng.normal(size=(2, 1, 8, 8))), np.array([3, 7]))


NETWORKS = [xor, unrolled, transformer, residual, convolutional, irregular]


def labels(page):
    return page.locator("#scene .item").evaluate_all("items => items.map((item) => item.getAttribute('aria-label'))")


def select(page, text):
    page.keyboard.press("/")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def wait_until(page, condition):
    """Wait for what happens by itself. (Playwright's own way evaluates text, which the page forbids.)"""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        page.wait_for_timeout(30)


def boxes(page, selector):
    return page.locator(selector).evaluate_all(
        "all => all.map((one) => { const {left, top, right, bottom} = one.getBoundingClientRect();"
        " return {left, top, right, bottom, text: one.textContent}; })"
    )


def overlap(a, b):
    return a["left"] < b["right"] and b["left"] < a["right"] and a["top"] < b["bottom"] and b["top"] < a["bottom"]


class TestTime:
    def test_steps_go_through_the_forward_and_the_backward_pass_and_back_again(self, explore):
        page = explore(xor())
        names = ["dense, tanh", "dense, sigmoid", "binary_cross_entropy", "sum", "divide by 4"]
        wanted = [f"Forward {i} of 5: {name}" for i, name in enumerate(names, 1)]
        wanted += [f"Backward {i} of 5: {name}" for i, name in enumerate(reversed(names), 1)]
        seen = []
        for _ in wanted:
            page.keyboard.press(".")
            seen.append(page.inner_text("#status"))
        assert seen == wanted
        page.keyboard.press(".")
        assert page.inner_text("#status") == wanted[-1]  # the end is the end
        for sentence in reversed(wanted[:-1]):
            page.keyboard.press(",")
            assert page.inner_text("#status") == sentence

    def test_a_step_shows_its_operation_and_what_is_known_by_then(self, explore):
        page = explore(xor())
        page.keyboard.press(".")
        assert page.inner_text("#panel h2") == "dense, tanh"
        assert page.locator(".item.active").get_attribute("aria-label") == "operation dense, tanh, shape (4, 4)"
        assert page.locator(".item.future").count() == 5  # four operations and the result are still to come
        assert page.locator(".item.graded").count() == 0
        page.keyboard.press("End")
        assert page.locator(".item.future").count() == 0
        assert page.locator(".item.graded").count() == 10  # all but the input and the target
        assert page.locator("#panel h3").first.inner_text().startswith("Your line")

    def test_the_slider_and_its_keys(self, explore):
        page = explore(xor())
        slider = page.locator("#slider")
        assert slider.get_attribute("max") == "10"
        slider.fill("7")
        assert page.inner_text("#status") == "Backward 2 of 5: sum"
        slider.focus()
        page.keyboard.press("ArrowLeft")
        assert page.inner_text("#status") == "Backward 1 of 5: divide by 4"
        assert slider.get_attribute("aria-valuetext") == "Backward 1 of 5: divide by 4"
        page.keyboard.press("Home")
        assert page.inner_text("#status").startswith("5 operations")

    def test_it_plays_by_itself_and_stops_at_the_end(self, explore):
        page = explore(xor())
        page.select_option("#speed", "60")
        page.click("#play")
        wait_until(page, lambda: page.input_value("#slider") == "10")
        wait_until(page, lambda: page.get_attribute("#play", "aria-pressed") == "false")

    def test_space_pauses(self, explore):
        page = explore(chain(300))
        page.select_option("#speed", "10")
        page.focus("#canvas")
        page.keyboard.press("Space")
        wait_until(page, lambda: int(page.input_value("#slider")) > 2)
        page.keyboard.press("Space")
        assert page.get_attribute("#play", "aria-label") == "Play"
        value = page.input_value("#slider")
        page.wait_for_timeout(400)
        assert page.input_value("#slider") == value


class TestFolding:
    def test_modules_fold_and_unfold(self, explore):
        page = explore(xor())
        assert "operation dense, tanh, shape (4, 4)" in labels(page)
        page.locator('.frame[aria-label^="0 · Dense"] .sign').click()
        assert "operation dense, tanh, shape (4, 4)" not in labels(page)
        folded = page.locator('.folded[aria-label="0 · Dense, folded, 1 operation"]')
        assert folded.get_attribute("aria-expanded") == "false"
        folded.dblclick()
        assert "operation dense, tanh, shape (4, 4)" in labels(page)

    def test_by_keys(self, explore):
        page = explore(xor())
        select(page, "dense tanh")
        page.keyboard.press("f")
        assert "0 · Dense, folded, 1 operation" in labels(page)
        page.keyboard.press("Enter")
        assert "0 · Dense, open, 1 operation" in labels(page)

    def test_all_at_once(self, explore):
        page = explore(unrolled(), viewport=WHOLE)
        page.click("#unfold-all")
        assert sum(label.startswith("operation") for label in labels(page)) == 49
        page.click("#fold-all")
        assert sum(label.startswith("step ") for label in labels(page)) > 0

    def test_equal_blocks_open_equally_far(self, explore):
        def block():
            return nn.Residual(nn.Sequential(nn.Dense(4, 4, activation="relu"), nn.Dense(4, 4)))

        page = explore(nn.Sequential(*(block() for _ in range(12)))(np.arange(8.0).reshape(2, 4)), viewport=WHOLE)
        bodies = [label for label in labels(page) if label.startswith("body ")]
        layers = [label for label in labels(page) if label.startswith("1 · Dense")]
        assert bodies == ["body · Sequential, open, 2 operations"] * 12
        assert layers == ["1 · Dense, folded, 1 operation"] * 12

    def test_a_step_inside_a_folded_group_lights_up_the_group(self, explore):
        page = explore(unrolled())
        page.click("#fold-all")
        page.keyboard.press(".")
        assert "folded" in page.locator(".item.active").get_attribute("aria-label")
        assert page.inner_text("#panel h2") == "matmul"


class TestSelection:
    def test_numbers_line_formula_and_closure_of_an_operation(self, explore):
        a = np.array([[1.5, -2.0], [3.0, 0.25]])
        w = tn.Tensor(a, requires_grad=True, name="w")
        page = explore((w * np.array([2.0, 4.0])).sum())  # quoted on the page
        select(page, "multiply")
        panel = page.inner_text("#panel")
        assert "(w * np.array([2.0, 4.0])).sum())  # quoted on the page" in panel
        assert "Multiply elementwise: a * b, with gradients g b and g a." in panel
        assert "lambda g: g * b" in panel
        tables = page.locator("#panel .numbers").evaluate_all(
            "all => all.map((table) => [...table.rows].map((row) => [...row.cells].map((cell) => Number(cell.title))))"
        )
        assert tables[0] == (a * [2, 4]).tolist()  # the value
        assert tables[1] == [[1, 1], [1, 1]]  # its gradient
        assert tables[2] == a.tolist()  # what flowed in
        assert tables[3] == [[2, 4], [2, 4]]  # and out

    def test_a_rule_of_the_users_own(self, explore):
        @tn.primitive
        def cube_in_the_browser(a):
            """Cube: ``a**3``."""
            return a**3, lambda g: 3 * g * a**2

        page = explore(cube_in_the_browser(tn.Tensor([2.0], requires_grad=True)))
        select(page, "cube")
        assert "lambda g: 3 * g * a**2" in page.inner_text("#panel")

    def test_the_way_of_a_gradient_is_lit_with_its_norms(self, explore):
        loss = xor()
        page = explore(loss)
        select(page, "0.weight")
        lit = page.locator("path.lit.gradient")
        assert lit.count() == 6  # weight, two layers, three operations of the loss
        loss.backward(retain_graph=True)
        node = loss._node
        while node.primitive is None or any(isinstance(x, Node) and not x.is_leaf for x in node.operands):
            node = next(x for x in node.operands if isinstance(x, Node) and not x.is_leaf)
        weight = node.operands[1]  # of the first layer
        norms = page.locator(".norm").all_text_contents()
        assert f"{np.linalg.norm(weight.grad):.4g}" in norms

    @pytest.mark.parametrize("button", ["#fold-all", "#unfold-all"])
    @pytest.mark.parametrize(("make", "name"), [(recurrent, "weight_ih_l0"), (unrolled, "W parameter")])
    def test_each_lit_line_carries_a_norm(self, explore, make, name, button):
        page = explore(make(), viewport=WHOLE)
        page.click(button)
        select(page, name)
        assert page.locator("path.lit.gradient").count() == page.locator(".norm").count() > 6
        norms, items = boxes(page, ".norm rect"), boxes(page, "#scene .item:not(.frame) > .shape")
        assert not any(overlap(norm, item) for norm in norms for item in items)

    def test_lines_from_results_carry_the_norm_of_what_a_gradient_starts_with(self, explore):
        page = explore(recurrent())
        select(page, "weight_ih_l0")
        norms = page.locator(".norm").all_text_contents()
        for shape in ((5, 2, 4), (1, 5, 4), (1, 5, 4)):
            norms.remove(f"{np.linalg.norm(np.ones(shape)):.4g}")

    def test_a_line_that_stands_for_several_tells_the_smallest_and_the_largest_norm(self, explore):
        class Twice(nn.Module):
            def forward(self, x):
                return x * 2.0 + x * 30.0

        w = tn.Tensor([1.0, 1.0], requires_grad=True, name="w")
        page = explore((Twice()(w) + w).sum())
        page.locator('.frame[aria-label^="Twice"] .sign').click()
        select(page, "w parameter")
        low, high = (f"{factor * np.sqrt(2):.4g}" for factor in (2, 30))
        assert f"{low} … {high}" in page.locator(".norm").all_text_contents()

    @pytest.mark.parametrize("button", ["#fold-all", "#unfold-all"])
    @pytest.mark.parametrize(
        ("make", "name"),
        [(unrolled, "W"), (parallel, "w"), (tangled, "start"), (cells, "weight_hh"), (transformer, "weight")],
    )
    def test_no_norm_covers_another_nor_a_box_nor_a_sign(self, explore, make, name, button):
        page = explore(make(), viewport=WHOLE)
        page.click(button)
        select(page, f"{name} parameter")
        found = boxes(page, ".norm rect")
        assert len(found) > 3
        assert not any(overlap(a, b) for i, a in enumerate(found) for b in found[:i])
        others = boxes(page, "#scene .item:not(.frame) > .shape, .sign circle:not(.touch)")
        assert not any(overlap(norm, other) for norm in found for other in others)

    def test_norms_of_lines_along_the_border_stay_inside_of_it(self, explore):
        page = explore(parallel(), viewport=WHOLE)
        page.click("#fold-all")
        select(page, "w parameter")
        ranges = [norm for norm in boxes(page, ".norm") if "…" in norm["text"]]
        (frame,) = boxes(page, "#scene .frame > rect")
        assert len(ranges) == 11
        assert all(frame["left"] < norm["left"] and norm["right"] < frame["right"] for norm in ranges)

    def test_a_lit_line_leaves_a_folded_box_where_its_arrow_is_seen(self, explore):
        page = explore(parallel(), viewport=WHOLE)
        page.click("#fold-all")
        select(page, "w parameter")
        ends = page.locator("#scene .behind:first-child").evaluate_all(
            "all => all.map((one) => one.getBoundingClientRect().bottom)"
        )
        starts = page.locator("path.lit").evaluate_all("all => all.map((one) => one.getBoundingClientRect())")
        assert len(ends) == 6
        for end in ends:
            assert any(start["top"] == pytest.approx(end, abs=1) for start in starts)
        unlit = page.locator(".lines .covered").evaluate_all("all => all.map((one) => getComputedStyle(one).markerEnd)")
        assert unlit == ["none"] * 9  # what is beneath points the other way; six of the lines are not drawn unless lit

    def test_a_parameter_tells_how_its_gradient_came_about(self, explore):
        w = tn.Tensor([1.0, 2.0], requires_grad=True, name="w")
        page = explore((w * np.array([3.0, 5.0])).sum() * 7)
        select(page, "w parameter")
        panel = page.inner_text("#panel")
        assert "Where its gradient comes from" in panel
        assert "lambda g: g * b" in panel
        tables = page.locator("#panel .operand .numbers").all_inner_texts()
        assert [table.split() for table in tables] == [["7", "7"], ["21", "35"]]  # in and out
        w = tn.Tensor([1.0], requires_grad=True, name="w")
        page = explore((w + (w + (w + (w + w) * 2) * 2) * 2).sum())
        select(page, "w parameter")
        assert page.locator("#panel .operand").count() == 3
        assert "and from 2 other readers" in page.inner_text("#panel")

    def test_of_a_graph_that_was_released_nothing_false_is_said(self, explore):
        w = tn.Tensor([1.0, 2.0], requires_grad=True, name="w")
        loss = (w * np.array([3.0, 5.0])).sum()
        loss.backward()
        page = explore(loss)
        for text in ("w parameter", "multiply"):
            select(page, text)
            panel = page.inner_text("#panel")
            assert "not known any more: the graph was released" in panel
            assert panel.count("no gradient flows back here") == (text == "multiply")  # to the constant

    def test_what_is_read_twice_by_one_operation_is_read_twice(self, explore):
        w = tn.Tensor([1.0], requires_grad=True, name="w")
        page = explore(sum(function(w * w) for function in (np.sin, np.cos, np.tanh, np.exp, np.sinh)).sum())
        page.click("#unfold-all")
        assert "read 10 times" in page.locator("#scene .parameter").text_content()

    def test_a_gradient_that_dies_is_marked(self, explore):
        w = tn.Tensor([-1.0, -2.0], requires_grad=True, name="w")
        page = explore(nn.relu(w * 2).sum())
        select(page, "w parameter")
        assert page.locator("path.lit.broken").count() == 2
        assert "all zero" in page.inner_text("#panel")

    def test_what_has_no_gradient_says_so(self, explore):
        page = explore(xor())
        select(page, "target")
        assert "none is wanted: this is no parameter" in page.inner_text("#panel")
        assert page.locator("path.lit").count() == 0

    def test_a_large_array_is_a_heat_map(self, explore):
        rng = np.random.default_rng(0)
        page = explore((tn.Tensor(rng.normal(size=(60, 90)), requires_grad=True, name="w") ** 2).mean())
        select(page, "w parameter")
        assert page.locator("canvas.heat").count() == 4  # value and gradient, and the gradient in and out
        assert "each cell is the mean of 3 × 4 elements" in page.inner_text("#panel")

    def test_a_mean_whose_sum_no_number_can_hold(self, explore):
        page = explore((tn.Tensor(np.full(3, 1.5e308), requires_grad=True, name="w") * 0.5).max())
        select(page, "w parameter")
        assert "mean 1.50e308" in page.inner_text("#panel")

    @pytest.mark.parametrize("side", [30, 500])
    def test_of_very_many_numbers_the_first_are_written_and_all_are_drawn(self, explore, side):
        x = tn.Tensor(np.random.default_rng(0).normal(size=(side, side)), requires_grad=True, name="x")
        page = explore((x * x).sum(), max_values=10**6)
        select(page, "x parameter")
        assert f"the first 400 of {side**2:,} numbers" in page.inner_text("#panel")
        assert page.locator("#panel .numbers").first.locator("td").count() == 400
        assert page.locator("canvas.heat").count() > 1

    def test_by_pointer_and_escape(self, explore):
        page = explore(xor())
        page.locator('.item[aria-label^="operation sum"]').click()
        assert page.inner_text("#panel h2") == "sum"
        assert page.locator(".item.selected").count() == 1
        page.keyboard.press("Escape")
        assert page.locator(".item.selected").count() == 0
        assert page.inner_text("#panel h2") == "The whole graph"


class TestSearch:
    def test_it_finds_what_is_folded_away_and_unfolds_it(self, explore):
        page = explore(chain(1000))
        page.click("#fold-all")
        page.keyboard.press("/")
        page.keyboard.type("start")
        assert page.locator("#found li b").all_inner_texts() == ["start"]
        page.fill("#search", "multiply 1.00001 test_explorer")
        assert page.locator("#found li[role=option]").count() == 40
        assert page.locator("#found li").last.inner_text() == "and 960 more"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert page.locator(".item.selected").count() == 1
        box, canvas = page.locator(".item.selected").bounding_box(), page.locator("#canvas").bounding_box()
        assert canvas["x"] <= box["x"] <= canvas["x"] + canvas["width"]
        assert canvas["y"] <= box["y"] <= canvas["y"] + canvas["height"]

    def test_nothing_found(self, explore):
        page = explore(xor())
        select(page, "no such thing")
        assert page.inner_text("#found") == "nothing found"
        page.keyboard.press("Escape")
        assert not page.is_visible("#found")


class TestKeys:
    def test_arrows_walk_along_the_lines(self, explore):
        page = explore(xor())
        select(page, "sum")
        titles = []
        for key in ("ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp"):
            page.keyboard.press(key)
            titles.append(page.inner_text("#panel h2"))
        assert titles[:4] == ["divide by 4", "result", "divide by 4", "sum"]
        assert page.get_attribute("#canvas", "aria-activedescendant") == page.locator(".item.selected").get_attribute(
            "id"
        )

    def test_tab_reaches_every_part_with_a_visible_focus(self, explore):
        page = explore(xor())
        reached = []
        for _ in range(20):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.id"))
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert reached[-1] == "" or style == "solid"
        order = [
            "search",
            "fold-all",
            "unfold-all",
            "zoom-out",
            "zoom-in",
            "fit",
            "theme",
            "help-button",
            "canvas",
            "panel",
        ]
        order += ["first", "back", "play", "next", "last", "slider", "speed"]
        assert reached[: len(order)] == order

    def test_help_opens_and_closes(self, explore):
        page = explore(xor())
        page.keyboard.press("?")
        assert page.is_visible("#help")
        assert "one step on, one step back" in page.inner_text("#help")
        page.keyboard.press("Escape")
        assert not page.is_visible("#help")

    def test_everything_has_a_name_for_those_who_listen(self, explore):
        page = explore(xor())
        nameless = page.evaluate(
            "[...document.querySelectorAll('button, input, select, [role=treeitem], [role=tree]')]"
            ".filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim())).length"
        )
        assert nameless == 0

    def test_the_tree_of_those_who_listen(self, explore):
        page = explore(xor())
        tree = page.locator("body").aria_snapshot()
        for part in (
            'combobox "Search operations, parameters and modules"',
            'navigation "View"',
            'tree "Computation graph. Arrow keys move along its edges, Enter unfolds, question mark lists all keys."',
            'treeitem "0 · Dense, open, 1 operation" [expanded]',
            'treeitem "operation sum, shape scalar"',
            'complementary "Selected"',
            'group "Steps"',
            'button "Play"',
            'slider "Step of the forward and the backward pass"',
            'status: "5 operations: press play',
        ):
            assert part in tree, (part, tree)

    def test_each_step_is_said_but_not_while_it_plays(self, explore):
        page = explore(chain(300))
        assert page.get_attribute("#status", "aria-live") == "polite"
        page.click("#play")
        assert page.get_attribute("#status", "aria-live") == "off"
        page.keyboard.press(".")
        assert page.get_attribute("#status", "aria-live") == "polite"


class TestLooks:
    def test_light_and_dark_follow_the_system_and_the_switch(self, explore):
        def paper(page):
            return page.evaluate("getComputedStyle(document.getElementById('canvas')).backgroundColor")

        light, dark = explore(xor(), color_scheme="light"), explore(xor(), color_scheme="dark")
        assert paper(light) == "rgb(255, 255, 255)"
        assert paper(dark) != paper(light)
        light.keyboard.press("Shift+D")
        assert paper(light) == paper(dark)
        light.keyboard.press("d")
        assert paper(light) == "rgb(255, 255, 255)"
        light.keyboard.press("d")
        assert paper(light) == paper(dark)
        light.click("#theme")
        assert paper(light) == "rgb(255, 255, 255)"

    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_text_stands_out_from_what_it_is_on(self, explore, theme):
        """At least 4.5 to 1, as the Web Content Accessibility Guidelines 2.2 ask for (1.4.3)."""
        page = explore(xor(), color_scheme=theme)
        colours = page.evaluate(INKS_AND_PAPERS)
        assert len(colours) > 20
        for ink, paper in colours:
            first, second = sorted((luminance(ink), luminance(paper)), reverse=True)
            assert (first + 0.05) / (second + 0.05) >= 4.5, (ink, paper)

    @pytest.mark.parametrize("make", NETWORKS)
    def test_no_boxes_overlap_and_every_text_is_inside_of_its_box(self, explore, make):
        page = explore(make(), viewport=WHOLE)
        page.click("#unfold-all")
        found = boxes(page, "#scene .item:not(.frame) > .shape:first-child")
        assert len(found) > 9
        assert not any(overlap(a, b) for i, a in enumerate(found) for b in found[:i])
        assert page.evaluate(SPILT_TEXTS) == 0

    @pytest.mark.parametrize("make", NETWORKS)
    def test_no_line_runs_through_a_box(self, explore, make):
        page = explore(make(), viewport=WHOLE)
        page.click("#unfold-all")
        assert page.evaluate(CROSSED_BOXES) == 0

    @pytest.mark.parametrize(("make", "name"), [(parallel, "w"), (unrolled, "W"), (recurrent, "weight_ih_l0")])
    def test_no_lit_line_runs_through_a_box(self, explore, make, name):
        page = explore(make(), viewport=WHOLE)
        page.click("#unfold-all")
        select(page, f"{name} parameter")
        assert page.locator("path.lit").count() > 6
        assert page.evaluate(CROSSED_BOXES) == 0

    @pytest.mark.parametrize("width", [500, 761, 780, 801])
    def test_a_narrow_window_cuts_nothing_off(self, explore, width):
        page = explore(xor(), viewport={"width": width, "height": 700})
        assert all(part["right"] <= width for part in boxes(page, "header, nav, main, #panel, footer, footer > *"))

    def test_a_step_keeps_the_whole_in_sight(self, explore):
        page = explore(chain(300))
        page.click("#unfold-all")
        page.keyboard.press("0")
        scale = page.get_attribute("#scene", "transform").split("scale")[1]
        page.keyboard.press(".")
        assert page.get_attribute("#scene", "transform").split("scale")[1] == scale
        select(page, "start parameter")  # who searches wants to read
        assert page.get_attribute("#scene", "transform").split("scale")[1] == "(0.8000)"

    def test_pan_and_zoom(self, explore):
        page = explore(xor())
        item = page.locator('.item[aria-label^="operation sum"]')
        before = item.bounding_box()
        page.mouse.move(200, 300)
        page.mouse.down()
        page.mouse.move(260, 340, steps=4)
        page.mouse.up()
        after = item.bounding_box()
        assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((60, 40), abs=1)
        page.mouse.wheel(0, -300)
        assert item.bounding_box()["width"] > 1.3 * before["width"]
        page.keyboard.press("0")
        assert item.bounding_box()["width"] == pytest.approx(before["width"], rel=0.01)

    def test_the_wheel_zooms_at_the_pointer(self, explore):
        page = explore(xor())
        item = page.locator('.item[aria-label^="operation sum"]')
        before = item.bounding_box()
        x, y = before["x"] + 3, before["y"] + 5
        page.mouse.move(x, y)
        for turn in (-400, 700):
            page.mouse.wheel(0, turn)
        after = item.bounding_box()
        scale = after["width"] / before["width"]
        assert scale < 0.8
        assert (x - after["x"], y - after["y"]) == pytest.approx((3 * scale, 5 * scale), abs=1.5)

    def test_keys_pan_and_zoom_at_the_middle(self, explore):
        page = explore(xor())
        page.focus("#canvas")
        item = page.locator('.item[aria-label^="operation sum"]')
        before = item.bounding_box()
        for key in ("Shift+ArrowDown", "Shift+ArrowRight", "Shift+ArrowRight"):
            page.keyboard.press(key)
        after = item.bounding_box()
        assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((-160, -80), abs=1)
        page.keyboard.press("+")
        assert item.bounding_box()["width"] == pytest.approx(1.25 * after["width"], rel=0.02)
        page.keyboard.press("-")
        assert item.bounding_box() == pytest.approx(after, abs=1)

    def test_a_search_begins_anew(self, explore):
        page = explore(xor())
        select(page, "sum")
        select(page, "divide")
        assert page.inner_text("#panel h2") == "divide by 4"


class TestHostileNames:
    def test_a_name_stays_text_everywhere(self, explore):
        class Layer(nn.Module):
            def forward(self, x):
                return x * 2

        model = nn.Sequential(Layer())
        setattr(model, HOSTILE, Layer())
        w = tn.Tensor([1.0], requires_grad=True, name=HOSTILE)
        page = explore(getattr(model, HOSTILE)(w).sum())
        page.click("#unfold-all")
        select(page, "caught parameter")
        assert page.inner_text("#panel h2") == HOSTILE
        page.locator("#scene .parameter").click()
        assert page.title() == "graph"
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 2


class TestSize:
    def test_a_hundred_thousand_operations_open_in_seconds(self, explore):
        loss = chain(100_000)
        page = explore(loss)
        opened = page.evaluate("performance.timing.domComplete - performance.timing.navigationStart")
        assert opened < 6000  # milliseconds; about two on an idle machine
        assert "Values and gradients are left out" in page.inner_text("#panel")
        assert page.locator("#scene .item").count() < 80
        begin = time.perf_counter()
        page.locator("#scene .folded").nth(3).dblclick()
        page.keyboard.press("End")
        assert page.inner_text("#status") == "Backward 100000 of 100000: multiply by 1.00001"
        assert time.perf_counter() - begin < 5

    @pytest.mark.parametrize("what", ["pan", "zoom", "step"])
    def test_a_thousand_boxes_move_smoothly(self, explore, what):
        """Thirty frames a second leave 33 ms for each: of the time of the processor, for others may be at work too."""
        page = explore(chain(1000))
        page.click("#unfold-all")
        page.keyboard.press("0")
        assert page.locator("#scene .item").count() > 1000
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        before, frames, after = processor_time(session), page.evaluate(MOVES, what), processor_time(session)
        assert (after - before) / len(frames) < 0.033
        assert np.median(frames) < 500  # milliseconds from one picture to the next, on a machine with much to do

    @pytest.mark.parametrize("make", [lambda: irregular(3000), lambda: [chain(3) * float(i) for i in range(200)]])
    def test_a_page_opens_with_no_more_than_fifty_boxes(self, explore, make):
        page = explore(make(), viewport={"width": 9000, "height": 9000})
        page.keyboard.press("0")
        assert 1 < page.locator("#scene .item:not(.frame)").count() <= 50


def processor_time(session):
    """Return how many seconds the page has worked so far."""
    return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}["TaskDuration"]


def luminance(colour):
    """Relative luminance, as the guidelines define it."""
    channels = np.array([int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
