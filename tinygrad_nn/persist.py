"""Saving and loading: arrays as safetensors, everything else as readable JSON in the header of the same file.

Never a pickle: unpickling a file runs whatever code it holds. And one file, not a folder or a pair of files: one file
can be replaced in a single step, so that a process that is killed while it writes leaves the old one whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from tinygrad_nn.errors import ArgumentError, DtypeError, StateError
from tinygrad_nn.nn.config import from_config, to_config
from tinygrad_nn.nn.dense import Dense
from tinygrad_nn.nn.module import Module
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import raw

Path: TypeAlias = "str | os.PathLike[str]"

HEADER = "tinygrad_nn"
"""The entry of the file's header that holds the JSON text."""

MARK = "$array"
"""``{"$array": name}`` stands in the JSON text where an array was."""


@runtime_checkable
class Stateful(Protocol):
    """What can be saved and restored: modules, optimizers, schedules, histories, callbacks."""

    def state_dict(self) -> Mapping[str, Any]:
        """Return all that is needed to go on."""
        ...

    def load_state_dict(self, state: Mapping[str, Any], /) -> Any:
        """Take it over."""
        ...


def save(path: Path, **parts: Any) -> None:
    """Write `parts` to the file `path`, which holds either the old or the new content at any moment, never a mixture.

    The arrays of a part are found in the file under their dotted names, ``model.0.weight``; any reader of safetensors
    shows them. Numbers keep every bit. A module is saved with its config, as far as `nn.to_config` can write it, so
    that `load_model` can build it anew.

    Args:
        path: the file; its folder must exist.
        parts: by a name of your choice, modules, optimizers and whatever else has a `state_dict`, generators of random
            numbers, and plain data: arrays, Tensors, numbers, strings, None, and lists and dicts of them.

    Raises:
        ArgumentError: no parts, or one that is none of these.
        DtypeError: an array of a dtype that the format does not have, such as complex128.

    >>> import os, tempfile
    >>> import tinygrad_nn as tn
    >>> path = os.path.join(tempfile.mkdtemp(), "line.safetensors")
    >>> tn.save(path, model=tn.nn.Dense(1, 1, init="zeros"), epoch=3)
    >>> tn.load(path)
    {'model': {'weight': array([[0.]]), 'bias': array([0.])}, 'epoch': 3}

    """
    import json  # here, so that importing the package stays cheap

    from safetensors.numpy import save as to_bytes

    if not parts:
        message = "save: expected something to save, got nothing. Name it, as in save(path, model=model)"
        raise ArgumentError(message)
    arrays: dict[str, Array] = {}
    state = {name: _encoded(_state(part), name, arrays) for name, part in parts.items()}
    kinds = {name: _kind(part) for name, part in parts.items() if _kind(part)}
    configs = {name: _config(part) for name, part in parts.items() if isinstance(part, Module)}
    header = json.dumps({"kinds": kinds, "configs": configs, "state": state}, ensure_ascii=False)
    _replace(path, to_bytes(arrays, {HEADER: header}))


