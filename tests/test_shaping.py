"""What moves elements: that every gradient goes back to where its element came from, and what misuse is told."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

import tinygrad_nn as tn
from tinygrad_nn import errors


def leaf(values, **options):
    return tn.Tensor(values, requires_grad=True, **options)


# One property for all that moves: applied to the numbers of the elements, NumPy itself tells where each one goes.


def axis_of(draw, shape):
    return draw(st.integers(-len(shape), len(shape) - 1))


def number(draw):
    return draw(st.integers(-5, 5))


def count(draw):
    return draw(st.integers(0, 4))


def places(draw, length):
    return draw(st.lists(st.integers(-length, length - 1), max_size=5))


def mask(draw, shape):
    return draw(nps.arrays(bool, shape))


def along(function):
    """Return the making of a move by a function of an array and one of its axes."""

    def make(draw, shape):
        axis = axis_of(draw, shape)
        return lambda a: function(a, axis)

    return make


def along_some(function):
    """Return the making of a move by a function of an array and several of its axes, or all."""

    def make(draw, shape):
        axes = draw(st.none() | nps.valid_tuple_axes(len(shape)))
        return lambda a: function(a, axes)

    return make


def by_number(function):
    """Return the making of a move by a function of an array and a number."""

    def make(draw, shape):
        n = number(draw)
        return lambda a: function(a, n)

    return make


def plain(function):
    return lambda draw, shape: function


def reshape(draw, shape):
    size = math.prod(shape)
    first = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
    order = draw(st.sampled_from("CF"))
    return lambda a: np.reshape(a, (first, -1), order)


def ravel(draw, shape):
    order = draw(st.sampled_from("CF"))
    return lambda a: np.ravel(a, order)


def transpose(draw, shape):
    axes = draw(st.permutations(range(len(shape))))
    return lambda a: np.transpose(a, axes)


def moveaxis(draw, shape):
    source = draw(st.permutations(range(len(shape))))
    destination = draw(st.permutations(range(len(shape))))
    n = draw(st.integers(0, len(shape)))
    return lambda a: np.moveaxis(a, source[:n], destination[:n])


def rollaxis(draw, shape):
    axis, start = axis_of(draw, shape), draw(st.integers(-len(shape), len(shape)))
    return lambda a: np.rollaxis(a, axis, start)


def roll(draw, shape):
    axes = draw(nps.valid_tuple_axes(len(shape), min_size=1))
    shifts = tuple(number(draw) for _ in axes)
    return draw(st.sampled_from([lambda a: np.roll(a, shifts, axes), lambda a: np.roll(a, shifts[0])]))


def rot90(draw, shape):
    n, axes = number(draw), draw(nps.valid_tuple_axes(len(shape) + 1, min_size=2, max_size=2))
    return lambda a: np.rot90(a[None], n, axes)


def repeat(draw, shape):
    axis = axis_of(draw, shape)
    counts = [count(draw) for _ in range(shape[axis])]
    return draw(st.sampled_from([lambda a: np.repeat(a, counts, axis), lambda a: np.repeat(a, counts[0], axis)]))


def tile(draw, shape):
    counts = tuple(draw(st.lists(st.integers(0, 3), max_size=4)))
    return lambda a: np.tile(a, counts)


def resize(draw, shape):
    wanted = count(draw), count(draw)
    return lambda a: np.resize(a, wanted)


def pad(draw, shape):
    mode = draw(st.sampled_from(["constant", "edge", "wrap", "reflect", "symmetric"]))
    widths = [(count(draw), count(draw)) for _ in shape]
    return lambda a: np.pad(a, widths, mode)


def diagonal(draw, shape):
    offset, axes = number(draw), draw(nps.valid_tuple_axes(len(shape) + 1, min_size=2, max_size=2))
    return lambda a: np.diagonal(a[None], offset, *axes)


def insert(draw, shape):
    axis = axis_of(draw, shape)
    where = places(draw, shape[axis])
    assume(len(where) != 1)
    return lambda a: np.insert(a, where, np.take(a, np.array(where, int), axis), axis)


def delete(draw, shape):
    axis = axis_of(draw, shape)
    where = places(draw, shape[axis])
    return lambda a: np.delete(a, where, axis)


def array_split(draw, shape):
    axis, cuts = axis_of(draw, shape), draw(st.integers(1, 4) | st.lists(st.integers(0, 4), min_size=1))
    return lambda a: np.concatenate([np.ravel(part) for part in reversed(np.array_split(a, cuts, axis))])


def getitem(draw, shape):
    index = draw(
        nps.basic_indices(shape, allow_newaxis=True)
        | nps.integer_array_indices(shape, result_shape=nps.array_shapes(max_dims=2, max_side=4))
        | nps.arrays(bool, shape)
        | nps.arrays(bool, shape[:1])
    )
    return lambda a: a[index]


def take(draw, shape):
    axis = draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    where = draw(nps.arrays(int, nps.array_shapes(max_dims=2, max_side=3), elements=st.integers(-9, 9)))
    mode = draw(st.sampled_from(["wrap", "clip"]))
    return lambda a: np.take(a, where, axis, mode=mode)


def take_along_axis(draw, shape):
    axis = axis_of(draw, shape)
    wanted = list(shape)
    wanted[axis] = count(draw)
    where = draw(nps.arrays(int, tuple(wanted), elements=st.integers(0, shape[axis] - 1)))
    return lambda a: np.take_along_axis(a, where, axis)


def compress(draw, shape):
    axis = axis_of(draw, shape)
    wanted = mask(draw, shape[axis])
    return lambda a: np.compress(wanted, a, axis)


def extract(draw, shape):
    wanted = mask(draw, shape)
    return lambda a: np.extract(wanted, a)


def unique(draw, shape):
    axis = draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    return lambda a: np.unique(np.concatenate([a, np.flip(a)], axis or 0), axis=axis)


MOVES = {
    "reshape": reshape,
    "ravel": ravel,
    "transpose": transpose,
    "swapaxes": along(lambda a, axis: np.swapaxes(a, axis, 0)),
    "moveaxis": moveaxis,
    "rollaxis": rollaxis,
    "expand_dims": along(np.expand_dims),
    "squeeze": plain(np.squeeze),
    "broadcast_to": lambda _, shape: lambda a: np.broadcast_to(a, (3, *shape)),
    "atleast_1d": plain(np.atleast_1d),
    "atleast_2d": plain(np.atleast_2d),
    "atleast_3d": plain(np.atleast_3d),
    "copy": plain(np.copy),
    "flip": along_some(np.flip),
    "roll": roll,
    "rot90": rot90,
    "repeat": repeat,
    "tile": tile,
    "resize": resize,
    "pad": pad,
    "tril": by_number(np.tril),
    "triu": by_number(np.triu),
    "diagonal": diagonal,
    "diag": by_number(lambda a, k: np.diag(np.ravel(a), k)),
    "diagflat": by_number(np.diagflat),
    "concatenate": along(lambda a, axis: np.concatenate([a, np.flip(a), a], axis)),
    "stack": along(lambda a, axis: np.stack([a, np.flip(a)], axis)),
    "vstack": plain(lambda a: np.vstack([a, a])),
    "hstack": plain(lambda a: np.hstack([a, a])),
    "dstack": plain(lambda a: np.dstack([a, a])),
    "column_stack": plain(lambda a: np.column_stack([a, a])),
    "block": plain(lambda a: np.block([[a, a], [np.flip(a), a]])),
    "append": along(lambda a, axis: np.append(a, a, axis)),
    "insert": insert,
    "delete": delete,
    "array_split": array_split,
    "unstack": along(lambda a, axis: np.unstack(a, axis=axis)[-1]),
    "getitem": getitem,
    "take": take,
    "take_along_axis": take_along_axis,
    "compress": compress,
    "extract": extract,
    "meshgrid": plain(lambda a: np.stack(np.meshgrid(a, [1] * 3)[:1])),
    "apply_along_axis": along(lambda a, axis: np.apply_along_axis(np.flip, axis, a)),
}


@pytest.mark.parametrize("name", MOVES)
@settings(max_examples=30)
@given(data=st.data())
def test_the_gradient_of_an_element_goes_back_to_where_it_came_from(name, data):
    shape = data.draw(nps.array_shapes(max_dims=3, max_side=4))
    move = MOVES[name](data.draw, shape)
    numbers = 1 + np.arange(math.prod(shape)).reshape(shape)  # from 1, for 0 is what came from nowhere
    origins = move(numbers)
    values = np.random.default_rng(0).normal(size=1 + numbers.size)
    values[0] = 0.0
    x = leaf(values[numbers])
    result = move(x)
    np.testing.assert_array_equal(result.numpy(), values[origins])
    cotangent = 1.0 + np.arange(origins.size)
    result.backward(cotangent.reshape(origins.shape))
    expected = np.bincount(origins.ravel(), cotangent, 1 + numbers.size)[1:]
    np.testing.assert_array_equal(x.grad, expected.reshape(shape))


@pytest.mark.parametrize("rows", [3, 1000])
@pytest.mark.parametrize("index", [[1, 1, 0], np.array([[0, 2], [2, 2]]), (slice(None), [1, 1, 0]), ([0, 0], [1, 1])])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_gradients_add_up_at_repeated_indices_in_small_and_in_large_arrays(rows, index, dtype):
    x = leaf(np.zeros((rows, 4), dtype))
    cotangent = np.cos(np.arange(x[index].size, dtype=dtype)).reshape(x[index].shape)
    x[index].backward(cotangent)
    expected = np.zeros((rows, 4), dtype)
    np.add.at(expected, index, cotangent)
    np.testing.assert_array_equal(x.grad, expected)


# Updates, against a loop over the elements that carries the derivatives forward.

PARTIALS = {
    "set": lambda _, v: (v, 0.0, 1.0),
    "add": lambda a, v: (a + v, 1.0, 1.0),
    "subtract": lambda a, v: (a - v, 1.0, -1.0),
    "multiply": lambda a, v: (a * v, v, a),
    "divide": lambda a, v: (a / v, 1 / v, -a / v**2),
    "power": lambda a, v: (a**v, v * a ** (v - 1), a**v * np.log(a)),
    "min": lambda a, v: (a, 1.0, 0.0) if a < v else (v, 0.0, 1.0),
    "max": lambda a, v: (a, 1.0, 0.0) if a > v else (v, 0.0, 1.0),
}


@pytest.mark.parametrize("method", PARTIALS)
@settings(max_examples=30)
@given(data=st.data())
def test_updates_do_what_a_loop_over_the_places_does(method, data):
    shape = data.draw(nps.array_shapes(max_dims=2, max_side=3))
    index = data.draw(
        nps.basic_indices(shape)
        | nps.integer_array_indices(shape, result_shape=nps.array_shapes(max_dims=2, max_side=4))
        | nps.arrays(bool, shape)
    )
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 1.5, shape)
    numbers = np.arange(x.size).reshape(shape)[index]
    values = rng.uniform(0.5, 1.5, np.shape(numbers))

    results, jacobian = list(x.ravel()), list(np.eye(x.size, x.size + values.size))
    for k, (place, value) in enumerate(zip(np.ravel(numbers), np.ravel(values), strict=True)):
        results[place], by_old, by_value = PARTIALS[method](results[place], value)
        jacobian[place] = by_old * jacobian[place] + by_value * np.eye(x.size + values.size)[x.size + k]

    tensor, new = leaf(x), leaf(values)
    updated = getattr(tensor.at[index], method)(new)
    np.testing.assert_allclose(updated.numpy().ravel(), results, rtol=1e-12)
    cotangent = rng.normal(size=shape)
    updated.backward(cotangent)
    expected = cotangent.ravel() @ np.array(jacobian)
    found = np.concatenate([np.ravel(t.grad) for t in (tensor, new)])
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_updates_read_as_in_the_manual():
    x = leaf([1.0, 2.0, 3.0])
    assert x.at[[0, 0]].add(5.0).tolist() == [11.0, 2.0, 3.0]
    assert x.at[[0, 0]].set([7.0, 8.0]).tolist() == [8.0, 2.0, 3.0]
    assert x.at[x > 1].multiply(2).tolist() == [1.0, 4.0, 6.0]
    assert x.at[tn.Tensor([2, 0])].get().tolist() == [3.0, 1.0]
    assert x.at[None, 1:].max([2.5, 2.5]).tolist() == [1.0, 2.5, 3.0]
    assert x.tolist() == [1.0, 2.0, 3.0]


def test_of_values_that_are_set_at_one_place_only_the_last_gets_the_gradient():
    x, values = leaf([1.0, 2.0]), leaf([5.0, 6.0, 7.0])
    x.at[[1, 0, 1]].set(values).backward([1.0, 10.0])
    assert values.grad.tolist() == [0.0, 1.0, 10.0]
    assert x.grad.tolist() == [0.0, 0.0]


def test_updates_share_the_gradient_of_equal_values():
    x, value = leaf([1.0, 2.0]), leaf(2.0)
    x.at[1].max(value).sum().backward()
    assert (x.grad.tolist(), value.grad) == ([1.0, 0.5], 0.5)


def test_updates_keep_the_dtype_of_the_array():
    single = leaf(np.ones(3, np.float32))
    for values in (2, 2.0, np.ones(1), leaf([1.0])):
        for method in PARTIALS:
            assert getattr(single.at[:1], method)(values).dtype == np.float32
    whole = tn.Tensor([1, 2, 3])
    assert whole.at[0].set(5).dtype == whole.dtype
    assert whole.at[[0, 0]].add([True, True]).tolist() == [3, 2, 3]


def test_an_index_that_changes_after_an_update_changes_nothing():
    x, index = leaf([1.0, 2.0, 3.0]), np.array([0, 0])
    results = [x[index], x.at[index].add(1.0), x.at[index].set(1.0), np.take(x, index)]
    index[:] = 2
    for result in results:
        x.zero_grad()
        result.sum().backward()
        assert x.grad[2] == (0.0 if result.size == 2 else 1.0)


# What the samples cannot show: their elements are all different, and none is 0.


def gradient(f, *arrays):
    """Return the gradients of `f` for the cotangent 1, 2, 3, ..."""
    tensors = [leaf(x) for x in arrays]
    result = f(*tensors)
    result.backward(1.0 + np.arange(result.size).reshape(result.shape))
    return [None if x.grad is None else x.grad.tolist() for x in tensors]


@pytest.mark.parametrize("function", [np.unique, np.unique_values, lambda x: np.unique_all(x).values])
def test_of_equal_elements_the_first_gets_the_gradient(function):
    assert gradient(function, [3.0, 1.0, 3.0, 1.0, 2.0]) == [[3.0, 1.0, 0.0, 0.0, 2.0]]


def test_unique_tells_what_numpy_tells():
    values = np.array([[3.0, 1.0], [3.0, 1.0], [np.nan, np.nan]])
    for options in ({"axis": 0}, {"equal_nan": False}, {"equal_nan": True}):
        options |= {"return_index": True, "return_inverse": True, "return_counts": True}
        found = np.unique(leaf(values), **options)
        for part, expected in zip(found, np.unique(values, **options), strict=True):
            np.testing.assert_array_equal(part.numpy() if isinstance(part, tn.Tensor) else part, expected)
    for function in (np.unique_all, np.unique_counts, np.unique_inverse):
        found, expected = function(tn.Tensor(values))._asdict(), function(values)._asdict()
        assert found.keys() == expected.keys()
        assert found["values"].shape == expected["values"].shape


def test_sets_select_from_what_came_in():
    a, b = [4.0, 1.0, 2.0, 2.0], [2.0, 5.0, 4.0]
    for function in (np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d):
        np.testing.assert_array_equal(function(leaf(a), leaf(b)).numpy(), function(a, b))
        np.testing.assert_array_equal(function(leaf(a), b).numpy(), function(a, b))
    assert gradient(np.union1d, a, b) == [[3.0, 1.0, 2.0, 0.0], [0.0, 4.0, 0.0]]
    assert gradient(np.intersect1d, a, b) == [[2.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    assert gradient(np.setdiff1d, a, b) == [[0.0, 1.0, 0.0, 0.0], None]
    assert gradient(np.setxor1d, a, b) == [[0.0, 1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]


@pytest.mark.parametrize("trim", ["f", "b", "fb", "BF"])
def test_zeros_are_trimmed_as_numpy_does(trim):
    for values in ([0.0, 0.0, 1.0, 0.0, 2.0, 0.0], [0.0, 0.0], [1.0]):
        np.testing.assert_array_equal(np.trim_zeros(leaf(values), trim).numpy(), np.trim_zeros(np.array(values), trim))
    assert gradient(np.trim_zeros, [0.0, 1.0, 0.0, 3.0, 0.0]) == [[0.0, 1.0, 2.0, 3.0, 0.0]]


def test_zeros_are_trimmed_on_every_side_of_a_matrix():
    matrix = np.pad([[0.0, 1.0], [2.0, 0.0]], ((1, 2), (0, 1)))
    assert np.trim_zeros(leaf(matrix)).tolist() == [[0.0, 1.0], [2.0, 0.0]]
    assert np.trim_zeros(leaf(matrix), "f", axis=0).shape == (4, 3)


@pytest.mark.parametrize("mode", ["edge", "wrap", "reflect", "symmetric", "constant", "linear_ramp"])
def test_padding_lets_an_infinite_element_infect_no_other(mode):
    values = np.array([1.0, 2.0, np.inf, 3.0, 4.0])
    np.testing.assert_array_equal(np.pad(leaf(values), (1, 1), mode).numpy(), np.pad(values, (1, 1), mode))


@settings(max_examples=30)
@given(st.integers(1, 4), st.tuples(st.integers(0, 12), st.integers(0, 12)), st.sampled_from(["reflect", "symmetric"]))
def test_odd_reflections_go_on_as_far_as_numpy_goes(size, widths, mode):
    values = np.arange(size) ** 2.0
    expected = np.pad(values, widths, mode, reflect_type="odd")
    np.testing.assert_array_equal(np.pad(leaf(values), widths, mode, reflect_type="odd").numpy(), expected)


def test_whole_numbers_are_padded_as_numpy_rounds_them():
    for mode in ("mean", "maximum", "edge", "constant"):
        np.testing.assert_array_equal(np.pad(tn.Tensor([1, 2, 4]), 2, mode), np.pad([1, 2, 4], 2, mode))


def test_the_equal_maxima_that_pad_share_the_gradient():
    assert gradient(lambda x: np.pad(x, (1, 0), "maximum"), [3.0, 1.0, 3.0]) == [[2.5, 3.0, 4.5]]


def test_ranges_end_where_they_are_told_to():
    for start, stop in ((0.1, 0.7), (1 / 3, 1e9), (-1e-9, 5.0)):
        for function in (np.linspace, np.geomspace) if start > 0 else (np.linspace,):
            samples = function(leaf(start), leaf(stop), 7)
            assert (samples[0].item(), samples[-1].item()) == (start, stop)
    assert gradient(lambda a, b: np.linspace(a, b, 3), 1.0, 2.0) == [2.0, 4.0]
    assert gradient(lambda a, b: np.linspace(a, b, 2, retstep=True)[1], 1.0, 2.0) == [-1.0, 1.0]
    assert gradient(lambda a: np.linspace([0, 1], a, 2), [1.0, 2.0]) == [[3.0, 4.0]]
    assert np.linspace(leaf(0.5), leaf(9.5), 4, dtype=int).tolist() == [0, 3, 6, 9]
    assert np.isnan(np.linspace(leaf(0.0), 1.0, 1, retstep=True)[1])


def test_functions_of_vectors_may_be_the_users():
    def normalised(v):
        return v / np.sqrt((v * v).sum())

    matrix = np.array([[3.0, 4.0], [5.0, 12.0]])
    np.testing.assert_allclose(
        np.apply_along_axis(normalised, 1, leaf(matrix)).numpy(), [[0.6, 0.8], [5 / 13, 12 / 13]]
    )
    report = tn.gradcheck(lambda x: np.apply_along_axis(normalised, 0, x), [matrix])
    assert report.verdict.value == "PASS"
    assert np.apply_along_axis(len, 0, leaf(matrix)).tolist() == [2, 2]


def test_dtypes_can_be_asked_for():
    x = leaf([1.0, 2.0])
    for result in (
        np.astype(x, np.float32),
        np.concatenate([x, x], dtype=np.float32),
        np.stack([x, x], dtype=np.float32),
        np.hstack([x, x], dtype=np.float32),
        np.vstack([x, x], dtype=np.float32),
        np.linspace(x, 2.0, 3, dtype=np.float32),
        np.full_like(x, x, dtype=np.float32),
    ):
        assert result.dtype == np.float32
        x.zero_grad()
        result.sum().backward()
        assert x.grad.dtype == np.float64
    assert not np.astype(x, int).requires_grad


def test_a_tensor_is_a_sequence_of_its_rows():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    for join in (np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack):
        np.testing.assert_array_equal(join(x).numpy(), join(x.numpy()))


def test_a_copy_stays_when_its_leaf_changes():
    w = leaf([1.0, 2.0])
    kept = w.copy()
    w.data[0] = 9.0
    assert kept.tolist() == [1.0, 2.0]


def test_what_describes_or_locates_elements_is_a_constant():
    x = leaf([[0.0, 2.0], [3.0, 0.0]])
    assert [part.tolist() for part in np.nonzero(x)] == [[0, 1], [1, 0]]
    assert np.argwhere(x).tolist() == [[0, 1], [1, 0]]
    assert np.flatnonzero(x).tolist() == [1, 2]
    assert np.isin(x, [2.0]).tolist() == [[False, True], [False, False]]
    for like in (np.zeros_like, np.ones_like, np.empty_like, lambda a: np.full_like(a, 1)):
        like(x)[0] = 1.0  # an array of one's own
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2, 2), 2, 4)
    assert np.result_type(x, np.float32) == np.common_type(x) == np.float64
    assert not np.iscomplexobj(x)
    assert [i.tolist() for i in np.tril_indices_from(x)] == [[0, 1, 1], [0, 0, 1]]
    assert np.unravel_index(tn.Tensor(3), (2, 2)) == (1, 1)
    assert x[np.ix_(tn.Tensor([1]), [0])].tolist() == [[3.0]]


X = leaf([1.0, 2.0, 3.0])
WHOLE = tn.Tensor([1, 2, 3])


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: X[7], errors.ShapeError, r"getitem: .*\(3,\) with index=7.*out of bounds for axis 0 with size 3"),
        (lambda: X[[0, 7]], errors.ShapeError, r"getitem: .*index=\[0, 7\].*index 7 is out of bounds"),
        (lambda: X[1.5], errors.ShapeError, r"getitem: .*index=1\.5.*only integers, slices"),
        (lambda: np.take(X, 7), errors.ShapeError, r"index 7 is out of bounds for axis 0 with size 3"),
        (
            lambda: np.take(X, 7, mode="bounce"),
            errors.ArgumentError,
            r"take: .*'raise', 'wrap' or 'clip', got 'bounce'",
        ),
        (lambda: np.take(X, 1, out=np.ones(1)), errors.UnsupportedError, r"numpy\.take: .*'out'"),
        (lambda: np.reshape(X, (2, 2)), errors.ShapeError, r"reshape: .*\(3,\).*cannot reshape array of size 3"),
        (lambda: np.reshape(X, 3, order="A"), errors.ArgumentError, r"reshape: .*'C'.*or 'F'.*got 'A'.*lie in memory"),
        (lambda: np.ravel(X, "K"), errors.ArgumentError, r"ravel: .*'C'.*or 'F'.*got 'K'"),
        (lambda: np.moveaxis(X, 0, 3), errors.ShapeError, r"moveaxis: .*axis 3 is out of bounds"),
        (lambda: np.roll(X, 1, 2), errors.ShapeError, r"roll: .*axis 2 is out of bounds"),
        (lambda: np.concatenate([X, X], axis=1), errors.ShapeError, r"concatenate: .*axis 1 is out of bounds"),
        (lambda: np.concatenate([X, X], casting="no"), errors.UnsupportedError, r"concatenate: the option 'casting'"),
        (lambda: np.stack([X, np.ones(2)]), errors.ShapeError, r"stack: .*\(3,\).*\(2,\)"),
        (lambda: np.stack([X, X], out=np.ones((2, 3))), errors.UnsupportedError, r"stack: the option 'out'"),
        (
            lambda: np.block([X, [X]]),
            errors.ShapeError,
            r"block: expected lists that are nested equally deep.* 0 and 1",
        ),
        (lambda: np.block([[X], []]), errors.ShapeError, r"block: .*an empty list.*\[\[a\], \[b, c\]\]"),
        (
            lambda: np.vsplit(X, 3),
            errors.ShapeError,
            r"vsplit: expected at least 2 axes, got shape \(3,\)\. Use np\.split",
        ),
        (lambda: np.diag(X[0]), errors.ShapeError, r"diag: expected a vector or a matrix, got shape \(\)"),
        (lambda: np.split(X, 2), ValueError, r"array split does not result in an equal division"),
        (lambda: np.insert(WHOLE, 0, 0.5), errors.DtypeError, r"insert: .*whole.*float64 for int64.*astype\(float\)"),
        (lambda: WHOLE.at[0].set(X[0]), errors.DtypeError, r"at: .*float64 for int64.*gradient.*astype\(float\)"),
        (lambda: WHOLE.at[0].divide(2), errors.DtypeError, r"at: .*whole.*float64 for int64"),
        (
            lambda: X.at[:2].set(X),
            errors.ShapeError,
            r"at: .*array of shape \(3,\).*got the index slice.*values of shape \(3,\)",
        ),
        (lambda: X.at[9].set(1.0), errors.ShapeError, r"at: .*got the index 9 .*out of bounds for axis 0 with size 3"),
        (lambda: X.__setitem__(0, 1.0), errors.UnsupportedError, r"no assignment.*t = t\.at\[index\]\.set\(value\)"),
        (lambda: np.full_like(WHOLE, X), errors.DtypeError, r"full_like: .*float64 for int64"),
        (lambda: np.full_like(np.ones(3), X), errors.UnsupportedError, r"np\.broadcast_to\(t, shape\) fills an array"),
        (
            lambda: np.pad(X, -1),
            errors.ArgumentError,
            r"pad: expected whole numbers of at least 0 as pad_width, got -1",
        ),
        (
            lambda: np.pad(X, 1.0),
            errors.ArgumentError,
            r"pad: expected whole numbers of at least 0 as pad_width, got 1",
        ),
        (lambda: np.pad(X, 1, "mirror"), errors.ArgumentError, r"pad: .*constant, empty, edge.*got 'mirror' with none"),
        (lambda: np.pad(X, 1, "edge", end_values=1), errors.ArgumentError, r"pad: .*got 'edge' with end_values"),
        (lambda: np.pad(X, 1, lambda *_: None), errors.ArgumentError, r"pad: .*pads in place has no gradient"),
        (lambda: np.pad(X, 1, constant_values=X[0]), errors.UnsupportedError, r"t\.detach\(\)"),
        (lambda: np.pad(X[:0], 1, "edge"), ValueError, r"can't extend empty axis 0"),
        (lambda: np.linspace(X[0], 1.0, -1), errors.ArgumentError, r"linspace: expected num to be at least 0, got -1"),
        (lambda: np.geomspace(-X[0], 1.0), errors.ArgumentError, r"geomspace: .*same sign and not 0.*np\.linspace"),
        (lambda: np.meshgrid(X, X, indexing="yx"), errors.ArgumentError, r"meshgrid: .*'xy' or 'ij', got 'yx'"),
        (lambda: np.trim_zeros(X, "fx"), errors.ArgumentError, r"trim_zeros: .*'f', 'b' or 'fb', got 'fx'"),
        (lambda: np.repeat(X, X), errors.UnsupportedError, r"without a gradient"),
        (lambda: np.zeros(3, like=X), errors.UnsupportedError, r"numpy\.zeros: .*'like'.*Leave it out"),
    ],
)
def test_errors_say_what_was_expected_what_came_and_what_to_do(call, error, said):
    with pytest.raises(error, match=said):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: np.put(X, [0], [1.0]),
        lambda: np.place(np.ones(3), np.ones(3, bool), X),
        lambda: np.putmask(np.ones(3), np.ones(3, bool), X),
        lambda: np.put_along_axis(np.ones(3), np.array([0, 1, 2]), X, 0),
        lambda: np.copyto(np.ones(3), X),
        lambda: np.fill_diagonal(leaf(np.ones((3, 3))), 0.0),
    ],
)
def test_what_writes_in_place_names_the_update_to_write_instead(call):
    with pytest.raises(errors.UnsupportedError, match=r"in place.*t = t\.at\[index\]\.set\(values\)"):
        call()
