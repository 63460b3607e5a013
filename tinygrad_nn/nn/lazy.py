"""`LazyLayer`: a layer that may be made before the sizes around it are known, which its first call then tells."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tinygrad_nn.errors import ShapeError
from tinygrad_nn.nn.module import Module, Parameter, constructor


class LazyLayer(Module):
    """A layer whose constructor may leave open the size of its input, say; a subclass's `build` makes the parts.

    Until its first call such a layer has no parameters, and asking for them is an error: an optimizer that was made
    before would silently learn none of them.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> layer = nn.Dense(None, 2)
    >>> layer(np.ones((5, 3))).shape, layer.weight.shape
    ((5, 2), (3, 2))
    """

    def build(self, size: Any) -> None:
        """Make the parameters for inputs of a size; every subclass writes its own."""
        raise AssertionError(size)  # a subclass has it

    def _build_or_await(self, name: str, size: Any) -> None:
        """Call `build`, now if the size is known and else on the first call; `name` is that of the argument."""
        if size is None:
            self._awaits = name
        else:
            self.build(size)

    def _build_for(self, x: Any, axis: int) -> None:
        """Call `build` with the length of an axis of the first input, and remember it as if it had been given."""
        shape, name = np.shape(x), self._awaits
        if not -len(shape) <= axis < len(shape):
            message = (
                f"{type(self).__name__}: expected an input with an axis {axis} to take {name} from, got shape {shape}. "
                f"Give the layer samples, one in each row"
            )
            raise ShapeError(message)
        self._settle(shape[axis])

    def _settle(self, size: Any) -> None:
        """Call `build` on the first call, which leaves what was awaited in the attribute of the argument's name.

        It is remembered as if it had been given, so that the layer's config is that of one that was told.
        """
        name, made, before = self._awaits, self._made, {id(tensor) for _, tensor in self._walk()}
        self.build(size)
        for _, tensor in self._walk():
            if id(tensor) not in before and isinstance(tensor, Parameter) and self._name:
                tensor.name = f"{self._name}.{tensor.name}"
        self._awaits = ""
        signature = constructor(type(self))
        if name in signature.parameters:  # a subclass may have fixed it
            arguments = signature.bind(*made.args, **made.keywords).arguments | {name: getattr(self, name)}
            self._made = partial(type(self), **arguments)
