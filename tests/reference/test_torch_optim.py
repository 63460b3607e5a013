"""Every optimizer against PyTorch: ten steps, two parameter groups, all options; and schedules and clipping."""

import math

import numpy as np
import pytest
import torch

from tinygrad_nn import nn, optim

pytestmark = pytest.mark.reference

THEIRS = {"RMSProp": "RMSprop"}

OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-2, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "betas": (0.3, 0.5), "amsgrad": True}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "betas": (0.7, 0.9), "weight_decay": 0.3, "amsgrad": True}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-2, "weight_decay": 0.1, "momentum_decay": 0.3}),
    ("RAdam", {}),
    ("RAdam", {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-2, "weight_decay": 0.1}),
    ("RMSProp", {}),
    ("RMSProp", {"lr": 0.1, "alpha": 0.7, "eps": 1e-2, "weight_decay": 0.1, "momentum": 0.9}),
    ("RMSProp", {"lr": 0.1, "alpha": 0.7, "eps": 1e-2, "momentum": 0.5, "centered": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-2}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.7, "rho": 0.6, "eps": 1e-2, "weight_decay": 0.1}),
]

NOT_IN_TORCH = {"LAMB", "Lion"}

ROUGH = {"NAdam": 1e-7}  # keeps its product of momenta in single precision


def gradients(step):
    """Return gradients for three parameters; the last one has none at first, and so makes fewer steps."""
    rng = np.random.default_rng(step)
    found = [rng.normal(size=(3, 4)), rng.normal(size=5), rng.normal(size=2)]
    return found if step > 2 else [*found[:2], None]


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_ten_steps_with_two_groups_are_those_of_torch(name, options, dtype):
    start = [np.full(shape, 0.5, dtype) for shape in ((3, 4), (5,), (2,))]
    ours = [nn.Parameter(array) for array in start]
    theirs = [torch.from_numpy(array.copy()).requires_grad_() for array in start]
    differing = {"lr": 0.03, "weight_decay": 0.2}
    make = getattr(torch.optim, THEIRS.get(name, name))
    here = getattr(optim, name)([{"params": ours[:1]}, {"params": ours[1:], **differing}], **options)
    there = make([{"params": theirs[:1]}, {"params": theirs[1:], **differing}], **options)
    for step in range(10):
        for a, b, gradient in zip(ours, theirs, gradients(step), strict=True):
            if gradient is not None:
                a.grad = gradient
                b.grad = torch.from_numpy(gradient.astype(dtype))
        here.step()
        there.step()
        for a, b in zip(ours, theirs, strict=True):
            rtol = ROUGH.get(name, 1e-12) if dtype is np.float64 else 2e-5
            np.testing.assert_allclose(a.data, b.detach().numpy(), rtol, atol=rtol / 10, err_msg=f"step {step}")
            assert a.dtype == dtype


def test_every_optimizer_is_compared():
    ours = {
        name
        for name, kind in vars(optim).items()
        if isinstance(kind, type) and issubclass(kind, optim.Optimizer) and kind is not optim.Optimizer
    }
    assert ours == {name for name, _ in OPTIMIZERS} | NOT_IN_TORCH


def test_nadam_stays_with_torch_when_its_products_no_longer_change():
    a, b = nn.Parameter(np.ones(1)), torch.ones(1, dtype=torch.float64, requires_grad=True)
    here, there = optim.NAdam([a], betas=(0.5, 0.9)), torch.optim.NAdam([b], betas=(0.5, 0.9))
    for step in range(300):
        a.grad = np.array([math.cos(step)])
        b.grad = torch.from_numpy(a.grad.copy())
        here.step()
        there.step()
    np.testing.assert_allclose(a.data, b.detach().numpy(), ROUGH["NAdam"])


@pytest.mark.parametrize("size", [0.5, 2.0, 100.0])
def test_clipping_is_that_of_torch(size):
    for ours, theirs in (
        (optim.clip_by_value, torch.nn.utils.clip_grad_value_),
        (optim.clip_by_norm, torch.nn.utils.clip_grad_norm_),
    ):
        a = [nn.Parameter(np.zeros(3)), nn.Parameter(np.zeros((2, 2)))]
        b = [torch.zeros(p.shape, dtype=torch.float64, requires_grad=True) for p in a]
        for p, q in zip(a, b, strict=True):
            p.grad = np.random.default_rng(p.size).normal(size=p.shape)
            q.grad = torch.from_numpy(p.grad.copy())
        found, expected = ours(a, size), theirs(b, size)
        assert (found is None and expected is None) or found == pytest.approx(expected.item(), rel=1e-14)
        for p, q in zip(a, b, strict=True):
            np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=3e-6)


SCHEDULERS = torch.optim.lr_scheduler

SCHEDULES = [
    (optim.step_decay(3, gamma=0.5), lambda o: SCHEDULERS.StepLR(o, 3, gamma=0.5)),
    (optim.exponential_decay(0.9), lambda o: SCHEDULERS.ExponentialLR(o, 0.9)),
    (optim.cosine_annealing(20, floor=0.1), lambda o: SCHEDULERS.CosineAnnealingLR(o, 20, eta_min=0.05)),
    (optim.linear_warmup(7), lambda o: SCHEDULERS.LinearLR(o, total_iters=7)),
    (optim.linear_warmup(7, start=0.2), lambda o: SCHEDULERS.LinearLR(o, start_factor=0.2, total_iters=7)),
    (optim.one_cycle(21), lambda o: SCHEDULERS.OneCycleLR(o, 0.5, 21, cycle_momentum=False)),
    (
        optim.one_cycle(21, 0.5, 10, 100),
        lambda o: SCHEDULERS.OneCycleLR(
            o, 0.5, 21, pct_start=0.5, div_factor=10, final_div_factor=100, cycle_momentum=False
        ),
    ),
    (
        optim.sequence(optim.linear_warmup(5, start=0.2), 5, optim.exponential_decay(0.9)),
        lambda o: SCHEDULERS.SequentialLR(
            o, [SCHEDULERS.LinearLR(o, 0.2, total_iters=5), SCHEDULERS.ExponentialLR(o, 0.9)], [5]
        ),
    ),
]


@pytest.mark.parametrize(("factor", "make"), SCHEDULES)
@pytest.mark.filterwarnings("ignore:The epoch parameter in `scheduler.step:UserWarning")  # of SequentialLR itself
def test_learning_rates_are_those_of_torch(factor, make):
    here = optim.SGD([nn.Parameter(np.ones(1))], lr=0.5)
    there = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.5)
    ours, theirs = optim.Schedule(here, factor), make(there)
    for _ in range(20):
        assert here.lr == pytest.approx(there.param_groups[0]["lr"], rel=1e-12)
        there.step()
        ours.step()
        theirs.step()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"patience": 1, "cooldown": 2, "factor": 0.5},
        {"patience": 0, "mode": "max", "threshold": 0.2, "min_lr": 1e-3},
        {"patience": 2, "threshold": 0.3, "threshold_mode": "abs"},
    ],
)
def test_plateaus_are_those_of_torch(options):
    here = optim.SGD([nn.Parameter(np.ones(1))], lr=0.5)
    there = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.5)
    ours, theirs = optim.ReduceOnPlateau(here, **options), SCHEDULERS.ReduceLROnPlateau(there, **options)
    for value in np.random.default_rng(0).random(60):
        ours.step(value)
        theirs.step(value)
        assert here.lr == pytest.approx(there.param_groups[0]["lr"], rel=1e-12)
    assert here.lr < 0.5
