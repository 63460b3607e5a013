"""Every loss with all its options against PyTorch: values, gradients and second derivatives."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.reference.comparing import compare
from tests.reference.test_torch import engines
from tests.samples.making import case
from tinygrad_nn import nn

pytestmark = pytest.mark.reference


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


def probabilities(*shape):
    return 1 / (1 + np.exp(-normal(*shape)))


def distributions(*shape):
    exponentials = np.exp(normal(*shape))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


LABELS = np.array([2, 0, 3, 2])
SIGNS = np.array([[1, -1, 1], [-1, 1, 1]])  # whole numbers: constants, for PyTorch differentiates by no other target
CLASS_WEIGHTS = np.array([1.0, 0.5, 3.0, 2.0])


def with_weights(function, **weights):
    """Return PyTorch's function with weights, which are constants."""
    tensors = {name: torch.from_numpy(np.asarray(weight)) for name, weight in weights.items()}
    return lambda *operands, **options: function(*operands, **options, **tensors)


def with_classes_second(function):
    """Return PyTorch's function for classes on the last axis."""
    return lambda z, labels, **options: function(z.movedim(-1, 1), labels, **options)


def per_vector(function):
    """Return a loss that PyTorch leaves one by one, with the reductions of ours: over the last axis, and then."""

    def reduced(p, t, reduction, **options):
        each = function(p, t, reduction="none", **options).sum(dim=-1)
        return each if reduction == "none" else getattr(each, reduction)()

    return reduced


def hinge_there(s, t, reduction, margin=1.0):
    return functional.margin_ranking_loss(s, torch.zeros_like(s), t, margin, reduction=reduction)


def cosine_there(p, t, reduction):
    return per_vector(lambda p, t, reduction: 1 - functional.cosine_similarity(p, t, dim=-1)[..., None])(
        p, t, reduction=reduction
    )


EACH = {"weight": normal(2, 3) ** 2}
VARIANCE = {"var": 0.1 + normal(2, 3) ** 2}
BOTH = EACH | {"pos_weight": normal(3) ** 2}

LOSSES = {
    "squared_error": (nn.squared_error, functional.mse_loss, normal(2, 3), normal(3, 2).T, {}),
    "absolute_error": (nn.absolute_error, functional.l1_loss, normal(2, 3), normal(3, 2).T, {}),
    "huber": (nn.huber, functional.huber_loss, normal(2, 3), normal(3, 2).T, {}),
    "huber, delta": (nn.huber, functional.huber_loss, normal(2, 3), normal(3, 2).T, {"delta": 0.3}),
    "cosine_distance": (nn.cosine_distance, cosine_there, normal(2, 3), normal(3, 2).T, {}),
    "binary_cross_entropy": (
        nn.binary_cross_entropy, functional.binary_cross_entropy, probabilities(2, 3), probabilities(3, 2).T, {}
    ),
    "binary_cross_entropy, weight": (
        lambda p, t, **options: nn.binary_cross_entropy(p, t, **options, **EACH),
        with_weights(functional.binary_cross_entropy, **EACH),
        probabilities(2, 3), probabilities(3, 2).T, {},
    ),
    "binary_cross_entropy_with_logits": (
        nn.binary_cross_entropy_with_logits, functional.binary_cross_entropy_with_logits,
        normal(2, 3), probabilities(3, 2).T, {},
    ),
    "binary_cross_entropy_with_logits, weights": (
        lambda z, t, **options: nn.binary_cross_entropy_with_logits(z, t, **options, **BOTH),
        with_weights(functional.binary_cross_entropy_with_logits, **BOTH),
        normal(2, 3), probabilities(3, 2).T, {},
    ),
    "gaussian_nll": (
        lambda p, t, **options: nn.gaussian_nll(p, t, VARIANCE["var"], **options),
        with_weights(functional.gaussian_nll_loss, **VARIANCE), normal(2, 3), normal(3, 2).T, {},
    ),
    "gaussian_nll, variance": (
        lambda v, t, **options: nn.gaussian_nll(normal(3, 2).T, t, v, **options),
        lambda v, t, **options: functional.gaussian_nll_loss(
            torch.from_numpy(normal(3, 2).T), t, v, **options
        ),
        VARIANCE["var"], normal(2, 3), {"full": True},
    ),
    "hinge": (nn.hinge, hinge_there, normal(2, 3), SIGNS, {}),
    "hinge, margin": (nn.hinge, hinge_there, normal(2, 3), SIGNS, {"margin": 0.3}),
    "nll": (nn.nll, functional.nll_loss, np.log(distributions(4, 4)), LABELS, {}),
    "nll, weight and ignored": (
        lambda z, t, **options: nn.nll(z, t, weight=CLASS_WEIGHTS, **options),
        with_weights(functional.nll_loss, weight=CLASS_WEIGHTS),
        np.log(distributions(4, 4)), LABELS, {"ignore_index": 0},
    ),
    "nll, more axes": (
        nn.nll, with_classes_second(functional.nll_loss), np.log(distributions(2, 2, 4)), LABELS.reshape(2, 2), {}
    ),
    "kl_divergence": (
        nn.kl_divergence, per_vector(functional.kl_div), np.log(distributions(2, 3)), distributions(3, 2).T, {}
    ),
    "kl_divergence, log_target": (
        nn.kl_divergence, per_vector(functional.kl_div), np.log(distributions(2, 3)), normal(3, 2).T,
        {"log_target": True},
    ),
    "cross_entropy, more axes": (
        nn.cross_entropy, with_classes_second(functional.cross_entropy), normal(2, 2, 4), LABELS.reshape(2, 2), {}
    ),
} | {
    f"cross_entropy, {kind}, {smoothing=}, {ignored=}, {is_weighted=}": (
        lambda z, t, is_weighted=is_weighted, **options: nn.cross_entropy(
            z, t, weight=CLASS_WEIGHTS if is_weighted else None, **options
        ),
        with_weights(functional.cross_entropy, **({"weight": CLASS_WEIGHTS} if is_weighted else {})),
        normal(4, 4), target, {"label_smoothing": smoothing} | ({} if ignored is None else {"ignore_index": ignored}),
    )
    for kind, target in (("labels", LABELS), ("distributions", distributions(4, 4)))
    for smoothing in (0.0, 0.3)
    for ignored in (None, 2, -5)
    for is_weighted in (False, True)
    if kind == "labels" or ignored is None
}  # fmt: skip  # one loss, one place


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_derivatives_are_those_of_torch(name, reduction):
    ours, theirs, prediction, target, options = LOSSES[name]
    sample = case(prediction, target, reduction=reduction, **options)
    compared, _, stops = compare([sample], *engines(ours, theirs))
    assert compared == [1, 1, 1], stops


def test_every_loss_is_compared():
    assert {name.partition(",")[0] for name in LOSSES} == set(nn.losses.__all__)


def test_certainties_cost_what_they_cost_in_torch():
    p, t = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
    theirs = torch.from_numpy(p.copy()).requires_grad_()
    functional.binary_cross_entropy(theirs, torch.from_numpy(t), reduction="sum").backward()
    ours = nn.Parameter(p)
    loss = nn.binary_cross_entropy(ours, t, reduction="sum")
    loss.backward()
    assert loss.item() == 200
    # Where a certainty is right, the slope there is 0, and here the limit of 1 or -1.
    np.testing.assert_allclose(ours.grad[2:], theirs.grad.numpy()[2:])
