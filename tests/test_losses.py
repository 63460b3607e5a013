"""Losses against closed forms and SciPy: values, gradients of both orders, extremes, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
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
    "hinge": (nn.hinge, normal(2, 3), SIGNS, {"margin": 0.9}, False),
    "cross_entropy, labels": (nn.cross_entropy, normal(4, 3), LABELS, {}, False),
    "cross_entropy, labels, all options": (
        nn.cross_entropy, normal(4, 3), LABELS,
        {"weight": [1.0, 0.5, 3.0], "ignore_index": 0, "label_smoothing": 0.2}, False,
    ),
    "cross_entropy, distributions": (
        nn.cross_entropy, normal(4, 3), distributions(4, 3), {"weight": [1.0, 0.5, 3.0], "label_smoothing": 0.2}, True
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
        if name != "cross_entropy, labels, all options":  # a weighted mean
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


@pytest.mark.parametrize("name", [name for name in nn.losses.__all__ if name != "cross_entropy"])
def test_a_column_against_a_row_is_an_error_and_never_a_broadcast(name):
    loss, ones = getattr(nn, name), np.ones(4)
    with pytest.raises(errors.ShapeError, match=rf"{name}: .*one shape, got \(4, 1\) and \(4,\).*reshape\(4, 1\)"):
        loss(tn.Tensor(ones[:, None], requires_grad=True), ones)
    with pytest.raises(errors.ShapeError, match=r"got \(4,\) and \(4, 1\)"):
        loss(ones, ones[:, None])


def test_the_loss_of_no_samples_is_0(sample):
    loss, prediction, target, options, _ = sample
    shaped = {key: value for key, value in options.items() if np.ndim(value) < 2}
    assert loss(prediction[:0], target[:0], **shaped) == 0


# Closed forms and SciPy


def test_huber_agrees_with_scipy():
    p, t = 3 * normal(50), np.zeros(50)
    for delta in (0.5, 1, 4.0):
        expected = special.huber(delta, p)
        np.testing.assert_allclose(nn.huber(p, t, reduction="none", delta=delta), expected, rtol=1e-13)


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


def test_losses_are_finite_at_the_extremes():
    assert slope(nn.huber, [1e300], [-1e300]) == (2e300, [1])
    value, gradient = slope(nn.binary_cross_entropy_with_logits, [1e3, -1e3], [0.0, 1.0], pos_weight=[1.0, 5.0])
    assert value == pytest.approx(6000)
    np.testing.assert_allclose(gradient, [1, -5])
    assert slope(nn.binary_cross_entropy_with_logits, [1e3, -1e3], [1.0, 0.0], pos_weight=2 * np.ones(2))[0] == 0
    value, gradient = slope(nn.cross_entropy, [[1e3, -1e3]], [1], label_smoothing=0.5, weight=[1.0, 2.0])
    assert value == 0.5 * 2 * 2000 + 0.5 * 2 * 2000 / 2
    assert np.isfinite(gradient).all()


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
        (lambda: nn.cross_entropy(1.0, 0), errors.ShapeError, "an axis of classes, got a single number"),
    ],
)
def test_wrong_arguments_are_told(call, error, said):
    with pytest.raises(error, match=said):
        call()
