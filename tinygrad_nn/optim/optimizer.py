"""`Optimizer`: what all optimizers share, which is everything but the formula of one step.

An optimizer says which arrays it keeps for a parameter, and writes one small method: how a gradient changes parameter
and arrays in place. It sees pieces of at most `BLOCK` elements, so that the many passes of a formula such as Adam's
run in the processor's cache and need no temporary of the parameter's size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, ClassVar, TypeAlias

import numpy as np

from tinygrad_nn.backprop import tick
from tinygrad_nn.errors import ArgumentError, ShapeError, StateError
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw

BLOCK = 16384
"""Elements in a piece: 128 kB of float64, so that five such arrays fit into a usual second-level cache."""

AVERAGING = frozenset({"alpha", "betas", "momentum", "rho"})
"""Hyperparameters that weight an average, and so are below 1."""

Group: TypeAlias = dict[str, Any]
"""Parameters under "params", and the hyperparameters that hold for them."""

Params: TypeAlias = Iterable[Tensor] | Iterable[Mapping[str, Any]]

Update: TypeAlias = Callable[..., None]
"""Changes a parameter in place, or a flat piece of a large one: takes its values, its gradient and its arrays."""


class Optimizer:
    """Update parameters from their gradients.

    Args:
        params: the Tensors to update, such as ``model.parameters()``; or groups of them: dicts with Tensors under
            "params" and with the hyperparameters in which the group differs.
        defaults: the hyperparameters of groups that say nothing else.

    Attributes:
        param_groups: the groups, with all hyperparameters, which may be changed at any time:
            ``optimizer.param_groups[0]["lr"] = 0.1``. Only what decides which arrays are kept stays as it was at the
            start: whether there is a momentum, and flags.
        params: the parameters of all groups.
        settings: returns the hyperparameters of a group, in the order of `defaults` (of one only, the number itself).

    Raises:
        ArgumentError: no parameters, one that is listed twice or requires no gradient, or a hyperparameter that is
            unknown or out of its range.

    An optimizer of your own says what makes a step:

    >>> import numpy as np
    >>> import tinygrad_nn as tn
    >>> class SignDescent(tn.optim.Optimizer):
    ...     def rule(self, group, step):
    ...         def update(values, gradient):
    ...             values -= group["lr"] * np.sign(gradient)
    ...         return update
    >>> w = tn.Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SignDescent([w], {"lr": 0.5})
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data
    array([ 0.5, -1.5])

    """

    sees_whole: ClassVar[bool] = False
    """Whether the formula needs a parameter as a whole, such as its norm, and goes through its `pieces` itself."""

    def __init__(self, params: Params, defaults: Mapping[str, Any]) -> None:
        """Keep `params` and make their arrays."""
        name = type(self).__name__
        listed: list[Any] = list(params)
        if not listed:
            message = f"{name}: expected parameters, got none. Pass model.parameters() of a model that has some"
            raise ArgumentError(message)
        self.defaults = _checked(name, defaults)
        self.settings = itemgetter(*self.defaults)
        self.params: list[Tensor] = []
        self.param_groups: list[Group] = []
        self._kept: list[list[_Kept]] = []
        self._scratch: dict[tuple[np.dtype[Any], int], Array] = {}
        for group in listed if isinstance(listed[0], Mapping) else [{"params": listed}]:
            self.add_param_group(group)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Update further parameters too: Tensors under "params", and hyperparameters in which they differ.

        Raises:
            ArgumentError: as for the optimizer itself, which then is left as it was.

        """
        name = type(self).__name__
        own = {key: value for key, value in group.items() if key != "params"} if isinstance(group, Mapping) else {}
        unknown = own.keys() - self.defaults.keys()
        if not isinstance(group, Mapping) or "params" not in group or unknown:
            found = ", ".join(map(repr, group)) if isinstance(group, Mapping) else type(group).__name__
            message = (
                f"{name}: expected each group to be a dict with 'params' and any of "
                f"{', '.join(map(repr, self.defaults))}, got {found}"
            )
            raise ArgumentError(message)
        params = [group["params"]] if isinstance(group["params"], Tensor) else list(group["params"])
        for index, param in enumerate(params, len(self.params)):
            if not isinstance(param, Tensor) or not param.requires_grad or not param.is_leaf:
                message = (
                    f"{name}: expected Tensors with requires_grad=True that no operation made, "
                    f"got {type(param).__name__} at place {index}. Pass model.parameters()"
                )
                raise ArgumentError(message)
        everything = [*self.params, *params]
        if len(set(map(id, everything))) < len(everything):
            message = f"{name}: expected each parameter once, but one is listed twice and would be updated twice a step"
            raise ArgumentError(message)
        settings = {**self.defaults, **_checked(name, own)}
        self.check(settings)
        self.params = everything
        self.param_groups.append({"params": params, **settings})
        slots = self.slots(settings)
        self._kept.append([_Kept(param, slots) for param in params])

    # What an optimizer writes itself

    def slots(self, group: Group) -> tuple[str, ...]:  # noqa: ARG002 - subclasses use it
        """Return the names of the arrays that are kept for each parameter of a group, zeros at the start."""
        return ()

    def rule(self, group: Group, step: int) -> Update:  # noqa: ARG002 - likewise
        """Return what makes the step of this number, counted from 1, with all that depends on the number worked out."""
        raise AssertionError  # every optimizer writes its own

    def check(self, group: Group) -> None:
        """Refuse hyperparameters that contradict one another."""

    # What it uses for that

    def scratch(self, like: Array, place: int = 0) -> Array:
        """Return an array of the shape and dtype of a piece, to be overwritten; another one for each place."""
        buffer = self._scratch.get((like.dtype, place))
        if buffer is None:
            buffer = self._scratch[like.dtype, place] = np.empty(BLOCK, like.dtype)
        return buffer[: like.size].reshape(like.shape)

    def penalized(self, gradient: Array, values: Array, weight_decay: float) -> Array:
        """Return the gradient with that of the L2 penalty ``weight_decay |p|^2 / 2`` added."""
        if not weight_decay:
            return gradient
        scratch = self.scratch(values, -1)
        np.multiply(values, weight_decay, out=scratch)
        scratch += gradient
        return scratch

    # What it is used for

    def step(self) -> None:
        """Update every parameter that has a gradient, in place."""
        now = tick()
        for group, members in zip(self.param_groups, self._kept):
            number = 0
            for kept in members:
                leaf: Any = kept.param._node
                if leaf is None or leaf.grad is None:
                    continue
                kept.steps += 1
                if kept.steps != number:  # at the first, and at one that had no gradient at times and has made fewer
                    number = kept.steps
                    update = self.rule(group, number)
                values, gradient, arrays = leaf.array, leaf.grad, kept.arrays
                if isinstance(gradient, Tensor):  # of backward(create_graph=True)
                    gradient = raw(gradient)
                if values.size <= BLOCK or self.sees_whole:
                    update(values, gradient, *arrays)
                else:
                    for piece in pieces(values, gradient, *arrays):
                        update(*piece)
                leaf.changed = now

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for param in self.params:
            node = param._node
            if node is not None:  # it may have been frozen since
                node.grad = None

    @property
    def lr(self) -> float:
        """The learning rate: that of the first group. Setting it sets it for all groups."""
        rate: float = self.param_groups[0]["lr"]
        return rate

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self.param_groups:
            group.update(_checked(type(self).__name__, {"lr": value}))

    # Its state

    def state_dict(self) -> dict[str, Any]:
        """Return all that a new optimizer needs to go on exactly as this one would: numbers, and copies of arrays.

        The names are "groups.0.lr" for the hyperparameters of each group, and "0.steps" and, for Adam, "0.mean" for
        each parameter, counted through all groups.
        """
        state: dict[str, Any] = {}
        for index, group in enumerate(self.param_groups):
            for key in self.defaults:
                value = group[key]
                state[f"groups.{index}.{key}"] = np.array(value) if isinstance(value, tuple) else value
        for index, kept in enumerate(self._all_kept()):
            state[f"{index}.steps"] = kept.steps
            state |= {f"{index}.{slot}": array.copy() for slot, array in zip(kept.slots, kept.arrays, strict=True)}
        return state

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
        for index, group in enumerate(self.param_groups):
            group.update({key: _plain(state[f"groups.{index}.{key}"], group[key]) for key in self.defaults})
        for index, kept in enumerate(self._all_kept()):
            kept.steps = int(state[f"{index}.steps"])
            for slot, array in zip(kept.slots, kept.arrays, strict=True):
                array[...] = state[f"{index}.{slot}"]

    def _all_kept(self) -> list[_Kept]:
        """Return what is kept for each parameter, group by group, which is the order of `params`."""
        return [kept for members in self._kept for kept in members]


