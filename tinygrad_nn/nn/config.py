"""Models as plain data, and back: what a file can hold of a model besides its numbers.

A module remembers the arguments that it was made with. A config is these, with the name of the class: dicts, lists,
strings, numbers, bools and None, hence JSON. Code is never part of it, and making a model of a config runs none but
the constructors of modules that are defined: functions are written by their names, and only those of this library and
the differentiable ones of NumPy are known.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.nn.activations import ACTIVATIONS
from tinygrad_nn.nn.init import INITIALIZERS
from tinygrad_nn.nn.module import Module, constructor
from tinygrad_nn.primitive import COMPOSITIONS, RULES

_MARKS = {"layer", "function", "same_as"}
"""The keys that tell what a dict stands for. One without them is a dict."""


def to_config(module: Module) -> dict[str, Any]:
    """Return a module as plain data: the name of its class, and the arguments that it was made with.

    Layers among the arguments are dicts like it. One that was met before is written as the place of the first, so that
    weights that were shared are shared again. Generators are left out: see `from_config`.

    Args:
        module: made with arguments that are plain data, layers, and functions that have a name here. What was changed
            after it was made is not seen.

    Raises:
        ArgumentError: an argument of another kind, such as a lambda.

    >>> from tinygrad_nn import nn
    >>> nn.to_config(nn.Dense(2, 3, activation=nn.ReLU()))
    {'layer': 'Dense', 'in_features': 2, 'out_features': 3, 'activation': {'layer': 'ReLU'}}

    """
    config: dict[str, Any] = _encode(module, "", {})
    return config


def from_config(config: Mapping[str, Any], rng: np.random.Generator | None = None) -> Any:
    """Make a module of what `to_config` returned, with newly drawn weights.

    Args:
        config: a dict with the name of a class as "layer", and the arguments of it.
        rng: handed to every layer that takes one.

    Raises:
        ArgumentError: an unknown layer or function, or arguments that a layer does not take.

    >>> from tinygrad_nn import nn
    >>> nn.from_config({"layer": "Dense", "in_features": 2, "out_features": 3, "activation": "relu"})
    Dense(2, 3, activation=relu)

    """
    if "layer" not in config:
        message = f"from_config: expected a dict with the name of a class as 'layer', got the keys {sorted(config)}"
        raise ArgumentError(message)
    return _decode(config, "", {}, rng)


def _encode(value: Any, place: str, seen: dict[int, str]) -> Any:
    if isinstance(value, Module):
        if id(value) in seen:
            return {"same_as": seen[id(value)]}
        seen[id(value)] = place
        name = type(value).__name__
        if _classes().get(name) is not type(value):
            message = f"to_config: expected each class of modules to have a name of its own, but two are named {name}"
            raise ArgumentError(message)
        arguments = dict(_arguments(value))
        if "layer" in arguments:
            message = f"to_config: expected no argument 'layer' of {name}, for it names the class. Call it 'body'"
            raise ArgumentError(message)
        return {"layer": name} | {key: _encode(item, _join(place, key), seen) for key, item in arguments.items()}
    if isinstance(value, (bool, int, float, str, type(None))):
        return value
    if isinstance(value, (np.integer, np.floating, np.bool_)):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_encode(item, _join(place, index), seen) for index, item in enumerate(value)]
    if isinstance(value, dict) and not value.keys() & _MARKS and all(isinstance(key, str) for key in value):
        return {key: _encode(item, _join(place, key), seen) for key, item in value.items()}
    function = _name(value)
    if function is None:
        message = (
            f"to_config: expected '{place}' to be plain data, a layer or a function of tinygrad_nn.nn or numpy, got "
            f"{value!r}. Write a subclass of nn.Module with what it does as its forward, and use that"
        )
        raise ArgumentError(message)
    return {"function": function}


def _decode(value: Any, place: str, made: dict[str, Any], rng: np.random.Generator | None) -> Any:
    if isinstance(value, list):
        return [_decode(item, _join(place, index), made, rng) for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    if value.keys() == {"function"}:
        return _function(value["function"])
    if value.keys() == {"same_as"}:
        if value["same_as"] not in made:
            message = f"from_config: expected a layer at '{value['same_as']}' before '{place}', which shall be the same"
            raise ArgumentError(message)
        return made[value["same_as"]]
    parts = {key: _decode(item, _join(place, key), made, rng) for key, item in value.items() if key != "layer"}
    if "layer" not in value:
        return parts
    made[place] = _make(value["layer"], parts, rng)
    return made[place]


def _make(name: Any, arguments: dict[str, Any], rng: np.random.Generator | None) -> Any:
    """Call the class of a name with arguments by name, those of ``*args`` as one list."""
    known = _classes()
    if name not in known:
        message = (
            f"from_config: expected the name of a class of modules that is defined, got {name!r}. Known are "
            f"{', '.join(sorted(known))}. Import or define the class before"
        )
        raise ArgumentError(message)
    signature = constructor(known[name])
    parameters = signature.parameters
    if rng is not None and "rng" in parameters:
        arguments["rng"] = rng
    args = []
    for place, (key, parameter) in enumerate(parameters.items()):
        if parameter.kind is parameter.VAR_POSITIONAL and (more := arguments.pop(key, None)):
            args = [*(arguments.pop(before) for before in [*parameters][:place] if before in arguments), *more]
    try:
        signature.bind(*args, **arguments)
    except TypeError as error:
        message = f"from_config: {name}: {error}; expected the arguments {', '.join(parameters) or 'none'}"
        raise ArgumentError(message) from error
    return known[name](*args, **arguments)


def _arguments(module: Module) -> Iterator[tuple[str, Any]]:
    """Yield the arguments that a module was made with, by the names of its constructor; those of ``*args`` as one."""
    made = module._made
    signature = constructor(type(module))
    for key, value in signature.bind(*made.args, **made.keywords).arguments.items():
        if signature.parameters[key].kind is inspect.Parameter.VAR_KEYWORD:
            yield from value.items()
        elif not isinstance(value, np.random.Generator):
            yield key, value


def _classes() -> dict[str, type[Module]]:
    """Return the classes of modules that are defined, by name: of two the later, but none hides one of this library."""
    found: dict[str, type[Module]] = {}
    queue: list[type[Module]] = [Module]
    for cls in queue:
        queue.extend(cls.__subclasses__())
    for cls in sorted(queue, key=lambda cls: cls.__module__.startswith("tinygrad_nn.")):
        found[cls.__name__] = cls
    return found


def _name(function: Any) -> str | None:
    """Return the name by which `_function` finds a function again, or None."""
    own = next((name for name, known in _named().items() if known is function), None)
    if own is None and callable(function) and (function in RULES or function in COMPOSITIONS):
        name = getattr(function, "__name__", "")
        return f"numpy.{name}" if getattr(np, name, None) is function else None
    return own


def _function(name: Any) -> Callable[..., Any]:
    own = _named().get(name)
    if own is None and str(name).startswith("numpy."):
        own = getattr(np, str(name).removeprefix("numpy."), None)
        own = own if own in RULES or own in COMPOSITIONS else None
    if own is None:
        message = (
            f"from_config: expected the name of an activation, of a function of nn.init or, as 'numpy.exp', of a "
            f"differentiable function of NumPy, got {name!r}"
        )
        raise ArgumentError(message)
    return own


def _named() -> dict[str, Callable[..., Any]]:
    return {**ACTIVATIONS, **INITIALIZERS}


def _join(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)
