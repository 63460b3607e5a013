"""The forward pass of a recorded graph as assignments: the rules run again, on symbols.

What a rule does to symbols is its formula, and stands in the program where the operation was. It is used only if it
gives the bits that the rule gives for arrays. Where there is none, as where a rule asks for values, the program calls
the rule itself, which returns closures for the backward pass, as it does for the engine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn.backprop import Node, checked_order, users_line
from tinygrad_nn.graph.labels import operand_label
from tinygrad_nn.graph.modules import Path, calls_around_each, path_of
from tinygrad_nn.graph.program.arguments import Arguments
from tinygrad_nn.graph.program.expressions import Assignment, Expression, Name, Operation
from tinygrad_nn.graph.program.names import Names
from tinygrad_nn.graph.program.symbols import Opaque, Symbol, Trace
from tinygrad_nn.primitive import Primitive
from tinygrad_nn.transforms.checkpointing import CHECKPOINT


class Step(NamedTuple):
    """An operation of the forward pass, and how its gradients are computed."""

    trace: Trace
    closures: Sequence[Callable[[Any], Any] | None]
    gradient: Name
    path: Path


class Forward:
    """The assignments of the forward pass.

    Attributes:
        assignments: what is computed, in the order in which it was recorded.
        variables: the variable and the value of each node.
        steps: for each operation what the backward pass needs.
        segments: for the node of a checkpointed function the one inside of it that made its result.
        hints: good names for expressions, by their id.

    """

    def __init__(self, names: Names, arguments: Arguments) -> None:
        """Begin with nothing; `names` and `arguments` are those of the program."""
        self.names = names
        self.arguments = arguments
        self.assignments: list[Assignment] = []
        self.variables: dict[Node, tuple[Name, Any]] = {}
        self.steps: dict[Node, Step] = {}
        self.segments: dict[Node, Node] = {}
        self.hints: dict[int, str] = {}

    def compute(self, root: Node, differentiated: set[Node], name: str = "") -> None:
        """Compute what is below `root` and not known yet, oldest first."""
        if root.is_leaf and root not in self.variables:
            self._leaf(root)
        operations = _operations(root, self.variables)
        for node, calls in zip(operations, calls_around_each(operations), strict=True):
            if node.primitive is CHECKPOINT:
                self._segment(node)
                continue
            places = [*((call.code, call.offset) for call in calls), (node.code, node.offset)]
            variable = Name(name if node is root and name else self.names.new(_name(node), "value"))
            line = os.path.basename(users_line(places) or "")  # noqa: PTH119 - importing pathlib takes long
            self._run(node, variable, path_of(calls), line, is_needed=node in differentiated)

    def _segment(self, node: Node) -> None:
        """Write the operations of a checkpointed function in its place."""
        options: Any = node.options
        inner = options["function"].again(options["output"])
        inputs = [x for x in node.operands if isinstance(x, Node)]
        self.compute(inner, set(checked_order(inner, inputs)))
        self.variables[node] = self.variables[inner]
        self.segments[node] = inner

    def _run(self, node: Node, variable: Name, path: Path, line: str, *, is_needed: bool) -> None:
        """Compute an operation: by formulas if its rule has them, or else by a call of the rule."""
        primitive: Any = node.primitive
        trace, options = Trace(), node.options or {}
        operands = [self._operand(node, place, trace) for place in range(len(node.operands))]
        arrays = [x.value if isinstance(x, Symbol) else x for x in operands]
        value, *closures = primitive.rule(*arrays, **options)
        wanted = [place for place, closure in enumerate(node.closures or ()) if is_needed and closure is not None]
        gradient = Name(self.names.new(f"d_{variable.text}")) if is_needed else variable
        targets = [variable.text]
        try:
            result, *formulas = primitive.rule(*operands, **options)
            expression = checked(result, value)
            g = Symbol(trace, gradient, cotangent_like(value))
            for place in wanted:
                checked(formulas[place](g), closures[place](g.value))
            self._hint(formulas)
            self.hints.pop(id(expression), None)
            closures = formulas
        except Exception:  # noqa: BLE001 - whatever a rule makes of symbols: on arrays it did what it should
            expression = Operation("call", primitive.rule, tuple(_plain(x) for x in operands), options)
            names = self._names_of_closures(primitive, variable, closures, wanted)
            targets += [name.text for name in names]
            closures = [_caller(name, closure) for name, closure in zip(names, closures, strict=False)]
        trace.limit = np.inf  # what the engine adds in the backward pass is written whatever the rule came to
        self.variables[node] = variable, value
        self.steps[node] = Step(trace, closures, gradient, path)
        what = " ".join(filter(None, (primitive.name, line)))
        self.assignments.append(Assignment(tuple(targets), "=", expression, path, f"{np.shape(value)} {what}"))

    def _names_of_closures(
        self, primitive: Primitive, variable: Name, closures: Sequence[Any], wanted: Sequence[int]
    ) -> list[Name]:
        """Return the variables for the closures that a call of a rule returns; ``*_`` takes what is not wanted."""
        code = primitive.rule.__code__
        operands = code.co_varnames[: code.co_argcount]
        count = max(wanted, default=-1) + 1
        names = [
            Name(self.names.new(f"{variable.text}_to_{operands[place] if place < len(operands) else place}"))
            if place in wanted
            else Name("_")
            for place in range(count)
        ]
        return names if count == len(closures) else [*names, Name("*_")]

    def _operand(self, node: Node, place: int, trace: Trace) -> Any:
        """Return an operand as its rule is given it: a number as it is, and an array as a symbol."""
        operand = node.operands[place]
        if isinstance(operand, Node):
            if operand.is_leaf and operand not in self.variables:
                self._leaf(operand)
            return Symbol(trace, *self.variables[operand])
        if np.ndim(operand) == 0:
            return operand
        meets_leaf = any(isinstance(x, Node) and x.is_leaf for x in node.operands)
        is_input = place == 0 and (meets_leaf or not self.arguments.constants)
        label = "input" if is_input else operand_label(node, place)
        return Symbol(trace, self.arguments.constant(operand, label), operand)

    def _leaf(self, leaf: Any) -> None:
        self.variables[leaf] = self.arguments.leaf(leaf), leaf.array

    def _hint(self, closures: Iterable[Any]) -> None:
        """Note what a rule calls the arrays that its closures use: these are good names for them."""
        for closure in closures:
            if isinstance(closure, FunctionType):
                for name, cell in zip(closure.__code__.co_freevars, closure.__closure__ or (), strict=True):
                    value = _content(cell)
                    if isinstance(value, Symbol) and isinstance(value.expression, Operation):
                        self.hints.setdefault(id(value.expression), name)


def _name(node: Any) -> str:
    """Return a name for a result: the user's, that of the module that returned it first, or that of the operation."""
    name, call = "", node.returned_by
    while call is not None:
        name, call = call[1], call[-1]
    return node.name or (name if name.isidentifier() else node.primitive.name)


