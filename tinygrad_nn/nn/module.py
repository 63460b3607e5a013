"""`Module`: what has parameters and can be called. A module is its attributes; nothing is registered elsewhere.

Parameters, constant Tensors and modules are found where the user put them: in attributes, and in lists, tuples and
dicts that are attributes. Their names follow from that, as ``encoder.layers.0.weight``.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from tinygrad_nn.backprop import tick
from tinygrad_nn.errors import ArgumentError, ShapeError, StateError
from tinygrad_nn.nn.summary import Summary, summarize
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Operand, Tensor


class Parameter(Tensor):
    """A Tensor that a module learns: it requires a gradient, and the module finds it by its type.

    >>> from tinygrad_nn import nn
    >>> nn.Parameter([1.0, 2.0])
    Tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(
        self,
        data: Operand,
        requires_grad: bool = True,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        """Make a parameter that starts with `data`."""
        super().__init__(data, requires_grad, name, dtype)


class Module:
    """A function with parameters. Subclass it, make the parts in ``__init__`` and use them in `forward`.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         self.slope = nn.Parameter(2.0)
    ...         self.offset = nn.Parameter(1.0)
    ...     def forward(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line(np.array([1.0, 2.0])).tolist()
    [3.0, 5.0]
    >>> [name for name, _ in line.named_parameters()]
    ['slope', 'offset']
    """

    training: bool = True
    _name: str = ""
    _made: partial[Any]
    """The class with the arguments that it was called with, for `nn.to_config`; a partial, because lists, tuples and
    dicts of an attribute are searched for modules, and those among the arguments would have two names."""
    _awaits: str = ""
    """The name of the argument, and attribute, that the first call has still to settle (see `nn.lazy`)."""

    def __new__(cls, *args: Any, **options: Any) -> Self:
        """Make a module that remembers what it is made from."""
        module = super().__new__(cls)
        object.__setattr__(module, "_made", partial(cls, *args, **options))
        return module

    def __init__(self) -> None:
        """Make a module without parts. Without this, a class with no ``__init__`` would ignore arguments in silence."""

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Run `forward`, and note for pictures and messages that its operations belong to this module."""
        begin = tick()
        result = self.forward(*inputs, **options) if options else self.forward(*inputs)
        frame, kind = sys._getframe(1), type(self).__name__
        call = begin, self._name or kind, kind, frame.f_code, frame.f_lasti
        if isinstance(result, Tensor):
            node = result._node
            if node is not None and not node.is_leaf:  # a parameter that is returned as it is has seen no operation
                node.returned_by = (*call, node.returned_by)
        else:
            for _, part in _parts("", result):
                if isinstance(part, Tensor) and not part.is_leaf and part._node is not None:
                    part._node.returned_by = (*call, part._node.returned_by)
        return result

    def forward(self, *inputs: Any, **options: Any) -> Any:  # noqa: ARG002 - subclasses use them
        """Compute the result; every subclass writes its own."""
        message = f"{type(self).__name__}: expected a method 'forward'. Define forward(self, x) in your subclass"
        raise AttributeError(message)

    def __setattr__(self, key: str, value: Any) -> None:
        """Set an attribute, and tell the parameters and modules in it their names."""
        object.__setattr__(self, key, value)
        for name, part in _parts(key, value):
            if isinstance(part, Module):
                if not part._name:
                    object.__setattr__(part, "_name", name)
                    for _, tensor in part._walk():
                        if isinstance(tensor, Parameter):
                            tensor.name = f"{name}.{tensor.name}"
            elif part.name is None:
                part.name = name

    # Its parts

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules directly inside, with their names; one that has two names only once."""
        seen: set[int] = set()
        for key, value in vars(self).items():
            for name, part in _parts(key, value):
                if isinstance(part, Module) and id(part) not in seen:
                    seen.add(id(part))
                    yield name, part

    def named_modules(self, prefix: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, Module]]:
        """Yield this module and all inside, outermost first, each once; `seen` holds the ids of those to leave out."""
        seen = set() if seen is None else seen
        if id(self) not in seen:
            seen.add(id(self))
            yield prefix, self
            for name, child in self.named_children():
                yield from child.named_modules(_join(prefix, name), seen)

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield parameters and constant Tensors, with their names; a shared one only once.

        Raises:
            ArgumentError: a module inside still awaits its first call.

        """
        for prefix, module in self.named_modules():
            if module._awaits:
                name = f"{type(module).__name__} '{prefix}'" if prefix else type(module).__name__
                message = (
                    f"{name}: expected a first call before its parameters are used, because it was made with "
                    f"{module._awaits}={getattr(module, module._awaits)!r} and has none yet. Call the model once on "
                    f"data, as in model(x[:1]), or give {module._awaits}"
                )
                raise ArgumentError(message)
        yield from self._walk()

    def _walk(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the Tensors that are there, with their names."""
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for key, value in vars(module).items():
                for name, part in _parts(key, value):
                    if isinstance(part, Tensor) and id(part) not in seen:
                        seen.add(id(part))
                        yield _join(prefix, name), part

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters with their names; a shared one only once."""
        return ((name, tensor) for name, tensor in self.named_tensors() if isinstance(tensor, Parameter))

    def parameters(self) -> list[Parameter]:
        """Return the parameters, each once."""
        return [parameter for _, parameter in self.named_parameters()]

    # Its state

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters and constant Tensors by name, with the names that PyTorch uses."""
        return {name: tensor.numpy() for name, tensor in self.named_tensors()}

    def load_state_dict(self, state: Mapping[str, npt.ArrayLike]) -> None:
        """Take over the values of a `state_dict`, all or none.

        Raises:
            StateError: a name is missing or unexpected.
            ShapeError: an array has another shape than the Tensor of its name.

        """
        tensors = dict(self.named_tensors())
        missing, unexpected = tensors.keys() - state.keys(), state.keys() - tensors.keys()
        if missing or unexpected:
            message = (
                f"load_state_dict: expected exactly the names of this {type(self).__name__}; "
                f"missing: {', '.join(sorted(missing)) or 'none'}; unexpected: "
                f"{', '.join(sorted(unexpected)) or 'none'}. Build the model as it was when the state was saved"
            )
            raise StateError(message)
        arrays = {name: np.asarray(value) for name, value in state.items()}
        wrong = [
            f"'{name}' has shape {arrays[name].shape}, expected {tensor.shape}"
            for name, tensor in tensors.items()
            if arrays[name].shape != tensor.shape
        ]
        if wrong:
            message = (
                f"load_state_dict: {'; '.join(wrong)}. Build the model with the sizes that the state was saved with"
            )
            raise ShapeError(message)
        for name, tensor in tensors.items():
            tensor.data = arrays[name]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all inside to training (or, with False, to evaluation)."""
        for _, module in self.named_modules():
            object.__setattr__(module, "training", mode)
        return self

    def eval(self) -> Self:
        """Switch this module and all inside to evaluation."""
        return self.train(mode=False)

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """Convert all parameters and constant Tensors to another floating dtype, in place; gradients are dropped.

        Whole numbers, such as those that count batches, stay what they are.
        """
        for _, tensor in self.named_tensors():
            if tensor.dtype.kind == "f":
                tensor.rebind(tensor.numpy().astype(dtype))
        return self

    def summary(self, *inputs: Any) -> Summary:
        """Return a table of the modules inside: name, type, output shape, parameters, memory kept for backward.

        It is text, which a notebook shows as HTML. Parameters and memory are a module's own, without those of the
        modules inside it; an array that several operations keep counts for the first of them.

        Args:
            inputs: what the model is called with, in the mode that it is in and without any effect that stays. Without
                them there are no shapes and no memory.

        >>> import numpy as np
        >>> from tinygrad_nn import nn
        >>> nn.Sequential(nn.Dense(64, 128, activation="relu"), nn.Dense(128, 10)).summary(np.ones((32, 64)))
        name     type        output     parameters  kept for backward
        -------------------------------------------------------------
        (model)  Sequential  (32, 10)
          0      Dense       (32, 128)       8,320            49.2 kB
          1      Dense       (32, 10)        1,290
        -------------------------------------------------------------
        total                                9,610            49.2 kB

        """
        return summarize(self, inputs)

    def __repr__(self) -> str:
        """Show the modules inside, one a line."""
        lines = [f"  ({name}): " + repr(child).replace("\n", "\n  ") for name, child in self.named_children()]
        body = "\n" + "\n".join(lines) + "\n" if lines else self.extra_repr()
        return f"{type(self).__name__}({body})"

    def extra_repr(self) -> str:
        """Return what `repr` shows between the parentheses of a module without modules inside."""
        return ""


def constructor(cls: type[Module]) -> inspect.Signature:
    """Return the signature that a class of modules is made with: that of the class itself may be its ``__new__``'s."""
    signature = inspect.signature(cls.__init__)
    _, *parameters = signature.parameters.values()
    return signature.replace(parameters=parameters)


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _parts(name: str, value: Any) -> Iterator[tuple[str, Module | Tensor]]:
    """Yield the modules and Tensors in an attribute, also those in lists, tuples and dicts, with their names."""
    if isinstance(value, (Module, Tensor)):
        yield name, value
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _parts(f"{name}.{index}", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _parts(f"{name}.{key}", item)