def pieces(*arrays: Array) -> Iterator[list[Array]]:
    """Yield flat views of arrays of one size, of at most `BLOCK` elements at a time."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, BLOCK):
        yield [array[start : start + BLOCK] for array in flat]


class _Kept:
    """A parameter, how many steps it has made, and the arrays that are kept for it."""

    __slots__ = ("arrays", "param", "slots", "steps")

    def __init__(self, param: Tensor, slots: tuple[str, ...]) -> None:
        self.param = param
        self.slots = slots
        self.arrays = [np.zeros(param.shape, param.dtype) for _ in slots]
        self.steps = 0


def _checked(owner: str, hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return hyperparameters as floats, tuples of floats and flags, refused where one is out of its range."""
    found: dict[str, Any] = {}
    for key, value in hyperparameters.items():
        if isinstance(value, (bool, np.bool_)):
            found[key] = bool(value)
            continue
        is_tuple = isinstance(value, (tuple, list))
        for place, number in enumerate(value if is_tuple else [value]):
            if not 0 <= number < (1 if key in AVERAGING else np.inf):
                name = f"{key}[{place}]" if is_tuple else key
                allowed = "at least 0 and below 1" if key in AVERAGING else "at least 0 and finite"
                message = f"{owner}: expected '{name}' to be {allowed}, got {number}"
                raise ArgumentError(message)
        found[key] = tuple(map(float, value)) if is_tuple else float(value)
    return found


def _plain(value: Any, like: Any) -> Any:
    """Return a hyperparameter that a file may have made an array of, as what it was."""
    return tuple(map(float, value)) if isinstance(like, tuple) else type(like)(value)
