"""The data sets hold what was published, and batches cut data without losing or sharing anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_nn import data
from tinygrad_nn.data import Dataset
from tinygrad_nn.errors import ArgumentError, DtypeError, ShapeError
from tinygrad_nn.tensor import Operand, Tensor


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# The toys


@pytest.mark.parametrize("dataset", [data.xor, data.streetlights], ids=lambda dataset: dataset.__name__)
def test_toys_are_the_published_arrays(dataset: Callable[[], Dataset]) -> None:
    path = Path(__file__).parent / "golden" / f"{dataset.__name__}.json"
    published = json.loads(path.read_text(encoding="utf-8"))
    x, y = dataset()
    np.testing.assert_array_equal(x, published["X"], strict=True)
    np.testing.assert_array_equal(y, published["Y"], strict=True)


@pytest.mark.parametrize(
    "make",
    [
        data.xor,
        data.streetlights,
        lambda: data.one_hot(3),
        lambda: data.moons(6, 0.1, generator()),
        lambda: data.digits().train,
        lambda: data.digits().test,
    ],
    ids=["xor", "streetlights", "one_hot", "moons", "digits.train", "digits.test"],
)
def test_arrays_are_new_and_writable_at_each_call(make: Callable[[], Dataset]) -> None:
    x, y = make()
    assert x.dtype == np.float64
    assert not np.shares_memory(x, y)
    before = x.copy(), y.copy()
    x += 1
    y += 1
    for array, expected in zip(make(), before, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_one_hot_has_a_one_on_the_diagonal() -> None:
    x, y = data.one_hot(8)
    assert x.shape == y.shape == (8, 8)
    assert all(x[i, j] == y[i, j] == float(i == j) for i in range(8) for j in range(8))


@pytest.mark.parametrize("n", [2, 7, 200])
def test_moons_without_noise_lie_on_two_half_circles(n: int) -> None:
    x, y = data.moons(n, 0, generator())
    assert x.shape == (n, 2)
    assert y.shape == (n, 1)
    assert y.sum() == n - n // 2
    upper, lower = x[y[:, 0] == 0], x[y[:, 0] == 1] - [1, 0.5]
    np.testing.assert_allclose(np.hypot(*upper.T), 1)
    np.testing.assert_allclose(np.hypot(*lower.T), 1)
    assert upper[:, 1].min() > -1e-12
    assert lower[:, 1].max() < 1e-12
    for half in (upper, -lower):  # evenly spaced, and both ends there if there is more than one point
        angles = np.sort(np.arctan2(half[:, 1].round(12) + 0.0, half[:, 0]))
        np.testing.assert_allclose(angles[1:], np.linspace(0, np.pi, len(half))[1:])


def test_moons_have_the_noise_that_was_asked_for_on_each_coordinate() -> None:
    noisy, clean = (data.moons(20_000, noise, generator()).x for noise in (0.3, 0))
    difference = noisy - clean
    np.testing.assert_allclose(difference.std(axis=0), 0.3, rtol=0.03)
    np.testing.assert_allclose(difference.mean(axis=0), 0, atol=0.01)
    assert abs(np.corrcoef(difference.T)[0, 1]) < 0.03


def test_moons_are_shuffled_and_repeat_with_the_seed() -> None:
    x, y = data.moons(1000, 0.1, generator(1))
    assert 200 < y[:500].sum() < 300
    np.testing.assert_array_equal(x, data.moons(1000, 0.1, generator(1)).x)
    assert not np.array_equal(y, data.moons(1000, 0.1, generator(2)).y)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.one_hot(0), r"one_hot: expected 'n' to be a whole number of at least 1, got 0"),
        (lambda: data.one_hot(8.0), r"one_hot: expected 'n' to be a whole number .* got 8\.0"),
        (lambda: data.moons(1, 0.1, generator()), r"moons: expected 'n' .* at least 2, got 1"),
        (lambda: data.moons(10, -0.1, generator()), r"moons: expected 'noise' .* at least 0, got -0\.1"),
        (lambda: data.moons(10, np.nan, generator()), r"moons: expected 'noise' to be a finite number .* got nan"),
        (lambda: data.moons(10, np.inf, generator()), r"moons: expected 'noise' to be a finite number .* got inf"),
        (lambda: data.moons(10, None, generator()), r"moons: expected 'noise' .* got None"),
        (lambda: data.moons(10, 0.1, 3), r"'rng' to be a numpy\.random\.Generator, got 3.*default_rng"),
    ],
)
def test_toys_refuse_bad_arguments(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()


# The digits


def test_digits_are_those_that_uci_describes() -> None:
    train, test = data.digits()
    x, y = np.concatenate([train.x, test.x]), np.concatenate([train.y, test.y])
    assert x.shape == (1797, 64)
    assert y.dtype == np.int64
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # from optdigits.names
    assert set(np.unique(x * 16)) == set(range(17))


def test_digits_begin_with_the_scan_that_scikit_learn_documents() -> None:
    first = [
        [0, 0, 5, 13, 9, 1, 0, 0],
        [0, 0, 13, 15, 10, 15, 5, 0],
        [0, 3, 15, 2, 0, 11, 8, 0],
        [0, 4, 12, 0, 0, 8, 8, 0],
        [0, 5, 8, 0, 0, 9, 8, 0],
        [0, 4, 11, 0, 1, 12, 7, 0],
        [0, 2, 14, 5, 10, 12, 0, 0],
        [0, 0, 6, 13, 10, 0, 0, 0],
    ]
    train, _ = data.digits()
    np.testing.assert_array_equal(train.x[0].reshape(8, 8) * 16, first)
    assert train.y[:10].tolist() == list(range(10))


def test_digits_split_every_class_one_to_four_without_overlap() -> None:
    train, test = data.digits()
    assert np.bincount(test.y).tolist() == [35, 36, 35, 36, 36, 36, 36, 35, 34, 36]
    assert not {row.tobytes() for row in train.x} & {row.tobytes() for row in test.x}


def test_digits_are_shipped_with_source_and_licence() -> None:
    text = (Path(data.__file__).parent / "digits.LICENSE.txt").read_text(encoding="utf-8")
    assert all(word in text for word in ("Alpaydin", "Kaynak", "10.24432/C50P49", "CC BY 4.0"))


# Batches


@given(rows=st.integers(0, 20), size=st.integers(1, 25), seed=st.none() | st.integers(0, 5))
def test_each_row_comes_once_with_its_target(rows: int, size: int, seed: int | None) -> None:
    x, y = np.arange(rows * 2.0).reshape(rows, 2), np.arange(rows)
    parts = list(data.batches(x, y, size, None if seed is None else generator(seed)))
    assert [len(part.x) for part in parts] == [min(size, rows - start) for start in range(0, rows, size)]
    seen = np.array([label for part in parts for label in part.y], dtype=int)
    assert sorted(seen) == list(range(rows))
    for part in parts:
        np.testing.assert_array_equal(part.x, x[part.y])
    if seed is None:
        np.testing.assert_array_equal(seen, y)


def shuffled(rng: np.random.Generator) -> Dataset:
    """Return the first batch, which is all rows, of a shuffled epoch."""
    return next(data.batches(np.arange(100), np.arange(100), 100, rng))


def test_each_epoch_is_shuffled_anew_and_repeats_with_the_seed() -> None:
    rng, again = generator(1), generator(1)
    first, second = shuffled(rng), shuffled(rng)
    assert not np.array_equal(first.y, np.arange(100))
    assert not np.array_equal(first.y, second.y)
    np.testing.assert_array_equal([first.y, second.y], [shuffled(again).y, shuffled(again).y])


def test_the_order_is_drawn_at_the_call() -> None:
    rng = generator(1)
    waiting = data.batches(np.arange(100), np.arange(100), 100, rng)
    shuffled(rng)
    np.testing.assert_array_equal(next(waiting).y, shuffled(generator(1)).y)


@pytest.mark.parametrize("rng", [None, generator()], ids=["in order", "shuffled"])
@pytest.mark.parametrize(
    "x",
    [
        np.ones((6, 3)),
        np.ones((3, 6)).T,
        np.ones((12, 3))[::2],
        np.ones(6, np.float32),
        np.ones((4, 3, 6)).T,
        Tensor(np.ones((6, 3))),
        [[1.0]] * 6,
    ],
    ids=["matrix", "transposed", "strided", "vector", "stack", "tensor", "list"],
)
def test_batches_can_be_kept_by_an_operation_without_a_copy(x: Operand, rng: np.random.Generator | None) -> None:
    for batch in data.batches(x, np.zeros(6), 4, rng):
        for array in batch:
            assert type(array) is np.ndarray
            assert array.base is None
            assert not array.flags.writeable


def test_a_batch_of_all_rows_leaves_the_data_writable_and_apart() -> None:
    x, y = data.xor()
    [batch] = data.batches(x, y, 4)
    x += 1
    np.testing.assert_array_equal(batch.x, data.xor().x)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones((3, 2)), np.ones(2), 1), ShapeError, r"equally many rows, got the shapes \(3, 2\) and \(2,\)"),
        ((1.0, np.ones(2), 1), ShapeError, r"expected 'x' to be an array .* got the single number 1\.0"),
        ((np.ones(2), 5, 1), ShapeError, r"expected 'y' to be an array"),
        ((np.ones(2), np.ones(2), 0), ArgumentError, r"'batch_size' .* at least 1, got 0"),
        ((np.ones(2), np.ones(2), 1.0), ArgumentError, r"'batch_size' to be a whole number .* got 1\.0"),
        ((np.ones(2), np.ones(2), 1, 42), ArgumentError, r"'rng' .* got 42\. Pass np\.random\.default_rng"),
        ((Tensor([1.0], requires_grad=True), [1], 1), ArgumentError, r"'x' without a gradient.* Pass x\.detach\(\)"),
        (([[1.0], [1.0, 2.0]], [1, 2], 1), DtypeError, r"batches: .*regular shape"),
        ((np.ones(1), np.array(["a"]), 1), DtypeError, r"batches: .*expected real numbers"),
    ],
)
def test_batches_refuse_bad_arguments_at_the_call(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        data.batches(*arguments)  # not iterated over
