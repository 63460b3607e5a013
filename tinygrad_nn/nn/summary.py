"""The table that `Module.summary` returns."""

from __future__ import annotations

from typing import Any

from tinygrad_nn.backprop import no_grad


def summarize(model: Any, inputs: tuple[Any, ...]) -> str:
    """Return a table of a model's modules: name, type, output shape (if `inputs` are given) and parameters."""
    modules = list(model.named_modules())
    shapes = _output_shapes(modules, model, inputs) if inputs else {}
    rows = [("name", "type", *(("output",) if inputs else ()), "parameters")]
    for name, module in modules:
        depth = name.count(".") + 1 if name else 0
        label = "  " * depth + (name.rpartition(".")[2] or "(model)")
        own = sum(p.size for path, p in module.named_parameters() if "." not in path)
        output = (shapes.get(id(module), "not called"),) if inputs else ()
        rows.append((label, type(module).__name__, *output, f"{own:,}" if own else ""))
    rows.append(("total", "", *(("",) if inputs else ()), f"{sum(p.size for p in model.parameters()):,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join((*map(str.ljust, row[:-1], widths[:-1]), row[-1].rjust(widths[-1]))).rstrip() for row in rows]
    rule = "-" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def _output_shapes(modules: list[tuple[str, Any]], model: Any, inputs: tuple[Any, ...]) -> dict[int, str]:
    """Run the model once and note what each module returned: for the time of it, each `forward` is shadowed."""
    shapes: dict[int, str] = {}

    def watched(module: Any) -> Any:
        forward = module.forward

        def noting(*args: Any, **options: Any) -> Any:
            result = forward(*args, **options)
            shapes[id(module)] = _shape_text(result)
            return result

        return noting

    for _, module in modules:
        object.__setattr__(module, "forward", watched(module))
    try:
        with no_grad():
            model(*inputs)
    finally:
        for _, module in modules:
            object.__delattr__(module, "forward")
    return shapes


def _shape_text(result: Any) -> str:
    if isinstance(result, (tuple, list)):
        return ", ".join(map(_shape_text, result))
    return str(getattr(result, "shape", type(result).__name__))
