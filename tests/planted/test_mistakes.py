"""Every planted mistake is found, and the operation that it is in is named; in the untouched twins there is none."""

import itertools
import re

import numpy as np
import pytest

import tinygrad_nn as tn
from tests.planted import FAMILIES, MISTAKES
from tests.planted.gallery import NETWORKS, TURNS, planted
from tests.planted.leaks import HARMLESS, LEAKS, X
from tinygrad_nn.checking.culprit import find_culprits
from tinygrad_nn.errors import GradientMismatch


def culprits(f, operands, order):
    leaves = [tn.Tensor(x, requires_grad=True) for x in operands]
    return find_culprits(f(*leaves)._node, rng=np.random.default_rng(0), order=order)


def named(found):
    return {(culprit.operation, culprit.operand, culprit.order) for culprit in found}


def expected(*mistakes):
    return {(mistake.name, place, mistake.order) for mistake in mistakes for place in mistake.places}


def test_the_gallery_is_large_enough_and_each_family_is_in_it():
    assert len(MISTAKES) == len({mistake.name for mistake in MISTAKES}) >= 40
    assert all(len(family.MISTAKES) >= 10 for family in FAMILIES)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_wrong_rule_computes_the_right_value(mistake):
    np.testing.assert_allclose(mistake.wrong(*mistake.operands), mistake.right(*mistake.operands), rtol=1e-12)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_gradcheck_says_wrong_with_the_culprit_and_pass_of_the_twin(mistake):
    f, operands = planted([mistake], NETWORKS["sum"])
    with pytest.raises(GradientMismatch) as caught:
        tn.gradcheck(f, operands, order=mistake.order)
    assert caught.value.report.verdict.value == "WRONG"
    assert named(caught.value.report.culprits) == expected(mistake)
    twin, operands = planted([mistake], NETWORKS["sum"], right=True)
    assert tn.gradcheck(twin, operands, order=mistake.order).verdict.value == "PASS"


CASES = [
    pytest.param(mistake, NETWORKS[name], id=f"{mistake.name} in {name}")
    for mistake, name in zip(MISTAKES, itertools.cycle(TURNS), strict=False)
]


@pytest.mark.parametrize(("mistake", "network"), CASES)
def test_a_planted_mistake_is_named_and_none_in_the_untouched_twin(mistake, network):
    f, operands = planted([mistake], network)
    assert named(culprits(f, operands, mistake.order)) == expected(mistake)
    twin, operands = planted([mistake], network, right=True)
    assert culprits(twin, operands, mistake.order) == ()


def several():
    """Yield two or three mistakes at a time, of different families."""
    rng = np.random.default_rng(5)
    for number in (2, 2, 3, 3, 3, 3, 3, 3):
        families = rng.choice(len(FAMILIES), number, replace=False)
        yield [FAMILIES[i].MISTAKES[rng.integers(len(FAMILIES[i].MISTAKES))] for i in families]


TOGETHER = [
    pytest.param(mistakes, NETWORKS[name], id=f"{' and '.join(mistake.name for mistake in mistakes)} in {name}")
    for mistakes, name in zip(several(), itertools.cycle(TURNS), strict=False)
]


@pytest.mark.parametrize(("mistakes", "network"), TOGETHER)
def test_several_at_once_are_all_named(mistakes, network):
    f, operands = planted(mistakes, network)
    order = max(mistake.order for mistake in mistakes)
    assert named(culprits(f, operands, order)) == expected(*mistakes)
    assert culprits(*planted(mistakes, network, right=True), order) == ()


def beside(mistake, f):
    """Return a function of the operands of a mistake and of one more input, which `f` is given; and these operands."""
    network, operands = planted([mistake], NETWORKS["sum"])

    def both(*inputs):
        *given, x = inputs
        outputs = f(x)
        return network(*given), *(outputs if isinstance(outputs, tuple) else [outputs])

    return both, [*operands, X]


@pytest.mark.parametrize("way", LEAKS)
def test_where_a_value_leaves_the_graph_is_named(way):
    f, places = LEAKS[way]
    report = tn.gradcheck(f, [X], raises=False)
    assert report.verdict.value == "WRONG"
    assert [(culprit.operation, culprit.operand) for culprit in report.culprits] == places
    exits = report.culprits[0].error.partition("; ")[2]
    assert re.match(rf"{re.escape(way.split()[0])} at .*leaks.py:\d+ ", exits)


LEAKS_BESIDE = [
    pytest.param(mistake, way, id=f"{mistake.name} and {way}")
    for mistake, way in zip(MISTAKES[::8], itertools.cycle(LEAKS), strict=False)
]


@pytest.mark.parametrize(("mistake", "way"), LEAKS_BESIDE)
def test_a_leak_is_named_beside_a_mistake(mistake, way):
    f, places = LEAKS[way]
    network, operands = beside(mistake, f)
    report = tn.gradcheck(network, operands, order=mistake.order, raises=False)
    found = {(culprit.operation.replace("output 0", "output 1"), culprit.operand) for culprit in report.culprits}
    shifted = {(operation.replace("output 0", "output 1"), operand) for operation, operand in places}
    if way == "detach() of one output":
        shifted = {("output 2", None)}
    assert found == shifted | {(mistake.name, place) for place in mistake.places}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_value_that_may_leave_the_graph_is_not_named(name):
    assert tn.gradcheck(HARMLESS[name], [X])
    mistake = MISTAKES[0]
    network, operands = beside(mistake, HARMLESS[name])
    report = tn.gradcheck(network, operands, raises=False)
    assert {(culprit.operation, culprit.operand) for culprit in report.culprits} == {(mistake.name, 0)}


LATER = [mistake for mistake in MISTAKES if mistake.order == 2]

IN_BOTH_ORDERS = [
    pytest.param([first, second], id=f"{first.name} and {second.name}")
    for first, second in zip(MISTAKES[::4], LATER, strict=False)
    if first.order == 1
]


@pytest.mark.parametrize("mistakes", IN_BOTH_ORDERS)
def test_a_mistake_of_the_second_order_is_named_beside_one_of_the_first(mistakes):
    f, operands = planted(mistakes, NETWORKS["sum"])
    report = tn.gradcheck(f, operands, order=2, raises=False)
    assert named(report.culprits) == expected(*mistakes)
