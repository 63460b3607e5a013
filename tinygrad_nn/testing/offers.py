"""What a file offers to be checked: checks of its own, primitives, models, and any function that is asked for by name.

A check of its own is a function without arguments whose name begins with ``check_``, as pytest collects those that
begin with ``test_``. All else is tried on inputs that it does not refuse. Functions are not called unasked, for nothing
tells what they do beside.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn.checking import gradcheck
from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.nn.module import Module
from tinygrad_nn.primitive import Primitive
from tinygrad_nn.tensor import Tensor
from tinygrad_nn.testing.check import check_primitive
from tinygrad_nn.testing.trying import check_untold_model, fitting

PREFIX = "check_"

_EXAMPLES = 50
"""How many examples a primitive is tried on: enough for a CI that runs with each commit."""


class Offer(NamedTuple):
    """A check that a file offers.

    Attributes:
        run: returns what is to be checked, or a report, or nothing.
        remedy: what to write where no input is found that suits; empty for what needs none.
        inputs: what the table says of it if it leaves no report.
        order: likewise.

    """

    run: Callable[[], Any]
    remedy: str = ""
    inputs: str = ""
    order: str = ""


def offers(module: ModuleType) -> dict[str, Offer]:
    """Return the check for each name that a file offers, in the order of the file."""
    checks: dict[str, Offer] = {}
    for name, value in _own(module).items():
        if name.startswith(PREFIX) and inspect.isfunction(value):
            checks[name] = Offer(value)
        elif not hasattr(module, PREFIX + name) and (hasattr(value, "primitive") or isinstance(value, Module)):
            checks[name] = offer(name, value)
    return checks


def others(module: ModuleType) -> list[str]:
    """Return the names of functions and classes of models that a file offers only to those who ask for them."""
    return [
        name
        for name, value in _own(module).items()
        if (inspect.isfunction(value) or _is_class_of_models(value))
        and not (hasattr(value, "primitive") or hasattr(module, PREFIX + name) or name.startswith((PREFIX, "_")))
    ]


def offer(name: str, value: Any) -> Offer:
    """Return the check of a primitive, a model, a class of models or a function."""
    if hasattr(value, "primitive"):
        run = functools.partial(check_primitive, value, examples=_EXAMPLES)
        return Offer(run, _remedy(name, _call_of(name, value.primitive)), f"{_EXAMPLES} examples", "2")
    if isinstance(value, Module):
        return Offer(lambda: check_untold_model(value), _remedy(name, f"{name}, x, y, loss"))
    if _is_class_of_models(value):
        return Offer(lambda: check_untold_model(_made(value)), _remedy(name, f"{name}(...), x, y, loss"))
    parameters = [p for p in _signature(name, value).parameters.values() if p.kind in _POSITIONAL]
    needed = [p.name for p in parameters if p.default is p.empty]
    if needed:
        return Offer(lambda: _check_tried(name, value, len(needed)), _remedy(name, f"{name}, [{', '.join(needed)}]"))
    defaults = [p.default for p in parameters]
    if any(isinstance(x, (float, np.ndarray, Tensor)) for x in defaults):
        return Offer(lambda: gradcheck(value, defaults, order=2, raises=False))
    return Offer(lambda: _returned(name, value), _remedy(name, "f, inputs"))


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _own(module: ModuleType) -> dict[str, Any]:
    """Return what a file defines: not what it imports."""
    values = vars(module).items()
    return {n: x for n, x in values if isinstance(x, Module) or getattr(x, "__module__", None) == module.__name__}


def _is_class_of_models(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, Module)


def _signature(name: str, function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except ValueError as error:
        message = f"check: expected a function whose parameters can be known, but {error}. Write {PREFIX}{name}"
        raise ArgumentError(message) from error


def _made(kind: type[Module]) -> Module:
    """Return a model of a class whose constructor needs no arguments."""
    try:
        inspect.signature(kind.__init__).bind(None)
    except TypeError as error:
        message = f"{kind.__name__}: its constructor takes arguments, {error}"
        raise ArgumentError(message) from error
    return kind()


def _check_tried(name: str, function: Callable[..., Any], count: int) -> Any:
    """Check a function of which only the number of inputs is known; where it has defaults, with these."""
    case = fitting(function, count, [(-np.inf, np.inf)], name)[0]
    return gradcheck(function, case.operands, order=2, raises=False)


def _returned(name: str, function: Callable[..., Any]) -> Any:
    """Call a function without arguments, whose name does not say that it checks."""
    result = function()
    if result is None:
        message = f"{name}: it takes no inputs and returns none"
        raise ArgumentError(message)
    return result


def _call_of(name: str, primitive: Primitive) -> str:
    """Return code for a primitive as a function of its operands alone, and for these."""
    operands = ", ".join(primitive.operand_names) or "a, b"
    options = "".join(f", {option}=..." for option in primitive.option_names)
    return f"lambda {operands}: {name}({operands}{options}), [{operands}]" if options else f"{name}, [{operands}]"


def _remedy(name: str, returned: str) -> str:
    return f"def {PREFIX}{name}(): return {returned}"