def load(path: Path, **into: Any) -> dict[str, Any]:
    """Read a file of `save`, and restore the parts that are given by name: all of them, or none if one does not fit.

    Args:
        path: the file.
        into: modules, optimizers and others, under the names they were saved with: ``load(path, model=model)``.

    Returns:
        Everything in the file by name: state dicts, arrays and plain data. Tuples have become lists, and Tensors
        arrays.

    Raises:
        FileNotFoundError: there is no such file.
        StateError: the file is not one of `save`, has no part of a name, or the state of another kind of object.
        ShapeError: an array has another shape than that which it is to replace.

    >>> import os, tempfile
    >>> import numpy as np
    >>> import tinygrad_nn as tn
    >>> path = os.path.join(tempfile.mkdtemp(), "two.safetensors")
    >>> model, rng = tn.nn.Dense(2, 1), np.random.default_rng(0)
    >>> tn.save(path, model=model, rng=rng)
    >>> expected, twin = rng.random(), tn.nn.Dense(2, 1)
    >>> _ = tn.load(path, model=twin, rng=rng)
    >>> bool((twin.weight.data == model.weight.data).all()), rng.random() == expected
    (True, True)

    """
    state, saved = _opened("load", path)
    for name, part in into.items():
        if name not in state:
            message = f"load: expected a part named '{name}', but '{os.fspath(path)}' has {_listed(state)}"
            raise StateError(message)
        was, now = saved["kinds"].get(name, "plain data"), _kind(part)
        if was != now and not (isinstance(part, Module) and name in saved["kinds"]):  # a model is known by its names
            message = (
                f"load: '{name}' was saved from {was}, and cannot be restored into {now or type(part).__name__}. "
                f"Pass an object of the kind that was saved, or read its state as tn.load(path)['{name}']"
            )
            raise StateError(message)
    before = {name: _state(part) for name, part in into.items()}
    try:
        for name, part in into.items():
            _restore(part, state[name])
    except Exception:
        for name, part in into.items():
            _restore(part, before[name])
        raise
    return state


def load_model(path: Path, name: str = "model") -> Module:
    """Build a module as it was when it was saved, and return it with its parameters.

    Args:
        path: a file of `save`.
        name: the name that the module was saved under.

    Returns:
        The module, in training mode, with generators of random numbers that are freshly seeded.

    Raises:
        FileNotFoundError: there is no such file.
        StateError: the file is not one of `save`, or has no module of that name that can be built from data alone.
        ArgumentError: a class of modules that the model is made of is not defined here.

    >>> import os, tempfile
    >>> import tinygrad_nn as tn
    >>> path = os.path.join(tempfile.mkdtemp(), "net.safetensors")
    >>> tn.save(path, model=tn.nn.Sequential(tn.nn.Dense(2, 3, activation="relu"), tn.nn.Dense(3, 1)))
    >>> tn.persist.load_model(path)
    Sequential(
      (0): Dense(2, 3, activation=relu)
      (1): Dense(3, 1)
    )

    """
    state, saved = _opened("load_model", path)
    config = saved["configs"].get(name)
    if not isinstance(config, dict):
        reason = config or f"no module of that name is there, only {_listed(state)}"
        message = (
            f"load_model: expected '{os.fspath(path)}' to say how '{name}' was made, but: {reason}. "
            f"Build the model yourself and write tn.load(path, {name}=model)"
        )
        raise StateError(message)
    model: Module = from_config(config)
    model.load_state_dict(state[name])
    return model


def load_torch(model: Module, path: Path) -> None:
    """Load the state dict of a PyTorch model, saved by ``safetensors.torch.save_file(model.state_dict(), path)``.

    Names must agree, as they do between two `Sequential` with the same places. The weight of each `Dense` is
    transposed, for PyTorch keeps that of its Linear as (out, in); all other layers have PyTorch's layout. The counters
    ``num_batches_tracked``, which nothing here uses, are left out.

    Args:
        model: takes over the values, all or none.
        path: the file.

    Raises:
        FileNotFoundError: there is no such file.
        StateError: the file is no safetensors file, or a name is missing or unexpected.
        ShapeError: an array has another shape than the Tensor of its name.

    """
    arrays, _ = _read("load_torch", path)
    expected = model.state_dict()
    state = {
        name: array
        for name, array in arrays.items()
        if name in expected or name.rpartition(".")[2] != "num_batches_tracked"
    }
    for prefix, module in model.named_modules():
        name = f"{prefix}.weight" if prefix else "weight"
        if isinstance(module, Dense) and name in state:
            state[name] = state[name].T
    model.load_state_dict(state)


