"""What happened: from a result that is not finite to the operation, the line and the values that made it so.

Nothing is kept for this while all goes well. A graph knows its operations, options and constants, so it is run again
from its leaves when there is something to explain.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn.anomaly.causes import Cause, Situation, backward_cause, data_cause, forward_cause
from tinygrad_nn.anomaly.report import Anomaly, counted, first_index, is_finite, is_nan, summary
from tinygrad_nn.backprop import OWN_FILES, Leaf, Node, calls_around, location, set_mode
from tinygrad_nn.primitive import Closure, Primitive
from tinygrad_nn.tensor import Tensor, constant, raw
from tinygrad_nn.transforms.checkpointing import CHECKPOINT
from tinygrad_nn.transforms.replay import evaluate, nodes_below

_FAR_OFF = 1e4
"""From where on the numbers of a leaf that was changed since it was made are taken for those of a run that diverged."""

_SPOILING = "its slope there is infinite, too: on the way back even a gradient of 0, as np.where hands on, becomes NaN"

_LAYERS = frozenset({"dense", "matmul", "dot", "contract", "conv", "recurrence"})
"""Operations that mix all elements: what went into them says nothing of the single numbers that come out."""


class Call(NamedTuple):
    """One operation with the values of its operands and its result, and the node, if any, behind each operand."""

    primitive: Primitive
    operands: Sequence[Any]
    sources: Sequence[Node | None]
    options: dict[str, Any]
    out: Any
    line: str
    module: str

    @classmethod
    def of(cls, primitive: Primitive, operands: Sequence[Any], options: dict[str, Any] | None, out: Any) -> Call:
        """Return the call that is under way."""
        line, module = _under_way()
        return cls(primitive, [*map(raw, operands)], [*map(_source, operands)], options or {}, out, line, module)

    @classmethod
    def recorded(cls, node: Node, values: dict[Node, Any], graph: Sequence[Node]) -> Call:
        """Return the call that left `node` behind."""
        sources = [x if isinstance(x, Node) else None for x in node.operands]
        operands = [values[x] if isinstance(x, Node) else raw(x) for x in node.operands]
        module = ".".join(name for _, name, *_ in calls_around(node, graph))
        primitive: Any = node.primitive
        return cls(primitive, operands, sources, node.options or {}, values[node], location(node, graph), module)

    @property
    def name(self) -> str:
        """The name of the operation."""
        return self.primitive.name

    @property
    def place(self) -> str:
        """Where the user called for it."""
        return f"at {self.line}{f' in module {self.module}' if self.module else ''}"

    def situation(self, index: tuple[int, ...]) -> Situation:
        """Return what a cause is looked for in."""
        return Situation(self.primitive, self.operands, self.options, self.out, index, _lineages(self.sources))

    def described(self, index: tuple[int, ...]) -> list[str]:
        """Return a line for each operand, with the element of which the one at `index` of the result was made."""
        has_element = index and self.situation(index).is_elementwise
        lines = []
        for place, (operand, source) in enumerate(zip(self.operands, self.sources, strict=True)):
            lengths = np.shape(operand)
            last = index[len(index) - len(lengths) :]
            at = tuple(min(i, n - 1) for i, n in zip(last, lengths, strict=True)) if has_element else None
            lines.append(f"operand {place}{_named(source)}: {summary(operand, at)}")
        return lines


@dataclasses.dataclass
class Pullback:
    """One closure of a graph in the walk back, with the gradient that came in and what it made of it."""

    node: Node
    place: int
    closure: Closure
    graph: Sequence[Node]
    gradient: Any = None
    result: Any = None


def spoils_gradients(node: Node) -> bool:
    """Tell whether even a gradient of 0 becomes NaN on the way back through an operation, for its slope is infinite."""
    if node.closures is None or node.primitive is CHECKPOINT:  # which runs its operations again
        return False
    g = np.zeros(node.shape, node.dtype)
    with set_mode(watch=None), np.errstate(all="ignore"):
        return any(closure is not None and is_nan(raw(closure(g))) for closure in node.closures)


def in_forward(call: Call, node: Node | None = None) -> Anomaly:
    """Say why the result of a call is not finite: NaN made of numbers, or an infinity; and if its `node` spoils all."""
    index = first_index(call.out)
    origin = None
    if is_nan(call.out):
        infinite = [place for place, operand in enumerate(call.operands) if not is_finite(operand)]
        found = [_traced(call, place) for place in infinite]
        origin = next((anomaly for anomaly in found if anomaly.phase == "forward"), None)
    is_spoiling = node is not None and bool(np.isinf(call.out[index])) and spoils_gradients(node)
    text = f"{call.name}: expected finite numbers in the result, got {counted(call.out)}, {call.place}"
    cause = _or_divergence(forward_cause(call.situation(index)), call)
    lines = [text, *call.described(index), *([_SPOILING] if is_spoiling else [])]
    anomaly = Anomaly(call.name, "forward", call.line, None, index, *cause, tuple(lines), origin)
    # It all began there, and nothing good could have come of it either way.
    return origin if origin is not None and _SPOILING in origin.text else anomaly


def of_recorded(node: Node, graph: Sequence[Node]) -> Anomaly:
    """Say why the result of a recorded operation is not finite."""
    return in_forward(Call.recorded(node, _values_below(node), graph), node)


def in_backward(maker: Pullback, then: Pullback) -> Anomaly:
    """Say why the gradient that `maker` computed is not finite, which came to light in `then`."""
    node, place = maker.node, maker.place
    values = _values_below(node)
    call = Call.recorded(node, values, maker.graph)
    index = first_index(maker.result)
    masks = _masks(node, maker.graph)
    behind = f" behind where ({location(masks[0], maker.graph)})" if masks else ""
    cause = backward_cause(call.situation(index), place, maker.closure, maker.gradient, maker.result, behind)
    text = (
        f"backward: expected a finite gradient of '{call.name}' for operand {place}{_named(call.sources[place])}, got "
        f"{counted(maker.result)}, recorded {call.place}"
    )
    is_like_result = np.shape(maker.result) == np.shape(maker.gradient)
    given = summary(maker.gradient, index if is_like_result else None)
    lines = [text, *call.described(index if is_like_result else ()), f"incoming gradient: {given}"]
    if then is not maker:
        lines.append(f"it came to light in the gradient of '{_name(then.node)}' at {location(then.node, then.graph)}")
    return Anomaly(call.name, "backward", call.line, place, index, *_or_divergence(cause, call), tuple(lines))


def of_loss(root: Node, graph: Sequence[Node]) -> Anomaly:
    """Say what made the value infinite that `backward()` is called on."""
    values = _values_below(root)
    anomaly = _descend(root, values, graph)
    text = f"backward: expected a finite value to start from, got {counted(values[root])}. {anomaly.text[0]}"
    return dataclasses.replace(anomaly, text=(text, *anomaly.text[1:]))


def of_seed(root: Node, seed: Any, graph: Sequence[Node]) -> Anomaly:
    """Say that the gradient given to `backward()` is not finite."""
    line = location(root, graph)
    text = f"backward: expected 'gradient' to be finite numbers, got {counted(seed)}, for '{_name(root)}' at {line}"
    cause = Cause("the gradient that was handed in is not finite", "Look at where it is computed")
    return Anomaly(_name(root), "data", line, None, first_index(seed), *cause, (text,))


def _traced(call: Call, place: int) -> Anomaly:
    """Say where the numbers in an operand come from that are not finite: its graph may be older than the watch."""
    source = call.sources[place]
    graph = [] if source is None else nodes_below(source)
    if source is None or any(node.closures is None and not node.is_leaf for node in graph):  # released by backward()
        return _of_data(call, place)
    values = _values_below(source)
    if source.is_leaf or is_finite(values[source]):  # a leaf has changed since
        return _of_data(call, place)
    return _descend(source, values, graph)


def _descend(node: Node, values: dict[Node, Any], graph: Sequence[Node]) -> Anomaly:
    """Go down from a node with a value that is not finite to the first that made such of finite numbers."""
    is_bad = is_nan if is_nan(values[node]) else (lambda value: not is_finite(value))
    while True:
        call = Call.recorded(node, values, graph)
        place = next((place for place, operand in enumerate(call.operands) if is_bad(operand)), None)
        if place is None:
            return in_forward(call, node)
        source = call.sources[place]
        if source is None or isinstance(source, Leaf):
            return _of_data(call, place)
        node = source


def _of_data(call: Call, place: int) -> Anomaly:
    """Say that an operand holds NaN or infinities that no recorded operation made."""
    operand, source = call.operands[place], call.sources[place]
    index = first_index(operand)
    text = (
        f"{call.name}: expected finite numbers in operand {place}{_named(source)}, got {counted(operand)}, before any "
        f"operation, {call.place}"
    )
    is_changed = isinstance(source, Leaf) and bool(source.changed)
    cause = data_cause(is_nan=is_nan(operand), is_leaf=isinstance(source, Leaf), is_changed=is_changed)
    return Anomaly(call.name, "data", call.line, place, index, *cause, (text, *call.described(())))


def _or_divergence(cause: Cause, call: Call) -> Cause:
    """Return a cause, with the advice against divergence where a leaf below has been trained to huge numbers."""
    below = [node for source in call.sources if source is not None for node in nodes_below(source)]
    sizes = {x: np.max(np.absolute(raw(x.array)), initial=0) for x in below if isinstance(x, Leaf) and x.changed}
    leaf = max(sizes, key=sizes.__getitem__, default=None)
    if leaf is None or not sizes[leaf] > _FAR_OFF:
        return cause
    text = f"{cause.text}; the leaf{_named(leaf) or f' of shape {leaf.shape}'} has been trained to numbers up to"
    return Cause(f"{text} {sizes[leaf]:.3g}", "Lower the learning rate, or clip the gradients with optim.clip_by_norm")


def _values_below(root: Node) -> dict[Node, Any]:
    """Run the graph below `root` again, on raw arrays, and return the value of each node."""
    known: dict[Node, Any] = {
        node: constant(np.asarray(raw(node.array))) for node in nodes_below(root) if isinstance(node, Leaf)
    }
    with set_mode(recording=False, level=0, watch=None), np.errstate(all="ignore"):
        evaluate(root, known)
    return {node: raw(value) for node, value in known.items()}


def _under_way() -> tuple[str, str]:
    """Return the user's line that is being run, and the path of the modules that are."""
    frame: FrameType | None = sys._getframe(2)
    modules: list[str] = []
    line = ""
    while frame is not None:
        code = frame.f_code
        if code.co_filename not in OWN_FILES:
            line = line or f"{code.co_filename}:{frame.f_lineno}"
        elif code.co_name == "__call__" and code.co_filename.endswith("module.py"):
            module = frame.f_locals["self"]
            modules.append(module._name or type(module).__name__)
        frame = frame.f_back
    return line or "an unknown line", ".".join(reversed(modules))


