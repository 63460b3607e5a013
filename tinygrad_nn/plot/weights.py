"""`weight_images`: what each neuron of a first layer looks for, as pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.plot import style
from tinygrad_nn.plot.arguments import array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def weight_images(
    weight: npt.ArrayLike, shape: tuple[int, int], ax: Axes | None = None, *, columns: int | None = None
) -> Axes:
    """Draw the incoming weights of each neuron as an image, all of them in one mosaic.

    Red is above 0 and blue below, in one scale for all. The labels at the left number the neurons of each row.

    Args:
        weight: the weight of a Dense layer, of shape (in, out) with ``in = height * width``.
        shape: height and width of an input, whose rows of pixels stand one after the other.
        ax: where to draw; a new figure when None.
        columns: the number of images in a row; about a square of them when None.

    Raises:
        ShapeError: the weight has another number of rows, or is no matrix.
        ArgumentError: `columns` below 1.
        UnsupportedError: matplotlib is not installed.

    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> ax = weight_images(np.eye(6), (2, 3), Figure().subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['0-1', '2-3', '4-5']

    """
    found = array("weight_images", "weight", weight, "(in, out)")
    height, width = shape
    pixels, neurons = found.shape
    if height * width != pixels:
        message = (
            f"plot.weight_images: expected a weight with height * width = {height} * {width} = {height * width} rows, "
            f"got the shape {found.shape}. Pass the shape of one input image, or transpose the weight"
        )
        raise ShapeError(message)
    across = _columns(neurons, height / width) if columns is None else min(columns, neurons)
    if across < 1:
        message = f"plot.weight_images: expected 'columns' to be at least 1, got {columns}"
        raise ArgumentError(message)
    down = math.ceil(neurons / across)
    mosaic = np.full((down * (height + 1) - 1, across * (width + 1) - 1), np.nan)
    for neuron in range(neurons):
        top, left = neuron // across * (height + 1), neuron % across * (width + 1)
        mosaic[top : top + height, left : left + width] = found[:, neuron].reshape(height, width)
    ax = style.axes("weight_images", ax)
    largest = float(np.nanmax(np.abs(mosaic))) or 1.0
    image = ax.imshow(mosaic, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
    style.colour_bar(ax, image, "weight", shrink=0.8)
    ax.set_xticks([])
    firsts = range(0, neurons, across)
    ax.set_yticks(
        [(height - 1) / 2 + row * (height + 1) for row in range(down)],
        [f"{first}-{min(first + across, neurons) - 1}" if across > 1 else f"{first}" for first in firsts],
        fontsize="small",
    )
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_ylabel("neurons")
    return ax


def _columns(neurons: int, ratio: float) -> int:
    """Return the columns of a mosaic: from a square one to one twice as wide as high, with the fewest gaps."""
    least = min(math.ceil(math.sqrt(neurons * ratio)), neurons)
    return min(range(least, 2 * least + 1), key=lambda across: (-neurons % across, across))
