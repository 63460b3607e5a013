"""`checkpoint`: memory for time. A part of a network forgets what it computed, and computes it again for backward."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_nn import trees
from tinygrad_nn.backprop import MODE, Node, backpropagate, make_node, set_mode, tick
from tinygrad_nn.errors import BackwardError
from tinygrad_nn.primitive import Array, Primitive
from tinygrad_nn.recording import Traced
from tinygrad_nn.tensor import Tensor, constant, raw
from tinygrad_nn.transforms.effects import Effects


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return `f` as one operation that keeps nothing for backward but its arguments, and runs `f` again there.

    A network of ``n`` layers, checkpointed in pieces of ``sqrt(n)``, needs memory for some ``2 sqrt(n)`` activations
    rather than for ``n``, at the cost of one more forward pass.

    Args:
        f: any function of Tensors, also a module. The gradient reaches its arguments, and Tensors that it uses
            otherwise, such as parameters. It has to compute the same both times. Layers see to it themselves: a
            `Dropout` drops the same again, and a `BatchNorm` moves its averages once. Other random numbers have to be
            drawn outside and handed in.

    Returns:
        a function of the same arguments with the same results and gradients, to any order. (Of nested derivatives the
        innermost saves memory.)

    Raises:
        BackwardError: in backward, if `f` computed something else the second time.

    Source: T. Chen et al., "Training deep nets with sublinear memory cost" (2016).

    >>> import tinygrad_nn as tn
    >>> x = tn.Tensor([1.0, 2.0], requires_grad=True)
    >>> y = tn.checkpoint(lambda x: (x * x).exp().sum())(x)
    >>> y.backward()
    >>> x.grad.round(3)
    array([  5.437, 218.393])

    """

    @functools.wraps(f, updated=())
    def call(*args: Any, **options: Any) -> Any:
        if not MODE.get().recording:
            return f(*args, **options)
        segment = Segment(f, args, options)
        with segment.effects.first():
            begin, result = segment.run()
        outputs = trees.values(result)
        for index, output in enumerate(outputs):
            node = output._node if isinstance(output, Tensor) else None
            if node is not None and not node.is_leaf and node.stamp > begin:
                outputs[index] = segment.checkpointed(index, output, begin, sys._getframe(1))
        return trees.rebuild(result, iter(outputs))

    return call


class Segment:
    """One call of a checkpointed function, which can be run again."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Keep what the call needs."""
        self.f, self.args, self.options = f, args, options
        self.level = MODE.get().level
        self.effects = Effects()
        self.fingerprints: dict[int, int] = {}
        self.pending: dict[int, Node] = {}

    def run(self) -> tuple[int, Any]:
        """Run the function, recorded, and return when that began and what it returned."""
        begin = tick()
        with set_mode(recording=True, level=self.level):
            return begin, self.f(*self.args, **self.options)

    def checkpointed(self, index: int, output: Any, begin: int, frame: Any) -> Tensor:
        """Return an output with a single node in the place of the graph that made it."""
        inputs = _inputs(output._node, begin)
        self.fingerprints[index] = _fingerprint(output)
        shared = _Shared(self, index, inputs)
        closures = [functools.partial(shared.gradient, place) for place in range(len(inputs))]
        options = {"function": self, "output": index}
        node = make_node(CHECKPOINT, list(inputs), closures, options, raw(output), frame)
        if isinstance(output, Traced):
            return Traced(output._below, node, output.level)
        tensor = constant(output._data)
        tensor._node = node
        return tensor

    def again(self, index: int) -> Node:
        """Return the node that made an output, of a graph that is recorded for the purpose.

        Each run serves all outputs once: a backward pass asks for each of them in turn.
        """
        if index not in self.pending:
            with self.effects.again():
                outputs = trees.values(self.run()[1])
            for place, fingerprint in self.fingerprints.items():
                if _fingerprint(outputs[place]) != fingerprint:
                    raise BackwardError(_differs(self))
            self.pending = {place: outputs[place]._node for place in self.fingerprints}
        return self.pending.pop(index)

    def __repr__(self) -> str:
        """Name the function, as pictures and messages show it."""
        return str(getattr(self.f, "__name__", type(self.f).__name__))


class _Shared:
    """The gradients for all inputs of one output: computed together, and handed out one by one."""

    def __init__(self, segment: Segment, index: int, inputs: list[Node]) -> None:
        self.segment, self.index, self.inputs = segment, index, inputs
        self.last: tuple[Any, Any, dict[Node, Array]] | None = None

    def gradient(self, place: int, g: Array) -> Array:
        """Return the gradient for one input."""
        mode = MODE.get()  # what was found for a gradient without recording is of no use with it
        if self.last is None or self.last[0] is not g or self.last[1] != mode:
            root = self.segment.again(self.index)
            # Outputs may share operations, so that the graph is whole until the last of them has been asked for.
            keep = bool(self.segment.pending)
            self.last = g, mode, backpropagate(root, g, until=self.inputs, retain_graph=keep)
        found = self.last[2].get(self.inputs[place])
        if place == len(self.inputs) - 1:
            self.last = None
        return np.zeros(self.inputs[place].shape) if found is None else found


def _checkpoint(*inputs: Array, function: Segment, output: int) -> tuple[Any, ...]:
    """Stand for the operations of a function; never run, for the function is."""
    raise AssertionError((inputs, function, output))


CHECKPOINT = Primitive(_checkpoint, ())
CHECKPOINT.name = "checkpoint"


def _inputs(root: Node, begin: int) -> list[Node]:
    """List what a graph recorded since `begin` starts from: older nodes, and leaves."""
    inputs: list[Node] = []
    seen, stack = {root}, [root]
    while stack:
        node = stack.pop()
        for operand, closure in zip(node.operands, node.closures or (), strict=True):
            if closure is not None and operand not in seen:
                seen.add(operand)
                (inputs if operand.is_leaf or operand.stamp < begin else stack).append(operand)
    return inputs


def _fingerprint(output: Any) -> int:
    return hash(np.asarray(raw(output)).tobytes())


def _differs(segment: Segment) -> str:
    return (
        f"checkpoint: expected '{segment!r}' to compute the same when run again for backward, but it did not. Draw "
        f"random numbers outside and hand them in, and change no state inside"
    )
