"""Schedules against closed forms: their values, how they are put together, and that a restored one goes on."""

import math

import numpy as np
import pytest

import tinygrad_nn as tn
from tinygrad_nn import errors, optim


def optimizer(*rates):
    return optim.SGD([{"params": [tn.Tensor([1.0], requires_grad=True)], "lr": lr} for lr in rates or (0.5,)], lr=0.1)


def follow(schedule, steps):
    found = []
    for _ in range(steps):
        found.append([group["lr"] for group in schedule.optimizer.param_groups])
        schedule.step()
    return np.array(found)


def test_every_group_keeps_its_own_learning_rate_times_the_factor():
    found = follow(optim.Schedule(optimizer(0.5, 2.0), optim.step_decay(3, gamma=0.5)), 7)
    np.testing.assert_allclose(found[:, 0], [0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125])
    np.testing.assert_allclose(found[:, 1], 4 * found[:, 0])


def test_any_function_is_a_schedule():
    np.testing.assert_allclose(
        follow(optim.Schedule(optimizer(), lambda t: 1 / (1 + t)), 3)[:, 0], [0.5, 0.25, 0.5 / 3]
    )


def test_a_group_that_joins_later_keeps_its_learning_rate():
    schedule = optim.Schedule(optimizer(0.5), optim.exponential_decay(0.5))
    schedule.optimizer.add_param_group({"params": tn.Tensor([1.0], requires_grad=True), "lr": 0.3})
    schedule.step()
    assert [group["lr"] for group in schedule.optimizer.param_groups] == [0.25, 0.3]


def test_a_cosine_falls_as_far_as_its_floor_and_stays():
    factor = optim.cosine_annealing(10, floor=0.1)
    assert [factor(t) for t in (0, 5, 10, 11, 1000)] == pytest.approx([1, 0.55, 0.1, 0.1, 0.1])
    falls = np.diff([factor(t) for t in range(11)])
    assert (falls < 0).all()
    assert falls == pytest.approx(falls[::-1])


def test_warm_up_then_cosine():
    factor = optim.sequence(optim.linear_warmup(5, start=0.0), 5, optim.cosine_annealing(10))
    assert [factor(t) for t in (0, 1, 4, 5, 10, 15, 16)] == pytest.approx([0, 0.2, 0.8, 1, 0.5, 0, 0])


def test_a_sequence_may_have_any_number_of_parts():
    parts = [lambda t, height=height: height + t for height in (0, 10, 20)]
    factor = optim.sequence(parts[0], 2, parts[1], 3, parts[2])
    assert [factor(t) for t in range(7)] == [0, 1, 10, 11, 12, 20, 21]
    assert optim.sequence(parts[1])(4) == 14


def test_one_cycle_rises_to_the_learning_rate_and_falls_to_nearly_nothing():
    factor = optim.one_cycle(100, pct_start=0.25, div_factor=10, final_div_factor=100)
    values = [factor(t) for t in range(120)]
    assert values[0] == pytest.approx(0.1)
    assert np.argmax(values) == 24
    assert values[24] == pytest.approx(1)
    assert values[99:] == pytest.approx([1e-3] * 21)
    assert (np.diff(values[:25]) > 0).all()
    assert (np.diff(values[24:100]) < 0).all()


def test_a_restored_schedule_goes_on_exactly():
    factor = optim.sequence(optim.linear_warmup(3), 3, optim.exponential_decay(0.9))
    first = optim.Schedule(optimizer(0.5, 0.3), factor)
    follow(first, 4)
    second = optim.Schedule(optimizer(9.0, 9.0), factor)
    second.load_state_dict(first.state_dict())
    assert np.array_equal(follow(first, 5), follow(second, 5))


def plateau_rates(values, **options):
    plateau = optim.ReduceOnPlateau(optimizer(1.0), **options)
    rates = []
    for value in values:
        plateau.step(value)
        rates.append(plateau.optimizer.lr)
    return rates


