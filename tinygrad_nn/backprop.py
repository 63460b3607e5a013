"""Reverse-mode differentiation: the nodes that operations leave behind, and the walk that carries gradients back.

A `Node` knows its operands' nodes and one closure for each. Tensors point to nodes and nodes to nodes, never back, so
there are no reference cycles: a graph is freed the moment its last Tensor is dropped. Every node bears a stamp from one
rising clock. Operands are always older than what was made of them, so descending stamps are a topological order; and a
leaf whose array was changed notes the time, which tells whether a graph was recorded before the change.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import sys
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from operator import attrgetter, itemgetter
from types import CodeType, FrameType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from tinygrad_nn.errors import (
    AnomalyError,
    BackwardError,
    GraphReleasedError,
    InPlaceError,
    ShapeError,
    TinygradError,
)
from tinygrad_nn.primitive import Array, Closure, Primitive

OWN_FILES = frozenset(
    os.path.join(folder, name)  # noqa: PTH118 - importing pathlib would take longer than the rest of this file
    for folder, _, names in os.walk(os.path.dirname(__file__))  # noqa: PTH120 - likewise
    for name in names
)
"""The library's own files: a frame in one of them is not "the user's line". A set, because every operation asks."""

tick = itertools.count(1).__next__
"""The clock: each call returns a larger number, in all threads."""


class Mode(NamedTuple):
    """What holds for the operations of a block.

    Attributes:
        recording: whether they are recorded.
        level: how many transforms (`grad` inside `grad`) are under way.
        watch: what looks at the result of each operation and of each closure (see `detect_anomaly`), or None.

    """

    recording: bool
    level: int
    watch: Any = None


PLAIN = Mode(recording=True, level=0)
"""The ordinary mode. Compared by identity on the path of every operation, so there must be no second one like it."""

MODE: ContextVar[Mode] = ContextVar("tinygrad_nn.mode", default=PLAIN)


@contextlib.contextmanager
def set_mode(**changes: Any) -> Iterator[None]:
    """Run the block in a mode with other values for some fields; threads and async tasks each have their own."""
    mode = MODE.get()._replace(**changes)
    token = MODE.set(PLAIN if mode == PLAIN else mode)
    try:
        yield
    finally:
        MODE.reset(token)


def no_grad() -> contextlib._GeneratorContextManager[None]:
    """Record nothing in this block, or in a function that it decorates: results require no gradient.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([1.0], requires_grad=True)
    >>> with tn.no_grad():
    ...     (w * 2).requires_grad
    False
    """
    return set_mode(recording=False)


def enable_grad() -> contextlib._GeneratorContextManager[None]:
    """Record again inside a `no_grad` block.

    >>> import tinygrad_nn as tn
    >>> w = tn.Tensor([1.0], requires_grad=True)
    >>> with tn.no_grad(), tn.enable_grad():
    ...     (w * 2).requires_grad
    True
    """
    return set_mode(recording=True)


ModuleCall: TypeAlias = tuple[int, str, str, CodeType, int, Any]
"""One call of a module: when it began, the module's name and class, where it was called (code and offset), and the call
inside this one that returned the same node, or None. It hangs on the node of its result, whose stamp is its end: its
operations are those recorded in between. So a call costs a tuple, and no operation has to read a stack of modules.
"""


class Node:
    """One recorded operation: what `backward()` needs, released by it, and the skeleton that pictures are drawn from.

    Attributes:
        primitive: the operation; None for a leaf.
        operands: for each operand its node, or the number or array itself if it needs no gradient; of an array only the
            shape is left once released.
        closures: one for each operand, None where it needs no gradient; None as a whole once released.
        options: the keyword arguments of the operation.
        shape, dtype: those of the result.
        stamp: when it was recorded.
        code, offset: the place in the user's code, as code object and instruction; `location` makes it readable.
        returned_by: the last module call that returned it.
        grad: the gradient of the last ``backward(retain_graph=True)``; for a leaf, what has been accumulated.
        name: the user's name for the result.

    """

    __slots__ = (
        "closures", "code", "dtype", "grad", "name", "offset", "operands", "options",
        "primitive", "returned_by", "shape", "stamp",
    )  # fmt: skip  # one name a line would be a page of names

    is_leaf = False

    primitive: Primitive | None
    operands: list[Any] | tuple[Any, ...]
    closures: Sequence[Closure | None] | None
    options: dict[str, Any] | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    code: CodeType | None
    offset: int
    returned_by: ModuleCall | None
    grad: Any
    name: str | None
    stamp: int


