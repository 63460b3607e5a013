"""The text of a program: imports, the rules that are called, the two passes, and the arrays of this run."""

from __future__ import annotations

from collections import Counter

from tinygrad_nn.backprop import Node, checked_order
from tinygrad_nn.graph.program.arguments import Argument, Arguments, in_memory_order
from tinygrad_nn.graph.program.backward import Backward
from tinygrad_nn.graph.program.body import Body, shown_comment
from tinygrad_nn.graph.program.forward import Forward
from tinygrad_nn.graph.program.literals import array_literal
from tinygrad_nn.graph.program.names import Names
from tinygrad_nn.graph.program.sources import Sources
from tinygrad_nn.primitive import Array

_SMALL = 32
"""Elements of an array that is written into the program; a larger one goes into a file beside it."""

_INDENT = "    "

_FORWARD, _BACKWARD = "# Forward", "# Backward: d_x is the derivative of the loss with respect to x"

_MAIN = """
if __name__ == "__main__":
    loss, gradients = forward_backward(**values())
    print("loss:", loss)
    for name, gradient in gradients.items():
        print(f"gradient for {name}:", gradient, sep="\\n")
"""


def page(root: Node) -> tuple[str, list[Argument]]:
    """Return the program for a loss, and the arrays that it is given."""
    names = Names()
    arguments, sources = Arguments(names), Sources(names)
    order = checked_order(root)
    forward = Forward(names, arguments)
    forward.compute(root, set(order), names.new(root.name or "loss", "loss"))
    backward = Backward(root, order, forward)
    body = Body(names, arguments, sources, forward.hints)
    body.count([*forward.assignments, *backward.assignments])
    for title, assignments in ((_FORWARD, forward.assignments), (_BACKWARD, backward.assignments)):
        body.begin(title)
        for assignment in assignments:
            body.write(assignment)
    labels = _labels(arguments)
    gradients = [
        f"{labels[variable.text]!r}: {backward.gradients[leaf].text},"
        for leaf, (variable, _) in forward.variables.items()
        if leaf in backward.gradients
    ]
    body.lines += ["", f"return {forward.variables[root][0].text}, {{", *(_INDENT + line for line in gradients), "}"]
    parts = [
        _introduction(sources, arguments.all),
        *sources.definitions,
        _function(body.lines, arguments.all),
        _values(arguments.all),
        _MAIN.strip("\n"),
    ]
    return "\n\n\n".join(parts) + "\n", arguments.all


def _labels(arguments: Arguments) -> dict[str, str]:
    """Return for each parameter's variable what the user calls it; those of one name are called as the variables."""
    found = {argument.variable.text: argument.label for argument in arguments.all if argument.is_parameter}
    times = Counter(found.values())
    return {variable: label if label and times[label] == 1 else variable for variable, label in found.items()}


def _introduction(sources: Sources, arguments: list[Argument]) -> str:
    """Write what the program is, and what it imports."""
    count = sum(argument.is_parameter for argument in arguments)
    text = (
        f'"""A loss and its gradients for {count} parameter{"s" * (count != 1)}, forward and backward, in NumPy."""\n'
    )
    has_classes = any("class " in definition for definition in sources.definitions)  # with annotated attributes, maybe
    annotations = ["from __future__ import annotations", ""] if has_classes else []
    needed = {"import numpy as np", *sources.imports} | (
        {"import pathlib"} if any(map(_is_large, arguments)) else set()
    )
    return "\n".join([text, *annotations, *sorted(needed)])


def _function(lines: list[str], arguments: list[Argument]) -> str:
    """Write the function that does both passes."""
    head = []
    for variable, array, label, is_parameter in arguments:
        kind = f"parameter {label!r}" if is_parameter and label else "parameter" if is_parameter else label
        dtype = "" if array.dtype == float else f" {array.dtype}"
        head.append(f"{f'{_INDENT}{variable.text},':<24}  # {array.shape}{dtype} {shown_comment(kind)}")
    opening = ["def forward_backward(", *head, "):"] if head else ["def forward_backward():"]
    doc = f'{_INDENT}"""Return the loss, and its gradient for each parameter."""'
    return "\n".join([*opening, doc, *(f"{_INDENT}{line}".rstrip() for line in lines[1:])])


def _values(arguments: list[Argument]) -> str:
    """Write the function that has the arrays of this run."""
    lines = ["def values():", f'{_INDENT}"""Return the parameters, inputs and constants of the recorded run."""']
    if any(map(_is_large, arguments)):
        lines.append(f'{_INDENT}with np.load(pathlib.Path(__file__).with_suffix(".npz")) as file:')
        lines.append(f"{_INDENT * 2}large = dict(file)")
    items = [f"{_INDENT * 2}{argument.variable.text!r}: {_value(argument)}," for argument in arguments]
    return "\n".join([*lines, f"{_INDENT}return {{", *items, f"{_INDENT}}}"])


def _value(argument: Argument) -> str:
    if not _is_large(argument):
        text = array_literal(argument.array) or ""
        indent = _INDENT * 2 + " " * (len(argument.variable.text) + 4)
        return "\n".join((indent * (number > 0) + line).rstrip() for number, line in enumerate(text.split("\n")))
    axes = in_memory_order(argument.array)[1]
    return f"large[{argument.variable.text!r}]" + ("" if axes is None else f".transpose({axes})")


def _is_large(argument: Argument) -> bool:
    """Tell whether an array is kept in a file: if it is large, or has no text that gives the same bits."""
    return argument.array.size > _SMALL or array_literal(argument.array) is None


def large_arrays(arguments: list[Argument]) -> dict[str, Array]:
    """Return the arrays that are kept in a file, as they are to be saved."""
    return {x.variable.text: in_memory_order(x.array)[0] for x in arguments if _is_large(x)}
