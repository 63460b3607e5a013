"""Broadcasting, products and indexing, for whatever shapes, layouts and dtypes hypothesis thinks of.

The references know nothing of the engine: they broadcast first and then sum one element at a time, multiply by einsum,
and add at indices by `numpy.add.at`.
"""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_nn as tn
from tinygrad_nn.primitive import PRIMITIVES

BINARY = [
    twin
    for name, primitive in PRIMITIVES.items()
    for twin in primitive.twins
    if "." not in name and isinstance(twin, np.ufunc) and twin.signature is None and "dd->d" in twin.types
]


def spread(values):
    """Put other numbers between the values."""
    out = np.full([2 * n for n in values.shape], 9.0, values.dtype)
    out[(slice(None, None, 2),) * values.ndim] = values
    return out


# How an operand lies in memory: the view of another array that it is, and how to make that array.
VIEWS = {
    "whole": (lambda a: a, lambda a: a),
    "transposed": (lambda a: a.T, lambda a: a.T.copy()),
    "reversed": (lambda a: a[(slice(None, None, -1),) * a.ndim], lambda a: a[(slice(None, None, -1),) * a.ndim].copy()),
    "strided": (lambda a: a[(slice(None, None, 2),) * a.ndim], spread),
}


@st.composite
def operands(draw, shapes):
    """Draw for each shape an array of either precision, and how to see it in a larger one."""
    dtype = st.sampled_from([np.float64, np.float32])
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = [np.asarray(rng.uniform(0.5, 2.0, shape)).astype(draw(dtype)) for shape in draw(shapes)]
    return values, [VIEWS[draw(st.sampled_from(sorted(VIEWS)))] for _ in values], rng


def close(found, expected, *operands):
    """Compare with a reference; the first of `operands` has the dtype expected, the coarsest tells the tolerance."""
    assert found.dtype == operands[0].dtype
    assert found.shape == expected.shape
    tolerance = 1e-12 if all(x.dtype == np.float64 for x in operands) else 5e-5
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def summed(gradient, shape):
    """Sum a gradient over broadcast axes, one element at a time."""
    out = np.zeros(shape, np.float64)
    extra = gradient.ndim - len(shape)
    for place in np.ndindex(gradient.shape):
        out[tuple(0 if n == 1 else i for i, n in zip(place[extra:], shape, strict=True))] += gradient[place]
    return out


def through_both_orders(f, values, views, rng):
    """Return the value of `f`, its gradients, and the gradients of these, with the cotangents that they are for.

    The operands are cut out of other arrays. Their gradients are cut out likewise, and have to be 0 everywhere else.
    """
    stored = [store(x) for x, (_, store) in zip(values, views, strict=True)]

    def viewed(*tensors):
        return f(*(view(t) for t, (view, _) in zip(tensors, views, strict=True)))

    def cut(gradients):
        results = [view(g) for g, (view, _) in zip(gradients, views, strict=False)]
        for whole, part in zip(gradients, results, strict=False):
            assert np.count_nonzero(whole) == np.count_nonzero(part)
        return [*results, *gradients[len(views) :]]

    def random_like(x):
        return np.asarray(rng.uniform(0.5, 2.0, x.shape)).astype(x.dtype)

    value, pullback = tn.vjp(viewed, *stored)
    u = random_like(value)
    first = pullback(u)
    ws = [random_like(x) for x in values]
    _, second = tn.vjp(lambda *args: tn.vjp(viewed, *args[:-1])[1](args[-1]), *stored, u)
    spreads = tuple(
        np.where(spread_mask(store, x), store(w), 0) for w, x, (_, store) in zip(ws, values, views, strict=True)
    )
    return value, cut(first), cut(second(spreads)), u, ws


def spread_mask(store, x):
    """Return where in the stored array the values of the operand lie."""
    return store(np.ones_like(x)) == 1


@pytest.mark.parametrize("f", BINARY, ids=lambda f: f.__name__)
@settings(max_examples=40)
@given(
    drawn=operands(
        arrays.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_dims=3, max_side=3).map(
            lambda s: s.input_shapes
        )
    )
)
def test_broadcasting_of_binary_primitives(f, drawn):
    (a, b), views, rng = drawn
    value, first, second, u, (wa, wb) = through_both_orders(f, [a, b], views, rng)
    shape = np.broadcast_shapes(a.shape, b.shape)
    full = [np.broadcast_to(x, shape).astype(np.float64) for x in (a, b, wa, wb, u)]
    close(value, np.asarray(f(a, b)), f(a, b), a, b)
    _, pullback = tn.vjp(f, *full[:2])
    for found, expected, x in zip(first, pullback(full[4]), (a, b), strict=True):
        close(found, summed(expected, x.shape), x, a, b)
    _, second_pullback = tn.vjp(lambda x, y, u: tn.vjp(f, x, y)[1](u), *full[:2], full[4])
    for found, expected, x in zip(second, second_pullback(tuple(full[2:4])), (a, b, u), strict=True):
        close(found, summed(expected, x.shape), x, a, b)