_new_node = Node.__new__
_stamp = attrgetter("stamp")
_ARRAY = np.ndarray  # a name of the module is found faster than one of another


def make_node(
    primitive: Primitive,
    operands: list[Any] | tuple[Any, ...],
    closures: Sequence[Closure | None],
    options: dict[str, Any] | None,
    result: Array,
    frame: FrameType,
) -> Node:
    """Return the node of the operation that made `result`; `frame` is where the user called for it.

    A function, because calling one takes less time than constructing through ``__init__``.
    """
    node = _new_node(Node)
    node.primitive = primitive
    node.operands = operands
    node.closures = closures
    node.options = options
    node.shape = result.shape
    node.dtype = result.dtype
    node.code = frame.f_code
    node.offset = frame.f_lasti
    node.returned_by = node.grad = node.name = None
    node.stamp = tick()
    return node


def calls_around(node: Node, graph: Iterable[Node]) -> list[ModuleCall]:
    """Return the module calls during which `node` was recorded, the outermost first, as far as `graph` shows them."""
    found = []
    for result in graph:
        call = result.returned_by
        while call is not None:
            begin, *_, inner = call
            if begin < node.stamp <= result.stamp:
                found.append(call)
            call = inner
    return sorted(found, key=itemgetter(0))


def location(node: Node, graph: Iterable[Node]) -> str:
    """Return the line that recorded `node`, as ``file:line``: the innermost outside of the library's own files."""
    places = [(code, offset) for *_, code, offset, _ in calls_around(node, graph)]
    return users_line([*places, (node.code, node.offset)]) or "an unknown line"


def users_line(places: Sequence[tuple[CodeType | None, int]]) -> str | None:
    """Return as ``file:line`` the innermost of `places` in code that is outside of the library's own files."""
    for code, offset in reversed(places):
        is_users = (
            code is not None and code.co_filename not in OWN_FILES and not code.co_filename.startswith("<frozen ")
        )
        if code is not None and is_users:
            return _line(code, offset)
    return None


@functools.lru_cache(maxsize=256)  # a loop records one line a thousand times
def _line(code: CodeType, offset: int) -> str:
    lines = (line for start, end, line in code.co_lines() if start <= offset < end and line)
    return f"{code.co_filename}:{next(lines, code.co_firstlineno)}"


class Leaf(Node):
    """A value that no operation made and that wants a gradient: a parameter, or an input under study.

    Its array may change between two passes, but not between a forward pass and its backward pass. Changes through the
    library are noted by `touch`. Once the array has been handed out (`expose`), anybody may write into it, so from then
    on, and for as long as somebody else holds it, its fingerprint is compared before each use.
    """

    __slots__ = ("__weakref__", "array", "changed", "fingerprint")

    is_leaf = True

    def __init__(self, array: Array) -> None:
        """Make a leaf of `array`, which from now on belongs to it."""
        self.primitive = None
        self.operands = ()
        self.closures = None
        self.options = None
        self.shape = array.shape
        self.dtype = array.dtype
        self.code = None
        self.offset = 0
        self.returned_by = self.grad = self.name = None
        self.stamp = tick()
        self.array = array
        self.changed = 0
        self.fingerprint = 0

    def touch(self) -> None:
        """Note that the array has changed."""
        self.changed = tick()

    def expose(self) -> Array:
        """Hand out the array itself, writable, and watch it."""
        key = id(self)
        if key not in EXPOSED:
            self.fingerprint = hash(self.array.tobytes())
            EXPOSED[key] = weakref.ref(self, lambda _: EXPOSED.pop(key, None))
        return self.array

    def inspect(self) -> None:
        """Note a change that was made from outside since the last look, and stop watching once nobody else can."""
        fingerprint = hash(self.array.tobytes())
        if fingerprint != self.fingerprint:
            self.fingerprint = fingerprint
            self.touch()
        if sys.getrefcount(self.array) <= _UNSHARED:
            EXPOSED.pop(id(self), None)


