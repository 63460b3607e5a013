"""Looking at a model in use without changing it.

`watching` tells what its modules return, `evaluating` has it answer as it does after training, and `unchanged` undoes
what a call has left behind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_nn.backprop import no_grad, tick


@contextlib.contextmanager
def watching(modules: Iterable[Any], note: Callable[[Any, Any, int], object]) -> Iterator[None]:
    """Call ``note(module, result, begin)`` after each call of one of `modules` in this block.

    For the time of it, the `forward` of each is shadowed by an attribute of the object itself; nothing of it stays.

    Args:
        modules: the modules to watch.
        note: told of each result, the innermost module's first, and of when the call began, as `tick` tells it.

    """
    watched = list(modules)

    def shadow(module: Any) -> Callable[..., Any]:
        forward = module.forward

        def noting(*args: Any, **options: Any) -> Any:
            begin = tick()
            result = forward(*args, **options)
            note(module, result, begin)
            return result

        return noting

    shadows = [(module, shadow(module)) for module in watched]
    for module, forward in shadows:
        object.__setattr__(module, "forward", forward)
    try:
        yield
    finally:
        for module in watched:
            object.__delattr__(module, "forward")


@contextlib.contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Record nothing in this block, with every part of `model` in evaluation mode; each has its own mode back after."""
    modes = [(module, module.training) for _, module in model.named_modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, mode in modes:  # not model.train(): a part may have been in evaluation mode on purpose
            object.__setattr__(module, "training", mode)


@contextlib.contextmanager
def unchanged(model: Any) -> Iterator[None]:
    """Undo, after this block, what calls of `model` have changed: running statistics, and its generators' states."""
    buffers = [(tensor, tensor.numpy()) for _, tensor in model.named_tensors() if not tensor.requires_grad]
    states = [(generator, generator.bit_generator.state) for generator in named_generators(model).values()]
    try:
        yield
    finally:
        for tensor, values in buffers:
            tensor.data = values
        for generator, state in states:
            generator.bit_generator.state = state


def named_generators(model: Any) -> dict[str, np.random.Generator]:
    """Return the generators of random numbers that are attributes of modules, such as a Dropout's, by their names."""
    return {
        f"{prefix}.{key}" if prefix else key: value
        for prefix, module in model.named_modules()
        for key, value in vars(module).items()
        if isinstance(value, np.random.Generator)
    }
