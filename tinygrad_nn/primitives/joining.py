"""What joins arrays, and what takes them apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_nn.errors import ShapeError
from tinygrad_nn.primitive import Array, composition, primitive
from tinygrad_nn.primitives.shaping import as_part_of


@primitive(np.concatenate)
def concatenate(*arrays: Array, axis: int | None = 0, dtype: Any = None) -> tuple[Any, ...]:
    """Join arrays along `axis` (their raveled elements when None); each gets its part of the gradient."""
    out = np.concatenate(arrays, axis=axis, dtype=dtype)  # first, for NumPy tells best what does not fit
    shapes = [np.shape(a) for a in arrays]  # numbers may be among them, where `axis` is None
    sizes = [math.prod(shape) if axis is None else shape[axis] for shape in shapes]
    ends = np.cumsum(sizes).tolist()

    def part(index: int) -> Any:
        here = slice(ends[index] - sizes[index], ends[index])
        if axis is None:
            return lambda g: np.reshape(g[here], shapes[index])
        at = (slice(None),) * (axis % len(shapes[index])) + (here,)
        return lambda g: g[at]

    return out, *map(part, range(len(arrays)))


@primitive(np.stack)
def stack(*arrays: Array, axis: int = 0, dtype: Any = None) -> tuple[Any, ...]:
    """Join arrays of one shape along a new axis; each gets the gradient at its place there.

    A rule for speed: recurrent networks stack what they return at each step, one node for all instead of one for each.
    """
    out = np.stack(arrays, axis=axis, dtype=dtype)
    before = (slice(None),) * (axis % out.ndim)
    return out, *((lambda g, at=(*before, place): g[at]) for place in range(len(arrays)))


@composition(np.vstack)
def vstack(tup: Sequence[Array], **options: Any) -> Array:
    """Join arrays along the first axis; vectors are rows."""
    return np.concatenate([np.atleast_2d(a) for a in tup], axis=0, **options)


@composition(np.hstack)
def hstack(tup: Sequence[Array], **options: Any) -> Array:
    """Join arrays along the second axis; vectors along their only one."""
    arrays = [np.atleast_1d(a) for a in tup]
    return np.concatenate(arrays, axis=0 if arrays[0].ndim == 1 else 1, **options)


@composition(np.dstack)
def dstack(tup: Sequence[Array]) -> Array:
    """Join arrays along the third axis."""
    return np.concatenate([np.atleast_3d(a) for a in tup], axis=2)


@composition(np.column_stack)
def column_stack(tup: Sequence[Array]) -> Array:
    """Join arrays along the second axis; vectors are columns."""
    columns = [a if np.ndim(a) >= 2 else np.reshape(a, (np.size(a), 1)) for a in tup]
    return np.concatenate(columns, axis=1)


@composition(np.block)
def block(arrays: Any) -> Array:
    """Join nested lists of blocks: the innermost lists along the last axis, those around them along the one before."""
    depth = _depth(arrays)
    ndim = max(depth, *map(np.ndim, _blocks(arrays)))

    def joined(part: Any, axis: int) -> Array:
        if isinstance(part, list):
            return np.concatenate([joined(inner, axis + 1) for inner in part], axis=axis)
        return np.reshape(part, (1,) * (ndim - np.ndim(part)) + np.shape(part))

    return joined(arrays, -depth)


def _depth(arrays: Any) -> int:
    """Return how deep lists of blocks are nested, which has to be equally deep everywhere."""
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(part) for part in arrays}
    if len(depths) != 1:
        found = f"depths {' and '.join(map(str, sorted(depths)))}" if depths else "an empty list"
        message = (
            f"block: expected lists that are nested equally deep and hold blocks, got {found}. Put brackets around the "
            f"blocks that stand alone, as in [[a], [b, c]]"
        )
        raise ShapeError(message)
    return depths.pop() + 1


def _blocks(arrays: Any) -> list[Any]:
    return [b for part in arrays for b in _blocks(part)] if isinstance(arrays, list) else [arrays]


@composition(np.append)
def append(arr: Array, values: Array, axis: int | None = None) -> Array:
    """Join two arrays along `axis`, or their raveled elements when None."""
    if axis is None:
        arr, values, axis = np.ravel(arr), np.ravel(values), 0
    return np.concatenate([arr, values], axis=axis)


@composition(np.insert)
def insert(arr: Array, obj: Any, values: Array, axis: int | None = None) -> Array:
    """Insert `values` in front of the places `obj` along `axis` (of the raveled array when None)."""
    arr, axis = (np.ravel(arr), 0) if axis is None else (arr, normalize_axis_index(axis, np.ndim(arr)))
    length = arr.shape[axis]
    values = as_part_of(arr, values, "insert")
    values = np.reshape(values, (1,) * (arr.ndim - values.ndim) + values.shape)
    places = np.arange(length)[obj] if isinstance(obj, slice) else np.asarray(obj)
    if places.dtype == bool:
        places = np.flatnonzero(places)
    elif not places.size:
        places = places.astype(int)  # the empty list is one of floats
    if places.ndim == 0:  # `values` are then what ``arr[..., obj, ...]`` would take
        values = np.moveaxis(values, 0, axis)
    count = places.size if places.size != 1 else values.shape[axis]
    shape = (*arr.shape[:axis], count, *arr.shape[axis + 1 :])
    both = np.concatenate([arr, np.broadcast_to(values, shape)], axis=axis)
    return np.take(both, np.insert(np.arange(length), places, np.arange(length, length + count)), axis)


@composition(np.delete)
def delete(arr: Array, obj: Any, axis: int | None = None) -> Array:
    """Leave out the places `obj` along `axis` (of the raveled array when None)."""
    arr, axis = (np.ravel(arr), 0) if axis is None else (arr, normalize_axis_index(axis, np.ndim(arr)))
    return np.take(arr, np.delete(np.arange(arr.shape[axis]), obj), axis)


def _cut(function: Callable[..., list[Array]], ary: Array, indices_or_sections: Any, axis: int) -> list[Array]:
    """Cut as `function` of NumPy cuts the places along `axis`: it knows its rules, and tells who breaks them."""
    axis = normalize_axis_index(axis, np.ndim(ary))
    before = (slice(None),) * axis
    parts = function(np.arange(ary.shape[axis]), indices_or_sections)
    return [ary[(*before, slice(part[0], part[-1] + 1) if part.size else slice(0))] for part in parts]


@composition(np.split)
def split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """Cut along `axis` at the given indices, or into a number of equal sections."""
    return _cut(np.split, ary, indices_or_sections, axis)


@composition(np.array_split)
def array_split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """Cut along `axis` at the given indices, or into a number of sections that need not be equal."""
    return _cut(np.array_split, ary, indices_or_sections, axis)


@composition(np.vsplit)
def vsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    """Cut along the first axis."""
    return np.split(_of_axes(ary, 2, "vsplit"), indices_or_sections, 0)


@composition(np.hsplit)
def hsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    """Cut along the second axis, or along the only one."""
    return np.split(_of_axes(ary, 1, "hsplit"), indices_or_sections, 1 if np.ndim(ary) > 1 else 0)


@composition(np.dsplit)
def dsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    """Cut along the third axis."""
    return np.split(_of_axes(ary, 3, "dsplit"), indices_or_sections, 2)


def _of_axes(ary: Array, count: int, name: str) -> Array:
    if np.ndim(ary) < count:
        message = f"{name}: expected at least {count} axes, got shape {np.shape(ary)}. Use np.split(t, sections, axis)"
        raise ShapeError(message)
    return ary


@composition(np.unstack)
def unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    """Take an array apart along `axis`, which its parts do not have."""
    return tuple(np.moveaxis(x, axis, 0))