EXPOSED: dict[int, weakref.ref[Leaf]] = {}
"""The leaves whose arrays somebody outside may be holding, by id. Nearly always empty, which is quick to see."""

_UNSHARED = sys.getrefcount(Leaf(np.zeros(())).array) + 1
"""References to the array of a leaf that only the leaf and its Tensor hold; counted, for interpreters differ."""


def inspect_exposed() -> None:
    """Note what has been changed from outside since the last look."""
    for reference in list(EXPOSED.values()):
        leaf = reference()
        if leaf is not None:
            leaf.inspect()


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum `gradient` over the axes along which an operand of `shape` was broadcast.

    >>> import numpy as np
    >>> unbroadcast(np.ones((3, 2)), (2,))
    array([3., 3.])

    """
    extra = gradient.ndim - len(shape)
    if extra > 0:
        gradient = gradient.sum(axis=0 if extra == 1 else tuple(range(extra)))
        if gradient.shape == shape:
            return gradient
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and i + extra >= 0 and gradient.shape[i] != 1)
    if axes and extra >= 0:
        gradient = gradient.sum(axis=axes, keepdims=True)
    return gradient if gradient.shape == shape else np.broadcast_to(gradient, shape)


def checked_order(root: Node, until: Iterable[Node] = ()) -> list[Node]:
    """List the operations below `root`, newest first, and refuse before anything is touched what cannot be done."""
    inspect_exposed()
    order: list[Node] = []
    seen = {root, *until}
    stack = [] if root.is_leaf else [root]
    while stack:
        node = stack.pop()
        order.append(node)
        if node.closures is None:
            raise GraphReleasedError(_released(node, order))
        for operand, closure in zip(node.operands, node.closures):
            if closure is None:
                continue
            if operand.is_leaf:
                if operand.changed > node.stamp:
                    raise InPlaceError(_changed(operand, node, order))
            elif operand not in seen:
                seen.add(operand)
                stack.append(operand)
    order.sort(key=_stamp, reverse=True)
    return order


def backpropagate(
    root: Node, seed: Array, *, retain_graph: bool = False, until: Iterable[Node] = ()
) -> dict[Node, Array]:
    """Return the gradient for each leaf below `root`, given the gradient `seed` of `root` itself.

    The walk goes no further than the nodes `until`, which are given their gradients as if they were leaves.

    The walk is iterative and keeps its cotangents in a local table; nothing is written into a leaf, so a closure that
    fails leaves every ``.grad`` as it was. Cotangents are added up in place as soon as they are the walk's own.

    Raises:
        GraphReleasedError: an earlier walk released the graph.
        InPlaceError: a leaf changed after the graph was recorded.
        BackwardError: a closure failed or returned what is no gradient for its operand.
        AnomalyError: inside of `detect_anomaly`, a closure made a number that is not finite.

    """
    order = checked_order(root, until)
    watch = MODE.get().watch
    edges = zip if watch is None else watch.edges(root, seed, order, until)  # one look a walk, and none in its loop
    cotangents: dict[Node, Array] = {root: seed}
    owned: set[Node] = set()
    for node in order:
        gradient = cotangents.pop(node)
        if retain_graph:
            node.grad = gradient
        operand: Any = None
        try:
            for operand, closure in edges(node.operands, node.closures):  # type: ignore[arg-type]  # whole: checked
                if closure is None:
                    continue
                contribution = closure(gradient)
                if contribution.shape != operand.shape:
                    contribution = unbroadcast(contribution, operand.shape)
                if contribution.dtype is not operand.dtype and contribution.dtype != operand.dtype:
                    contribution = contribution.astype(operand.dtype)
                previous = cotangents.get(operand)
                if previous is None:
                    cotangents[operand] = contribution
                elif operand in owned and type(contribution) is _ARRAY:
                    previous += contribution
                else:
                    cotangents[operand] = total = previous + contribution
                    if type(total) is _ARRAY:
                        owned.add(operand)
        except AnomalyError:
            raise
        except Exception as error:  # whatever a rule's closure may raise: it is told with the operation, and chained
            raise BackwardError(_failed(node, operand, gradient, error, order)) from error
        if not retain_graph:
            node.closures = None
            operands = node.operands
            if type(operands) is list:  # a tuple holds no arrays: see `record_pair`
                for place, operand in enumerate(operands):
                    if type(operand) is _ARRAY and operand.ndim:
                        operands[place] = operand.shape
    return cotangents


def accumulate(gradients: dict[Node, Array], *, keep: bool) -> None:
    """Add `gradients` to the ``.grad`` of their leaves, each as an array of its own.

    A sum is a new array, not ``+=``: the user may have kept the old one. A first gradient is copied where something
    else may hold it: where it is a view, where two leaves got the same one, and where results `keep` theirs too.
    """
    given: set[int] = set()
    for leaf, gradient in gradients.items():
        if leaf.grad is not None:
            leaf.grad = leaf.grad + gradient
        elif type(gradient) is _ARRAY and not keep and gradient.base is None and id(gradient) not in given:
            leaf.grad = gradient
            given.add(id(gradient))
        elif hasattr(gradient, "requires_grad"):
            leaf.grad = gradient  # a Tensor, which nobody can write into
        else:
            leaf.grad = np.array(gradient)


def describe(node: Node, graph: Iterable[Node]) -> str:
    """Name an operation as messages do: what it is, in which module, recorded where."""
    operation = node.primitive.name if node.primitive else node.name or "a leaf"
    path = ".".join(name for _, name, *_ in calls_around(node, graph))
    return f"'{operation}'{f' in module {path}' if path else ''}, recorded at {location(node, graph)}"


def _released(node: Node, graph: list[Node]) -> str:
    return (
        f"backward: expected a graph that is still whole, but a backward() has released it already "
        f"(at {describe(node, graph)}). Compute the loss again, or call backward(retain_graph=True) the first time"
    )


def _changed(leaf: Node, node: Node, graph: list[Node]) -> str:
    name = f"'{leaf.name}' " if leaf.name else ""
    return (
        f"backward: expected the leaf {name}of shape {leaf.shape} to be as it was in the forward pass, but it was "
        f"changed in place after {describe(node, graph)}. Call backward() before optimizer.step() or before you write "
        f"into .data, or compute the loss again"
    )


def _failed(node: Node, operand: Any, gradient: Array, error: Exception, graph: list[Node]) -> str:
    if isinstance(error, TinygradError):  # a rule that says itself what is wrong
        return f"backward: {describe(node, graph)}: {error}"
    place = [source is operand for source in node.operands].index(True)
    if isinstance(error, (ArithmeticError, Warning)):  # as numpy.errstate or a filter of warnings asks for
        return (
            f"backward: the gradient of {describe(node, graph)} for operand {place} is not a finite number: "
            f"{type(error).__name__}: {error}. Keep the operand away from the edge of the domain, or compute only "
            f"where it is inside, with np.piecewise"
        )
    return (
        f"backward: the closure for operand {place} of {describe(node, graph)} failed. Expected a "
        f"gradient that broadcasts to the operand's shape {operand.shape}, given one of shape {gradient.shape}; it "
        f"came to {type(error).__name__}: {error}. Mend the rule of '{node.primitive.name if node.primitive else ''}'"
    )


def check_seed(seed: Array, node: Node) -> Array:
    """Refuse an explicit gradient of another shape than the value it belongs to."""
    if seed.shape != node.shape:
        message = (
            f"backward: expected a gradient of the shape of the value, {node.shape}, but got {seed.shape}. "
            f"Reshape it, or sum the value to a scalar first"
        )
        raise ShapeError(message)
    return seed
