"""`Embedding`: a table that is learned, with a vector for each word, character or category."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.conversion import get_default_dtype
from tinygrad_nn.errors import ArgumentError, DtypeError, OutOfRangeError
from tinygrad_nn.nn import init as initializers
from tinygrad_nn.nn.module import Module, Parameter
from tinygrad_nn.tensor import Operand, raw


class Embedding(Module):
    """Look up the vectors of whole numbers: ``y[..., :] = W[x[...]]``.

    Args:
        num_embeddings: the number V of vectors; the input is from 0 to V - 1.
        embedding_dim: the length d of a vector.
        padding_idx: a number that stands for nothing, as what fills up short sequences: its vector starts as zeros and
            gets no gradient; None for none.
        init: how ``W`` starts: the name of a function in `nn.init`, a function ``(shape, rng) -> array``, or None for
            the standard normal distribution.
        rng: where the chance comes from; a freshly seeded generator when None.

    Attributes:
        weight: ``W``, of shape (V, d). Each of its rows gets the sum of the gradients at the places that show it.

    Raises:
        ArgumentError: a size below 1, a padding_idx without a vector, or an unknown init.
        DtypeError: on a call with other than whole numbers.
        OutOfRangeError: on a call with a number without a vector. (NumPy would count negative ones from the end.)

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> layer = nn.Embedding(10, 3, rng=np.random.default_rng(0))
    >>> layer([[1, 2], [1, 0]]).shape
    (2, 2, 3)
    >>> nn.Embedding(10, 3, padding_idx=0)([0]).tolist()
    [[0.0, 0.0, 0.0]]

    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        init: str | initializers.Initializer | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Draw the vectors."""
        if min(num_embeddings, embedding_dim) < 1:
            message = f"Embedding: expected sizes of at least 1, got {num_embeddings} vectors of length {embedding_dim}"
            raise ArgumentError(message)
        if padding_idx is not None and not 0 <= padding_idx < num_embeddings:
            message = f"Embedding: expected a padding_idx from 0 to {num_embeddings - 1} (or None), got {padding_idx}"
            raise ArgumentError(message)
        shape, rng = (num_embeddings, embedding_dim), rng or np.random.default_rng()
        weight = rng.normal(size=shape) if init is None else initializers.resolve(init, None)(shape, rng)
        if padding_idx is not None:
            weight[padding_idx] = 0
        self.weight, self.padding_idx = Parameter(weight.astype(get_default_dtype(), copy=False)), padding_idx

    def forward(self, x: Operand) -> Any:
        """Return the vectors."""
        numbers, count = np.asarray(raw(x)), self.weight.shape[0]
        if numbers.dtype.kind not in "iu":
            message = f"Embedding: expected whole numbers, got {numbers.dtype}. Convert them with x.astype(int)"
            raise DtypeError(message)
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < count:
            message = (
                f"Embedding: expected numbers from 0 to {count - 1}, for {count} vectors, got {numbers.min()} to "
                f"{numbers.max()}. Number what is to be looked up from 0, or make num_embeddings larger"
            )
            raise OutOfRangeError(message)
        out = self.weight[numbers]
        if self.padding_idx is None:
            return out
        # A constant in its places, and no product with a mask: a vector that was loaded for it is to be seen.
        return np.where((numbers == self.padding_idx)[..., None], self.weight.data[self.padding_idx], out)

    def extra_repr(self) -> str:
        """Show the sizes, and what stands for nothing."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return "{}, {}".format(*self.weight.shape) + padding
