"""Write `numpy.md`: what becomes of each public function of NumPy that is given a Tensor, read from the registry.

Run it as ``python docs/reference/generate.py`` after a change of the registry; `tests/test_reference_page.py` compares.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_nn as tn
from tinygrad_nn.primitive import COMPOSITIONS, CONSTANTS, REFUSED, RULES

PAGE = Path(__file__).with_name("numpy.md")

NAMESPACES = {
    "numpy": np,
    "numpy.linalg": np.linalg,
    "numpy.fft": np.fft,
    "numpy.lib.stride_tricks": np.lib.stride_tricks,
}

OUTSIDE = {
    "Make an array of numbers and shapes": """
        arange bartlett blackman diag_indices empty eye fftfreq frombuffer fromfile fromfunction fromiter
        fromstring full hamming hanning identity indices kaiser mask_indices ones rfftfreq tri tril_indices
        triu_indices zeros
    """,
    "Make a plain array of what they are given, and refuse a Tensor that requires a gradient": """
        array asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray asmatrix bmat from_dlpack
        frompyfunc nested_iters as_strided require
    """,
    "Numbers, dtypes, shapes and dates": """
        base_repr binary_repr broadcast_shapes busday_count busday_offset datetime_as_string datetime_data
        format_float_positional format_float_scientific is_busday isdtype isfortran isscalar issubdtype
        iterable mintypecode promote_types typename
    """,
    "Old names, which call what takes Tensors": "row_stack",
    "Files, settings and information": """
        fromregex genfromtxt get_include get_printoptions getbufsize geterr geterrcall info load loadtxt
        printoptions set_printoptions setbufsize seterr seterrcall show_config show_runtime test
    """,
}
"""What NumPy does not offer to Tensors, but for an option such as ``like``: why -> which."""

INTRODUCTION = """\
# NumPy, function by function

What becomes of each public function of `numpy`, `numpy.linalg`, `numpy.fft` and `numpy.lib.stride_tricks` that is given
a Tensor. Made from the registry by `docs/reference/generate.py`, with {version}.

- **Differentiable** ({differentiable}): ``np.f(t)`` returns a Tensor that remembers how it was made. A *rule* is an
  operation of its own; a *composition* is written with others.
- **Constant** ({constant}): the result has no gradient; it is a plain array.
- **Refused** ({refused}): an error that says why, and what to do instead.
- **Not for Tensors** ({outside}): takes no array, or is a part of NumPy that does not ask its arguments' types.

Options that no rule knows are errors, and so are `out=` and complex dtypes: nothing is ignored in silence. Ufuncs have
their methods `reduce`, `accumulate`, `reduceat` and `outer`; `at` is refused.
"""


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public functions of NumPy with their full names, each object once, with its aliases in the name."""
    names: dict[Any, list[str]] = {}
    for prefix, namespace in NAMESPACES.items():
        for name in dir(namespace):
            value = getattr(namespace, name)
            if not name.startswith("_") and callable(value) and not inspect.isclass(value):
                names.setdefault(value, []).append(f"{prefix}.{name}")
    for function, aliases in names.items():
        own = [alias for alias in aliases if alias.split(".")[-1] == getattr(function, "__name__", "")] or aliases
        yield " = ".join([own[0], *(alias for alias in aliases if alias != own[0])]), function


def status(function: Callable[..., Any]) -> tuple[str, str]:
    """Return under which heading a function belongs, and what to say of it."""
    for reason, members in OUTSIDE.items():
        if getattr(function, "__name__", "test") in members.split():
            return "outside", reason
    if function in RULES:
        return "rule", _sentence(RULES[function].rule)
    if function in COMPOSITIONS:
        return "composition", _sentence(COMPOSITIONS[function])
    if function in CONSTANTS:
        return "constant", ""
    if function in REFUSED:
        return "refused", REFUSED[function]
    return "unknown", ""


def _sentence(function: Callable[..., Any]) -> str:
    """Return the first sentence of a docstring, without its full stop."""
    text = " ".join(inspect.cleandoc(function.__doc__ or "").split("\n\n")[0].split())
    return text.split(". ")[0].rstrip(".").replace("|", "\\|")


def version() -> str:
    """Return the version of NumPy, as the page names it."""
    return "NumPy " + ".".join(np.__version__.split(".")[:2])


def unclassified() -> list[str]:
    """List the functions of which nothing is known."""
    return [name for name, function in functions() if status(function)[0] == "unknown"]


def page() -> str:
    """Return the text of the page."""
    found = [(name, *status(function)) for name, function in functions()]
    heads = {"rule": "differentiable", "composition": "differentiable"}
    chosen = {
        head: [entry for entry in found if heads.get(entry[1], entry[1]) == head]
        for head in ("differentiable", "constant", "refused", "outside")
    }
    counts = {head: len(entries) for head, entries in chosen.items()}
    lines = [INTRODUCTION.format(version=version(), **counts)]
    lines += ["## Differentiable\n", "| function | how | what |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {kind} | {text} |" for name, kind, text in chosen["differentiable"]]
    lines += ["\n## Constant\n", ", ".join(f"`{name}`" for name, *_ in chosen["constant"])]
    lines += ["\n## Refused\n", "| function | why, and what to do |", "| --- | --- |"]
    lines += [f"| `{name}` | {text} |" for name, _, text in chosen["refused"]]
    lines += ["\n## Not for Tensors\n"]
    for reason in OUTSIDE:
        lines.append(f"- {reason}: " + ", ".join(f"`{name}`" for name, _, text in chosen["outside"] if text == reason))
    lines += ["\n## Methods of arrays\n"]
    public = [name for name in dir(np.ndarray) if not name.startswith("_")]
    lines.append("A Tensor has: " + ", ".join(f"`{name}`" for name in public if hasattr(tn.Tensor, name)) + ".\n")
    lines.append("It has not: " + ", ".join(f"`{name}`" for name in public if not hasattr(tn.Tensor, name)) + ".")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
