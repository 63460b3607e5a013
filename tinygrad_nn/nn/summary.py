"""The table that `Module.summary` returns: what a model is made of, what comes out where, and what it costs."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any, Self

from tinygrad_nn.backprop import Node, enable_grad
from tinygrad_nn.nn.memory import arrays_kept, memory_of
from tinygrad_nn.nn.watching import unchanged, watching
from tinygrad_nn.tensor import Tensor


class Summary(str):
    """A table as text, which a notebook shows as HTML.

    Attributes:
        rows: the cells: the heading, a row for each module, and the totals.
        names: how many columns, from the left, hold names; the others hold numbers.

    """

    __slots__ = ("names", "rows")

    rows: list[tuple[str, ...]]
    names: int

    def __new__(cls, rows: list[tuple[str, ...]], names: int = 2) -> Self:
        """Lay out `rows`: names to the left, numbers to the right."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if place >= names else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        rule = "-" * max(map(len, lines))
        between = [*lines[1:-1], rule] if lines[2:] else []
        table = super().__new__(cls, "\n".join([lines[0], rule, *between, lines[-1]]))
        table.rows = rows
        table.names = names
        return table

    def __repr__(self) -> str:
        """Show the table itself, not a string in quotes."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table as HTML; Jupyter asks for it by this name. Its colours are those of the notebook."""
        last = len(self.rows) - 1
        lines = []
        for number, row in enumerate(self.rows):
            tag = "th" if number in (0, last) else "td"
            line = "border-top: 1px solid" if number in (1, last) else ""
            cells = []
            for place, cell in enumerate(row):
                side = "right" if place >= self.names else "left"
                indent = len(cell) - len(cell.lstrip())
                style = f"text-align: {side}; padding-left: {0.6 + 0.6 * indent:.1f}em; {line}"
                cells.append(f'<{tag} style="{style}">{html.escape(cell.strip())}</{tag}>')
            lines.append(f"<tr>{''.join(cells)}</tr>")
        return f'<table style="border-collapse: collapse">{"".join(lines)}</table>'


def summarize(model: Any, inputs: tuple[Any, ...]) -> Summary:
    """Return a table of a model's modules: name, type and parameters; and, given `inputs`, output shape and memory.

    Parameters and memory are a module's own, without those of the modules inside.
    """
    seen = _Call(model, inputs) if inputs else None
    rows = [("name", "type", *(("output",) if seen else ()), "parameters", *(("kept for backward",) if seen else ()))]
    for name, module in model.named_modules():
        depth = name.count(".") + 1 if name else 0
        label = "  " * depth + (name.rpartition(".")[2] or "(model)")
        own = sum(p.size for path, p in module.named_parameters() if "." not in path)
        output = (seen.shapes.get(id(module), "not called"),) if seen else ()
        kept = (size_text(seen.kept.get(id(module), 0)),) if seen else ()
        rows.append((label, type(module).__name__, *output, f"{own:,}" if own else "", *kept))
    total = f"{sum(p.size for p in model.parameters()):,}"
    rows.append(
        (
            "total",
            "",
            *(("",) if seen else ()),
            total,
            *((size_text(sum(seen.kept.values())) or "0 B",) if seen else ()),
        )
    )
    return Summary(rows, names=3 if seen else 2)


class _Call:
    """One call of a model, in the mode that it is in, of which nothing stays.

    Attributes:
        shapes: what each module returned, by its id.
        kept: the bytes that the operations of each module itself keep for the backward pass. An array that several
            keep counts for the first. Parameters do not count, which are there anyway.

    """

    def __init__(self, model: Any, inputs: tuple[Any, ...]) -> None:
        """Call `model` and look at what was recorded."""
        self.shapes: dict[int, str] = {}
        self._owners: dict[Node, int] = {}
        with unchanged(model), enable_grad(), watching([module for _, module in model.named_modules()], self._note):
            model(*inputs)
        counted = {id(memory_of(parameter.data)) for parameter in model.parameters()}
        self.kept: dict[int, int] = {}
        for node in sorted(self._owners, key=lambda node: node.stamp):
            for array in arrays_kept(node):
                memory = memory_of(array)
                if id(memory) not in counted:
                    counted.add(id(memory))
                    owner = self._owners[node]
                    self.kept[owner] = self.kept.get(owner, 0) + memory.nbytes
        self._owners.clear()  # the graph

    def _note(self, module: Any, result: Any, begin: int) -> None:
        """Note the shape of a result, and that the operations since `begin` are the module's, but for those inside."""
        self.shapes[id(module)] = _shape_text(result)
        stack = [tensor._node for tensor in _tensors(result) if tensor._node is not None]
        seen = set(stack)
        while stack:
            node = stack.pop()
            if node.is_leaf or node.stamp < begin:
                continue
            self._owners.setdefault(node, id(module))
            for operand in node.operands:
                if isinstance(operand, Node) and operand not in seen:
                    seen.add(operand)
                    stack.append(operand)


def _tensors(result: Any) -> Iterator[Tensor]:
    """Yield the Tensors in what a module returned."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, (tuple, list, dict)):
        for item in result.values() if isinstance(result, dict) else result:
            yield from _tensors(item)


def size_text(size: int) -> str:
    """Return a number of bytes as people read it; nothing for none."""
    if size < 1000:
        return f"{size} B" if size else ""
    units = ["kB", "MB", "GB"]
    amount = size / 1000
    while amount >= 999.95 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount:.1f} {units[0]}"


def _shape_text(result: Any) -> str:
    if isinstance(result, (tuple, list)):
        return ", ".join(map(_shape_text, result))
    if isinstance(result, dict):
        return ", ".join(f"{key}: {_shape_text(item)}" for key, item in result.items())
    return str(getattr(result, "shape", type(result).__name__))
