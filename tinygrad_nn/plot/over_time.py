"""What a `Recorder` has kept, over time: the error of each sample, each weight of a layer, each neuron's value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tinygrad_nn.errors import ArgumentError
from tinygrad_nn.plot import style
from tinygrad_nn.plot.arguments import array, epochs_of, labels_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def sample_errors(
    errors: npt.ArrayLike,
    epochs: npt.ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    labels: Sequence[object] | None = None,
    log: bool = False,
) -> Axes:
    """Draw the error of each sample as a thin line over time, and their mean as a thick one.

    Args:
        errors: the error of each sample at each record, of shape (T, N), such as `Recorder.errors`.
        epochs: the epoch of each record, of shape (T,); 0 to T - 1 when None.
        ax: where to draw; a new figure when None.
        labels: the name of each sample.
        log: whether the y axis is logarithmic; what is not above 0 is left out then, as is what lies more than three
            decades below the mean.

    Raises:
        ShapeError: `errors` is no matrix, or `epochs` does not fit it.
        ArgumentError: another number of labels than samples, or nothing above 0 for a logarithmic axis.
        UnsupportedError: matplotlib is not installed.

    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> ax = sample_errors(np.array([[1.0, 3.0], [0.5, 1.5]]), [0, 10], Figure().subplots())
    >>> ax.lines[-1].get_ydata()
    array([2., 1.])

    """
    found = array("sample_errors", "errors", errors, "(T, N)")
    time = epochs_of("sample_errors", epochs, len(found))
    names = labels_of("sample_errors", labels, found.shape[1], "sample ")
    mean = found.mean(axis=1)
    if log and not (mean > 0).any():
        message = "plot.sample_errors: expected an error above 0 for log=True, got none. Leave log out"
        raise ArgumentError(message)
    ax = style.axes("sample_errors", ax)
    few = len(names) <= style.FEW
    thin: dict[str, Any] = {"linewidth": 1.0, "marker": style.marker(len(time))}
    if few:
        looks = [thin | {"color": colour} for colour in style.colours(len(names))]
    else:  # one colour: the number of a sample says nothing, and where many run, it is darker
        thin |= {"color": style.COLOURS[0], "alpha": max(0.05, min(0.6, 10 / len(names)))}
        looks = [thin] * len(names)
    for values, look in zip(found.T, looks, strict=True):
        ax.plot(time, values, **look)
    thick: dict[str, Any] = {"color": style.INK, "linewidth": 2.5, "marker": style.marker(len(time))}
    ax.plot(time, mean, **thick)
    samples = list(zip(names, looks, strict=True)) if few else [("samples", thin | {"alpha": 0.6})]
    style.legend(ax, [*samples, ("mean", thick)])
    if log:
        ax.set_yscale("log", nonpositive="mask")
        ax.set_ylim(max(found[found > 0].min(), mean[mean > 0].min() / 1000) / 1.5, found.max() * 1.5)
    style.over_epochs(ax, time)
    ax.set_ylabel("error")
    return ax


def weights_over_time(weights: npt.ArrayLike, epochs: npt.ArrayLike | None = None, ax: Axes | None = None) -> Axes:
    """Draw each weight of a layer over time: its source neuron as the colour, its target neuron as the line width.

    Args:
        weights: the weight at each record, of shape (T, in, out), such as ``Recorder.weights["0.weight"]``.
        epochs: the epoch of each record, of shape (T,); 0 to T - 1 when None.
        ax: where to draw; a new figure when None.

    Raises:
        ShapeError: `weights` has not three axes, or `epochs` does not fit it.
        UnsupportedError: matplotlib is not installed.

    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> ax = weights_over_time(np.ones((5, 3, 2)), ax=Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['from 0', 'from 1', 'from 2', 'to 0', 'to 1']

    """
    found = array("weights_over_time", "weights", weights, "(T, in, out)")
    time = epochs_of("weights_over_time", epochs, len(found))
    ax = style.axes("weights_over_time", ax)
    _, sources, targets = found.shape
    widths = np.linspace(0.7, 3.2, targets)
    palette = style.colours(sources)
    looks: dict[str, Any] = {"alpha": 0.9 if sources * targets <= 64 else 0.4, "marker": style.marker(len(time))}
    for target in reversed(range(targets)):  # the thickest first, so that none is hidden
        for source in range(sources):
            ax.plot(time, found[:, source, target], color=palette[source], linewidth=widths[target], **looks)
    shown = range(targets) if targets <= 4 else (0, targets - 1)
    entries: list[tuple[str, dict[str, Any]]] = [(f"to {target}", {"linewidth": widths[target]}) for target in shown]
    if sources <= style.FEW:
        origins = [(f"from {source}", {"color": palette[source]}) for source in range(sources)]
        entries = origins + entries if sources >= len(entries) else entries + origins  # the longer column comes first
    else:
        style.number_bar(ax, sources, "from neuron")
    style.legend(ax, entries)
    style.over_epochs(ax, time)
    ax.set_ylabel("weight")
    return ax


def neurons_over_time(
    values: npt.ArrayLike,
    epochs: npt.ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    labels: Sequence[object] | None = None,
) -> Axes:
    """Draw the value of each neuron for each sample over time: the neuron as the colour, the sample as the line style.

    Of more than four samples the lines are solid, and only the neurons are told apart.

    Args:
        values: at each record, of shape (T, N, H), such as ``Recorder.activations["0"]``.
        epochs: the epoch of each record, of shape (T,); 0 to T - 1 when None.
        ax: where to draw; a new figure when None.
        labels: the name of each sample.

    Raises:
        ShapeError: `values` has not three axes, or `epochs` does not fit it.
        ArgumentError: another number of labels than samples.
        UnsupportedError: matplotlib is not installed.

    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> ax = neurons_over_time(np.ones((5, 2, 1)), ax=Figure().subplots(), labels=["off", "on"])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['neuron 0', 'off', 'on']

    """
    found = array("neurons_over_time", "values", values, "(T, N, H)")
    time = epochs_of("neurons_over_time", epochs, len(found))
    names = labels_of("neurons_over_time", labels, found.shape[1], "sample ")
    ax = style.axes("neurons_over_time", ax)
    _, samples, neurons = found.shape
    palette = style.colours(neurons)
    dashes = style.DASHES[:samples] if samples <= len(style.DASHES) else style.DASHES[:1] * samples
    crowded = samples * neurons > 64
    looks: dict[str, Any] = {"linewidth": 0.8 if crowded else 1.4, "alpha": 0.5 if crowded else 1.0}
    for sample in range(samples):
        for neuron in range(neurons):
            ax.plot(
                time, found[:, sample, neuron], color=palette[neuron], linestyle=dashes[sample],
                marker=style.marker(len(time)), **looks,
            )  # fmt: skip
    entries: list[tuple[str, dict[str, Any]]] = []
    if neurons <= style.FEW:
        entries += [(f"neuron {neuron}", {"color": palette[neuron]}) for neuron in range(neurons)]
    else:
        style.number_bar(ax, neurons, "neuron")
    if 1 < samples <= len(style.DASHES):
        entries += [(name, {"linestyle": dash}) for name, dash in zip(names, dashes, strict=True)]
    if entries:
        style.legend(ax, entries)
    style.over_epochs(ax, time)
    ax.set_ylabel("value")
    return ax
