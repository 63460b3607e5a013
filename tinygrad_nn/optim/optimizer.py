"""`Optimizer`: what all optimizers share, which is everything but the formula of one step.

An optimizer says which arrays it keeps for a parameter, and writes one small method: how a gradient changes parameter
and arrays in place. It sees pieces of at most `BLOCK` elements, so that the many passes of a formula such as Adam's
run in the processor's cache and need no temporary of the parameter's size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_nn.backprop import tick
from tinygrad_nn.errors import ArgumentError, ShapeError, StateError
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor

BLOCK = 16384
"""Elements in a piece: 128 kB of float64, so that five such arrays fit into a usual second-level cache."""


class Optimizer:
    """Update parameters from their gradients.

    Args:
        params: the Tensors to update, such as ``model.parameters()``.
        lr: the learning rate; may be set at any time.

    Raises:
        ArgumentError: no parameters, one that is listed twice or requires no gradient, or a learning rate below 0.

    """

    slots: tuple[str, ...] = ()
    """The arrays that are kept for each parameter, zeros at the start."""

    def __init__(self, params: Iterable[Tensor], lr: float) -> None:
        """Keep `params` and make their arrays."""
        self.params = list(params)
        name = type(self).__name__
        if not self.params:
            message = f"{name}: expected parameters, got none. Pass model.parameters() of a model that has some"
            raise ArgumentError(message)
        for index, param in enumerate(self.params):
            if not isinstance(param, Tensor) or not param.requires_grad or not param.is_leaf:
                message = (
                    f"{name}: expected Tensors with requires_grad=True that no operation made, "
                    f"got {type(param).__name__} at place {index}. Pass model.parameters()"
                )
                raise ArgumentError(message)
        if len(set(map(id, self.params))) < len(self.params):
            message = f"{name}: expected each parameter once, but one is listed twice and would be updated twice a step"
            raise ArgumentError(message)
        self.lr = at_least_zero(name, "lr", lr)
        self.steps = 0
        self._kept = [(p, [np.zeros(p.shape, p.dtype) for _ in self.slots]) for p in self.params]
        self._scratch: dict[np.dtype[Any], Array] = {}

    def step(self) -> None:
        """Update every parameter that has a gradient, in place."""
        self.steps += 1
        now = tick()
        update = self.update
        for param, arrays in self._kept:
            leaf: Any = param._node
            if leaf is None or leaf.grad is None:
                continue
            values = leaf.array
            if values.size <= BLOCK:
                update(values, leaf.grad, *arrays)
            else:
                flat = [array.reshape(-1) for array in (values, leaf.grad, *arrays)]
                for start in range(0, values.size, BLOCK):
                    update(*[array[start : start + BLOCK] for array in flat])
            leaf.changed = now

    def update(self, values: Array, gradient: Array, *arrays: Array) -> None:  # noqa: ARG002 - subclasses use them
        """Change a parameter, or a flat piece of a large one, and the same piece of its arrays, in place."""
        raise AssertionError  # every optimizer writes its own

    def scratch(self, like: Array) -> Array:
        """Return an array of the shape and dtype of a piece, to be overwritten."""
        buffer = self._scratch.get(like.dtype)
        if buffer is None:
            buffer = self._scratch[like.dtype] = np.empty(BLOCK, like.dtype)
        return buffer[: like.size].reshape(like.shape)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for param in self.params:
            node = param._node
            if node is not None:  # it may have been frozen since
                node.grad = None

    def hyperparameters(self) -> dict[str, Any]:
        """Return the numbers that the formula uses, by name: every public attribute that is a plain number."""
        return {key: value for key, value in vars(self).items() if isinstance(value, (int, float))}

    def state_dict(self) -> dict[str, Any]:
        """Return all that a new optimizer needs to go on exactly as this one would: numbers, and copies of arrays."""
        arrays = {
            f"{index}.{slot}": array.copy()
            for index, (_, kept) in enumerate(self._kept)
            for slot, array in zip(self.slots, kept, strict=True)
        }
        return self.hyperparameters() | arrays

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a `state_dict`, all or nothing.

        Raises:
            StateError: a name is missing or unexpected.
            ShapeError: an array has another shape than the parameter of its place.

        """
        own = self.state_dict()
        missing, unexpected = own.keys() - state.keys(), state.keys() - own.keys()
        if missing or unexpected:
            message = (
                f"{type(self).__name__}.load_state_dict: missing: {', '.join(sorted(missing)) or 'none'}; "
                f"unexpected: {', '.join(sorted(unexpected)) or 'none'}. Use the same optimizer with as many parameters"
            )
            raise StateError(message)
        for key, value in own.items():
            if np.shape(state[key]) != np.shape(value):
                message = (
                    f"{type(self).__name__}.load_state_dict: expected '{key}' of shape {np.shape(value)}, got "
                    f"{np.shape(state[key])}. Use the same model as when the state was saved"
                )
                raise ShapeError(message)
        for key in self.hyperparameters():
            setattr(self, key, state[key])
        for index, (_, kept) in enumerate(self._kept):
            for slot, array in zip(self.slots, kept, strict=True):
                array[...] = state[f"{index}.{slot}"]


def at_least_zero(owner: str, name: str, value: float) -> float:
    """Return a hyperparameter, refused if it is negative or no number."""
    if not value >= 0:
        message = f"{owner}: expected '{name}' to be at least 0, got {value}"
        raise ArgumentError(message)
    return value


def fraction(owner: str, name: str, value: float) -> float:
    """Return a hyperparameter, refused unless it is at least 0 and below 1."""
    if not 0 <= value < 1:
        message = f"{owner}: expected '{name}' to be at least 0 and below 1, got {value}"
        raise ArgumentError(message)
    return value
