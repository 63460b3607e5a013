"""`detect_anomaly`: looking at what each operation returns, and each closure on the way back.

It costs nothing where it is off. The path of every operation asks anyway whether the mode is the ordinary one, and one
that is watched is not; the walk of `backpropagate` asks once, before its loop.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.anomaly.diagnosis import (
    Call,
    Pullback,
    in_backward,
    in_forward,
    of_loss,
    of_recorded,
    of_seed,
    spoils_gradients,
)
from tinygrad_nn.anomaly.report import is_finite, is_nan
from tinygrad_nn.backprop import Node, set_mode
from tinygrad_nn.errors import AnomalyError
from tinygrad_nn.primitive import Array, Closure, Primitive
from tinygrad_nn.recording import Traced, record
from tinygrad_nn.tensor import Tensor, raw
from tinygrad_nn.transforms.checkpointing import CHECKPOINT

Edges: TypeAlias = Callable[[Any, Any], Iterator[tuple[Any, Closure | None]]]


@contextlib.contextmanager
def detect_anomaly(*, infinities: bool = False) -> Iterator[None]:
    """Stop in this block, or in a function that it decorates, at the operation that makes a NaN that matters, say why.

    A NaN that an operation makes of numbers is an error at once, and so is one that a closure makes in a gradient. What
    came in as NaN, such as a gap in the data, is no fault of the operation that passes it on; and an infinity may be
    meant: scores are masked with -inf, a maximum starts from it. Either is an error only when it matters: when a NaN is
    made of the infinity; when it reaches the single number that `backward()` is called on, or the gradient of a leaf;
    or when the way back leads through an operation that made an infinity of finite numbers where its slope is infinite,
    too, as that of `log` is at 0, for there even a gradient of 0 would become NaN. What is only logged, left out as by
    `numpy.nanmean`, or replaced, is none. The message names the operation that it all began with.

    Inside of transforms it works likewise, and with a graph that was recorded outside of the block. NumPy's own
    warnings of such numbers are silent in the block. It holds for this thread, as `no_grad` does.

    Args:
        infinities: whether any infinity is an error at once, if it is made of finite numbers.

    Raises:
        AnomalyError: a number that is not finite. Its ``anomaly`` holds the operation, the line, the cause and the
            remedy as an `Anomaly`.

    >>> import numpy as np, tinygrad_nn as tn
    >>> x = tn.Tensor([0.0, 4.0], requires_grad=True)
    >>> with tn.detect_anomaly():
    ...     try:
    ...         np.where(x > 0, np.sqrt(x), 0.0).sum().backward()
    ...     except tn.errors.AnomalyError as error:
    ...         print(error.anomaly.operation, error.anomaly.phase)
    ...         print(error.anomaly.cause.split(" (")[0])
    sqrt backward
    0 * inf: sqrt at 0 behind where

    """
    with set_mode(watch=Watch(infinities=infinities)), np.errstate(all="ignore"):
        yield


class Watch:
    """What a mode is watched by."""

    def __init__(self, *, infinities: bool) -> None:
        """Take infinities for errors at once, or only when they matter."""
        self.infinities = infinities
        self.noted: set[int] = set()
        """The stamps of the results that are not finite: numbers, so as to keep no graph alive."""
        self.made: set[int] = set()
        """The stamps of those that hold an infinity made of finite numbers."""

    def record(self, primitive: Primitive, operands: tuple[Any, ...], options: dict[str, Any] | None) -> Tensor:
        """Do what `recording.record` does, and look at the result.

        What a rule does inside on Tensors of the level below is not looked at: the user called for this operation.
        """
        with set_mode(watch=None):
            result = record(primitive, operands, options)
        out = raw(result)
        if is_finite(out):
            return result
        given = [raw(x) for x in operands]
        is_made_here = all(map(is_finite, given))
        node = result._node
        # What is computed inside of a transform is on its way to a derivative, which may take another way than back.
        is_spoiling = is_made_here and isinstance(result, Traced) and node is not None and spoils_gradients(node)
        is_made_nan = is_nan(out) and not any(map(is_nan, given))
        if is_made_nan or is_spoiling or (is_made_here and self.infinities):
            raise AnomalyError(in_forward(Call.of(primitive, operands, options, out), node))
        if node is not None:
            self.noted.add(node.stamp)
            if is_made_here:
                self.made.add(node.stamp)
        return result

    def edges(self, root: Node, seed: Array, order: list[Node], until: Iterable[Node]) -> Edges:
        """Return what stands for `zip` in the walk of `backpropagate`: it yields closures that look at their results.

        It is called once for each node of `order`, in turn. An infinity goes its way, for a mask may stop it, until it
        has become NaN or has come to an end of the walk: a leaf, or what the walk was told to go no further than.
        """
        nodes, ends = iter(order), set(until)
        if not is_finite(raw(seed)):
            if ends:  # inside of a checkpoint: whoever looks at the walk outside knows where it comes from
                return zip
            raise AnomalyError(of_seed(root, raw(seed), order))
        for node in reversed(order) if self.made else ():
            if node.stamp in self.made and spoils_gradients(node):
                raise AnomalyError(of_recorded(node, order))
        if root.stamp in self.noted and math.prod(root.shape) == 1 and not ends:
            raise AnomalyError(of_loss(root, order))
        made_by: dict[Node, Pullback] = {}

        def edges(operands: Any, closures: Any) -> Iterator[tuple[Any, Closure | None]]:
            node = next(nodes)
            for place, (operand, closure) in enumerate(zip(operands, closures, strict=True)):
                yield operand, closure and self._looking(Pullback(node, place, closure, order), made_by, ends)

        return edges

    def _looking(self, pullback: Pullback, made_by: dict[Node, Pullback], ends: set[Node]) -> Closure:
        """Return a closure that looks at what it returns, and notes who made the first infinity on the way to it."""
        node, operand = pullback.node, pullback.node.operands[pullback.place]

        def look(g: Any) -> Any:
            # Inside of a transform a closure records operations of its own, which are not the user's; in a checkpoint's
            # the walk goes on.
            with contextlib.nullcontext() if node.primitive is CHECKPOINT else set_mode(watch=None):
                contribution = pullback.closure(g)
            out = raw(contribution)
            if is_finite(out):
                return contribution
            pullback.gradient, pullback.result = raw(g), out
            is_made_here = is_finite(pullback.gradient)
            maker = pullback if is_made_here else made_by.get(node, pullback)
            made_by.setdefault(operand, maker)
            if is_nan(out) or operand.is_leaf or operand in ends or (self.infinities and is_made_here):
                raise AnomalyError(in_backward(maker, then=pullback))
            return contribution

        return look
