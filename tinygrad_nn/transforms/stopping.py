"""`stop_gradient`: what comes out of it is a constant, for every derivative."""

from __future__ import annotations

from typing import Any

from tinygrad_nn import trees
from tinygrad_nn.tensor import Tensor


def stop_gradient(x: Any) -> Any:
    """Return `x` as a constant: every derivative takes it for a number that depends on nothing.

    Args:
        x: a Tensor, or a list, tuple or dict with Tensors in it; all else is returned as it is.

    >>> import tinygrad_nn as tn
    >>> float(tn.grad(lambda x: x * tn.stop_gradient(x))(3.0))
    3.0

    """
    return trees.rebuild(x, iter([leaf.detach() if isinstance(leaf, Tensor) else leaf for leaf in trees.values(x)]))
