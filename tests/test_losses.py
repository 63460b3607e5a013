"""Losses against closed forms and SciPy: values, gradients of both orders, extremes, and what is refused."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from scipy.spatial import distance

import tinygrad_nn as tn
from tinygrad_nn import errors, nn


def generator():
    return np.random.default_rng(0)


def normal(*shape):
    return generator().normal(size=shape)


def distributions(*shape):
    return special.softmax(normal(*shape), axis=-1)


SIGNS = np.array([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]])
LABELS = np.array([2, 0, 1, 2])

SAMPLES = {  # loss, prediction, target, options, and whether the target is differentiated too
    "squared_error": (nn.squared_error, normal(2, 3), SIGNS, {}, True),
    "absolute_error": (nn.absolute_error, normal(2, 3), SIGNS, {}, True),
    "huber": (nn.huber, 3 * normal(2, 3), SIGNS / 4, {"delta": 0.7}, True),
    "cosine_distance": (nn.cosine_distance, normal(2, 3), SIGNS, {}, True),
    "binary_cross_entropy": (nn.binary_cross_entropy, distributions(2, 3), distributions(3, 2).T, {}, True),
    "binary_cross_entropy, weights": (
        nn.binary_cross_entropy, distributions(2, 3), distributions(3, 2).T, {"weight": [1.0, 2.0, 0.0]}, True
    ),
    "binary_cross_entropy_with_logits": (
        nn.binary_cross_entropy_with_logits, normal(2, 3), distributions(3, 2).T, {}, True
    ),
    "binary_cross_entropy_with_logits, weights": (
        nn.binary_cross_entropy_with_logits, normal(2, 3), distributions(3, 2).T,
        {"weight": [[1.0, 2.0, 0.0], [3.0, 1.0, 1.0]], "pos_weight": [1.0, 3.0, 0.5]}, True,
    ),
    "gaussian_nll": (
        nn.gaussian_nll, normal(2, 3), SIGNS, {"variance": [[0.1, 1.0, 2.0], [3.0, 1.0, 0.5]], "full": True}, True
    ),
    "gaussian_nll, one variance an output": (
        nn.gaussian_nll, normal(2, 3), SIGNS, {"variance": [0.1, 1.0, 2.0]}, True
    ),
    "hinge": (nn.hinge, normal(2, 3), SIGNS, {"margin": 0.9}, False),
    "cross_entropy, labels": (nn.cross_entropy, normal(4, 3), LABELS, {}, False),
    "cross_entropy, labels, all options": (
        nn.cross_entropy, normal(4, 3), LABELS,
        {"weight": [1.0, 0.5, 3.0], "ignore_index": 0, "label_smoothing": 0.2}, False,
    ),
    "cross_entropy, distributions": (
        nn.cross_entropy, normal(4, 3), distributions(4, 3), {"weight": [1.0, 0.5, 3.0], "label_smoothing": 0.2}, True
    ),
    "nll, labels": (nn.nll, np.log(distributions(4, 3)), LABELS, {}, False),
    "nll, labels, all options": (
        nn.nll, np.log(distributions(4, 3)), LABELS, {"weight": [1.0, 0.5, 3.0], "ignore_index": 0}, False
    ),
    "nll, distributions": (
        nn.nll, np.log(distributions(4, 3)), distributions(3, 4).T, {"weight": [1.0, 0.5, 3.0]}, True
    ),
    "kl_divergence": (nn.kl_divergence, np.log(distributions(2, 3)), distributions(3, 2).T, {}, True),
    "kl_divergence, log_target": (
        nn.kl_divergence, np.log(distributions(2, 3)), np.log(distributions(3, 2).T), {"log_target": True}, True
    ),
}  # fmt: skip  # one sample, one place


@pytest.fixture(params=SAMPLES)
def sample(request):
    return SAMPLES[request.param]


def test_there_is_a_sample_of_every_loss():
    assert {loss.__name__ for loss, *_ in SAMPLES.values()} == set(nn.losses.__all__)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradients_of_order_1_and_2(sample, reduction):
    loss, prediction, target, options, is_differentiable = sample
    if is_differentiable:
        tn.gradcheck(lambda p, t: loss(p, t, reduction=reduction, **options), [prediction, target], order=2)
    else:
        tn.gradcheck(lambda p: loss(p, target, reduction=reduction, **options), [prediction], order=2)


def test_sum_adds_up_what_none_returns(sample):
    loss, prediction, target, options, _ = sample
    each = loss(prediction, target, reduction="none", **options)
    assert loss(prediction, target, reduction="sum", **options) == pytest.approx(each.sum(), rel=1e-13)


def test_the_mean_is_over_what_none_returns():
    for name, (loss, prediction, target, options, _) in SAMPLES.items():
        if not name.endswith("labels, all options"):  # a weighted mean
            each = loss(prediction, target, reduction="none", **options)
            assert loss(prediction, target, **options) == pytest.approx(each.mean(), rel=1e-13)


def test_single_precision_stays(sample):
    loss, prediction, target, options, _ = sample
    p = tn.Tensor(prediction, requires_grad=True, dtype=np.float32)
    value = loss(p, target.astype(np.float32) if target.dtype.kind == "f" else target, **options)
    value.backward()
    assert (value.dtype, p.grad.dtype) == (np.float32, np.float32)
    assert value.item() == pytest.approx(float(loss(prediction, target, **options)), rel=1e-5)


def test_an_unknown_reduction_is_told(sample):
    loss, prediction, target, options, _ = sample
    said = rf"{loss.__name__}: expected the reduction 'mean', 'sum' or 'none', got 'average'"
    with pytest.raises(errors.ArgumentError, match=said):
        loss(prediction, target, reduction="average", **options)


@pytest.mark.parametrize("name", sorted({*nn.losses.__all__} - {"cross_entropy", "nll"}))
def test_a_column_against_a_row_is_an_error_and_never_a_broadcast(name):
    loss, ones = getattr(nn, name), np.ones(4)
    if name == "gaussian_nll":
        loss = functools.partial(loss, variance=1.0)
    with pytest.raises(errors.ShapeError, match=rf"{name}: .*one shape, got \(4, 1\) and \(4,\).*reshape\(4, 1\)"):
        loss(tn.Tensor(ones[:, None], requires_grad=True), ones)
    with pytest.raises(errors.ShapeError, match=r"got \(4,\) and \(4, 1\)"):
        loss(ones, ones[:, None])


def test_the_loss_of_no_samples_is_0(sample):
    loss, prediction, target, options, _ = sample
    shaped = {key: np.asarray(value)[:0] if np.ndim(value) == 2 else value for key, value in options.items()}
    assert loss(prediction[:0], target[:0], **shaped) == 0


# Closed forms and SciPy


def test_squared_error_takes_lists_and_arrays():
    assert nn.squared_error([1.0, 3.0], [0.0, 1.0]) == 2.5


def test_binary_cross_entropy_agrees_with_scipy():
    z, t = generator().normal(size=50) * 5, generator().random(50)
    expected = -(t * special.log_expit(z) + (1 - t) * special.log_expit(-z))
    np.testing.assert_allclose(nn.binary_cross_entropy_with_logits(z, t, reduction="none"), expected, rtol=1e-12)
    np.testing.assert_allclose(nn.binary_cross_entropy(special.expit(z), t, reduction="none"), expected, rtol=1e-9)


def test_cross_entropy_agrees_with_scipy_for_labels_and_distributions():
    z, labels = generator().normal(size=(5, 4, 3)), generator().integers(0, 3, (5, 4))
    expected = -np.take_along_axis(special.log_softmax(z, axis=-1), labels[..., None], axis=-1)[..., 0]
    np.testing.assert_allclose(nn.cross_entropy(z, labels, reduction="none"), expected, rtol=1e-12)
    np.testing.assert_allclose(nn.cross_entropy(z, np.eye(3)[labels], reduction="none"), expected, rtol=1e-12)
    assert nn.cross_entropy(z, labels) == pytest.approx(expected.mean(), rel=1e-12)


def test_huber_agrees_with_scipy():
    p, t = 3 * normal(50), np.zeros(50)
    for delta in (0.5, 1, 4.0):
        expected = special.huber(delta, p)
        np.testing.assert_allclose(nn.huber(p, t, reduction="none", delta=delta), expected, rtol=1e-13)


@pytest.mark.parametrize("shape", [(5, 3), (3,), ()])
def test_gaussian_nll_agrees_with_scipy(shape):
    p, t, variance = normal(5, 3), normal(3, 5).T, np.exp(3 * normal(*shape))
    expected = -stats.norm.logpdf(t, loc=p, scale=np.sqrt(variance))
    found = nn.gaussian_nll(p, t, variance, reduction="none", full=True)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    short = nn.gaussian_nll(p, t, variance, reduction="none")
    np.testing.assert_allclose(found - short, np.full((5, 3), np.log(2 * np.pi) / 2), rtol=1e-12)


@pytest.mark.parametrize("shape", [(5, 3), (3,), ()])
def test_gaussian_nll_differentiates_the_variance(shape):
    tn.gradcheck(lambda v: nn.gaussian_nll(normal(5, 3), normal(3, 5).T, v), [np.exp(normal(*shape))], order=2)


def test_the_least_gaussian_nll_is_at_mean_and_variance_of_the_data():
    t, mean, log_variance = normal(100), nn.Parameter([0.0]), nn.Parameter([1.0])
    tn.optim.minimize(
        [mean, log_variance],
        lambda: nn.gaussian_nll(np.broadcast_to(mean, t.shape), t, np.broadcast_to(np.exp(log_variance), t.shape)),
        tol=1e-12,
    )
    assert mean.item() == pytest.approx(t.mean(), abs=1e-6)
    assert np.exp(log_variance.item()) == pytest.approx(t.var(), rel=1e-6)


def test_nll_agrees_with_scipy_for_labels_and_distributions():
    p, weight = distributions(4, 3), np.array([1.0, 0.5, 3.0])
    expected = -stats.multinomial.logpmf(np.eye(3)[LABELS], 1, p)
    for target in (LABELS, np.eye(3)[LABELS]):
        np.testing.assert_allclose(nn.nll(np.log(p), target, reduction="none"), expected, rtol=1e-12)
    t = distributions(3, 4).T
    found = nn.nll(np.log(p), t, reduction="none", weight=weight)
    np.testing.assert_allclose(found, -special.xlogy(weight * t, p).sum(axis=-1), rtol=1e-12)


def test_nll_behind_a_log_softmax_is_cross_entropy():
    z, options = normal(4, 3), {"weight": [1.0, 0.5, 3.0], "ignore_index": 2}
    assert nn.nll(nn.log_softmax(z), LABELS, **options) == nn.cross_entropy(z, LABELS, **options)


def test_kl_divergence_agrees_with_scipy():
    p, t = distributions(5, 3), distributions(3, 5).T
    expected = special.rel_entr(t, p).sum(axis=-1)
    np.testing.assert_allclose(nn.kl_divergence(np.log(p), t, reduction="none"), expected, rtol=1e-12)
    logarithms = nn.kl_divergence(np.log(p), np.log(t), reduction="none", log_target=True)
    np.testing.assert_allclose(logarithms, expected, rtol=1e-12)


def test_cosine_distance_agrees_with_scipy():
    p, t = normal(5, 3), normal(3, 5).T
    expected = [distance.cosine(a, b) for a, b in zip(p, t, strict=True)]
    np.testing.assert_allclose(nn.cosine_distance(p, t, reduction="none"), expected, rtol=1e-12)


def test_label_smoothing_is_a_mixture_with_the_even_distribution():
    z = normal(4, 3)
    expected = -(0.8 * np.eye(3)[LABELS] + 0.2 / 3) * special.log_softmax(z, axis=-1)
    for target in (LABELS, np.eye(3)[LABELS]):
        found = nn.cross_entropy(z, target, reduction="none", label_smoothing=0.2)
        np.testing.assert_allclose(found, expected.sum(axis=-1), rtol=1e-13)


def test_class_weights_weight_the_mean_of_labels():
    z, weight = normal(4, 3), np.array([1.0, 0.5, 3.0])
    each = -special.log_softmax(z, axis=-1)[np.arange(4), LABELS]
    found = nn.cross_entropy(z, LABELS, weight=weight)
    assert found == pytest.approx(np.average(each, weights=weight[LABELS]), rel=1e-13)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.sampled_from(["mean", "sum"]), st.floats(0, 1))
def test_ignored_samples_count_as_if_they_were_not_there(labels, reduction, smoothing):
    labels = np.array(labels)
    z = normal(len(labels), 3)
    options = {"reduction": reduction, "label_smoothing": smoothing, "weight": [1.0, 0.5, 3.0]}
    found = nn.cross_entropy(z, np.where(labels == 1, -1, labels), ignore_index=-1, **options)
    expected = nn.cross_entropy(z[labels != 1], labels[labels != 1], **options)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_where_all_samples_are_ignored_the_loss_and_its_gradient_are_0():
    z = tn.Tensor(normal(2, 3), requires_grad=True)
    loss = nn.cross_entropy(z, [-1, -1], ignore_index=-1)
    loss.backward()
    assert loss.item() == 0
    assert not z.grad.any()


# Extremes and kinks


def slope(loss, at, target, **options):
    p = tn.Tensor(at, requires_grad=True)
    value = loss(p, target, reduction="sum", **options)
    value.backward()
    return value.item(), p.grad.tolist()


def test_slopes_at_kinks_are_those_of_the_documentation():
    assert slope(nn.absolute_error, [1.0], [1.0]) == (0, [0])
    assert slope(nn.hinge, [1.0, -1.0], [1.0, -1.0]) == (0, [0, 0])
    assert slope(nn.huber, [2.0, -2.0], [0.0, 0.0], delta=2.0) == (4, [2, -2])
    curvature = tn.hessian(lambda p: nn.huber(p, np.zeros(1), delta=2.0))(np.array([2.0]))
    assert curvature.item() == 1


def test_binary_cross_entropy_is_finite_for_certainties_and_learns_from_mistakes():
    p = tn.Tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    loss = nn.binary_cross_entropy(p, [0.0, 1.0, 1.0, 0.0], reduction="none")
    np.testing.assert_allclose(loss.numpy(), [0, 0, 100, 100], atol=1e-12)
    loss.sum().backward()
    np.testing.assert_allclose(p.grad, [1, -1, -1e12, 1e12])


def test_binary_cross_entropy_is_finite_in_single_precision():
    p = tn.Tensor(np.array([0.0, 1.0], np.float32), requires_grad=True)
    loss = nn.binary_cross_entropy(p, np.array([1.0, 0.0], np.float32))
    loss.backward()
    assert loss.dtype == np.float32
    assert np.isfinite(p.grad).all()


def test_losses_on_logits_are_stable_at_a_thousand():
    z = tn.Tensor([1000.0, -1000.0, 1000.0, -1000.0], requires_grad=True)
    loss = nn.binary_cross_entropy_with_logits(z, [1.0, 0.0, 0.0, 1.0], reduction="none")
    np.testing.assert_allclose(loss.numpy(), [0, 0, 1000, 1000])
    loss.sum().backward()
    np.testing.assert_allclose(z.grad, [0, 0, 1, -1], atol=1e-300)
    logits = tn.Tensor([[1000.0, -1000.0], [1000.0, -1000.0]], requires_grad=True)
    loss = nn.cross_entropy(logits, [0, 1], reduction="none")
    np.testing.assert_allclose(loss.numpy(), [0, 2000])
    loss.sum().backward()
    np.testing.assert_allclose(logits.grad, [[0, 0], [1, -1]], atol=1e-300)


def test_losses_are_finite_at_the_extremes():
    assert slope(nn.huber, [1e300], [-1e300]) == (2e300, [1])
    value, gradient = slope(nn.binary_cross_entropy_with_logits, [1e3, -1e3], [0.0, 1.0], pos_weight=[1.0, 5.0])
    assert value == pytest.approx(6000)
    np.testing.assert_allclose(gradient, [1, -5])
    assert slope(nn.binary_cross_entropy_with_logits, [1e3, -1e3], [1.0, 0.0], pos_weight=2 * np.ones(2))[0] == 0
    value, gradient = slope(nn.cross_entropy, [[1e3, -1e3]], [1], label_smoothing=0.5, weight=[1.0, 2.0])
    assert value == 0.5 * 2 * 2000 + 0.5 * 2 * 2000 / 2
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scale", [1e-6, 1e-2, 1.0, 1e6, 1e18])
def test_gaussian_nll_at_any_scale_is_that_of_the_unit_and_its_logarithm(dtype, scale):
    p, t, v = (np.array(value, dtype) for value in ([2.0 * scale], [-1.0 * scale], [4.0 * scale**2]))
    assert nn.gaussian_nll(p, t, v) == pytest.approx(np.log(2 * scale) + 9 / 8, rel=1e-5)
    assert slope(nn.gaussian_nll, p, t, variance=v)[1][0] * scale == pytest.approx(0.75, rel=1e-5)
    assert slope(lambda v, t, **options: nn.gaussian_nll(p, t, v, **options), v, t)[1][0] * scale**2 == pytest.approx(
        (1 - 9 / 4) / 8, rel=1e-5
    )


def test_tiny_variances_neither_overflow_nor_underflow():
    value, gradient = slope(nn.gaussian_nll, [3e-150], [1e-150], variance=[4e-300])
    assert value == pytest.approx(np.log(2e-150) + 0.5, rel=1e-12)
    np.testing.assert_allclose(gradient, [0.5e150], rtol=1e-12)
    value, _ = slope(nn.gaussian_nll, [3e-170], [1e-170], variance=[1e-308])
    assert value == pytest.approx(np.log(1e-308) / 2, rel=1e-12)


@pytest.mark.parametrize("target", [[0], [[0.7, 0.0, 0.3]]])
def test_a_class_that_a_logit_excludes_costs_nothing_where_it_is_not_expected(target):
    value, gradient = slope(nn.cross_entropy, [[0.0, -np.inf, 1.0]], target)
    np.testing.assert_allclose([value], slope(nn.cross_entropy, [[0.0, -800.0, 1.0]], target)[0], rtol=1e-14)
    np.testing.assert_allclose(gradient, slope(nn.cross_entropy, [[0.0, -800.0, 1.0]], target)[1], rtol=1e-14)


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1.0, 1e30, 1e200])
def test_cosine_distance_does_not_depend_on_lengths(scale):
    value, gradient = slope(nn.cosine_distance, np.array([[3.0, 4.0]]) * scale, np.array([[4.0, 3.0]]) / scale)
    assert value == pytest.approx(1 - 24 / 25, rel=1e-12)
    np.testing.assert_allclose(np.array(gradient) * scale, [[-0.8 * 0.28 / 5, 0.6 * 0.28 / 5]], rtol=1e-12)


def test_a_vector_of_zeros_has_no_direction():
    assert slope(nn.cosine_distance, [[0.0, 0.0]], [[1.0, 2.0]]) == (1, [[0, 0]])
    assert slope(nn.cosine_distance, [[1.0, 2.0]], [[0.0, 0.0]]) == (1, [[0, 0]])
    curvature = tn.hessian(lambda p: nn.cosine_distance(p, [1.0, 2.0]))(np.zeros(2))
    assert not curvature.any()


def test_probabilities_of_0_count_as_0_in_a_divergence():
    with np.errstate(divide="ignore"):
        p, t = np.log([[1.0, 0.0, 0.0]]), np.array([[1.0, 0.0, 0.0]])
        logarithm = np.log(t)
    assert slope(nn.kl_divergence, p, t) == (0, [[-1, 0, 0]])
    assert slope(nn.kl_divergence, p, logarithm, log_target=True) == (0, [[-1, 0, 0]])
    assert slope(lambda t, p, **options: nn.kl_divergence(p, t, log_target=True, **options), logarithm, p)[0] == 0


# What is refused


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: nn.huber([1.0], [1.0], delta=0.0), errors.ArgumentError, "huber: expected 'delta' above 0, got 0.0"),
        (lambda: nn.hinge([1.0], [0]), errors.ArgumentError, "targets of -1 and 1, got 0. Use 2 . target - 1 where"),
        (
            lambda: nn.kl_divergence([[1.0]], [[-1.0]]),
            errors.ArgumentError,
            "at least 0 in 'target', got -1.*log_target",
        ),
        (lambda: nn.kl_divergence(1.0, 1.0), errors.ShapeError, "kl_divergence: expected vectors along the last axis"),
        (lambda: nn.cosine_distance(1.0, 1.0), errors.ShapeError, "cosine_distance: expected vectors"),
        (
            lambda: nn.binary_cross_entropy(np.ones((2, 3)), np.ones((2, 3)), weight=np.ones((2, 1))),
            errors.ShapeError,
            r"expected 'weight' to have the shape .* \(2, 3\) or \(3,\) or \(\), got \(2, 1\).*broadcast_to",
        ),
        (
            lambda: nn.binary_cross_entropy_with_logits(np.ones(2), np.ones(2), pos_weight=np.ones((3, 2))),
            errors.ShapeError,
            r"expected 'pos_weight' to have .* \(2,\) or \(\), got \(3, 2\)",
        ),
        (
            lambda: nn.cross_entropy(np.ones((2, 3)), [0, 1], weight=[1.0, 2.0]),
            errors.ShapeError,
            r"expected 'weight' of shape \(3,\), one number for each class, got \(2,\)",
        ),
        (
            lambda: nn.cross_entropy(np.ones((1, 3)), np.ones((1, 3)), ignore_index=0),
            errors.ArgumentError,
            "expected labels with 'ignore_index', got probabilities",
        ),
        (
            lambda: nn.cross_entropy(np.ones((1, 3)), [0], label_smoothing=1.5),
            errors.ArgumentError,
            "expected 'label_smoothing' from 0 to 1, got 1.5",
        ),
        (lambda: nn.cross_entropy(np.ones((1, 3)), [-1]), errors.ArgumentError, "got -1 to -1.*or pass ignore_index"),
        (lambda: nn.cross_entropy(np.ones((1, 3)), [3], ignore_index=-1), errors.ArgumentError, "got 3 to 3"),
        (
            lambda: nn.nll(np.ones((1, 3)) / 3, [0]),
            errors.ArgumentError,
            "nll: expected logarithms of probabilities, at most 0, .* got 0.333333. Use nn.cross_entropy for logits",
        ),
        (lambda: nn.nll(np.full((1, 2), np.nan), [0]), errors.ArgumentError, "at most 0, in 'prediction', got nan"),
        (lambda: nn.nll(-1.0, 0), errors.ShapeError, "nll: expected 'prediction' to have an axis of classes"),
        (lambda: nn.nll(-np.ones((1, 3)), [3]), errors.ArgumentError, "nll: expected labels from 0 to 2.*got 3 to 3"),
        (lambda: nn.nll(-np.ones((1, 3)), [0.0]), errors.DtypeError, "nll: expected whole numbers as labels"),
        (
            lambda: nn.nll(-np.ones((2, 3)), [[0], [1]]),
            errors.ShapeError,
            r"nll: expected a target of shape \(2,\) \(labels\) or \(2, 3\).*got \(2, 1\) of int64. Use .*reshape\(2\)",
        ),
        (
            lambda: nn.nll(-np.ones((2, 3)), [0, 1], weight=[1.0, 2.0]),
            errors.ShapeError,
            r"nll: expected 'weight' of shape \(3,\), one number for each class, got \(2,\)",
        ),
        (
            lambda: nn.gaussian_nll([1.0, 2.0], [1.0, 2.0], [1.0, 0.0]),
            errors.ArgumentError,
            r"gaussian_nll: expected 'variance' above 0, got 0. Use nn.softplus\(z\) \+ 1e-6 or np.exp\(z\)",
        ),
        (lambda: nn.gaussian_nll([1.0], [1.0], [-2.0]), errors.ArgumentError, "'variance' above 0, got -2. Use"),
        (lambda: nn.gaussian_nll([1.0], [1.0], [np.nan]), errors.ArgumentError, "'variance' above 0, got nan. Use"),
        (
            lambda: nn.gaussian_nll(np.ones((4, 1)), np.ones((4, 1)), np.ones(4)),
            errors.ShapeError,
            r"gaussian_nll: expected 'variance' to have the shape .* \(4, 1\) or \(1,\) or \(\), got \(4,\)",
        ),
        (lambda: nn.cross_entropy(1.0, 0), errors.ShapeError, "to have an axis of classes, got a single number"),
    ],
)
def test_wrong_arguments_are_told(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_binary_cross_entropy_refuses_what_is_no_probability():
    for wrong in (-0.1, 1.1, np.nan):
        with pytest.raises(errors.ArgumentError, match=r"expected probabilities between 0 and 1.*with_logits"):
            nn.binary_cross_entropy([wrong], [1.0])


@pytest.mark.parametrize(
    ("target", "error", "said"),
    [
        (np.zeros((4, 1), int), errors.ShapeError, r"expected a target of shape \(4,\) \(labels\).*got \(4, 1\)"),
        (np.zeros(3, int), errors.ShapeError, r"got \(3,\)"),
        (np.zeros(4), errors.DtypeError, r"expected whole numbers as labels, got float64.*astype\(int\)"),
        (np.array([0, 1, 2, 3]), errors.ArgumentError, r"labels from 0 to 2 for 3 classes, got 0 to 3"),
        (np.array([0, 1, 2, -1]), errors.ArgumentError, r"got -1 to 2"),
    ],
)
def test_cross_entropy_refuses_targets_that_do_not_fit(target, error, said):
    with pytest.raises(error, match=said):
        nn.cross_entropy(tn.Tensor(np.ones((4, 3)), requires_grad=True), target)
