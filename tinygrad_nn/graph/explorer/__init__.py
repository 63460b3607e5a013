"""`explore`: a computation as a page to walk through in a browser, step by step, forwards and backwards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.graph.explorer.data import page_data
from tinygrad_nn.graph.explorer.page import html_page
from tinygrad_nn.graph.trace import outcome

if TYPE_CHECKING:  # importing it takes a tenth of the time of importing NumPy
    from pathlib import Path

__all__ = ["explore"]


def explore(result: Any, path: str | os.PathLike[str], *inputs: Any, max_values: int = 64) -> Path:
    """Write a computation as one HTML file that opens in any browser, without a server and without a network.

    The page draws the graph, with modules and repetitions to fold and unfold; steps through the forward pass and then
    the backward pass, one operation at a time; and shows for each node its value and gradient, the line of the user's
    program, the formula, and the code that computes the gradient, with the numbers that flowed in and out. Selecting
    a parameter lights up the way its gradient took. The key ``?`` lists all others.

    Values and gradients are computed again for the page: call it before `backward()` or after one with
    ``retain_graph=True``, and before an optimizer's step. No ``.grad`` changes. After a `backward()` that has released
    the graph the page shows what is left. Of more than 10,000 operations, whose values and gradients would make the
    page too large to open, it leaves them out, and says so.

    Args:
        result: a recorded Tensor, such as a loss; lists, tuples and dicts of such; or a module, which is run once.
        path: where to save the page.
        inputs: what to run the module on.
        max_values: how many elements an array may have to be written out; larger ones are shown by their statistics
            and a small heat map. Of more than 400 the page writes the first 400, and shows a heat map of all.

    Returns:
        the path of the file.

    Raises:
        ArgumentError: `result` is nothing of that kind, or nothing was recorded for it; inputs without a module; a
            folder that does not exist.

    >>> import tempfile, tinygrad_nn as tn
    >>> w = tn.Tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tn.explore((w * w).sum(), f"{folder}/graph.html").name
    'graph.html'

    """
    from pathlib import Path

    path = Path(path)
    if not path.parent.is_dir():
        message = f"explore: expected a folder for '{path.name}', but there is no '{path.parent}'. Make it first"
        raise ArgumentError(message)
    value = outcome("explore", result, inputs)
    page = html_page(path.stem, page_data(value, max_values))
    path.write_text(page, encoding="utf-8")
    return path
