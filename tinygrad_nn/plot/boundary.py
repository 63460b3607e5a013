"""`decision_boundary`: how a classifier divides the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.nn.module import Module
from tinygrad_nn.nn.watching import evaluating
from tinygrad_nn.plot import style
from tinygrad_nn.plot.arguments import array
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STRENGTH = 0.55
"""How deep the colour of a region is at its deepest, so that the points stand out from it."""


def decision_boundary(
    model: Module,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    ax: Axes | None = None,
    *,
    margin: float = 0.5,
    resolution: int = 200,
    logits: bool | None = None,
) -> Axes:
    """Draw the regions into which a classifier divides the plane, its boundary, and the data.

    Args:
        model: takes points of shape (N, 2) to one output, of shape (N,) or (N, 1), or to one output a class, (N, C).
        x: the points, of shape (N, 2).
        y: their classes: labels of shape (N,) or (N, 1), numbers or booleans, or one-hot rows (N, C).
        ax: where to draw; a new figure when None.
        margin: how far the picture goes beyond the data.
        resolution: the number of points along each axis at which the model is asked.
        logits: whether the outputs are logits, or probabilities. When None they are taken for probabilities as long as
            all are from 0 to 1 and, where there is one a class, add up to 1.

    The boundary is where two classes are equally probable: 0.5 for a model with one output. The deeper a colour, the
    more probable is the class. The model is in evaluation mode while it is asked, and as it was afterwards.

    Raises:
        ShapeError: points, labels or outputs of another shape, or a model that does not take two inputs.
        ArgumentError: labels that are no classes of the model, or `margin` or `resolution` outside their ranges.
        UnsupportedError: matplotlib is not installed.

    >>> import tinygrad_nn as tn
    >>> from matplotlib.figure import Figure
    >>> model = tn.nn.Sequential(tn.nn.Dense(2, 1, activation="sigmoid"))
    >>> ax = decision_boundary(model, *tn.data.xor(), Figure().subplots(), resolution=20)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['class 0', 'class 1']

    """
    points = array("decision_boundary", "x", x, "(N, 2)")
    if points.shape[1] != 2:
        message = f"plot.decision_boundary: expected 'x' to have the shape (N, 2), got {points.shape}"
        raise ShapeError(message)
    if resolution < 2 or not margin >= 0:
        message = (
            f"plot.decision_boundary: expected 'resolution' to be at least 2 and 'margin' at least 0, "
            f"got {resolution} and {margin}"
        )
        raise ArgumentError(message)
    (left, bottom), (right, top) = points.min(axis=0) - margin, points.max(axis=0) + margin
    across, up = np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    probability = _probabilities(model, grid.astype(points.dtype if points.dtype.kind == "f" else float), logits)
    classes = probability.shape[1]
    labels = _labels(np.asarray(raw(y)), len(points), classes)
    ax = style.axes("decision_boundary", ax)
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    palette = [to_rgb(colour) for colour in style.colours(classes)]
    paper = [tuple(1 + STRENGTH * (part - 1) for part in colour) for colour in palette]
    shares = probability.reshape(resolution, resolution, classes)
    certainty = (shares.max(axis=-1, keepdims=True) - 1 / classes) / (1 - 1 / classes)  # from 0 to 1
    image = 1 + certainty * (np.array(paper)[shares.argmax(axis=-1)] - 1)
    ax.imshow(image, origin="lower", extent=(left, right, bottom, top), aspect="auto", interpolation="bilinear")
    for number in range(classes if classes > 2 else 1):
        lead = shares[..., number] - np.delete(shares, number, axis=-1).max(axis=-1)
        if lead.min() < 0 < lead.max():  # otherwise there is no boundary, of which matplotlib would warn
            ax.contour(across, up, lead, levels=[0.0], colors=style.INK, linewidths=1.2)
    for number in range(classes):
        chosen = points[labels == number]
        ax.scatter(
            chosen[:, 0], chosen[:, 1], s=26, color=palette[number], marker=style.MARKERS[number % len(style.MARKERS)],
            edgecolors=style.INK, linewidths=0.6, label=f"class {number}",
        )  # fmt: skip
    if classes == 2:
        cmap = LinearSegmentedColormap.from_list("classes", [paper[0], (1.0, 1.0, 1.0), paper[1]])
        style.colour_bar(ax, ScalarMappable(cmap=cmap), "probability of class 1")
    if classes <= style.FEW:
        ax.legend(loc="upper right", framealpha=0.85, edgecolor="none", fontsize="small")
    else:
        style.number_bar(ax, classes, "class")
    ax.set_xlabel("$x_0$")
    ax.set_ylabel("$x_1$")
    return ax


def _probabilities(model: Module, points: Array, logits: bool | None) -> Array:
    """Return the probability of each class at each point, of shape (N, C)."""
    try:
        with evaluating(model):
            output = np.asarray(raw(model(points)), dtype=float)
    except ShapeError as error:
        message = f"plot.decision_boundary: expected a model that takes points of shape (N, 2). {error}"
        raise ShapeError(message) from error
    if output.ndim not in (1, 2) or len(output) != len(points) or not output.size:
        message = (
            f"plot.decision_boundary: expected the model to return one output a point, of shape (N,) or (N, 1), or one "
            f"a class, (N, C), got {output.shape} for points of shape {points.shape}"
        )
        raise ShapeError(message)
    output = output.reshape(len(points), -1)
    single = output.shape[1] == 1
    if logits is None:
        logits = bool(output.min() < 0 or output.max() > 1 or not (single or np.allclose(output.sum(axis=1), 1.0)))
    if single:  # the logits of two classes, 0 and z, have the softmax 1 - sigmoid(z) and sigmoid(z)
        output = np.concatenate([np.zeros_like(output) if logits else 1 - output, output], axis=1)
    return Tensor(output).softmax(axis=-1).numpy() if logits else output.clip(0.0, 1.0)


def _labels(y: Array, count: int, classes: int) -> Array:
    """Return the number of each sample's class, of shape (N,)."""
    if y.shape == (count, classes):
        return y.argmax(axis=1)
    if y.shape not in ((count,), (count, 1)):
        message = (
            f"plot.decision_boundary: expected 'y' to have the shape ({count},), ({count}, 1) or ({count}, {classes}), "
            f"as there are {count} points and {classes} classes, got {y.shape}"
        )
        raise ShapeError(message)
    labels: Array = y.reshape(-1).astype(float)
    if classes == 2 and np.isin(labels, (-1, 1)).all():
        labels = (labels + 1) / 2
    if not np.isin(labels, range(classes)).all():
        message = (
            f"plot.decision_boundary: expected labels from 0 to {classes - 1} for a model of {classes} classes, "
            f"got {labels.min():g} to {labels.max():g}"
        )
        raise ArgumentError(message)
    return labels.astype(int)
