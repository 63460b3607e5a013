"""`docs/reference/numpy.md`: no function of NumPy is forgotten, and the page says what the registry does."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn.errors import UnsupportedError
from tinygrad_nn.primitive import COMPOSITIONS, CONSTANTS, REFUSED, RULES

SCRIPT = Path(__file__).parent.parent / "docs" / "reference" / "generate.py"


@pytest.fixture(scope="module")
def generate():
    specification = importlib.util.spec_from_file_location("generate", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_every_function_of_numpy_is_in_one_of_the_lists(generate):
    assert generate.unclassified() == []


def test_no_function_is_in_two_lists():
    lists = [set(RULES), set(COMPOSITIONS), CONSTANTS, set(REFUSED)]
    for place, one in enumerate(lists):
        for other in lists[:place]:
            assert not {f.__name__ for f in one & other}


def test_the_page_is_that_of_todays_registry(generate):
    text = generate.PAGE.read_text()
    if generate.version() in text:  # another NumPy has other functions
        assert text == generate.page(), "run python docs/reference/generate.py"


def test_what_is_refused_raises_what_the_page_says(generate):
    x = tn.Tensor(np.eye(2))
    refused = [f for _, f in generate.functions() if generate.status(f)[0] == "refused" and "renamed" not in REFUSED[f]]
    assert len(refused) > 20
    for function in refused:
        told = []
        for count in (1, 2, 3, 4):  # a wrong number of arguments is NumPy's business, and a plain TypeError
            try:
                function(*[x] * count)
            except UnsupportedError as error:
                told.append(str(error))
            except TypeError:
                continue
        assert told
        assert all(text.endswith(f"expected no Tensor; {REFUSED[function]}") for text in told)
