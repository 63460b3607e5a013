"""Arrays in a picture: small ones written out, large ones as a few numbers and a heat map.

All of it is a table in the HTML-like language of Graphviz's labels, whose cells have colours: the one way to a heat map
that every engine draws in every format. (An image embedded in the SVG would be smaller, and missing from the PNG.) Text
is escaped, so that in a name nothing is markup here either.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping

import numpy as np

from tinygrad_nn.primitive import Array

SIDE = 16
"""Cells of a heat map in each direction, at most: as many as one can tell apart."""

_ROWS, _COLUMNS = 8, 4
"""Of an array that is written out, at most."""

_CELL = 4
"""Points; a large map has SIDE of them."""

_BELOW, _ZERO, _ABOVE = (31, 95, 166), (255, 255, 255), (196, 90, 0)
"""Blue, white and orange, which the colour-blind tell apart as others do; in grey, darker is further from zero."""

_UNKNOWN = "#000000"
"""NaN and infinity."""

_TABLE = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{}">{}</TABLE>'


def label_with_arrays(text: str, arrays: Mapping[str, Array | None]) -> str:
    """Return a label of `text` over named arrays; an array that is None is said to be missing.

    They stand side by side, or one below the other if they are wider than high: a picture should fill a page.
    """
    lines = "<BR/>".join(map(escaped_html, text.split("\n")))
    heads = [f"<I>{small([name])}</I>" if array is not None else "" for name, array in arrays.items()]
    shown = [small([f"no {name}"]) if array is None else thumbnail(array) for name, array in arrays.items()]
    is_wide = any(array is not None and _is_wide(array) for array in arrays.values())
    below = zip(heads, shown, strict=True) if is_wide else [heads, shown]
    rows = f"<TR><TD>{lines}</TD></TR><TR><TD>{table(below, padding=2)}</TD></TR>"
    return f"<{_TABLE.format(0, rows)}>"


def escaped_html(text: str) -> str:
    r"""Return `text` for an HTML-like label, so that nothing in it is markup; also not "\N", the name of the node.

    >>> escaped_html("<b> \\N")
    '&lt;b&gt; \\\\N'

    """
    return html.escape(text).replace("\\", "\\\\")


def table(rows: Iterable[Iterable[str]], padding: int = 0) -> str:
    """Return a table of cells that are markup already, those of a row in columns."""
    lines = ("".join(f"<TD>{cell}</TD>" for cell in row) for row in rows)
    return _TABLE.format(padding, "".join(f"<TR>{line}</TR>" for line in lines))


def small(lines: Iterable[str]) -> str:
    """Return lines of text in small print."""
    return f'<FONT POINT-SIZE="10">{"<BR/>".join(map(escaped_html, lines))}</FONT>'


def thumbnail(array: Array) -> str:
    """Return the markup that shows `array`.

    >>> import numpy as np
    >>> thumbnail(np.array(0.123456))
    '<FONT POINT-SIZE="10">0.1235</FONT>'

    """
    if array.dtype.kind not in "biuf":
        return small([f"of {array.dtype}"])
    if not is_large(array):
        return _written_out(np.atleast_2d(array)) if array.ndim else small([_number(array)])
    lines = small(statistics_of(array))
    return table([[heat_map(array)], [lines]], padding=1) if has_heat_map(array) else lines


def is_large(array: Array) -> bool:
    """Tell whether an array is too large to be shown number by number; an empty one has no numbers to show."""
    rows, columns = (1, 1, *array.shape)[-2:]
    return array.ndim > 2 or not 0 < rows <= _ROWS or not 0 < columns <= _COLUMNS


def has_heat_map(array: Array) -> bool:
    """Tell whether there is a number in an array that only colours can show."""
    return array.dtype.kind in "biuf" and is_large(array) and bool(np.isfinite(array).any())


def _is_wide(array: Array) -> bool:
    """Tell whether an array is shown wider than high: a row of a heat map is as high as a column is wide."""
    rows, columns = (1, 1, *array.shape)[-2:]
    return rows < min(columns, SIDE) / 2 if is_large(array) else rows <= columns


def statistics_of(array: Array) -> list[str]:
    """Return what there is to say of an array in a few lines, NaN and infinities apart.

    >>> import numpy as np
    >>> statistics_of(np.array([1.0, 2.0, 3.0, np.nan]))
    ['mean 2, std 0.8165', 'min 1, max 3', '1 of 4 not finite']

    """
    finite = array[np.isfinite(array)].astype(float, copy=False)
    lines = ["empty"] if not array.size else []
    if finite.size:
        largest = abs(finite).max() or 1.0  # taken out first: sums and squares overflow before mean and deviation
        mean, std = largest * (finite / largest).mean(), largest * (finite / largest).std()
        lines.append(f"mean {_number(mean)}, std {_number(std)}")
        lines.append(f"min {_number(finite.min())}, max {_number(finite.max())}")
    if finite.size < array.size:
        lines.append(f"{array.size - finite.size} of {array.size} not finite")
    return lines


def heat_map(array: Array) -> str:
    """Return `array` as a table of coloured cells: white is zero, and the largest number by magnitude the darkest."""
    colours = _colours(reduced(array))
    rows, columns = len(colours), len(colours[0])
    cell = f'<TD FIXEDSIZE="TRUE" WIDTH="{_CELL}" HEIGHT="{_CELL}" BGCOLOR="{{}}"></TD>'
    cells = ("".join(map(cell.format, row)) for row in colours)
    size = f'FIXEDSIZE="TRUE" WIDTH="{columns * _CELL + 2}" HEIGHT="{rows * _CELL + 2}"'
    head = f'<TABLE BORDER="1" COLOR="#9aa5b1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" {size}>'
    return f"{head}{''.join(f'<TR>{row}</TR>' for row in cells)}</TABLE>"


def reduced(array: Array) -> Array:
    """Return a matrix of at most SIDE rows and columns: of each patch the number that is the largest by magnitude.

    A mean would make a gradient that is large in one place look small. Of an array of more than two axes the first
    matrix is taken, such as the first image of a batch.

    >>> import numpy as np
    >>> reduced(np.array([[[1.0, -2.0]], [[3.0, 4.0]]]))
    array([[ 1., -2.]])

    """
    matrix = np.atleast_2d(array)
    matrix = matrix[(0,) * (matrix.ndim - 2)]
    for axis, length in enumerate(matrix.shape):
        step = -(-length // SIDE)
        if step > 1:
            starts = np.arange(0, length, step)
            above, below = np.maximum.reduceat(matrix, starts, axis), np.minimum.reduceat(matrix, starts, axis)
            matrix = np.where(abs(above) >= abs(below), above, below)
    return matrix


def _colours(matrix: Array) -> list[list[str]]:
    """Return the colour of each number."""
    known = np.isfinite(matrix)
    numbers = np.where(known, matrix, 0).astype(float)
    scale = max(abs(numbers).max(initial=0), np.finfo(float).tiny)
    share = (numbers / scale)[..., None]
    mixed = np.where(share < 0, _ZERO + share * np.subtract(_ZERO, _BELOW), _ZERO + share * np.subtract(_ABOVE, _ZERO))
    return [
        [
            f"#{red:02x}{green:02x}{blue:02x}" if is_known else _UNKNOWN
            for (red, green, blue), is_known in zip(*row, strict=True)
        ]
        for row in zip(mixed.round().astype(int).tolist(), known.tolist(), strict=True)
    ]


def _written_out(matrix: Array) -> str:
    """Return a matrix with its numbers in columns."""
    rows = ("".join(f'<TD ALIGN="RIGHT">{small([_number(value)])}</TD>' for value in row) for row in matrix)
    return _TABLE.format(2, "".join(f"<TR>{row}</TR>" for row in rows))


def _number(value: float | Array) -> str:
    """Write a number with four significant digits."""
    return f"{float(value) + 0.0:.4g}"  # which makes 0 of -0
