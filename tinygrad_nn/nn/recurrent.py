"""Recurrent layers: `RNN`, `GRU` and `LSTM`, which read a sequence step by step and carry a state along.

They differ in their cell alone (`primitives/recurrence.py`); for single steps see `nn.cells`. Weights have PyTorch's
names and layouts, so that its state dicts fit as they are; sequences are (samples, steps, features).
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.nn.cells import Recurrent, elman
from tinygrad_nn.nn.dropout import Dropout
from tinygrad_nn.primitives.recurrence import gru, lstm
from tinygrad_nn.tensor import Operand

Returns: TypeAlias = Literal["both", "outputs", "last"]


class RecurrentLayer(Recurrent):
    """What recurrent layers share, which is everything but the cell.

    Args:
        input_size: the number F of features of a step, or None for what the first call brings.
        hidden_size: the number H of neurons.
        num_layers: how many such layers are stacked, each reading the outputs of the one below.
        bias: whether to add ``b_ih`` and ``b_hh``.
        dropout: the chance of each output of a layer below another to be 0, in training.
        bidirectional: whether each layer also reads the sequence backwards, with weights of its own, and appends what
            that gives to its outputs, so that D = 2 and otherwise 1.
        reverse: whether to read the sequence backwards only.
        returns: "both" for ``(outputs, state)``; "outputs" or "last" for one array, as `Sequential` needs it.
        rng: where weights and dropout come from; a freshly seeded generator when None.

    Attributes:
        weight_ih_l0, weight_hh_l0: of shape (G H, F) and (G H, H) for G gates; ``l1`` for the layer above, with D H for
            F, and ``l0_reverse`` for what reads backwards. All start in ``U(-1 / sqrt(H), 1 / sqrt(H))``.
        bias_ih_l0, bias_hh_l0: of shape (G H,), likewise; None without `bias`.

    Raises:
        ArgumentError: a size below 1, an option outside of its range, or `bidirectional` and `reverse`.
        ShapeError: on a call with an input or a state of another shape.

    """

    def __init__(
        self,
        input_size: int | None,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        reverse: bool = False,
        returns: Returns = "both",
        rng: np.random.Generator | None = None,
    ) -> None:
        """Draw the weights."""
        name = type(self).__name__
        if min(1 if input_size is None else input_size, hidden_size, num_layers) < 1:
            message = (
                f"{name}: expected sizes of at least 1, got input_size={input_size}, hidden_size={hidden_size} and "
                f"num_layers={num_layers}"
            )
            raise ArgumentError(message)
        if returns not in ("both", "outputs", "last"):
            message = f"{name}: expected 'returns' to be 'both', 'outputs' or 'last', got {returns!r}"
            raise ArgumentError(message)
        if bidirectional and reverse:
            message = f"{name}: expected one of 'bidirectional', which reads both ways, and 'reverse', got both"
            raise ArgumentError(message)
        self.num_layers, self.returns = num_layers, returns
        self._ways = ("", "_reverse") if bidirectional else ("_reverse",) if reverse else ("",)
        self.dropout = Dropout(dropout, rng=rng) if dropout else None
        super().__init__(input_size, hidden_size, bias, rng)

    def build(self, size: int) -> None:
        """Draw the weights for steps of `size` features."""
        self.input_size = size
        rng, self._rng = self._rng or np.random.default_rng(), None  # what it draws later is none of this layer's
        for layer in range(self.num_layers):
            features = self.hidden_size * len(self._ways) if layer else size
            for way in self._ways:
                self.draw(features, f"_l{layer}{way}", rng)

    def forward(self, x: Operand, state: Any = None) -> Any:
        """Read sequences.

        Args:
            x: of shape (N, T, F), with at least one step.
            state: where to go on from: h of shape (L D, N, H) for L layers, for an `LSTM` the pair (h, c) of two such
                arrays; None for zeros. The rows are those of layer 0, forward then backward, of layer 1, and so on. A
                state that an earlier call returned carries the gradient on into that call; its ``detach()`` does not.

        Returns:
            ``outputs`` of shape (N, T, D H), where what was read backwards stands at its own step, and ``state``, of
            the same form as the argument, after the last step read. With ``returns="last"`` the last outputs alone, of
            shape (N, D H): those of the top layer after its last step, which for backward reading is the first.

        """
        if self._awaits:
            self._build_for(x, -1)
        samples, steps = self._checked(x)
        shape = self.num_layers * len(self._ways), samples, self.hidden_size
        dtype = getattr(self, f"weight_hh_l0{self._ways[0]}").dtype
        before = zip(*map(np.unstack, self.state_of(state, shape, dtype)), strict=True)
        after = []
        for layer in range(self.num_layers):
            outputs = []
            for way in self._ways:
                packed = self.read(x, next(before), f"_l{layer}{way}", reverse=bool(way))
                h = packed[:, :steps] if self.arrays > 1 else packed
                outputs.append(h)
                rest = (packed[:, t] for t in range(steps, packed.shape[1]))
                after.append((packed[:, 0 if way else steps - 1], *rest))
            x = np.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]
            if self.dropout is not None and layer < self.num_layers - 1:
                x = self.dropout(x)
        if self.returns == "outputs":
            return x
        if self.returns == "last":
            return np.concatenate([h for h, *_ in after[-len(self._ways) :]], axis=-1)
        arrays = tuple(map(np.stack, zip(*after, strict=True)))
        return x, arrays if self.arrays > 1 else arrays[0]

    def _checked(self, x: Operand) -> tuple[int, int]:
        """Return the numbers of samples and steps; refuse what is no sequence for this layer."""
        shape = np.shape(x)
        if len(shape) != 3 or shape[2] != self.input_size or not shape[1]:
            message = (
                f"{type(self).__name__}: expected sequences of shape (samples, steps, {self.input_size}) with at least "
                f"one step, got shape {shape}. Write x[None] for a single sequence, x[..., None] for a single feature, "
                f"np.swapaxes(x, 0, 1) for steps first"
            )
            raise ShapeError(message)
        return shape[0], shape[1]

    def extra_repr(self) -> str:
        """Show the sizes, and the options that are not left at their defaults."""
        options: dict[str, Any] = {
            "num_layers": self.num_layers if self.num_layers > 1 else None,
            "bias": None if self._has_bias else False,
            "bidirectional": len(self._ways) > 1 or None,
            "reverse": self._ways == ("_reverse",) or None,
            "returns": None if self.returns == "both" else self.returns,
        }
        given = [f"{key}={value!r}" for key, value in options.items() if value is not None]
        return ", ".join([str(self.input_size), str(self.hidden_size), *given])


class RNN(RecurrentLayer):
    """Read sequences with Elman's network: ``h' = f(W_ih x + b_ih + W_hh h + b_hh)``.

    Source: Elman, "Finding structure in time", 1990. G is 1.

    Args:
        nonlinearity: f, "tanh" or "relu"; the other arguments are those of `RecurrentLayer`.

    Raises:
        ArgumentError: another nonlinearity, and what `RecurrentLayer` refuses.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> layer = nn.RNN(3, 4, rng=np.random.default_rng(0))
    >>> outputs, state = layer(np.ones((2, 5, 3)))
    >>> outputs.shape, state.shape
    ((2, 5, 4), (1, 2, 4))

    """

    gates = 1

    def __init__(
        self,
        input_size: int | None,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        reverse: bool = False,
        returns: Returns = "both",
        rng: np.random.Generator | None = None,
    ) -> None:
        """Draw the weights."""
        self.cell = elman("RNN", nonlinearity)
        super().__init__(input_size, hidden_size, num_layers, bias, dropout, bidirectional, reverse, returns, rng)


class GRU(RecurrentLayer):
    """Read sequences with gated recurrent units: ``h' = (1 - z) n + z h``.

    ``r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)`` and ``z`` likewise, ``n = tanh(W_in x + b_in + r (W_hn h + b_hn))``.
    The G = 3 parts of the weights are those of r, z and n. Source: Cho et al., "Learning phrase representations using
    RNN encoder-decoder for statistical machine translation", 2014; with r behind the product, as in PyTorch.

    The arguments are those of `RecurrentLayer`.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> layer = nn.GRU(3, 4, bidirectional=True, rng=np.random.default_rng(0))
    >>> outputs, state = layer(np.ones((2, 5, 3)))
    >>> outputs.shape, state.shape
    ((2, 5, 8), (2, 2, 4))

    """

    gates = 3
    cell = staticmethod(gru)


class LSTM(RecurrentLayer):
    """Read sequences with long short-term memory: ``c' = f c + i g`` and ``h' = o tanh(c')``.

    ``i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)``, f and o likewise, and ``g = tanh(W_ig x + b_ig + W_hg h + b_hg)``.
    The G = 4 parts of the weights are those of i, f, g and o. The state is the pair (h, c). Source: Hochreiter and
    Schmidhuber, "Long short-term memory", 1997; f is of Gers, Schmidhuber and Cummins, "Learning to forget", 2000.

    The arguments are those of `RecurrentLayer`.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> rng = np.random.default_rng(0)
    >>> outputs, (h, c) = nn.LSTM(3, 4, num_layers=2, rng=rng)(np.ones((2, 5, 3)))
    >>> outputs.shape, h.shape, c.shape
    ((2, 5, 4), (2, 2, 4), (2, 2, 4))
    >>> model = nn.Sequential(nn.LSTM(3, 4, returns="last", rng=rng), nn.Dense(4, 1, rng=rng))
    >>> model(np.ones((2, 5, 3))).shape
    (2, 1)

    """

    gates = 4
    arrays = 2
    cell = staticmethod(lstm)