def _source(operand: Any) -> Node | None:
    """Return the node of an operand, on the highest level on which it has one."""
    while isinstance(operand, Tensor):
        if operand._node is not None:
            return operand._node
        operand = operand._data
    return None


def _lineages(sources: Sequence[Node | None]) -> list[frozenset[str]]:
    """Return for each operand the names of the operations that made it, a few steps back and up to the next layer."""
    found = []
    for source in sources:
        names: set[str] = set()
        nodes = [] if source is None else [source]
        for _ in range(4):
            names |= {_name(node) for node in nodes}
            activations = [(node.options or {}).get("activation") for node in nodes]
            names |= {activation.__name__ for activation in activations if activation is not None}
            nodes = [x for node in nodes if _name(node) not in _LAYERS for x in node.operands if isinstance(x, Node)]
        found.append(frozenset(names))
    return found


def _masks(node: Node, graph: Sequence[Node]) -> list[Node]:
    """List the uses of `where` through which the gradient has come to `node`, the nearest first."""
    reached, masks = {node}, []
    for later in reversed(graph):
        if any(isinstance(x, Node) and x in reached for x in later.operands):
            reached.add(later)
            if _name(later) == "where":
                masks.append(later)
    return masks


def _name(node: Node) -> str:
    return node.primitive.name if node.primitive else node.name or "a leaf"


def _named(source: Node | None) -> str:
    """Return the name of a leaf as it stands behind the word operand."""
    return f" '{source.name}'" if isinstance(source, Leaf) and source.name else ""