def test_a_plateau_is_more_than_patience_steps_long():
    assert plateau_rates([3, 3, 3, 3, 3], patience=2, factor=0.5) == [1, 1, 1, 0.5, 0.5]
    assert plateau_rates([3, 3, 2, 2, 2], patience=2, factor=0.5) == [1, 1, 1, 1, 1]
    assert plateau_rates([3, 3, 3, 3], patience=0, factor=0.5, cooldown=1) == [1, 0.5, 0.5, 0.25]
    assert plateau_rates([1, 2, 3, 3, 3], patience=0, factor=0.5, mode="max") == [1, 1, 1, 0.5, 0.25]
    assert plateau_rates([math.nan, math.nan], patience=0, factor=0.5) == [0.5, 0.25]
    assert plateau_rates([3] * 4, patience=0, factor=0.5, min_lr=0.3) == [1, 0.5, 0.3, 0.3]


@pytest.mark.parametrize(("mode", "sign"), [("min", -1), ("max", 1)])
@pytest.mark.parametrize("level", [100.0, -100.0])
def test_a_plateau_is_left_by_more_than_the_threshold(mode, sign, level):
    options = {"patience": 0, "factor": 0.5, "mode": mode}
    assert plateau_rates([level, level + 0.9 * sign], threshold=0.01, **options) == [1, 0.5]
    assert plateau_rates([level, level + 1.1 * sign], threshold=0.01, **options) == [1, 1]
    assert plateau_rates([level, level + 0.9 * sign], threshold=1.0, threshold_mode="abs", **options) == [1, 0.5]
    assert plateau_rates([level, level + 1.1 * sign], threshold=1.0, threshold_mode="abs", **options) == [1, 1]


def test_a_restored_plateau_goes_on_waiting():
    first = optim.ReduceOnPlateau(optimizer(), patience=2)
    for _ in range(3):
        first.step(1.0)
    second = optim.ReduceOnPlateau(optimizer(), patience=2)
    second.load_state_dict(first.state_dict())
    second.step(1.0)
    assert second.optimizer.lr == pytest.approx(0.05)


def test_a_state_of_another_schedule_is_refused_and_changes_nothing():
    schedule = optim.Schedule(optimizer(0.5), optim.step_decay(1))
    wrong = optim.Schedule(optimizer(0.5, 0.5), optim.step_decay(1)).state_dict()
    with pytest.raises(errors.StateError, match=r"Schedule.load_state_dict: missing: none; unexpected: rates\.1\."):
        schedule.load_state_dict(wrong)
    with pytest.raises(errors.StateError, match=r"ReduceOnPlateau\.load_state_dict: missing: best, cooling, waited"):
        optim.ReduceOnPlateau(optimizer()).load_state_dict({})
    assert schedule.optimizer.lr == 0.5


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: optim.step_decay(0), "step_decay: expected 'step_size' to be at least 1, got 0"),
        (lambda: optim.cosine_annealing(0), "cosine_annealing: expected 'steps'"),
        (lambda: optim.linear_warmup(0), "linear_warmup: expected 'steps'"),
        (lambda: optim.one_cycle(1), "one_cycle: expected 'total_steps' to be at least 2, got 1"),
        (lambda: optim.one_cycle(10, pct_start=0.1), "one_cycle: expected 'pct_start' above 0.1 and below 1 for 10"),
        (lambda: optim.one_cycle(10, pct_start=1.0), "got 1.0. Without a rise, use cosine_annealing"),
        (optim.sequence, "between each and the next, got nothing"),
        (lambda: optim.sequence(abs, 5), "got builtin_function_or_method, int. Write sequence"),
        (lambda: optim.sequence(abs, abs, abs), "sequence: expected schedules"),
        (
            lambda: optim.ReduceOnPlateau(optimizer(), mode="least"),
            r"'mode' to be one of \('min', 'max'\), got 'least'",
        ),
        (lambda: optim.ReduceOnPlateau(optimizer(), factor=1.0), "'factor' to be at least 0 and below 1, got 1.0"),
        (lambda: optim.ReduceOnPlateau(optimizer(), patience=-1), "'patience' to be at least 0, got -1"),
    ],
)
def test_wrong_arguments_are_told(make, said):
    with pytest.raises(errors.ArgumentError, match=said):
        make()
