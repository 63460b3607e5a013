"""Callbacks that write what was measured to files, in formats that other tools read."""

from __future__ import annotations

from typing import Any

from tinygrad_nn.errors import UnsupportedError
from tinygrad_nn.persist import Path
from tinygrad_nn.training.run import Callback, Run


class CSVLog(Callback):
    """Write the history to a CSV file, a row an epoch, each as soon as it is measured.

    The first row has the names: "epoch", then the columns of the history. Numbers keep every digit. A run that goes on
    from a checkpoint begins with the rows of that checkpoint, so that no epoch is there twice.

    Args:
        path: the file; overwritten when a run begins.

    >>> import os, tempfile
    >>> import tinygrad_nn as tn
    >>> path = os.path.join(tempfile.mkdtemp(), "log.csv")
    >>> model = tn.nn.Sequential(tn.nn.Dense(2, 1, init="zeros"))
    >>> optimizer = tn.optim.SGD(model.parameters(), lr=0.0)
    >>> log = tn.training.CSVLog(path)
    >>> _ = tn.training.fit(model, tn.data.xor(), tn.nn.squared_error, optimizer, epochs=2, callbacks=[log])
    >>> with open(path) as file:
    ...     print(file.read())
    epoch,loss
    1,0.5
    2,0.5
    <BLANKLINE>

    """

    def __init__(self, path: Path) -> None:
        """Write to `path`."""
        self.path = path
        self._file: Any = None

    def begin(self, run: Run) -> None:
        """Open the file, and write what a run that goes on has measured before."""
        import csv  # here, so that importing the package stays cheap

        self._file = open(self.path, "w", newline="", encoding="utf-8")  # noqa: PTH123, SIM115 - closed in `end`
        self._writer = csv.writer(self._file, lineterminator="\n")
        for epoch in range(run.epoch):
            self._write(run, epoch)

    def after_epoch(self, run: Run) -> None:
        """Add a row."""
        self._write(run, run.epoch - 1)

    def end(self, run: Run) -> None:  # noqa: ARG002 - one signature for all callbacks
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, run: Run, epoch: int) -> None:
        columns = run.history.columns
        if not epoch:  # the names are known once something is measured
            self._writer.writerow(["epoch", *columns])
        self._writer.writerow([epoch + 1, *(values[epoch] for values in columns.values())])
        self._file.flush()


class TensorBoard(Callback):
    """Write the history and the learning rate as events for TensorBoard, by the library tensorboardX.

    Look at them with ``tensorboard --logdir`` and the folder.

    Args:
        folder: where the event files go; each run adds one.

    Raises:
        UnsupportedError: tensorboardX is not installed.

    """

    def __init__(self, folder: Path) -> None:
        """Write into `folder`."""
        try:
            import tensorboardX  # noqa: F401 - an optional extra: asked for now, not after the first epoch
        except ImportError as error:
            message = "TensorBoard: expected the library tensorboardX. Run pip install 'tinygrad_nn[tensorboard]'"
            raise UnsupportedError(message) from error
        self.folder = folder
        self._writer: Any = None

    def begin(self, run: Run) -> None:
        """Start an event file; epochs that a run which goes on will measure again are taken back."""
        import os

        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(os.fspath(self.folder), purge_step=run.epoch + 1 if run.epoch else None)

    def after_epoch(self, run: Run) -> None:
        """Add the numbers of an epoch."""
        for name, value in run.history.last().items():
            self._writer.add_scalar(name, value, run.epoch)
        self._writer.add_scalar("learning_rate", run.optimizer.lr, run.epoch)

    def end(self, run: Run) -> None:  # noqa: ARG002 - one signature for all callbacks
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
