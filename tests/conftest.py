"""What holds for every test: how hypothesis searches, and that no test leaves a trace in the library's global state."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: threads of BLAS would only get in their way
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # which NumPy reads when it is imported

import numpy as np
import pytest
from hypothesis import settings

from tinygrad_nn.backprop import MODE, PLAIN
from tinygrad_nn.conversion import get_default_dtype, set_default_dtype

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(autouse=True)
def _no_leaks():
    """Fail a test that leaves a mode, a default dtype or NumPy's error handling changed, and restore them."""
    before = np.geterr()
    yield
    left = {
        "mode": MODE.get() if MODE.get() is not PLAIN else None,
        "default dtype": get_default_dtype() if get_default_dtype() != np.float64 else None,
        "numpy.geterr": np.geterr() if np.geterr() != before else None,
    }
    MODE.set(PLAIN)
    set_default_dtype("float64")
    np.seterr(**before)
    leaks = {name: value for name, value in left.items() if value is not None}
    assert not leaks, f"left behind: {leaks}"


GALLERIES = {
    "test_a_planted_mistake_is_named_and_none_in_the_untouched_twin": "planted mistakes named, none in untouched twins",
    "test_several_at_once_are_all_named": "networks with two or three planted mistakes, all of them named",
    "test_where_a_value_leaves_the_graph_is_named": "leaks out of the graph named",
    "test_a_leak_is_named_beside_a_mistake": "networks with a mistake and a leak, both named",
    "test_a_mistake_of_the_second_order_is_named_beside_one_of_the_first": (
        "networks with mistakes of both orders, both named"
    ),
    "test_a_right_gradient_is_not_called_wrong": "checks of tricky but right gradients, none called WRONG",
}


def pytest_terminal_summary(terminalreporter):
    """Say how the galleries of `tests/planted` came out; here, because pytest-xdist reads no other conftest for it."""
    passed = [report.nodeid for report in terminalreporter.stats.get("passed", ())]
    for test, words in GALLERIES.items():
        count = sum(f"::{test}[" in nodeid for nodeid in passed)
        if count:
            terminalreporter.write_line(f"{count} {words}")
