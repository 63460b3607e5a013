"""Recurrent cells, `RNNCell`, `GRUCell` and `LSTMCell`: one step of a recurrent layer, for loops of one's own.

`Recurrent` is what they share with the layers that read whole sequences (`nn.recurrent`): weights with PyTorch's names
and layouts, (rows of all gates, features), and the operations that a step consists of.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from tinygrad_nn.conversion import get_default_dtype
from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.nn.lazy import LazyLayer
from tinygrad_nn.nn.module import Parameter
from tinygrad_nn.primitive import PRIMITIVES
from tinygrad_nn.primitives.recurrence import Cell, gru, lstm, rnn_relu, rnn_tanh
from tinygrad_nn.recording import record
from tinygrad_nn.tensor import Operand

_DENSE, _RECURRENCE = PRIMITIVES["dense"], PRIMITIVES["recurrence"]

_NONLINEARITIES: dict[str, Cell] = {"tanh": rnn_tanh, "relu": rnn_relu}


class Recurrent(LazyLayer):
    """What cells and recurrent layers share: how weights are drawn, and how they make steps."""

    cell: Cell
    """How a step is made."""

    gates: ClassVar[int]
    """How many rows of the weights belong to one neuron."""

    arrays: ClassVar[int] = 1
    """How many arrays the state consists of."""

    def __init__(self, input_size: int | None, hidden_size: int, bias: bool, rng: np.random.Generator | None) -> None:
        """Keep the sizes, and draw the weights if they are all known."""
        self.input_size, self.hidden_size = input_size, hidden_size
        self._has_bias, self._rng = bias, rng
        self._build_or_await("input_size", input_size)

    def draw(self, features: int, suffix: str, rng: np.random.Generator) -> None:
        """Make the weights and biases whose names end in a suffix, for steps of so many features."""
        rows, bound = self.gates * self.hidden_size, self.hidden_size**-0.5
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, features), "weight_hh": (rows, self.hidden_size)}
        shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if self._has_bias else {}
        for name, shape in shapes.items():
            drawn = rng.uniform(-bound, bound, shape).astype(get_default_dtype(), copy=False)
            setattr(self, f"{name}{suffix}", Parameter(drawn))

    def read(self, x: Any, state: tuple[Any, ...], suffix: str, *, reverse: bool = False) -> Any:
        """Read all steps with the weights of a suffix, after one product of them with the weight of the input."""
        to_input, to_hidden = getattr(self, f"weight_ih{suffix}"), getattr(self, f"weight_hh{suffix}")
        projected = record(
            _DENSE, (x, to_input.T, getattr(self, f"bias_ih{suffix}")) if self._has_bias else (x, to_input.T)
        )
        bias = getattr(self, f"bias_hh{suffix}") if self._has_bias else np.zeros(len(to_hidden), to_hidden.dtype)
        return record(_RECURRENCE, (projected, to_hidden, bias, *state), {"cell": self.cell, "reverse": reverse})

    def state_of(self, state: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Any, ...]:
        """Return a state as its arrays, checked to have a shape; zeros for None."""
        if state is None:
            return (np.zeros(shape, dtype),) * self.arrays
        arrays = (state,) if self.arrays == 1 else tuple(state)
        if [np.shape(array) for array in arrays] != [shape] * self.arrays:
            expected = f"of shape {shape}" if self.arrays == 1 else f"(h, c), each of shape {shape}"
            came = " and ".join(str(np.shape(array)) for array in arrays)
            message = (
                f"{type(self).__name__}: expected a state {expected}, got {came}. Pass on what an earlier call for as "
                f"many samples returned, or None for zeros"
            )
            raise ShapeError(message)
        return arrays


class RecurrentCell(Recurrent):
    """What the cells share, which is everything but the formula.

    Args:
        input_size: the number F of features, or None for what the first call brings.
        hidden_size: the number H of neurons.
        bias: whether to add ``b_ih`` and ``b_hh``.
        rng: where the weights come from; a freshly seeded generator when None.

    Attributes:
        weight_ih, weight_hh: of shape (G H, F) and (G H, H) for G gates. All start in ``U(-1 / sqrt(H), 1 / sqrt(H))``.
        bias_ih, bias_hh: of shape (G H,), likewise; none without `bias`.

    Raises:
        ArgumentError: a size below 1.
        ShapeError: on a call with an input or a state of another shape.

    """

    weight_hh: Parameter

    def __init__(
        self, input_size: int | None, hidden_size: int, bias: bool = True, rng: np.random.Generator | None = None
    ) -> None:
        """Draw the weights."""
        if min(1 if input_size is None else input_size, hidden_size) < 1:
            message = (
                f"{type(self).__name__}: expected sizes of at least 1, got input_size={input_size} and "
                f"hidden_size={hidden_size}"
            )
            raise ArgumentError(message)
        super().__init__(input_size, hidden_size, bias, rng)

    def build(self, size: int) -> None:
        """Draw the weights for `size` features."""
        self.input_size = size
        rng, self._rng = self._rng or np.random.default_rng(), None  # what it draws later is none of this layer's
        self.draw(size, "", rng)

    def forward(self, x: Operand, state: Any = None) -> Any:
        """Make a step.

        Args:
            x: of shape (N, F).
            state: h of shape (N, H), for an `LSTMCell` the pair (h, c) of two such arrays; None for zeros. One that an
                earlier call returned carries the gradient on into that call; its ``detach()`` does not.

        Returns:
            the new state, of the same form. Its h is the output of the step.

        """
        if self._awaits:
            self._build_for(x, -1)
        shape = np.shape(x)
        if len(shape) != 2 or shape[1] != self.input_size:
            message = (
                f"{type(self).__name__}: expected a step of shape (samples, {self.input_size}), got shape {shape}. "
                f"Write x[None] for a single sample, and one call for each step of a sequence, or use the layer that "
                f"reads sequences"
            )
            raise ShapeError(message)
        before = self.state_of(state, (shape[0], self.hidden_size), self.weight_hh.dtype)
        packed = self.read(np.reshape(x, (shape[0], 1, shape[1])), before, "")
        return packed[:, 0] if self.arrays == 1 else tuple(packed[:, place] for place in range(self.arrays))

    def extra_repr(self) -> str:
        """Show the sizes."""
        return f"{self.input_size}, {self.hidden_size}{'' if self._has_bias else ', bias=False'}"


class RNNCell(RecurrentCell):
    """Make a step of Elman's network, as `RNN` does: ``h' = f(W_ih x + b_ih + W_hh h + b_hh)``. G is 1.

    Args:
        nonlinearity: f, "tanh" or "relu"; the other arguments are those of `RecurrentCell`.

    Raises:
        ArgumentError: another nonlinearity, or a size below 1.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> cell = nn.RNNCell(3, 4, rng=np.random.default_rng(0))
    >>> h = cell(np.ones((2, 3)))
    >>> cell(np.ones((2, 3)), h).shape
    (2, 4)

    """

    gates = 1

    def __init__(
        self,
        input_size: int | None,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        rng: np.random.Generator | None = None,
    ) -> None:
        """Draw the weights."""
        self.cell = elman("RNNCell", nonlinearity)
        super().__init__(input_size, hidden_size, bias, rng)


class GRUCell(RecurrentCell):
    """Make a step of gated recurrent units, with the formula of `GRU` and its three gates.

    The arguments are those of `RecurrentCell`.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> cell, h = nn.GRUCell(3, 4, rng=np.random.default_rng(0)), None
    >>> for x in np.ones((5, 2, 3)):
    ...     h = cell(x, h)
    >>> h.shape
    (2, 4)

    """

    gates = 3
    cell = staticmethod(gru)


class LSTMCell(RecurrentCell):
    """Make a step of long short-term memory, with the formula of `LSTM` and its four gates. The state is (h, c).

    The arguments are those of `RecurrentCell`.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> cell = nn.LSTMCell(3, 4, rng=np.random.default_rng(0))
    >>> h, c = cell(np.ones((2, 3)))
    >>> h, c = cell(np.ones((2, 3)), (h, c))
    >>> h.shape, c.shape
    ((2, 4), (2, 4))

    """

    gates = 4
    arrays = 2
    cell = staticmethod(lstm)


def elman(owner: str, nonlinearity: str) -> Cell:
    """Return the step of Elman's network with a nonlinearity."""
    if nonlinearity not in _NONLINEARITIES:
        message = f"{owner}: expected 'nonlinearity' to be 'tanh' or 'relu', got {nonlinearity!r}"
        raise ArgumentError(message)
    return _NONLINEARITIES[nonlinearity]