@settings(max_examples=60)
@given(
    drawn=operands(
        arrays.mutually_broadcastable_shapes(num_shapes=3, min_side=0, max_dims=3, max_side=3).map(
            lambda s: s.input_shapes
        )
    )
)
def test_broadcasting_of_where(drawn):
    (a, b, c), views, rng = drawn
    condition = c > 1
    value, first, second, u, (wa, wb) = through_both_orders(
        lambda x, y: np.where(condition, x, y), [a, b], views[:2], rng
    )
    close(value, np.where(condition, a, b), u, a, b)
    close(first[0], summed(np.where(condition, u, 0), a.shape), a, b)
    close(first[1], summed(np.where(condition, 0, u), b.shape), b, a)
    close(second[0], np.zeros(a.shape), a)
    close(second[1], np.zeros(b.shape), b)
    close(second[2], np.where(condition, wa, wb), u, a, b)


def product(a, b):
    """Multiply as matmul does, by einsum."""
    rows, columns = "n" * (a.ndim > 1), "m" * (b.ndim > 1)
    return np.einsum(f"...{rows}k,...k{columns}->...{rows}{columns}" if a.ndim > 1 or b.ndim > 1 else "k,k->", a, b)


def gradients_of_product(a, b, u):
    """Return the gradients of `product` for its operands, not yet summed over broadcast stacks."""
    rows, columns = "n" * (a.ndim > 1), "m" * (b.ndim > 1)
    by_a = np.einsum(f"...{rows}{columns},...k{columns}->...{rows}k", u, b)
    by_b = np.einsum(f"...{rows}{columns},...{rows}k->...k{columns}", u, a)
    return summed(by_a, a.shape), summed(by_b, b.shape)


@settings(max_examples=150)
@given(
    drawn=operands(
        arrays.mutually_broadcastable_shapes(signature=np.matmul.signature, min_side=0, max_dims=2, max_side=3).map(
            lambda s: s.input_shapes
        )
    )
)
def test_matmul_in_all_of_numpys_shapes(drawn):
    (a, b), views, rng = drawn
    value, first, second, u, (wa, wb) = through_both_orders(np.matmul, [a, b], views, rng)
    close(value, np.asarray(a @ b), u, a, b)
    for found, expected, x in zip(first, gradients_of_product(a, b, u), (a, b), strict=True):
        close(found, expected, x, a, b)
    # The gradients are linear in u and in the other operand, so theirs are the same formulas of what weights them.
    by_a, _ = gradients_of_product(a, wb, u)
    _, by_b = gradients_of_product(wa, b, u)
    for found, expected, x in zip(second, (by_a, by_b, product(wa, b) + product(a, wb)), (a, b, u), strict=True):
        close(found, np.asarray(expected), x, a, b)


@st.composite
def indexing(draw):
    """Draw an array, a view of it, and an index: basic, fancy with repeats, a mask, or a mixture."""
    values, views, rng = draw(
        operands(arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3).map(lambda s: [s]))
    )
    shape = values[0].shape
    kinds = [arrays.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True), arrays.arrays(bool, shape)]
    if shape and min(shape) > 0:
        kinds.append(arrays.integer_array_indices(shape, dtype=np.int64))
        fancy = arrays.integer_array_indices(shape[:1], dtype=np.int64)
        kinds.append(fancy.map(lambda index: (*index, Ellipsis)))
        kinds.append(fancy.map(lambda index: (index[0].tolist(),)))
        kinds.append(
            st.tuples(fancy, arrays.basic_indices(shape[1:])).map(
                lambda p: (*p[0], *(p[1] if isinstance(p[1], tuple) else (p[1],)))
            )
        )
    return values, views, rng, draw(st.one_of(kinds))


@settings(max_examples=200)
@given(drawn=indexing())
def test_indexing_adds_up_where_an_element_is_named_twice(drawn):
    (a,), views, rng, index = drawn
    value, (by_a,), (second, by_u), u, (w,) = through_both_orders(lambda x: x[index], [a], views, rng)
    expected = np.zeros(a.shape, np.float64)
    np.add.at(expected, index, u)
    close(value, np.asarray(a[index]), a)
    close(by_a, expected, a)
    close(second, np.zeros(a.shape), a)
    close(by_u, np.asarray(w[index]), a)


@pytest.mark.parametrize("shapes", [((2, 1), (3,)), ((), (2, 2)), ((1, 2), (2, 1))])
def test_second_order_of_broadcast_products_agrees_with_finite_differences(shapes):
    rng = np.random.default_rng(0)
    tn.gradcheck(lambda x, y: np.exp(x * y) / (1 + y), [rng.uniform(0.5, 1, shape) for shape in shapes], order=2)


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3, 1)), ((2, 1, 1, 3), (2, 3, 2))])
def test_second_order_of_products_agrees_with_finite_differences(shapes):
    rng = np.random.default_rng(0)
    tn.gradcheck(lambda x, y: np.tanh(x @ y), [rng.normal(size=shape) for shape in shapes], order=2)
