"""The table of a model, against what NumPy itself says of its memory."""

import gc
import html.parser
import tracemalloc

import numpy as np
import pytest

from tests.layer_samples import LAYERS
from tinygrad_nn import nn
from tinygrad_nn.nn.summary import Summary, size_text
from tinygrad_nn.tensor import raw

SAMPLES = [
    pytest.param(sample, id=f"{name}-{place}") for name, row in LAYERS.items() for place, sample in enumerate(row)
]


def cells(table):
    return [[cell.strip() for cell in row] for row in table.rows]


def test_what_a_chain_keeps():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Dense(64, 128, activation="relu", rng=rng), nn.Sequential(nn.Dense(128, 10, rng=rng)))
    table = model.summary(np.ones((32, 64)))
    x, hidden = 32 * 64 * 8, 32 * 128 * 8
    assert cells(table) == [
        ["name", "type", "output", "parameters", "kept for backward"],
        ["(model)", "Sequential", "(32, 10)", "", ""],
        ["0", "Dense", "(32, 128)", "8,320", size_text(x + hidden)],
        ["1", "Sequential", "(32, 10)", "", ""],
        ["0", "Dense", "(32, 10)", "1,290", ""],  # its input is the output of the first, and counts there
        ["total", "", "", "9,610", size_text(x + hidden)],
    ]
    assert str(table).splitlines()[5] == "    0    Dense       (32, 10)        1,290"
    assert repr(table) == str(table)


def test_without_inputs_it_counts_and_runs_nothing():
    class Untouched(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(np.ones((2, 3)))

        def forward(self, x):
            raise AssertionError

    assert cells(Untouched().summary()) == [
        ["name", "type", "parameters"], ["(model)", "Untouched", "6"], ["total", "", "6"],
    ]  # fmt: skip


def numpy_memory():
    """Return the bytes of all arrays that are alive and that tracemalloc has seen being made."""
    arrays = tracemalloc.DomainFilter(inclusive=True, domain=np.lib.tracemalloc_domain)
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([arrays]).traces)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.Dense(50, 40, activation="tanh"), nn.Dropout(0.5), nn.Dense(40, 9)),
        lambda: nn.Sequential(nn.Dense(50, 40), nn.Softplus(), nn.Dense(40, 30, activation=nn.gelu)),
        lambda: nn.Sequential(*[shared := nn.Dense(50, 50), nn.relu, shared, nn.Softmax()]),
    ],
)
def test_memory_is_what_numpy_holds_after_a_forward_pass(make):
    model, x = make(), np.random.default_rng(0).normal(size=(60, 50))
    model(x)  # whatever is made once and kept
    said = sum(nn.summary._Call(model, (x,)).kept.values())
    gc.collect()
    tracemalloc.start()
    node = model(x)._node  # the output itself is not kept by its graph
    held = numpy_memory()
    tracemalloc.stop()
    assert node is not None
    assert said == pytest.approx(held, rel=0.01)  # single numbers are arrays too, here and there
    assert said > 60 * 50 * 8


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_layer_has_a_summary_and_stays_as_it_was(sample):
    model, twin = sample.make(np.random.default_rng(0)), sample.make(np.random.default_rng(0))
    table = model.summary(*sample.inputs)
    assert len(table.rows) == len(list(model.named_modules())) + 2
    assert "not called" not in str(table).splitlines()[2]
    assert "forward" not in vars(model)
    assert model.training
    state = model.state_dict()
    assert all(np.array_equal(value, state[name]) for name, value in twin.state_dict().items())
    for result, expected in zip(flat(model(*sample.inputs)), flat(twin(*sample.inputs)), strict=True):
        assert np.array_equal(result, expected)  # also where chance has its part


def flat(result):
    if isinstance(result, (tuple, list)):
        return [array for part in result for array in flat(part)]
    return [raw(result)]  # a layer without parameters hands an array back for an array


def test_a_module_that_is_not_called_is_told():
    class Half(nn.Module):
        def __init__(self):
            self.used, self.unused = nn.Dense(2, 2), nn.Dense(2, 2)

        def forward(self, x):
            return self.used(x), {"again": self.used(x)}

    rows = cells(Half().summary(np.ones((1, 2))))
    assert rows[1][:3] == ["(model)", "Half", "(1, 2), again: (1, 2)"]
    assert [row[2] for row in rows[2:4]] == ["(1, 2)", "not called"]


def test_a_call_that_fails_leaves_the_model_whole():
    model = nn.Sequential(nn.Dense(2, 3))
    with pytest.raises(ValueError, match="last axis has length 2"):
        model.summary(np.ones((4, 5)))
    assert "forward" not in vars(model)
    assert model(np.ones((4, 2))).shape == (4, 3)


class Cells(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.rows = [], []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.rows[-1][-1] += data


def test_html_has_the_same_cells():
    table = nn.Sequential(nn.Dense(3, 4, activation="relu"), nn.ReLU()).summary(np.ones((1, 3)))
    page = Cells()
    page.feed(table._repr_html_())
    assert page.open == []
    assert page.rows == cells(table)
    assert "&lt;b&gt;" in Summary([("name", "type", "parameters"), ("<b>", "", "1"), ("total", "", "1")])._repr_html_()


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, ""),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (5e13, "50000.0 GB"),
    ],
)
def test_sizes_read_well(size, text):
    assert size_text(size) == text
