"""`einsum`: sums of products over named axes, and their gradients, which are sums of products over named axes too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.primitive import Array, Closure, composition, constant, primitive

constant(np.einsum_path)

_LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""The labels in the order in which NumPy sorts them, and in which the numbers 0 to 51 stand for them."""


@primitive
def contract(*operands: Array, subscripts: str, optimize: Any = False) -> tuple[Any, ...]:
    """Sum products as ``numpy.einsum(subscripts, ...)`` does, where `subscripts` spell out each axis and the result.

    ``y_k = sum over all other labels of a_i b_j ...`` is linear in each operand, so its gradient for `a` is the einsum
    of ``g`` and the other operands with the labels of `a` as the result: ``ij,jk->ik`` gives ``ik,jk->ij`` and
    ``ij,ik->jk``. A label that only `a` has was summed over: the gradient is the same all along its axis. A label
    that `a` repeats selects a diagonal: the gradient is put back there by the identity matrix, ``ii->i`` gives
    ``i,ij->ij``.

    >>> import numpy as np
    >>> contract(np.array([[1.0, 2.0], [3.0, 4.0]]), subscripts="ii->i")
    array([1., 4.])
    """
    inputs, result = subscripts.split("->")
    terms = inputs.split(",")
    out = np.einsum(subscripts, *operands, optimize=optimize)

    def to(place: int) -> Closure:
        shape, others = operands[place].shape, operands[:place] + operands[place + 1 :]
        return lambda g: _transposed(g, others, terms, result, place, shape, optimize)

    return out, *map(to, range(len(operands)))


def _transposed(
    g: Array,
    others: tuple[Array, ...],
    terms: list[str],
    result: str,
    place: int,
    shape: tuple[int, ...],
    optimize: Any,
) -> Array:
    """Carry the gradient of a contraction back to the operand at `place`, of which only the shape is needed."""
    term = terms[place]
    given = ",".join([result, *terms[:place], *terms[place + 1 :]])
    labels = "".join(dict.fromkeys(term))
    shared = "".join(label for label in labels if label in given)
    alone = tuple(position for position, label in enumerate(labels) if label not in given)
    gradient = np.expand_dims(np.einsum(f"{given}->{shared}", g, *others, optimize=optimize), alone)
    if labels == term:
        return gradient
    unused = iter(label for label in _LABELS if label not in term)
    distinct = "".join(next(unused) if label in term[:position] else label for position, label in enumerate(term))
    repeats = [(old + new, n) for old, new, n in zip(term, distinct, shape, strict=True) if old != new]
    subscripts = f"{','.join([labels, *(pair for pair, _ in repeats)])}->{distinct}"
    return np.einsum(subscripts, gradient, *(np.eye(n, dtype=bool) for _, n in repeats))


@composition(np.einsum)
def einsum(*operands: Any, optimize: Any = False) -> Array:
    """Sum products over the axes that `operands` name, in all of `numpy.einsum`'s spellings.

    With `optimize`, several operands are contracted pair by pair, along the path that NumPy finds. Each step is an
    operation of its own, so that the gradients share what the steps have computed.
    """
    terms, result, arrays = _parsed(operands)
    if not optimize or len(arrays) < 3:
        return contract(*arrays, subscripts=f"{','.join(terms)}->{result}", optimize=bool(optimize))
    # The path depends on shapes alone: NumPy need not see, nor copy, the values.
    shapes = [np.broadcast_to(False, np.shape(x)) for x in arrays]  # noqa: FBT003 - any element will do
    for step in np.einsum_path(f"{','.join(terms)}->{result}", *shapes, optimize=optimize)[0][1:]:
        chosen = sorted(step, reverse=True)
        taken = [terms.pop(i) for i in chosen]
        pair = [arrays.pop(i) for i in chosen]
        needed = set(result).union(*terms)
        kept = result if not terms else "".join(label for label in dict.fromkeys("".join(taken)) if label in needed)
        arrays.append(contract(*pair, subscripts=f"{','.join(taken)}->{kept}", optimize=True))
        terms.append(kept)
    return arrays[0]


def _parsed(operands: tuple[Any, ...]) -> tuple[list[str], str, list[Any]]:
    """Return the labels of each operand and of the result, one for each axis, and the operands."""
    if isinstance(operands[0], str):
        spelling, *arrays = operands
        inputs, arrow, result = spelling.replace(" ", "").partition("->")
    else:  # einsum(a, [0, 1], b, [1, 2]), and perhaps [0, 2]
        count = len(operands) // 2
        arrays = list(operands[: 2 * count : 2])
        inputs = ",".join(map(_spelt, operands[1 : 2 * count : 2]))
        arrow, result = ("->", _spelt(operands[-1])) if len(operands) % 2 else ("", "")
    terms = inputs.split(",")
    if len(terms) != len(arrays):
        message = (
            f"einsum: expected the labels of {len(arrays)} operands, got '{inputs}', which are those of {len(terms)}. "
            f"Put a comma between two operands"
        )
        raise ArgumentError(message)
    # "..." stands for the axes that have no label of their own, aligned at the right: it gets labels not yet used.
    unused = [label for label in _LABELS if label not in inputs]
    ranks = [np.ndim(x) - len(term) + 3 if "..." in term else 0 for x, term in zip(arrays, terms, strict=True)]
    broadcast = "".join(unused[: max(0, *ranks)])
    terms = [term.replace("...", broadcast[len(broadcast) - n :]) for term, n in zip(terms, ranks, strict=True)]
    if not arrow:
        letters = inputs.translate(dict.fromkeys(map(ord, ".,")))
        result = broadcast + "".join(sorted(label for label in set(letters) if letters.count(label) == 1))
    elif broadcast and "..." not in result:
        message = (
            f"einsum: expected '...' in the result too, for in '{inputs}->{result}' it stands for {len(broadcast)} "
            f"axes of an operand. Write '...{result}', or sum over these axes first"
        )
        raise ArgumentError(message)
    return terms, result.replace("...", broadcast), arrays


def _spelt(labels: Sequence[Any]) -> str:
    """Return a list of numbers, and perhaps Ellipsis, as the letters that NumPy takes them for."""
    if not all(label is Ellipsis or 0 <= label < len(_LABELS) for label in labels):
        message = f"einsum: expected labels from 0 to {len(_LABELS) - 1}, or Ellipsis, got {list(labels)}"
        raise ArgumentError(message)
    return "".join("..." if label is Ellipsis else _LABELS[label] for label in labels)
