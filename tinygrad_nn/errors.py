"""Every exception of the library, in one tree, so that a program can catch as much or as little as it means to.

    TinygradError
    ├── ShapeError              (ValueError)      shapes that do not fit together
    │   └── OutOfRangeError     (IndexError)      an index beyond the end of an axis
    ├── DtypeError              (TypeError)       a dtype that cannot carry what was asked of it
    ├── ArgumentError           (ValueError)      an argument outside its range or of the wrong kind
    ├── UnsupportedError        (TypeError)       a NumPy feature that has no gradient rule here
    ├── LinearAlgebraError      (LinAlgError)     a matrix for which a decomposition, or its gradient, does not exist
    ├── RuleError               (TypeError)       a primitive that is declared wrongly
    ├── BackwardError           (RuntimeError)    a backward pass that cannot be done
    │   ├── GraphReleasedError                    ... because an earlier one released the graph
    │   └── InPlaceError                          ... because a leaf changed after the graph was recorded
    ├── AnomalyError            (FloatingPointError)  a number that is not finite, found by `detect_anomaly`
    ├── TrainingError           (RuntimeError)    a training run that cannot go on
    ├── StateError              (KeyError)        a state dict that does not fit its model or optimizer
    ├── RenderError             (RuntimeError)    a picture that no layout engine could draw
    ├── GradientMismatch        (AssertionError)  a gradient check that failed
    └── BrokenPromise           (AssertionError)  a primitive that does not do what every primitive promises

Each one also is the built-in exception that a NumPy user would expect, so ``except ValueError`` keeps working.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class TinygradError(Exception):
    """Be the ancestor of every exception that this library raises on purpose."""


class ShapeError(TinygradError, ValueError):
    """Shapes that do not fit together.

    Most often a column ``(N, 1)`` has met a row ``(N,)``: NumPy would broadcast the two to ``(N, N)`` in silence.
    Mend it with ``y.reshape(-1, 1)`` or ``y[:, None]``.
    """


class OutOfRangeError(ShapeError, IndexError):
    """An index beyond the end of an axis, or more indices than there are axes."""


class DtypeError(TinygradError, TypeError):
    """A dtype that cannot carry what was asked: integers have no gradient, labels must be integers.

    Mend it with ``x.astype(float)`` or ``labels.astype(int)``.
    """


class ArgumentError(TinygradError, ValueError):
    """An argument outside its range or of the wrong kind; the message names what is allowed."""


class UnsupportedError(TinygradError, TypeError):
    """A NumPy function, or an option of one, that has no gradient rule here.

    The message names a near function that has one. ``t.numpy()`` leaves the graph where no gradient is wanted.
    """


class LinearAlgebraError(TinygradError, np.linalg.LinAlgError):
    """A matrix for which a decomposition, or its gradient, does not exist: singular, or with repeated eigenvalues.

    Where only the eigenvalues matter, `numpy.linalg.eigvalsh` has a gradient; a little noise on the diagonal helps too.
    """


class RuleError(TinygradError, TypeError):
    """A primitive that is declared wrongly: what its function returns does not fit its operands."""


class BackwardError(TinygradError, RuntimeError):
    """A backward pass that cannot be done; the message names the operation and the line that recorded it."""


class GraphReleasedError(BackwardError):
    """A second ``backward()`` over a graph whose arrays the first one released.

    Mend it by computing the loss again, or with ``loss.backward(retain_graph=True)`` the first time.
    """


class InPlaceError(BackwardError):
    """A leaf that changed between the forward and the backward pass, so that the gradient would be wrong.

    Mend it by calling ``backward()`` before ``optimizer.step()`` or before you write into ``tensor.data``.
    """


class AnomalyError(TinygradError, FloatingPointError):
    """A number that is not finite, found inside of `detect_anomaly`; ``anomaly`` holds where it came from, and why.

    The message is the text of the anomaly, with its cause and what to do.
    """

    def __init__(self, anomaly: Any) -> None:
        """Carry `anomaly`, whose text is the message."""
        super().__init__(str(anomaly))
        self.anomaly: Any = anomaly  # an `anomaly.Anomaly`, which lives in a room above this one


class TrainingError(TinygradError, RuntimeError):
    """A training run that cannot go on, such as one whose loss is no longer a finite number."""


class StateError(TinygradError, KeyError):
    """A state dict with missing or unexpected keys; the message lists them."""

    def __str__(self) -> str:
        """Return the message itself: ``KeyError`` would show it quoted and escaped."""
        return str(self.args[0]) if self.args else ""


class RenderError(TinygradError, RuntimeError):
    """A picture that no layout engine could draw; the message names the one command that installs one."""


class GradientMismatch(TinygradError, AssertionError):  # noqa: N818 - named for what was found, as AssertionError is
    """A gradient check that failed; ``report`` holds what was compared."""

    def __init__(self, report: object) -> None:
        """Carry `report`, whose text is the message."""
        super().__init__(str(report))
        self.report = report


class BrokenPromise(TinygradError, AssertionError):  # noqa: N818 - named for what was found, as AssertionError is
    """A primitive that does not do what every primitive promises, as `testing.check_primitive` found out.

    Attributes:
        promise: the name of what is broken, such as ``"gradient of order 2"``.
        case: the `testing.Case` that shows it, the smallest that was found.
        detail: what was expected and what came.

    """

    def __init__(self, subject: str, promise: str, case: Any, detail: str) -> None:
        """Say which promise `subject` broke, how, and with which call."""
        call = case.code(subject)
        super().__init__(f"{subject}: broken promise: {promise}\n{detail}\n\nshown by\n    {call}")
        self.promise = promise
        self.case = case
        self.detail = detail
