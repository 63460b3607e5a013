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

from tinygrad_nn.anomaly.diagnosis import Call, Pullback, in_backward, in_forward, of_loss, of_seed
from tinygrad_nn.anomaly.report import is_finite, is_nan
from tinygrad_nn.backprop import Node, set_mode
from tinygrad_nn.errors import AnomalyError
from tinygrad_nn.primitive import Array, Closure, Primitive
from tinygrad_nn.recording import record
from tinygrad_nn.tensor import Tensor, raw
from tinygrad_nn.transforms.checkpointing import CHECKPOINT

Edges: TypeAlias = Callable[[Any, Any], Iterator[tuple[Any, Closure | None]]]


@contextlib.contextmanager
def detect_anomaly(*, infinities: bool = False) -> Iterator[None]:
    """Stop in this block, or in a function that it decorates, at the operation that makes the first NaN, and say why.

    A NaN is an error at once: in the result of an operation, and in a gradient. So is an infinity that a recorded
    operation makes of finite numbers where its slope is infinite, too, as that of `log` is at 0: on the way back, even
    a gradient of 0 would become NaN there. Any other may be meant: scores are masked with -inf, a maximum starts from
    it. It is an error only when it matters, that is when a NaN is made of it, or when it reaches the single number that
    `backward()` is called on, or the gradient of a leaf. The message names the operation that made it all the same.

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


def _spoils_gradients(node: Node | None) -> bool:
    """Tell whether even a gradient of 0 becomes NaN on the way back through an operation, for its slope is infinite."""
    if node is None or node.closures is None or node.primitive is CHECKPOINT:  # which runs its operations again
        return False
    with set_mode(watch=None):
        return any(
            closure is not None and is_nan(raw(closure(np.zeros(node.shape, node.dtype)))) for closure in node.closures
        )


class Watch:
    """What a mode is watched by."""

    def __init__(self, *, infinities: bool) -> None:
        """Take infinities for errors at once, or only when they matter."""
        self.infinities = infinities
        self.infinite: set[int] = set()
        """The stamps of the results that hold an infinity: numbers, so as to keep no graph alive."""

    def record(self, primitive: Primitive, operands: tuple[Any, ...], options: dict[str, Any] | None) -> Tensor:
        """Do what `recording.record` does, and look at the result.

        What a rule does inside on Tensors of the level below is not looked at: the user called for this operation.
        """
        with set_mode(watch=None):
            result = record(primitive, operands, options)
        out = raw(result)
        if is_finite(out):
            return result
        is_made_here = not is_nan(out) and all(is_finite(raw(x)) for x in operands)
        is_spoiling = is_made_here and _spoils_gradients(result._node)
        if is_nan(out) or is_spoiling or (is_made_here and self.infinities):
            raise AnomalyError(in_forward(Call.of(primitive, operands, options, out), is_spoiling=is_spoiling))
        if result._node is not None:
            self.infinite.add(result._node.stamp)
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
        if root.stamp in self.infinite and math.prod(root.shape) == 1 and not ends:
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