def _opened(owner: str, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parts in a file of `save`, and its JSON text as data."""
    import json

    arrays, header = _read(owner, path)
    if HEADER not in header:
        message = (
            f"{owner}: expected a file that tn.save wrote, but '{os.fspath(path)}' only holds the arrays "
            f"{_listed(arrays)}. Use tn.persist.load_torch(model, path) for the state dict of a PyTorch model"
        )
        raise StateError(message)
    saved = json.loads(header[HEADER])
    return {name: _decoded(part, arrays) for name, part in saved["state"].items()}, saved


def _config(model: Module) -> dict[str, Any] | str:
    """Return how a model was made, or the reason why data cannot say it; it can be saved and restored all the same."""
    try:
        return to_config(model)
    except ArgumentError as error:
        return str(error)


def _kind(part: Any) -> str:
    """Return what an object is, as it is written into the file; nothing for plain data."""
    if isinstance(part, np.random.Generator):
        return f"Generator({type(part.bit_generator).__name__})"
    return type(part).__name__ if isinstance(part, Stateful) else ""


def _state(part: Any) -> Any:
    """Return the state of an object; plain data as it is."""
    if isinstance(part, np.random.Generator):
        return part.bit_generator.state
    return part.state_dict() if isinstance(part, Stateful) else part


def _restore(part: Any, state: Any) -> None:
    """Set the state of an object, in place: others may share a generator."""
    if isinstance(part, np.random.Generator):
        part.bit_generator.state = state
    else:
        part.load_state_dict(state)


def _encoded(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    """Return `value` as JSON can write it, and put its arrays into `arrays` by their dotted names."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_encoded(item, f"{name}.{index}", arrays) for index, item in enumerate(value)]
    if isinstance(value, Mapping) and all(isinstance(key, str) and key != MARK for key in value):
        return {key: _encoded(item, f"{name}.{key}", arrays) for key, item in value.items()}
    array = raw(value)
    if not isinstance(array, (np.ndarray, np.generic)):
        message = (
            f"save: expected arrays, numbers, strings, None, lists, and dicts with names, or an object with "
            f"state_dict and load_state_dict, got {type(value).__name__} as '{name}'"
        )
        raise ArgumentError(message)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        message = f"save: expected arrays of numbers of at most 64 bits, got {array.dtype} as '{name}'. Convert it"
        raise DtypeError(message)
    while name in arrays:  # {"a.b": x, "a": {"b": y}}
        name += "'"
    # In C order, for safetensors writes the memory of a transposed view as if it were not transposed.
    arrays[name] = np.asarray(array, order="C")
    return {MARK: name}


def _decoded(value: Any, arrays: Mapping[str, Array]) -> Any:
    """Undo `_encoded`."""
    if isinstance(value, list):
        return [_decoded(item, arrays) for item in value]
    if isinstance(value, dict):
        return arrays[value[MARK]] if MARK in value else {key: _decoded(item, arrays) for key, item in value.items()}
    return value


def _read(owner: str, path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arrays of a safetensors file, and the texts of its header."""
    from safetensors import SafetensorError, safe_open  # here, so that importing the package does not import it

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 - no dict
    except (SafetensorError, TypeError) as error:  # TypeError: a dtype that NumPy does not have, such as bfloat16
        message = (
            f"{owner}: expected '{os.fspath(path)}' to be a safetensors file of NumPy's dtypes; reading it came to: "
            f"{error}. Write it with tn.save or, in PyTorch, safetensors.torch.save_file(model.state_dict(), path)"
        )
        raise StateError(message) from error


def _replace(path: Path, content: bytes) -> None:
    """Write a file beside `path`, see that it is on the disk, and only then put it into the place of `path`.

    Without the flush to the disk, the new name could reach it before the content does, and a loss of power leave an
    empty file. Beside, and not in the folder for temporary files: only within one file system is a rename one step.
    """
    import secrets

    folder, name = os.path.split(os.fspath(path))
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.tmp")  # noqa: PTH118 - pathlib is slow to import
    try:
        with open(temporary, "xb") as file:  # noqa: PTH123 - likewise
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - likewise
    except BaseException:  # also Ctrl-C
        if os.path.exists(temporary):  # noqa: PTH110 - likewise
            os.remove(temporary)  # noqa: PTH107 - likewise
        raise


def _listed(names: Mapping[str, Any]) -> str:
    """Return some names for a message."""
    shown = [f"'{name}'" for name in list(names)[:8]]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "") or "none"
