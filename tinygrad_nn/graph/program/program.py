"""`to_numpy` and `Program`: a recorded computation, forward and backward, as a NumPy program that stands alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_nn.errors import ArgumentError, BackwardError, ShapeError
from tinygrad_nn.graph.program.arguments import Argument
from tinygrad_nn.graph.program.page import large_arrays, page
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor

if TYPE_CHECKING:  # importing it takes a tenth of the time of importing NumPy
    from pathlib import Path


class Program:
    """A NumPy program, which prints as its text.

    Attributes:
        text: the program: a function ``forward_backward(...)``, a function ``values()`` with the arrays of the run that
            was recorded, and the two put together, so that the file can be run.
        values: the arrays that it is given, by the names of its arguments.

    """

    def __init__(self, text: str, arguments: list[Argument]) -> None:
        """Hold the program `text` and what it is given."""
        self.text = text
        self.values = {argument.variable.text: argument.array for argument in arguments}
        self._arguments = arguments

    def run(self, **values: Array) -> tuple[Array, dict[str, Array]]:
        """Run the program, and return the loss and its gradients by the names of the parameters.

        Args:
            values: other arrays than the recorded ones, of the same shapes and dtypes, by the names of the arguments.

        Raises:
            ArgumentError: a name that the program does not have, or another shape or dtype.

        """
        for name, value in values.items():
            self._check(name, value)
        namespace: dict[str, Any] = {"__name__": "program"}
        exec(compile(self.text, "<program>", "exec"), namespace)  # noqa: S102 - its own text, in a namespace of its own
        loss, gradients = namespace["forward_backward"](**(self.values | values))
        return loss, gradients

    def _check(self, name: str, value: Array) -> None:
        own = self.values.get(name)
        if own is None:
            message = f"run: expected the name of an argument, one of {', '.join(self.values)}, got {name!r}"
            raise ArgumentError(message)
        if own.shape != np.shape(value) or own.dtype != np.asarray(value).dtype:
            message = (
                f"run: expected {name!r} to have shape {own.shape} and dtype {own.dtype}, for which the program is "
                f"written, got {np.shape(value)} and {np.asarray(value).dtype}. Record the computation with the other "
                f"array, and write a program for that"
            )
            raise ShapeError(message)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the program to `path`, and arrays too large for its text into an .npz file beside it; return the path.

        Raises:
            ArgumentError: a path that does not end in .py, or a folder that does not exist.

        """
        from pathlib import Path

        path = Path(path)
        if path.suffix != ".py" or not path.parent.is_dir():
            message = f"save: expected a path to a .py file in a folder that exists, got '{path}'. Save as 'program.py'"
            raise ArgumentError(message)
        large = large_arrays(self._arguments)
        if large:
            np.savez(path.with_suffix(".npz"), allow_pickle=False, **large)
        path.write_text(self.text, encoding="utf-8")
        return path

    def __str__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        """Show the text in a notebook, with the colours of Python."""
        return f"```python\n{self.text}```"

    def __repr__(self) -> str:
        """Say how long it is; `print` shows it."""
        return f"<Program of {self.text.count(chr(10))} lines, given {', '.join(self.values) or 'nothing'}>"


def to_numpy(loss: Tensor) -> Program:
    """Write the forward and the backward pass of a loss as a program that needs NumPy alone.

    It gives the same loss and the same gradients, bit for bit. Each line has the user's names, shapes and lines in
    comments. A formula stands for an operation where its rule has one for all values; otherwise the rule's own text
    stands at the top, and is called. The program holds for these shapes, and for any values.

    Args:
        loss: a recorded Tensor of one element, before its `backward()` or after ``backward(retain_graph=True)``.

    Raises:
        ArgumentError: `loss` is no Tensor.
        BackwardError: nothing was recorded for it, or it belongs to a transform that is under way.
        ShapeError: it has more than one element.
        GraphReleasedError: a `backward()` has released the graph.
        InPlaceError: a parameter has changed since.
        UnsupportedError: a function has no source text, or an option cannot be written down.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> program = to_numpy((w * w).sum())
    >>> print(*[line[4:30] for line in str(program).splitlines() if line.startswith("    d_")], sep=chr(10))
    d_loss = np.float64(1.0)
    d_multiply = np.broadcast_
    d_w = delta
    d_w = d_w + delta
    >>> program.run()
    (np.float64(25.0), {'w': array([6., 8.])})

    """
    if not isinstance(loss, Tensor):
        message = f"to_numpy: expected a Tensor, got {type(loss).__name__}. Pass a loss"
        raise ArgumentError(message)
    if loss._node is None or loss.level:
        message = (
            "to_numpy: expected a Tensor that remembers how it was made, outside of transforms (grad, vjp), but for "
            "this one nothing was recorded that stays. Set requires_grad=True on the parameters, and compute outside "
            "of no_grad() and of transforms"
        )
        raise BackwardError(message)
    if loss.size != 1:
        message = (
            f"to_numpy: expected a single number, got shape {loss.shape}. Reduce it first, as in to_numpy(y.sum())"
        )
        raise ShapeError(message)
    try:
        with np.errstate(all="ignore"):  # whatever there was to say of these numbers was said in the forward pass
            return Program(*page(loss._node))
    except BackwardError as error:
        message = str(error).replace("backward:", "to_numpy:", 1)
        raise type(error)(message) from error
