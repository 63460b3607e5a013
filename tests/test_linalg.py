"""Linear algebra where it is singular, repeated or empty, and what holds for every matrix; einsum in all its forms."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_nn as tn
from tinygrad_nn.errors import ArgumentError, BackwardError, LinearAlgebraError, ShapeError, UnsupportedError

linalg = np.linalg


def gradient(f, *arrays, cotangent=None):
    """Return the gradients of `f`, or of its product with `cotangent`."""
    value, pullback = tn.vjp(f, *arrays)
    found = pullback(np.ones(value.shape) if cotangent is None else cotangent)
    return found[0] if len(arrays) == 1 else found


def hessian(f, x):
    """Return the second derivatives of a function of one array that returns a number."""
    _, pullback = tn.vjp(tn.grad(f), x)
    rows = [pullback(np.eye(x.size)[i].reshape(x.shape))[0].reshape(-1) for i in range(x.size)]
    return np.array(rows)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def symmetric(*shape, seed=0):
    a = random(*shape, seed=seed)
    return a + np.swapaxes(a, -1, -2)


def positive_definite(*shape, seed=0):
    a = random(*shape, seed=seed)
    return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])


def rotated(values, seed=0):
    """Return a symmetric matrix with these eigenvalues."""
    q = linalg.qr(random(len(values), len(values), seed=seed))[0]
    a = q * values @ q.T
    return (a + a.T) / 2


# Einsum: linear in each operand, so that its values for unit arrays are its derivatives, without any error


@st.composite
def contractions(draw):
    """Draw subscripts, with repeated labels, an ellipsis and axes of length 1, and operands that fit."""
    lengths = {label: draw(st.integers(0 if label == "d" else 1, 3)) for label in "abcd"}
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    terms, operands, broadcast = [], [], draw(st.lists(st.integers(1, 2), max_size=2))
    for _ in range(draw(st.integers(1, 3))):
        term = draw(st.text("abcd", max_size=3))
        shape = [1 if term.count(c) == 1 and draw(st.integers(0, 4)) == 0 else lengths[c] for c in term]
        if draw(st.booleans()):
            at = draw(st.integers(0, len(term)))
            axes = broadcast[draw(st.integers(0, len(broadcast))) :]
            term, shape = f"{term[:at]}...{term[at:]}", shape[:at] + axes + shape[at:]
        terms.append(term)
        operands.append(rng.normal(size=shape))
    subscripts = ",".join(terms)
    if draw(st.booleans()):
        known = sorted(set("".join(terms)) - {"."})
        chosen = draw(st.permutations(known))[: draw(st.integers(0, len(known)))]
        subscripts += "->..." + "".join(chosen) if "..." in subscripts else "->" + "".join(chosen)
    return subscripts, operands, draw(st.sampled_from([False, True, "greedy", "optimal"])), rng


def units(x):
    """Yield the unit arrays of the shape of `x`."""
    for i in range(x.size):
        yield np.eye(x.size)[i].reshape(x.shape)


def slopes(f, x):
    """Return the derivatives of a linear function of one array for each element of it."""
    return np.array([f(unit) for unit in units(x)]).reshape(x.shape)


@settings(max_examples=150)
@given(drawn=contractions())
def test_einsum_of_random_subscripts_and_both_its_derivatives(drawn):
    subscripts, operands, optimize, rng = drawn
    value, pullback = tn.vjp(lambda *x: np.einsum(subscripts, *x, optimize=optimize), *operands)
    expected = np.asarray(np.einsum(subscripts, *operands))
    assert value.shape == expected.shape
    np.testing.assert_allclose(value, expected, atol=1e-12)
    u = rng.normal(size=value.shape)

    def weighted(place, x, rest):
        return np.sum(u * np.einsum(subscripts, *rest[:place], x, *rest[place + 1 :]))

    found = pullback(u)
    for place, x in enumerate(operands):
        np.testing.assert_allclose(
            found[place], slopes(lambda unit, at=place: weighted(at, unit, operands), x), atol=1e-12
        )
    if len(operands) > 1:
        # The gradient for the first operand, times w, is the sum with w in the place of that operand.
        w = rng.normal(size=operands[0].shape)

        def first(*rest):
            return tn.vjp(lambda *x: np.einsum(subscripts, *x, optimize=optimize), operands[0], *rest)[1](u)[0]

        second = tn.vjp(first, *operands[1:])[1](w)
        for place, x in enumerate(operands[1:], start=1):
            exact = slopes(lambda unit, at=place: weighted(at, unit, [w, *operands[1:]]), x)
            np.testing.assert_allclose(second[place - 1], exact, atol=1e-12)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("ij", np.eye(2), np.eye(2)), "expected the labels of 2 operands"),
        (("...i->i", np.eye(2)), "expected '...' in the result too"),
        (("i->i", np.eye(2)), "more dimensions than subscripts"),
        (("ii->i", np.ones((1, 3))), "don't match"),
        (("i%->i", np.eye(2)), "invalid subscript"),
    ],
)
def test_einsum_says_what_does_not_fit(args, message):
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        np.einsum(args[0], *map(tn.Tensor, args[1:]))


@pytest.mark.parametrize("label", [-1, 52])
def test_einsum_says_which_numbers_may_be_labels(label):
    with pytest.raises(ArgumentError, match="labels from 0 to 51"):
        np.einsum(tn.Tensor(np.eye(2)), [0, label])


def test_einsum_refuses_options_that_it_does_not_know():
    with pytest.raises(UnsupportedError, match="dtype"):
        np.einsum("ij->i", tn.Tensor(np.eye(2)), dtype=float)


def test_an_optimized_einsum_goes_pair_by_pair():
    a, b, c = random(9, 1), random(1, 9), random(9, 1)
    out = np.einsum("ij,jk,kl->il", *(tn.Tensor(x, requires_grad=True) for x in (a, b, c)), optimize=True)
    assert len(out._node.operands) == 2
    np.testing.assert_allclose(out.numpy(), a @ b @ c, rtol=1e-12)


# Products


def test_multi_dot_takes_the_cheapest_order():
    chain = [tn.Tensor(random(*shape), requires_grad=True) for shape in ((9, 1), (1, 9), (9, 1), (1, 9))]
    out = linalg.multi_dot(chain)
    assert [operand.shape for operand in out._node.operands] == [(9, 1), (1, 9)]


def test_cross_of_plane_vectors_is_quiet():
    a, b, c = random(4, 2), random(4, 2, seed=1), random(4, 3)
    wide_a = np.pad(a, ((0, 0), (0, 1)))
    np.testing.assert_allclose(np.cross(tn.Tensor(a), b).numpy(), a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    np.testing.assert_allclose(np.cross(tn.Tensor(a), c).numpy(), np.cross(wide_a, c))
    np.testing.assert_allclose(np.cross(c, tn.Tensor(a)).numpy(), np.cross(c, wide_a))
    tn.gradcheck(np.cross, [a, b])
    tn.gradcheck(np.cross, [a, c])


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda: np.cross(tn.Tensor(np.ones(4)), np.ones(3)), "2 or 3 components, got 4 and 3"),
        (lambda: linalg.cross(tn.Tensor(np.ones(2)), np.ones(2)), "3 components"),
        (lambda: linalg.outer(tn.Tensor(np.eye(2)), np.ones(2)), "two vectors"),
        (lambda: np.tensordot(tn.Tensor(np.ones((2, 3))), np.ones((3, 2))), "same lengths"),
        (lambda: linalg.multi_dot([tn.Tensor(np.ones(2))]), "at least two"),
        (lambda: np.vecdot(tn.Tensor(np.ones(1)), np.ones(3)), "matmul"),
    ],
)
def test_products_say_what_does_not_fit(f, message):
    with pytest.raises(ShapeError, match=message):
        f()


# What holds for every matrix


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4)])
def test_gradient_of_the_log_determinant_is_the_inverse_transposed(shape):
    a = random(*shape)
    found = gradient(lambda x: linalg.slogdet(x)[1], a)
    np.testing.assert_allclose(found, np.swapaxes(linalg.inv(a), -1, -2), rtol=1e-10)
    np.testing.assert_array_equal(gradient(lambda x: linalg.slogdet(x).sign, a), np.zeros(shape))


def test_gradient_of_an_eigenvalue_is_the_square_of_its_vector():
    a = symmetric(4, 4)
    v = linalg.eigh(a)[1][:, -1]
    for f in (lambda x: linalg.eigvalsh(x)[-1], lambda x: linalg.eigh(x)[0][-1]):
        np.testing.assert_allclose(gradient(f, a), np.outer(v, v), rtol=1e-10, atol=1e-14)


def rebuilt_from_eigenvalues(a, change=np.positive):
    w, v = linalg.eigh(a)
    return v * change(w)[..., None, :] @ v.mT


def rebuilt_from_singular_values(a):
    u, s, vh = linalg.svd(a, full_matrices=False)
    return u * s[..., None, :] @ vh


REBUILT = {
    "eigh": (rebuilt_from_eigenvalues, symmetric),
    "svd": (rebuilt_from_singular_values, random),
    "qr": (lambda a: np.matmul(*linalg.qr(a)), random),
    "cholesky": (lambda a: linalg.cholesky(a) @ linalg.cholesky(a).mT, positive_definite),
    "cholesky upper": (lambda a: linalg.cholesky(a, upper=True).mT @ linalg.cholesky(a, upper=True), positive_definite),
    "inv": (lambda a: linalg.inv(linalg.inv(a)), random),
    "pinv": (lambda a: linalg.pinv(linalg.pinv(a)), random),
    "solve": (lambda a: linalg.solve(linalg.inv(a), np.eye(a.shape[-1])), random),
    "matrix_power": (lambda a: linalg.matrix_power(linalg.matrix_power(a, 3), 2) @ linalg.matrix_power(a, -5), random),
}


@pytest.mark.parametrize(
    ("name", "shape"),
    [(name, shape) for name in REBUILT for shape in ((3, 3), (2, 4, 4))]
    + [(name, shape) for name in ("svd", "qr", "pinv") for shape in ((5, 2), (2, 3, 4))],
)
def test_what_rebuilds_a_matrix_has_the_gradient_of_the_identity(name, shape):
    f, make = REBUILT[name]
    a, u = make(*shape), random(*shape, seed=1)
    expected = u if make is random else (u + np.swapaxes(u, -1, -2)) / 2
    np.testing.assert_allclose(gradient(f, a, cotangent=u), expected, rtol=1e-8, atol=1e-8)


BATCHED = {
    "inv": (linalg.inv, random),
    "solve": (lambda a: linalg.solve(a, np.ones(a.shape[-1])), random),
    "det": (linalg.det, random),
    "slogdet": (lambda a: linalg.slogdet(a)[1], random),
    "pinv": (linalg.pinv, random),
    "cholesky": (linalg.cholesky, positive_definite),
    "qr": (lambda a: linalg.qr(a)[0], random),
    "eigvalsh": (linalg.eigvalsh, symmetric),
    "eigh": (lambda a: linalg.eigh(a)[1], symmetric),
    "svdvals": (linalg.svdvals, random),
    "svd": (lambda a: linalg.svd(a)[2], random),
    "cond": (linalg.cond, random),
    "nuclear norm": (lambda a: linalg.norm(a, "nuc", axis=(-2, -1)), random),
    "matrix_power": (lambda a: linalg.matrix_power(a, 3), random),
    "trace": (linalg.trace, random),
}


@pytest.mark.parametrize("name", BATCHED)
def test_a_stack_is_as_its_matrices_one_by_one(name):
    f, make = BATCHED[name]
    stack = make(2, 3, 3, 3)
    u = random(*f(stack).shape, seed=1)
    whole = gradient(f, stack, cotangent=u)
    for place in np.ndindex(2, 3):
        single = gradient(f, stack[place], cotangent=u[place])
        np.testing.assert_allclose(whole[place], single, rtol=1e-9, atol=1e-12)


# Symmetric matrices


def test_the_gradient_for_a_symmetric_matrix_is_symmetric():
    a = positive_definite(4, 4)
    for f in (linalg.cholesky, linalg.eigvalsh, lambda x: linalg.eigh(x)[1], lambda x: linalg.pinv(x, hermitian=True)):
        found = gradient(f, a, cotangent=random(*f(a).shape, seed=1))
        np.testing.assert_allclose(found, found.T, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("f", [linalg.cholesky, linalg.eigh, linalg.eigvalsh, lambda x: linalg.pinv(x, hermitian=True)])
def test_a_triangle_alone_is_refused_and_the_remedy_works(f):
    a = positive_definite(3, 3)
    lower = np.tril(a)
    with pytest.raises(ArgumentError, match="expected a symmetric matrix"):
        f(tn.Tensor(lower))
    mirrored = np.tril(lower) + np.tril(lower, -1).mT
    np.testing.assert_array_equal(mirrored, a)
    f(tn.Tensor(mirrored))


# Singular matrices


def leibniz(a):
    """Return the determinant as the sum over permutations."""
    if len(a) == 0:
        return 1.0
    minors = [np.delete(a[1:], j, axis=1) for j in range(len(a))]
    return sum((-1) ** j * a[0, j] * leibniz(minor) for j, minor in enumerate(minors))


def second_difference(f, x, i, j):
    """Return the exact mixed derivative of a function that is linear in each element."""
    unit = [np.eye(x.size)[k].reshape(x.shape) for k in (i, j)]
    return sum(s * t * f(x + s * unit[0] + t * unit[1]) for s in (-1, 1) for t in (-1, 1)) / 4


@pytest.mark.parametrize(
    "a",
    [
        np.arange(1.0, 10.0).reshape(3, 3),
        np.array([[1.0, 2.0], [2.0, 4.0]]),
        np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0]),
        np.diag([2.0, 0.0, 3.0]),
        np.diag([2.0, 0.0, 0.0]),
        np.zeros((3, 3)),
        np.zeros((1, 1)),
        np.diag([1.0, 1e-17, 2.0]),
    ],
    ids=["rank n-1, nearly", "rank n-1", "rank n-2", "rank n-1, diagonal", "rank n-2, diagonal", "0", "0, 1x1", "tiny"],
)
def test_determinant_of_a_singular_matrix_has_its_cofactors_for_gradient(a):
    cofactors = [
        [(leibniz(a + e) - leibniz(a - e)) / 2 for e in row] for row in np.eye(a.size).reshape(*a.shape, *a.shape)
    ]
    np.testing.assert_allclose(gradient(linalg.det, a), cofactors, atol=1e-12)
    second = [[second_difference(leibniz, a, i, j) if i != j else 0 for j in range(a.size)] for i in range(a.size)]
    np.testing.assert_allclose(hessian(linalg.det, a), second, atol=1e-12)


@pytest.mark.parametrize(
    ("f", "name"),
    [(linalg.inv, "inv"), (lambda a: linalg.solve(a, np.ones(2)), "solve"), (linalg.cholesky, "cholesky")],
)
def test_a_singular_matrix_is_an_error_of_numpys_kind_that_names_the_operation(f, name):
    with pytest.raises(linalg.LinAlgError, match=rf"linalg\.{name}: expected .* NumPy says") as caught:
        f(tn.Tensor(np.ones((2, 2)) - 2 * np.eye(2) if name == "cholesky" else np.ones((2, 2))))
    assert isinstance(caught.value, LinearAlgebraError)


def test_matrices_of_a_wrong_shape_are_told_as_such():
    for f in (linalg.inv, linalg.cholesky, linalg.eigh, linalg.det):
        with pytest.raises(ShapeError, match="must be square"):
            f(tn.Tensor(np.ones((2, 3))))


def test_log_determinant_of_a_singular_matrix_has_no_gradient():
    with pytest.raises(BackwardError, match=r"use np\.linalg\.det"):
        linalg.slogdet(tn.Tensor(np.ones((2, 2)), requires_grad=True))[1].backward()


def test_pseudo_inverse_of_a_deficient_matrix_has_the_gradient_among_matrices_of_its_rank():
    tn.gradcheck(lambda x, y: linalg.pinv(x @ y, 1e-8), [random(3, 1), random(1, 2, seed=1)])
    tn.gradcheck(lambda x, y, b: linalg.lstsq(x @ y, b, 1e-8)[0], [random(3, 1), random(1, 2), random(3, seed=2)])


def test_least_squares_of_a_deficient_matrix_has_no_residuals():
    a, b = np.ones((3, 2)), random(3)
    found = linalg.lstsq(tn.Tensor(a), b)
    for x, expected in zip(found, linalg.lstsq(a, b), strict=True):
        np.testing.assert_allclose(np.asarray(x), expected, rtol=1e-12, atol=1e-12)
    assert found[2] == 1
    assert found[1].shape == (0,)


def test_condition_number_of_a_singular_matrix_is_infinite():
    assert linalg.cond(tn.Tensor(np.diag([1.0, 0.0]))).item() == math.inf
    with pytest.raises(LinearAlgebraError):
        linalg.cond(tn.Tensor(np.zeros((0, 0))))


# Repeated values


def test_equal_eigenvalues_have_a_gradient_as_long_as_their_vectors_are_not_used():
    for a in (np.eye(3), rotated([2.0, 2.0, 5.0]), np.zeros((2, 2))):
        for f in (linalg.eigvalsh, lambda x: linalg.eigh(x)[0], lambda x: linalg.eigh(x).eigenvalues):
            np.testing.assert_allclose(gradient(lambda x, f=f: (f(x) ** 2).sum(), a), 2 * a, atol=1e-12)
    for f in (linalg.svdvals, lambda x: linalg.svd(x)[1], lambda x: linalg.svd(x).S):
        np.testing.assert_allclose(gradient(lambda x, f=f: (f(x) ** 2).sum(), np.eye(3)), 2 * np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("f", "a", "message"),
    [
        (lambda x: linalg.eigh(x)[1], np.eye(2), r"linalg\.eigh: .* values 0 and 1 are both 1, .*eigvalsh"),
        (lambda x: linalg.eigh(x)[1], rotated([1.0, 4.0, 4.0]), "values 1 and 2 are both 4"),
        (lambda x: linalg.eigh(x)[1], np.stack([np.diag([1.0, 2.0]), np.eye(2)]), r"0 and 1 in the matrix at \[1\]"),
        (lambda x: linalg.svd(x)[0], np.eye(2), r"linalg\.svd: .* values 0 and 1 are both 1, .*svdvals"),
        (lambda x: linalg.svd(x)[2], -np.eye(2), "values 0 and 1 are both 1"),
        (lambda x: linalg.svd(x, full_matrices=False)[0], np.zeros((2, 1)), "one is 0"),
        (lambda x: linalg.svd(x, full_matrices=False)[2], np.zeros((1, 2)), "one is 0"),
        (lambda x: linalg.svd(x, hermitian=True)[0], np.eye(2), r"linalg\.eigh: .* values 0 and 1"),
        (lambda x: linalg.qr(x)[0], np.ones((3, 2)), r"linalg\.qr: .* linearly independent"),
        (lambda x: linalg.qr(x)[1], np.zeros((2, 3)), r"linalg\.qr: .* linearly independent"),
        # The logarithm of a matrix: at the identity its gradient for the vectors is 0, yet they turn.
        (lambda x: rebuilt_from_eigenvalues(x, np.log), np.eye(2), "values 0 and 1 are both 1"),
    ],
)
def test_vectors_that_nothing_determines_have_no_gradient(f, a, message):
    with pytest.raises(BackwardError, match=message) as caught:
        gradient(f, a)
    assert isinstance(caught.value.__cause__, LinearAlgebraError)


def test_second_derivatives_at_equal_eigenvalues_are_refused_rather_than_wrong():
    with pytest.raises(BackwardError, match="values 0 and 1 are both 1"):
        hessian(lambda x: ((linalg.eigvalsh(x) - 1) ** 2).sum(), np.eye(2))


def test_second_derivatives_at_distinct_eigenvalues():
    half = np.array([[1.0, 0.0], [0.0, 2.0]])
    found = hessian(lambda x: (linalg.eigvalsh(x) ** 2).sum(), half)  # the sum of squares of the symmetric part
    np.testing.assert_allclose(found, [[2, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 2]], atol=1e-12)


def test_vectors_of_a_square_matrix_with_one_value_0_are_determined():
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    u = random(2, 2, seed=1)
    np.testing.assert_allclose(gradient(rebuilt_from_singular_values, a, cotangent=u), u, atol=1e-12)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda: linalg.svd(tn.Tensor(np.ones((2, 3)))), "Pass full_matrices=False"),
        (lambda: linalg.qr(tn.Tensor(np.ones((3, 2))), "complete"), r"Use np\.linalg\.qr\(a\)"),
        (lambda: linalg.qr(tn.Tensor(np.ones((2, 2))), "raw"), r"Use np\.linalg\.qr\(a\)"),
        (lambda: linalg.eig(tn.Tensor(np.eye(2))), r"np\.linalg\.eigh"),
        (lambda: linalg.eigvals(tn.Tensor(np.eye(2))), r"np\.linalg\.eigvalsh"),
        (lambda: np.roots(tn.Tensor(np.ones(3))), "may be complex"),
        (lambda: np.poly(tn.Tensor(np.eye(2))), "may be complex"),
    ],
)
def test_what_has_no_gradient_is_refused_with_a_remedy(f, message):
    with pytest.raises(UnsupportedError, match=message):
        f()


# Norms


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", [None, 0, 1, 2, 3, 0.5, -1, -2.5, math.inf, -math.inf])
def test_the_norm_of_a_vector_of_zeros_has_gradient_0_in_both_orders(order, dtype):
    zeros = np.zeros(3, dtype)
    found = gradient(lambda x: linalg.norm(x, order), zeros)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, zeros)
    np.testing.assert_array_equal(hessian(lambda x: linalg.norm(x, order), zeros), np.zeros((3, 3)))
    np.testing.assert_array_equal(gradient(lambda x: linalg.norm(x, order, axis=0), np.zeros((3, 2))), np.zeros((3, 2)))


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf])
def test_the_norm_of_a_matrix_of_zeros_has_gradient_0(order):
    zeros = np.zeros((2, 3))
    np.testing.assert_array_equal(gradient(lambda x: linalg.norm(x, order), zeros), zeros)
    if order not in {"nuc", 2, -2}:
        np.testing.assert_array_equal(hessian(lambda x: linalg.norm(x, order), zeros), np.zeros((6, 6)))


def test_the_square_of_a_norm_has_no_trouble_at_0():
    np.testing.assert_array_equal(gradient(lambda x: linalg.norm(x) ** 2, np.zeros(3)), np.zeros(3))
    assert np.isfinite(hessian(lambda x: linalg.norm(x) ** 2, np.zeros(3))).all()


@pytest.mark.parametrize("order", [3, 1.5, 0.5, -1])
def test_zeros_among_the_elements_have_slope_0(order):
    x = np.array([0.0, 3.0, -4.0])
    with np.errstate(divide="ignore"):  # NumPy warns of 0 ** -1
        np.testing.assert_allclose(linalg.norm(tn.Tensor(x), order).numpy(), linalg.norm(x, order), rtol=1e-14)
    found = gradient(lambda x: linalg.norm(x, order), x)
    expected = linalg.norm(x[1:], order) ** (1 - order) * np.abs(x[1:]) ** (order - 1) * np.sign(x[1:])
    np.testing.assert_allclose(found, [0, *(expected if order > 0 else (0, 0))], rtol=1e-12)
    assert np.isfinite(hessian(lambda x: linalg.norm(x, order), x)).all()


def test_equal_maxima_share_the_gradient_of_a_norm():
    np.testing.assert_allclose(gradient(lambda x: linalg.norm(x, math.inf), np.array([2.0, -2.0])), [0.5, -0.5])
    np.testing.assert_allclose(gradient(lambda x: linalg.norm(x, 2), np.diag([2.0, 2.0])), np.diag([0.5, 0.5]))


def test_the_nuclear_norm_of_a_deficient_matrix_has_the_shortest_subgradient():
    a, b = np.array([1.0, 2.0]), np.array([2.0, -1.0, 2.0])
    expected = np.outer(a / linalg.norm(a), b / linalg.norm(b))
    np.testing.assert_allclose(gradient(lambda x: linalg.norm(x, "nuc"), np.outer(a, b)), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((2, 2), {"ord": 3}, "to be one of None, 'fro'"),
        ((2, 2, 2), {"ord": 2}, "one axis for vectors or two"),
        ((2,), {"ord": "fro"}, "to be a number for vectors"),
    ],
)
def test_norms_say_which_orders_there_are(shape, options, message):
    with pytest.raises(ValueError, match=message):
        linalg.norm(tn.Tensor(np.ones(shape)), **options)


# Polynomials and interpolation


def test_products_of_polynomials_depend_on_coefficients_that_are_0():
    a, b = np.array([0.0, 0.0, 2.0]), np.array([3.0, 1.0])
    found = tn.Tensor(a, requires_grad=True)
    product = np.polymul(found, b)
    np.testing.assert_array_equal(product.numpy(), np.polymul(a, b))
    product.backward([1.0, 10.0])  # 3 a2 + a1, and 10 a2: the coefficients of x and of 1
    np.testing.assert_array_equal(found.grad, [0, 1, 13])


@pytest.mark.parametrize(
    ("u", "v"), [([1.0, -3.0, 2.0], [1.0, -1.0]), ([0.0, 0.0, 2.0, 1.0], [2.0]), ([1.0], [2.0, 1.0])]
)
def test_division_of_polynomials_is_undone_by_multiplication(u, v):
    quotient, rest = np.polydiv(tn.Tensor(u), tn.Tensor(v))
    for found, expected in zip((quotient, rest), np.polydiv(u, v), strict=True):
        np.testing.assert_allclose(np.asarray(found), expected, atol=1e-15)
    np.testing.assert_allclose(np.polyadd(np.polymul(quotient, v), rest).numpy()[-len(u) :], np.trim_zeros(u, "f"))


def test_a_fit_of_too_few_points_warns_as_numpy_does():
    x = tn.Tensor([1.0, 1.0, 2.0])
    with pytest.warns(np.exceptions.RankWarning, match="poorly conditioned"):
        np.polyfit(x, [1.0, 2.0, 3.0], 2)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda p: np.polyder(p, -1), "expected the order 'm' to be 0 or more"),
        (lambda p: np.polyint(p, -1), "expected the order 'm' to be 0 or more"),
        (lambda p: np.polyint(p, 3, k=[1.0, 2.0]), "one for each of 3 integrations, got 2"),
        (lambda p: np.polyfit(p, [1.0], 1), "vectors of one length"),
        (lambda p: np.polyfit(p, [1.0, 2.0, 3.0], 2, cov=True), "more than 3 points"),
        (lambda p: np.vander(p[:, None]), "expected a vector"),
        (lambda p: np.interp(p, [0.0, 1.0], [0.0, 1.0, 2.0]), "of one length"),
        (lambda p: np.interp(p, [0.0, 1.0], [0.0, 1.0], period=0), "a period that is not 0"),
    ],
)
def test_polynomials_say_what_does_not_fit(f, message):
    with pytest.raises(ValueError, match=message):
        f(tn.Tensor([1.0, 2.0, 4.0]))


def test_interpolation_has_the_slope_to_the_right_and_none_outside():
    xp, fp = np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 3.0])
    x = np.array([-1.0, 0.0, 1.0, 3.0, 4.0])
    np.testing.assert_array_equal(np.interp(tn.Tensor(x), xp, fp).numpy(), np.interp(x, xp, fp))
    np.testing.assert_array_equal(gradient(lambda x: np.interp(x, xp, fp), x), [0, 2, 0.5, 0.5, 0])
    by_xp, by_fp = gradient(lambda xp, fp: np.interp(0.5, xp, fp), xp, fp)
    np.testing.assert_array_equal(by_fp, [0.5, 0.5, 0])
    np.testing.assert_array_equal(by_xp, [-1, -1, 0])  # slope 2, half of which each end has


def test_interpolation_at_a_jump_is_finite():
    xp, fp = np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.0, 5.0, 6.0])
    x = np.array([0.5, 1.0, 1.5])
    np.testing.assert_array_equal(np.interp(tn.Tensor(x), xp, fp).numpy(), np.interp(x, xp, fp))
    np.testing.assert_array_equal(gradient(lambda x: np.interp(x, xp, fp), x), [1, 1, 1])
