"""The progress of a run on standard error: a bar in a terminal or a notebook, a line now and then in a log file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Self

SECONDS = 10.0
"""The least time between two lines in a log file."""


class Progress:
    """Show how far a run is; a context manager, so that the bar is closed whatever happens.

    Args:
        epochs: how many there are in all.
        done: how many are done already.
        show: whether to show anything; None for a bar where somebody watches (a terminal, a notebook), else nothing.

    """

    def __init__(self, epochs: int, done: int, show: bool | None) -> None:
        """Start a bar."""
        from tqdm.auto import tqdm  # here, so that importing the package does not import tqdm

        notebook = any(kind.__module__ == "tqdm.notebook" for kind in tqdm.__mro__)
        watched = notebook or sys.stderr.isatty()
        options: dict[str, Any] = {"file": sys.stderr, "dynamic_ncols": True}
        if not watched:  # carriage returns would make one endless line of a log file
            options = {"file": _Lines(sys.stderr), "mininterval": SECONDS, "maxinterval": SECONDS, "ncols": 100}
        disable = not (watched if show is None else show)
        self._bar = tqdm(total=epochs, initial=done, unit="epoch", disable=disable, **options)

    def __enter__(self) -> Self:
        """Return this object."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Show the last state and end the bar."""
        self._bar.close()

    def update(self, row: Mapping[str, float]) -> None:
        """Note the end of an epoch, and what it has measured."""
        if not self._bar.disable:  # a short epoch takes less time than writing its numbers out
            self._bar.set_postfix({name: f"{value:.4g}" for name, value in row.items()}, refresh=False)
            self._bar.update()


class _Lines:
    """A stream for tqdm that ends each state of the bar with a new line, and leaves out the padding between them."""

    def __init__(self, stream: Any) -> None:
        """Write to `stream`."""
        self._stream = stream
        self._last = ""

    def write(self, text: str) -> None:
        """Write a state of the bar, unless it is the last one again."""
        line = text.strip()
        if line and line != self._last:
            self._stream.write(line + "\n")
            self._last = line

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()
