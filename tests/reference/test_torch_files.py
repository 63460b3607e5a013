"""Files that PyTorch has written: the same names and numbers give the same network."""

import numpy as np
import pytest

from tinygrad_nn import nn, persist

pytestmark = pytest.mark.reference


@pytest.fixture
def pairs():
    """Networks of PyTorch, the same ones here, and the shape of their input."""
    import torch

    return [
        (
            torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2, bias=False)),
            nn.Sequential(nn.Dense(3, 5), nn.Tanh(), nn.Dense(5, 2, bias=False)),
            (4, 3),
        ),
        (
            torch.nn.Sequential(
                torch.nn.Conv2d(2, 3, (3, 2), padding=1), torch.nn.BatchNorm2d(3), torch.nn.ReLU(), torch.nn.Flatten(),
                torch.nn.Linear(3 * 6 * 6, 4), torch.nn.LayerNorm(4),
            ),
            nn.Sequential(
                nn.Conv2d(2, 3, (3, 2), padding=1), nn.BatchNorm(3), nn.ReLU(), nn.Flatten(),
                nn.Dense(3 * 6 * 6, 4), nn.LayerNorm(4),
            ),
            (2, 2, 6, 5),
        ),
    ]  # fmt: skip


def test_state_dicts_load_with_the_transposes_done(pairs, tmp_path):
    import torch
    from safetensors.torch import save_file

    for theirs, ours, shape in pairs:
        theirs.double()
        x = np.random.default_rng(0).normal(size=shape)
        theirs(torch.from_numpy(x))  # in training: so that running statistics are none of the first ones
        path = tmp_path / "state.safetensors"
        save_file(theirs.state_dict(), path)
        persist.load_torch(ours, path)
        expected = theirs.eval()(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(ours.eval()(x).numpy(), expected, rtol=1e-12, atol=1e-14)


def test_recurrent_layers_have_the_same_names_and_layout(tmp_path):
    import torch
    from safetensors.torch import save_file

    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    path = tmp_path / "state.safetensors"
    for kind in ("RNN", "GRU", "LSTM"):
        theirs = getattr(torch.nn, kind)(3, 5, num_layers=2, bidirectional=True, batch_first=True).double()
        save_file(theirs.state_dict(), path)
        ours = getattr(nn, kind)(3, 5, num_layers=2, bidirectional=True)
        persist.load_torch(ours, path)
        result = ours(x)
        output = result[0] if isinstance(result, tuple) else result
        np.testing.assert_allclose(output.numpy(), theirs(torch.from_numpy(x))[0].detach().numpy(), rtol=1e-10)