def _operations(root: Node, known: dict[Node, Any]) -> list[Node]:
    """List the operations below `root` and itself that are not known yet, oldest first."""
    seen: set[Node] = set() if root.is_leaf or root in known else {root}
    stack = list(seen)
    while stack:
        for operand in stack.pop().operands:
            if isinstance(operand, Node) and not operand.is_leaf and operand not in seen and operand not in known:
                seen.add(operand)
                stack.append(operand)
    return sorted(seen, key=attrgetter("stamp"))


def noted(result: Any) -> tuple[Expression, Any]:
    """Return the expression of what a rule or a closure returned, and its value; it may be a constant."""
    if isinstance(result, Symbol):
        return result.expression, result.value
    return Operation("value", result, (), {}, np.shape(result)), result


def checked(formula: Any, value: Any) -> Expression:
    """Return the expression of a formula, if it gives the bits that the rule gives when it runs on arrays."""
    expression, found = noted(formula)
    if np.shape(found) != np.shape(value) or found.dtype != value.dtype or _bits(found) != _bits(value):
        raise Opaque
    return expression


def _bits(a: Any) -> Any:
    """Return the bits of an array; a long double has some that mean nothing, so it is told by digits and sign."""
    return a.tobytes() if a.dtype.char != "g" else [str(x) for x in np.ravel(a)]


def cotangent_like(value: Any) -> Any:
    """Return a gradient for `value` to try formulas on, which is different everywhere."""
    gradient = np.cos(np.arange(value.size)).astype(value.dtype).reshape(value.shape)
    return gradient if gradient.ndim else gradient[()]


def _plain(operand: Any) -> Any:
    return operand.expression if isinstance(operand, Symbol) else operand


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a variable that has not been set
        return None


def _caller(name: Name, closure: Callable[[Any], Any]) -> Callable[[Symbol], Symbol]:
    """Return a closure of arrays as one of symbols, which the program calls by `name`."""

    def call(g: Symbol) -> Symbol:
        value = closure(g.value)
        return Symbol(g.trace, Operation("call", name, (g.expression,), {}, np.shape(value)), value)

    return call
